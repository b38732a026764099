"""RESP is how Redis is spoken to: one connection, commands that are answered in order, and an end to silence.

The parser is hiredis', Redis' own. This module knows no command and no key: those are `redis`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import hiredis
from twisted.internet import tcp
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from .sockets import has_names, send_now

SILENT = 1.5
"""Seconds without an answer after which a connection is given up."""
UNREAD = 64
"""Answers that nobody waits for until they are read all the same: some hundred bytes each, in the system's buffers."""
_NOTHING: Any = object()


@implementer(IHandshakeListener)
class Resp(Protocol):
    """One connection: what is asked is answered in order, with None if the connection is lost.

    Args:
        reactor: whose time counts.
        when_lost: called once, and told why.
        failed: told an answer that is an error.
    """

    transport: Any

    def __init__(self, reactor: Any, when_lost: Callable[[str], None], failed: Callable[[str], None]) -> None:
        self._reactor = reactor
        self._when_lost = when_lost
        self._failed = failed
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._pending: deque[tuple[Callable[[Any], None], bool]] = deque()
        """Who gets each answer, and whether somebody waits for it."""
        self._awaited = 0
        """Answers for which somebody waits."""
        self._is_reading = True
        self._heard_at = 0.0
        self._watch: Any = None
        self._is_lost = False

    def connectionMade(self) -> None:
        """Send small commands at once."""
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)

    def handshakeCompleted(self) -> None:
        """Refuse a certificate that names no host: Twisted only logs that, and the password would be sent next."""
        if not has_names(self.transport.getPeerCertificate()):
            self._failed("its certificate names no host (subjectAltName)")
            self.abort()

    def ask(self, words: Sequence[str | bytes | int], then: Callable[[Any], None], is_awaited: bool = True) -> None:
        """Send a command; `then` gets the answer: at once, or, unless it `is_awaited`, with a later one.

        Nothing is read while nothing is awaited: each answer that is read costs a turn.
        """
        if self._is_lost:
            self._reactor.callLater(0, then, None)
            return
        if not self._pending:
            self._heard_at = self._reactor.seconds()
        is_awaited = is_awaited or len(self._pending) >= UNREAD
        self._pending.append((then, is_awaited))
        self._awaited += is_awaited
        self._read(self._awaited > 0)
        command: Any = tuple(words)
        self._write(hiredis.pack_command(command))
        if self._watch is None:
            self._watch = self._reactor.callLater(SILENT, self._look)

    def _write(self, data: bytes) -> None:
        """Send `data` now, as far as the socket takes it; TLS has a buffer between."""
        sent = send_now(self.transport, data) if isinstance(self.transport, tcp.Connection) else 0
        if sent < len(data):
            self.transport.write(data[sent:])

    def _read(self, is_reading: bool) -> None:
        if is_reading != self._is_reading and not self._is_lost:
            self._is_reading = is_reading
            (self.transport.resumeProducing if is_reading else self.transport.pauseProducing)()

    def _look(self) -> None:
        """Give up a connection that is silent; what has come while this process was held up is read before."""
        self._read(True)
        self._watch = self._reactor.callLater(0, self._look_again)

    def _look_again(self) -> None:
        self._watch = None
        if not self._pending:
            return
        left = SILENT - (self._reactor.seconds() - self._heard_at)
        if left > 0:
            self._watch = self._reactor.callLater(left, self._look)
        else:
            self._failed("it is silent")
            self.abort()

    def dataReceived(self, data: bytes) -> None:
        """Hand on each answer that is complete."""
        self._heard_at = self._reactor.seconds()
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not _NOTHING and self._pending:
                then, is_awaited = self._pending.popleft()
                self._awaited -= is_awaited
                if isinstance(answer, hiredis.ReplyError):
                    then(None)
                    self._failed(str(answer))
                else:
                    then(answer)
        except hiredis.ProtocolError as fault:
            self._failed(f"this is no Redis: {fault}")
        self._read(self._awaited > 0)

    def abort(self) -> None:
        """End the connection now."""
        if not self._is_lost:
            self.transport.abortConnection()
            self.connectionLost()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nothing that was asked is answered any more."""
        if self._is_lost:
            return
        self._is_lost = True
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        pending, self._pending = self._pending, deque()
        for then, _ in pending:
            then(None)
        self._when_lost(_why(reason))


def _why(reason: Failure) -> str:
    """Return why a connection is lost; OpenSSL says it in a list of its errors, the last word of the last one."""
    if type(reason.value).__name__ == "VerificationError":
        return "its certificate is for another name"
    errors = next(iter(getattr(reason.value, "args", ())), None)
    return str(errors[-1][-1]) if isinstance(errors, list) and errors else str(reason.getErrorMessage())
