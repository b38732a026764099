"""Every bound that a stranger meets, at its maximum and one beyond."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.sources import RATE_WINDOW, Sources, source_of
from chatterbox.core.held import OBJECT
from chatterbox.limits import PUBLIC, Limits
from tests.harness.memory import HubOnAClock

LIMITS = Limits()


class Lines(SynchronousTestCase):
    """How long a line may be, with and without its end."""

    def setUp(self) -> None:
        """Seat a pair."""
        self.hub = HubOnAClock()
        self.a, self.b = self.hub.nc(), self.hub.nc()
        self.a.heard()

    def test_line(self) -> None:
        """4096 bytes are delivered; with 4097 the line is dropped whole, and its sender alone is told."""
        self.a.says("x" * 4096)
        self.assertEqual(self.b.heard(), b"x" * 4096 + b"\n")
        self.a.says("x" * 4097, "next")
        self.assertEqual(self.a.heard(), b"-!- line too long (4097 > 4096 bytes), not sent\n")
        self.assertEqual(self.b.heard(), b"next\n")

    def test_bytes_without_newline(self) -> None:
        """64 KiB without a newline are waited with; one byte more closes, `flood`."""
        self.a.sends(b"x" * LIMITS.max_unended)
        self.assertEqual((self.a.closed, self.a.heard()), ("", b""))
        self.a.sends(b"x")
        self.assertEqual(self.a.heard(), b"-!- closed (flood): more than 65536 bytes without a newline\n")
        self.assertEqual((self.a.closed, self.b.heard()), ("done", b"-!- your partner left (flood)\n"))

    def test_who_floods_on_after_that(self) -> None:
        """Who was hung up on is read for as much again, so that it hears why; then it isn't read any more, but cut."""
        self.a.stops_reading().sends(b"x" * (LIMITS.max_unended + 1))
        self.a.sends(b"x" * LIMITS.max_unended)
        self.assertTrue(self.a.line.reading)
        self.a.sends(b"x")
        self.assertEqual((self.a.line.reading, self.a.closed), (False, ""))
        self.hub.wait(LIMITS.close_patience)
        self.assertEqual(self.a.closed, "aborted")

    def test_a_newline_in_time(self) -> None:
        """What is too long for a line, and not for the wait, is answered as a long line."""
        self.a.sends(b"x" * LIMITS.max_unended, b"\n")
        self.assertEqual(self.a.heard(), b"-!- line too long (65536 > 4096 bytes), not sent\n")

    def test_the_wait_is_long_enough_for_the_longest_line(self) -> None:
        """Where an operator allows longer lines, the wait for their end is as long."""
        self.assertEqual(Limits(max_line=100_000).flood, 6 * 100_000 + 256)


