"""The ends of a pipe are this process's stdin and stdout, as one transport.

They are what twisted makes of them, with larger reads. Who reads and writes them is not known here.
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


class Ends(StandardIO):
    """Stdin and stdout."""

    def childDataReceived(self, fd: str, data: bytes) -> None:
        """Twisted reads 8 KiB at a time (`fdesc.readFromFD`); take along what else is there."""
        if len(data) == 8192:
            with suppress(OSError):  # nothing more for now; any other fault shows again at the next read
                data += os.read(STDIN, PIECE - len(data))
        super().childDataReceived(fd, data)  # type: ignore[misc]  # mypy sees no system in this class's import


@contextmanager
def as_they_were() -> Iterator[None]:
    """Leave stdin and stdout blocking or not, as they were: other processes may share them."""
    were = [(fd, os.get_blocking(fd)) for fd in (STDIN, STDOUT)]
    try:
        yield
    finally:
        for fd, blocking in were:
            with suppress(OSError):
                os.set_blocking(fd, blocking)


def reader_left() -> bool:
    """Return whether a stdout that takes no more was left by its reader, as by `head`; a file is full instead."""
    kind = os.fstat(STDOUT).st_mode
    return stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)
