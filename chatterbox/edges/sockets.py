"""A socket is what the system knows of a connection; all that the hub asks of the system about one is asked here.

A connection that was accepted differs from Twisted's in two things: it sends at once, and it closes gently. Both are
done in the transport, so that TLS, which writes to a transport, has them too. This module knows no hub and no peer.
"""

from __future__ import annotations

import re
import socket
import struct
import sys
from collections.abc import Iterable
from fcntl import ioctl
from functools import lru_cache, partial
from ipaddress import IPv6Address, ip_address
from termios import TIOCOUTQ
from typing import Any, cast

from twisted.internet import address, tcp, unix
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.python import log
from twisted.python.failure import Failure

from ..connections.outlet import LinkState

GENTLE = 0.5
"""Seconds for which a closing connection still reads, so that unread input doesn't make the close a reset."""
KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 60_000}
"""Seconds and a count, for plain peers can't answer a ping, so the system finds the dead ones. The last: milliseconds,
after which bytes that aren't acknowledged mean that the link is lost."""
ACCEPTS_A_TURN = 16
"""Connections accepted in one turn, some 0.1 ms each; Twisted takes 100, and 20 more each time that there are more."""
READ = tcp.Connection.bufferSize
"""Bytes read at once."""
BULK_READ = 128 * 1024
"""The same from who sends blocks that are larger: as many as are looked at in one turn."""
_TCP_CLOSE = 7
"""The state of a connection that the system has given up, in Linux's `struct tcp_info`."""
_COUNT = struct.Struct("=i")
"""How `TIOCOUTQ` tells a number of bytes."""
_ZONE = re.compile(r"[A-Za-z0-9_.-]{1,15}")
"""The name of a network interface behind a link-local address (Linux: 15 characters)."""


class AtOnce:
    """What a socket does when there is something to write, and when it is to end; a mixin for `tcp.Connection`."""

    _gentle: IDelayedCall | None = None
    _has_ended = False
    _last_state: LinkState | None = None

    def write(self: Any, data: bytes) -> None:
        """Send `data` now, as far as the socket takes it, and leave the rest to the reactor."""
        sent = send_now(self, data)
        if sent < len(data):
            super().write(data[sent:])  # type: ignore[misc]  # the class that this is mixed into

    def writeSequence(self: Any, data: Iterable[bytes]) -> None:
        """Send all of `data` now, as far as the socket takes it, in one call."""
        parts = tuple(data)
        sent = send_now(self, *parts)
        if sent < sum(map(len, parts)):
            super().write(b"".join(parts)[sent:])  # type: ignore[misc]  # the class that this is mixed into

    def loseConnection(self: Any, *args: Any) -> None:
        """Close our half when all is sent, read on for a moment, then close.

        A socket that is closed with unread input sends a reset, and that may overtake our last words.
        """
        if self._has_ended or self.disconnecting or not self.connected:
            super().loseConnection(*args)  # type: ignore[misc]  # the class that this is mixed into
        elif not self._gentle:
            self.loseWriteConnection()
            self._gentle = self.reactor.callLater(GENTLE, self._close)

    def _close(self: Any) -> None:
        super().loseConnection()  # type: ignore[misc]  # the class that this is mixed into

    def readConnectionLost(self: Any, reason: Failure) -> None:
        """The other end has closed its half."""
        self._has_ended = True
        if self._gentle:
            self._close()
        else:
            super().readConnectionLost(reason)  # type: ignore[misc]  # the class that this is mixed into

    def link_state(self: Any) -> LinkState:
        """Ask the system; when the socket is closed, return what it knew last."""
        if self._last_state:
            return cast(LinkState, self._last_state)
        waits = len(self.dataBuffer) - self.offset + self._tempDataLen
        try:
            if isinstance(self, unix.Server):  # it tells how much memory its bytes take, and not how many
                return LinkState(waits)
            return LinkState(waits + _outgoing(self.socket), _state(self.socket) == _TCP_CLOSE)
        except (AttributeError, OSError, ValueError):
            return LinkState(waits)

    def connectionLost(self: Any, reason: Failure) -> None:
        """The connection is gone; Twisted closes the socket before it says so."""
        self._last_state = self.link_state()
        if self._gentle and self._gentle.active():
            self._gentle.cancel()
        super().connectionLost(reason)  # type: ignore[misc]  # the class that this is mixed into


def send_now(connection: Any, *parts: bytes) -> int:
    """Send of `parts` what the socket of a Twisted `connection` takes now; return how many bytes that were.

    Twisted's own `write` waits for the reactor's next turn, which doubles the time a line takes. A failing send is left
    to the reactor, too: it meets the same error and ends the connection at a time of its own, so that nobody loses a
    peer in the middle of a room being told.
    """
    waiting = connection._tempDataLen or connection.dataBuffer
    if waiting or not connection.connected or connection._writeDisconnecting or connection.disconnecting:
        return 0
    try:
        sent: int = connection.socket.send(*parts) if len(parts) == 1 else connection.socket.sendmsg(parts)
    except OSError:
        return 0
    return sent