class PairQueue(SynchronousTestCase):
    """In a two-seat room a slow reader slows its sender."""

    def setUp(self) -> None:
        """Seat a pair of which b doesn't read, and whose connection has all that it buffers."""
        self.hub = HubOnAClock(limits={"max_line": 10_000}, buffer=0)
        self.a, self.b = self.hub.nc(), self.hub.nc().stops_reading()
        self.a.says("")

    def fill(self, size: int) -> None:
        """Let `size` bytes wait for b."""
        for at in range(0, size, 1024):
            self.a.sends(b"x" * (min(1024, size - at) - 1) + b"\n")
        self.assertEqual(self.b.connection.outlet.queued, size)

    def test_the_next_partner(self) -> None:
        """Who comes while much waits for the other end isn't read, either, until that has taken it."""
        self.fill(LIMITS.high_water + 1)
        self.a.cut()
        c = self.hub.nc()
        c.says("hello")
        self.assertFalse(c.line.reading)
        self.b.reads()
        self.hub.wait(1)
        self.assertTrue(c.line.reading)

    def test_high_water(self) -> None:
        """With 64 KiB in the queue the sender is read; one byte more and it isn't, until all is taken."""
        self.fill(LIMITS.high_water)
        self.assertTrue(self.a.line.reading)
        self.a.says("")
        self.assertFalse(self.a.line.reading)
        self.b.reads()
        self.assertTrue(self.a.line.reading)
        self.assertEqual(len(self.b.heard()), LIMITS.high_water + 2)

    def test_patience(self) -> None:
        """A reader that takes nothing for 60 s is let go, `slow`, and its partner is read again."""
        self.fill(LIMITS.high_water + 2)
        self.hub.wait(59.9)
        self.assertFalse(self.b.peer.gone)
        self.hub.wait(0.2)
        self.assertEqual(self.b.peer.gone, "slow")
        told = self.a.lines()[-2:]
        self.assertEqual(told[0], "-!- your partner left (slow)")
        self.assertTrue(told[1].startswith("-!- perhaps not delivered: the last 66 lines ("), told)
        self.assertTrue(self.a.line.reading)

    def test_a_byte_a_minute_is_patience(self) -> None:
        """A reader that takes something, however little, is waited for."""
        self.fill(LIMITS.high_water + 2)
        for _ in range(10):
            self.hub.wait(50)
            self.b.reads(1)
        self.assertFalse(self.b.peer.gone)
        self.hub.wait(120)
        self.assertEqual(self.b.peer.gone, "slow")

    def test_notices_dont_fill_a_pairs_queue(self) -> None:
        """Partners that come and go are told of while that is bounded; then who doesn't read is let go."""
        hub = HubOnAClock(limits={"max_pair_queue": 5000, "high_water": 1000, "handshake": 0.0}, buffer=0)
        b = hub.nc().stops_reading()
        while not b.peer.gone:
            queued = b.connection.outlet.queued
            self.assertLessEqual(queued, 5000)
            hub.nc().cut()
        self.assertEqual(b.peer.gone, "slow")
        self.assertGreater(queued, 4900)


class RoomQueue(SynchronousTestCase):
    """In a larger room the slow reader is let go with a reason, and nobody else waits."""

    def setUp(self) -> None:
        """Seat three, of whom eve doesn't read."""
        self.hub = HubOnAClock("room", buffer=0)
        self.ann, self.bob, self.eve = (self.hub.nc(name) for name in ("ann", "bob", "eve"))
        self.eve.stops_reading()
        self.ann.says("")

    def fill(self, size: int) -> None:
        """Let `size` bytes wait for eve."""
        for at in range(0, size, 1024):
            self.ann.says("x" * (min(1024, size - at) - len("ann: \n")))
        self.assertEqual(self.eve.connection.outlet.queued, size)

    def test_queue_of_a_larger_room(self) -> None:
        """256 KiB may wait; one line more and she is let go, and told why when she reads."""
        self.fill(LIMITS.max_queue)
        self.assertEqual((self.eve.peer.gone, self.ann.line.reading), ("", True))
        self.ann.says("y")
        self.assertEqual(self.eve.peer.gone, "slow")
        self.assertEqual(self.bob.lines()[-1], "-!- eve left (slow)")
        heard = self.eve.reads().lines()
        self.assertEqual(heard[-2], "ann: y")
        self.assertTrue(heard[-1].startswith("-!- closed (slow): "))
        self.assertEqual(self.eve.closed, "done")

    def test_patience(self) -> None:
        """Who takes nothing for 10 s, while much waits, is let go, and who takes something isn't."""
        self.fill(LIMITS.high_water + 10)
        self.hub.wait(9.9)
        self.eve.reads(1)
        self.hub.wait(9.9)
        self.assertEqual(self.eve.peer.gone, "")
        self.hub.wait(10.1)
        self.assertEqual(self.eve.peer.gone, "slow")

    def test_one_read_of_newlines_lets_no_reader_go(self) -> None:
        """However much a label or an object around each line makes of 64 KiB of them, who reads isn't slow."""
        program = self.hub.json(name="prog")
        self.ann.stops_reading()
        self.bob.sends(b"\n" * 65_536)
        for _ in range(3000):
            for end in (self.ann, self.eve, program):
                end.reads(len(end.line.waiting))
            self.hub.wait(0.01)
        self.assertEqual([end.peer.gone for end in (self.ann, self.eve, program)], ["", "", ""])
        for end, word in ((self.ann, b"bob: \n"), (self.eve, b"bob: \n"), (program, b'"said", "from": "bob"')):
            self.assertEqual(end.heard().count(word), 65_536)


