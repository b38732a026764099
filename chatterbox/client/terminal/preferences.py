"""Wishes are what one person wants of their own screen: whom not to hear, when to ring, whether to see times.

Each command that changes one returns the sentence that says how it is now. The hub is told of none of them.
"""

from __future__ import annotations

from .commands import BELLS, OWN


class Wishes:
    """One person's wishes, for this run of the client."""

    def __init__(self) -> None:
        self.times = False
        self.bell = "mention"
        self._ignored: set[str] = set()

    def hears(self, name: str) -> bool:
        """Return whether what `name` says is shown."""
        return name.casefold() not in self._ignored

    def rings(self, why: str) -> bool:
        """Return whether to ring for a `mention`, or for any other line (`all`)."""
        return self.bell in (why, "all")

    def renamed(self, old: str, new: str) -> None:
        """A new name doesn't make one heard again."""
        if not self.hears(old):
            self._ignored ^= {old.casefold(), new.casefold()}

    def ignore(self, name: str) -> str:
        """Hear `name` no longer, or again."""
        self._ignored ^= {name.casefold()}
        return f"{name} is {'heard again' if self.hears(name) else 'ignored; /ignore again to hear them'}"

    def toggle_times(self) -> str:
        """Show when lines came, or no longer."""
        self.times = not self.times
        return f"times are {'shown' if self.times else 'not shown'}"

    def ring(self, when: str) -> str:
        """Ring for every line, for mentions, or never."""
        if when not in BELLS:
            return f"usage: {OWN['bell'].usage}"
        self.bell = when
        return f"the bell rings: {when}"
