"""Sessions lose nothing in silence, whatever happens to links, hubs and processes: `tests.harness.session_world`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.session_world import runs

SEEDS = 150
"""Some 3 s of work; `python -m tests.harness.session_world runs 10000` is the long form."""


class Schedules(SynchronousTestCase):
    """Real ends and real seats, simulated links."""

    def test_every_promise_holds(self) -> None:
        """Shown once and in order, got only what is shown, everything shown or told, no stranger, no storm, no hang."""
        faults, examples, totals = runs(SEEDS, 0)
        self.assertEqual(dict(faults), {}, examples)
        self.assertGreater(totals["status 0"], 10)
        self.assertGreater(totals["restarts"], 50)
        self.assertGreater(totals["blocks"], 300)
