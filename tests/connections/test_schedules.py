"""The whole hub in memory, and ends to which chance does what it likes: `benchmarks.soak_schedules` in short."""

from __future__ import annotations

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.soak_schedules import PLAIN_ACTS, SESSION_ACTS, fault_of

SEEDS = (242, 301, 81764, 923349, 80873, *range(1, 13))
"""The first four have each found a line that was lost unsaid, the fifth a seat that nobody gave up;
`python -m benchmarks.soak_schedules` is the long form."""


class Schedules(SynchronousTestCase):
    """Sessions, `nc` and JSON programs beside one another."""

    def test_no_line_is_lost_unsaid(self) -> None:
        """Nothing is doubled or reordered either, no fate or status is a lie, all end, and the hub holds nothing."""
        done = Counter[str]()
        for seed in SEEDS:
            fault, happened = fault_of(seed)
            self.assertEqual(fault, "", f"seed {seed}")
            done += happened
        self.assertGreater(done["kill the hub"], 1)
        self.assertEqual({act.__name__.strip("_") for act in (*SESSION_ACTS, *PLAIN_ACTS)} - set(done), set())
