"""A machine is what a session's link runs, and an owner is whose it is: the two seams of `session`.

This module is names and calls alone.
"""

from __future__ import annotations

from typing import Protocol

from ..wire.numbered import Json, Numbered
from ..wire.numbering import Outcome
from .company import Company
from .outputs import Missed, Output


class Owner(Protocol):
    """Whose session it is."""

    def show(self, event: Json, thing: Numbered | None) -> None:
        """Display `event`; if it has a `thing`, call `shown` when that is done."""

    def told(self, outcome: Outcome) -> None:
        """Take note of what became of lines that this end said."""

    def missed(self, missed: Missed) -> None:
        """Take note of lines of another end that will never come."""

    def waits(self, seconds: float, why: str) -> None:
        """Take note that the link is gone, and that the next attempt is `seconds` away."""

    def go_on(self) -> None:
        """Say more: the session isn't full any more."""

    def over(self, status: int, why: str) -> None:
        """End: nothing follows. `why` is a sentence, or the word with which the hub closed, or empty."""


class Machine(Protocol):
    """What a session's link runs: a `Resume` or an `Unnumbered`."""

    room: str
    name: str
    up: bool
    status: int | None

    @property
    def company(self) -> Company:
        """Who else is there."""

    @property
    def full(self) -> bool:
        """Whether nothing may be said now."""

    @property
    def reading(self) -> bool:
        """Whether the link is to be read."""

    @property
    def due(self) -> float | None:
        """When `tick` is wanted."""

    def take(self) -> list[Output]:
        """Return what to do, in order."""

    def say(self, lines: bytes, kind: str = "say", to: str = "") -> int:
        """Say lines."""

    def finish(self, now: float) -> None:
        """This end has said all."""

    def join(self, room: str, now: float) -> None:
        """Go to another room."""

    def rename(self, name: str) -> None:
        """Take another name."""

    def shown(self, now: float, count: int = 1, idle: bool = False) -> None:
        """The oldest things are displayed."""

    def hold(self, held: bool, now: float) -> None:
        """Read nothing for now, or read on."""

    def leave(self, now: float, wait: float = 0.0, status: int = 0) -> None:
        """Go when all is got."""

    def abandon(self, status: int) -> None:
        """Go now."""

    def hello(self, now: float) -> Json:
        """Return what to say first."""

    def heard(self, event: Json, now: float, block: bytes | None = None) -> None:
        """The hub sent `event`, and `block` behind it."""

    def lost(self, now: float, why: str = "") -> None:
        """The link is gone."""

    def tick(self, now: float, wall: float | None = None) -> None:
        """Do what is due."""
