"""What somebody hears whose partner was on the machine that is gone, and with it the room."""

from __future__ import annotations

import json

from chatterbox.cluster.homes import BACK, DOWN, GONE_ON
from tests.cluster.test_nodes import Machines
from tests.harness.memory import End

LEFT = "-!- your partner left (lost)"


def perhaps(lines: str, size: int) -> str:
    """Return what is told of lines of which nobody knows whether the partner heard them."""
    return f"-!- perhaps not delivered: the last {lines} ({size} bytes were never acknowledged)"


class Partners(Machines):
    """A pair of which one sits where the room lives, and that machine is gone."""

    def pair(self) -> tuple[End, End]:
        """Return an end at a, where the room lives, and one at b; both know it."""
        one = self.nc(self.a, "/join tea")
        two = self.nc(self.b, "/join tea")
        one.lines()
        self.says(one, "hi")
        two.lines()
        return one, two

    def survives(self) -> End:
        """Return the end at b, when a is gone and the room lives at b."""
        _, two = self.pair()
        self.a.die(0)
        self.fleet.wait(6)
        return two

    def test_the_partner_is_gone_with_the_room(self) -> None:
        """Whoever is left hears that the room goes on, and that the partner is lost."""
        self.hears(self.survives(), f"-!- {GONE_ON}", LEFT)

    def test_a_partner_that_left_before(self) -> None:
        """Who leaves, while word of it waits behind much else, is told of also if that is lost with the owner."""
        one, two = self.pair()
        self.a.is_partitioned = True
        self.a.wire.cut()
        self.says(one, *("x" * 1000 for _ in range(66)))
        self.says(one, "this waits")
        one.cut()
        self.a.is_partitioned = False
        self.a.connect()
        for _ in range(5):
            self.a.clock.advance(0)
            while self.a.wire.ask() | self.a.wire.answer():
                pass
        while self.b.wire.read():
            pass
        self.a.die(0)
        self.fleet.wait(6)
        heard = two.lines()
        self.assertEqual((len(heard) > 66, "this waits" in heard), (True, False))
        self.assertEqual([line for line in heard if line.startswith("-!-")], [f"-!- {GONE_ON}", LEFT])

    def test_what_was_said_meanwhile(self) -> None:
        """What is said to a partner who is gone is told as perhaps not delivered, and no stranger hears it."""
        _, two = self.pair()
        self.a.die(0)
        self.says(two, "are you there?", "hello?")
        self.fleet.wait(6)
        self.hears(two, f"-!- {GONE_ON}", LEFT, perhaps("2 lines", 22))
        self.says(two, "anybody?")
        three = self.nc(self.c, "/join tea")
        self.hears(three, "anybody?")
        self.hears(two, "-!- your partner joined")

    def test_a_line_that_was_heard(self) -> None:
        """A line that the partner heard just before its machine died is not told as one that it can't have heard."""
        one, two = self.pair()
        two.says("now")
        self.b.clock.advance(0)
        while self.b.wire.ask():
            pass
        while self.a.wire.read():
            pass
        self.assertIn(b"now", bytes(one.line.taken))
        self.a.die(0)
        self.fleet.wait(6)
        self.hears(two, f"-!- {GONE_ON}", LEFT, perhaps("line", 4))

    def test_a_program_hears_the_same(self) -> None:
        """A JSON peer is told the lines and bytes, and that it isn't sure."""
        self.nc(self.a, "/join tea")
        two = self.b.hub.connects().says(json.dumps({"chatterbox": 1, "room": "tea", "name": "bob"}))
        self.fleet.wait(0.2)
        self.a.die(0)
        self.says(two, json.dumps({"verb": "say", "text": "hello?"}))
        self.fleet.wait(6)
        told = json.loads(two.lines()[-1])
        self.assertEqual(
            {key: told[key] for key in ("event", "lines", "sure", "bytes", "why")},
            {"event": "undelivered", "lines": 1, "sure": False, "bytes": 7, "why": "lost"},
        )

    def test_a_room_that_moves_to_a_third_machine(self) -> None:
        """The same where the room goes on at a machine that is not the survivor's."""
        host = self.nc(self.a, "/join tea")
        one = self.nc(self.b, "/join tea")
        self.says(host, "/quit")
        two = self.nc(self.c, "/join tea")
        for end in (one, two):
            end.lines()
        self.a.die(0)
        self.b.is_frozen = True  # it is taken for dead in the same moment
        self.says(two, "are you there?")
        self.fleet.wait(8)
        self.hears(two, f"-!- {GONE_ON}", LEFT, perhaps("line", 15))

    def test_who_was_alone(self) -> None:
        """Whoever had no partner hears of none that is lost, and what it says still waits for one."""
        host = self.nc(self.a, "/join tea")
        one = self.nc(self.b, "/join tea")
        self.says(host, "/quit")
        one.lines()
        self.a.die(0)
        self.says(one, "is anybody there?")
        self.fleet.wait(6)
        self.hears(one, f"-!- {GONE_ON}")
        self.hears(self.nc(self.c, "/join tea"), "is anybody there?")

    def test_both_come_back(self) -> None:
        """Where both ends were elsewhere nobody is lost, and nothing is told as such."""
        host = self.nc(self.a, "/join tea")
        one = self.nc(self.b, "/join tea")
        self.says(host, "/quit")
        two = self.nc(self.c, "/join tea")
        self.a.die(0)
        self.says(one, "to you")
        self.fleet.wait(6)
        self.assertIn("to you", two.lines())
        self.assertNotIn(LEFT, one.lines() + two.lines())

    def test_who_has_finished(self) -> None:
        """Whoever has finished and only listens has nobody to listen to any more, and is hung up on."""
        _, two = self.pair()
        two.finishes()
        self.fleet.wait(0.2)
        self.a.die(0)
        self.fleet.wait(8)
        self.assertEqual(two.lines()[:2], [f"-!- {GONE_ON}", LEFT])
        self.assertTrue(two.closed)

    def test_who_finishes_meanwhile(self) -> None:
        """The same for one that finishes while nobody knows yet that the machine is gone."""
        _, two = self.pair()
        self.a.die(0)
        two.says("last word").finishes()
        self.fleet.wait(8)
        heard = two.lines()
        self.assertEqual(heard[:2], [f"-!- {GONE_ON}", LEFT])
        self.assertIn(perhaps("line", 10), heard)
        self.assertTrue(two.closed)

    def test_programs(self) -> None:
        """A JSON peer is told by a welcome that names nobody, and by an event."""
        self.nc(self.a, "/join tea")
        two = self.b.hub.connects().says(json.dumps({"chatterbox": 1, "room": "tea", "name": "bob"}))
        self.fleet.wait(0.2)
        two.lines()
        self.a.die(0)
        self.fleet.wait(6)
        events = [json.loads(line) for line in two.lines()]
        self.assertEqual([event["event"] for event in events], ["notice", "welcome", "left"])
        self.assertEqual((events[1]["here"], events[2]["name"], events[2]["why"]), (["bob"], "guest-1", "lost"))

    def test_cut_off_with_the_room(self) -> None:
        """Where the owner was only cut off, and comes back, the one that went on has heard the same."""
        _, two = self.pair()
        self.a.is_partitioned = True
        self.a.wire.cut()
        self.fleet.wait(8)
        self.a.is_partitioned = False
        self.fleet.wait(3)
        self.assertEqual([line for line in two.lines() if line[4:] not in (DOWN, BACK)], [f"-!- {GONE_ON}", LEFT])


class Duets(Machines):
    """A mode whose ends end together."""

    mode = "duet"

    def test_the_other_is_gone_with_the_room(self) -> None:
        """Whoever is left is hung up on for the same reason as ever."""
        self.nc(self.a, "/join tea")
        two = self.nc(self.b, "/join tea")
        self.a.die(0)
        self.fleet.wait(6)
        self.assertIn("-!- closed (bye): X left (lost)", two.lines())
        self.assertTrue(two.closed)
