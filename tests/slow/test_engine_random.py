"""Random failures of a real Redis and real hubs, under plain pairs that talk: `python -m tests.slow.test_engine_random 0 20`.

The simulation tries far more; this shows that sockets, processes and Redis behave as it believes.
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any

from tests.harness.cluster import Clustered
from tests.harness.ends import DEADLINE, Socket
from tests.harness.failures import Failures
from tests.harness.processes import Hub
from tests.harness.witness import Witness

TALK = 9.0
"""Seconds for which a run talks; what fails in it is mended before its end, and then all that is promised comes true."""


class Talker:
    """One plain end: it says numbered lines, and follows what it hears."""

    def __init__(self, hub: Hub, name: str, room: str) -> None:
        self.hub = hub
        self.name = name
        self.end: Socket = hub.peer(room=room)
        self.witness = Witness(name)
        self.said = 0
        self.taken = b""

    @property
    def lives(self) -> bool:
        """Whether it has a connection."""
        return not self.end.is_over

    def turn(self, lines: int) -> None:
        """Say some lines, as far as they are taken, and hear what has come."""
        while data := self.end.chunk(0):
            self.taken += data
        block = "".join(f"{self.name} {self.said + at} .\n" for at in range(lines)).encode()
        if lines and self.lives:
            try:
                if self.end.sends_some(block, 0) == len(block):
                    self.said += lines
                else:
                    self.end.is_over = True  # cut in the middle of a line: it says no more
            except OSError:
                self.end.is_over = True


class Run(Clustered):
    """Some runs, each by its seed: what fails, and in which order; in which millisecond isn't in it."""

    engine_options = ("--appendonly", "yes")

    def test_two_deaths(self) -> None:
        """Two machines die, with rooms in which their people sat with others', and the engine loses everything."""
        self.play(75)

    def test_the_engine_dies(self) -> None:
        """The engine is killed twice and comes back with all it knew, and a machine dies between."""
        self.play(5)

    def test_everything_forgotten(self) -> None:
        """A machine stands still for longer than the patience, and the engine forgets everything meanwhile."""
        self.play(98)

    def test_stands_still(self) -> None:
        """A machine stands still, twice; meanwhile the engine is killed, and then it loses everything."""
        self.play(0)

    def play(self, seed: int) -> str:
        """Play one run; return what happened."""
        self.random = random.Random(seed)
        hubs = {name: self.hub(name) for name in "abc"}
        pairs = []
        for at in range(4):
            one, other = (Talker(self.random.choice([*hubs.values()]), f"p{2 * at + k}", f"r{at}") for k in (0, 1))
            pairs += [(one, other), (other, one)]
        self.failures = Failures(random.Random(f"failures {seed}"), self.redis, hubs)
        self._talk(pairs)
        faults = [fault for pair in pairs if (fault := self._fault_of(*pair))]
        self.assertEqual(faults, [], f"seed {seed}: {self.failures.done}")
        return ", ".join(self.failures.done)

    def _talk(self, pairs: list[tuple[Talker, Talker]]) -> None:
        begin = time.monotonic()
        while (now := time.monotonic() - begin) < TALK or not self.failures.are_over:
            self._turn(pairs, now < TALK)
            self.failures.look(now)
            time.sleep(0.005)  # many small steps, and the hubs need the processor, too
        deadline = time.monotonic() + DEADLINE
        while any(self._fault_of(*pair) for pair in pairs) and time.monotonic() < deadline:
            self._turn(pairs, False)
            time.sleep(0.02)  # between two looks at the condition

    def _turn(self, pairs: list[tuple[Talker, Talker]], may_speak: bool) -> None:
        for talker, _ in pairs:
            talker.turn(self.random.choice((0, 0, 1, 5)) if may_speak else 0)
            talker.witness.look(talker.taken)

    def _fault_of(self, one: Talker, other: Talker) -> str:
        """Return what is promised of what `one` hears, and isn't true yet."""
        seen = one.witness
        if hole := seen.hole({other.name: other.witness}):
            return hole
        if seen.is_closed or one.hub in self.failures.killed:
            return ""
        if not one.lives:
            return f"{one.name} was hung up on without a word"
        if other.witness.is_closed or other.hub in self.failures.killed:
            return "" if seen.lefts or not one.taken else f"{one.name} wasn't told that {other.name} is gone"
        heard = seen.last.get(other.name, -1) + 1 - seen.first.get(other.name, 0)
        if seen.lefts or other.witness.lefts or heard == other.said:
            return ""
        return f"{one.name} heard {heard} of {other.said} of {other.name}"


def main(case: Any, first: str, last: str) -> None:
    """Play the seeds from `first` on, before `last`, each whatever became of the others."""
    failed = 0
    for seed in range(int(first), int(last)):
        run = case("play")
        run.setUp()
        try:
            print(seed, run.play(seed), flush=True)
        except AssertionError as fault:
            failed += 1
            print(seed, f"FAILED: {fault}", flush=True)
        finally:
            run.doCleanups()
    print(f"{first} to {last}: {failed} failed")


if __name__ == "__main__":
    main(Run, *sys.argv[1:3])
