"""A link is what carries one peer's bytes, both ways: all that a peer asks of its connection.

It may be missing, and may be replaced, which the peer outlives. This module does not know what a connection is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..wire.dialects import Dialect
from ..wire.numbered import Numbered
from .events import Member, Undelivered


class Inbound(Protocol):
    """The way from the other end."""

    bulk: bool
    """Whether the last read was more than fingers type."""


class Outbound(Protocol):
    """The way to the other end."""

    paused: bool
    """Whether bytes wait for it."""
    full: bool
    """Whether more waits than should."""

    @property
    def owes(self) -> bool:
        """Whether words that were said to it are not acknowledged."""

    def write(self, data: bytes) -> None:
        """Send `data`, in order, some time."""

    def write_from(self, speaker: Member, data: bytes) -> None:
        """Send `data`, which are `speaker`'s words, and take note whose they are."""

    def settle(self, why: str, leaver: Member | None = None) -> tuple[Undelivered, ...]:
        """Return what hasn't arrived of what was said, as far as that can be told now: the peer leaves for `why`."""


class Link(Protocol):
    """What carries one peer's bytes, both ways, bounded."""

    @property
    def inlet(self) -> Inbound:
        """The way from the other end."""

    @property
    def outlet(self) -> Outbound:
        """The way to the other end."""

    def finish_late(self) -> None:
        """Finish again, after the time in which a machine acknowledges."""

    def look(self) -> bool:
        """Ask the system whether the link still lives; it is lost if not. Return whether it does."""

    def miss(self, name: str, why: str, leaver: Member | None) -> None:
        """Say to nobody what is on its way: the partner `name` has left; who may have heard it is no `leaver`."""

    def knock(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call once, after the time in which a machine answers; return what cancels that."""

    def hold(self, reason: str) -> None:
        """Stop reading, for one reason more."""

    def release(self, reason: str) -> None:
        """Go on reading, unless there is another reason not to."""

    def wait(self) -> None:
        """Stop reading for the blink in which a hearer who is alive catches up."""

    def speak_past_room(self, hearer: Member | None) -> None:
        """Let `hearer` hear plain lines as they come, and don't ask the room; None: ask again."""

    def seeking(self) -> None:
        """Wait for the answer where the wanted room lives, for a limited time."""

    def seated(self) -> None:
        """Read on as who has a seat."""

    def say_no_more(self) -> None:
        """Take it that the other end has finished, though its link is open: it may still ask, and leave."""

    def acknowledged_by(self, other: Member, n: int, private: bool) -> None:
        """Take it that `other` has shown the peer's lines up to `n`."""

    def speak_for(self, kind: str, block: bytes, to: str) -> None:
        """Say something in numbers in the peer's place."""

    def meet(self, other: Member) -> None:
        """Speak to `other` in numbers from now on, or again, in the peer's place."""

    def part(self, other: Member, why: str) -> None:
        """Take it that `other` is gone, or away for now."""

    def rise(self, why: str) -> None:
        """Say what of the numbered lines is got, and in the end isn't, before the peer gives up its seat."""

    def give_up(self) -> None:
        """Say what was said to one who is away: it is given up with the peer's seat."""

    def heed(self, speaker: Member, label: bytes, thing: Numbered, rendered: dict[Dialect, bytes]) -> None:
        """Write something numbered that `speaker` says, if it is the next of its kind; `rendered`: once a dialect."""

    def say_again(self, block: bytes) -> None:
        """Say lines that were said before and held, before anything else that waits."""

    def close(self, last_words: bytes) -> None:
        """Send what waits and `last_words`, then close."""
