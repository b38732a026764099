"""A row of calls: each comes after the same time, and one timer serves all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.row import CALLS_A_TURN, Row
from chatterbox.connections.timers import Delayed


class Rows(SynchronousTestCase):
    """A row of calls that come after 10 s."""

    def setUp(self) -> None:
        """Make one on a clock."""
        self.clock = Clock()
        self.row = Row(self.clock.callLater, self.clock.seconds, 10)
        self.came: list[str] = []

    def asks(self, *names: str) -> list[Delayed]:
        """Ask for one call for each name, a second after the other; return what cancels them."""
        places = []
        for name in names:
            places.append(self.row.add(partial(self.came.append, name)))
            self.clock.advance(1)
        return places

    def test_each_in_its_time(self) -> None:
        """Each comes after its own 10 s, in order, and one timer is enough."""
        self.asks("a", "b", "c")
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        came = []
        for _ in range(4):
            self.clock.advance(6.99 if not came else 1)
            came.append("".join(self.came))
        self.assertEqual(came, ["", "a", "ab", "abc"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_those_that_are_due_at_once(self) -> None:
        """After a time in which nothing could happen all that are due come, and no other."""
        self.asks("a", "b", "c")
        self.clock.advance(8)
        self.assertEqual(self.came, ["a", "b"])

    def test_a_turn(self) -> None:
        """Of many that are due at once some come in each turn, in order."""
        turns: list[Callable[[], None]] = []
        clock = Clock()

        def later(seconds: float, call: Callable[[], None]) -> Delayed:
            turns.append(call)
            return clock.callLater(seconds, call)

        row = Row(later, clock.seconds, 10)
        for _ in range(CALLS_A_TURN + 1):
            row.add(partial(self.came.append, "x"))
        clock.rightNow = 10
        turns.pop()()
        self.assertEqual(len(self.came), CALLS_A_TURN)
        turns.pop()()
        self.assertEqual((len(self.came), turns), (CALLS_A_TURN + 1, []))

    def test_cancelled(self) -> None:
        """A cancelled one doesn't come, wherever it stands; to cancel it again, or one that has come, changes nothing."""
        for cancelled in "abc":
            self.came.clear()
            places = dict(zip("abc", self.asks(*"abc")))
            for _ in range(2):
                places[cancelled].cancel()
            self.clock.advance(10)
            places["a"].cancel()
            self.assertEqual("".join(self.came), "abc".replace(cancelled, ""))
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_is_left(self) -> None:
        """When all are cancelled no timer runs, and the next one's time is its own."""
        for place in self.asks("a", "b"):
            place.cancel()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.asks("c")
        self.clock.advance(8.5)
        self.assertEqual(self.came, [])
        self.clock.advance(0.5)
        self.assertEqual(self.came, ["c"])

    def test_asked_for_by_one_that_comes(self) -> None:
        """What is asked for by a call comes after 10 s, too, and in nobody's place."""
        self.row.add(lambda: self.row.add(partial(self.came.append, "c")) and None)
        self.clock.advance(1)
        self.asks("b")
        came = []
        for seconds in (8, 1, 8.5, 0.5):
            self.clock.advance(seconds)
            came.append("".join(self.came))
        self.assertEqual(came, ["", "b", "b", "bc"])

    def test_one_that_fails(self) -> None:
        """Its fault goes on to the reactor, and those behind it come all the same."""
        self.row.add(partial(int, "x"))
        self.row.add(partial(self.came.append, "b"))
        self.assertRaises(ValueError, self.clock.advance, 10)
        self.clock.advance(0)
        self.assertEqual(self.came, ["b"])