class EarlyLines(SynchronousTestCase):
    """What is held for a partner who isn't there yet."""

    def test_held(self) -> None:
        """Below the bound, with what each held block costs beside its text, the speaker is read; at it, it waits."""
        hub = HubOnAClock(limits={"max_held": 1000})
        a = hub.nc("x" * (1000 - OBJECT - 2))
        self.assertTrue(a.line.reading)
        a.says("")
        self.assertFalse(a.line.reading)
        a.says("then")
        b = hub.nc()
        self.assertEqual(len(b.heard()), 1000 - OBJECT + len("then\n"))
        self.assertTrue(a.line.reading)

    def test_newlines_said_early_throw_no_reader_out(self) -> None:
        """As little as those said late: a program that comes and reads hears them all."""
        hub = HubOnAClock(buffer=0)
        a = hub.nc()
        a.sends(b"\n" * 65_000)
        b = hub.connects().stops_reading()
        b.says('{"chatterbox": 1}')
        for _ in range(3000):
            b.reads(len(b.line.waiting))
            hub.wait(0.01)
        self.assertEqual((b.peer.gone, b.heard().count(b'"said"')), ("", 65_000))


class Joining(SynchronousTestCase):
    """What a peer may do before it sits in a room."""

    def setUp(self) -> None:
        """Make a hub that asks names."""
        self.hub = HubOnAClock("room", {"bad_names": 100})

    def test_seconds_before_joining(self) -> None:
        """15 s, absolute from accept: no line prolongs them."""
        a = self.hub.nc("bad name")
        self.hub.wait(14.8)
        a.says("bad name")
        self.assertEqual(a.closed, "")
        self.hub.wait(0.15)
        self.assertEqual(a.lines()[-1], "-!- closed (idle): no name within 15 s")
        self.assertEqual(a.closed, "done")

    def test_who_has_joined_may_be_silent(self) -> None:
        """A silent but live `nc` is never kicked."""
        a = self.hub.nc("ann")
        self.hub.wait(1_000_000)
        self.assertEqual(a.closed, "")

    def test_lines_before_joining(self) -> None:
        """The 16th line may still be a name; the 17th isn't read."""
        a, b = (self.hub.nc(*["bad name"] * lines) for lines in (15, 16))
        a.says("ann")
        b.says("bob")
        self.assertEqual(self.hub.rooms(), {"lobby": ["ann"]})
        self.assertTrue(b.lines()[-1].startswith("-!- closed (idle): "))

    def test_bytes_before_joining(self) -> None:
        """4 KiB may come before a name; one byte more, in one line or in several, and it is over."""
        a, b, c = (self.hub.nc() for _ in range(3))
        a.says("x" * 3999, "y" * 91, "ann")
        b.says("x" * 3999, "y" * 92, "bob")
        c.sends(b"x" * 4096, b"x")
        self.assertEqual(self.hub.rooms(), {"lobby": ["ann"]})
        self.assertEqual([end.peer.gone for end in (b, c)], ["idle", "flood"])

    def test_bad_names(self) -> None:
        """The third bad name closes, with the reason (001-6)."""
        hub = HubOnAClock("room")
        hub.nc("ann")
        a = hub.nc("", "ANN")
        self.assertEqual(a.closed, "")
        a.says("hub")
        self.assertEqual(
            a.lines(),
            [
                "-!- a name has at least one character; which name do you take?",
                "-!- the name ANN is taken: ann is here, and case makes no difference; which name do you take?",
                "-!- closed (kicked): hub is a reserved name; that was the last try",
            ],
        )

    def test_a_silent_peer_is_seated_after_100_ms(self) -> None:
        """Nobody hears of it before, unless it speaks."""
        hub = HubOnAClock()
        hub.connects()
        hub.wait(0.09)
        self.assertEqual(hub.rooms(), {})
        hub.wait(0.02)
        self.assertEqual(hub.rooms(), {"lobby": ["guest-1"]})


