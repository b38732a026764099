"""A glance is a look, in a moment, at what the machines of plain peers have taken; many look in one call, a few a turn.

A timer for each of a thousand who heard one line would cost more than to tell them. It does not know what is looked at.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Protocol

from .timers import Delayed, Later

GLANCE = 0.02
"""Seconds between two looks at whether a peer's machine has taken what was written."""
SOON = 0.001
"""The same where a speaker waits for that: it may say 768 KiB, and loopback carries as much in 2 ms."""
SOON_A_ROUND = 4
"""Peers that look in one `SOON`, a fiftieth of that time; who comes then waits twice as long, with twice as many."""
WORK_A_TURN = 512
"""Things of which it is told in one turn that they are taken: each takes some 2 µs, and 7 where its speaker is told."""
WORK_OF_ONE = 16
"""What one glance counts for beside them: the system is asked, and a speaker told."""


class Glancer(Protocol):
    """Who looks."""

    def glance(self, most: int) -> int:
        """Look now, and return of how many things it was told that they are taken: at `most` so many."""


class _Round:
    """Those who look together when so many seconds have passed."""

    __slots__ = ("moment", "seats", "seconds", "waiting")

    def __init__(self, seconds: float, seats: float) -> None:
        self.seconds = seconds
        self.seats = seats
        """How many may look together."""
        self.waiting: dict[Glancer, None] = {}
        self.moment: Delayed | None = None


class Glances:
    """Those who look in a moment.

    Args:
        later: calls a function after so many seconds.
    """

    def __init__(self, later: Later) -> None:
        self._later = later
        self._rounds = []
        """The longest is the last, and has room for everybody."""
        seconds, seats = SOON, SOON_A_ROUND
        while seconds < GLANCE:
            self._rounds.append(_Round(seconds, seats))
            seconds, seats = 2 * seconds, 2 * seats
        self._rounds.append(_Round(GLANCE, float("inf")))
        self._due: deque[Glancer] = deque()
        """Whose moment has come."""
        self._turn: Delayed | None = None

    def add(self, glancer: Glancer, seconds: float = GLANCE) -> None:
        """Let `glancer` look, once, in a moment: in about so many `seconds`, or later where many look so soon."""
        round_ = self._rounds[-1]
        if seconds < GLANCE:
            round_.waiting.pop(glancer, None)
            round_ = next(one for one in self._rounds if one.seconds >= seconds and len(one.waiting) < one.seats)
        round_.waiting[glancer] = None
        if round_.moment is None:
            round_.moment = self._later(round_.seconds, partial(self._now_due, round_))

    def forget(self, glancer: Glancer) -> None:
        """Let `glancer` not look any more."""
        for round_ in self._rounds:
            round_.waiting.pop(glancer, None)
            if round_.moment and not round_.waiting:
                round_.moment.cancel()
                round_.moment = None
        if glancer in self._due:
            self._due.remove(glancer)
        if self._turn and not self._due:
            self._turn.cancel()
            self._turn = None

    def _now_due(self, round_: _Round) -> None:
        round_.moment = None
        self._due.extend(round_.waiting)
        round_.waiting.clear()
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
