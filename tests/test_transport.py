"""Connections send at once and close gently: with sockets that a test moves, and with real ones on loopback."""

from __future__ import annotations

import errno
import socket
from collections import deque
from collections.abc import Callable, Generator
from datetime import datetime, timedelta, timezone
from itertools import product
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
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chatterbox.hub import Hub
from chatterbox.limits import Limits
from chatterbox.modes import MODES
from chatterbox.protocol import ChatFactory
from chatterbox.transport import GENTLE, TCPTransport, UNIXTransport, make_prompt

reactor: Any = installed


class Turns(MemoryReactorClock):
    """A reactor that goes round when it is told to."""

    def turn(self) -> None:
        """Let everything that may write or read do so once, as the real one would."""
        self.advance(0)
        for writer in tuple(self.writers):
            self._end(writer, writer.doWrite(), False)
        for reader in tuple(self.readers):
            self._end(reader, reader.doRead(), True)

    def _end(self, transport: Any, why: Exception | None, is_read: bool) -> None:
        if why is None:
            return
        self.removeReader(transport)
        if is_read and isinstance(why, ConnectionDone):
            transport.readConnectionLost(Failure(why))
        else:
            self.removeWriter(transport)
            transport.connectionLost(Failure(why))


class FakeSocket:
    """A socket that takes `room` bytes, then no more; with a `fault` it raises."""

    def __init__(self, room: int = 1 << 30) -> None:
        self.room = room
        self.fault = 0
        self.sent = bytearray()
        self.incoming: deque[bytes] = deque()
        self.calls: list[str] = []

    def send(self, data: bytes) -> int:
        """Take some of `data`, as a non-blocking socket does."""
        if self.fault:
            raise OSError(self.fault, "for a test")
        if not self.room:
            raise OSError(errno.EWOULDBLOCK, "full")
        taken = min(self.room, len(data))
        self.room -= taken
        self.sent += bytes(data[:taken])
        return taken

    def recv(self, size: int) -> bytes:
        """Return what has come; an empty string is a FIN."""
        if self.fault:
            raise OSError(self.fault, "for a test")
        if not self.incoming:
            raise OSError(errno.EWOULDBLOCK, "nothing")
        return self.incoming.popleft()

    def shutdown(self, how: int) -> None:
        """Note it."""
        self.calls.append("fin" if how == socket.SHUT_WR else "shutdown")

    def close(self) -> None:
        """Note it."""
        self.calls.append("close")

    def fileno(self) -> int:
        """Return a number."""
        return 99

    def setblocking(self, flag: bool) -> None:
        """Never block."""

    def setsockopt(self, level: int, option: int, value: object) -> None:
        """Note a reset."""
        if option == socket.SO_LINGER:
            self.calls.append("reset")

    def getsockopt(self, level: int, option: int, size: int) -> bytes:
        """Know nothing."""
        return b""


class Line:
    """One peer of a hub on a reactor that a test turns, over a socket that a test moves."""

    def __init__(self, reactor: Turns, hub: Hub) -> None:
        self.socket = FakeSocket()
        self.protocol = ChatFactory(hub, reactor).buildProtocol(None)
        sock: Any = self.socket
        port: Any = None
        self.transport = TCPTransport(sock, self.protocol, ("127.0.0.1", 5), port, 0, reactor)
        self.protocol.makeConnection(self.transport)
        reactor.turn()

    @property
    def heard(self) -> bytes:
        """What the other end was sent."""
        return bytes(self.socket.sent)


