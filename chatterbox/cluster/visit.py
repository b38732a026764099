"""A visit is a seat in a room that lives on another machine, as the guest's own node sees it.

What the guest says travels raw and is kept until the owner has handled it; if the owner dies it is said again to the
next one. What the guest hears is ready in its dialect. Each way has a window, so that nobody fills another's memory.
A visit does not know engines, nodes' lives, or how rooms are found; at the owner it is a `Channel`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from . import frames
from .frames import Opening, Place, Send

KIB = 1024
WINDOW = 64 * KIB
"""Bytes on their way each way for one visitor, not yet handled or taken (one read; SSH and HTTP/2 begin there, too)."""


class Neighbour(Protocol):
    """One end, at its own node."""

    def tell(self, text: str) -> None:
        """Deliver a notice."""

    def end(self, why: str, text: str = "") -> None:
        """Hang up on it, with a spoken reason where `text` is given."""


class Guest(Neighbour, Protocol):
    """One end that visits a room elsewhere."""

    @property
    def is_full(self) -> bool:
        """Whether more waits for it than should."""

    @property
    def written(self) -> int:
        """Bytes that were ever written to it."""

    @property
    def acknowledged(self) -> int:
        """How many of them its machine has, as far as the system tells."""

    def hear(self, data: bytes) -> None:
        """Deliver bytes in its dialect."""

    def hold(self, reason: str) -> None:
        """Stop reading what it says, for one reason more."""

    def release(self, reason: str) -> None:
        """Go on reading, unless there is another reason not to."""

    def refuse(self, text: str) -> None:
        """Say why it can't be where it wanted to go."""

    def seated(self, room: str, name: str, wish: str) -> None:
        """It sits in `room`, is called `name` there, and has asked to be called `wish`."""

    def come_home(self, room: str, had: str, said: bytes, has_finished: bool) -> None:
        """Take a seat in `room`, which lives here now, as who it `had` been there; say `said` before anything else."""

    def hello_beside(self, partner: str) -> str:
        """Return its session's hello as it would be now, beside the session that is called `partner` in numbers."""

    def tell_left(self, partner: str, stream: str) -> None:
        """Tell it that `partner` has left: the owner that was to say so is gone."""

    def miss(self, partner: str, stream: str, is_told: bool) -> None:
        """Go on without `partner`, who isn't in the room any more: nobody else hears what was said to it."""


