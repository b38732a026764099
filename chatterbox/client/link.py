"""A link is the JSON connection to a hub, made again for as long as it is wanted.

It knows the hello, the welcome and how to reconnect. It does not know what the objects mean, and shows nothing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Protocol

from twisted.application.internet import ClientService, backoffPolicy
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint, ITCPTransport
from twisted.internet.protocol import Factory
from twisted.internet.protocol import Protocol as Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from ..wire.lines import Lines
from ..wire.reading import json_object
from ..wire.text import clean_text
from .failures import failure_text
from .flow import Flow

WELCOME_PATIENCE = 20.0
"""Seconds without a byte after the hello: 15 are the hub's own patience, and more is somebody else's port."""
FAREWELL_PATIENCE = 1.0
"""Seconds that the hub has to close the connection after a farewell."""
FIRST_PAUSE, LAST_PAUSE, GROWTH = 0.5, 30.0, 1.6
"""Seconds before the first and the later attempts to come back, and by how much a pause grows."""


class NotAHub(Exception):
    """The other side of the connection doesn't speak the protocol."""

    def __str__(self) -> str:
        return f"that is no Chatterbox hub: {self.args[0]}"


class Ears(Protocol):
    """The listener of a link."""

    def heard(self, event: dict[str, object]) -> None:
        """Take one object of the hub."""

    def flow(self, open_: bool) -> None:
        """Go on sending, or send nothing for now."""

    def cut(self, reason: str) -> None:
        """Take note that a welcomed connection is lost."""

    def wait(self, seconds: float) -> None:
        """Take note that the next attempt is `seconds` away."""


class HubConnection(Connection):
    """One connection: objects in, objects out, and the welcome in between."""

    transport: Any

    def __init__(self, hello: dict[str, object], ears: Ears, clock: IReactorTime) -> None:
        self.welcomed: Deferred[HubConnection] = Deferred(lambda _: self.abort())
        """Fires with this connection at the hub's welcome; fails if it is gone before."""
        self.lost: Deferred[None] = Deferred()
        """Fires when a welcomed connection is gone."""
        self.owner: Connection | None = None
        """The protocol that is told of the end after the welcome."""
        self._hello = hello
        self._ears = ears
        self._clock = clock
        self._lines = Lines()
        self._waiting = True
        self._fault: Exception | None = None

    def connectionMade(self) -> None:
        """Say hello."""
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        self.send(self._hello)
        self._patience = self._clock.callLater(WELCOME_PATIENCE, self._refuse, NotAHub("it says nothing"))

    def send(self, verb: dict[str, object]) -> None:
        """Pass one object to the hub."""
        if self.transport is not None:
            self.transport.write(json.dumps(verb).encode() + b"\n")

    def dataReceived(self, data: bytes) -> None:
        """Take in whole lines."""
        for line in self._lines.feed(data).split(b"\n")[:-1]:
            event = json_object(line)
            if event is not None:
                self._heard(event)
            elif self._waiting:
                self._refuse(NotAHub(f"it says {clean_text(line.decode(errors='replace'))[:60]!r}"))
                return
        if self._lines.overlong:
            self._refuse(NotAHub("it sends a line without end"))

    def _heard(self, event: dict[str, object]) -> None:
        if self._waiting:  # from here on the hub's patience counts, not ours
            self._waiting = False
            self._patience.cancel()
        if event.get("event") == "welcome" and not self.welcomed.called:
            self.welcomed.callback(self)
            flow = Flow(lambda: self._ears.flow(False), lambda: self._ears.flow(True))
            self.transport.registerProducer(flow, True)
        self._ears.heard(event)

    def _refuse(self, fault: Exception) -> None:
        self._fault = fault
        self.abort()

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""
        if self.transport is not None:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:
        """Pass on the reason: to the one who waits for the welcome, or to the listener."""
        if self._patience.active():
            self._patience.cancel()
        self.transport = None
        if self._fault:
            reason = Failure(self._fault)
        if not self.welcomed.called:
            self.welcomed.errback(reason)
        elif self.owner is not None:
            self.owner.connectionLost(reason)
            self._ears.cut(failure_text(reason))
            self.lost.callback(None)


@implementer(IStreamClientEndpoint)
class Welcoming:
    """An endpoint that counts as connected when the hub has said welcome.

    `ClientService` resets its pauses when a connection is made, and a hub that accepts and then says "full" would be
    hammered; its `prepareConnection` is meant for this, but a connection lost while it waits is an error there.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, make: Callable[[], HubConnection]) -> None:
        self._endpoint = endpoint
        self._make = make

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Fire at the welcome; a protocol of the factory is told of the end after it, and of nothing else."""
        connected = connectProtocol(self._endpoint, self._make())
        connected.addCallback(lambda connection: connection.welcomed)
        return connected.addCallback(self._adopt, protocolFactory)

    def _adopt(self, connection: HubConnection, factory: Any) -> Connection:
        owner: Connection = factory.buildProtocol(None)
        owner.makeConnection(connection.transport)
        connection.owner = owner
        return owner


class Link:
    """The connection to one hub, made again when it is lost.

    Args:
        hello: returns the keys of the hello as they are wanted by then.
    """

    def __init__(
        self, reactor: Any, endpoint: IStreamClientEndpoint, hello: Callable[[], dict[str, object]], ears: Ears
    ) -> None:
        self._reactor = reactor
        self._hello = hello
        self._ears = ears
        self._connection: HubConnection | None = None
        self._policy = backoffPolicy(FIRST_PAUSE, LAST_PAUSE, GROWTH, random.random)
        self._service = ClientService(
            Welcoming(endpoint, self._make), Factory.forProtocol(Connection), self._pause, reactor
        )

    def start(self) -> Deferred[Any]:
        """Connect; the Deferred fires at the first welcome, or fails with the reason of the first attempt."""
        first = self._service.whenConnected(failAfterFailures=1)
        self._service.startService()
        return first

    def _make(self) -> HubConnection:
        self._connection = HubConnection({"chatterbox": 1, **self._hello()}, self._ears, self._reactor)
        return self._connection

    def _pause(self, attempt: int) -> float:
        seconds = self._policy(attempt)
        self._ears.wait(seconds)
        return seconds

    def send(self, verb: dict[str, object]) -> None:
        """Pass one object to the hub, if there is a connection."""
        if self._connection is not None:
            self._connection.send(verb)

    def read(self, wanted: bool) -> None:
        """Read what the hub sends, or leave it unread: then the hub slows the other end."""
        transport = self._connection and self._connection.transport
        if transport and wanted:
            transport.resumeProducing()
        elif transport:
            transport.pauseProducing()

    def leave(self) -> Deferred[None]:
        """Give the hub a moment to close first, so that nothing that was sent is lost; then close."""
        connection = self._connection
        if connection is None or connection.transport is None or not connection.welcomed.called:
            return self._service.stopService()
        patience = self._reactor.callLater(FAREWELL_PATIENCE, connection.abort)

        def closed(_: object) -> Deferred[None]:
            if patience.active():
                patience.cancel()
            return self._service.stopService()

        return connection.lost.addBoth(closed)
