"""A hub's connections differ from Twisted's in two things: they send at once, and they close gently.

Both are said of the transport, so that TLS, which writes to one, has them too. Which ports get them is `service`'s.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

GENTLE = 0.5
"""Seconds for which a closing connection still reads, so that unread input doesn't make the close a reset."""


class _Prompt:
    """What a socket does when there is something to write, and when it is to end; a mixin for `tcp.Connection`."""

    _gentle: IDelayedCall | None = None
    _has_ended = False

    def write(self: Any, data: bytes) -> None:
        """Send `data` now, as far as the socket takes it, and leave the rest to the reactor.

        Twisted's own `write` waits for the reactor's next turn, which doubles the time a line takes. A failing send
        is left to the reactor, too: it meets the same error and ends the connection at a time of its own, so that
        nobody loses a peer in the middle of a room being told.
        """
        waiting = self._tempDataLen or self.dataBuffer
        if self.connected and not (waiting or self._writeDisconnecting or self.disconnecting):
            sent = self.writeSomeData(data)
            if not isinstance(sent, Exception) and sent:
                if sent == len(data):
                    return
                data = data[sent:]
        super().write(data)  # type: ignore[misc]  # the class that this is mixed into

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

    def connectionLost(self: Any, reason: Failure) -> None:
        """The connection is gone."""
        if self._gentle and self._gentle.active():
            self._gentle.cancel()
        super().connectionLost(reason)  # type: ignore[misc]  # the class that this is mixed into


class TCPTransport(_Prompt, tcp.Server):
    """A TCP connection that was accepted."""


class UNIXTransport(_Prompt, unix.Server):
    """A connection that was accepted on a unix socket."""


def make_prompt(port: Any) -> Any:
    """Let what the listening `port` accepts be of the classes above; other ports are left as they are."""
    if isinstance(port, unix.Port):  # which is a tcp.Port, too
        port.transport = UNIXTransport
    elif isinstance(port, tcp.Port):
        port.transport = TCPTransport
    return port
