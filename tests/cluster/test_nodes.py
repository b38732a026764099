"""Whole hubs over several machines in memory: seats, moves, sessions, deaths, as people see them."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.cluster.claims import ASK
from chatterbox.cluster.homes import BACK, CUT_OFF, DOWN, GONE_ON
from tests.harness.fleet import Fleet
from tests.harness.memory import End
from tests.harness.nodes import Node
from tests.harness.session_client import Client


class Machines(SynchronousTestCase):
    """Three machines."""

    mode = "pair"

    limits: dict[str, Any] = {}

    def setUp(self) -> None:
        self.fleet = Fleet(3, self.mode, self.limits)
        self.a, self.b, self.c = self.fleet.nodes

    def nc(self, node: Node, *lines: str) -> End:
        """Return an end that speaks text and has said `lines`."""
        end = node.hub.connects()
        if lines:
            end.says(*lines)
        self.fleet.wait(0.2)
        return end

    def says(self, end: End, *lines: str) -> None:
        """Let an end say lines, and all hear them."""
        end.says(*lines)
        self.fleet.wait(0.1)

    def hears(self, end: End, *lines: str) -> None:
        """Refuse that an end has heard anything but these lines."""
        self.fleet.wait(0.1)
        self.assertEqual(end.lines(), list(lines))


class People(Machines):
    """Plain ends, at whichever machine."""

    def test_two_seats(self) -> None:
        """A pair is two, wherever they come from; a third is told."""
        one, two, three = (self.nc(node, "/join tea") for node in (self.a, self.b, self.c))
        self.hears(one, "-!- your partner joined")
        self.hears(two)
        self.assertIn("closed (full): room tea has no free seat", "".join(three.lines()))
        self.says(one, "hi")
        self.hears(two, "hi")

    def test_many_lines_each_way(self) -> None:
        """More than every window goes through, in order, both ways at once."""
        one, two = self.nc(self.a, "/join tea"), self.nc(self.b, "/join tea")
        one.lines()
        lines = [f"{at:06d} {'x' * 60}" for at in range(5000)]
        for at in range(0, len(lines), 500):
            self.says(one, *lines[at : at + 500])
            self.says(two, *lines[at : at + 500])
        self.fleet.wait(2)
        self.assertEqual((two.lines(), one.lines()), (lines, lines))
        self.assertEqual(self.a.cluster.links.kept + self.b.cluster.links.kept, 0)

    def test_a_hearer_who_does_not_read(self) -> None:
        """A slow end elsewhere makes its partner wait, and no machine keeps more than the windows; then all comes."""
        one, two = self.nc(self.a, "/join tea"), self.nc(self.b, "/join tea")
        two.stops_reading()
        said = []
        while one.line.reading and len(said) < 100_000:
            lines = [f"{len(said) + at:06d} {'x' * 60}" for at in range(100)]
            said += lines
            self.says(one, *lines)
        self.assertLess(len(said) * 68, 400 * 1024)
        self.assertLess(self.a.cluster.links.kept + self.b.cluster.links.kept, 80 * 1024)
        two.reads()
        self.fleet.wait(2)
        self.assertEqual(two.lines(), said)
        self.says(one, "again")
        self.hears(two, "again")

    def test_a_move_to_another_machine(self) -> None:
        """A guest goes to a room elsewhere, and back; what it says behind that, in one packet, is said there."""
        one, two, three = self.nc(self.a, "/join tea"), self.nc(self.b, "/join tea"), self.nc(self.c, "/join milk")
        one.lines()
        self.says(two, "still here", "/join milk", "now there", "and more")
        self.hears(one, "still here", "-!- your partner left (moved)")
        self.hears(three, "-!- your partner joined", "now there", "and more")
        self.says(three, "welcome")
        self.hears(two, "-!- you are in milk now", "welcome")
        self.says(two, "/join tea", "back again")
        self.hears(one, "-!- your partner joined", "back again")

    def test_a_move_of_who_sits_at_home(self) -> None:
        """Somebody whose room lives at its own machine goes to one elsewhere; slashes and all are as they were."""
        one, two = self.nc(self.a, "/join tea"), self.nc(self.b, "/join milk")
        self.says(one, "/join milk", "//etc is a path", "plain")
        self.hears(two, "-!- your partner joined", "/etc is a path", "plain")
        self.assertEqual(self.fleet.engine.memory.rooms, {"milk": self.b.cluster.roster.me})

    def test_a_move_that_is_refused(self) -> None:
        """Who wants to go to a room elsewhere that is full stays where it was, and so does what it says behind that."""
        one, two = self.nc(self.a, "/join tea"), self.nc(self.b, "/join tea")
        for node in (self.c, self.b):
            self.nc(node, "/join milk")
        one.lines()
        for mover, other in ((two, one), (one, two)):
            self.says(mover, "/join milk", "so I stay")
            self.fleet.wait(1)
            self.hears(mover, "-!- you are in milk now", "-!- not moved: room milk has no free seat")
            self.hears(other, "-!- your partner left (moved)", "-!- your partner joined", "so I stay")

    def test_the_end_of_a_sentence(self) -> None:
        """Who says something and has finished is heard, and listens on, at whichever machine."""
        one = self.nc(self.a, "/join tea")
        two = self.nc(self.b, "/join tea", "question")
        two.finishes()
        self.hears(one, "-!- your partner joined", "question", "-!- your partner has finished")
        self.says(one, "answer")
        self.hears(two, "answer")
        one.finishes()
        self.fleet.wait(8)
        self.assertEqual((bool(one.closed), bool(two.closed)), (True, True))
        self.assertEqual(self.fleet.leftovers(), [])

    def test_nothing_is_left(self) -> None:
        """When all have gone, no machine and no engine holds anything of them."""
        for at in range(30):
            one, two = self.nc(self.a, f"/join r{at}"), self.nc(self.b, f"/join r{at}")
            self.says(two, "hi", "/quit")
            one.cut()
        self.fleet.wait(10)
        self.assertEqual((self.fleet.leftovers(), self.fleet.engine.memory.rooms), ([], {}))


class Failures(Machines):
    """Machines and engines that fail."""

    def guests(self) -> tuple[End, End]:
        """Return two ends at b and c, in a room that lives at a."""
        host = self.nc(self.a, "/join tea")
        one = self.nc(self.b, "/join tea")
        self.says(host, "/quit")
        two = self.nc(self.c, "/join tea")
        for end in (one, two):
            end.lines()
        return one, two

    def test_a_machine_ends(self) -> None:
        """A machine that is told to end lets its guests go on elsewhere at once, and holds nothing."""
        one, two = self.guests()
        self.a.hub.admission.stop(lambda: None)
        self.a.cluster.leave(lambda answer: None)
        self.fleet.wait(0.3)
        self.assertEqual(one.lines()[0], f"-!- {GONE_ON}")
        self.fleet.wait(1.2)
        self.says(two, "hi")
        self.assertEqual(one.lines()[-1], "hi")
        self.assertEqual([call for call in self.a.clock.getDelayedCalls() if call.getTime() < 60], [])

    def test_a_newcomer_in_the_meantime(self) -> None:
        """Somebody who comes while a dead machine's guests come back gets none of their seats."""
        self.guests()
        self.a.die(0)
        again = self.fleet.restart(self.a)
        stranger = again.hub.connects().says("/join tea")
        self.fleet.wait(3)
        self.assertIn("closed (full)", "".join(stranger.lines()))

    def test_names_are_kept(self) -> None:
        """Whoever comes back to a room has the name that it had."""
        self.guests()
        owner = self.fleet.owner("tea")
        assert owner
        names = owner.hub.rooms()["tea"]
        self.a.die(0)
        self.fleet.wait(6)
        after = self.fleet.owner("tea")
        assert after and after is not self.a
        self.assertEqual(sorted(after.hub.rooms()["tea"]), sorted(names))

    def test_what_was_said_before_anybody_came(self) -> None:
        """Lines that are held for a partner outlive the machine that holds them."""
        host = self.nc(self.a, "/join tea")
        one = self.nc(self.b, "/join tea")
        self.says(host, "/quit")
        self.says(one, "is anybody there?")
        self.a.die(0)
        self.fleet.wait(6)
        two = self.nc(self.c, "/join tea")
        self.hears(two, "is anybody there?")

    def test_finished_and_orphaned(self) -> None:
        """Who has finished has finished in the next room, too, behind what it says again."""
        one, two = self.guests()
        self.a.wire.engine.is_frozen = True
        one.says("last word").finishes()
        self.fleet.wait(0.5)
        self.a.die(0)
        self.a.wire.engine.is_frozen = False
        self.fleet.wait(6)
        heard = [line for line in two.lines() if "the other hub" not in line]
        self.assertEqual(heard[-2:], ["last word", "-!- your partner has finished"])

    def test_an_engine_that_is_away(self) -> None:
        """Who shares a room with another machine is told; a newcomer is told after a while that it can't be seated."""
        one, two = self.nc(self.a, "/join tea"), self.nc(self.b, "/join tea")
        one.lines()
        self.fleet.engine.is_frozen = True
        self.fleet.wait(2)
        stranger = self.nc(self.a, "/join milk")
        self.hears(one, f"-!- {DOWN}")
        self.fleet.wait(ASK)
        self.assertIn("closed (lost)", "".join(stranger.lines()))
        self.fleet.engine.is_frozen = False
        self.fleet.wait(1)
        self.hears(two, f"-!- {DOWN}", f"-!- {BACK}")

    def test_a_whole_pair_that_is_cut_off(self) -> None:
        """Two at a machine that is cut off go on; strangers may have that name elsewhere; the last one is told."""
        one, two = self.nc(self.a, "/join tea"), self.nc(self.a, "/join tea")
        one.lines()
        self.a.is_partitioned = True
        self.a.wire.cut()
        self.fleet.wait(8)
        stranger = self.nc(self.b, "/join tea")
        self.a.is_partitioned = False
        self.fleet.wait(3)
        self.says(one, "still here")
        self.hears(two, "still here")
        self.assertEqual(self.a.cluster.detached, {"tea"})
        other = self.nc(self.a, "/join tea")
        self.says(other, "hi")
        self.hears(stranger, "-!- your partner joined", "hi")
        self.says(two, "/quit")
        self.assertIn(f"closed (lost): {CUT_OFF}", "".join(one.lines()))
        self.assertEqual(self.a.cluster.detached, set())

    def test_an_evicted_machine_posts_nothing(self) -> None:
        """What a machine says that was taken for dead is refused, also to one with which it never spoke."""
        self.nc(self.b, "/join tea")
        self.a.hub.connects().says("/join tea")
        self.a.wire.ask()
        self.a.wire.answer()
        self.a.clock.advance(0)
        self.fleet.engine.run("evict", self.a.cluster.roster.me, "*")
        while self.a.wire.ask() | self.b.wire.read():
            pass
        self.assertEqual(self.b.hub.rooms(), {"tea": ["guest-1"]})

    def test_a_release_that_the_engine_forgot(self) -> None:
        """A room that the engine gives to a machine which doesn't have it is given up there, and can be had."""
        self.fleet.engine.memory.rooms["tea"] = self.b.cluster.roster.me
        one = self.nc(self.a, "/join tea")
        self.fleet.wait(1)
        two = self.nc(self.c, "/join tea", "hi")
        self.hears(one, "-!- your partner joined", "hi")
        self.assertFalse(two.closed)

    def test_an_outage_takes_nobody_for_dead(self) -> None:
        """Beats that were missed before an outage of the engine don't count after it."""
        evictions = self.fleet.engine.evictions
        self.b.is_frozen = True
        self.fleet.wait(2.5)  # one beat less than the patience, as the third machine counts
        self.fleet.engine.is_frozen = True
        self.fleet.wait(2)
        self.b.is_frozen = self.fleet.engine.is_frozen = False
        self.c.connect()
        for _ in range(5):
            self.c.wire.ask()
            self.c.wire.answer()
        self.fleet.wait(5)
        self.assertEqual(self.fleet.engine.evictions, evictions)

    def test_a_second_hub_of_one_name(self) -> None:
        """The older one is told that it was replaced, once."""
        again = self.fleet.restart(self.a)
        self.fleet.wait(2)
        self.assertEqual((self.a.replaced, again.replaced), (1, 0))


