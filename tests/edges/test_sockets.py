"""Connections send at once and close gently: with sockets that a test moves; `tests/real` has real ones."""

from __future__ import annotations

import errno
import json
import socket
from collections import deque
from collections.abc import Sequence
from itertools import product
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.admission import Admission
from chatterbox.core.hub import Hub
from chatterbox.core.modes import MODES
from chatterbox.edges.sockets import BULK_READ, GENTLE, READ, TCPTransport
from chatterbox.edges.tcp import ChatFactory


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
        self.wanted = 0
        """Bytes that were asked for last."""

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

    def sendmsg(self, parts: Sequence[bytes]) -> int:
        """Take some of `parts`, likewise."""
        return self.send(b"".join(parts))

    def recv(self, size: int) -> bytes:
        """Return what has come; an empty string is a FIN."""
        self.wanted = size
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

    def __init__(self, reactor: Turns, admission: Admission) -> None:
        self.socket = FakeSocket()
        self.protocol = ChatFactory(admission, reactor).buildProtocol(None)
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
        self.admission = Admission(Hub(MODES["ports"]), self.reactor.callLater, self.reactor.seconds)
        self.a, self.b, self.c = (Line(self.reactor, self.admission) for _ in range(3))
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
        self.b.socket.room = 10
        self.says(b"three")
        self.assertEqual(self.b.heard, b"5: ")
        for room in (1, 5, 100):
            self.b.socket.room = room
            self.reactor.turn()
        self.assertEqual(self.b.heard, b"5: one\n5: two\n5: three\n")
        self.assertEqual(self.reactor.getWriters(), [])
        self.says(b"four")
        self.assertTrue(self.b.heard.endswith(b"5: three\n5: four\n"))

    def test_several_parts(self) -> None:
        """What the socket didn't take of an object and the block behind it leaves later, wherever it was cut."""
        for room in range(12):
            line = Line(self.reactor, self.admission)
            line.socket.room = room
            line.transport.writeSequence(part for part in (b"head", b"block\n"))
            line.transport.write(b"more")
            self.assertEqual(line.heard, b"headblock\nmore"[:room])
            line.socket.room = 100
            self.reactor.turn()
            self.assertEqual(line.heard, b"headblock\nmore")

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
        self.assertIn(self.b.protocol.connection, self.admission.connections)
        self.reactor.turn()
        self.reactor.turn()
        self.assertNotIn(self.b.protocol.connection, self.admission.connections)
        self.assertEqual(self.b.socket.calls, ["shutdown", "close"])
        self.says(b"three")
        self.assertEqual(self.c.heard, b"5: one\n5: two\n5: three\n")

    def test_a_write_that_ends_a_peer_while_a_room_is_told(self) -> None:
        """Who is let go as too slow in the middle of a broadcast costs the others no line and no order."""
        self.b.socket.room = 0
        for at in range(120):
            self.says(b"%03d" % at * 1000)
        self.assertEqual(self.b.protocol.connection.peer.gone, "slow")
        heard = self.c.heard.split(b"\n")[:-1]
        self.assertEqual([line[3:6] for line in heard], [b"%03d" % at for at in range(120)])

    def test_back_pressure(self) -> None:
        """A transport with too much pauses its producer, and asks for more when all is sent."""
        self.b.socket.room = 0
        connection = self.b.protocol.connection
        for _ in range(15):
            self.says(b"x" * 4000)
        self.assertFalse(connection.outlet.paused)
        for _ in range(2):
            self.says(b"x" * 4000)
        self.assertTrue(connection.outlet.paused)
        self.b.socket.room = 1 << 20
        self.reactor.turn()
        self.assertFalse(connection.outlet.paused)

    def test_writing_to_who_is_gone(self) -> None:
        """Neither raises nor sends."""
        transport = self.b.transport
        self.b.protocol.connection.peer.end("quit")
        transport.write(b"late")
        self.reactor.advance(1)
        self.reactor.turn()
        transport.write(b"later")
        transport.loseConnection()
        self.assertNotIn(b"later", self.b.heard)


class Reads(SynchronousTestCase):
    """How much is read at once."""

    def test_of_large_blocks_more(self) -> None:
        """A session whose block is more than a read is read 128 KiB at once from then on, nobody else is."""
        hello = {"chatterbox": 1, "session": "0" * 32, "try": 1, "room": "tea"}
        say = {"verb": "say", "n": 1, "to": "0" * 16, "bytes": 200_000}
        for first, wanted in (
            (json.dumps(hello | {"blocks": True}).encode(), BULK_READ),
            (json.dumps(hello).encode(), READ),
            (b"/join tea", READ),
        ):
            reactor = Turns()
            hub = Hub(MODES["pair"])
            line = Line(reactor, Admission(hub, reactor.callLater, reactor.seconds))
            head = json.dumps(say).encode() + b"\n"
            for data in (first + b"\n", (head + b"line\n" * READ)[:READ], b"line\n"):
                line.socket.incoming.append(data)
                line.transport.doRead()
            self.assertEqual(line.socket.wanted, wanted)


class GentleEnds(SynchronousTestCase):
    """A closing connection sends all, reads on for a moment, and then closes."""

    def setUp(self) -> None:
        """Seat a pair."""
        self.reactor = Turns()
        self.admission = Admission(Hub(MODES["pair"]), self.reactor.callLater, self.reactor.seconds)
        self.a, self.b = (Line(self.reactor, self.admission) for _ in range(2))
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
        self.b.protocol.connection.peer.end("kicked", "for a test")
        self.reactor.turn()
        self.assertEqual(self.b.socket.calls, [])
        self.b.socket.room = 1000
        self.reactor.turn()
        self.assertEqual((self.b.heard, self.b.socket.calls), (b"-!- closed (kicked): for a test\n", ["fin"]))
        self.b.socket.incoming += [b"unread", b""]
        self.reactor.turn()
        self.reactor.turn()
        self.assertEqual(self.b.socket.calls, ["fin", "shutdown", "close"])
        self.assertEqual(list(self.admission.connections), [self.a.protocol.connection])

    def test_half_a_second_at_the_most(self) -> None:
        """Who doesn't close its half isn't waited for."""
        self.b.protocol.connection.peer.end("quit")
        self.go_round(GENTLE - 0.1)
        self.assertEqual(self.b.socket.calls, ["fin"])
        self.go_round(0.2)
        self.assertEqual(self.b.socket.calls, ["fin", "shutdown", "close"])

    def test_a_finished_end_is_closed_at_once(self) -> None:
        """Nothing can come any more from who has closed its half."""
        self.b.socket.incoming += [b""]
        self.reactor.turn()
        self.b.protocol.connection.peer.end("quit")
        self.reactor.turn()
        self.assertEqual(self.b.socket.calls, ["shutdown", "close"])

    def test_a_reset_while_closing(self) -> None:
        """Leaves no timer behind."""
        self.b.protocol.connection.peer.end("quit")
        self.b.socket.fault = errno.ECONNRESET
        self.reactor.turn()
        self.a.protocol.connection.abort()
        self.reactor.advance(0)
        self.assertEqual((list(self.admission.connections), self.reactor.getDelayedCalls()), ([], []))

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
        self.b.protocol.connection.peer.end("kicked", "for a test")
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
            self.b.protocol.connection.peer.end("kicked", words)
            self.go_round(1)
            self.b.socket.room = 1 << 20
            self.go_round(1)
            self.assertEqual(len(self.b.heard), waiting * 4000 + (32 if words else 20))
            self.assertEqual(self.b.socket.calls[-2:], ["shutdown", "close"], (waiting, words))
