"""A writer waits for its file so that the hub doesn't: records are whole, in order, bounded, and counted when dropped."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import tempfile
from collections.abc import Callable
from typing import cast
from unittest import mock

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFDSet
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.edges import writer as module
from chatterbox.edges.writer import BOUND, PIECE, Writer, own_way

RECORD = b"record %06d " + b"." * 85 + b"\n"
"""100 bytes, numbered."""


def missed(count: int) -> bytes:
    """Return the record that counts the dropped ones."""
    return b"%d dropped\n" % count


class Case(SynchronousTestCase):
    """A test with a pipe, and the writer to it."""

    def _pipe(self) -> tuple[int, int]:
        """Return the ends of a pipe; both go away with the test."""
        ends = os.pipe()
        for end in ends:
            self.addCleanup(self._close, end)
        os.set_blocking(ends[0], False)
        return ends

    def _close(self, fd: int) -> None:
        with contextlib.suppress(OSError):  # the test may have closed it
            os.close(fd)

    def _writer(self, fd: int, drained: Callable[[], object] = int) -> Writer:
        writer = Writer(fd, missed, drained)
        self.addCleanup(cast(IReactorFDSet, reactor).removeWriter, writer)
        return writer

    def _read(self, fd: int, writer: Writer | None = None) -> bytes:
        """Return all that is there, with what the writer adds as soon as there is room."""
        heard = bytearray()
        while True:
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                return bytes(heard)
            if not data:
                return bytes(heard)
            heard += data
            if writer and writer.waiting:
                writer.doWrite()


class Pipes(Case):
    """What a pipe takes, and when nobody reads it."""

    def test_at_once(self) -> None:
        """A record is written before `write` returns, where it is taken."""
        reads, writes = self._pipe()
        writer = self._writer(writes)
        writer.write(b"one\n")
        writer.write(b"two\n")
        self.assertEqual(self._read(reads), b"one\ntwo\n")

    def test_an_unread_pipe(self) -> None:
        """What waits is bounded; when somebody reads, it comes in order, whole, and then the number of the dropped."""
        reads, writes = self._pipe()
        told: list[str] = []
        writer = self._writer(writes, lambda: told.append("drained"))
        for number in range(10_000):
            writer.write(RECORD % number)
        self.assertTrue(BOUND - 100 < writer.waiting <= BOUND)
        self.assertEqual(told, [])
        *records, last = self._read(reads, writer).splitlines(keepends=True)
        self.assertEqual(records, [RECORD % number for number in range(len(records))])
        self.assertGreater(len(records), BOUND // 100)
        self.assertEqual(last, missed(10_000 - len(records)))
        self.assertEqual((writer.waiting, told), (0, ["drained"]))
        writer.write(b"again\n")
        self.assertEqual(self._read(reads), b"again\n")

    def test_a_record_at_the_bound(self) -> None:
        """As many bytes as the bound may wait, and not one more."""
        reads, writes = self._pipe()
        writer = self._writer(writes)
        while not writer.waiting:
            writer.write(b"x" * 4095 + b"\n")
        room = BOUND - writer.waiting
        writer.write(b"y" * room + b"\n")
        writer.write(b"z" * (room - 1) + b"\n")
        heard = self._read(reads, writer)
        self.assertNotIn(b"y", heard)
        self.assertTrue(heard.endswith(b"z\n" + missed(1)))

    def test_the_file_is_left_as_it_is(self) -> None:
        """No flag changes that other programs see: not while writing waits, and not afterwards."""
        reads, writes = self._pipe()
        for is_blocking in (True, False):
            os.set_blocking(writes, is_blocking)
            writer = self._writer(writes)
            for number in range(1000):
                writer.write(RECORD % number)
            self.assertTrue(writer.waiting)
            self.assertEqual(os.get_blocking(writes), is_blocking)
            self._read(reads, writer)
            self.assertEqual(os.get_blocking(writes), is_blocking)

    def test_no_way_of_its_own(self) -> None:
        """Where a pipe can't be opened again, as little is written at once as surely fits."""
        reads, writes = self._pipe()
        with mock.patch.object(module, "own_way", lambda fd, flags: fd):
            writer = self._writer(writes)
        with mock.patch.object(module.os, "write", side_effect=os.write) as write:
            for number in range(30):
                writer.write(RECORD % number * 40)
            self.assertLessEqual(max(len(call.args[1]) for call in write.call_args_list), PIECE)
        self.assertTrue(writer.waiting)
        self.assertEqual(self._read(reads, writer), b"".join(RECORD % number * 40 for number in range(30)))

    def test_nobody_reads_any_more(self) -> None:
        """A pipe without a reader costs the records, and no more; the reactor isn't asked again."""
        reads, writes = self._pipe()
        writer = self._writer(writes)
        for number in range(1000):
            writer.write(RECORD % number)
        os.close(reads)
        writer.connectionLost(Failure(OSError()))
        writer.write(b"late\n")
        self.assertEqual(writer.waiting, 0)
        self.assertNotIn(writer, cast(IReactorFDSet, reactor).getWriters())

    def test_at_the_end(self) -> None:
        """A process that ends writes what is still taken, and doesn't wait for who reads nothing."""
        reads, writes = self._pipe()
        writer = self._writer(writes)
        for number in range(1000):
            writer.write(RECORD % number)
        before = writer.waiting
        writer.finish()
        self.assertEqual(writer.waiting, before)
        os.read(reads, 65536)
        writer.finish()
        self.assertLess(writer.waiting, before)


