"""One schedule for each protection that random schedules seldom need: without it this one fails."""

from __future__ import annotations

import json
import re

from chatterbox.cluster.homes import BACK, CUT_OFF, DOWN, GONE_ON
from tests.cluster.test_nodes import Machines
from tests.harness.machines import small_windows
from tests.harness.memory import End
from tests.harness.nodes import Node
from tests.harness.session_client import Client

JOINED = "-!- your partner joined"
LET_GO = f"-!- closed (lost): {CUT_OFF}"


class Schedules(Machines):
    """Three machines, of which one fails in the worst moment."""

    def heard(self, end: End) -> list[str]:
        """Return what an end has heard, but for the word of an outage."""
        return [line for line in end.lines() if line not in (f"-!- {DOWN}", f"-!- {BACK}")]

    def part(self, node: Node) -> None:
        """Cut a machine off."""
        node.is_partitioned = True
        node.wire.cut()

    def pair(self) -> tuple[End, End]:
        """Return an end at a, where the room lives, and one at b."""
        one, two = self.nc(self.a, "/join tea"), self.nc(self.b, "/join tea")
        for end in (one, two):
            end.lines()
        return one, two

    def dies_in_the_middle(self) -> None:
        """Let what was said at b reach a, and only the first post of what follows the engine; then a dies."""
        self.b.clock.advance(0)
        while self.b.wire.ask() or not self.a.wire.read():
            pass
        self.a.clock.advance(0)
        posts = [at for at, (command, _) in enumerate(self.a.wire.commands) if command[0] == "post"]
        self.assertGreater(len(posts), 1)
        self.a.die(posts[0] + 1)
        self.fleet.wait(8)