class TCPTransport(AtOnce, tcp.Server):
    """A TCP connection that was accepted, at a port that is tuned."""

    is_tuned = sys.platform == "linux"
    """Whether it has what was set for its port, so that nobody need ask."""

    def __init__(
        self, sock: socket.socket, protocol: Any, client: Any, server: Any, sessionno: int, reactor: Any
    ) -> None:
        """Do what Twisted does, but for the two texts that it names a connection by when it complains of one."""
        tcp.Connection.__init__(self, sock, protocol, reactor)
        if len(client) == 4:
            self._addressType = address.IPv6Address
        self.server, self.client, self.sessionno, self.hostname = server, client, sessionno, client[0]
        self.startReading()
        self.connected = 1

    def doRead(self) -> Any:
        """Hand on what has come, as Twisted does; return why the connection is lost."""
        try:
            data = self.socket.recv(self.bufferSize)
        except BlockingIOError:
            return None
        except OSError:
            return CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        self.protocol.dataReceived(data)
        return None

    def logPrefix(self) -> str:
        """Return what Twisted names it by in a log."""
        return f"{self._getLogPrefix(self.protocol)},{self.sessionno},{self.hostname}"

    def __repr__(self) -> str:
        """Return the same as a word of its own."""
        return f"<{self.logPrefix()}>"


class UNIXTransport(AtOnce, unix.Server):
    """A connection that was accepted on a unix socket."""


def send_at_once(port: Any) -> Any:
    """Let what the listening `port` accepts be of the classes above, a few in one turn; others stay as they are."""
    if isinstance(port, unix.Port):  # which is a tcp.Port, too
        port.transport = UNIXTransport
    elif isinstance(port, tcp.Port):
        port.transport = TCPTransport
        tune(port.socket)
    if isinstance(port, tcp.Port):
        is_known = hasattr(port.socket, "_accept")  # a part of Python's own `accept`
        accept = _accept_some if is_known and not isinstance(port, unix.Port) else _accept_as_ever
        port.doRead = partial(accept, port)  # type: ignore[method-assign]  # its class is Twisted's to choose
    return port


def _accept_as_ever(port: Any) -> None:
    """Accept what waits at `port`, as far as this turn goes, as Twisted does."""
    port.numberAccepts = min(port.numberAccepts, ACCEPTS_A_TURN)
    type(port).doRead(port)


def _accept_some(port: Any) -> None:
    """Accept what waits at the TCP `port`, as far as this turn goes; what can't be accepted is left to Twisted.

    Twisted lets the system write out each IPv6 address, which takes a twentieth of a connection's time; the system has
    done so already, and only the zone of a link-local one is missing. Python's own `accept` makes the port's family and
    kind two members of enumerations for each connection: as much again.
    """
    family = port.addressFamily
    for _ in range(ACCEPTS_A_TURN):
        try:
            fd, end = port.socket._accept()
        except BlockingIOError:
            return
        except OSError:  # too many open files, say: Twisted meets the same, and knows what to do
            _accept_as_ever(port)
            return
        link = socket.socket(family, socket.SOCK_STREAM, 0, fd)
        if len(end) == 4 and end[3]:
            end = socket.getnameinfo(end, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0], *end[1:]
        kind = address.IPv6Address if len(end) == 4 else address.IPv4Address
        try:
            protocol = port.factory.buildProtocol(kind("TCP", *end))
            if protocol is None:
                link.close()
                continue
            protocol.makeConnection(port.transport(link, protocol, end, port, port.sessionno, port.reactor))
            port.sessionno += 1
        except Exception:
            log.err()  # that of one connection is no reason to accept no others


def tcp_socket(transport: Any) -> socket.socket | None:
    """Return the TCP socket below `transport`, through TLS and a proxy's wrapper, where there is one."""
    while (below := getattr(transport, "transport", None)) is not None:
        transport = below
    handle = transport.getHandle() if hasattr(transport, "getHandle") else None
    is_tcp = isinstance(handle, socket.socket) and not isinstance(transport, unix.Server)
    return handle if is_tcp else None


def tune(connection: socket.socket) -> None:
    """Let a TCP connection send small lines at once, and let the system find dead peers.

    What is set for a port is handed down to what it accepts, by most systems; six calls for each connection would be a
    tenth of its time.
    """
    if connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY):
        return
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE.items():
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def link_state(transport: Any) -> LinkState:
    """Return what the system knows of the connection below `transport`, through TLS and a proxy's wrapper.

    What TLS adds to each record counts as unacknowledged, so nothing counts as arrived that hasn't.
    """
    while (below := getattr(transport, "transport", None)) is not None:
        transport = below
    ask = getattr(transport, "link_state", None)
    return ask() if ask else LinkState()


def _outgoing(connection: socket.socket) -> int:
    """Return the bytes that the system holds for the other machine: not sent, or not acknowledged."""
    return int(_COUNT.unpack(ioctl(connection.fileno(), TIOCOUTQ, bytes(_COUNT.size)))[0])


def _state(connection: socket.socket) -> int:
    """Return the state of a TCP connection, where the system tells (Linux); else 0."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def has_names(certificate: Any) -> bool:
    """Return whether a certificate names hosts in a way that can be checked (RFC 9525: its `subjectAltName`)."""
    from service_identity.exceptions import CertificateError
    from service_identity.pyopenssl import extract_patterns

    try:
        return bool(extract_patterns(certificate))
    except CertificateError:
        return False


def address_of(end: IAddress) -> tuple[str, int]:
    """Return host and port of the other end; ("", 0) where it has none, as on a unix socket.

    An IPv4 address stays one where a socket for both families took it (`::ffff:192.0.2.1`). What is no address goes no
    further, since a proxy's header may say anything: such a host is called `unknown`, and such a port 0.
    """
    host = getattr(end, "host", "")
    return (_host(host), end.port if 0 < end.port < 65536 else 0) if host else ("", 0)  # type: ignore[attr-defined]


@lru_cache(1024)  # a burst comes from few
def _host(host: str) -> str:
    base, _, zone = host.partition("%")
    try:
        address = ip_address(base)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return f"{address}%{zone}" if _ZONE.fullmatch(zone) else str(address)
