"""A port is where the hub listens; an operator names it by a number or by a Twisted endpoint string.

It is opened here, also in two ways that Twisted's endpoints lack: a number is both address families at once, and a unix
socket that a dead hub left behind is taken away. This module knows sockets and no hub.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError, VerifyError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint

from ..wire.places import written
from .proxy import ProxiedFactory
from .sockets import send_at_once

Opener = Callable[[IProtocolFactory], "Deferred[list[IListeningPort]]"]
"""Listens, for a factory of protocols; the ports are there later, or at once."""

BACKLOG = 1024
"""Connections the system keeps for us until we accept them; with Twisted's 50 some of 500 at once wait a second."""
LONGEST_PATH = 107
"""Bytes of a unix socket's path that Linux takes (`sun_path`, and a NUL)."""
TRIES = 8
"""Free ports tried until one is free in both address families."""
_NO_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT, errno.ENOPROTOOPT)
"""What a machine without an address family answers."""


def opener(reactor: Any, typed: str, is_local: bool, patience: float) -> Opener:
    """Return what opens the ports that `typed` names.

    Args:
        reactor: what listens.
        typed: a number, or an endpoint string; `haproxy:` may stand before either.
        is_local: whether a number means this machine only.
        patience: seconds in which a proxy's header must have come.

    Raises:
        ValueError: `typed` names nothing, for a reason in plain words.
        ImportError: it needs a library that isn't there.
    """
    text = typed.removeprefix("haproxy:")
    if text.isdigit():
        opens: Opener = _Number(reactor, int(text), is_local)
    else:
        opens = _Endpoint(_endpoint(reactor, text), _unix_path(text))
    if text is typed:
        return opens
    return lambda factory: opens(ProxiedFactory(factory, reactor, patience))


