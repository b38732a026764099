"""A node in memory is a whole hub on a clock of its own, with a wire to a fake engine; a person is somebody there.

A person says numbered lines, in text or JSON, and remembers what it heard.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chatterbox.cluster.homes import Cluster
from chatterbox.cluster.localhub import LocalHub
from tests.harness.engine import FakeEngine, Wire
from tests.harness.memory import HubOnAClock
from tests.harness.witness import Witness

SILENT = 1.5
"""Seconds without an answer after which a node gives up its connection, as `edges/redis.py` does."""


class Node:
    """One machine.

    Args:
        engine: the one that all have.
        name: what the operator calls this node.
        fresh: returns eight hex digits that nobody had before.
        mode: a row of the table; `columns` override its columns.
        limits: those that are not the default.
        buffer: bytes that a connection buffers before it pauses its writer.
    """

    def __init__(
        self,
        engine: FakeEngine,
        name: str,
        fresh: Callable[[], str],
        mode: str = "pair",
        limits: dict[str, Any] | None = None,
        buffer: int = 64 * 1024,
        bare: bool = False,
        **columns: Any,
    ) -> None:
        self.name = name
        self.wire = Wire(engine)
        self.notes: list[str] = []
        self.replaced = 0
        self.local = LocalHub(self._replaced, self.notes.append)
        self.hub = HubOnAClock(mode, limits, bare, buffer, self.local, **columns)
        self.clock = self.hub.clock
        self.cluster = Cluster(name, self.wire, self.clock.callLater, fresh, self.local)
        self.local.attach(self.hub.admission, self.cluster)
        self.wire.ears = self.cluster
        self.is_frozen = self.is_dead = self.is_partitioned = False
        self.was_cut = False
        """Whether its connection was cut while it was frozen, which it doesn't know."""
        self._missed = 0.0
        self._silent = 0.0

    def _replaced(self) -> None:
        self.replaced += 1

    def pass_time(self, seconds: float) -> None:
        """Let time pass, unless the machine is stopped: then it passes when it goes on."""
        if self.is_dead:
            return
        self._missed += seconds
        if self.is_frozen:
            return
        seconds, self._missed = self._missed, 0.0
        self._silent = self._silent + seconds if self.wire.commands or self.wire.replies else 0.0
        if self.wire.is_up and self._silent > SILENT:
            self._silent = 0.0
            self.wire.cut()
        self.hub.wait(seconds)

    def thaw(self) -> None:
        """Go on."""
        self.is_frozen = False
        if self.was_cut:
            self.was_cut = False
            self.wire.cut()

    def connect(self) -> None:
        """Reach the engine, if it can be reached."""
        if not (self.is_dead or self.is_frozen or self.is_partitioned or self.wire.engine.is_frozen):
            self._silent = 0.0
            self.wire.connect()

    def die(self, arrived: int) -> None:
        """Be killed; some of what was asked still reaches the engine."""
        for command, _ in list(self.wire.commands)[:arrived]:
            self.wire.engine.run(*command)
        self.wire.commands.clear()
        self.wire.replies.clear()
        self.wire.is_up = False
        self.is_dead = True

    def leftovers(self) -> list[object]:
        """Return all that the node still holds beside its beat: nothing, once nobody is there."""
        cluster, claims = self.cluster, self.cluster.claims
        held = [*self.hub.hub.rooms, *self.hub.admission.connections, *self.hub.admission.unseated]
        held += [*cluster.visits, *cluster.channels, *cluster.seeking, *cluster.detached, *claims.owned]
        for whose, name in (
            (self.local, "_guests"),
            (claims, "_waiting"),
            (claims, "_owed"),
            (claims, "_orphaned"),
            (cluster.confirmations, "_channels"),
            (cluster.confirmations, "_visits"),
            (cluster, "_home_early"),
            (cluster.links, "_posts"),
        ):
            held += getattr(whose, name)
        return held


class Person:
    """Somebody at a node."""

    def __init__(self, node: Node, name: str, room: str, speaks_json: bool = True) -> None:
        self.node = node
        self.name = name
        self.room = room
        self.speaks_json = speaks_json
        self.said = 0
        self.witness = Witness(name)
        self.partner = ""
        """Who is to hear everything that this one says."""
        self.has_left = False
        self.hosts = 0
        """How many were in the room before it and its partner, said nothing and left."""
        self.end = node.hub.connects()
        if speaks_json:
            self.end.says(json.dumps({"chatterbox": 1, "room": room, "name": name}))
        else:
            self.end.says(f"/join {room}\n/nick {name}")

    @property
    def was_left(self) -> bool:
        """Whether it was told that its partner left."""
        return self.witness.lefts > self.hosts

    @property
    def closed(self) -> bool:
        """Whether it has no connection any more."""
        return bool(self.end.closed) or self.has_left

    @property
    def is_reading(self) -> bool:
        """Whether it takes what is said."""
        return self.end.line.takes

    @property
    def taken(self) -> bytes:
        """What it heard."""
        return bytes(self.end.line.taken)

    def says(self, lines: int, width: int = 20) -> None:
        """Say numbered lines, if it is read."""
        line = self.end.line
        if self.closed or line.disconnecting or line.inbox or not line.reading:
            return
        texts = [f"{self.name} {self.said + at} ".ljust(width, ".") for at in range(lines)]
        self.said += lines
        if self.speaks_json:
            texts = [json.dumps({"verb": "say", "text": text}) for text in texts]
        line.send("".join(f"{text}\n" for text in texts).encode())

    def reads(self, is_reading: bool) -> None:
        """Begin or stop to take what is said."""
        if is_reading:
            self.end.reads()
        else:
            self.end.stops_reading()

    def leaves(self, why: str = "quit") -> None:
        """Close the connection, or have it cut."""
        self.has_left = True
        if why == "quit":
            self.end.line.disconnecting or self.end.says('{"verb": "quit"}' if self.speaks_json else "/quit")
        else:
            self.end.cut()
        self.end.line.takes = True
        self.end.line.flush()
