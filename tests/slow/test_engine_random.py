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
from tests.harness.ends import Socket
from tests.harness.processes import Hub
from tests.harness.witness import Witness

SECONDS = 12.0
QUIET = 6.0
"""How long a run talks; faults begin after the first two, and then it is quiet for a while, in which all are told."""


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
    """Some runs, each by its seed."""

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
        self._talk([one for one, _ in pairs])
        for one, other in pairs:
            self._check(one, other)
        return ", ".join(self.done)

    def _talk(self, talkers: list[Talker]) -> None:
        begin = time.monotonic()
        fault = 2.0
        while (now := time.monotonic() - begin) < SECONDS + QUIET:
            for talker in talkers:
                talker.turn(self.random.choice((0, 0, 1, 5)) if now < SECONDS - 3 else 0)
                talker.witness.look(talker.taken)
            for due, mend in tuple(self.mend):
                if now > due:
                    self.mend.remove((due, mend))
                    mend()
            if fault < now < SECONDS - 7:
                fault = now + self.random.uniform(0.5, 2)
                self._break(now)
            time.sleep(0.005)  # many small steps, and the hubs need the processor, too

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

    def _check(self, one: Talker, other: Talker) -> None:
        seen = one.witness
        if seen.is_closed or id(one.hub) in self.killed:
            return
        assert one.lives, f"{one.name} was hung up on without a word ({self.done})"
        if other.witness.is_closed or id(other.hub) in self.killed:
            assert seen.lefts or not one.taken, f"{one.name} wasn't told that {other.name} is gone ({self.done})"
        elif not seen.lefts and not other.witness.lefts:
            heard = seen.last.get(other.name, -1) + 1
            assert heard == other.said, f"{one.name} heard {heard} of {other.said} of {other.name} ({self.done})"


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
