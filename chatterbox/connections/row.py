"""A row is calls that are to come, each as long after it was asked for as the others: one timer serves them all.

In a burst of connections each one's time to speak is asked for and soon cancelled: a timer of the reactor for each
would be a tenth of what a connection costs. A row does not know what is called.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .timers import Delayed, Later

CALLS_A_TURN = 256
"""Calls made in one turn, at most: each takes some 5 µs."""


class Row:
    """Calls in the order in which they were asked for, which is that in which they come.

    Args:
        later: calls a function after so many seconds.
        now: seconds of a clock that never goes back.
        seconds: after which each call comes.
    """

    def __init__(self, later: Later, now: Callable[[], float], seconds: float) -> None:
        self._later = later
        self._now = now
        self._seconds = seconds
        self._places: deque[_Place] = deque()
        self._left = 0
        """How many of them are not cancelled."""
        self._timer: Delayed | None = None
        """What comes for the first one."""

    def add(self, call: Callable[[], None]) -> Delayed:
        """Call after the seconds of this row, unless that is cancelled."""
        place = _Place(self, self._now() + self._seconds, call)
        self._places.append(place)
        self._left += 1
        if len(self._places) == 1:
            self._timer = self._later(self._seconds, self._come)
        return place

    def _come(self) -> None:
        """Make the calls that are due, as far as this turn goes, and wait for the next one, also where one fails."""
        self._timer = None
        now = self._now()
        try:
            for _ in range(CALLS_A_TURN):
                if not self._places or self._places[0].due > now:
                    break
                place = self._places.popleft()
                if call := place.take():
                    self._left -= 1
                    call()
        finally:
            if self._left and self._timer is None:
                self._timer = self._later(max(0, self._places[0].due - now), self._come)

    def forget_one(self) -> None:
        """Take it that one more is cancelled; of the last one nothing is left."""
        self._left -= 1
        if not self._left:
            self._places.clear()
            if self._timer:
                self._timer.cancel()
                self._timer = None


class _Place:
    """One call's place in a row."""

    __slots__ = ("_call", "_row", "due")

    def __init__(self, row: Row, due: float, call: Callable[[], None]) -> None:
        self._row = row
        self._call: Callable[[], None] | None = call
        self.due = due

    def take(self) -> Callable[[], None] | None:
        """Return the call, once, unless it is cancelled."""
        call, self._call = self._call, None
        return call

    def cancel(self) -> None:
        """Forget the call."""
        if self.take():
            self._row.forget_one()
