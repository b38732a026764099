"""Conversations over real sockets whose ends do as chance likes: the short form of `python -m benchmarks.soak_fuzz`."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.soak_fuzz import KINDS, REPEATS, soak

SEEDS = range(1, 4)
"""The conversations of each kind: the same in each run, however fast the machine is."""


class Fuzz(SynchronousTestCase):
    """A few seeds of each kind; the clock on each call is for a quiet machine, and judged by the soak alone."""


def _add_tests() -> None:
    """Make one test of each kind."""

    def test_of(name: str) -> Callable[[Fuzz], None]:
        def test(self: Fuzz) -> None:
            faults, count, _ = soak(name, SEEDS)
            self.assertEqual([fault for fault in faults if f"each of {REPEATS} repeats" not in fault], [])
            self.assertEqual(count, len(SEEDS))

        test.__doc__ = f"Nothing is doubled, moved, torn or lost unsaid in conversations of the kind `{name}`."
        return test

    for name in KINDS:
        setattr(Fuzz, f"test_{name}", test_of(name))


_add_tests()
