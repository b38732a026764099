"""Sessions that only say something and wait until somebody hears them, while the hearer comes to another machine."""

from __future__ import annotations

from chatterbox.cluster.homes import CUT_OFF, DOWN
from tests.cluster.test_nodes import Machines
from tests.harness.nodes import Node
from tests.harness.session_client import Client


class Outside(Machines):
    """Pairs."""

    def sender(self, node: Node, room: str = "tea") -> Client:
        """Return a session that hears nothing, and has a line to say."""
        client = Client(node.hub, room, "pip", listens=False).says("for you").finishes()
        self.fleet.talk(client)
        return client

    def hearer(self, node: Node, *senders: Client, room: str = "tea") -> Client:
        """Return a session that has come to hear."""
        client = Client(node.hub, room, "ann")
        self.fleet.talk(client, *senders)
        return client

    def refuse_leftovers(self) -> None:
        """Refuse that anything is left of those who are gone."""
        self.fleet.wait(130)
        self.assertEqual((self.fleet.leftovers(), self.fleet.engine.memory.rooms), ([], {}))

    def test_who_came_first(self) -> None:
        """A hearer at any machine hears who waited at any other; the room lives where somebody waits for it."""
        for at, (waits, comes) in enumerate(((self.a, self.b), (self.b, self.a), (self.c, self.c))):
            pip = self.sender(waits, room=f"tea{at}")
            self.assertIs(self.fleet.owner(f"tea{at}"), waits)
            ann = self.hearer(comes, pip, room=f"tea{at}")
            self.assertEqual((ann.said, pip.exit), (["for you"], (0, "")))
            ann.finishes()
            self.fleet.talk(ann)
        self.refuse_leftovers()

    def test_two_who_wait(self) -> None:
        """Two who wait at two machines are heard one after the other."""
        one, two = self.sender(self.a), self.sender(self.b)
        ann = self.hearer(self.c, one, two)
        self.fleet.talk(ann, one, two)
        self.assertEqual((ann.said, one.exit, two.exit), (["for you"] * 2, (0, ""), (0, "")))

    def test_a_room_that_empties(self) -> None:
        """Who waits outside a full room of another machine is heard when all have gone and somebody else comes."""
        there = [self.nc(self.a, "/join tea") for _ in range(2)]
        pip = self.sender(self.b)
        for end in there:
            end.finishes()  # the second one ends both
        self.fleet.talk(pip)
        self.assertIs(self.fleet.owner("tea"), self.a)
        ann = self.hearer(self.c, pip)
        self.assertEqual((ann.said, pip.exit), (["for you"], (0, "")))

    def test_who_waits_no_longer(self) -> None:
        """When the last one that waited has gone the room lives nowhere, as far as nobody sits in it."""
        for node in (self.a, self.b):
            first, second = self.sender(self.a), self.sender(node)
            first.cut()
            self.fleet.wait(1)
            self.assertIs(self.fleet.owner("tea"), self.a)
            second.cut()
            self.fleet.wait(1)
            self.assertIsNone(self.fleet.owner("tea"))
        ann = self.hearer(self.a)
        self.sender(self.a).cut()
        self.fleet.wait(1)
        self.assertIs(self.fleet.owner("tea"), self.a)
        ann.finishes()
        self.fleet.talk(ann)
        ann.cut()
        self.refuse_leftovers()

    def test_the_machine_dies(self) -> None:
        """Who waits outside a room of a machine that dies waits at home, and is heard."""
        host = self.sender(self.a)
        pip = self.sender(self.b)
        self.a.die(0)
        self.fleet.wait(8)
        self.fleet.talk(pip)
        self.assertIs(self.fleet.owner("tea"), self.b)
        ann = self.hearer(self.c, pip)
        self.assertEqual((ann.said, pip.exit, host.exit), (["for you"], (0, ""), None))

    def test_the_name_is_taken(self) -> None:
        """Who waits outside a room whose name another machine took is told; a pair that needs nobody isn't."""
        two = [self.nc(self.a, "/join tea") for _ in range(2)]
        here, there = self.sender(self.a), self.sender(self.b)
        self.says(two[0], "hello")
        two[1].lines()
        two[0].lines()
        self.a.is_partitioned = True
        self.a.wire.cut()
        self.fleet.wait(8)
        self.assertEqual([end.lines() for end in two], [[], []])
        stranger = self.nc(self.b, "/join tea")
        self.fleet.talk(there)
        self.assertIn("for you", stranger.lines())
        self.a.is_partitioned = False
        self.fleet.wait(4)
        assert here.end is not None
        self.assertIn(CUT_OFF.removeprefix("-!- ").encode(), here.end.heard())
        self.says(two[0], "and on")
        self.hears(two[1], "and on")

    def test_an_outage(self) -> None:
        """Two of one machine don't hear of an outage because somebody of another one waits outside."""
        two = [self.nc(self.a, "/join tea") for _ in range(2)]
        self.sender(self.b)
        for end in two:
            end.lines()
        self.a.wire.cut()
        self.fleet.wait(1)
        self.assertNotIn(DOWN, "".join(two[0].lines() + two[1].lines()))

    def test_a_full_room(self) -> None:
        """A session that wants to talk in a full room of another machine ends as it does at home."""
        for _ in range(2):
            self.nc(self.a, "/join tea")
        for node in (self.a, self.b):
            ann = self.hearer(node)
            self.assertEqual((ann.exit, ann.events), ((3, "full"), ["closed"]))
