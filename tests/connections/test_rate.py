"""How fast one peer may talk, where strangers are about."""

from __future__ import annotations

import json
from functools import partial
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import error
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.core.room import Room
from chatterbox.limits import PUBLIC, Throttle
from tests.harness.inputs import PROPERTY
from tests.harness.memory import HubOnAClock


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

    def test_b4_a_clean_end_behind_a_block(self) -> None:
        """The rate holds when the link is gone (over TLS a close comes at once): what isn't said in a minute never is."""
        for lines, left in ((400, "quit"), (10_000, "lost")):
            hub = HubOnAClock(limits={"rate": 10.0, "burst": 100})
            a, b = hub.nc(), hub.nc()
            b.heard()
            a.line.protocol.dataReceived(b"x\n" * lines)
            a.line.close(error.ConnectionDone)
            self.assertIn(len(b.lines()), (100, 101))
            hub.wait(1)
            self.assertIn(len(b.lines()), (10, 11))
            hub.wait(hub.limits.pair_patience)
            heard = b.lines()
            self.assertEqual(heard[-1], f"-!- your partner left ({left})")
            self.assertLess(len(heard), 600)
            b.cut()
            self.assertEqual(hub.leftovers(), [])

    def test_b4_without_a_rate(self) -> None:
        """All is said behind a clean end, some of it in each turn; a partner who doesn't read holds nothing up."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc().stops_reading()
        a.line.protocol.dataReceived(b"/me waves\n" * 1000)
        with mock.patch.object(Room, "apply", autospec=True, side_effect=Room.apply) as applied:
            a.line.close(error.ConnectionDone)
            self.assertEqual(applied.call_count, 0)
            hub.wait(0)
        self.assertEqual(applied.call_count, 1000 - hub.limits.pieces_a_turn + 1)
        self.assertEqual(b.reads().lines()[-1], "-!- your partner left (quit)")
        self.assertEqual(list(hub.admission.connections), [b.connection])

    def test_b4_a_hub_that_stops_meanwhile(self) -> None:
        """Waits for none whose link is gone; nor does what it still has to say keep it when it says `/quit`."""
        for words in (b"x\n", b"x\n" * 150 + b"/quit\n"):
            hub = HubOnAClock(limits={"rate": 10.0, "burst": 100})
            a, b = hub.nc(), hub.nc()
            a.line.protocol.dataReceived(b"x\n" * 150 + words + b"y\n" * 900)
            a.line.close(error.ConnectionDone)
            gone: list[bool] = []
            if words == b"x\n":
                hub.admission.stop(partial(gone.append, True))
            hub.wait(30)
            self.assertNotIn("y", b.lines())
            b.cut()
            self.assertEqual((hub.leftovers(), len(hub.admission.entries.open)), ([], 0))

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

    def test_typed_lines_at_once(self) -> None:
        """However many lines of keys come at once, as bytes or in one object: the burst is seen, then ten a second."""
        keys = "x\n" * 2000
        for typed in (keys, json.dumps({"verb": "type", "keys": keys}) + "\n"):
            hub = HubOnAClock("talk", limits={"rate": 10.0})
            watcher = hub.nc()
            typist = hub.json() if typed is not keys else hub.nc()
            typist.sends(typed.encode())
            seen = [watcher.heard().count(b"x\r\n")]
            for _ in range(5):
                hub.wait(1)
                seen.append(watcher.heard().count(b"x\r\n"))
            self.assertLessEqual(seen[0], 101)
            self.assertLessEqual(sum(seen), 151)
            self.assertGreaterEqual(sum(seen), 140)

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