class Protections(Schedules):
    """What is promised of pairs."""

    def test_a_question_that_is_lost(self) -> None:
        """Where a room lives is asked again if the connection is lost before the answer."""
        self.fleet.engine.is_frozen = True
        one = self.nc(self.a, "/join tea")
        self.assertIn("claim", [command[0] for command, _ in self.a.wire.commands])
        self.a.wire.cut()
        self.fleet.engine.is_frozen = False
        self.fleet.wait(1)
        self.nc(self.b, "/join tea", "hi")
        self.hears(one, JOINED, "hi")

    def test_a_room_that_is_taken(self) -> None:
        """Whoever is left in a room that another machine has taken meanwhile is let go, and can come back to it."""
        one, two = self.pair()
        self.part(self.a)
        self.fleet.engine.forget()
        self.fleet.wait(8)
        self.assertIs(self.fleet.owner("tea"), self.b)
        self.a.is_partitioned = False
        self.fleet.wait(2)
        self.assertIn(LET_GO, self.heard(one))
        self.assertEqual(self.a.hub.rooms(), {})
        two.lines()
        self.nc(self.a, "/join tea", "again")
        self.hears(two, JOINED, "again")

    def test_an_owner_that_was_taken_for_dead(self) -> None:
        """Whoever shares a room of a machine that was taken for dead is let go, though nobody has the room by then."""
        one, two = self.pair()
        self.a.is_frozen = True
        self.fleet.wait(6)
        self.says(two, "/quit")
        self.fleet.wait(4)
        self.assertEqual(self.fleet.engine.memory.rooms, {})
        self.a.is_frozen = False
        self.fleet.wait(2)
        self.assertIn(LET_GO, self.heard(one))
        self.assertEqual(self.a.hub.rooms(), {})

    def test_a_guest_of_a_machine_that_was_taken_for_dead(self) -> None:
        """Whoever visited a room elsewhere meanwhile is let go, though that room is still there."""
        one, two = self.pair()
        self.b.is_frozen = True
        self.fleet.wait(6)
        self.b.is_frozen = False
        self.fleet.wait(2)
        self.assertEqual(self.heard(two), [LET_GO])
        self.assertEqual(self.heard(one), ["-!- your partner left (lost)"])

    def test_an_inbox_that_begins_anew(self) -> None:
        """After the engine forgot everything an inbox is read from its beginning, though its numbers are smaller."""
        one, two = self.pair()
        for at in range(50):
            self.says(one, f"line {at}")
        two.lines()
        self.fleet.engine.forget()
        self.fleet.wait(0.7)
        self.says(one, "at once")
        self.hears(two, "at once")

    def test_a_slow_hearer_whose_owner_dies(self) -> None:
        """What waits at the owner for a slow hearer is not confirmed: if the owner dies it is said again."""
        host = self.nc(self.a, "/join tea")
        one = self.nc(self.b, "/join tea")
        self.says(host, "/quit")
        two = self.nc(self.c, "/join tea")
        two.lines()
        two.stops_reading()
        said: list[str] = []
        while one.line.reading:
            lines = [f"{len(said) + at:06d} {'x' * 60}" for at in range(100)]
            said += lines
            self.says(one, *lines)
        self.fleet.wait(1)
        self.a.die(0)
        self.fleet.wait(1)
        two.reads()
        self.fleet.wait(8)
        self.assertEqual([line for line in two.lines() if not line.startswith("-!-")], said)

    def test_a_hearer_who_takes_a_little(self) -> None:
        """What was posted to a slow hearer is confirmed with it, though its speaker still waits: it isn't said again."""
        hello = '{"chatterbox": 1, "room": "tea"}'
        host = self.nc(self.a, "/join tea")
        one = self.nc(self.b, hello)
        self.says(host, "/quit")
        two = self.nc(self.c, hello)
        texts = [f"{at:06d} {'x' * 4080}" for at in range(40)]
        with small_windows():
            two.stops_reading()
            for text in texts:
                self.says(one, json.dumps({"verb": "say", "text": text}))
            two.reads()
            for node in (self.c, self.a):
                while node.wire.read():
                    pass
                node.clock.advance(0)
                while node.wire.ask():
                    pass
            self.a.die(0)
            self.fleet.wait(8)
        events = [json.loads(line) for line in two.lines()]
        self.assertEqual([event["text"] for event in events if event["event"] == "said"], texts)

    def test_an_answer_that_a_death_overtakes(self) -> None:
        """Nobody is sent to a machine of whose death the word came before the answer that names it."""
        one, two = self.pair()
        self.says(one, "/quit")
        two.lines()
        three = self.b.hub.connects().says("/join tea")
        self.b.clock.advance(0)
        while self.b.wire.ask():
            pass
        self.a.die(0)
        self.fleet.engine.run("evict", self.a.cluster.roster.me, "*")
        while self.b.wire.read():
            pass
        self.fleet.wait(2)
        self.assertIs(self.fleet.owner("tea"), self.b)
        self.says(three, "hi")
        self.assertEqual(self.heard(two)[-2:], [JOINED, "hi"])

    def test_half_a_block(self) -> None:
        """Of many lines in one block each is confirmed with its effect: none is said twice if the owner dies between."""
        host = self.nc(self.a, "/join tea")
        one = self.b.hub.connects().says(json.dumps({"chatterbox": 1, "room": "tea", "name": "ann"}))
        self.fleet.wait(0.2)
        self.says(host, "/quit")
        two = self.nc(self.c, "/join tea")
        two.lines()
        texts = [f"line {at}" for at in range(200)]
        one.says(*(json.dumps({"verb": "say", "text": text}) for text in texts))
        self.dies_in_the_middle()
        self.assertEqual([line for line in two.lines() if line.startswith("line")], texts)

    def test_grace_that_is_interrupted(self) -> None:
        """After the engine forgot everything an owner is waited for, also by who loses its connection meanwhile."""
        one = self.nc(self.b, "/join tea")
        self.part(self.b)
        self.fleet.engine.forget()
        self.fleet.wait(0.7)
        self.fleet.engine.is_frozen = True
        for node in (self.a, self.c):
            node.wire.cut()
        self.fleet.wait(2)  # nobody could come back meanwhile
        self.fleet.engine.is_frozen = False
        two = self.nc(self.a, "/join tea", "hi")
        self.b.is_partitioned = False
        self.fleet.wait(3)
        self.assertEqual(self.heard(one), [JOINED, "hi"])
        self.assertFalse(two.closed)

    def test_a_death_that_is_forgotten(self) -> None:
        """A machine that was taken for dead learns it, also if the engine forgot that and nobody says a word."""
        one, two = self.pair()
        self.part(self.b)
        self.fleet.wait(6)
        self.assertEqual(self.heard(one), ["-!- your partner left (lost)"])
        self.fleet.engine.forget()
        self.fleet.wait(1)
        self.b.is_partitioned = False
        self.fleet.wait(3)
        self.assertEqual(self.heard(two), [LET_GO])

    def dies_for_a_moment(self) -> None:
        """Let b take a for dead, and the engine forget that before anybody asks for a room."""
        self.a.wire.cut()
        self.fleet.engine.run("evict", self.a.cluster.roster.me, "*")
        while self.b.wire.read():
            pass
        self.fleet.engine.lose_tail(1)
        self.assertIn(self.a.cluster.roster.me, self.fleet.engine.memory.nodes)
        for node in (self.b, self.c):
            node.wire.cut()

    def reaches_the_owner(self) -> None:
        """Let what was said at b be heard at a, which confirms nothing yet."""
        self.b.clock.advance(0)
        while self.b.wire.ask() or not self.a.wire.read():
            pass

    def test_who_may_have_been_heard_at_a_machine_that_was_taken_for_dead(self) -> None:
        """Who comes back to it with words that it may have handled is let go: they would be heard there twice."""
        one, two = self.pair()
        two.says("hi")
        self.reaches_the_owner()
        self.dies_for_a_moment()
        self.fleet.wait(2)
        self.assertEqual(self.heard(one), ["hi", "-!- your partner left (lost)"])
        self.assertEqual(self.heard(two), [f"-!- {GONE_ON}", LET_GO])
        self.assertEqual(self.b.leftovers(), [])

    def test_who_comes_back_to_a_machine_that_was_taken_for_dead(self) -> None:
        """Whose words were all confirmed has its seat again, and what it said meanwhile is heard there once."""
        one, two = self.pair()
        self.says(two, "hi")
        self.dies_for_a_moment()
        two.says("meanwhile")
        self.fleet.wait(2)
        self.assertEqual(self.heard(one), ["hi", "-!- your partner left (lost)", JOINED, "meanwhile"])
        self.assertEqual(self.heard(two), [f"-!- {GONE_ON}"])

    def test_a_session_comes_back_to_a_machine_that_was_taken_for_dead(self) -> None:
        """A session numbers its words: it is not let go, and each is heard once."""
        one, two = Client(self.a.hub, "tea", "ann"), Client(self.b.hub, "tea", "bob")
        self.fleet.talk(one, two)
        two.says("hi")
        self.reaches_the_owner()
        self.dies_for_a_moment()
        self.fleet.talk(one, two)
        self.fleet.wait(2)
        two.says("again")
        self.fleet.talk(one, two)
        self.assertEqual(one.said, ["hi", "again"])
        self.assertFalse(two.end is None or two.end.closed)

    def test_what_is_not_promised(self) -> None:
        """A last word that the engine forgets, and a death, before it is said again: `docs/cluster.md` promises nothing."""
        host = self.nc(self.a, "/join tea")
        one = self.nc(self.b, "/join tea")
        self.says(host, "/quit")
        two = self.nc(self.c, "/join tea")
        one.says("hi")
        self.reaches_the_owner()
        self.a.clock.advance(0)
        while self.a.wire.ask() or not self.c.wire.read():
            pass
        self.fleet.engine.run("evict", self.b.cluster.roster.me, "*")
        while self.a.wire.read():
            pass
        self.fleet.engine.lose_tail(2)
        self.a.die(0)
        for node in (self.b, self.c):
            node.wire.cut()
        self.fleet.wait(8)
        self.assertEqual([line for line in two.lines() if line == "hi"], ["hi", "hi"])

    def test_a_turn_at_the_owner(self) -> None:
        """Who says many small things in one block takes no more of a turn at the owner than somebody there does."""
        one = self.nc(self.a, "/join tea")
        two = self.b.hub.connects().says(json.dumps({"chatterbox": 1, "room": "tea", "name": "bob"}))
        self.fleet.wait(0.2)
        one.lines()
        two.says(*(json.dumps({"verb": "say", "text": f"line {at}"}) for at in range(1000)))
        self.b.clock.advance(0)
        while self.b.wire.ask():
            pass
        while self.a.wire.read():
            pass
        self.assertEqual(one.line.taken.count(b"\n"), self.a.hub.hub.limits.pieces_a_turn)  # `lines` ends the turn
        self.fleet.wait(1)
        self.assertEqual(one.lines()[-1], "line 999")


