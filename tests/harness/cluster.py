"""A cluster is hubs as processes on one Redis of their own, and what may be done to each of them."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import Socket
from tests.harness.processes import Hub, until
from tests.harness.redis import ABSENT, Redis

DOWN = "-!- the link to the other hub is down; what you say waits"
BACK = "-!- the link to the other hub is back"
GONE_ON = "-!- the hub that kept this room is gone; going on with the others"
CUT_OFF = "-!- closed (lost): this hub was cut off from the others; connect again"


class Clustered(SynchronousTestCase):
    """A test with an engine of its own."""

    skip = ABSENT
    engine_options: tuple[str, ...] = ()

    def setUp(self) -> None:
        folder = tempfile.mkdtemp(prefix="cb")
        self.addCleanup(shutil.rmtree, folder)
        self.redis = Redis(Path(folder), *self.engine_options)
        self.addCleanup(self.redis.kill)

    def hub(self, node: str, *options: str, port: int = 0, command: Sequence[str] = ()) -> Hub:
        """Return a hub that is a node of this cluster."""
        hub = Hub("--engine", self.redis.url, "--node", node, *options, port=port, command=command)
        self.addCleanup(hub.kill)
        until(lambda: self.count(node))
        return hub

    def count(self, node: str) -> int:
        """Return how many nodes of that name are in the engine's table."""
        return self.redis.says("hkeys", "{cb1}:nodes").count(f"{node}.")

    def owner(self, room: str) -> str:
        """Return the name of the node where a room lives."""
        return self.redis.says("hget", "{cb1}:rooms", room).partition(".")[0]

    def pair(self, one: Hub, other: Hub, room: str = "tea") -> tuple[Socket, Socket]:
        """Return two ends at two nodes that sit in a room and know it."""
        first = one.peer(room=room)
        until(lambda: self.owner(room))
        second = other.peer(room=room)
        first.hears("-!- your partner joined")
        self.talk(first, second)
        return first, second

    def guests(self, owner: Hub, one: Hub, other: Hub, room: str = "tea") -> tuple[Socket, Socket]:
        """Return two ends at two nodes in a room that lives at a third one."""
        host = owner.peer(room=room)
        until(lambda: self.owner(room))
        first = one.peer(room=room)
        host.hears("-!- your partner joined")
        host.says("/quit")
        first.hears("-!- your partner left (quit)")
        second = other.peer(room=room)
        first.hears("-!- your partner joined")
        self.talk(first, second)
        return first, second

    def talk(self, one: Socket, other: Socket) -> None:
        """Let both hear each other."""
        one.says("to you")
        other.hears("to you")
        other.says("to you, too")
        one.hears("to you, too")

    def freeze(self, hub: Hub) -> None:
        """Stop a hub, without a word."""
        hub.process.send_signal(signal.SIGSTOP)

    def thaw(self, hub: Hub) -> None:
        """Let it go on."""
        hub.process.send_signal(signal.SIGCONT)
