"""Glances: how soon it is looked at what a plain peer's machine has taken, where a speaker waits for that."""

from __future__ import annotations

from collections import Counter
from unittest import mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.glances import GLANCE, SOON, SOON_A_ROUND, Glances
from chatterbox.connections.stand_in import StandIn
from chatterbox.wire.inbox import CROWD_BYTES
from chatterbox.wire.lane import BLOCK_COST
from chatterbox.wire.numbering import Outbox
from tests.harness.memory import HubOnAClock
from tests.harness.session_client import Client, talk


class Looker:
    """Who looks, and notes when."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.moments: list[float] = []

    def glance(self, most: int) -> int:
        """Note the moment."""
        self.moments.append(round(self.clock.seconds(), 6))
        return 0


class Rounds(SynchronousTestCase):
    """Those who look in a moment."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.glances = Glances(self.clock.callLater)

    def lookers(self, count: int, seconds: float) -> list[Looker]:
        """Return so many, who want to look in so many seconds."""
        lookers = [Looker(self.clock) for _ in range(count)]
        for looker in lookers:
            self.glances.add(looker, seconds)
        return lookers

    def passes(self) -> None:
        """Let time pass, millisecond by millisecond."""
        for _ in range(100):
            self.clock.advance(0.001)

    def test_soon(self) -> None:
        """As many as one round has seats look soon; the next one looks later, and so do all who come behind it."""
        few = self.lookers(SOON_A_ROUND, 0)
        more = self.lookers(1, 0)
        many = self.lookers(1000, 0)
        self.passes()
        self.assertEqual({tuple(looker.moments) for looker in few}, {(SOON,)})
        self.assertEqual(more[0].moments, [2 * SOON])
        moments = Counter(looker.moments[0] for looker in many)
        self.assertEqual(moments[2 * SOON] + 1, 2 * SOON_A_ROUND)
        self.assertEqual(max(moments), GLANCE)
        self.assertEqual(sum(moments.values()), 1000)

    def test_as_late_as_it_is_wanted(self) -> None:
        """Who wants to look in 3 ms looks in the next longer round, and nobody waits longer than `GLANCE`."""
        self.lookers(1, 0)
        (three,), (ages,) = self.lookers(1, 0.003), self.lookers(1, 3600.0)
        self.passes()
        self.assertEqual((three.moments, ages.moments), ([4 * SOON], [GLANCE]))

    def test_one_look(self) -> None:
        """Who was to look later, and wants to look soon, looks once; who is forgotten doesn't, and leaves no timer."""
        (looker,) = self.lookers(1, GLANCE)
        self.glances.add(looker, 0)
        others = [*self.lookers(1, 0), *self.lookers(1, GLANCE)]
        for other in others:
            self.glances.forget(other)
        self.passes()
        self.assertEqual((looker.moments, [other.moments for other in others]), ([SOON], [[], []]))
        self.glances.forget(looker)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class Speakers(SynchronousTestCase):
    """A session speaks to plain peers."""

    def setUp(self) -> None:
        self.hub = HubOnAClock()
        self.nc = self.hub.nc("/join tea", "hi")
        self.ann = Client(self.hub, "tea", "ann", blocks=True)
        talk(self.ann)
        self.hub.wait(1)

    def got(self) -> int:
        """Return how many lines are got."""
        self.ann.turn()
        return sum(lines for word, lines in self.ann.fates if word == "got")

    def test_much(self) -> None:
        """That much is taken is known a millisecond later, not with the next look of all; what is not taken is not got."""
        self.nc.stops_reading()
        self.ann.says(*["x" * 4000] * 10)
        self.nc.reads(39_000)
        self.hub.wait(2 * SOON)
        self.assertEqual(self.got(), 0)
        self.nc.reads()
        self.hub.wait(2 * SOON)
        self.assertEqual(self.got(), 10)

    def test_its_bound(self) -> None:
        """Of less than `CROWD_BYTES` bytes it is known with the look of all, and said when it can wait no longer."""
        for less, looks in ((0, 1), (1, 0)):
            self.ann.fates.clear()
            self.nc.stops_reading()
            self.ann.says(*["x" * 1023] * (CROWD_BYTES // 1024 - 1), "x" * (1023 - BLOCK_COST - less))
            with mock.patch.object(StandIn, "glance", autospec=True, side_effect=StandIn.glance) as glance:
                self.hub.wait(1.5 * SOON)
            self.assertEqual(glance.call_count, looks)
            self.nc.reads()
            self.hub.wait(1)
            self.assertEqual(self.got(), CROWD_BYTES // 1024)

    def test_who_takes_nothing(self) -> None:
        """It is looked at less and less often: some 50 times in the first second, and 50 times in each that follows."""
        self.nc.stops_reading()
        self.ann.says(*["x" * 4000] * 20)
        with mock.patch.object(StandIn, "glance", autospec=True, side_effect=StandIn.glance) as glance:
            self.hub.wait(1)
            first = glance.call_count
            self.hub.wait(1)
        self.assertLess(first, 2 / GLANCE)
        self.assertLessEqual(glance.call_count - first, 1 / GLANCE + 1)
        self.nc.reads()
        self.hub.wait(GLANCE)
        self.assertEqual(self.got(), 20)

    def test_who_takes_nothing_for_long(self) -> None:
        """As long as a pair waits, and its speaker is told what became of the lines; of little it takes its time."""
        slow, fates = "slow", [("perhaps not delivered", 20)]
        for size, gone, told in ((4000, slow, fates), (40, "", [])):
            self.setUp()
            self.nc.stops_reading()
            self.ann.says(*["x" * size] * 20)
            self.hub.wait(self.hub.limits.pair_patience - 0.5)
            self.assertEqual(self.nc.line.protocol.connection.peer.gone, "")
            self.hub.wait(1)
            self.ann.turn()
            self.assertEqual((self.nc.line.protocol.connection.peer.gone, self.ann.fates), (gone, told))

    def test_a_line(self) -> None:
        """Lines to and fro are looked at as seldom as ever: no look, and no acknowledgement, for each of them."""
        with mock.patch.object(StandIn, "_acknowledge", autospec=True, side_effect=StandIn._acknowledge) as asked:
            for _ in range(200):
                self.ann.says("ping")
                self.nc.says("pong")
                self.hub.wait(0.001)
        self.assertLessEqual(asked.call_count, 0.2 / GLANCE + 1)

    def test_in_a_larger_room(self) -> None:
        """A speaker who waits for the fastest of them goes on at once when that one has taken much."""
        hub = HubOnAClock("ports")
        ends = [hub.nc("hi"), hub.nc("hi").stops_reading()]
        ann = Client(hub, "", "ann", blocks=True)
        talk(ann)
        hub.wait(1)
        ann.says(*["x" * 1000] * 100)
        hub.wait(0.01)
        ann.turn()
        self.assertGreater(len(ends[0].heard()), 100_000)
        self.assertLess(ann.resume.outbox.ahead, CROWD_BYTES)
        self.assertGreater(ann.resume.outbox.size, 100_000)


class Ahead(SynchronousTestCase):
    """How far a speaker in a larger room is ahead of the fastest who hears it."""

    def test_part_of_a_block(self) -> None:
        """What is got of a block counts, also where its last line isn't."""
        outbox = Outbox(pair=False)
        outbox.welcome([("a", True), ("b", True)])
        outbox.say(b"x" * 999 + b"\n")
        outbox.say((b"x" * 999 + b"\n") * 100)
        for got, ahead in ((0, 101_000), (1, 100_000), (51, 50_000), (100, 1000), (101, 0)):
            outbox.got("a", got)
            self.assertLessEqual(abs(outbox.ahead - ahead), 300)


class Latecomers(SynchronousTestCase):
    """A plain peer that has said nothing yet, from which a hello may still be on its way."""

    def test_who_has_finished(self) -> None:
        """`nc -N </dev/null` says no hello any more, so what it takes is got at once."""
        for finishes in (False, True):
            hub = HubOnAClock()
            nc = hub.nc()
            if finishes:
                nc.finishes()
            ann = Client(hub).says("hello")
            hub.wait(0.5)
            ann.turn()
            self.assertEqual((nc.lines()[-1], ann.fates), ("hello", [("got", 1)] if finishes else []))
