"""How fast one peer may talk, where strangers are about."""

from __future__ import annotations

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import error
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.core.room import Room
from chatterbox.limits import PUBLIC, Throttle
from tests.harness.memory import PROPERTY, HubOnAClock


class Rate(SynchronousTestCase):
    """A bucket of lines slows reading; no line is dropped, nobody is banned."""

    def test_burst(self) -> None:
        """100 lines at once are free; the 101st makes reading pause for the tenth of a second that it takes."""
        hub = HubOnAClock(limits={"rate": PUBLIC["rate"]})
        a, b = hub.nc(), hub.nc()
        a.says(*["x"] * 100)
        self.assertTrue(a.line.reading)
        a.says("y")
        self.assertFalse(a.line.reading)
        a.says("z")
        self.assertEqual(len(b.lines()), 101)
        hub.wait(0.11)
        self.assertEqual(b.lines(), ["z"])
        hub.wait(100)
        self.assertTrue(a.line.reading)

    def test_a_block(self) -> None:
        """Lines that come at once are not said at once: the burst is, and then so many a second."""
        hub = HubOnAClock(limits={"rate": 10.0, "burst": 100})
        a, b = hub.nc(), hub.nc()
        a.line.send(b"x\n" * 300)
        hub.wait(0.01)
        self.assertEqual(len(b.lines()), 101)
        hub.wait(1)
        self.assertIn(len(b.lines()), (10, 11))
        self.assertFalse(a.line.reading)
        hub.wait(20)
        self.assertTrue(a.line.reading)

    def test_a_clean_end_behind_a_block(self) -> None:
        """Who has left can't be slowed: all that it sent is said, and not line by line in one turn (TLS ends so)."""
        hub = HubOnAClock(limits={"rate": 10.0, "burst": 100})
        a, b = hub.nc(), hub.nc()
        a.line.protocol.dataReceived(b"x\n" * 30_000)
        before = b.line.total_taken
        with mock.patch.object(Room, "apply", autospec=True, side_effect=Room.apply) as applied:
            a.line.close(error.ConnectionDone)
        self.assertLess(applied.call_count, 10)
        self.assertGreater(b.line.total_taken - before, 2 * 29_000)

    def test_commands_count(self) -> None:
        """Questions are lines, too."""
        hub = HubOnAClock(limits={"rate": 10.0})
        a = hub.nc().says(*["/who"] * 101)
        hub.wait(0)
        self.assertFalse(a.line.reading)

    def test_typed_lines_count(self) -> None:
        """In mode talk a line is what a newline ends."""
        hub = HubOnAClock("talk", limits={"rate": 10.0})
        a = hub.nc()
        hub.nc()
        a.says(*["x"] * 100)
        self.assertTrue(a.line.reading)
        a.says("y")
        self.assertFalse(a.line.reading)

    def test_one_line_after_the_other(self) -> None:
        """A line a tenth of a second is never slowed."""
        throttle = Throttle(10.0, 1)
        self.assertLess(max(throttle.touch(at / 10) for at in range(1, 1000)), 1e-9)
        self.assertAlmostEqual(throttle.touch(99.9), 0.1)

    def test_a_clock_that_goes_back_gives_nothing(self) -> None:
        """And takes nothing."""
        throttle = Throttle(10.0, 2)
        for now, count, pause in ((5.0, 2, 0.0), (4.0, 1, 0.1), (4.1, 0, 0.0)):
            self.assertAlmostEqual(throttle.touch(now, count), pause)

    @given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 30)), min_size=1))
    @PROPERTY
    def test_in_the_long_run(self, touches: list[tuple[float, int]]) -> None:
        """Who waits as long as it is told never says more than the burst and the rate allow."""
        throttle, now, said = Throttle(2.0, 10), 0.0, 0
        for pause, count in touches:
            now += pause
            said += count
            now += throttle.touch(now, count)
            self.assertLessEqual(said, 10 + 2.0 * now + 1e-6)
