"""Stdio is this process's stdin and stdout as one transport, and its stderr as a queue.

Other processes share the three, so none of them is ever made non-blocking (`docs/decisions/0040-shared-stdio.md`).
This module does not know what is read or written.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

STDIN, STDOUT, STDERR = 0, 1, 2
READ = 240 * 1024
"""Bytes read at once: with the rest of a line they are one block."""


class _Reader(FileDescriptor):
    """Reads a descriptor when the reactor says that there is something: so no read waits."""

    def __init__(self, reactor: Any, file: int, stdio: Stdio) -> None:
        super().__init__(reactor)
        self._file = file
        self._stdio = stdio
        self.connected = 1

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._file

    def doRead(self) -> Exception | None:
        """Pass on what is there."""
        try:
            data = os.read(self._file, READ)
        except BlockingIOError:  # somebody else has made it non-blocking
            return None
        except OSError:
            return CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        self._stdio.protocol.dataReceived(data)
        return None

    def connectionLost(self, reason: Failure) -> None:
        """Tell that nothing more comes."""
        if not self.disconnected:
            super().connectionLost(reason)
            self._stdio.read_lost(reason)


class _FileReader(_Reader):
    """Reads a regular file a block a turn: no reactor waits for one, and Twisted makes a loop of its own each time."""

    _next: IDelayedCall | None = None

    def __init__(self, reactor: Any, file: int, stdio: Stdio) -> None:
        super().__init__(reactor, file, stdio)
        self._later = reactor.callLater

    def startReading(self) -> None:
        """Read in the next turn."""
        if not self._next:
            self._next = self._later(0, self._read)

    def stopReading(self) -> None:
        """Read no more."""
        if self._next:
            self._next.cancel()
            self._next = None

    def _read(self) -> None:
        self._next = None
        self.startReading()  # what is read may stop it
        if fault := self.doRead():
            self.stopReading()
            self.connectionLost(Failure(fault))


class Writer(FileDescriptor):
    """Writes a descriptor without waiting.

    A pipe or a terminal is opened once more under its name, and this second opening, which nobody shares, is
    non-blocking. Where that can't be had, pieces are written of which "writable" promises that there is room.
    """

    def __init__(self, reactor: Any, file: int) -> None:
        super().__init__(reactor)
        self._opened = _open_again(file)
        self._file = file if self._opened is None else self._opened
        is_file = stat.S_ISREG(os.fstat(file).st_mode)
        self._may_wait = self._opened is None and not is_file
        self._later = reactor.callLater
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLOUT)
        self.connected = 1

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._file

    def writeSomeData(self, data: bytes) -> int | Exception:
        """Write as much as there is room for, and return how much that was."""
        sent = 0
        try:
            if not self._may_wait:
                return os.write(self._file, data)
            view = memoryview(data)
            while sent < len(view) and self._poll.poll(0):  # a "writable" pipe has room for so many bytes (POSIX)
                sent += os.write(self._file, view[sent : sent + select.PIPE_BUF])
        except BlockingIOError:
            pass
        except OSError:
            return sent or CONNECTION_LOST
        return sent

    def loseConnection(self) -> None:
        """Close when all is written; with nothing to write, soon."""
        if self.rest():
            super().loseConnection()
        elif not self.disconnected:
            self._later(0, self.connectionLost, Failure(CONNECTION_DONE))

    def connectionLost(self, reason: Failure) -> None:
        """Close what was opened here."""
        super().connectionLost(reason)
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None

    @property
    def rest_size(self) -> int:
        """How many bytes are not written yet."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    def rest(self) -> bytes:
        """Return what is not written yet."""
        return bytes(self.dataBuffer[self.offset :]) + b"".join(self._tempDataBuffer)


