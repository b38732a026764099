"""The TCP edge hands what comes over TCP, TLS or a unix socket to a connection, in blocks of whole lines.

It judges the first bytes: who speaks another protocol never comes to a room. It knows Twisted and `Admission`; it does
not know what a line means, or who hears it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

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
from twisted.python.failure import Failure
from zope.interface import implementer

from ..connections.admission import Admission
from ..connections.connection import Connection
from ..connections.entries import Entry
from ..connections.inlet import Inlet
from ..connections.outlet import LinkState
from ..core.events import Address
from ..wire.bare import GAP
from ..wire.blocks import BlockReader
from ..wire.lines import Lines
from .sockets import BULK_READ, READ, address_of, link_state, tcp_socket, tune
from .telnet import IAC, Telnet, speaks_telnet

SMALL_READ = 4096
"""Bytes taken in one turn where each is looked at: a flood of keys or of telnet commands holds nobody up for 1 ms."""
_NEWLINE = 10

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_HTTP = re.compile(rb"(?:[A-Z-]+ \S+ HTTP/1\.[01]|PRI \* HTTP/2\.0)\r?\n")
_LINE_BEGUN = re.compile(rb"[A-Z-]{3,} \S{32}|{")
"""What fingers don't type as a first key: a request whose line is longer than a packet, or a hello."""
_TLS_HELLO = b"\x16\x03"


class Visit(Protocol):
    """A connection that is another edge's: a browser's."""

    connection: Connection

    def receive(self, data: bytes) -> None:
        """Take what came over the link."""

    def finish(self) -> None:
        """Take it that the other end has closed its sending half."""


class Web(Protocol):
    """The edge for browsers."""

    def visited(self, transport: Any, connection: Connection, link_state: Callable[[], LinkState]) -> Visit:
        """Take over a connection that begins as HTTP; `connection` is what it was taken for."""

    def spare_patience(self, host: str) -> float:
        """Return for how many seconds a silent connection from `host` may be one that a browser has opened to spare."""


