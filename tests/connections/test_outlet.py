"""An outlet hands bytes on in order, stops when its transport says so, and says when too much waits."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.bare import BareOutlet
from chatterbox.connections.outlet import CHUNK, GRAIN, Outlet
from chatterbox.wire.bare import GAP, LAST_WORD, MAX_MESSAGE
from tests.harness.inputs import PROPERTY


class Pipe:
    """A transport that takes `capacity` bytes and then asks for a pause; `empty` makes room again."""

    def __init__(self, capacity: int) -> None:
        self.writes: list[bytes] = []
        self.sequences: list[tuple[bytes, ...]] = []
        self.buffered = 0
        self.calls: list[str] = []
        self.outlet: Outlet
        self._capacity = capacity

    def write(self, data: bytes) -> None:
        """Take `data`."""
        self.writes.append(data)
        self.buffered += len(data)
        if self.buffered > self._capacity:
            self.outlet.pause()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Take all of `data`, as if it were one."""
        self.sequences.append(tuple(data))
        self.write(b"".join(self.sequences[-1]))

    def empty(self) -> None:
        """Send all that is buffered, and say so if a pause was asked for."""
        self.buffered = 0
        if self.outlet.paused:
            self.outlet.resume()

    def loseConnection(self) -> None:
        """Note the call."""
        self.calls.append("lose")

    def unregisterProducer(self) -> None:
        """Tell nobody any more."""

    def abortConnection(self) -> None:
        """Note the call."""

    def pauseProducing(self) -> None:
        """Note the call."""

    def resumeProducing(self) -> None:
        """Note the call."""

    # As the outlet's owner, too: one list tells the order of it all.

    def is_full(self) -> None:
        """Note the call."""
        self.calls.append("full")

    def is_over(self) -> None:
        """Note the call."""
        self.calls.append("over")

    def is_drained(self) -> None:
        """Note the call."""
        self.calls.append("drained")


def pipe(capacity: int = 10, high_water: int = 20, bound: int = 0) -> tuple[Pipe, Outlet]:
    """Return a pipe and the outlet before it."""
    transport = Pipe(capacity)
    transport.outlet = Outlet(transport, transport, high_water, bound)
    return transport, transport.outlet


