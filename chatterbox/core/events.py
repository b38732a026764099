"""An event is what happens in a room: somebody joins, says, types, finishes, leaves. A room changes by these alone.

This module lists them, says what a room needs of a peer, and what an observer is told. It does not know what an event
leads to: that is `room`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..wire.dialects import Dialect, Message
from ..wire.numbered import Numbered
from ..wire.places import written


class Address(NamedTuple):
    """Where the other end of a connection is; ("", 0) where there is no such place, as on a unix socket."""

    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        """Return it as people write it: an IPv6 host in brackets."""
        return written(self.host, self.port) if self.host else "this machine"


NO_EXTRAS: dict[str, object] = {}
"""What a welcome says beside the usual to a plain peer, and to a session that has been welcomed: one for all."""


class Member(Protocol):
    """What a room needs of a peer."""

    name: str
    wanted_name: str
    wanted_room: str
    """The name that it asked for; an empty string where it takes any."""
    dialect: Dialect
    finished: bool
    """Whether it has closed its sending half, and only listens."""
    address: Address
    stream: str
    """What it is called in numbers and receipts: new for each conversation."""
    session: bool
    """Whether it numbers its lines itself, and may lose its link and come back."""
    listens: bool
    """Whether it wants to hear anything."""
    extras: dict[str, object]
    """What its next welcome says beside the usual."""
    live: bool
    """Whether a session wants to see drafts."""
    kept_until: str
    """Until when the seat of one who is away is kept, as people read it."""
    has_all: bool
    """Whether it has said that all was said and shown at both ends."""

    @property
    def away(self) -> bool:
        """Whether it has no link for now, and its seat is kept."""

    @property
    def bulk(self) -> bool:
        """Whether it says more at once than fingers type."""

    @property
    def backed_up(self) -> bool:
        """Whether bytes wait for it."""

    @property
    def full(self) -> bool:
        """Whether more waits for it than should."""

    def hear(self, data: bytes) -> None:
        """Deliver bytes in its dialect."""

    def tell(self, message: Message) -> None:
        """Deliver a message."""

    def hear_from(self, speaker: Member, data: bytes) -> None:
        """Deliver bytes that are `speaker`'s words in its dialect; `speaker` is told if they don't arrive."""

    def speak_past_room(self, hearer: Member | None) -> None:
        """Let `hearer` hear its plain lines as they come, and don't ask the room; None: ask again."""

    @property
    def owes(self) -> bool:
        """Whether words that were said to it are not acknowledged."""

    def finish_late(self) -> None:
        """Finish again, after the time in which a machine acknowledges."""

    def look(self) -> bool:
        """Ask the system whether its link still lives; it leaves if not. Return whether it does."""

    def debts(self, leaver: Member | None = None) -> tuple[Undelivered, ...]:
        """Return what a `leaver`, and those who have finished, said to it and is not acknowledged, once."""

    def miss(self, name: str, why: str, leaver: Member) -> None:
        """Take it that its partner `name` has left: what it is in the middle of saying is for nobody."""

    def hold(self) -> None:
        """Stop reading what it says, until released."""

    def release(self) -> None:
        """Go on reading."""

    def wait(self) -> None:
        """Stop reading for a short while at the most."""

    def stall(self) -> None:
        """Stop reading what a session says, while others have yet to meet it, or to part from it."""

    def go_on(self) -> None:
        """Read on: they have."""

    def meet(self, other: Member) -> None:
        """Speak to `other` from now on, in numbers, or again."""

    def part(self, other: Member, why: str) -> None:
        """Take it that `other` is gone, or away for now (`away`)."""

    def heed(self, speaker: Member, label: bytes, thing: Numbered, rendered: dict[Dialect, bytes]) -> None:
        """Deliver something numbered that `speaker` says, if it is the next of its kind; `rendered`: once a dialect."""

    def speak(self, kind: str, block: bytes, to: str = "") -> None:
        """Say something in numbers, which the hub gives in its place."""

    def acknowledged(self, by: Member, n: int, private: bool) -> None:
        """Take it that the end `by` has shown its lines up to `n`."""

    def last_got(self, stream: str) -> int:
        """Return the last number that it has got of the end `stream`."""

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
    """A peer has closed its sending half; or so long ago that its partner's machine has had time (`is_late`)."""

    peer: Member
    is_late: bool = False


class Parted(NamedTuple):
    """A peer says the mode's farewell word."""

    peer: Member
    word: str


class Undelivered(NamedTuple):
    """Lines of one speaker that a hearer didn't get (`sure`), or perhaps didn't: `size` bytes aren't acknowledged."""

    speaker: Member
    lines: int
    sure: bool
    size: int = 0


class Left(NamedTuple):
    """A peer is gone, for one word of the closed set, and what was said to it may not have arrived."""

    peer: Member
    why: str
    undelivered: tuple[Undelivered, ...] = ()


class Sent(NamedTuple):
    """A peer says something numbered."""

    peer: Member
    thing: Numbered


class Away(NamedTuple):
    """A session has lost its link; its seat is kept."""

    peer: Member


class Back(NamedTuple):
    """A session has a link again, and perhaps another name."""

    peer: Member
    name: str = ""


RoomEvent = Sent | Away | Back | Joined | Began | Said | Typed | Did | Told | Renamed | Finished | Parted | Left


HUB_ENDS = frozenset({"shutdown", "ended"})
"""The words with which a hub ends everybody's stay: nobody is told that the others leave."""

# -- what observers are told --------------------------------------------------------------------------------------


class Site(Protocol):
    """What an observer may ask of the room in which something happened."""

    name: str
    members: dict[Member, bytes]
    """Each member's label, in order of joining."""


class Happening(NamedTuple):
    """Something happened in a room: the event, after it took effect (`Left` before the label is forgotten)."""

    room: Site
    event: RoomEvent


class Seated(NamedTuple):
    """A new peer has its first seat."""

    room: str
    peer: Member


class Gone(NamedTuple):
    """A seated peer is gone for good, for one word of the closed set."""

    room: str
    peer: Member
    why: str


class Refused(NamedTuple):
    """A connection ended before it had a seat."""

    address: Address
    why: str


class Staged(NamedTuple):
    """A mode's script is at `ready`, `closing` or `done`; or the first conversation has ended: `over`."""

    point: str
    names: tuple[str, ...] = ()


News = Happening | Seated | Gone | Refused | Staged


class Observer(Protocol):
    """Who is told what happens: the log, the console, later a counter. It changes nothing."""

    def happened(self, news: News) -> None:
        """Take note of `news`."""