@implementer(IPushProducer, IHalfCloseableProtocol, IHandshakeListener)
class ChatProtocol(LineReceiver):
    """One connection.

    `LineReceiver.dataReceived` splits the rest of its buffer once per line (256 KiB of newlines take 1.7 s: Twisted
    #6356); this one looks for the last newline of what came, and hands on everything before it as one block.

    As a producer it is that of its own transport: `pauseProducing` says that the other end doesn't take what we
    write. Reading is paused through the transport, by the connection's inlet.
    """

    transport: Any
    delimiter = b"\n"
    connection: Connection
    _has_arrived = False
    _telnet: Telnet | None = None
    _ignored = 0
    """Bytes that came after we hung up."""
    _kept: bytes | bytearray = b""
    """What has come and waits for another turn."""
    _waiting: IDelayedCall | None = None
    _entry: Entry | None = None
    _is_encrypted = False
    _is_taking = False
    """Whether this turn has had its portion of what came."""
    _at_end: Callable[[], None] | None = None
    """What is done when all that came is taken."""
    _is_spare = False
    """Whether it has said nothing in time, and may be a browser's."""
    _inlet: Inlet | None = None
    """What takes whole lines at once, where nearly nothing else comes; None: what comes is looked at."""
    _visit: Visit | None = None
    """What has this connection, once it began as HTTP."""

    def __init__(
        self, admission: Admission, reactor: IReactorTime, web: Web | None = None, end: IAddress | None = None
    ) -> None:
        self._admission = admission
        self._reactor = reactor
        self._web = web
        self._end = end
        """Where the other end is, until that is counted."""
        self._lines = Lines()
        self._take = self._judge
        """What is done with received bytes: the state of this edge."""

    # -- beginning and end -----------------------------------------------------------------------------------

    def accepted(self, transport: Any, is_proxied: bool = False) -> Entry:
        """Count the connection that `transport` carries, before anything is known of who has made it."""
        self._accepted = self._reactor.seconds()
        is_encrypted = ISSLTransport.providedBy(transport)
        address = None if is_proxied else Address(*address_of(self._end or transport.getPeer()))
        self._end = None
        is_ready = not (is_proxied or is_encrypted)
        self._entry = self._admission.accept(address, transport, is_ready, not is_encrypted)
        return self._entry

    def connectionMade(self) -> None:
        """Arrive; through TLS only after its handshake: before that nobody is there."""
        entry = self._entry or self.accepted(self.transport)
        if not getattr(self.transport, "is_tuned", False) and (link := tcp_socket(self.transport)):
            tune(link)
        self._is_encrypted = ISSLTransport.providedBy(self.transport)
        if not self._is_encrypted:
            self._arrive()
        elif not entry.fault:
            patience = self._admission.hub.limits.join_patience
            self._waiting = self._reactor.callLater(patience, self.transport.abortConnection)

    def handshakeCompleted(self) -> None:
        """Arrive: the connection is encrypted now."""
        self._arrive()

    def _arrive(self) -> None:
        self._stop_waiting()
        self._has_arrived = True
        self.transport.registerProducer(self, True)
        waited = self._reactor.seconds() - self._accepted
        address = (self._entry and self._entry.address) or Address(*address_of(self.transport.getPeer()))
        self.connection = self._admission.arrive(self.transport, address, self._link_state, waited, self._entry)
        if self._web and not self.connection.peer.gone:
            self._admission.silences.wait(self.connection, self._settle)

    def _settle(self) -> None:
        """Seat who has said nothing in time; what a browser has opened to spare has no seat until something is said."""
        patience = self._web.spare_patience(self.connection.peer.address.host) if self._web else 0
        if not patience:
            self.connection.settle()
            return
        self._is_spare = True
        self._admission.unseated.pop(self.connection, None)
        text = f"nothing was said for {patience:.0f} s: beside a browser, a silent connection has no seat"
        self.connection.timers.after("silent", patience, partial(self.connection.peer.end, "idle", text))

    def _stop_waiting(self) -> None:
        if self._waiting and self._waiting.active():
            self._waiting.cancel()
        self._waiting = None

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Say what came before a clean end, and leave."""
        self._stop_waiting()
        if not self._has_arrived:
            if self._entry:
                self._entry.leave()
            return
        clean_end = reason.check(error.ConnectionDone) is not None
        if not clean_end:
            self._kept = b""
        self._when_taken(partial(self._leave, clean_end))

    def _leave(self, clean_end: bool) -> None:
        if clean_end:
            self._say_unended()
        self.connection.lost("quit" if clean_end else "lost")

    def readConnectionLost(self) -> None:
        """Take an unterminated last line for a line, and the other end for finished: it has closed its sending half."""
        self._when_taken(self._finish)

    def _finish(self) -> None:
        if self._visit:
            self._visit.finish()
            return
        if self._is_spare and self._take == self._judge and not self._lines.tail:
            self.connection.peer.leave("quit")
            self.connection.close(b"")
            return
        self._say_unended()
        self.connection.finish()
        if tcp_socket(self.transport):
            self.connection.feel_pulse()

    def _when_taken(self, call: Callable[[], None]) -> None:
        """Do the last thing for this connection, behind what came and waits for another turn."""
        if self._kept:
            self._at_end = call
        else:
            call()

    def writeConnectionLost(self) -> None:
        """Do nothing: we have closed our own half."""

    def _link_state(self) -> LinkState:
        """Return what the system knows of the link."""
        return link_state(self.transport)

    # -- as the producer of its own transport ----------------------------------------------------------------

    def pauseProducing(self) -> None:
        """Write no more: the other end doesn't take what is written."""
        self.connection.outlet.pause()

    def resumeProducing(self) -> None:
        """Write again: the other end has taken everything."""
        self.connection.outlet.resume()

    def stopProducing(self) -> None:
        """Do nothing: `connectionLost` says that the connection is gone, too."""

    # -- what comes ------------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Take what came, or as much as a turn is for; TLS hands over many small pieces in one turn."""
        inlet = self._inlet
        if inlet and data[-1] == _NEWLINE and IAC not in data and 0 not in data and not inlet.is_shut:
            inlet.receive(data)
            return
        self._inlet = None
        if self._waiting:
            self._arrive()
        if self.connection.peer.gone:
            self._ignore(data)
        elif self._is_taking:
            self._kept = self._kept or bytearray()
            self._kept += data
            self.connection.inlet.hold("portion")
        else:
            self._take_portion(data)

    def _take_portion(self, data: bytes) -> None:
        """Hand on what came, as the state of this edge has it; little of it where each byte is looked at."""
        is_telnet = not self._visit and (bool(self._telnet) or IAC in data or (0 in data and speaks_telnet(data)))
        if len(data) > SMALL_READ and (is_telnet or self.connection.peer.dialect.by_keys):
            self._kept = bytearray(data[SMALL_READ:]) + self._kept
            data = data[:SMALL_READ]
        if self._kept or self._is_encrypted:
            self._is_taking = True
            self.connection.timers.after("portion", 0, self._take_next)
        self._take(self._without_telnet(data) if is_telnet else data)
        if self._kept and not self.connection.peer.gone:  # not before: the inlet would keep this portion for later
            self.connection.inlet.hold("portion")

    def _take_next(self) -> None:
        """Take the next portion of what has come, and at last its end."""
        self._is_taking = False
        self.connection.inlet.release("portion")
        data, self._kept = bytes(self._kept), b""
        if data and not self.connection.peer.gone:
            self._take_portion(data)
        if self._at_end and not self._kept:
            self._at_end()
            self._at_end = None

    def _judge(self, data: bytes) -> None:
        """Judge the first line: who speaks another protocol is sent away, everybody else is handed on from then on.

        Any web page can POST to a port, and TLS looks like noise.
        """
        start = (self._lines.tail[:2] + data)[:2]
        peer = self.connection.peer
        if start == _TLS_HELLO:
            peer.end("kicked", "this port speaks plain text, not TLS")
        elif _NEWLINE in data and _HTTP.match(self._lines.tail + data):
            self._meet_browser(data)
        elif peer.dialect.by_keys and not self._lines.tail and not _LINE_BEGUN.match(data):
            self._take = self._take_keys
            self._take_keys(data)
        elif _NEWLINE not in data:
            self._wait_for_more(data)
        else:
            self._take_lines(data)
            self._take = self._take_keys if peer.dialect.by_keys else self._take_lines
            if peer.dialect.by_keys and self._lines.tail:  # it was no hello: the keys behind it are typed already
                keys, self._lines = bytes(self._lines.tail), Lines()
                self._take_keys(keys)

    def _meet_browser(self, data: bytes) -> None:
        """Hand the connection on to the edge for browsers; where there is none, send it away."""
        if not self._web:
            self.connection.speak_lines()
            self.connection.peer.hear(_BAD_REQUEST)
            self.connection.peer.leave("kicked")
            self.connection.close(b"")  # a browser wants no notice
            return
        received, self._lines = bytes(self._lines.tail) + data, Lines()
        self._visit = self._web.visited(self.transport, self.connection, self._link_state)
        self.connection = self._visit.connection
        if self._is_taking:  # the timers of what it was taken for are gone
            self.connection.timers.after("portion", 0, self._take_next)
        self._take = self._visit.receive
        self._take(received)

    def _take_lines(self, data: bytes) -> None:
        """Hand on every whole line that came, as one block; mostly nothing else comes."""
        is_whole = data.endswith(b"\n") and not self._lines.tail
        if len(data) == READ and isinstance(self.connection.reader, BlockReader):
            self.transport.bufferSize = BULK_READ
        block = data if is_whole else self._lines.feed(data)
        if not block:
            self._wait_for_more(b"")
            return
        if not self.connection.peer.dialect.framed:
            self.connection.speak_lines()
        if is_whole and not (self._telnet or self._is_encrypted):
            self._inlet = self.connection.inlet
        self.connection.inlet.receive(block)

    def _take_keys(self, data: bytes) -> None:
        """Hand on keys as they come."""
        self.connection.inlet.receive(data)

    def _ignore(self, data: bytes) -> None:
        """Read on from a peer that was hung up on, so that it hears why; but a flood isn't worth anybody's time."""
        self._ignored += len(data)
        if self._ignored > self._admission.hub.limits.flood:
            self.transport.pauseProducing()

    def _wait_for_more(self, data: bytes) -> None:
        """Keep what is no whole line yet; with a bare peer, 50 ms of silence make it one."""
        connection = self.connection
        if not connection.peer.dialect.framed:
            connection.begin()
            connection.timers.when_read("silence", GAP, self._say_unended)
        self._lines.feed(data)
        if len(self._lines.tail) > connection.max_unended:
            connection.peer.end("flood", f"more than {connection.max_unended} bytes without a newline")

    def _without_telnet(self, data: bytes) -> bytes:
        if not self._telnet:
            self._telnet = Telnet()
        text, answer = self._telnet.strip(data)
        if answer and not self.connection.outlet.paused:  # a flood of questions that reads no answers gets none
            self.connection.peer.hear(answer)
        return text

    def _say_unended(self) -> None:
        last = self._lines.last()
        if last:
            self.connection.inlet.receive(last)


class ChatFactory(ServerFactory):
    """Makes a `ChatProtocol` of each connection, all of one hub.

    Args:
        admission: who may come in.
        reactor: whose time counts.
        web: the edge for browsers; None: they are sent away.
    """

    noisy = False

    def __init__(self, admission: Admission, reactor: IReactorTime, web: Web | None = None) -> None:
        self._admission = admission
        self._reactor = reactor
        self._web = web

    def buildProtocol(self, addr: IAddress | None) -> ChatProtocol:
        """Twisted calls this for each connection."""
        protocol = ChatProtocol(self._admission, self._reactor, self._web, addr)
        protocol.factory = self
        return protocol
