"""A connection, over TCP, TLS or a unix socket, becomes a Peer: bytes are cut into blocks of whole lines here.

This module knows Twisted and the hub. It does not know what a line means, or who hears it.
"""

from __future__ import annotations

import re
from typing import Any

from twisted.internet import error
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from zope.interface import implementer

from ..connections.bare import GAP
from ..core.hub import Hub
from ..core.peer import Peer
from .sockets import acknowledged, address_of, is_broken, tcp_socket, tune
from .telnet import IAC, Telnet

PULSE = 10.0
"""Seconds between two looks at the link of one who has finished."""
SMALL_READ = 4096
"""Bytes read at once where each is looked at, so that a flood of keys or telnet commands holds nobody up for 1 ms."""

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_HTTP = re.compile(rb"[A-Z]+ \S+ HTTP/1\.[01]\r?\n")
_TLS_HELLO = b"\x16\x03"


@implementer(IPushProducer, IHalfCloseableProtocol, IHandshakeListener)
class ChatProtocol(LineReceiver):
    """One connection.

    `LineReceiver.dataReceived` splits the rest of its buffer once per line (256 KiB of newlines take 1.7 s: Twisted
    #6356); this one looks for the last newline of what came, and hands on everything before it as one block.

    As a producer it is that of its own transport: `pauseProducing` says that the other end doesn't take what we
    write. Reading is paused through the transport, by the Peer.
    """

    transport: Any
    delimiter = b"\n"
    peer: Peer
    _telnet: Telnet | None = None
    _unended = b""
    """What came after the last newline."""
    _ignored = 0
    """Bytes that came after we hung up."""
    _is_new = True
    """Whether no line has come yet."""
    _waiting: IDelayedCall | None = None

    def __init__(self, hub: Hub, reactor: IReactorTime) -> None:
        self.hub = hub
        self._reactor = reactor

    # -- beginning and end -----------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """The connection is there; over TLS it is of use only after the handshake, which has a time limit."""
        self._accepted = self._reactor.seconds()
        self._socket = tcp_socket(self.transport)
        tune(self._socket)
        if ISSLTransport.providedBy(self.transport):
            self._waiting = self._reactor.callLater(self.hub.limits.join_patience, self.transport.abortConnection)
        elif isinstance(self.transport, ProtocolWrapper):  # haproxy: knows whose connection it is after a header
            self._wait_for_header()
        else:
            self._arrive()

    def _wait_for_header(self) -> None:
        """A proxy's header may be slow, but it has to come: until then this is nobody's connection."""
        limits = self.hub.limits
        if self.transport.getPeer() != self.transport.transport.getPeer():
            self._arrive()
        elif self._reactor.seconds() - self._accepted > limits.join_patience:
            self.transport.abortConnection()
        else:
            self._waiting = self._reactor.callLater(limits.landing, self._wait_for_header)

    def handshakeCompleted(self) -> None:
        """The connection is encrypted now, and may be used."""
        self._arrive()

    def _arrive(self) -> None:
        self._stop_waiting()
        self.transport.registerProducer(self, True)
        waited = self._reactor.seconds() - self._accepted
        self.peer = self.hub.arrive(self.transport, address_of(self.transport.getPeer()), self._taken, waited)
        if self.peer.types:
            self._read_little()

    def _read_little(self) -> None:
        """Read less at once from now on; a transport that reads by other rules ignores it."""
        self.transport.bufferSize = SMALL_READ

    def _stop_waiting(self) -> None:
        if self._waiting and self._waiting.active():
            self._waiting.cancel()
        self._waiting = None

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone: cleanly, and then all that came before is said, or not."""
        self._stop_waiting()
        if not hasattr(self, "peer"):
            return
        clean_end = reason.check(error.ConnectionDone) is not None
        if clean_end:
            self._say_unended()
        self.peer.lost("quit" if clean_end else "lost")

    def readConnectionLost(self) -> None:
        """The other end has closed its sending half; at a clean end an unterminated last line is a line, too."""
        self._say_unended()
        self.peer.finish()
        self._feel_pulse()

    def _feel_pulse(self) -> None:
        """Ask the system whether the link is broken: nothing is read from who has finished, so nobody would notice."""
        if self.peer.gone:
            return
        if is_broken(self._socket):
            self.transport.abortConnection()
        elif self._socket:
            self.hub.after(self.peer, "pulse", PULSE, self._feel_pulse)

    def writeConnectionLost(self) -> None:
        """We have closed ours; nothing follows from that."""

    # -- as the producer of its own transport ----------------------------------------------------------------

    def pauseProducing(self) -> None:
        """The other end doesn't take what is written."""
        self.peer.outlet.pause()

    def resumeProducing(self) -> None:
        """The other end has taken everything."""
        self.peer.outlet.resume()

    def stopProducing(self) -> None:
        """The connection is gone: `connectionLost` says so, too."""

    def _taken(self) -> int:
        """Return the bytes that the other machine has acknowledged, where the system tells."""
        return acknowledged(self._socket)

    # -- what comes ------------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Hand on every whole line that came, as one block."""
        if self._waiting:
            self._arrive()
        if self.peer.gone:
            self._ignore(data)
            return
        if self._telnet or IAC in data:
            data = self._without_telnet(data)
        if self._is_new and self._is_stranger(data):
            return
        end = data.rfind(b"\n") + 1
        if self.peer.types and not (self._is_new and (self._unended + data).startswith(b"{")):
            end = len(data)
        if not end:
            self._wait_for_more(data)
            return
        if self.peer.is_bare:
            self.peer.speak_lines()
        block, self._unended = b"".join((self._unended, memoryview(data)[:end])), data[end:]
        self._is_new = False
        self.peer.say(block)

    def _ignore(self, data: bytes) -> None:
        """Read on from who was hung up on, so that it hears why; but a flood isn't worth anybody's time."""
        self._ignored += len(data)
        if self._ignored > self.hub.limits.flood:
            self.transport.pauseProducing()

    def _wait_for_more(self, data: bytes) -> None:
        """Keep what is no whole line yet; with a bare peer, 50 ms of silence make it one."""
        if self.peer.is_bare:
            self.peer.begin()
            self.hub.when_read(self.peer, "silence", GAP, self._say_unended)
        self._unended += data
        if len(self._unended) > self.peer.max_unended:
            self.peer.end("flood", f"more than {self.peer.max_unended} bytes without a newline")

    def _without_telnet(self, data: bytes) -> bytes:
        if not self._telnet:
            self._telnet = Telnet()
            self._read_little()
        text, answer = self._telnet.strip(data)
        if answer and not self.peer.backed_up:  # who floods us with questions and doesn't read gets no answers
            self.peer.hear(answer)
        return text

    def _say_unended(self) -> None:
        unended, self._unended = self._unended, b""
        if unended:
            self.peer.say(unended + b"\n")

    def _is_stranger(self, data: bytes) -> bool:
        """Send away who speaks another protocol: any web page can POST to a port, and TLS looks like noise."""
        start = self._unended + data
        if start.startswith(_TLS_HELLO):
            self.peer.end("kicked", "this port speaks plain text, not TLS")
        elif _HTTP.match(start):
            self.peer.speak_lines()
            self.peer.hear(_BAD_REQUEST)
            self.peer.end("kicked")
        return bool(self.peer.gone)


class ChatFactory(ServerFactory):
    """Makes a `ChatProtocol` of each connection, all on one hub."""

    noisy = False

    def __init__(self, hub: Hub, reactor: IReactorTime) -> None:
        self.hub = hub
        self._reactor = reactor

    def buildProtocol(self, addr: IAddress | None) -> ChatProtocol:
        """Twisted calls this for each connection."""
        protocol = ChatProtocol(self.hub, self._reactor)
        protocol.factory = self
        return protocol
