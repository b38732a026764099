"""A row of newcomers: each may be silent equally long, and one timer serves all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.row import CALLS_A_TURN, Row
from chatterbox.connections.timers import Delayed, Timers


class Newcomer:
    """One of those who may be silent."""

    def __init__(self, clock: Clock) -> None:
        self.timers = Timers(clock.callLater, self)
        self.is_aborted = False

    def abort(self) -> None:
        """Take note of it."""
        self.is_aborted = True


class Rows(SynchronousTestCase):
    """A row of newcomers who may be silent for 10 s."""

    def setUp(self) -> None:
        """Make one on a clock."""
        self.clock = Clock()
        self.row = Row(self.clock.callLater, self.clock.seconds, 10)
        self.came: list[str] = []
        self.turns: list[Callable[[], None]] = []

    def row_by_turns(self) -> Row:
        """Return a row whose timer comes when the last one of `turns` is called."""

        def later(seconds: float, call: Callable[[], None]) -> Delayed:
            self.turns.append(call)
            return Clock().callLater(seconds, call)

        return Row(later, self.clock.seconds, 10)

    def comes(self, names: str) -> dict[str, Newcomer]:
        """Let one newcomer for each name wait, a second after the other; return them by name."""
        newcomers = {}
        for name in names:
            newcomers[name] = Newcomer(self.clock)
            self.row.wait(newcomers[name], partial(self.came.append, name))
            self.clock.advance(1)
        return newcomers

    def waits(self, seconds: float) -> str:
        """Let time pass, and the turn after it; return whose time was over until then."""
        self.clock.advance(seconds)
        self.clock.advance(0)
        return "".join(self.came)

    def test_each_in_its_time(self) -> None:
        """Each has its own 10 s, in order, and one timer is enough."""
        self.comes("abc")
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.assertEqual([self.waits(seconds) for seconds in (6.99, 1, 1, 1)], ["", "a", "ab", "abc"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_those_whose_time_is_over_together(self) -> None:
        """After a time in which nothing could happen all come whose time is over, and no other."""
        self.comes("abc")
        self.assertEqual(self.waits(8), "ab")

    def test_what_has_come_is_read_first(self) -> None:
        """The call comes one turn after its time: who is forgotten in between has spoken, and isn't silent."""
        row, ann = self.row_by_turns(), Newcomer(self.clock)
        row.wait(ann, partial(self.came.append, "a"))
        self.clock.rightNow = 10
        self.turns.pop()()
        self.assertEqual(self.came, [])
        row.forget(ann)
        self.assertEqual(self.waits(0), "")

    def test_a_turn(self) -> None:
        """Of many whose time is over at once some come in each turn, in order."""
        row = self.row_by_turns()
        for _ in range(CALLS_A_TURN + 1):
            row.wait(Newcomer(self.clock), partial(self.came.append, "x"))
        self.clock.rightNow = 10
        self.turns.pop()()
        self.assertEqual(len(self.waits(0)), CALLS_A_TURN)
        self.turns.pop()()
        self.assertEqual((len(self.waits(0)), self.turns), (CALLS_A_TURN + 1, []))

    def test_forgotten(self) -> None:
        """Who is forgotten isn't called, wherever it stands; to forget it again, or one that was called, changes nothing."""
        for forgotten in "abc":
            self.came.clear()
            newcomers = self.comes("abc")
            for _ in range(2):
                self.row.forget(newcomers[forgotten])
            self.assertEqual(self.waits(10), "abc".replace(forgotten, ""))
            self.row.forget(newcomers["a"])
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_is_left(self) -> None:
        """When all are forgotten no timer runs, and the next one's time is its own."""
        for newcomer in self.comes("ab").values():
            self.row.forget(newcomer)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.comes("c")
        self.assertEqual([self.waits(seconds) for seconds in (8.5, 0.5)], ["", "c"])

    def test_another_call(self) -> None:
        """A second call for one takes the place of the first, and its time begins anew."""
        ann = self.comes("ab")["a"]
        self.row.wait(ann, partial(self.came.append, "A"))
        self.assertEqual([self.waits(seconds) for seconds in (8, 1, 1)], ["", "b", "bA"])

    def test_asked_for_by_one_that_comes(self) -> None:
        """Whose time begins in a call has 10 s, too, and takes nobody's place."""
        self.row.wait(Newcomer(self.clock), lambda: self.comes_later())
        self.clock.advance(1)
        self.comes("b")
        self.assertEqual([self.waits(seconds) for seconds in (8, 1, 8.5, 0.5)], ["", "b", "b", "bc"])

    def comes_later(self) -> None:
        """Let one more wait."""
        self.row.wait(Newcomer(self.clock), partial(self.came.append, "c"))

    def test_one_that_fails(self) -> None:
        """Its fault goes on to the reactor and ends it, and those behind it come all the same."""
        failing = Newcomer(self.clock)
        self.row.wait(failing, partial(int, "x"))
        self.row.wait(Newcomer(self.clock), partial(self.came.append, "b"))
        self.assertRaises(ValueError, self.clock.advance, 10)
        self.assertEqual((self.waits(0), failing.is_aborted), ("b", True))
