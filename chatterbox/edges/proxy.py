"""A proxy says in a header whose connection it passes on (HAProxy's PROXY protocol, versions 1 and 2).

The protocol behind it, of any kind, is connected when the header is there: from then on it has the address of the one
who is served, and all that the transport below tells. What a header says is a stranger's word until it is checked:
`sockets.address_of` does that. This module knows no hub and no peer.
"""

from __future__ import annotations

import re
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Any, NamedTuple, Protocol, runtime_checkable

from twisted.internet import address, protocol
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.python.failure import Failure
from zope.interface import alsoProvides, implementer

_V1 = re.compile(rb"PROXY (?:UNKNOWN[^\r\n]*|TCP[46] (?P<host>\S+) \S+ (?P<port>\d{1,5}) \d{1,5})\r\n")
_LONGEST_V1 = 107
"""Bytes of the longest header of version 1, as its specification counts them."""
_V2 = b"\r\n\r\n\0\r\nQUIT\n"
_LONGEST_V2 = 4096
"""Bytes of a header of version 2 with all that proxies add to the addresses (certificates' names and the like)."""


class Header(NamedTuple):
    """What a whole header says."""

    source: IAddress | None
    """Whose connection it is; None where the proxy speaks for itself, or can't tell."""
    size: int
    """How many bytes it is long."""


def read_header(data: bytes) -> Header | None:
    """Return the header that `data` begins with, or None while its end hasn't come.

    Raises:
        ValueError: it begins with no header.
    """
    if data[:12] == _V2[: len(data)]:
        return _read_version_2(data)
    if data[:6] != b"PROXY "[: len(data)]:
        raise ValueError("no PROXY header")
    if b"\n" not in data[:_LONGEST_V1] and len(data) < _LONGEST_V1:
        return None
    found = _V1.match(data[:_LONGEST_V1])
    if not found:
        raise ValueError("a broken PROXY header")
    return Header(_source(found["host"].decode("latin-1"), int(found["port"])) if found["host"] else None, found.end())


def _read_version_2(data: bytes) -> Header | None:
    if len(data) < 16:
        return None
    command, family, length = struct.unpack("!BBH", data[12:16])
    size = 16 + length
    if command not in (0x20, 0x21) or size > _LONGEST_V2:
        raise ValueError("a broken PROXY header")
    if len(data) < size:
        return None
    source = None
    if command == 0x21 and family == 0x11 and length >= 12:
        source = _source(str(IPv4Address(data[16:20])), *struct.unpack("!H", data[24:26]))
    elif command == 0x21 and family == 0x21 and length >= 36:
        source = _source(str(IPv6Address(data[16:32])), *struct.unpack("!H", data[48:50]))
    elif command == 0x21 and family in (0x11, 0x21):
        raise ValueError("a PROXY header without its addresses")
    return Header(source, size)


def _source(host: str, port: int) -> IAddress:
    kind = address.IPv6Address if ":" in host else address.IPv4Address
    return kind("TCP", host, port)


class Entry(Protocol):
    """One accepted connection, as limits count it."""

    fault: str
    """Why it is refused; an empty string where it isn't."""

    def leave(self) -> None:
        """Take it that the connection is closed."""


@runtime_checkable
class Counted(Protocol):
    """A protocol whose connections are counted when they are accepted."""

    def accepted(self, transport: Any, is_proxied: bool) -> Entry:
        """Count the connection that `transport` carries; its header will tell whose it is."""


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class ProxiedProtocol(protocol.Protocol):
    """Takes the header off one connection; it is the transport of the protocol behind it.

    Args:
        behind: what is connected when the header is there.
        reactor: whose time counts.
        patience: seconds from accept in which the header must have come.
    """

    transport: Any

    def __init__(self, behind: IProtocol, reactor: IReactorTime, patience: float) -> None:
        self._behind = behind
        self._reactor = reactor
        self._patience = patience
        self._begun = b""
        """A header whose end hasn't come yet."""
        self._source: IAddress | None = None
        self._is_ready = False
        self._waiting: IDelayedCall | None = None
        self._entry: Entry | None = None

    def __getattr__(self, name: str) -> Any:
        """To the protocol behind, this is the transport below, but for the address."""
        return getattr(self.transport, name)

    def getPeer(self) -> IAddress:
        """Return whose connection it is."""
        return self._source or self.transport.getPeer()

    def connectionMade(self) -> None:
        """The proxy has connected; its header has a time limit. A refused one is told why, or is aborted already."""
        if isinstance(self._behind, Counted):
            self._entry = self._behind.accepted(self.transport, is_proxied=True)
        if self._entry and self._entry.fault:
            if not ISSLTransport.providedBy(self.transport):
                self._be_ready(Header(None, 0))
            return
        self._waiting = self._reactor.callLater(self._patience, self.transport.abortConnection)

    def dataReceived(self, data: bytes) -> None:
        """Bytes have come; the first ones are the header."""
        if self._is_ready:
            self._behind.dataReceived(data)
            return
        self._begun += data
        try:
            header = read_header(self._begun)
        except ValueError:
            self._stop_waiting()
            self.transport.abortConnection()
            return
        if header:
            self._be_ready(header)

    def _be_ready(self, header: Header) -> None:
        self._stop_waiting()
        self._is_ready = True
        self._source = header.source
        rest, self._begun = self._begun[header.size :], b""
        if ISSLTransport.providedBy(self.transport):
            alsoProvides(self, ISSLTransport)
        self._behind.makeConnection(self)  # type: ignore[arg-type]  # by way of __getattr__
        if ISSLTransport.providedBy(self) and IHandshakeListener.providedBy(self._behind):
            self._behind.handshakeCompleted()  # long ago: the header came behind it
        if rest:
            self._behind.dataReceived(rest)

    def _stop_waiting(self) -> None:
        if self._waiting and self._waiting.active():
            self._waiting.cancel()

    def handshakeCompleted(self) -> None:
        """The connection below is encrypted; the protocol behind is connected later, and needn't wait for that."""

    def readConnectionLost(self) -> None:
        """The other end has closed its sending half."""
        if not self._is_ready:
            self.transport.loseConnection()
        elif IHalfCloseableProtocol.providedBy(self._behind):
            self._behind.readConnectionLost()
        else:
            self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        """Our half is closed."""
        if self._is_ready and IHalfCloseableProtocol.providedBy(self._behind):
            self._behind.writeConnectionLost()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self._stop_waiting()
        if self._is_ready:
            self._behind.connectionLost(reason)
        elif self._entry:
            self._entry.leave()


class ProxiedFactory(ServerFactory):
    """Makes a `ProxiedProtocol` of each connection, around what another factory makes.

    Args:
        behind: the other factory.
        reactor: whose time counts.
        patience: seconds from accept in which a header must have come.
    """

    noisy = False

    def __init__(self, behind: IProtocolFactory, reactor: IReactorTime, patience: float) -> None:
        self._behind = behind
        self._reactor = reactor
        self._patience = patience

    def buildProtocol(self, addr: IAddress | None) -> ProxiedProtocol | None:
        """Twisted calls this for each connection."""
        behind = self._behind.buildProtocol(addr)  # type: ignore[arg-type]  # both may be None: a test's address
        if behind is None:
            return None
        proxied = ProxiedProtocol(behind, self._reactor, self._patience)
        proxied.factory = self
        return proxied
