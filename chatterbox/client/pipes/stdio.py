"""Stdio is this process's stdin and stdout as one transport: Twisted's, with larger reads.

This module does not know what is read or written.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from twisted.internet.stdio import StandardIO

STDIN, STDOUT = 0, 1
PIECE = 64 * 1024
"""Bytes read at once: a Linux pipe's capacity, and a TCP transport's read."""


class Stdio(StandardIO):
    """Stdin and stdout."""

    def childDataReceived(self, fd: str, data: bytes) -> None:
        """Pass on what was read and what else is there: Twisted reads 8 KiB at a time (`fdesc.readFromFD`)."""
        if len(data) == 8192:
            with suppress(OSError):  # nothing more for now; any other fault shows again at the next read
                data += os.read(STDIN, PIECE - len(data))
        super().childDataReceived(fd, data)  # type: ignore[misc]  # mypy sees no system in this class's import


@contextmanager
def as_they_were() -> Iterator[None]:
    """Restore whether stdin and stdout block: other processes may share them."""
    were = [(fd, os.get_blocking(fd)) for fd in (STDIN, STDOUT)]
    try:
        yield
    finally:
        for fd, blocking in were:
            with suppress(OSError):
                os.set_blocking(fd, blocking)


def reader_left() -> bool:
    """Return whether stdout is a pipe: its reader has left (`head`) when it takes no more; a file is full instead."""
    kind = os.fstat(STDOUT).st_mode
    return stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)
