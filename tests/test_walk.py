"""How far a value walks through the house: each move from file to file is a door that a reader must pass, too."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.walk import ASKED, LINE, WALKS


class Walks(SynchronousTestCase):
    """The walks of `python -m benchmarks.walk`."""

    def test_of_a_plain_line(self) -> None:
        """From its bytes to the other end's transport a line enters at most 20 functions and moves at most 10 times."""
        found = WALKS[ASKED]()
        self.assertLessEqual(found.calls, 20)
        self.assertLessEqual(found.moves, 10)

    def test_of_the_fast_path(self) -> None:
        """Between two text peers in a pair it enters at most 12, and moves at most 8 times."""
        found = WALKS[LINE]()
        self.assertLessEqual(found.calls, 12)
        self.assertLessEqual(found.moves, 8)

    def test_each_goes_through(self) -> None:
        """Every walk enters some of the package."""
        for name, measure in WALKS.items():
            self.assertGreater(measure().calls, 8, name)
