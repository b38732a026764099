"""Stdin, stdout and stderr as the client uses them: without waiting, and without changing them for others."""

from __future__ import annotations

import fcntl
import os
import select
import socket
import tempfile
from collections.abc import Callable
from typing import Any
from unittest import SkipTest
from unittest.mock import Mock

from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from chatterbox.client import stdio
from chatterbox.client.stdio import Stdio, Writer

PIECE = 64 * 1024
"""Bytes that a Linux pipe holds."""


class Reactor(Clock):
    """A reactor whose turns the test makes: it looks at the descriptors, as the real ones do."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []
        self.writers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        """Watch."""
        self.readers.append(reader)

    def addWriter(self, writer: Any) -> None:
        """Watch."""
        if writer not in self.writers:
            self.writers.append(writer)

    def removeReader(self, reader: Any) -> None:
        """Watch no longer."""
        if reader in self.readers:
            self.readers.remove(reader)

    def removeWriter(self, writer: Any) -> None:
        """Watch no longer."""
        if writer in self.writers:
            self.writers.remove(writer)

    def turn(self) -> None:
        """Do what can be done without waiting."""
        readable, writable, _ = select.select(self.readers, self.writers, [], 0)
        for ready, act in [(each, each.doRead) for each in readable] + [(each, each.doWrite) for each in writable]:
            why = act()
            if why:
                self.removeReader(ready)
                self.removeWriter(ready)
                ready.connectionLost(Failure(why))
        self.advance(0)


@implementer(IHalfCloseableProtocol)
class Heard(Protocol):
    """A protocol that remembers."""

    def __init__(self) -> None:
        self.data = b""
        self.ends: list[str] = []

    def dataReceived(self, data: bytes) -> None:
        """Remember."""
        self.data += data

    def readConnectionLost(self) -> None:
        """Remember."""
        self.ends.append("read")

    def writeConnectionLost(self) -> None:
        """Remember."""
        self.ends.append("write")

    def connectionLost(self, reason: Failure = Failure(EOFError())) -> None:
        """Remember."""
        self.ends.append("both")


class BothEnds(SynchronousTestCase):
    """The transport."""

    def setUp(self) -> None:
        """Make two pipes, whose far ends the test holds."""
        self.stdin, self.typed = os.pipe()
        self.read, self.stdout = os.pipe()
        self.open = [self.stdin, self.typed, self.read, self.stdout]
        self.addCleanup(lambda: [os.close(each) for each in self.open])
        self.reactor, self.protocol = Reactor(), Heard()
        self.stdio = Stdio(self.protocol, self.stdin, self.stdout, self.reactor)

    def close(self, file: int) -> None:
        """Close one of them."""
        self.open.remove(file)
        os.close(file)

    def test_both_ways(self) -> None:
        """What is on stdin is received; what is written is on stdout; the end of each half is told."""
        os.write(self.typed, b"hello")
        self.stdio.write(b"hi")
        self.reactor.turn()
        self.assertEqual((self.protocol.data, os.read(self.read, 9)), (b"hello", b"hi"))
        self.close(self.typed)
        self.reactor.turn()
        self.assertEqual(self.protocol.ends, ["read"])
        self.stdio.loseConnection()
        self.reactor.turn()
        self.assertEqual(self.protocol.ends, ["read", "both"])

    def test_others_are_unharmed(self) -> None:
        """Neither descriptor becomes non-blocking, whatever happens (C11)."""
        self.stdio.write(bytes(10 * PIECE))
        self.reactor.turn()
        self.assertTrue(os.get_blocking(self.stdin) and os.get_blocking(self.stdout))

    def test_a_full_pipe(self) -> None:
        """A full stdout pauses the producer and stops nobody; the rest leaves when there is room again, then it closes."""
        paused: list[bool] = []

        class Producer:
            pauseProducing: Callable[[], None] = staticmethod(lambda: paused.append(True))
            resumeProducing: Callable[[], None] = staticmethod(lambda: paused.append(False))

        self.stdio.registerProducer(Producer(), True)
        sent = os.urandom(5 * PIECE)
        self.stdio.write(sent)
        self.reactor.turn()
        self.assertEqual(paused, [True])
        self.stdio.unregisterProducer()
        self.stdio.loseConnection()
        read = b""
        while "both" not in self.protocol.ends:
            self.reactor.turn()
            if select.select([self.read], [], [], 0)[0]:
                read += os.read(self.read, PIECE)
        self.assertEqual(read + os.read(self.read, PIECE) if len(read) < len(sent) else read, sent)

    def test_a_pipe_that_is_full_already(self) -> None:
        """What finds no room at all waits, and is no fault."""
        self.stdio.write(bytes(PIECE))
        self.stdio.write(b"more")
        self.assertEqual(self.protocol.ends, [])
        read = b""
        while len(read) < PIECE + 4:
            read += os.read(self.read, PIECE)
            self.reactor.turn()
        self.assertEqual((read, self.protocol.ends), (bytes(PIECE) + b"more", []))

    def test_a_reader_that_leaves(self) -> None:
        """When nobody reads stdout any more, that is told at once, and once."""
        self.close(self.read)
        self.reactor.turn()
        self.stdio.write(b"x")
        self.reactor.turn()
        self.assertEqual(self.protocol.ends, ["write"])

    def test_reading_stops_and_goes_on(self) -> None:
        """While the hub is full stdin waits; after the end was asked for it is not read again."""
        self.stdio.pauseProducing()
        os.write(self.typed, b"later")
        self.reactor.turn()
        self.assertEqual(self.protocol.data, b"")
        self.stdio.resumeProducing()
        self.reactor.turn()
        self.assertEqual(self.protocol.data, b"later")
        self.stdio.loseConnection()
        self.stdio.resumeProducing()
        self.assertNotIn(self.stdin, [each.fileno() for each in self.reactor.readers])


    def test_a_pipe_holds_as_much_as_is_read(self) -> None:
        """Where the system allows it, a program that writes much is read in a few large reads."""
        if not hasattr(fcntl, "F_SETPIPE_SZ"):
            raise SkipTest("pipes grow by themselves here")
        self.assertGreaterEqual(fcntl.fcntl(self.stdin, fcntl.F_GETPIPE_SZ), stdio.READ)
        larger = fcntl.fcntl(self.stdin, fcntl.F_SETPIPE_SZ, 4 * stdio.READ)
        stdio._make_reader(self.reactor, self.stdin, self.stdio)
        self.assertEqual(fcntl.fcntl(self.stdin, fcntl.F_GETPIPE_SZ), larger)
        self.patch(fcntl, "fcntl", Mock(side_effect=PermissionError))  # the user has too many large pipes
        self.assertEqual(stdio._make_reader(self.reactor, self.stdin, self.stdio).fileno(), self.stdin)

    def test_stdin_is_a_file(self) -> None:
        """It is read a block at a time, while that is wanted; its end is told once."""
        with tempfile.TemporaryFile() as file:
            file.write(bytes(2 * stdio.READ + 1))
            file.seek(0)
            reactor, protocol = Reactor(), Heard()
            sizes: list[int] = []
            self.patch(protocol, "dataReceived", lambda data: (sizes.append(len(data)), end.pauseProducing()))
            end = Stdio(protocol, file.fileno(), self.stdout, reactor)
            for number in range(1, 4):
                reactor.advance(0)
                self.assertEqual((len(sizes), reactor.getDelayedCalls()), (number, []))
                end.resumeProducing()
                end.resumeProducing()
            reactor.advance(0)
            self.assertEqual(sizes, [stdio.READ, stdio.READ, 1])
            self.assertEqual((protocol.ends, reactor.getDelayedCalls()), (["read"], []))

    def test_stdin_is_a_file_and_the_end_comes_first(self) -> None:
        """Whoever hangs up while a file is read reads no more of it, also where it does so within a read."""
        with tempfile.TemporaryFile() as file:
            file.write(bytes(2 * stdio.READ))
            file.seek(0)
            reactor, protocol = Reactor(), Heard()
            end = Stdio(protocol, file.fileno(), self.stdout, reactor)
            self.patch(protocol, "dataReceived", lambda data: end.loseConnection())
            reactor.pump([0] * 5)
            self.assertEqual((protocol.ends, reactor.getDelayedCalls()), (["both"], []))


class WaysToWrite(SynchronousTestCase):
    """What stdout can be."""

    def written(self, far: int, near: int, sent: bytes) -> bytes:
        """Return what arrives at `far` when `sent` is written at `near`."""
        reactor = Reactor()
        writer = Writer(reactor, near)
        writer.write(sent)
        read = b""
        while len(read) < len(sent):
            reactor.turn()
            if select.select([far], [], [], 0)[0]:
                read += os.read(far, PIECE)
        self.assertEqual(writer.rest(), b"")
        self.assertTrue(os.get_blocking(near))
        writer.connectionLost(Failure(EOFError()))
        return read

    def test_a_pipe_that_cant_be_opened_again(self) -> None:
        """Where a pipe can't be opened once more, pieces are written that fit, and none of them waits."""
        self.patch(stdio, "_open_again", lambda file: None)
        write, sizes = os.write, []
        self.patch(os, "write", lambda file, data: sizes.append(len(data)) or write(file, data))
        far, near = os.pipe()
        sent = os.urandom(3 * PIECE + 17)
        self.assertEqual(self.written(far, near, sent), sent)
        self.assertLessEqual(max(sizes), select.PIPE_BUF)
        os.close(far), os.close(near)

    def test_a_socket(self) -> None:
        """A socket, as inetd and ssh give one, is written likewise."""
        far, near = socket.socketpair()
        sent = os.urandom(5 * PIECE)
        self.assertEqual(self.written(far.fileno(), near.fileno(), sent), sent)
        far.close(), near.close()

    def test_a_file(self) -> None:
        """A file is appended to where others have left off, and they go on behind it."""
        with tempfile.TemporaryFile() as file:
            file.write(b"before ")
            file.flush()
            reactor = Reactor()
            writer = Writer(reactor, file.fileno())
            writer.write(b"here ")
            reactor.turn()
            os.write(file.fileno(), b"after")
            file.seek(0)
            self.assertEqual(file.read(), b"before here after")

    def test_what_is_left(self) -> None:
        """What nobody has taken yet can be had, to be waited for at the very end."""
        far, near = os.pipe()
        writer = Writer(Reactor(), near)
        writer.write(b"one")
        writer.write(b"two")
        self.assertEqual(writer.rest(), b"onetwo")
        os.close(far), os.close(near)
