"""Seating is how a peer comes to its place: where the room lives is asked, and the answer may take its time.

On one machine the answer comes at once (`Here`); on several an engine gives it. This module does not know rooms' rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..wire.dialects import notice
from .events import Member
from .link import Link
from .peer import Peer, Place


class Home(NamedTuple):
    """Where a room lives: at `place`, or nowhere that can be reached (`fault`); with neither it lives in this hub."""

    place: Place | None = None
    fault: str = ""


HERE = Home()
"""The answer of a hub that is alone."""


class Homes(Protocol):
    """Who knows where rooms live."""

    def find(self, room: str, then: Callable[[Home], None]) -> Callable[[], None]:
        """Ask where `room` lives.

        Returns:
            What cancels the question; `then` is called once, now or later, or never after that.
        """

    def release(self, room: str) -> None:
        """Take it that nobody in this hub needs `room` to live here any more."""


class Here:
    """The homes of a hub that is alone: every room lives in it."""

    def find(self, room: str, then: Callable[[Home], None]) -> Callable[[], None]:
        """Answer at once."""
        then(HERE)
        return _nothing

    def release(self, room: str) -> None:
        """Do nothing: nobody else wants it."""


def _nothing() -> None:
    """Cancel a question that is answered already."""


class Door(Protocol):
    """What is knocked at: a room without a free seat, in which somebody only listens."""

    @property
    def has_seat(self) -> bool:
        """Whether one more may join."""

    @property
    def listeners(self) -> list[Member]:
        """Members who only listen, and may be gone."""


class Knock:
    """The question whether those who only listen in a full room are still there, as if it were where the room lives.

    A killed program can't be told from one that listens until something is written to it: then a reset is the answer.
    Meanwhile the newcomer waits, for as long as a machine takes to answer.

    Args:
        door: the room.
        link: the newcomer's, which knows time.
    """

    def __init__(self, door: Door, link: Link) -> None:
        self._door = door
        self._link = link

    def find(self, room: str, then: Callable[[Home], None]) -> Callable[[], None]:
        """Answer when it is known; whether there is a seat then is the room's to say."""
        if self._look():
            then(Home())
            return _nothing
        for member in self._door.listeners:
            member.tell(notice("somebody asks for a seat"))

        def answer() -> None:
            self._look()
            then(Home())

        return self._link.knock(answer)

    def _look(self) -> bool:
        """Let those leave of whom the system knows by now that they are gone; return whether there is a seat."""
        for member in self._door.listeners:
            member.look()
        return self._door.has_seat

    def release(self, room: str) -> None:
        """Do nothing."""


class Seeking:
    """One peer's question where a room lives; the peer isn't read meanwhile.

    Args:
        homes: who is asked.
        peer: who wants to sit there.
        room: the name of the room.
        then: called with the answer, unless the peer is gone by then.
        give_up: called with a sentence where the answer took too long.
    """

    __slots__ = ("_cancel", "_give_up", "_is_over", "_peer", "_then")

    def __init__(
        self, homes: Homes, peer: Peer, room: str, then: Callable[[Home], None], give_up: Callable[[str], None]
    ) -> None:
        self._peer = peer
        self._then = then
        self._give_up = give_up
        self._is_over = False
        self._cancel = homes.find(room, self._found)
        if not self._is_over:
            peer.search = self
            if peer.link:
                peer.link.seeking()

    def _found(self, home: Home) -> None:
        if not self._is_over:
            self._end()
            self._then(home)

    def cancel(self) -> None:
        """Forget the question: nobody sits down."""
        if not self._is_over:
            self._end()
            self._cancel()

    def fail(self, text: str) -> None:
        """Give up waiting for the answer, and say `text` to the peer."""
        if not self._is_over:
            self.cancel()
            self._give_up(text)

    def _end(self) -> None:
        self._is_over = True
        if self._peer.search is self:
            self._peer.search = None
            if self._peer.link:
                self._peer.link.release("seat")