class Rates(Schedules):
    """A hub on which everybody says a line a second."""

    limits = {"rate": 1.0, "burst": 1}

    def test_an_owner_that_dies_in_a_pause(self) -> None:
        """A line that was heard is confirmed, though its speaker has to wait: it isn't said again by the next owner."""
        host = self.nc(self.a, "/join tea")
        one = self.nc(self.b, "/join tea")
        self.says(host, "/quit")
        two = self.nc(self.c, "/join tea")
        two.lines()
        self.fleet.wait(3)
        self.says(one, "first", "second", "third")
        self.assertEqual(two.lines(), ["first", "second"])
        self.a.die(0)
        self.fleet.wait(8)
        self.assertEqual([line for line in two.lines() if not line.startswith("-!-")], ["third"])


class Keys(Schedules):
    """Mode `talk`: what is said are keys."""

    mode = "talk"

    def test_half_of_many_keys(self) -> None:
        """Of many keys in one block no key is shown twice, and none is missing, if the owner dies between."""
        host = self.nc(self.a, "/join tea")
        one = self.nc(self.b, "/join tea")
        self.says(host, "/quit")
        two = self.nc(self.c, "/join tea")
        two.lines()
        keys = "".join(f"x{at:05d}\n" for at in range(2000))
        one.line.send(keys.encode())
        self.dies_in_the_middle()
        heard = re.sub(r"\r\n-!- [^\n]*\r\n", "", two.heard().decode())
        self.assertEqual(heard.replace("\r", ""), keys)


class Namesakes(Schedules):
    """A node that is not in the table, and one of its name that is."""

    def test_a_predecessor_that_comes_back_from_the_dead(self) -> None:
        """An engine that lost its tail names a node that is long dead in place of its successor, which goes on."""
        old = self.a.cluster.roster.me
        self.a.die(0)
        self.fleet.wait(5)
        again = self.fleet.restart(self.a)
        self.fleet.wait(2)
        memory = self.fleet.engine.memory
        del memory.nodes[again.cluster.roster.me]
        memory.nodes[old] = 7
        self.fleet.wait(6)
        self.assertEqual(again.replaced, 0)
        self.assertIn(again.cluster.roster.me, self.fleet.engine.memory.nodes)
        self.assertNotIn(old, self.fleet.engine.memory.nodes)
