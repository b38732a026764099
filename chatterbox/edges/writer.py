"""A writer writes to a file that others read, and never lets the hub wait for them.

A pipe that nobody reads and a terminal that was stopped with ^S hold up whoever writes; a full disk refuses. What waits
is bounded; what doesn't fit, or fails, is dropped, counted, and the count is written when writing works again. The file
itself is left as it is, since other programs may share it (`own_way`). This module does not know what is written.
"""

from __future__ import annotations

import atexit
import os
import select
import socket
import stat
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import cast

from twisted.internet.interfaces import IReactorFDSet, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

BOUND = 256 * 1024
"""Bytes that wait for a file: some 2,000 records of a log."""
PIECE = 512
"""Bytes written at once where nothing better is known than that some can be written (POSIX: the least PIPE_BUF)."""
LAST_PATIENCE = 0.5
"""Seconds that a process which ends waits for its last records to be written."""
LAST_PAUSE = 0.1
"""Seconds without any progress after which it waits no more."""


def own_way(fd: int, flags: int) -> int:
    """Return another way to the pipe or terminal behind `fd`, which doesn't wait, or `fd` itself where there is none.

    O_NONBLOCK, set for `fd`, would be set for every program that shares it, and stay. What is opened again has flags of
    its own: Linux opens what a number in /proc stands for, and a terminal has a name everywhere.
    """
    terminal = os.ttyname(fd) if os.isatty(fd) else ""
    if not (terminal or stat.S_ISFIFO(_kind(fd))):
        return fd
    for path in filter(None, (terminal, f"/proc/self/fd/{fd}")):
        with suppress(OSError):
            return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return fd


def _kind(fd: int) -> int:
    """Return what kind of file `fd` is; one that is closed passes for a plain file, each use of which will fail."""
    try:
        return os.fstat(fd).st_mode
    except OSError:
        return stat.S_IFREG


@implementer(IWriteDescriptor)
class Writer:
    """Writes records, whole ones and in order, to a file.

    Args:
        fd: the file; it is left as it is.
        missed: returns what is written in place of so many dropped records.
        drained: called when nothing waits any more, after something did.
    """

    def __init__(self, fd: int, missed: Callable[[int], bytes], drained: Callable[[], object] = int) -> None:
        self._missed = missed
        self._drained = drained
        self._fd, self._send = _sender(fd)
        self._records: deque[tuple[bytes, int]] = deque()
        """What waits, and how many records each stands for; of the first, what isn't written yet."""
        self._dropped = 0
        self._is_begun = False
        """Whether the beginning of the first one is written."""
        self._is_torn = False
        """Whether a record was dropped in its middle."""
        self._is_blocked = False
        self.waiting = 0
        """Bytes that wait."""
        atexit.register(self.finish)

    def write(self, record: bytes) -> None:
        """Write one record now, or as soon as it is taken; or count it as dropped."""
        if self.waiting + len(record) > BOUND:
            self._dropped += 1
            return
        if not (self._records or self._dropped):
            record = self._begin(record)
            if not record:
                return
        if self._dropped and not self._is_blocked:
            self._count_dropped()
        self._put(record, 1)
        if not self._is_blocked:
            self._write_on()

    def _begin(self, record: bytes) -> bytes:
        """Write what is taken of `record` now, mostly all of it, and return the rest; what fails will do so again."""
        try:
            sent = self._send(record)
        except OSError:
            return record
        self._is_begun = 0 < sent < len(record)
        return record[sent:]

    def _put(self, data: bytes, worth: int) -> None:
        self._records.append((data, worth))
        self.waiting += len(data)

    def _count_dropped(self) -> None:
        if self._dropped:
            count, self._dropped = self._dropped, 0
            self._put((b"\n" if self._is_torn else b"") + self._missed(count), count)

    def _write_on(self) -> bool:
        """Write all that is taken; return whether nothing waits any more."""
        while self._records:
            data, worth = self._records.popleft()
            try:
                sent = self._send(data)
            except BlockingIOError:
                self._records.appendleft((data, worth))
                self._block()
                return False
            except OSError:
                self._drop(data, worth)
                continue
            self.waiting -= sent
            self._is_begun = sent < len(data)
            if self._is_begun:
                self._records.appendleft((data[sent:], worth))
                continue
            self._is_torn = False
            if not self._records:
                self._count_dropped()
        return True

    def _drop(self, data: bytes, worth: int) -> None:
        """Count a record that can't be written; a torn one ends its line when writing works again."""
        self.waiting -= len(data)
        self._dropped += worth
        self._is_torn |= self._is_begun
        self._is_begun = False

    def _block(self) -> None:
        """Come back when there is room."""
        if not self._is_blocked:
            from twisted.internet import reactor  # importing it installs one, and twistd may want another

            self._is_blocked = True
            cast(IReactorFDSet, reactor).addWriter(self)

    def finish(self) -> None:
        """Wait a moment for what still waits, as long as any of it is taken: the process ends."""
        deadline = time.monotonic() + LAST_PATIENCE
        with suppress(OSError):
            while not self._write_on() and time.monotonic() < deadline:
                if not select.select([], [self._fd], [], LAST_PAUSE)[1]:
                    return

    # -- what the reactor calls ------------------------------------------------------------------------------

    def fileno(self) -> int:
        """Return what the reactor watches."""
        return self._fd

    def logPrefix(self) -> str:
        """Return a name for the reactor's complaints."""
        return "writer"

    def doWrite(self) -> None:
        """There is room."""
        if self._write_on():
            self._unblock()

    def connectionLost(self, reason: Failure) -> None:
        """Nobody reads any more; each record is tried still, since another reader may come to a terminal."""
        self._unblock()
        self._write_on()

    def _unblock(self) -> None:
        from twisted.internet import reactor

        self._is_blocked = False
        cast(IReactorFDSet, reactor).removeWriter(self)
        self._drained()


def _sender(fd: int) -> tuple[int, Callable[[bytes], int]]:
    """Return what is to be watched, and what sends some bytes or raises BlockingIOError, for the file `fd`."""
    if stat.S_ISREG(_kind(fd)):
        return fd, partial(os.write, fd)
    if stat.S_ISSOCK(_kind(fd)):  # what systemd's journal gives
        link = socket.socket(fileno=os.dup(fd))
        return link.fileno(), lambda data: link.send(data, socket.MSG_DONTWAIT)
    own = own_way(fd, os.O_WRONLY)
    return own, partial(os.write if own != fd else _write_a_little, own)


def _write_a_little(fd: int, data: bytes) -> int:
    if not select.select([], [fd], [], 0)[1]:
        raise BlockingIOError
    return os.write(fd, data[:PIECE])