class Visit:
    """One guest's seat elsewhere, as its own node sees it.

    Args:
        guest: whose seat it is.
        opening: where it wants to sit, and as who.
    """

    def __init__(self, guest: Guest, opening: Opening) -> None:
        self.guest = guest
        self.opening = opening
        self.owner = ""
        """The node where the room lives; empty while that is being asked."""
        self.number = 0
        """This opening's channel."""
        self.tries = 0
        """How often in a row an owner said that the room isn't its."""
        self.is_seated = False
        """Whether it ever had the seat."""
        self.taken = 0
        """Bytes heard in this opening that the guest has taken."""
        self.confirmed = (0, 0)
        """How many of them the owner knows of, and how many that the guest's machine has acknowledged."""
        self._send: Send = _nowhere
        self._said: deque[bytes] = deque()
        """What the owner hasn't handled."""
        self._size = 0
        self._handled = 0
        self._has_finished = self._is_held = self._is_to_tell = False
        self._heard = 0
        self._doubtful: set[str] = set()
        """Owners that were taken for dead, and may have handled what was said again elsewhere."""
        self._unacknowledged: deque[tuple[int, int]] = deque()
        """Bytes heard, and bytes written to the guest by then, for what its machine hasn't acknowledged."""
        self.cancel: Callable[[], None] = nothing
        """Ask no more where the room lives."""

    # -- the way there -----------------------------------------------------------------------------------------

    def open(self, owner: str, number: int, send: Send) -> None:
        """Ask `owner` for a seat, and say what was not handled elsewhere."""
        self.owner, self.number, self._send = owner, number, send
        self.taken = self._heard = self._handled = 0
        self.confirmed = (0, 0)
        self._unacknowledged.clear()
        send(frames.OPEN, number, self.opening.encode())
        for block in self._said:
            send(frames.SAY, number, block)
        if self._has_finished:
            send(frames.FINISHED, number, b"")

    def lose_owner(self) -> None:
        """The owner is gone, or isn't the owner: what is said waits."""
        self.owner = ""
        self._send = _nowhere
        self.opening = self.opening._replace(is_back=self.is_seated, is_left=self.opening.is_left or self._is_to_tell)
        if self._is_to_tell:
            self._is_to_tell = False
            self.guest.tell_left(self.opening.partner, self.opening.stream)

    def owner_died(self) -> None:
        """The owner was taken for dead. A session may say again what was heard there: it numbers what it says."""
        if self._said and not self.opening.session:
            self._doubtful.add(self.owner)

    def may_have_said_at(self, owner: str) -> bool:
        """Whether what is still to be said may have been heard at `owner`, which lives after all."""
        return owner in self._doubtful

    def move(self, room: str, came_from: str) -> None:
        """The guest wants to be in `room`, and has given up its seat."""
        self.is_seated = False
        self.tries = 0
        self.opening = self.opening._replace(room=room, had="", came_from=came_from)
        self.opening = self.opening._replace(partner="", stream="", is_left=False)
        self.opening = self.opening._replace(session=self.guest.hello_beside(""))

    def refused(self, why: str) -> None:
        """There is no seat for the guest where it went: it goes back, and what it said behind that is said there."""
        room, name = self.opening.room, self.opening.name
        fault = f"the name {name} is taken" if why == "kicked" else f"room {room} has no free seat"
        self.guest.refuse(f"not moved: {fault}")
        self.move(self.opening.came_from, "")

    def come_home(self) -> tuple[bytes, bool]:
        """The room lives here now: return what the guest says again, and whether it has finished behind that."""
        self.lose_owner()
        said = b"".join(self._said)
        self._said.clear()
        self._size = 0
        self._release()
        return said, self._has_finished

    # -- what the guest does -----------------------------------------------------------------------------------

    def say(self, block: bytes) -> None:
        """The guest says `block`, as it was received."""
        self._said.append(block)
        self._size += len(block)
        self._send(frames.SAY, self.number, block)
        if self._size > WINDOW and not self._is_held:
            self._is_held = True
            self.guest.hold("visit")

    def begin(self) -> None:
        """The first bytes of a message have come."""
        self._send(frames.BEGAN, self.number, b"")

    def live(self) -> None:
        """The guest has asked whether it is heard, and its own machine has answered."""
        self._send(frames.LIVES, self.number, b"")

    def speak(self, dialect: str) -> None:
        """The guest speaks otherwise from now on."""
        if dialect != self.opening.dialect:
            self.opening = self.opening._replace(dialect=dialect)
            self._send(frames.SPEAK, self.number, dialect.encode())

    def finish(self) -> None:
        """The guest has closed its sending half."""
        self._has_finished = True
        self._send(frames.FINISHED, self.number, b"")

    def leave(self, why: str) -> None:
        """The guest is gone: what its machine had by then is told before."""
        self.confirm()
        self._send(frames.GONE, self.number, why.encode())
        self._send = _nowhere

    @property
    def unconfirmed(self) -> int:
        """Bytes that the guest has taken, and the owner doesn't know it."""
        return self.taken - self.confirmed[0]

    def drained(self) -> None:
        """The guest has taken all that waited for it."""
        self.taken = self._heard

    # -- what the owner says -----------------------------------------------------------------------------------

    def hear(self, data: bytes) -> None:
        """Deliver what the room says."""
        self._heard += len(data)
        self.guest.hear(data)
        self._unacknowledged.append((self._heard, self.guest.written))
        if not self.guest.is_full:
            self.drained()

    def confirm(self, is_in_haste: bool = False) -> bool:
        """Tell the owner how much the guest has taken; return whether its machine has acknowledged all of it.

        Where it `is_in_haste` that isn't asked now, which takes two calls of the system.
        """
        _, acknowledged = self.confirmed
        limit = self.guest.acknowledged if self._unacknowledged and not is_in_haste else 0
        while self._unacknowledged and self._unacknowledged[0][1] <= limit:
            acknowledged = self._unacknowledged.popleft()[0]
        if (self.taken, acknowledged) != self.confirmed:
            self.confirmed = self.taken, acknowledged
            self._send(frames.TAKEN, self.number, frames.TOTALS.pack(*self.confirmed))
        return not self._unacknowledged

    def seated(self, place: Place) -> None:
        """It sits there, as who and beside whom `place` says: so it comes back, if it must."""
        self.is_seated = True
        self.tries = 0
        self._is_to_tell = bool(place.left and place.partner)
        self.opening = self.opening._replace(room=place.room, name=place.wish, had=place.name, came_from="")
        self.opening = self.opening._replace(partner=place.partner, stream=place.stream, is_left=False)
        self.guest.seated(place.room, place.name, place.wish)
        self.opening = self.opening._replace(session=self.guest.hello_beside(place.session))

    def handled(self, data: bytes) -> None:
        """The owner has handled so many bytes, and what they led to is said."""
        more = min(max(0, frames.total_of(data) - self._handled), self._size)
        self._handled += more
        self._size -= more
        while more and self._said:
            block = self._said.popleft()
            if len(block) > more:
                self._said.appendleft(block[more:])
            more = max(0, more - len(block))
        if self._size <= WINDOW:
            self._release()

    def _release(self) -> None:
        if self._is_held:
            self._is_held = False
            self.guest.release("visit")


def nothing() -> None:
    """There is nothing to cancel."""


def _nowhere(kind: bytes, number: int, data: bytes) -> None:
    """While there is no owner nothing is said to it; what has to be said is kept."""
