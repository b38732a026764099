"""What people hear whose partner was on a machine that is told to end, or is killed, and who comes back from there."""

from __future__ import annotations

from chatterbox.cluster.homes import CUT_OFF, GONE_ON
from tests.cluster.test_nodes import Machines
from tests.harness.memory import End
from tests.harness.nodes import Node
from tests.harness.session_client import Client

LEFT = "-!- your partner left (lost)"


class Ends(Machines):
    """Pairs of which one sits at a machine that is told to end."""

    def ends(self, node: Node) -> None:
        """Let a machine end, as its service does."""
        node.cluster.leave(lambda answer: None)
        node.hub.admission.stop(lambda: None)
        self.fleet.wait(0.2)
        node.die(0)
        self.fleet.wait(2)

    def pair(self, one: Node, other: Node) -> tuple[End, End]:
        """Return an end where the room lives, and one elsewhere."""
        first = self.nc(one, "/join tea")
        second = self.nc(other, "/join tea")
        for end in (first, second):
            end.lines()
        return first, second

    def test_the_partner_was_where_the_room_lived(self) -> None:
        """Who is left hears that the partner is lost, as where the machine is killed, and who was there hears why."""
        one, two = self.pair(self.a, self.b)
        self.ends(self.a)
        self.hears(two, f"-!- {GONE_ON}", LEFT)
        self.hears(one, "-!- closed (shutdown): the hub is shutting down")

    def test_the_partner_was_a_guest(self) -> None:
        """The same where the room lives at the machine that goes on."""
        one, two = self.pair(self.a, self.b)
        self.ends(self.b)
        self.hears(one, LEFT)
        self.hears(two, "-!- closed (shutdown): the hub is shutting down")

    def test_last_words(self) -> None:
        """What was said before is heard."""
        one, two = self.pair(self.a, self.b)
        one.says("bye")
        two.says("bye, too")
        self.fleet.wait(0.2)
        one.says("last")
        self.ends(self.a)
        self.assertEqual(two.lines(), ["bye", "last", f"-!- {GONE_ON}", LEFT])


