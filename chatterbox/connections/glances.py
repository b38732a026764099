"""A glance is a look, in a moment, at what the machines of plain peers have taken; many look in one call, a few a turn.

A timer for each of a thousand who heard one line would cost more than to tell them. It does not know what is looked at.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from .timers import Delayed, Later

GLANCE = 0.02
"""Seconds between two looks at whether a peer's machine has taken what was written."""
WORK_A_TURN = 512
"""Things of which it is told in one turn that they are taken: each takes some 2 µs, and 7 where its speaker is told."""
WORK_OF_ONE = 16
"""What one glance counts for beside them: the system is asked, and a speaker told."""


class Glancer(Protocol):
    """Who looks."""

    def glance(self, most: int) -> int:
        """Look now, and return of how many things it was told that they are taken: at `most` so many."""


class Glances:
    """Those who look in a moment.

    Args:
        later: calls a function after so many seconds.
    """

    def __init__(self, later: Later) -> None:
        self._later = later
        self._waiting: dict[Glancer, None] = {}
        """Who looks when the moment has come."""
        self._due: deque[Glancer] = deque()
        """Whose moment has come."""
        self._moment: Delayed | None = None
        self._turn: Delayed | None = None

    def add(self, glancer: Glancer) -> None:
        """Let `glancer` look, once, in a moment."""
        self._waiting[glancer] = None
        if self._moment is None:
            self._moment = self._later(GLANCE, self._now_due)

    def forget(self, glancer: Glancer) -> None:
        """Let `glancer` not look any more."""
        self._waiting.pop(glancer, None)
        if glancer in self._due:
            self._due.remove(glancer)
        if self._moment and not self._waiting:
            self._moment.cancel()
            self._moment = None
        if self._turn and not self._due:
            self._turn.cancel()
            self._turn = None

    def _now_due(self) -> None:
        self._moment = None
        self._due.extend(self._waiting)
        self._waiting.clear()
        if self._turn is None:
            self._look()

    def _look(self) -> None:
        """Let some look, and the others in turns of their own, also where one fails."""
        self._turn = None
        work = WORK_A_TURN
        try:
            while self._due and work > 0:
                work -= WORK_OF_ONE + self._due.popleft().glance(work)
        finally:
            if self._due:
                self._turn = self._later(0, self._look)
