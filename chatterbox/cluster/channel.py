"""A channel is a visitor at the owner: the transport of a peer whose connection ends at another node.

What it said is handed on one event at a time, and each is confirmed with the very POST that carries what it led to; so
an owner may die at any time, and what was not confirmed is said again elsewhere. A channel does not know engines or
rooms.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from . import frames
from .engine import Later
from .frames import Opening, Place, Send
from .visit import WINDOW, nothing

NOWHERE = Place()


class Far(Protocol):
    """The owner's end of a visitor: a peer and what carries its bytes, which is a Channel."""

    @property
    def place(self) -> Place:
        """Where it sits, and beside whom, whatever it is told; NOWHERE before."""

    @property
    def gone(self) -> str:
        """The word for which it ended."""

    @property
    def is_waiting(self) -> bool:
        """Whether something that it said waits: to be handled, for a partner, or for a hearer who is slow."""

    @property
    def is_behind(self) -> bool:
        """Whether something that was said to it waits here, and isn't given to its channel."""

    @property
    def steps_a_turn(self) -> int:
        """How many events the room takes from it in one turn."""

    def end(self, why: str, text: str = "") -> None:
        """Hang up on it, with a spoken reason where `text` is given."""

    def sit(self) -> None:
        """Take the seat that it came for, or be told why not."""

    def speak(self, dialect: str) -> None:
        """It speaks otherwise from now on."""

    def begin(self) -> None:
        """The first bytes of its message have come, and their end hasn't."""

    def live(self) -> None:
        """Its machine has heard from it, though it said nothing to the room."""

    def share_of(self, block: bytes) -> int:
        """Return how many bytes of `block` the room takes as one event: at least a line, or all of what is none."""

    def receive(self, block: bytes) -> None:
        """It sent `block`."""

    def finish(self) -> None:
        """It has closed its sending half."""

    def lost(self, why: str) -> None:
        """It is gone."""

    def miss(self, partner: str, stream: str, is_told: bool) -> None:
        """Its partner hasn't come back to the room: go on without; it `is_told` where that one had left before."""

    def pause(self) -> None:
        """It doesn't take what is written."""

    def resume(self) -> None:
        """It has taken what was written."""


