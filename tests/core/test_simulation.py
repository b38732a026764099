"""Conversations that nobody would think of, in every mode: some thousand steps against a simple model."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from tests.harness.inputs import PROPERTY
from tests.harness.world import machine

EXAMPLES = 40
"""Conversations in each mode; `make soak` has ten times as many, and other ones."""


class Simulation(SynchronousTestCase):
    """Order, no loss, no duplicate, seats, bounds and empty maps, after every step."""

    def _play(self, mode: str, rate: float = 0.0) -> None:
        how = settings(PROPERTY, max_examples=EXAMPLES, stateful_step_count=50, report_multiple_bugs=False)
        run_state_machine_as_test(machine(mode, rate), settings=how)

    def test_pair(self) -> None:
        """Two ends, verbatim."""
        self._play("pair")

    def test_pair_with_a_rate(self) -> None:
        """Two ends, each slowed."""
        self._play("pair", rate=10.0)

    def test_room(self) -> None:
        """A room of names."""
        self._play("room")

    def test_ports(self) -> None:
        """A broadcast."""
        self._play("ports")

    def test_order(self) -> None:
        """A race."""
        self._play("order")

    def test_duet(self) -> None:
        """Two, until one says Bye."""
        self._play("duet")

    def test_talk(self) -> None:
        """Two, key by key."""
        self._play("talk")
