"""Preferences are what one person wants to see and hear: who is ignored, when to ring, whether times are shown.

Each command that changes one returns a sentence about it. The hub is told of none of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...wire.names import fold
from .commands import BELLS, OWN

_RINGS = {"off": "never", "mention": "when your name is said, and for private messages", "all": "every line"}


class Preferences:
    """The preferences of one person, for this run of the client."""

    def __init__(self) -> None:
        self.times = False
        self.bell = "mention"
        self._ignored: set[str] = set()

    def hears(self, name: str) -> bool:
        """Return whether what `name` says is shown."""
        return fold(name) not in self._ignored

    def rings(self, why: str) -> bool:
        """Return whether to ring for a `mention`, or for any other line (`all`)."""
        return self.bell in (why, "all")

    def renamed(self, old: str, new: str) -> None:
        """Go on ignoring somebody under a new name, also where only its case is new."""
        if not self.hears(old):
            self._ignored -= {fold(old)}
            self._ignored |= {fold(new)}

    def ignore(self, name: str, others: Iterable[str]) -> str:
        """Ignore `name`, or hear it again; without a name return who is ignored.

        Args:
            others: the names of those who are here; somebody else is ignored when they come, as in irssi.
        """
        if not name:
            return f"ignored: {', '.join(sorted(self._ignored)) or 'nobody'}"
        self._ignored ^= {fold(name)}
        if self.hears(name):
            return f"{name} is heard again"
        if fold(name) not in map(fold, others):
            return f"nobody else here is called {name}; whoever takes that name is ignored, /ignore again undoes it"
        return f"{name} is ignored; /ignore again to hear them"

    def toggle_times(self) -> str:
        """Show times, or no longer."""
        self.times = not self.times
        return "each line is shown with its time" if self.times else "times are no longer shown"

    def ring(self, when: str) -> str:
        """Ring for every line, for mentions, or never."""
        if when not in BELLS:
            return f"usage: {OWN['bell'].usage}"
        self.bell = when
        return f"bell: {_RINGS[when]}"
