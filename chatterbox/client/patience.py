"""Patience is how long a session waits: for the hub's next word, before the next attempt, and for how many attempts.

It knows moments, which are handed to it, and nothing of what is said.
"""

from __future__ import annotations

from collections.abc import Callable

SILENCE = 20.0
"""Seconds without a word from the hub after which it is asked for one (`ping`)."""
ANSWER = 5.0
"""Seconds that the hub has for its `pong`; then the link is taken for lost."""
WELCOME = 20.0
"""Seconds without a welcome after the hello: 15 are the hub's own patience, and more is somebody else's port."""
AGAIN = frozenset({"shutdown", "lost"})
"""The closing words after which a session comes back; all others are final."""
GOODBYE = 30.0
"""Seconds in which `quit` is repeated until the hub says `closed (quit)`."""
HURRY = 5.0
"""The same for who leaves before both ends have finished."""
JUMP = 2.0
"""Seconds by which the wall clock may run ahead of the monotonic one: beyond that the machine has slept."""
FIRST_PAUSE, LAST_PAUSE, GROWTH = 0.2, 10.0, 2.0
"""Seconds before the first and the later attempts at most, and by how much they grow."""
LEAST_PAUSE = 0.05
"""Seconds before any attempt, so that many who lost one hub don't come back at the same moment."""


class Patience:
    """What is due, and when.

    Args:
        chance: returns a number from 0 to 1, for the jitter.
        first: seconds to try before the first welcome; None: for ever.
        later: seconds to try after a link was lost; None: for ever.
    """

    def __init__(self, chance: Callable[[], float], first: float | None = 0.0, later: float | None = 120.0) -> None:
        self._chance = chance
        self._tries = {False: first, True: later}
        self._ever = False
        self._welcomed = False
        self._linked = False
        self._failures = 0
        self._heard = 0.0
        self._asked: float | None = None
        self._down: float | None = None
        """Since when there was no welcome."""
        self._ahead: float | None = None
        """By how much the wall clock runs ahead of the monotonic one."""

    def linked(self, now: float) -> None:
        """A link is made, and the hello is sent."""
        self._linked, self._welcomed = True, False
        self._heard, self._asked = now, None

    def welcomed(self) -> None:
        """The hub has said welcome: only that, and no mere connection, resets the pauses."""
        self._welcomed = self._ever = True
        self._failures = 0
        self._down = None

    def heard(self, now: float) -> None:
        """Something came, or nothing could since it wasn't read."""
        self._heard, self._asked = now, None

    def lost(self, now: float) -> float | None:
        """The link is gone, or couldn't be made; return the seconds to wait before the next attempt, None: give up."""
        self._linked = self._welcomed = False
        if self._down is None:
            self._down = now
        most = min(FIRST_PAUSE * GROWTH ** min(self._failures, 16), LAST_PAUSE)
        self._failures += 1
        pause = LEAST_PAUSE + (most - LEAST_PAUSE) * self._chance()
        limit = self._tries[self._ever]
        if limit is None:
            return pause
        rest = self._down + limit - now
        return min(pause, rest) if rest > 0 else None

    @property
    def due(self) -> float | None:
        """When `look` has something to say; None: never."""
        if not self._linked:
            return None
        if self._asked is not None:
            return self._asked + ANSWER
        return self._heard + (SILENCE if self._welcomed else WELCOME)

    def look(self, now: float, wall: float | None = None) -> str:
        """Return "ping" if the hub is to be asked for a word, "lost" if the link is to be given up, or nothing."""
        slept = self._has_slept(now, wall)
        if not self._linked:
            return ""
        if self._welcomed and self._asked is None and (slept or now >= self._heard + SILENCE):
            self._asked = now
            return "ping"
        return "lost" if now >= (self.due or now) else ""

    def _has_slept(self, now: float, wall: float | None) -> bool:
        if wall is None:
            return False
        ahead = wall - now
        before, self._ahead = self._ahead, ahead
        return before is not None and ahead - before > JUMP
