"""What somebody hears whose partner has changed, where neither word of it had left the owner when that died."""

from __future__ import annotations

import json

from chatterbox.cluster.homes import GONE_ON
from tests.cluster.test_nodes import Machines
from tests.harness.memory import End

JOINED, LEFT = "-!- your partner joined", "-!- your partner left (lost)"
WIDE = "x" * 1000


class Strangers(Machines):
    """A room at `a`, where a slow one at `b` has a partner at `c`, and then another one there."""

    def change(self, *first: str) -> tuple[End, End]:
        """Return the slow one, and its next partner, of whom it wasn't told; neither was it that the last one left."""
        host = self.nc(self.a, "/join tea")
        slow = self.nc(self.b, *(first or ["/join tea"]))
        self.says(host, "/quit")
        one = self.nc(self.c, "/join tea")
        self.says(one, "hi")
        slow.lines()
        slow.stops_reading()
        while one.line.reading:
            self.says(one, *[WIDE] * 10)
        one.cut()
        self.fleet.wait(0.2)
        return slow, self.nc(self.c, "/join tea")

    def dies(self, slow: End) -> list[str]:
        """Let the owner die; return what the slow one hears when all is settled, but for what its partner said."""
        self.a.die(0)
        self.fleet.wait(6)
        slow.reads()
        self.fleet.wait(2)
        return [line for line in slow.lines() if WIDE not in line]

    def test_another_partner(self) -> None:
        """It hears that the one has left before it hears that the other is there, and then the other's words."""
        slow, other = self.change()
        self.says(other, "to you")
        self.assertEqual(self.dies(slow), [f"-!- {GONE_ON}", LEFT, JOINED, "to you"])
        self.says(slow, "to you, too")
        self.hears(other, f"-!- {GONE_ON}", "to you, too")

    def test_it_comes_back_second(self) -> None:
        """It hears the same where the other one is back first."""
        slow, other = self.change()
        self.a.die(0)
        self.fleet.wait(2.5)  # so long nobody is taken for dead
        self.b.is_frozen = True
        while "tea" not in self.c.cluster.claims.owned:
            self.fleet.wait(0.1)
        self.b.is_frozen = False
        self.assertEqual(self.dies(slow), [f"-!- {GONE_ON}", LEFT, JOINED])
        self.hears(other, f"-!- {GONE_ON}", JOINED)

    def test_a_program(self) -> None:
        """A JSON peer hears both by name, and is welcomed between the two."""
        slow, _ = self.change(json.dumps({"chatterbox": 1, "room": "tea", "name": "slow"}))
        events = [json.loads(line) for line in self.dies(slow)]
        self.assertEqual([event["event"] for event in events], ["notice", "left", "welcome", "joined"])
        self.assertEqual((events[1]["name"], events[3]["name"]), ("guest-2", "guest-3"))

    def test_the_other_is_gone_too(self) -> None:
        """Of one of whom it wasn't told that it came it isn't told that it left."""
        slow, other = self.change()
        other.cut()
        self.assertEqual(self.dies(slow), [f"-!- {GONE_ON}", LEFT])

    def test_what_it_said(self) -> None:
        """What it said before it was told of the other is told as perhaps not delivered, and isn't said twice."""
        slow, other = self.change()
        self.says(slow, "to whom?")
        self.hears(other, "to whom?")
        told = "-!- perhaps not delivered: the last line (9 bytes were never acknowledged)"
        self.assertEqual(self.dies(slow), [f"-!- {GONE_ON}", LEFT, JOINED, told])
        self.hears(other, f"-!- {GONE_ON}")

    def test_it_reads_in_time(self) -> None:
        """If it reads before the owner dies it hears all there, and nothing of it again."""
        slow, other = self.change()
        slow.reads()
        self.fleet.wait(1)
        heard = [line for line in slow.lines() if WIDE not in line]
        self.assertEqual((heard[0], heard[-1]), (LEFT, JOINED))
        self.assertNotIn(LEFT, self.dies(slow))
        self.says(slow, "still you")
        self.assertIn("still you", other.lines())
