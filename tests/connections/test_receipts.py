"""Receipts: what is known of lines that were said to one hearer, and what its speakers are told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.receipts import BLOCK, GRAIN, KEPT, Receipts
from chatterbox.core.events import Undelivered
from chatterbox.core.peer import Peer
from chatterbox.limits import Limits
from chatterbox.wire.dialects import make_dialects
from tests.harness.inputs import PROPERTY

TEXT = make_dialects(Limits(), ()).text


def speaker() -> Peer:
    """Return somebody who says things."""
    return Peer(TEXT)


class Settling(SynchronousTestCase):
    """Lines between what is acknowledged, what was sent, and what wasn't."""

    def setUp(self) -> None:
        """Ann has said three lines of four bytes each, in two blocks."""
        self.ann = speaker()
        self.receipts = Receipts()
        self.receipts.note(self.ann, b"one\ntwo\n", 8)
        self.receipts.note(self.ann, b"six\n", 20)  # with a notice of eight bytes before it

    def test_all_acknowledged(self) -> None:
        """Nobody is told anything."""
        self.assertEqual(self.receipts.settle(20, 20), ())

    def test_perhaps(self) -> None:
        """What has left the hub and isn't acknowledged is perhaps not delivered: a line with its last byte."""
        self.assertEqual(self.receipts.settle(7, 20), (Undelivered(self.ann, 2, False, 5),))

    def test_not_sent(self) -> None:
        """What hasn't left the hub is not delivered."""
        self.assertEqual(
            self.receipts.settle(8, 17), (Undelivered(self.ann, 1, False, 1), Undelivered(self.ann, 1, True))[1:]
        )

    def test_both(self) -> None:
        """First the one, then the other."""
        told = self.receipts.settle(0, 8)
        self.assertEqual(told, (Undelivered(self.ann, 2, False, 8), Undelivered(self.ann, 1, True)))

    def test_only_once(self) -> None:
        """What was told is forgotten."""
        self.receipts.settle(0, 20)
        self.assertEqual(self.receipts.settle(0, 20), ())

    def test_who_has_finished(self) -> None:
        """Where only those are told who have finished, the others are told later."""
        bob = speaker()
        bob.finished = True
        self.receipts.note(bob, b"bye\n", 24)
        self.assertEqual(self.receipts.settle(0, 24, only_ending=True), (Undelivered(bob, 1, False, 4),))
        self.assertEqual(self.receipts.settle(0, 24), (Undelivered(self.ann, 3, False, 12),))

    def test_keys(self) -> None:
        """Keys without a newline are one line."""
        receipts = Receipts()
        receipts.note(self.ann, b"hel", 3)
        self.assertEqual(receipts.settle(1, 3), (Undelivered(self.ann, 1, False, 2),))


class Bounds(SynchronousTestCase):
    """Little is kept, however much is said."""

    def test_acknowledged_blocks_are_forgotten(self) -> None:
        """There is something to tidy once for many blocks, and what is acknowledged then is kept no longer."""
        asked, receipts, ann = 0, Receipts(), speaker()
        for end in range(2, 20_001, 2):
            if receipts.note(ann, b"x\n", end):
                asked += 1
                receipts.tidy(end)
        self.assertTrue(0 < asked < 10_000 * (2 + BLOCK) // KEPT + 2, asked)
        self.assertEqual(receipts.settle(20_000, 20_000), ())

    def test_at_the_bound(self) -> None:
        """At 256 KiB there is nothing to tidy; a block more, and there is."""
        receipts, data = Receipts(), b"x" * (KEPT - BLOCK - 1) + b"\n"
        self.assertFalse(receipts.note(speaker(), data, len(data)))
        self.assertTrue(receipts.note(speaker(), b"", len(data)))

    def test_old_blocks_become_numbers(self) -> None:
        """Of what isn't acknowledged the oldest lines are counted, and their bytes let go."""
        receipts, ann = Receipts(), speaker()
        for at in range(1, 100_001):
            if receipts.note(ann, b"x\n", at * 2):
                receipts.tidy(0)
        self.assertLess(len(receipts._blocks), KEPT // BLOCK + 1)
        self.assertLess(len(receipts._counts), 100)
        perhaps, sure = receipts.settle(0, 150_000)
        self.assertEqual((perhaps.lines + sure.lines, perhaps.size), (100_000, 150_000))
        self.assertLess(abs(sure.lines - 25_000), GRAIN)

    @given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 9), st.integers(0, 9)), max_size=20), st.data())
    @PROPERTY
    def test_every_line_is_counted(self, said: list[tuple[int, int, int]], data: st.DataObject) -> None:
        """Whatever is said by whom, each line beyond what is acknowledged is told to its speaker once."""
        speakers, receipts, end = [speaker(), speaker()], Receipts(), 0
        ends: list[tuple[int, int]] = []
        for who, lines, notice in said:
            end += notice
            ends += [(who, end + 2 * line) for line in range(1, lines + 1)]
            end += 2 * lines
            if receipts.note(speakers[who], b"x\n" * lines, end):
                receipts.tidy(0)
        sent = data.draw(st.integers(0, end))
        acknowledged = data.draw(st.integers(0, sent))
        told = {(fate.speaker, fate.sure): fate.lines for fate in receipts.settle(acknowledged, sent)}
        for who, peer in enumerate(speakers):
            lines = [at for whose, at in ends if whose == who]
            self.assertEqual(told.get((peer, True), 0), sum(at > sent for at in lines))
            self.assertEqual(told.get((peer, False), 0), sum(acknowledged < at <= sent for at in lines))
