"""Seed 002, who was first, and its extra credit, with real sockets. `docs/seeds.md` names the rest."""

from __future__ import annotations

import random
import threading

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import End, Socket
from tests.harness.processes import Hub

RACES = 1000
AT_ONCE = 100
"""Races that are run beside each other."""
VERDICTS = {
    f"{first}: line of {n} received before {second}: line of {1 - n}" for first, second in ("XY", "YX") for n in (0, 1)
}
LINES = 10_000
"""Lines each way in a duet."""


class Order(SynchronousTestCase):
    """Two clients, one verdict."""

    def test_a_thousand_races(self) -> None:
        """002-4: in each of 1,000 races on one hub both hear one and the same verdict, on what both said."""
        chance = random.Random(2)
        with Hub("--mode", "order") as hub:
            for start in range(0, RACES, AT_ONCE):
                rooms = [f"r{n}" for n in range(start, start + AT_ONCE)]
                races = [(hub.peer(room=room), hub.peer(room=room)) for room in rooms]
                starts = [(end, f"line of {n}") for race in races for n, end in enumerate(race)]
                chance.shuffle(starts)
                for end, line in starts:
                    end.says(line)
                for race in races:
                    one, two = (verdicts(end) for end in race)
                    self.assertEqual(one, two)
                    (verdict,) = one
                    self.assertIn(verdict, VERDICTS)
                    for end in race:
                        end.close()

    def test_who_ignores_the_end(self) -> None:
        """002-5: who is told to close and doesn't is cut after the limit; the room is free for two more."""
        with Hub("--mode", "order", "--console") as hub:
            for race in (1, 2):
                ends = hub.peer("Alice"), hub.peer("Bob")
                for end in ends:
                    end.skips("-!- closed (bye): that was the verdict")
                hub.prints("Done.", race)
                self.assertEqual([end.rest() for end in ends], [b"", b""])

    def test_once(self) -> None:
        """002-5: with --once the hub prints `Done.` and exits with 0."""
        with Hub("--mode", "order", "--console", "--once") as hub:
            hub.peer("Alice")
            hub.peer("Bob")
            self.assertEqual(hub.wait(), 0)
            self.assertEqual(hub.console[-2:], ["Waiting a bit for clients to close their connections", "Done."])


class Duet(SynchronousTestCase):
    """The extra credit."""

    def test_ten_thousand_each_way(self) -> None:
        """002-8: 10,000 lines each way reach both, labelled, once and in order; `Bye` then ends both."""
        with Hub("--mode", "duet") as hub:
            ends = {"X": hub.peer()}
            ends["X"].is_quiet()
            ends["Y"] = hub.peer()
            for name, end in ends.items():
                end.hears(f"Client {name} has connected.")
            sent = {name: [f"{name}: line {n}" for n in range(LINES)] for name in ends}
            heard: dict[str, list[str]] = {}

            def hear(name: str, end: Socket) -> None:
                heard[name] = end.lines(2 * LINES)

            threads = [threading.Thread(target=hear, args=item) for item in ends.items()]
            for thread in threads:
                thread.start()
            for n in range(0, LINES, 100):
                for end in ends.values():
                    end.says(*(f"line {k}" for k in range(n, n + 100)))
            for thread in threads:
                thread.join()
            ends["X"].says("Bye")
            for name, end in ends.items():
                end.hears("X: Bye")
                self.assertNotIn(b"line", end.rest())
                for speaker in ends:
                    self.assertEqual([line for line in heard[name] if line[0] == speaker], sent[speaker])


def verdicts(end: End) -> list[str]:
    """Return the verdicts among all that an end hears."""
    return [line for line in end.rest().decode().splitlines() if " received before " in line]
