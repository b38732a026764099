"""What is on its way from one session to its partner is counted once, however it is cut when it is said again."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.flight import GRAIN, MANY, Flight
from chatterbox.wire.numbered import Numbered


class Sizes(SynchronousTestCase):
    """The size is that of the lines that aren't got."""

    def test_repeats_are_not_counted_again(self) -> None:
        """After a lost link blocks are said again, joined and with new lines behind them: only those are new."""
        flight = Flight()
        flight.said(Numbered("say", 1, b"aaaa\n", 1, "b", 0))
        flight.said(Numbered("say", 2, b"bbbb\n", 1, "b"))
        flight.said(Numbered("say", 1, b"aaaa\nbbbb\ncccc\n", 3, "b", 0))
        self.assertEqual(flight.size, 15)
        flight.got("b", 2)
        self.assertEqual(flight.size, 5)
        flight.said(Numbered("done", 4, b"", 1, "b"))
        flight.got("b", 4)
        self.assertEqual(flight.size, 0)

    def test_objects(self) -> None:
        """A block counts as one object up to 1,024 of them; 100,000 empty lines more are some 100 objects, and all weigh."""
        flight = Flight()
        for n in range(1, MANY + 1):
            flight.said(Numbered("say", n, b"\n", 1, "b"))
        flight.got("b", 2)
        self.assertEqual((len(flight._parts), flight.size), (MANY - 2, MANY - 2))
        for n in range(MANY + 1, 100_000):
            flight.said(Numbered("say", n, b"\n", 1, "b"))
        self.assertLess(len(flight._parts), MANY + 100_000 // GRAIN + 2)
        self.assertEqual(flight.size, 100_000 - 3)
        flight.got("b", 99_999)
        self.assertEqual(flight.size, 0)

    def test_another_partner_is_another_count(self) -> None:
        """What was said to one who is gone weighs no more."""
        flight = Flight()
        flight.said(Numbered("say", 1, b"aaaa\n", 1, "b", 0))
        flight.said(Numbered("say", 7, b"cc\n", 1, "c", 0))
        self.assertEqual(flight.size, 3)
        flight.got("c", 7)
        self.assertEqual(flight.size, 0)

    def test_a_got_that_is_ahead_of_a_repeat(self) -> None:
        """After a restart of the hub a got may come before the lines that it is about: they weigh nothing then."""
        flight = Flight()
        flight.got("b", 2)
        flight.said(Numbered("say", 1, b"aaaa\nbbbb\ncccc\n", 3, "b", 0))
        self.assertEqual(flight.size, 5)
