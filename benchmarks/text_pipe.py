"""A text pipe is our client without sessions: clean lines from stdin to a hub, and whatever comes to stdout.

What it moves is what the client could move if it numbered, kept and acknowledged nothing. It is here to compare with.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from chatterbox.client.flow import Flow
from chatterbox.client.stdio import Stdio
from chatterbox.wire.lines import Lines
from chatterbox.wire.text import clean


@implementer(IHalfCloseableProtocol)
class Talk(Protocol):
    """Stdin and stdout."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lines = Lines()

    def dataReceived(self, data: bytes) -> None:
        """Say whole lines."""
        self._link.transport.write(clean(self._lines.feed(data)))

    def readConnectionLost(self) -> None:
        """Say that all is said."""
        self._link.transport.loseWriteConnection()

    def writeConnectionLost(self) -> None:
        """End: stdout is closed."""
        self._link.transport.abortConnection()


class Link(Protocol):
    """The connection to the hub."""

    transport: Any

    def connectionMade(self) -> None:
        """Join stdin and stdout to it; who is behind holds up the other."""
        self._stdio = Stdio(Talk(self))
        self.transport.registerProducer(Flow(self._stdio.pauseProducing, self._stdio.resumeProducing), True)
        stop, go = self.transport.pauseProducing, self.transport.resumeProducing
        self._stdio.registerProducer(Flow(stop, go), True)

    def dataReceived(self, data: bytes) -> None:
        """Write it."""
        self._stdio.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End when all is written."""
        self._stdio.unregisterProducer()
        self._stdio.loseConnection()
        reactor.callLater(0.1, reactor.stop)


if __name__ == "__main__":
    HostnameEndpoint(reactor, sys.argv[1], int(sys.argv[2])).connect(Factory.forProtocol(Link))
    reactor.run()
