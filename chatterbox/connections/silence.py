"""A silence is the time in which a session's link says nothing; after a minute the link counts as lost.

One timer looks at all of them: with one for each, they were a sixth of what an idle session costs. This module does not
know what a session says (it pings three times a minute), or what becomes of one without a link.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from .connection import Connection
from .sessions import Session
from .timers import Delayed, Later

LOOKS_A_TURN = 512
"""Links looked at in one turn, 1 µs each."""
CUTS_A_TURN = 16
"""Links cut in one turn, at most: each may be told to a room."""


class Silence:
    """The links of all sessions that are here.

    Args:
        later: calls a function after so many seconds.
        now: seconds of a clock that never goes back.
        patience: seconds without a word after which a link counts as lost; it does so in twice that time at most.
    """

    def __init__(self, later: Later, now: Callable[[], float], patience: float) -> None:
        self._later = later
        self._now = now
        self._patience = patience
        self._looks: dict[Session, tuple[float, int]] = {}
        """For each session when its link is looked at, and how often it had spoken before; the next stands first."""
        self._timer: Delayed | None = None

    def watch(self, session: Session) -> None:
        """Look at the link of `session` when it may have been silent for too long."""
        self._looks.pop(session, None)
        if isinstance(session.link, Connection):
            self._looks[session] = (self._now() + self._patience, session.link.inlet.reads)
            self._look_later()

    def forget(self, session: Session) -> None:
        """Look no more at a session that has left."""
        self._looks.pop(session, None)
        if self._timer and not self._looks:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        if self._timer is None and self._looks:
            due, _ = next(iter(self._looks.values()))
            self._timer = self._later(max(0.0, due - self._now()), self._look)

    def _look(self) -> None:
        """Look at those whose moment has come, as far as this turn goes; a fault of one ends nobody else's watch."""
        self._timer = None
        now, cuts = self._now(), 0
        try:
            for session, (due, reads) in tuple(islice(self._looks.items(), LOOKS_A_TURN)):
                if due > now or cuts == CUTS_A_TURN:
                    break
                if session not in self._looks:  # it left with one that was cut
                    continue
                self.watch(session)
                link = session.link
                if not isinstance(link, Connection) or link.inlet.reads != reads:
                    continue
                if not link.outlet.link_state().is_cut_off:
                    cuts += 1
                    link.break_off()
        finally:
            self._look_later()
