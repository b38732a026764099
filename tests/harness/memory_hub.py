"""A hub that is played in memory, object by object, for who talks to one through a session's link."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

BOB = "b" * 16


class Wire(StringTransport):
    """One connection to the played hub."""

    aborted = False
    connection: Any

    def abortConnection(self) -> None:
        """Be gone."""
        self.aborted = True
        self.connection.connectionLost(Failure(ConnectionLost()))

    def unregisterProducer(self) -> None:
        """Forget the producer, however often."""
        self.producer = None


class MemoryHub:
    """An endpoint, and the hub behind it, which says what the test says."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.refuse: list[Exception] = []

    def connect(self, factory: Any) -> Deferred[Any]:
        """Connect, unless the test refuses."""
        result: Deferred[Any] = Deferred()
        if self.refuse:
            result.errback(Failure(self.refuse.pop(0)))
            return result
        wire = Wire()
        wire.connection = factory.buildProtocol(None)
        self.wires.append(wire)
        wire.connection.makeConnection(wire)
        result.callback(wire.connection)
        return result

    @property
    def wire(self) -> Wire:
        """The newest connection."""
        return self.wires[-1]

    def says(self, *events: Any) -> None:
        """Say objects."""
        self.wire.connection.dataReceived(b"".join(json.dumps(event).encode() + b"\n" for event in events))

    def hears(self) -> list[Any]:
        """Return the objects that have come since the last call."""
        lines = self.wire.value().splitlines()
        self.wire.clear()
        return [json.loads(line) for line in lines]

    def welcomes(self, *others: str, seats: int | None = 2, **more: Any) -> None:
        """Say welcome, with these others."""
        ends = [{"name": name, "stream": name[0] * 16, "session": True, "away": False} for name in others]
        welcome = {"event": "welcome", "room": "tea", "mode": "pair", "name": "ann", "seats": seats, "stream": "a" * 16, "grace": 120, "max_line": 4096, "ends": ends}
        self.says(welcome | more)

    def joins(self, name: str) -> None:
        """Say that somebody has come."""
        self.says({"event": "joined", "name": name, "stream": name[0] * 16, "session": True, "away": False})

    def cuts(self, why: Exception | None = None) -> None:
        """Lose the link."""
        self.wire.connection.connectionLost(Failure(why or ConnectionLost()))
