"""A narrator prints what happens at the hub, in the words of the mode's exercise where that has some.

It is what the console shows of others, and all that a hub without a console prints. It knows words and a function that
writes. It does not know who speaks, or what it is written to.
"""

from __future__ import annotations

from collections.abc import Callable

from ..core.events import News
from ..core.modes import Mode
from ..core.script import script_lines
from ..wire.text import clean

LISTENING = "listening on {host}:{port}"
"""The first words where the mode has none of its own."""


class Narrator:
    """Prints one hub's news.

    Args:
        mode: the hub's, which has the words.
        write: takes whole lines.
    """

    def __init__(self, mode: Mode, write: Callable[[bytes], object]) -> None:
        self._mode = mode
        self._write = write

    def begin(self, places: list[str]) -> None:
        """Print the hub's first words: for each place where it listens, or once where they don't name one."""
        words = self._mode.script.get("start", LISTENING).replace("{host}:{port}", "{place}")
        for line in dict.fromkeys(words.format(place=place) for place in places):
            self.show(line)

    def happened(self, news: News) -> None:
        """Print what happens, in the mode's own words."""
        for line in script_lines(self._mode, news):
            self.show(line)

    def show(self, line: str) -> None:
        """Print one line, cleaned: names and texts in it are strangers'."""
        self._write(clean(line.replace("\n", " ").encode(errors="replace") + b"\n"))
