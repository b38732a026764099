"""A long time without the engine: nobody is let go, taken for gone, or told something else than that the link is down."""

from __future__ import annotations

import json

from chatterbox.cluster.homes import BACK, DOWN
from tests.cluster.test_nodes import Machines
from tests.harness.memory import End
from tests.harness.session_client import Client

LONG = 200.0
"""Seconds: more than any patience of a hub."""


class Outage(Machines):
    """Pairs."""

    def outage(self, seconds: float, *clients: Client) -> None:
        """Let the engine be away for so long, while sessions live on."""
        self.fleet.engine.is_frozen = True
        for node in self.fleet.nodes:
            node.wire.cut()
        for _ in range(round(seconds / 4)):
            for client in clients:
                client.turn()
            self.fleet.wait(4)
        self.fleet.engine.is_frozen = False
        self.fleet.wait(2)

    def test_sessions(self) -> None:
        """Sessions of two machines keep their links, and then hear all that was said."""
        one, two = Client(self.a.hub, "tea", "ann"), Client(self.b.hub, "tea", "bob")
        self.fleet.talk(one, two)
        one.events.clear()
        two.events.clear()
        one.says("meanwhile")
        self.outage(LONG, one, two)
        self.fleet.talk(one, two)
        self.assertEqual(two.said, ["meanwhile"])
        for client in (one, two):
            self.assertEqual([event for event in client.events if event != "said"], ["notice", "notice"])

    def test_who_is_silent_afterwards(self) -> None:
        """A session elsewhere whose link says nothing more is away, as one is that is here."""
        one, two = Client(self.a.hub, "tea", "ann"), Client(self.b.hub, "tea", "bob")
        self.fleet.talk(one, two)
        for _ in range(40):
            self.fleet.wait(4)
            one.turn()
        self.assertEqual(one.events[-1], "away")

    def test_who_asks_whether_it_is_heard(self) -> None:
        """A session elsewhere that only pings is there: its machine answers at once, and the owner hears of it."""
        one = Client(self.a.hub, "tea", "ann")
        self.fleet.talk(one)
        two = self.b.hub.connects()
        hello = {"chatterbox": 1, "room": "tea", "session": "ab" * 16, "try": 1}
        two.says(json.dumps(hello))
        self.fleet.talk(one)
        two.heard()
        for at in range(60):
            self.fleet.wait(5)
            one.turn()
            two.says('{"verb": "ping"}' if at % 2 else '{"verb":"ping"}')
            self.assertEqual(two.heard(), b'{"event": "pong"}\n')
        self.assertNotIn("away", one.events)

    def _pumps(self, one: End, lines: int) -> None:
        for at in range(lines):
            one.says(f"{at} ".ljust(1000, "."))

    def test_much_waits(self) -> None:
        """Nobody is let go as slow because it can't be reached, in a pair, whatever was said to it."""
        one, two = self.nc(self.a, "/join tea"), self.nc(self.b, "/join tea")
        two.lines()
        one.lines()
        self.fleet.engine.is_frozen = True
        self._pumps(one, 300)
        self.outage(LONG)
        self.fleet.wait(2)
        heard = [int(line.split()[0]) for line in two.lines() if not line.startswith("-!-")]
        self.assertEqual(heard, list(range(300)))
        self.assertEqual([line for line in one.lines() if line[4:] not in (DOWN, BACK)], [])

    def test_who_comes(self) -> None:
        """Whoever said hello in JSON is told in JSON that nobody knows where its room is."""
        self.fleet.engine.is_frozen = True
        for node in self.fleet.nodes:
            node.wire.cut()
        ends = [self.a.hub.connects(), self.a.hub.connects()]
        for end, more in zip(ends, ({"session": "ab" * 16, "try": 1}, {})):
            end.says(json.dumps({"chatterbox": 1, "room": "tea", "name": "ann", **more}))
        self.fleet.wait(15)
        for end in ends:
            self.assertEqual([json.loads(line)["why"] for line in end.heard().splitlines()], ["lost"])


class LargerRooms(Outage):
    """The same in larger rooms, as far as the bound of what may wait for one."""

    mode = "room"

    def test_much_waits(self) -> None:
        """Whoever can't be reached isn't slow, as long as no more waits for it than may."""
        one, two = self.nc(self.a, "/join tea", "/nick ann"), self.nc(self.b, "/join tea", "/nick bob")
        two.lines()
        self.fleet.engine.is_frozen = True
        self._pumps(one, 200)
        self.outage(LONG)
        self.fleet.wait(2)
        heard = [int(line.split()[1]) for line in two.lines() if line.startswith("ann: ")]
        self.assertEqual(heard, list(range(200)))
        self.assertFalse(two.closed)