class EagerWrites(SynchronousTestCase):
    """What is written is sent at once, as far as the socket takes it, and the rest by the reactor, in order."""

    def setUp(self) -> None:
        """Seat three in a room without labels."""
        self.reactor = Turns()
        self.hub = Hub(self.reactor.callLater, self.reactor.seconds, MODES["ports"], Limits())
        self.a, self.b, self.c = (Line(self.reactor, self.hub) for _ in range(3))
        self.reactor.advance(1)

    def says(self, *lines: bytes) -> None:
        """Let a say `lines`."""
        self.a.protocol.dataReceived(b"".join(line + b"\n" for line in lines))

    def test_at_once(self) -> None:
        """Before the reactor has its turn, and without asking it for one."""
        self.says(b"hi")
        self.assertEqual((self.b.heard, self.c.heard), (b"5: hi\n", b"5: hi\n"))
        self.assertEqual(self.reactor.getWriters(), [])

    def test_partial_sends(self) -> None:
        """What the socket didn't take leaves with the reactor's turns, before anything that is written later."""
        self.b.socket.room = 3
        self.says(b"one")
        self.says(b"two")
        self.assertEqual(self.b.heard, b"5: ")
        for room in (1, 5, 100):
            self.b.socket.room = room
            self.reactor.turn()
        self.assertEqual(self.b.heard, b"5: one\n5: two\n")
        self.assertEqual(self.reactor.getWriters(), [])
        self.says(b"three")
        self.assertEqual(self.b.heard, b"5: one\n5: two\n5: three\n")

    def test_a_full_socket(self) -> None:
        """EAGAIN is no error: all is sent later."""
        self.b.socket.room = 0
        self.says(b"one")
        self.says(b"two")
        self.reactor.turn()
        self.assertEqual((self.b.heard, self.c.heard), (b"", b"5: one\n5: two\n"))
        self.b.socket.room = 100
        self.reactor.turn()
        self.assertEqual(self.b.heard, b"5: one\n5: two\n")

    def test_a_reset_inside_a_write(self) -> None:
        """Ends that peer at a turn of the reactor's, once, and not in the middle of a room being told."""
        self.b.socket.fault = errno.ECONNRESET
        self.says(b"one", b"/who", b"two")
        self.assertEqual(self.c.heard, b"5: one\n5: two\n")
        self.assertIn(self.b.protocol.peer, self.hub.peers)
        self.reactor.turn()
        self.reactor.turn()
        self.assertNotIn(self.b.protocol.peer, self.hub.peers)
        self.assertEqual(self.b.socket.calls, ["shutdown", "close"])
        self.says(b"three")
        self.assertEqual(self.c.heard, b"5: one\n5: two\n5: three\n")

    def test_a_write_that_ends_a_peer_while_a_room_is_told(self) -> None:
        """Who is let go as too slow in the middle of a broadcast costs the others no line and no order."""
        self.b.socket.room = 0
        for at in range(120):
            self.says(b"%03d" % at * 1000)
        self.assertEqual(self.b.protocol.peer.gone, "slow")
        heard = self.c.heard.split(b"\n")[:-1]
        self.assertEqual([line[3:6] for line in heard], [b"%03d" % at for at in range(120)])

    def test_back_pressure(self) -> None:
        """A transport with too much pauses its producer, and asks for more when all is sent."""
        self.b.socket.room = 0
        peer = self.b.protocol.peer
        self.says(*[b"x" * 4000] * 15)
        self.assertFalse(peer.outlet.paused)
        self.says(*[b"x" * 4000] * 2)
        self.assertTrue(peer.outlet.paused)
        self.b.socket.room = 1 << 20
        self.reactor.turn()
        self.assertFalse(peer.outlet.paused)

    def test_writing_to_who_is_gone(self) -> None:
        """Neither raises nor sends."""
        transport = self.b.transport
        self.b.protocol.peer.end("quit")
        transport.write(b"late")
        self.reactor.advance(1)
        self.reactor.turn()
        transport.write(b"later")
        transport.loseConnection()
        self.assertNotIn(b"later", self.b.heard)


class GentleEnds(SynchronousTestCase):
    """A closing connection sends all, reads on for a moment, and then closes."""

    def setUp(self) -> None:
        """Seat a pair."""
        self.reactor = Turns()
        self.hub = Hub(self.reactor.callLater, self.reactor.seconds, MODES["pair"], Limits())
        self.a, self.b = (Line(self.reactor, self.hub) for _ in range(2))
        self.reactor.advance(1)
        self.b.socket.sent.clear()

    def go_round(self, seconds: float) -> None:
        """Let that much time pass, with a turn every tenth of a second."""
        for _ in range(round(seconds * 10)):
            self.reactor.advance(0.1)
            self.reactor.turn()

    def test_our_half_first(self) -> None:
        """All that was written, then a FIN; the rest when the other end has closed, too."""
        self.b.socket.room = 0
        self.b.protocol.peer.end("kicked", "for a test")
        self.reactor.turn()
        self.assertEqual(self.b.socket.calls, [])
        self.b.socket.room = 1000
        self.reactor.turn()
        self.assertEqual((self.b.heard, self.b.socket.calls), (b"-!- closed (kicked): for a test\n", ["fin"]))
        self.b.socket.incoming += [b"unread", b""]
        self.reactor.turn()
        self.reactor.turn()
        self.assertEqual(self.b.socket.calls, ["fin", "shutdown", "close"])
        self.assertEqual(list(self.hub.peers), [self.a.protocol.peer])

    def test_half_a_second_at_the_most(self) -> None:
        """Who doesn't close its half isn't waited for."""
        self.b.protocol.peer.end("quit")
        self.go_round(GENTLE - 0.1)
        self.assertEqual(self.b.socket.calls, ["fin"])
        self.go_round(0.2)
        self.assertEqual(self.b.socket.calls, ["fin", "shutdown", "close"])

    def test_a_finished_end_is_closed_at_once(self) -> None:
        """Nothing can come any more from who has closed its half."""
        self.b.socket.incoming += [b""]
        self.reactor.turn()
        self.b.protocol.peer.end("quit")
        self.reactor.turn()
        self.assertEqual(self.b.socket.calls, ["shutdown", "close"])

    def test_a_reset_while_closing(self) -> None:
        """Leaves no timer behind."""
        self.b.protocol.peer.end("quit")
        self.b.socket.fault = errno.ECONNRESET
        self.reactor.turn()
        self.a.protocol.peer.cut()
        self.reactor.advance(0)
        self.assertEqual((list(self.hub.peers), self.reactor.getDelayedCalls()), ([], []))

    def test_a_second_close_changes_nothing(self) -> None:
        """However often it is asked for."""
        for _ in range(3):
            self.b.transport.loseConnection()
        self.go_round(1)
        self.b.transport.loseConnection()
        self.assertEqual(self.b.socket.calls, ["fin", "shutdown", "close"])

    def test_f2_a_non_reader_is_aborted(self) -> None:
        """`loseConnection` to a peer that doesn't read never closes: 5 s later it is reset (F2)."""
        self.b.socket.room = 0
        self.b.protocol.peer.end("kicked", "for a test")
        self.go_round(4.8)
        self.assertEqual(self.b.socket.calls, [])
        self.go_round(0.5)
        self.assertEqual(self.b.socket.calls, ["reset", "close"])

    def test_a_slow_reader_gets_its_last_words_and_a_clean_end(self) -> None:
        """Also when the transport was full when it was told to close, and half a second was over before it wasn't."""
        for waiting, words in product((17, 30), ("", "for a test")):
            self.setUp()
            self.b.socket.room = 0
            for _ in range(waiting):
                self.a.protocol.dataReceived(b"x" * 3999 + b"\n")
            self.b.protocol.peer.end("kicked", words)
            self.go_round(1)
            self.b.socket.room = 1 << 20
            self.go_round(1)
            self.assertEqual(len(self.b.heard), waiting * 4000 + (words and 32 or 0))
            self.assertEqual(self.b.socket.calls[-2:], ["shutdown", "close"], (waiting, words))


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
        self.transport.write(b"".join(line + b"\n" for line in lines))  # type: ignore[union-attr]