class Place(NamedTuple):
    """Where a hub listens."""

    typed: str
    """What the operator named it by."""
    host: str
    """`*` for both address families; the path of a unix socket."""
    port: int
    """0 for a unix socket."""

    @property
    def written(self) -> str:
        """How people write it."""
        return written(self.host, self.port) if self.port else self.host

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is spoken there."""
        return bool(re.match("(haproxy:)?(ssl|tls):", self.typed))

    @property
    def is_open(self) -> bool:
        """Whether other machines can reach it."""
        return bool(self.port) and not self.host.startswith(("127.", "::1"))

    @property
    def joined_by(self) -> str:
        """What one joins with on this machine, behind the word `chatterbox`."""
        if not self.port:
            return f"unix:{self.host}"
        host = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"tls:HOST:{self.port}" if self.is_encrypted else written(host, self.port)


def ready(places: list[Place], join: str) -> str:
    """Return what a person who has started a hub wants to read: how to join it, and who can.

    Args:
        places: where the hub listens.
        join: what is typed before a place to join there, with the space behind it where one is needed.
    """
    first = places[0]
    lines = [f"Ready. To join from this machine: {join}{first.joined_by}"]
    if first.is_encrypted:
        lines.append("HOST is the name in the hub's certificate.")
    if opened := [place for place in places if place.is_open]:
        prefix, manner = ("tls:", "encrypted") if opened[0].is_encrypted else ("", "text travels in clear")
        lines.append(f"Other machines can join, too: {join}{prefix}HOST:{opened[0].port} ({manner})")
    else:
        lines.append("Other machines can't join.")
    return "".join(f"{line}\n" for line in lines)


def place_of(port: IListeningPort) -> tuple[str, int]:
    """Return host and port where `port` listens: `*` for both address families, or the path of a unix socket and 0."""
    host: Any = port.getHost()
    if not hasattr(host, "host"):
        return os.fsdecode(host.name or b""), 0
    sock = getattr(port, "socket", None)
    return "*" if host.host == "::" and sock and _takes_both(sock) else host.host, host.port


def _takes_both(sock: socket.socket) -> bool:
    return not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


class _Number:
    """Opens a port number: for everybody, or for this machine only; in both address families, where there are two."""

    def __init__(self, reactor: Any, number: int, is_local: bool) -> None:
        self._reactor = reactor
        self._number = number
        self._is_local = is_local

    def __call__(self, factory: IProtocolFactory) -> Deferred[list[IListeningPort]]:
        return maybeDeferred(self._open, factory)

    def _open(self, factory: IProtocolFactory) -> list[IListeningPort]:
        sockets = _local_sockets(self._number) if self._is_local else [_dual_socket(self._number)]
        ports = [self._reactor.adoptStreamPort(sock.fileno(), sock.family, factory) for sock in sockets]
        for sock in sockets:
            sock.close()  # the reactor has a copy
        return [send_at_once(port) for port in ports]


def _dual_socket(number: int) -> socket.socket:
    """Return a socket that listens for IPv6 and IPv4, or for IPv4 where there is no IPv6."""
    with suppress(_NoFamily):
        return _listening(socket.AF_INET6, "::", number, v6_only=False)
    return _listening(socket.AF_INET, "", number)


def _local_sockets(number: int) -> list[socket.socket]:
    """Return sockets that listen at 127.0.0.1 and ::1, both at one port, or at the one that this machine has."""
    for tries_left in range(TRIES, 0, -1):
        sockets: list[socket.socket] = []
        try:
            with suppress(_NoFamily):
                sockets.append(_listening(socket.AF_INET, "127.0.0.1", number))
            taken = sockets[0].getsockname()[1] if sockets else number
            with suppress(_NoFamily):
                sockets.append(_listening(socket.AF_INET6, "::1", taken))
            if not sockets:
                raise CannotListenError("127.0.0.1", number, OSError(errno.EADDRNOTAVAIL, "no loopback address"))
            return sockets
        except CannotListenError:
            for sock in sockets:
                sock.close()
            if number or not sockets or tries_left == 1:
                raise
    raise AssertionError  # the last try returns or raises


class _NoFamily(Exception):
    """This machine has no such address family."""


def _listening(family: int, host: str, number: int, v6_only: bool = True) -> socket.socket:
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as fault:
        raise _NoFamily from fault
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6_only)
        sock.bind((host, number))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as fault:
        sock.close()
        if fault.errno in _NO_FAMILY:
            raise _NoFamily from fault
        raise CannotListenError(host if v6_only else "", number, fault) from None
    return sock


class _Endpoint:
    """Opens a Twisted endpoint; `path` is that of its unix socket, if it is one."""

    def __init__(self, endpoint: IStreamServerEndpoint, path: str) -> None:
        self._endpoint = endpoint
        self._path = path

    def __call__(self, factory: IProtocolFactory) -> Deferred[list[IListeningPort]]:
        listening: Deferred[Any] = maybeDeferred(self._listen, factory)
        return listening.addCallback(lambda port: [send_at_once(port)])

    def _listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        with _no_other_starts(self._path):
            if self._path:
                _take_away_leftover(self._path)
            return self._endpoint.listen(factory)


@contextmanager
def _no_other_starts(path: str) -> Iterator[None]:
    """Keep other hubs from starting on a socket in the same folder meanwhile; a hub that dies keeps nobody from it."""
    if not path:
        yield
        return
    folder = None
    with suppress(OSError):
        folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if folder is not None:
            os.close(folder)


def _take_away_leftover(path: str) -> None:
    """Remove the unix socket at `path` if nobody listens there any more.

    Raises:
        CannotListenError: somebody does, or it is no socket, or it has no place there.
    """
    if len(os.fsencode(path)) > LONGEST_PATH:
        reason = f"its path has {len(os.fsencode(path))} bytes, and the system takes {LONGEST_PATH}"
        raise CannotListenError(None, path, OSError(errno.ENAMETOOLONG, reason))
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as fault:
        raise CannotListenError(None, path, fault) from None
    if not stat.S_ISSOCK(kind):
        raise CannotListenError(None, path, OSError(errno.EEXIST, "something else has that name"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:  # whoever listens hears nothing of it
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except OSError as fault:
            if fault.errno != errno.EPROTOTYPE:
                raise CannotListenError(None, path, fault) from None
    raise CannotListenError(None, path, OSError(errno.EADDRINUSE, "somebody listens there"))


# -- words -----------------------------------------------------------------------------------------------------------


def _unix_path(text: str) -> str:
    """Return the path in `unix:PATH` or `unix:address=PATH`, or an empty string for any other endpoint."""
    found = re.match(r"unix:(?:address=)?((?:[^:\\]|\\.)+)", text)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def _endpoint(reactor: Any, text: str) -> IStreamServerEndpoint:
    """Return the endpoint that `text` names, with what a hub wants and Twisted doesn't say by itself."""
    kind, _, rest = text.partition(":")
    if kind == "tls" and not os.path.isdir(rest.split(":")[0]):
        raise ValueError("tls: is what people join with; a hub says ssl:PORT:privateKey=KEY.pem:certKey=CERT.pem")
    if not kind or not rest:
        raise ValueError(f"{kind or 'haproxy'}: needs more words, such as tcp:5000 or unix:chat.sock")
    if kind == "unix":
        text += ("" if ":mode=" in text else ":mode=600") + ("" if ":lockfile=" in text else ":lockfile=0")
    elif kind in ("tcp", "tcp6", "ssl", "tls") and ":backlog=" not in text:
        text += f":backlog={BACKLOG}"
    if kind == "ssl" and ":interface=" not in text and _has_ipv6():
        text += r":interface=\:\:"
    port = re.match(r"(?:tcp6?|ssl):(?:port=)?([^:]*)", text)
    if port and not (port[1].isdigit() and int(port[1]) < 65536):
        raise ValueError(f"{port[1] or 'nothing'} is no port number from 0 to 65535")
    try:
        return serverFromString(reactor, text)
    except ImportError:
        raise
    except Exception as fault:
        raise ValueError(reason_of(fault)) from None


def _has_ipv6() -> bool:
    """Return whether this machine can listen for IPv6; a socket that does takes IPv4, too."""
    try:
        _listening(socket.AF_INET6, "::", 0, v6_only=False).close()
    except (_NoFamily, CannotListenError):
        return False
    return True


def reason_of(fault: BaseException) -> str:
    """Return why something failed, in words for people who don't know Python."""
    if isinstance(fault, CannotListenError):
        return reason_of(fault.socketError)
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror + (f": {os.fsdecode(fault.filename)}" if fault.filename else "")
    text = str(fault)
    unknown = re.search(r"unexpected keyword argument '(\w+)'", text)
    if unknown:
        return f"{unknown[1]}= is not known there"
    missing = re.search(r"missing \d+ required .*: '(\w+)'", text)
    if missing:
        return f"{missing[1]}= is missing"
    if isinstance(fault, VerifyError) or type(fault).__module__.startswith("OpenSSL"):
        return "the key and the certificate can't be used together, or are no PEM files"
    if isinstance(fault, LookupError):
        return "the system has handed over no such socket"
    return text if isinstance(fault, (ValueError, CannotListenError)) and "()" not in text else "it can't be understood"


def place_in(fault: CannotListenError) -> str:
    """Return where it couldn't be listened, as people write it."""
    if isinstance(fault.port, int):
        return written(fault.interface or "*", fault.port)
    return os.fsdecode(fault.port or "")
