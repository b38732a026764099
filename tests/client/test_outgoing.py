"""What goes out to a hub leaves at once, in order, whatever the system takes of it."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.main import CONNECTION_LOST
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.outgoing import send_at_once

BLOCK = b"line\n" * 1_000_000
"""More than two sockets hold."""


class AtOnce(SynchronousTestCase):
    """A connection of which this test is the other end."""

    def setUp(self) -> None:
        """Connect."""
        near, self.far = socket.socketpair()
        for end in (near, self.far):
            end.setblocking(False)
            self.addCleanup(end.close)
        self.reactor = MemoryReactorClock()
        self.transport: Any = Connection(near, Protocol(), self.reactor)
        self.transport.connected = 1

    def read(self, size: int) -> bytes:
        """Return `size` bytes, for which the transport is asked to write on as a reactor would."""
        data = b""
        while len(data) < size:
            try:
                data += self.far.recv(1 << 20)
            except BlockingIOError:
                self.assertIsNone(self.transport.doWrite())
        return data

    def test_nothing_waits(self) -> None:
        """What fits is there before the reactor's next turn, and no turn is asked for."""
        send_at_once(self.transport, b"head\n", b"block\n")
        self.assertEqual((self.far.recv(100), self.reactor.writers), (b"head\nblock\n", set()))

    def test_what_doesnt_fit(self) -> None:
        """The rest is left to the transport, and what is sent next stands behind it."""
        send_at_once(self.transport, b"head\n", BLOCK)
        self.assertEqual(self.reactor.writers, {self.transport})
        send_at_once(self.transport, b"next\n", b"")
        self.assertEqual(self.read(len(BLOCK) + 10), b"head\n" + BLOCK + b"next\n")

    def test_a_fault(self) -> None:
        """A link that is broken is no fault of who sends: the transport meets it in its own turn."""
        self.far.close()
        send_at_once(self.transport, b"head\n", b"")
        self.assertIs(self.transport.doWrite(), CONNECTION_LOST)

    def test_after_the_end(self) -> None:
        """Nothing is sent behind what was to be the last."""
        self.transport.disconnecting = True
        send_at_once(self.transport, b"head\n", b"")
        self.assertRaises(BlockingIOError, self.far.recv, 100)

    def test_other_transports(self) -> None:
        """TLS, say, is written to as ever."""
        transport = StringTransport()
        send_at_once(transport, b"head\n", b"block\n")
        self.assertEqual(transport.value(), b"head\nblock\n")
