"""Framing makes WebSocket frames of lines: one text frame a line (RFC 6455, 5.2), once for all who are sent the same.

It does not know who is sent them, or what a line means.
"""

from __future__ import annotations

import struct

TEXT = 0x81
"""The first byte of a frame of text that is a whole message."""
SHORT, MIDDLE = 126, 65_536
"""Bytes of a payload from which on its size takes two bytes more, and eight."""
_SHORT = tuple(bytes((TEXT, size)) for size in range(SHORT))
_MIDDLE = struct.Struct("!BBH")
_LONG = struct.Struct("!BBQ")


class Framing:
    """Frames for the browsers of one hub, of which the last are kept: all in a room are sent the same, one by one."""

    __slots__ = ("_frames", "_lines")

    def __init__(self) -> None:
        self._lines = self._frames = b""

    def of(self, lines: bytes) -> bytes:
        """Return whole `lines`, one a frame."""
        if lines is not self._lines:
            self._lines, self._frames = lines, b"".join([_head(len(line)) + line for line in lines.split(b"\n")[:-1]])
        return self._frames


def _head(size: int) -> bytes:
    """Return what stands before a payload of `size` bytes, which a server doesn't mask."""
    if size < SHORT:
        return _SHORT[size]
    return _MIDDLE.pack(TEXT, 126, size) if size < MIDDLE else _LONG.pack(TEXT, 127, size)