class Sessions(Ends):
    """Sessions whose partner comes back through another machine."""

    def clients(self, one: Node, other: Node) -> tuple[Client, Client]:
        """Return a session where the room lives, and one elsewhere, which have talked."""
        ann = Client(one.hub, "tea", "ann")
        self.fleet.talk(ann)
        bob = Client(other.hub, "tea", "bob")
        self.fleet.talk(ann, bob)
        ann.says("hi")
        self.fleet.talk(ann, bob)
        return ann, bob

    def refuse_losses(self, ann: Client, bob: Client, *said: str) -> None:
        """Refuse that anything was lost that bob said meanwhile."""
        for _ in range(6):
            self.fleet.talk(ann, bob)
        ann.says("back")
        self.fleet.talk(ann, bob)
        self.assertEqual((ann.said, bob.said), (list(said), ["hi", "back"]))
        self.assertEqual((ann.missed, bob.missed), (0, 0))
        self.assertEqual([word for word, _ in (*ann.fates, *bob.fates) if word != "got"], [])

    def test_killed_with_the_room(self) -> None:
        """The partner's seat is kept where the room goes on: it comes back through any machine, and misses nothing."""
        for at, through in enumerate((self.b, self.c)):
            home = self.a if at == 0 else self.fleet.restart(self.a)
            self.fleet.wait(2)
            ann, bob = self.clients(home, self.b)
            home.die(0)
            bob.says("meanwhile")
            self.fleet.talk(bob)
            ann.cut(both=False)
            self.fleet.wait(5 * at)
            ann.connect(through.hub)
            self.refuse_losses(ann, bob, "meanwhile")
            self.assertIn("away", bob.events)
            self.assertNotIn("left", bob.events)
            for client in (ann, bob):
                client.finishes()
            self.fleet.talk(ann, bob)
            self.assertEqual((ann.exit, bob.exit), ((0, ""), (0, "")))

    def test_told_to_end(self) -> None:
        """The same where the machine is told to end, whether or not the room lives there."""
        for home, other in ((self.a, self.b), (self.b, self.c)):
            ann, bob = self.clients(home, other)
            if home is self.b:
                ann, bob = bob, ann
                ann.said, bob.said = [], ["hi"]
                home = self.c
            self.ends(home)
            ann.turn()
            bob.says("meanwhile")
            self.fleet.talk(bob)
            ann.cut(both=False)
            ann.connect(self.b.hub)
            self.refuse_losses(ann, bob, "meanwhile")
            for client in (ann, bob):
                client.finishes()
            self.fleet.talk(ann, bob)

    def test_cut_off(self) -> None:
        """Who is cut off with the room is told so, comes back to the seat that is kept elsewhere, and misses nothing."""
        for home in (self.a, self.b):
            ann, bob = self.clients(home, self.c)
            home.is_partitioned = True
            home.wire.cut()
            ann.said.clear()
            bob.says("meanwhile")
            self.fleet.wait(8)
            bob.turn()
            home.is_partitioned = False
            self.fleet.wait(2)
            assert ann.end is not None
            self.assertIn(CUT_OFF.encode(), bytes(ann.end.line.taken))
            ann.turn().cut(both=False)
            ann.connect(home.hub)
            self.refuse_losses(ann, bob, "meanwhile")
            for client in (ann, bob):
                client.finishes()
            self.fleet.talk(ann, bob)

    def test_who_never_comes_back(self) -> None:
        """A partner that doesn't come back has left when its time is over."""
        ann, bob = self.clients(self.a, self.b)
        self.a.die(0)
        for _ in range(35):
            bob.turn()
            self.fleet.wait(4)
        self.fleet.talk(bob)
        self.assertEqual(bob.events[-2:], ["away", "left"])
        self.assertEqual(bob.resume.company.ends, {})

    def test_beside_a_plain_end(self) -> None:
        """For a plain partner no seat is kept: it has left, and a newcomer gets its seat."""
        self.nc(self.a, "/join tea")
        bob = Client(self.b.hub, "tea", "bob")
        self.fleet.talk(bob)
        self.a.die(0)
        for _ in range(12):
            self.fleet.talk(bob)
        self.assertEqual(bob.events[-2:], ["welcome", "left"])
        three = self.nc(self.c, "/join tea")
        bob.says("hello")
        self.fleet.talk(bob)
        self.assertEqual(three.lines()[-1], "hello")

    def test_both_elsewhere(self) -> None:
        """Where both ends were elsewhere each comes back to the seat that the other one's machine has kept."""
        host = self.nc(self.a, "/join tea")
        bob = Client(self.b.hub, "tea", "bob")
        self.fleet.talk(bob)
        self.says(host, "/quit")
        ann = Client(self.c.hub, "tea", "ann")
        self.fleet.talk(ann, bob)
        ann.says("hi")
        self.fleet.talk(ann, bob)
        self.a.die(0)
        bob.says("meanwhile")
        self.refuse_losses(ann, bob, "meanwhile")
        self.assertNotIn("away", ann.events + bob.events)

    def taken(self) -> None:
        """Let the engine believe that another machine has the room, which is asked whether that is so."""
        self.fleet.engine.memory.rooms["tea"] = self.b.cluster.roster.me
        self.a.wire.cut()
        self.fleet.wait(2)

    def comes_back(self, client: Client, node: Node) -> None:
        """Let a session come back, which was told to."""
        assert client.end is not None
        self.assertIn(CUT_OFF.encode(), bytes(client.end.line.taken))
        client.turn().cut(both=False)
        client.connect(node.hub)

    def test_who_is_let_go(self) -> None:
        """Where a machine lets two go since another one has their room, neither has left the other."""
        ann, bob = self.clients(self.a, self.c)
        bob.says("meanwhile")
        self.taken()
        self.comes_back(ann, self.a)
        self.comes_back(bob, self.b)
        self.refuse_losses(ann, bob, "meanwhile")
        self.assertNotIn("left", ann.events + bob.events)

    def test_two_who_are_detached(self) -> None:
        """Where one of a detached pair comes to another machine, the other one follows, and neither has left."""
        ann, bob = self.clients(self.a, self.a)
        self.taken()
        bob.cut(both=False).says("meanwhile")
        bob.connect(self.c.hub)
        self.fleet.talk(bob)
        self.comes_back(ann, self.a)
        self.refuse_losses(ann, bob, "meanwhile")
        self.assertNotIn("left", ann.events + bob.events)

    def test_who_was_here_before(self) -> None:
        """A seat is kept for a partner that left this machine a while ago, if it was beside its partner until now."""
        bob = Client(self.a.hub, "milk", "bob")
        self.fleet.talk(bob)
        bob.cut().resume.join("tea", bob.now)
        bob.connect(self.b.hub)
        self.fleet.talk(bob)
        ann = Client(self.a.hub, "tea", "ann")
        self.fleet.talk(ann, bob)
        ann.says("hi")
        self.fleet.talk(ann, bob)
        self.b.die(0)
        ann.says("are you there?")
        self.fleet.wait(6)
        ann.turn()
        self.assertEqual(ann.events[-1], "away")
        bob.cut(both=False).connect(self.c.hub)
        for _ in range(4):
            self.fleet.talk(ann, bob)
        self.assertEqual((bob.said, bob.missed), (["hi", "are you there?"], 0))
