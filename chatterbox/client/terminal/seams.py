"""A seam is what one part of the client at a terminal needs of another, and nothing more.

The run of the client (`interactive`) is the `World` of a chat and the `Master` of a display; editor and plain display
are each a `Display`. The link's own seam stands beside the link, which knows no terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ...wire.verbs import Verb
from .events import Json
from .rows import Look, Row


class World(Protocol):
    """The seam between a conversation and everything around it."""

    def send(self, verb: Json) -> None:
        """Pass one object to the hub; only called while there is a link."""

    def show(self, row: Row) -> None:
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

    def hold(self, held: bool) -> None:
        """Show nothing more for now, or go on: the terminal is stopped, or slow."""

    def crashed(self, failure: Failure) -> None:
        """End because something raised that shouldn't have."""
