"""A crowd is who hears in a larger room: a speaker of much waits for those who are behind, but not for long.

It knows how far the speaker is ahead, and moments, which are handed to it. It does not know who hears.
"""

from __future__ import annotations

CROWD = 64 * 1024
"""Bytes that a speaker in a larger room may be ahead: with one block more they are half of what waits for a hearer."""
CROWD_PATIENCE = 10.0
"""Seconds for which a speaker of much waits, in a larger room, for a `got` of the fastest who listens."""


class Crowd:
    """How long to wait for it."""

    def __init__(self) -> None:
        self.until: float | None = None
        """When it is waited for no longer; None: it isn't behind."""
        self._ahead = 0

    def waits(self, ahead: int, now: float) -> bool:
        """Return whether a speaker that is so many bytes `ahead` should wait; each `got` begins the time anew."""
        if ahead < CROWD:
            self.until = None
            return False
        if self.until is None or ahead < self._ahead:
            self._ahead, self.until = ahead, now + CROWD_PATIENCE
        return now < self.until