def _open_again(file: int) -> int | None:
    """Return a non-blocking descriptor of the same pipe or terminal, or None where there is none."""
    with suppress(OSError):
        if stat.S_ISFIFO(os.fstat(file).st_mode):
            return os.open(f"/proc/self/fd/{file}", os.O_WRONLY | os.O_NONBLOCK)
        return os.open(os.ttyname(file), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    return None


class _Stdout(Writer):
    def __init__(self, reactor: Any, file: int, stdio: Stdio) -> None:
        super().__init__(reactor, file)
        self._stdio = stdio
        if stat.S_ISFIFO(os.fstat(file).st_mode):
            self.startReading()  # a reactor calls the writing end "readable" when the reading end is closed

    def doRead(self) -> Exception:
        """Take note that the reader has left."""
        return CONNECTION_LOST

    def write(self, data: bytes) -> None:
        """Write at once what there is room for, and the rest when there is."""
        if self.connected and not self.rest_size:
            sent = self.writeSomeData(data)
            data = data[sent:] if isinstance(sent, int) else data  # a fault shows again, where it is told
        if data:
            super().write(data)

    def writeSomeData(self, data: bytes) -> int | Exception:
        """Write, and tell how much."""
        sent = super().writeSomeData(data)
        if isinstance(sent, int) and sent:
            self._stdio.wrote(sent)
        return sent

    def connectionLost(self, reason: Failure) -> None:
        """Tell that nothing more can be written."""
        if not self.disconnected:
            super().connectionLost(reason)
            self._stdio.write_lost(reason)


def _make_reader(reactor: Any, file: int, stdio: Stdio) -> _Reader:
    """Return what reads `file`; a pipe is made to hold as much as is read at once, where the system allows it."""
    kind = os.fstat(file).st_mode
    if stat.S_ISFIFO(kind) and hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux; others have pipes that grow
        with suppress(OSError):
            if fcntl.fcntl(file, fcntl.F_GETPIPE_SZ) < READ:
                fcntl.fcntl(file, fcntl.F_SETPIPE_SZ, READ)
    return (_FileReader if stat.S_ISREG(kind) else _Reader)(reactor, file, stdio)


class Stdio:
    """Stdin and stdout as the transport of `protocol`, which is told of the end of each half, and then of both.

    Args:
        wrote: is told how many bytes stdout has taken, each time.
    """

    disconnecting = False

    def __init__(
        self,
        protocol: Protocol,
        stdin: int = STDIN,
        stdout: int = STDOUT,
        reactor: Any = None,
        wrote: Callable[[int], None] = lambda size: None,
    ) -> None:
        if reactor is None:
            from twisted.internet import reactor
        self.protocol = protocol
        self.wrote = wrote
        self._writer: _Stdout | None = _Stdout(reactor, stdout, self)
        self._reader: _Reader | None = _make_reader(reactor, stdin, self)
        self._reader.startReading()
        protocol.makeConnection(self)

    def write(self, data: bytes) -> None:
        """Write to stdout."""
        if self._writer:
            self._writer.write(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Tell `producer` when stdout is full."""
        if self._writer:
            self._writer.registerProducer(producer, streaming)
        else:
            producer.stopProducing()

    def unregisterProducer(self) -> None:
        """Tell nobody any more."""
        if self._writer:
            self._writer.unregisterProducer()

    def pauseProducing(self) -> None:
        """Read no stdin for now."""
        if self._reader:
            self._reader.pauseProducing()

    def resumeProducing(self) -> None:
        """Read stdin again."""
        if self._reader and not self.disconnecting:
            self._reader.resumeProducing()

    def stopProducing(self) -> None:
        """Close."""
        self.loseConnection()

    def loseConnection(self) -> None:
        """Read no more, and close when all is written."""
        self.disconnecting = True
        if self._reader:
            self._reader.stopReading()
        if self._writer:
            self._writer.loseConnection()

    def read_lost(self, reason: Failure) -> None:
        """Take note of the end of stdin."""
        self._reader = None
        if IHalfCloseableProtocol.providedBy(self.protocol):
            self.protocol.readConnectionLost()

    def write_lost(self, reason: Failure) -> None:
        """Take note of the end of stdout: the one that was asked for, or another."""
        self._writer = None
        if not self.disconnecting:
            cast(IHalfCloseableProtocol, self.protocol).writeConnectionLost()
            return
        if self._reader:
            self._reader.stopReading()
        self.protocol.connectionLost(reason)


def reader_left() -> bool:
    """Return whether stdout is a pipe: its reader has left (`head`) when it takes no more; a file is full instead."""
    kind = os.fstat(STDOUT).st_mode
    return stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)