class Names(SynchronousTestCase):
    """How long names are."""

    def test_name(self) -> None:
        """24 characters are a name, 25 aren't; 72 bytes are one, 76 aren't."""
        a = HubOnAClock().nc("/nick " + "x" * 24, "/nick " + "y" * 25, "/who")
        self.assertEqual(a.lines(), ["-!- a name has at most 24 characters", f"-!- here: {'x' * 24}"])
        a.says("/nick " + "\U00020000" * 18, "/nick " + "\U00020000" * 19, "/who")
        self.assertEqual(a.lines()[1:], ["-!- a name has at most 72 bytes", f"-!- here: {chr(0x20000) * 18}"])

    def test_room(self) -> None:
        """64 characters are a room's name, 65 aren't."""
        hub = HubOnAClock()
        hub.nc("/join " + "r" * 64).says("/join " + "r" * 65)
        self.assertEqual(list(hub.rooms()), ["r" * 64])


class Connections(SynchronousTestCase):
    """How many may come."""

    def test_at_once(self) -> None:
        """As many as the limit says; the next hears one line, and when one has gone there is room again."""
        hub = HubOnAClock("ports", {"max_peers": 3})
        first, *_ = hub.nc(), hub.nc(), hub.nc()
        fourth = hub.nc()
        self.assertEqual((fourth.heard(), fourth.closed), (b"-!- closed (full): hub is full\n", "done"))
        first.cut()
        self.assertEqual(hub.nc().closed, "")

    def test_from_one_address(self) -> None:
        """16 at once; the 17th is refused with the reason, another address isn't, and a gone one makes room."""
        hub = HubOnAClock("ports", {"per_source": PUBLIC["per_source"]})
        ends = [hub.connects("192.0.2.1") for _ in range(17)]
        refusal = b"-!- closed (full): 16 connections from your address are open already\n"
        self.assertEqual([end.heard() for end in ends], [b""] * 16 + [refusal])
        self.assertEqual(hub.connects("192.0.2.2").heard(), b"")
        ends[0].cut()
        self.assertEqual(hub.connects("192.0.2.1").heard(), b"")
        for end in ends[1:]:
            end.cut()
        self.assertEqual([hub.connects("192.0.2.1").heard() for _ in range(15)], [b""] * 15)

    def test_from_one_address_in_ten_minutes(self) -> None:
        """32 in ten minutes; the 33rd is refused, and in the next ten it isn't."""
        hub = HubOnAClock("ports", {"per_source_rate": PUBLIC["per_source_rate"]})
        heard = [hub.connects("192.0.2.1").cut() and hub.connects("192.0.2.1").cut().heard() for _ in range(16)]
        self.assertEqual(set(heard), {b""})
        refusal = b"-!- closed (full): 32 connections from your address in ten minutes are enough\n"
        self.assertEqual(hub.connects("192.0.2.1").heard(), refusal)
        hub.wait(RATE_WINDOW)
        self.assertEqual(hub.connects("192.0.2.1").heard(), b"")

    def test_this_machine_is_not_counted(self) -> None:
        """Neither loopback nor a unix socket."""
        sources = Sources(Limits(per_source=1))
        for host in ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", ""):
            self.assertEqual([sources.admit(host, 0.0) for _ in range(3)], ["", "", ""], host)

    def test_a_source_is_an_address_or_a_64(self) -> None:
        """IPv6 is counted by /64, an IPv4 address in IPv6's clothes as what it is, a zone is no part of it."""
        self.assertEqual(source_of("2001:db8::1"), source_of("2001:db8:0:0:ffff::2"))
        self.assertNotEqual(source_of("2001:db8::1"), source_of("2001:db8:0:1::1"))
        self.assertEqual(source_of("::ffff:192.0.2.1"), source_of("192.0.2.1"))
        self.assertEqual(source_of("fe80::1%eth0"), source_of("fe80::1"))

    def test_sources_remembered(self) -> None:
        """The table keeps as many as the limit says, and forgets the longest idle first."""
        sources = Sources(Limits(per_source=1, max_sources=2))
        self.assertEqual([sources.admit(f"192.0.2.{n}", 0.0) for n in (1, 2, 3)], ["", "", ""])
        self.assertNotEqual(sources.admit("192.0.2.3", 0.0), "")
        self.assertNotEqual(sources.admit("192.0.2.2", 0.0), "")
        self.assertEqual(sources.admit("192.0.2.1", 0.0), "")
        sources.release("192.0.2.9")
