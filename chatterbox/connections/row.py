"""A row is newcomers who may be silent, each as long as the others: one timer serves them all.

In a burst of connections each one's time to speak begins and is soon over: a timer of the reactor for each would be a
tenth of what a connection costs. A row does not know what becomes of who is silent.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Protocol

from .timers import Delayed, Later, Timers

CALLS_A_TURN = 32
"""Newcomers whose time is over in one turn, at most: each gets a seat in the next one, which takes some 0.1 ms."""


class Waiting(Protocol):
    """Who may be silent."""

    timers: Timers


class Row:
    """Those who may be silent, in the order in which their time is over.

    Args:
        later: calls a function after so many seconds.
        now: seconds of a clock that never goes back.
        seconds: for which each may be silent.
    """

    def __init__(self, later: Later, now: Callable[[], float], seconds: float) -> None:
        self._later = later
        self._now = now
        self._seconds = seconds
        self._places: dict[Waiting, tuple[float, Callable[[], None]]] = {}
        """For each when its time is over, and what is called then."""
        self._timer: Delayed | None = None
        """What comes for the first one."""

    def wait(self, who: Waiting, call: Callable[[], None]) -> None:
        """Call when `who` has been silent for the seconds of this row, in place of what would have been called.

        A reactor that was held up runs what is due before it reads its sockets, so the call comes one turn later.
        """
        self._places.pop(who, None)
        self._places[who] = self._now() + self._seconds, call
        if self._timer is None:
            self._timer = self._later(self._seconds, self._come)

    def forget(self, who: Waiting) -> None:
        """Call nothing for `who`; where nobody is left, no timer is."""
        who.timers.cancel("silent")
        if self._places.pop(who, None) and not self._places and self._timer:
            self._timer.cancel()
            self._timer = None

    def _come(self) -> None:
        """End the time of those whose it is, as far as this turn goes, and wait for the next one, also if one fails."""
        self._timer = None
        now = self._now()
        try:
            for who, (due, call) in tuple(islice(self._places.items(), CALLS_A_TURN)):
                if due > now:
                    break
                del self._places[who]
                who.timers.after("silent", 0, call)
        finally:
            if self._places:
                due, _ = next(iter(self._places.values()))
                self._timer = self._later(max(0, due - now), self._come)
