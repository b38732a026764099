"""An event is what happens in a room: somebody joins, says, types, finishes, leaves. Rooms change by these alone.

This module is the list of them, and of what a room needs of a peer. It does not know what they lead to: that is `room`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..wire.dialects import Dialect


class Member(Protocol):
    """What a room needs of a peer."""

    name: str
    wanted: str
    dialect: Dialect
    finished: bool
    """Whether it has closed its sending half, and only listens."""

    pumps: bool
    """Whether it says more than fingers type."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the other end; ("", 0) where there is none."""

    @property
    def backed_up(self) -> bool:
        """Whether bytes wait for it."""

    @property
    def full(self) -> bool:
        """Whether more waits for it than should."""

    def hear(self, data: bytes) -> None:
        """Deliver bytes in its dialect."""

    def hold(self) -> None:
        """Stop reading what it says, until released."""

    def release(self) -> None:
        """Go on reading."""

    def wait(self) -> None:
        """Stop reading for a short while at the most."""

    def say_again(self, block: bytes) -> None:
        """Say, in a turn of its own, lines that were held."""

    def end(self, why: str, text: str = "") -> None:
        """Hang up on it, with a spoken reason where `text` is given."""


class Joined(NamedTuple):
    """A peer takes its seat."""

    peer: Member


class Began(NamedTuple):
    """The first bytes of a peer's message have come, and its end hasn't."""

    peer: Member


class Said(NamedTuple):
    """A peer says a block: whole clean lines, each with its newline."""

    peer: Member
    block: bytes


class Typed(NamedTuple):
    """A peer types: clean keys, not yet a line."""

    peer: Member
    keys: bytes


class Did(NamedTuple):
    """A peer does something (`/me`)."""

    peer: Member
    text: str


class Told(NamedTuple):
    """A peer says something to one other (`/msg`)."""

    peer: Member
    to: Member
    text: str


class Renamed(NamedTuple):
    """A peer takes another name, which is free."""

    peer: Member
    name: str


class Finished(NamedTuple):
    """A peer has closed its sending half."""

    peer: Member


class Parted(NamedTuple):
    """A peer says the mode's farewell word."""

    peer: Member
    word: str


class Left(NamedTuple):
    """A peer is gone, for one word of the closed set."""

    peer: Member
    why: str


RoomEvent = Joined | Began | Said | Typed | Did | Told | Renamed | Finished | Parted | Left