class Channel:
    """A visitor at the owner: the transport of an ordinary peer.

    Args:
        node: where the guest is.
        number: the channel's number there.
        opening: who it is.
        send: says a frame to that node.
        later: call a function after so many seconds.
        when_closed: called once, when it is over, and whether it was the owner who hung up.
        when_said: called whenever something may have to be confirmed with the next post.
    """

    def __init__(
        self,
        node: str,
        number: int,
        opening: Opening,
        send: Send,
        later: Later,
        when_closed: Callable[[Channel, bool], None],
        when_said: Callable[[Channel], None],
    ) -> None:
        self.node = node
        self.number = number
        self.opening = opening
        self.far: Far | None = None
        """The peer, once it may have a seat."""
        self.is_muted = False
        """Whether what it says waits until all are back in the room."""
        self.is_closed = False
        self.cancel: Callable[[], None] = nothing
        """Ask no more whether the room lives here."""
        self._send = send
        self._later = later
        self._when_closed = when_closed
        self._when_said = when_said
        self._queue: deque[bytes] = deque()
        """What came and is not yet handed to the peer."""
        self._is_reading = True
        self._is_feeding = self._feeds_later = False
        self._received = self._handled = self._confirmed = 0
        self._sent = self._taken = 0
        self._acknowledged = 0
        self._is_paused = False
        self._place = NOWHERE
        self._early: list[bytes] = []
        """What was said to it before it was known whether it stays."""
        self._end: str | None = None
        """What comes behind all that it said: "" where it has finished, else the word for which it is gone."""

    @property
    def room(self) -> str:
        """The room where it sits, or wants to."""
        return (self.far and self.far.place.room) or self.opening.room

    # -- what comes from the guest -----------------------------------------------------------------------------

    def hear(self, kind: bytes, data: bytes) -> None:
        """A frame came."""
        if kind == frames.SAY:
            self.receive(data)
        elif kind == frames.FINISHED:
            self.end("")
        elif kind == frames.GONE:
            self.end(data.decode(errors="replace") or "lost")
        elif kind == frames.TAKEN:
            self.take(data)
        elif kind == frames.BEGAN and self.far:
            self.far.begin()
        elif kind == frames.LIVES and self.far:
            self.far.live()
        elif kind == frames.SPEAK and self.far:
            self.far.speak(data.decode(errors="replace"))

    def receive(self, block: bytes) -> None:
        """The guest said `block`."""
        self._queue.append(block)
        self.feed()

    def end(self, why: str) -> None:
        """The guest is gone, or, if `why` is empty, only has finished, behind all that it said."""
        self._end = why
        if why:
            self._is_reading = not self.is_muted
        self.feed()

    def feed(self) -> None:
        """Hand on what the guest said, one event at a time, each when the one before it is handled; a share in a turn.

        What is handled in several steps could be cut short between two of them, and be said again as a whole.
        """
        if self._is_feeding or self._feeds_later or self.far is None:
            return
        self._is_feeding = True
        steps = self.far.steps_a_turn
        while self._queue and steps and self._may_feed():
            steps -= 1
            block = self._queue.popleft()
            share = self.far.share_of(block)
            if share < len(block):
                self._queue.appendleft(block[share:])
            self._received += share
            self.far.receive(block[:share])
            self.mark()
        self._is_feeding = False
        if self._may_feed() and (self._queue or not steps):
            self._feed_later()
        if self._end is not None and not self._queue and not self.is_closed and not self.is_muted:
            why, self._end = self._end, None
            self._finish(why)

    def _feed_later(self) -> None:
        if not self._feeds_later:
            self._feeds_later = True
            self._later(0, self._feed_on)

    def _feed_on(self) -> None:
        self._feeds_later = False
        self.feed()

    def _may_feed(self) -> bool:
        return (self._is_reading or bool(self._end)) and not (self.is_muted or self.is_closed)

    def _finish(self, why: str) -> None:
        assert self.far is not None
        if why:
            self.lose(why)
        else:
            self.far.finish()

    def lose(self, why: str) -> None:
        """The guest is gone."""
        if not self.is_closed:
            self._close(False)
            if self.far:
                self.far.lost(why)

    def take(self, data: bytes) -> None:
        """The guest has taken so many bytes, and its machine has acknowledged so many."""
        if len(data) != frames.TOTALS.size:
            return
        taken, acknowledged = frames.TOTALS.unpack(data)
        self._taken = max(self._taken, min(taken, self._sent))
        self._acknowledged = max(self._acknowledged, min(acknowledged, self._sent))
        if self._is_paused and self.on_their_way <= WINDOW:
            self._is_paused = False
            if self.far:
                self.far.resume()

    @property
    def unacknowledged(self) -> int:
        """Bytes that the guest's machine hasn't acknowledged."""
        return self._sent - self._acknowledged

    @property
    def on_their_way(self) -> int:
        """Bytes that the guest hasn't taken."""
        return self._sent - self._taken

    @property
    def unconfirmed(self) -> int:
        """Bytes that are handled, and the guest's node doesn't know it."""
        return self._handled - self._confirmed

    @property
    def waits(self) -> bool:
        """Whether something that came isn't handed to the peer yet."""
        return bool(self._queue)

    # -- what belongs to a post --------------------------------------------------------------------------------

    def mark(self) -> None:
        """All that was handed on is handled, unless something of it waits: for its turn, a partner, a slow hearer."""
        if self.far and self._handled < self._received and not self.far.is_waiting:
            self._handled = self._received
        self._when_said(self)

    def complete(self) -> bool:
        """Say what belongs to the post that leaves now; return whether all that came is confirmed."""
        if self.is_closed or self.far is None:
            return True
        self.mark()
        self._tell_place(self.far)
        hasnt_heard = self._place.left and self._place.partner  # what that one didn't take, say: it waits here, too
        if self._handled > self._confirmed and not hasnt_heard:
            self._confirmed = self._handled
            self._send(frames.HANDLED, self.number, frames.TOTAL.pack(self._handled))
        return self._confirmed == self._received and not self._queue

    def _tell_place(self, far: Far) -> None:
        """Tell its machine where the guest sits, if that has changed, and whether the guest itself isn't told yet."""
        place, before = far.place, self._place
        if place == before or not place.room:
            return
        is_same_seat = (place.room, place.name, place.wish) == (before.room, before.name, before.wish)
        if is_same_seat and (place.partner, place.stream) != (before.partner, before.stream) and far.is_behind:
            place = place._replace(partner=before.partner, stream=before.stream, left="left")
        if place != before:
            self._place = place
            self._send(frames.PLACE, self.number, place.encode())

    # -- as the peer's transport -------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send `data`, and ask for no more while the guest hasn't taken a window of it."""
        if self.is_closed:
            return
        if self._may_go_back:
            self._early.append(data)
            return
        early, self._early = self._early, []
        for block in (*early, data):
            self._sent += len(block)
            self._send(frames.HEAR, self.number, block)
        self._when_said(self)
        if self.on_their_way > WINDOW and not self._is_paused and self.far:
            self._is_paused = True
            self.far.pause()

    def write_all(self, data: Iterable[bytes]) -> None:
        """Send all of `data`, as if it were one."""
        self.write(b"".join(data))

    def close(self) -> None:
        """Close: all that was written travels before it."""
        if not self.is_closed:
            why = self.far.gone if self.far else ""
            self.complete()
            self._send(frames.REFUSED if self._may_go_back else frames.CLOSE, self.number, (why or "quit").encode())
            self._close(True)

    def move(self, room: str, came_from: str) -> None:
        """Send the guest to another room, which lives elsewhere: what it said behind that is said there."""
        if not self.is_closed:
            self._handled = self._received  # the last line that was handed on is the one that asked for it
            self.complete()
            self._send(frames.MOVE, self.number, json.dumps((room, came_from)).encode())
            self._close(True)

    @property
    def _may_go_back(self) -> bool:
        """Whether the guest has left another room for this one, and has no seat here yet."""
        return bool(self.opening.came_from) and not self._place.room and not (self.far and self.far.place.room)

    def pause_reading(self) -> None:
        """Hand on nothing more."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """What was handed on is handled; go on, in a turn of its own, as a socket does."""
        self._is_reading = True
        self.mark()
        if self._queue or self._end is not None:
            self._feed_later()

    def ignore_producer(self) -> None:
        """Who writes is told to pause through `far`."""

    writeSequence = write_all
    loseConnection = abortConnection = close
    pauseProducing, resumeProducing, unregisterProducer = pause_reading, resume_reading, ignore_producer

    def _close(self, has_hung_up: bool) -> None:
        self.is_closed = True
        self._queue.clear()
        self.cancel()
        self._when_closed(self, has_hung_up)