Steps = Generator[Deferred[Any], Any, None]


class RealSockets(TestCase):
    """The same on loopback: TCP, unix sockets and TLS."""

    timeout = 60

    def setUp(self) -> None:
        """Make a hub; its patience is short where a test waits for it."""
        limits = Limits(landing=0.01, pieces_a_turn=8)
        self.hub = Hub(reactor.callLater, reactor.seconds, MODES["pair"], limits)
        self.factory = ChatFactory(self.hub, reactor)

    def listen(self, endpoint: Any) -> Deferred[Any]:
        """Open a door of the hub's."""

        def opened(port: Any) -> Any:
            self.addCleanup(self._close, port)
            return make_prompt(port)

        return endpoint.listen(self.factory).addCallback(opened)

    @inlineCallbacks
    def _close(self, port: Any) -> Steps:
        yield port.stopListening()
        for peer in tuple(self.hub.peers):
            peer.cut()
        yield self.until(lambda: not self.hub.peers)

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
        """TLS, which writes to a prompt transport."""
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
            yield self.until(lambda: a.why is not None)  # noqa: B023
            self.assertIn(b"-!- closed (flood)", a.heard)

    @inlineCallbacks
    def test_one_connections_error_is_its_own(self) -> Steps:
        """An exception in handling one ends that one, is logged once, and touches nobody else."""
        way = yield self.tcp()
        self.hub.text_reader = _Fragile(self.hub.text_reader)
        for boom in (b"boom\n", b"/who\n" * 20 + b"boom\n"):
            bad = yield self.call(way)
            bad.says(b"/join bad")
            a = yield self.call(way)
            b = yield self.call(way)
            yield self.until(lambda: "bad" in self.hub.rooms and len(self.hub.rooms.get("lobby", _NOBODY).members) == 2)
            bad.transport.write(boom)
            yield self.until(lambda: bad.why is not None)  # noqa: B023
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            a.says(b"hi")
            yield self.until(lambda: b"hi\n" in b.heard)  # noqa: B023
            self.assertNotIn("bad", self.hub.rooms)
            a.says(b"/quit")
            b.says(b"/quit")
            yield self.until(lambda: not self.hub.peers)

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
        self.assertEqual(b.why.type if b.why else ConnectionLost, b.why.type if b.why else None)

    def test_which_doors(self) -> None:
        """TCP and unix ports get prompt connections; anything else is left as it is."""
        ports = [reactor.listenTCP(0, self.factory, interface="127.0.0.1"), reactor.listenUNIX(self.mktemp(), self.factory)]
        for port in ports:
            self.addCleanup(port.stopListening)
        self.assertEqual([make_prompt(port).transport for port in ports], [TCPTransport, UNIXTransport])
        other = object()
        self.assertIs(make_prompt(other), other)


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


class _Fragile:
    """A reader that breaks at one word."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def read(self, block: bytes) -> Any:
        """Read, or break."""
        if b"boom" in block and block != b"/who\n":
            yield from self._reader.read(block.partition(b"boom")[0])
            yield bytes([1 // 0])
        yield from self._reader.read(block)


