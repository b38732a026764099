"""A bare message is what one `recv` returns: programs of a first course on sockets know no newline, and no other end.

Both sides keep to it: the hub with such a program, and the client with such a server. This module knows bytes and how
long a silence ends a message. It does not know who sends.
"""

from __future__ import annotations

from .text import NOTICE

GAP = 0.05
"""Seconds of silence that end a message: between two of ours there is as much."""
LAST_WORD = 0.1
"""Seconds from a farewell word to a reset: after a FIN these programs spin, after a reset they end."""
MAX_MESSAGE = 1024
"""Bytes of a message: these programs call `recv(1024)`."""


def cut(line: bytes) -> tuple[bytes, bytes]:
    """Return the first message of `line`, cut between characters, and the rest; a newline at its end counts nothing.

    The rest doesn't begin as a notice does: no speaker chooses where a notice stands.
    """
    if len(line.removesuffix(b"\n")) <= MAX_MESSAGE:
        return line, b""
    end = MAX_MESSAGE - line.startswith(NOTICE, MAX_MESSAGE)
    while line[end] & 0xC0 == 0x80:
        end -= 1
    return line[:end], line[end:]