class Queueing(SynchronousTestCase):
    """Bytes stay in order and are counted."""

    def test_straight_through(self) -> None:
        """What an open transport is given is the very object that was written."""
        transport, outlet = pipe()
        data = b"hello"
        outlet.write(data)
        self.assertIs(transport.writes[0], data)
        self.assertEqual((outlet.queued, outlet.paused), (0, False))

    def test_an_object_and_the_block_behind_it(self) -> None:
        """They leave together, at once or from the queue, and the block isn't copied; who hears is told once of both."""
        transport, outlet = pipe(capacity=0, high_water=CHUNK, bound=CHUNK * 3)
        block = b"x" * CHUNK * 2
        for _ in range(3):
            outlet.write_both(b"{}\n", block)
        self.assertEqual(transport.sequences, [(b"{}\n", block)])
        self.assertEqual(transport.calls, ["full", "over"])
        self.assertEqual((outlet.written, outlet.queued), (3 * len(block) + 9, 2 * len(block) + 6))
        transport.empty()
        self.assertEqual(transport.sequences[1:], [(b"{}\n", block)])
        self.assertIs(transport.sequences[1][1], block)

    def test_nothing_is_written_to_a_paused_transport(self) -> None:
        """Twisted's write never refuses: so it isn't asked."""
        transport, outlet = pipe(capacity=4)
        for data in (b"12345", b"678", b"90"):
            outlet.write(data)
        self.assertEqual((transport.writes, outlet.queued), ([b"12345"], 5))
        transport.empty()
        self.assertEqual((transport.writes, outlet.queued), ([b"12345", b"67890"], 0))

    def test_a_block_leaves_whole_and_small_things_together(self) -> None:
        """A transport gets one block beyond what makes it pause, or a chunk of small things; nothing is copied."""
        transport, outlet = pipe(capacity=0, high_water=CHUNK)
        block = bytes(range(256)) * (CHUNK * 5 // 512)
        for data in (block, block, b"then", b"." * (CHUNK - 4), b"one more"):
            outlet.write(data)
        self.assertEqual(transport.writes, [block])
        for _ in range(3):
            transport.empty()
        self.assertEqual(transport.writes[1:], [block, b"then" + b"." * (CHUNK - 4), b"one more"])
        self.assertIs(transport.writes[1], block)

    def test_full_is_said_once_and_drained_once(self) -> None:
        """At the high-water mark nobody is told; one byte more and the owner is, once, until all is drained."""
        transport, outlet = pipe(capacity=0)
        outlet.write(b"x")
        outlet.write(b"y" * 20)
        self.assertEqual(transport.calls, [])
        outlet.write(b"z")
        outlet.write(b"z")
        self.assertEqual((transport.calls, outlet.full), (["full"], True))
        transport.empty()
        self.assertEqual((transport.calls, outlet.full), (["full"], True))
        transport.empty()
        self.assertEqual((transport.calls, outlet.full), (["full", "drained"], False))

    def test_over_is_said_beyond_the_bound(self) -> None:
        """At the bound nobody is told; beyond it the owner is."""
        transport, outlet = pipe(capacity=0, high_water=99, bound=30)
        outlet.write(b"x")
        outlet.write(b"y" * 30)
        self.assertEqual(transport.calls, [])
        outlet.write(b"z")
        self.assertEqual(transport.calls, ["over"])

    def test_drained_is_not_said_to_who_was_never_told_full(self) -> None:
        """A short wait is no news."""
        transport, outlet = pipe(capacity=0)
        outlet.write(b"x")
        outlet.write(b"y")
        transport.empty()
        transport.empty()
        self.assertEqual(transport.calls, [])

    def test_small_lines_are_few_objects(self) -> None:
        """10,000 lines of one byte that wait are queued in objects of 1 KiB, and leave as they were said."""
        pipe = Pipe(10)
        outlet = pipe.outlet = Outlet(pipe, pipe, 64 * 1024, 0)
        outlet.write(b"x" * 11)
        for _ in range(10_000):
            outlet.write(b"\n")
        self.assertEqual((len(outlet._queue or ()), outlet.queued), (-(-10_000 // GRAIN), 10_000))
        while outlet.queued:
            pipe.empty()
        self.assertEqual(b"".join(pipe.writes), b"x" * 11 + b"\n" * 10_000)

    def test_progress_shows(self) -> None:
        """What is acknowledged grows when the transport has asked for more, where the system doesn't tell."""
        transport, outlet = pipe(capacity=0)
        outlet.write(b"x")
        outlet.write(b"yz")
        self.assertEqual(outlet.acknowledged(), 1)
        transport.empty()
        self.assertEqual(outlet.acknowledged(), 3)

    @given(st.lists(st.one_of(st.binary(max_size=30), st.none())), st.integers(0, 40))
    @PROPERTY
    def test_every_byte_once_in_order(self, steps: list[bytes | None], capacity: int) -> None:
        """Whatever is written and whenever there is room again, all comes out, in order, and the count is right."""
        transport, outlet = pipe(capacity)
        written = b""
        for data in steps:
            if data is None:
                transport.empty()
            else:
                written += data
                outlet.write(data)
            self.assertEqual(len(written) - outlet.queued, sum(map(len, transport.writes)))
        while outlet.paused:
            transport.empty()
        self.assertEqual(b"".join(transport.writes), written)


class Closing(SynchronousTestCase):
    """What was written before the end is sent before the end."""

    def test_at_once_when_nothing_waits(self) -> None:
        """An empty queue closes now."""
        transport, outlet = pipe()
        outlet.close()
        self.assertEqual(transport.calls, ["lose"])

    def test_behind_what_waits(self) -> None:
        """A queue closes behind its last byte, once."""
        transport, outlet = pipe(capacity=0)
        outlet.write(b"x")
        outlet.write(b"last words")
        outlet.close()
        self.assertEqual(transport.calls, [])
        transport.empty()
        transport.empty()
        self.assertEqual((transport.writes[-1], transport.calls), (b"last words", ["lose"]))

    def test_what_is_discarded_is_gone(self) -> None:
        """Nobody will hear it, and it counts no more."""
        transport, outlet = pipe(capacity=0)
        outlet.write(b"x")
        outlet.write(b"y")
        outlet.discard()
        transport.empty()
        self.assertEqual((transport.writes, outlet.queued), ([b"x"], 0))


class Pacing(SynchronousTestCase):
    """A bare peer takes one `recv` for one message: so each leaves alone."""

    def setUp(self) -> None:
        """Make a pacer on a clock."""
        self.clock = Clock()
        self.transport = Pipe(2 * MAX_MESSAGE)
        self.transport.outlet = self.pacer = BareOutlet(self.transport, self.transport, 10_000, 0, self.clock.callLater)

    def test_messages_leave_one_by_one(self) -> None:
        """Without newlines, a gap apart, and the first at once."""
        self.pacer.write(b"one\ntwo\n")
        self.pacer.write(b"three\n")
        self.assertEqual(self.transport.writes, [b"one"])
        self.assertAlmostEqual(self.pacer.close(), 3 * GAP + LAST_WORD)
        self.clock.advance(GAP)
        self.assertEqual(self.transport.writes, [b"one", b"two"])
        self.clock.pump([GAP] * 3)
        self.assertEqual(self.transport.writes, [b"one", b"two", b"three"])
        self.assertEqual((self.pacer.queued, self.pacer.close()), (0, LAST_WORD))

    def test_a_message_has_at_most_1024_bytes(self) -> None:
        """A longer one is cut between characters: half a character kills a receiver."""
        self.pacer.write(b"x" * 1024 + b"\n" + b"y" * 1023 + "\u00e9\u20ac".encode() + b"\n")
        self.clock.pump([GAP] * 4)
        self.assertEqual([len(message) for message in self.transport.writes], [1024, 1023, 5])
        self.assertEqual(self.transport.writes[2].decode(), "\u00e9\u20ac")

    def test_lines_once_it_speaks_lines(self) -> None:
        """The first newline from the peer ends the pacing; what waits gets its newlines back."""
        self.pacer.write(b"one\ntwo\nthree\n")
        self.pacer.speak_lines()
        self.pacer.speak_lines()
        self.pacer.write(b"four\n")
        self.clock.advance(GAP)
        self.assertEqual(b"".join(self.transport.writes[1:]), b"two\nthree\nfour\n")
        self.assertEqual(self.pacer.queued, 0)

    def test_speaking_lines_with_nothing_waiting(self) -> None:
        """From then on it is an outlet as any."""
        self.pacer.speak_lines()
        self.pacer.write(b"one\ntwo\n")
        self.assertEqual(self.transport.writes, [b"one\ntwo\n"])

    def test_a_gap_opens_no_blocked_transport(self) -> None:
        """Where the transport asked for a pause, it is the transport that ends it."""
        self.transport._capacity = 2
        self.pacer.write(b"one\ntwo\n")
        self.clock.advance(GAP)
        self.assertEqual(self.transport.writes, [b"one"])
        self.transport.empty()
        self.assertEqual(self.transport.writes, [b"one", b"two"])
