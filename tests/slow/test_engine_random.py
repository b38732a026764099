"""Random failures of a real Redis and real hubs, under plain pairs that talk: `python -m tests.slow.test_engine_random 20`.

The simulation tries far more; this shows that sockets, processes and Redis behave as it believes.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable

from tests.harness.cluster import Clustered
from tests.harness.ends import DEADLINE, Socket
from tests.harness.processes import Hub
from tests.harness.witness import Witness

TALK = 9.0
"""Seconds for which a run talks."""
FAULTS = (2.0, 5.0)
"""Seconds of it in which faults begin; each is mended before the end, and then all that is promised comes true."""


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
    """Some runs, each by its seed; what happens in which millisecond isn't in it."""

    def test_deaths(self) -> None:
        """A machine dies, with rooms in which its own people sat with others': who is left is told."""
        self.play(0)

    def test_the_engine_dies(self) -> None:
        """The engine and a machine die."""
        self.play(5)

    def test_everything_forgotten(self) -> None:
        """A machine stands still for a while, and the engine forgets everything."""
        self.play(12)

    def test_two_deaths(self) -> None:
        """Two machines die, and the engine forgets everything between."""
        self.play(18)

    def play(self, seed: int) -> str:
        """Play one run; return what happened."""
        self.random = random.Random(seed)
        self.hubs = {name: self.hub(name) for name in "abc"}
        pairs = []
        for at in range(4):
            one, other = (Talker(self.random.choice(list(self.hubs.values())), f"p{2 * at + k}", f"r{at}") for k in (0, 1))
            pairs += [(one, other), (other, one)]
        self.done: list[str] = []
        self.killed: set[int] = set()
        self.mend: list[tuple[float, Callable[[], None]]] = []
        self._talk(pairs)
        self.assertEqual([fault for pair in pairs if (fault := self._fault_of(*pair))], [], f"seed {seed}: {self.done}")
        return ", ".join(self.done)

    def _talk(self, pairs: list[tuple[Talker, Talker]]) -> None:
        begin = time.monotonic()
        fault = FAULTS[0]
        while (now := time.monotonic() - begin) < TALK or self.mend:
            self._turn(pairs, now < TALK)
            for due, mend in tuple(self.mend):
                if now > due:
                    self.mend.remove((due, mend))
                    mend()
            if fault < now < FAULTS[1]:
                fault = now + self.random.uniform(0.5, 2)
                self._break(now)
            time.sleep(0.005)  # many small steps, and the hubs need the processor, too
        deadline = time.monotonic() + DEADLINE
        while any(self._fault_of(*pair) for pair in pairs) and time.monotonic() < deadline:
            self._turn(pairs, False)
            time.sleep(0.02)  # between two looks at the condition

    def _turn(self, pairs: list[tuple[Talker, Talker]], may_speak: bool) -> None:
        for talker, _ in pairs:
            talker.turn(self.random.choice((0, 0, 1, 5)) if may_speak else 0)
            talker.witness.look(talker.taken)

    def _break(self, now: float) -> None:
        what = self.random.choice(("kill_engine", "wipe", "flush", "cut", "freeze_engine", "freeze", "kill", "none"))
        self.done.append(what)
        hub = self.hubs[self.random.choice("abc")]
        if what in ("kill_engine", "freeze_engine") and self.mend:
            return
        if what == "kill_engine":
            self.redis.kill()
            self.mend.append((now + 0.5, self.redis.start))
        elif what == "freeze_engine":
            self.redis.freeze()
            self.mend.append((now + self.random.uniform(0.2, 2.5), self.redis.thaw))
        elif what in ("flush", "cut") and not self.mend:
            self.redis.says(*{"flush": ["flushall"], "cut": ["client", "kill", "type", "normal"]}[what])
        elif what == "freeze":
            hub.process.send_signal(signal.SIGSTOP)
            thaw = self.random.uniform(0.2, 4.5)
            self.mend.append((now + thaw, lambda: hub.process.send_signal(signal.SIGCONT)))
        elif what == "kill" and len(self.killed) < 2:
            self.killed.add(id(hub))
            hub.kill()

    def _fault_of(self, one: Talker, other: Talker) -> str:
        """Return what is promised of what `one` hears, and isn't true yet."""
        seen = one.witness
        if hole := seen.hole({other.name: other.witness}):
            return hole
        if seen.is_closed or id(one.hub) in self.killed:
            return ""
        if not one.lives:
            return f"{one.name} was hung up on without a word"
        if other.witness.is_closed or id(other.hub) in self.killed:
            return "" if seen.lefts or not one.taken else f"{one.name} wasn't told that {other.name} is gone"
        heard = seen.last.get(other.name, -1) + 1 - seen.first.get(other.name, 0)
        if seen.lefts or other.witness.lefts or heard == other.said:
            return ""
        return f"{one.name} heard {heard} of {other.said} of {other.name}"


def main(runs: str) -> None:
    """Play so many runs."""
    for seed in range(int(runs)):
        case = Run("play")
        case.setUp()
        try:
            print(seed, case.play(seed), flush=True)
        finally:
            case.doCleanups()


if __name__ == "__main__":
    main(sys.argv[1])
