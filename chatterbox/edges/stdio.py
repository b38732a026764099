"""Stdio is this process's stdin and stdout as one transport, which leaves both as they are and never closes.

Twisted's `StandardIO` makes them non-blocking: that stays with the terminal or the pipe, for every program that shares
it, and a stdout that takes no more never closes. This module does not know what is read and written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.internet.interfaces import IPushProducer, IReadDescriptor
from zope.interface import implementer

from .writer import Writer, own_way

PIECE = 64 * 1024
"""Bytes read at once: a Linux pipe's capacity, and a TCP transport's read."""
HIGH_WATER = 64 * 1024
"""Bytes that wait for stdout at which its producer is paused, as for any transport of Twisted's."""


class Ends(Protocol):
    """What uses it: a Twisted protocol that knows half-closed connections."""

    def makeConnection(self, transport: Any) -> None:
        """Begin."""

    def dataReceived(self, data: bytes) -> None:
        """Bytes have come on stdin."""

    def readConnectionLost(self) -> None:
        """Stdin has ended."""


@implementer(IReadDescriptor)
class Stdio:
    """Stdin and stdout.

    Args:
        protocol: what uses them.
        reactor: what watches stdin.
        missed: returns what is written in place of so many dropped pieces.
        stdin: where to read; it is left as it is.
        stdout: where to write; it is left as it is, too.
    """

    def __init__(
        self,
        protocol: Ends,
        reactor: Any,
        missed: Callable[[int], bytes],
        stdin: int = 0,
        stdout: int = 1,
    ) -> None:
        self._protocol = protocol
        self._reactor = reactor
        self._writer = Writer(stdout, missed, self._is_drained)
        self._producer: IPushProducer | None = None
        self._has_paused = False
        self._stdin = own_way(stdin, os.O_RDONLY)
        self._has_ended = False
        protocol.makeConnection(self)
        reactor.addReader(self)

    # -- stdin -----------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        """Return what the reactor watches."""
        return self._stdin

    def logPrefix(self) -> str:
        """Return a name for the reactor's complaints."""
        return "stdin"

    def doRead(self) -> None:
        """There is something on stdin, or its end; a file is read in pieces, too."""
        try:
            data = os.read(self._stdin, PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._protocol.dataReceived(data)
        else:
            self.connectionLost()

    def connectionLost(self, reason: object = None) -> None:
        """Stdin has ended."""
        self._reactor.removeReader(self)
        if not self._has_ended:
            self._has_ended = True
            self._protocol.readConnectionLost()

    def pauseProducing(self) -> None:
        """Stop reading."""
        self._reactor.removeReader(self)

    def resumeProducing(self) -> None:
        """Go on reading."""
        if not self._has_ended:
            self._reactor.addReader(self)

    # -- stdout ----------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write `data` when stdout takes it; what doesn't fit is dropped and counted."""
        self._writer.write(data)
        if self._producer and not self._has_paused and self._writer.waiting > HIGH_WATER:
            self._has_paused = True
            self._producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Write all of `data`, as if it were one."""
        self.write(b"".join(data))

    def _is_drained(self) -> None:
        if self._producer and self._has_paused:
            self._has_paused = False
            self._producer.resumeProducing()

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """Tell `producer` when to stop writing, and when to go on."""
        self._producer = producer

    def unregisterProducer(self) -> None:
        """Nobody waits for stdout to take more."""
        self._producer = None
        self._has_paused = False
