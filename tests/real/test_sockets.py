"""The hub's connections on loopback: TCP, unix sockets and TLS, and the other end in the same process."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from twisted.internet import reactor as installed
from twisted.internet import ssl, task
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    connectProtocol,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from chatterbox.connections.admission import Admission
from chatterbox.core.hub import Hub
from chatterbox.core.modes import MODES
from chatterbox.edges.sockets import TCPTransport, UNIXTransport, send_at_once
from chatterbox.edges.tcp import ChatFactory
from chatterbox.limits import Limits
from chatterbox.wire.reading import TextReader

reactor: Any = installed


class Caller(Protocol):
    """The other end, on a real socket."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.why: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        """Keep what comes."""
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Remember why."""
        self.why = reason

    def says(self, *lines: bytes) -> None:
        """Send lines."""
        self.transport.write(b"".join(line + b"\n" for line in lines))  # type: ignore[union-attr]  # connected


Steps = Generator[Deferred[Any], Any, None]


class RealSockets(TestCase):
    """The same on loopback: TCP, unix sockets and TLS."""

    timeout = 60

    def setUp(self) -> None:
        """Make a hub; its patience is short where a test waits for it."""
        limits = Limits(handshake=0.01, pieces_a_turn=8)
        self.hub = Hub(MODES["pair"], limits)
        self.admission = Admission(self.hub, reactor.callLater, reactor.seconds)
        self.factory = ChatFactory(self.admission, reactor)

    def listen(self, endpoint: Any) -> Deferred[Any]:
        """Open a door of the hub's."""

        def opened(port: Any) -> Any:
            self.addCleanup(self._close, port)
            return send_at_once(port)

        return endpoint.listen(self.factory).addCallback(opened)

    @inlineCallbacks
    def _close(self, port: Any) -> Steps:
        yield port.stopListening()
        self.admission.abort()
        yield self.until(lambda: not self.admission.connections)

    def call(self, endpoint: Any) -> Deferred[Caller]:
        """Connect."""
        return connectProtocol(endpoint, Caller())

    @inlineCallbacks
    def until(self, condition: Callable[[], bool]) -> Steps:
        """Wait until `condition` holds."""
        while not condition():
            yield task.deferLater(reactor, 0.002)

    @inlineCallbacks
    def talk(self, server: Any, client: Callable[[Any], Any], size: int = 3_000_000) -> Steps:
        """Prove that much passes both ways at once, though one end stops reading for a while, and both ends are clean."""
        port = yield self.listen(server)
        a = yield self.call(client(port))
        b = yield self.call(client(port))
        yield self.until(lambda: len(self.hub.rooms.get("lobby", _NOBODY).members) == 2)
        b.transport.pauseProducing()
        block = b"".join(b"%06d" % at + b"x" * 93 + b"\n" for at in range(size // 100))
        a.transport.write(block)
        b.transport.write(block)
        yield self.until(lambda: len(a.heard) >= size)
        b.transport.resumeProducing()
        yield self.until(lambda: len(b.heard) >= size)
        self.assertTrue(a.heard.endswith(block) and b.heard.endswith(block))
        a.says(b"last", b"/quit")
        b.says(b"/quit")
        yield self.until(lambda: a.why is not None and b.why is not None)
        self.assertEqual((a.why.type, b.why.type), (ConnectionDone, ConnectionDone))

    def test_tcp(self) -> Deferred[None]:
        """TCP on loopback."""
        return self.talk(
            TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"),
            lambda port: TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port),
        )

    def test_unix(self) -> Deferred[None]:
        """A unix socket."""
        path = self.mktemp()
        return self.talk(UNIXServerEndpoint(reactor, path), lambda port: UNIXClientEndpoint(reactor, path))

    def test_tls(self) -> Deferred[None]:
        """TLS, which writes to a transport that sends at once."""
        pem = Path(self.mktemp())
        pem.write_bytes(certificate())
        return self.talk(
            serverFromString(reactor, f"ssl:0:interface=127.0.0.1:privateKey={pem}"),
            lambda port: wrapClientTLS(
                ssl.CertificateOptions(verify=False),
                TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port),
            ),
        )

    def tcp(self) -> Deferred[Any]:
        """Open a TCP door; return the way to it."""
        door = self.listen(TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
        return door.addCallback(lambda port: TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port))

    @inlineCallbacks
    def test_last_words_are_not_overtaken(self) -> Steps:
        """Who is hung up on while it sends hears why: its unread input makes no reset that overtakes the words."""
        way = yield self.tcp()
        for _ in range(5):
            a = yield self.call(way)
            a.transport.write(b"x" * 200_000)
            yield self.until(lambda: a.why is not None)  # noqa: B023  # called at once
            self.assertIn(b"-!- closed (flood)", a.heard)

    @inlineCallbacks
    def test_one_connections_error_is_its_own(self) -> Steps:
        """An exception in handling one ends that one, is logged once, and touches nobody else."""
        way = yield self.tcp()
        self.patch(TextReader, "read", _fragile(TextReader.read))
        for boom in (b"boom\n", b"/who\n" * 20 + b"boom\n"):
            bad = yield self.call(way)
            bad.says(b"/join bad")
            a = yield self.call(way)
            b = yield self.call(way)
            yield self.until(lambda: "bad" in self.hub.rooms and len(self.hub.rooms.get("lobby", _NOBODY).members) == 2)
            bad.transport.write(boom)
            yield self.until(lambda: bad.why is not None)  # noqa: B023  # called at once
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            a.says(b"hi")
            yield self.until(lambda: b"hi\n" in b.heard)  # noqa: B023  # called at once
            self.assertNotIn("bad", self.hub.rooms)
            a.says(b"/quit")
            b.says(b"/quit")
            yield self.until(lambda: not self.admission.connections)

    @inlineCallbacks
    def test_a_lost_partner(self) -> Steps:
        """A reset is told as lost, and the one who stays, stays."""
        way = yield self.tcp()
        a = yield self.call(way)
        b = yield self.call(way)
        yield self.until(lambda: b"joined" in a.heard + b.heard)
        b.transport.abortConnection()
        yield self.until(lambda: b"left" in a.heard)
        self.assertTrue(a.heard.endswith(b"-!- your partner left (lost)\n"))

    def test_which_doors(self) -> None:
        """TCP and unix ports get connections that send at once; anything else is left as it is."""
        ports = [
            reactor.listenTCP(0, self.factory, interface="127.0.0.1"),
            reactor.listenUNIX(self.mktemp(), self.factory),
        ]
        for port in ports:
            self.addCleanup(port.stopListening)
        self.assertEqual([send_at_once(port).transport for port in ports], [TCPTransport, UNIXTransport])
        other = object()
        self.assertIs(send_at_once(other), other)


def certificate() -> bytes:
    """Return a key and a certificate for it, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    now = datetime.now(timezone.utc)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(key, SHA256())
    form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    return key.private_bytes(*form) + made.public_bytes(Encoding.PEM)


class _Nobody:
    members = ()


_NOBODY = _Nobody()


def _fragile(read: Callable[[Any, bytes], Any]) -> Callable[[Any, bytes], Any]:
    """Return a way to read that breaks at one word."""

    def fragile(self: Any, block: bytes) -> Any:
        if b"boom" in block:
            yield from read(self, block.partition(b"boom")[0])
            yield bytes([1 // 0])
        yield from read(self, block)

    return fragile