class Sessions(Machines):
    """Sessions at whichever machine: the desk of the room's owner keeps their seats."""

    blocks = False

    def client(self, node: Node, room: str, name: str) -> Client:
        """Return a session that comes in at `node`."""
        return Client(node.hub, room, name, blocks=self.blocks)

    def pair(self) -> tuple[Client, Client]:
        """Return two sessions that sit in a room which lives at a machine of neither."""
        host = self.nc(self.a, "/join tea")
        one = self.client(self.b, "tea", "ann")
        self.fleet.talk(one)
        self.says(host, "/quit")
        two = self.client(self.c, "tea", "bob")
        self.fleet.talk(one, two)
        one.events.clear()
        return one, two

    def test_both_truths(self) -> None:
        """Each hears all of the other and knows it; both end with 0, and nothing is left."""
        one, two = self.pair()
        one.says("one", "two").finishes()
        two.says("three").finishes()
        self.fleet.talk(one, two)
        self.assertEqual((one.said, two.said), (["three"], ["one", "two"]))
        self.assertEqual((one.exit, two.exit), ((0, ""), (0, "")))
        self.fleet.wait(135)
        self.assertEqual(self.fleet.leftovers(), [])

    def test_back_through_another_machine(self) -> None:
        """A session whose link is gone comes back through any machine, and misses nothing."""
        one, two = self.pair()
        for node in (self.a, self.b, self.c, self.b):
            two.cut()
            one.says(f"at {node.name}")
            self.fleet.talk(one)
            two.connect(node.hub)
            self.fleet.talk(one, two)
        self.assertEqual(two.said, ["at n0", "at n1", "at n2", "at n1"])
        self.assertNotIn("left", one.events)

    def test_its_own_machine_dies(self) -> None:
        """A session whose machine dies is away until it comes back elsewhere."""
        one, two = self.pair()
        self.c.die(0)
        one.says("are you there?")
        two.cut(both=False)
        two.connect(self.b.hub)
        self.fleet.talk(one, two)
        self.assertEqual(two.said, ["are you there?"])
        self.assertNotIn("left", one.events)

    def test_the_owner_dies(self) -> None:
        """Sessions go on at the next owner: each line is shown once."""
        one, two = self.pair()
        one.says("before")
        self.fleet.talk(one, two)
        self.a.die(0)
        one.says("meanwhile")
        for _ in range(12):
            self.fleet.talk(one, two)
        two.says("after")
        self.fleet.talk(one, two)
        self.assertEqual((two.said, one.said), (["before", "meanwhile"], ["after"]))

    def test_the_secret_stays_at_home(self) -> None:
        """Nothing that goes through the engine has a session's secret in it."""
        spied: list[bytes] = []
        run = self.fleet.engine.run
        self.fleet.engine.run = lambda *words: [spied.append(repr(words).encode()), run(*words)][1]  # type: ignore[func-returns-value, method-assign]  # a spy
        one, two = self.pair()
        one.says("hi")
        self.fleet.talk(one, two)
        everything = b"".join(spied)
        self.assertIn(b'\\"ann\\"', everything.replace(b"\\\\", b"\\"))
        for client in (one, two):
            self.assertNotIn(client.secret.encode(), everything)

    def test_beside_a_plain_end(self) -> None:
        """A session and an `nc` at two machines: what the `nc` says is kept for who is away."""
        one = self.nc(self.a, "/join tea")
        two = Client(self.b.hub, "tea", "bob")
        self.fleet.talk(two)
        two.cut()
        self.says(one, "for later")
        two.connect(self.c.hub)
        self.fleet.talk(two)
        self.assertEqual(two.said, ["for later"])
        two.says("thank you")
        self.fleet.talk(two)
        self.assertIn("thank you", one.lines())


class SessionsWithBlocks(Sessions):
    """The same of those who ask for blocks: where the room lives elsewhere none are confirmed."""

    blocks = True
