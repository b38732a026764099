"""A fleet is nodes in memory on one fake engine, which works unless a test says otherwise; all their time passes at once."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.harness.engine import FakeEngine
from tests.harness.nodes import Node
from tests.harness.session_client import Client

STEP = 0.02
"""Seconds after which everything that is on its way has arrived."""


class Fleet:
    """So many nodes, which know each other.

    Args:
        machines: how many.
        mode: a row of the table; `columns` override its columns.
        limits: those that are not the default.
        bare: as the hub's own.
    """

    def __init__(
        self,
        machines: int = 3,
        mode: str = "pair",
        limits: dict[str, Any] | None = None,
        bare: bool = False,
        **columns: Any,
    ) -> None:
        self.engine = FakeEngine()
        self._fresh = count()
        self._make = lambda name: Node(
            self.engine, name, lambda: f"{next(self._fresh):08x}", mode, limits, bare=bare, **columns
        )
        self.nodes = [self._make(f"n{at}") for at in range(machines)]
        self.wait(3)

    def restart(self, node: Node) -> Node:
        """Start a node again that was killed, under its name."""
        self.nodes.append(self._make(node.name))
        return self.nodes[-1]

    def wait(self, seconds: float = STEP) -> None:
        """Let time pass, and everything happen that is due."""
        for _ in range(max(1, round(seconds / STEP))):
            for node in self.nodes:
                node.connect()
                node.pass_time(STEP)
            for _ in range(20):
                for node in self.nodes:
                    self._flow(node)

    def _flow(self, node: Node) -> None:
        if node.is_dead or node.is_frozen:
            return
        node.clock.advance(0)
        while node.wire.ask() | node.wire.answer() | node.wire.read():
            pass

    def owner(self, room: str) -> Node | None:
        """Return the node where a room lives."""
        owner = self.engine.memory.rooms.get(room)
        return next((node for node in self.nodes if node.cluster.roster.me == owner and not node.is_dead), None)

    def talk(self, *clients: Client) -> None:
        """Let sessions hear and answer until all is quiet."""
        for _ in range(15):
            for client in clients:
                client.turn()
            self.wait(0.04)

    def leftovers(self) -> list[object]:
        """Return all that the living nodes still hold."""
        return [thing for node in self.nodes if not node.is_dead for thing in node.leftovers()]
