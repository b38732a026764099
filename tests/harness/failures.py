"""A failure is what befalls a real Redis and real hubs, at random; most are mended after a while, in the same run."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Mapping

from tests.harness.processes import Hub
from tests.harness.redis import Redis

KINDS = ("restart", "wipe", "flush", "cut", "freeze_engine", "freeze", "kill", "none")
"""The engine is killed and comes back, with what it knew or without, forgets, cuts its connections, or stands still; or
a hub stands still, or is killed."""
MOST_KILLED = 2
"""Hubs that are killed in one run, for good."""


class Failures:
    """What fails in one run, and when.

    Args:
        chance: chooses everything.
        redis: the engine.
        hubs: by their names.
        begin: seconds at which the first one comes.
        end: seconds after which none comes.
    """

    def __init__(
        self, chance: random.Random, redis: Redis, hubs: Mapping[str, Hub], begin: float = 2.0, end: float = 5.0
    ) -> None:
        self.done: list[str] = []
        self.killed: set[Hub] = set()
        self._chance = chance
        self._redis = redis
        self._hubs = hubs
        self._next, self._end = begin, end
        self._is_engine_well = True
        self._mend: list[tuple[float, Callable[[], None]]] = []

    @property
    def are_over(self) -> bool:
        """Whether all that is to be mended is."""
        return not self._mend

    def look(self, now: float) -> None:
        """Do what is due `now`, seconds after the beginning."""
        for due, mend in tuple(self._mend):
            if now > due:
                self._mend.remove((due, mend))
                mend()
        if self._next < now < self._end:
            self._next = now + self._chance.uniform(0.5, 2)
            self._break(now)

    def _break(self, now: float) -> None:
        what = self._chance.choice(KINDS)
        hub = self._hubs[self._chance.choice([*self._hubs])]
        seconds = self._chance.uniform(0.2, 4.5)
        self.done.append(what)
        if what in ("restart", "wipe") and self._is_engine_well:
            self._redis.kill()
            if what == "wipe":
                self._redis.forget()
            self._mend_engine(now + min(seconds, 0.5), self._redis.start)
        elif what == "freeze_engine" and self._is_engine_well:
            self._redis.freeze()
            self._mend_engine(now + min(seconds, 2.5), self._redis.thaw)
        elif what in ("flush", "cut") and self._is_engine_well:
            self._redis.says(*{"flush": ["flushall"], "cut": ["client", "kill", "type", "normal"]}[what])
        elif what == "freeze":
            hub.process.send_signal(signal.SIGSTOP)
            self._mend.append((now + seconds, lambda: hub.process.send_signal(signal.SIGCONT)))
        elif what == "kill" and len(self.killed) < MOST_KILLED:
            self.killed.add(hub)
            hub.kill()

    def _mend_engine(self, at: float, mend: Callable[[], None]) -> None:
        def is_well() -> None:
            mend()
            self._is_engine_well = True

        self._is_engine_well = False
        self._mend.append((at, is_well))
