"""A seam is what one part of the client at a terminal needs of another, and nothing more.

The run of the client (`interactive`) is the `World` of a chat and the `Master` of a display; editor and plain display
are each a `Display`; the session, which knows no terminal, is the chat's `Courier`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ...wire.verbs import Verb
from ..company import Company
from .events import Json
from .rows import Look, Row


class World(Protocol):
    """The seam between a conversation and everything around it."""

    def put(self, row: Row) -> None:
        """Put one row on the screen."""

    def echo(self, row: Row) -> None:
        """Put the person's own words on the screen, unless they are there already."""

    def help(self, about: str) -> None:
        """Show the rows of `/help`, or those about one command."""

    def clear(self) -> None:
        """Empty the screen."""

    def log(self, path: str) -> str:
        """Log to the file at `path`, or end that, or only ask; return a sentence about it."""

    def ring(self) -> None:
        """Ring the terminal's bell."""

    def end(self, status: int, why: str = "") -> None:
        """Leave, with this exit status; `why` is a sentence where it isn't the person's own wish."""


class Courier(Protocol):
    """The seam between a conversation and its session, which takes lines to the other ends."""

    @property
    def numbered(self) -> bool:
        """Whether lines are numbered and acknowledged: then each is told of that wasn't delivered."""

    @property
    def up(self) -> bool:
        """Whether there is a link, and the hub has said welcome on it."""

    @property
    def full(self) -> bool:
        """Whether nothing may be said now."""

    @property
    def company(self) -> Company:
        """The other ends, by stream."""

    @property
    def next_mark(self) -> int:
        """The mark that the next line will have."""

    def say(self, lines: bytes, kind: str = "say", to: str = "") -> int:
        """Say lines."""

    def finish(self) -> None:
        """Say that all is said."""

    def join(self, room: str) -> None:
        """Go to another room."""

    def rename(self, name: str) -> None:
        """Take another name."""

    def answer(self, name: str) -> None:
        """Answer the hub, which asks for a name."""

    def leave(self, wait: float = 0.0, status: int = 0) -> None:
        """Go when all is got, or `wait` seconds later."""

    def abandon(self, status: int) -> None:
        """Go now."""

    def send(self, verb: Json) -> bool:
        """Pass what has no number to the hub; return whether there is a link for it."""


class Display(Protocol):
    """The seam between the run of the client and its terminal."""

    look: Look
    echoes: bool
    """Whether the terminal itself has shown what was typed."""
    keys: Sequence[Verb]
    """What its keys do, for `/help`."""

    def columns(self) -> int:
        """Return how many columns a row may fill."""

    def clear(self) -> None:
        """Empty the screen, where that can be done."""

    def open(self) -> None:
        """Begin: the hub has something to say or to ask."""

    def write(self, text: str) -> None:
        """Put whole rows, each with its newline, above what is being typed."""

    def refresh(self) -> None:
        """Show the prompt and the status as they are now."""

    def draft(self) -> str:
        """Return what is being typed."""

    def close(self) -> Deferred[Any] | None:
        """Leave the terminal as it was."""


class Master(Protocol):
    """The seam between a display and whoever obeys the person."""

    def entered(self, line: str) -> bool:
        """Obey a finished line; return False where it stays in the editor."""

    def entered_all(self, lines: list[str]) -> bool:
        """Say a paste as it is; return False where it stays in the editor."""

    def touched(self) -> None:
        """Take note that the draft has changed."""

    def quit(self) -> None:
        """Leave."""

    def vanished(self) -> None:
        """Leave: the terminal is gone, and the person didn't say goodbye."""

    def hold(self, held: bool) -> None:
        """Show nothing more for now, or go on: the terminal is stopped, or slow."""

    def crashed(self, failure: Failure) -> None:
        """End because something raised that shouldn't have."""