class OtherFiles(Case):
    """Sockets, full disks, and what is closed."""

    def test_a_socket(self) -> None:
        """systemd gives a socket as stdout: it is sent to without a flag on it."""
        reads, writes = socket.socketpair()
        self.addCleanup(reads.close)
        self.addCleanup(writes.close)
        reads.setblocking(False)
        writer = self._writer(writes.fileno())
        for number in range(20_000):
            writer.write(RECORD % number)
        self.assertTrue(writer.waiting)
        self.assertTrue(os.get_blocking(writes.fileno()))
        *records, last = self._read(reads.fileno(), writer).splitlines(keepends=True)
        self.assertEqual(records, [RECORD % number for number in range(len(records))])
        self.assertEqual(last, missed(20_000 - len(records)))

    def test_a_full_disk(self) -> None:
        """What a full disk refuses is counted, a torn record ends its line, and the count comes before what follows."""
        disk = bytearray()
        room = 250

        def write(fd: int, data: bytes) -> int:
            taken = data[: max(0, room - len(disk))]
            if not taken:
                raise OSError(errno.ENOSPC, "No space left on device")
            disk.extend(taken)
            return len(taken)

        with tempfile.TemporaryFile() as file, mock.patch.object(module.os, "write", write):
            writer = self._writer(file.fileno())
            for number in range(6):
                writer.write(RECORD % number)
            self.assertEqual(len(disk), 250)
            room = 10_000
            writer.write(RECORD % 6)
            writer.write(RECORD % 7)
        torn = (RECORD % 2)[:50]
        whole = RECORD % 0 + RECORD % 1
        self.assertEqual(bytes(disk), whole + torn + b"\n" + missed(4) + RECORD % 6 + RECORD % 7)
        self.assertEqual(writer.waiting, 0)

    def test_a_closed_file(self) -> None:
        """Records for what is closed are dropped, and nobody is hurt."""
        reads, writes = self._pipe()
        os.close(writes)
        writer = self._writer(writes)
        writer.write(b"one\n")
        self.assertEqual(writer.waiting, 0)

    def test_what_is_opened_again(self) -> None:
        """Pipes are; a plain file has a place in it that its programs share, and a socket can't be."""
        reads, writes = self._pipe()
        again = own_way(writes, os.O_WRONLY)
        self.assertNotEqual(again, writes)
        self.assertFalse(os.get_blocking(again) or os.get_inheritable(again))
        os.close(again)
        with tempfile.TemporaryFile() as file, socket.socket() as link, open(os.devnull) as nothing:
            for other in (file.fileno(), link.fileno(), nothing.fileno()):
                self.assertEqual(own_way(other, os.O_WRONLY), other)
