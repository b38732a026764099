"""A flight is what one session has said to its partner and that one has not got: bounded, whoever the client is.

A client of ours stops by itself at the bound. It knows numbers and sizes, and no lines.
"""

from __future__ import annotations

from collections import deque

from ..wire.numbered import Numbered

MANY = 1024
"""Blocks from which on small ones count as one, which is got with its last line: 600,000 empty lines took 90 MB."""
GRAIN = 1024
"""Bytes up to which they are small."""


class Flight:
    """Lines of one speaker that are on their way to one end."""

    __slots__ = ("_last", "_parts", "_to", "size")

    def __init__(self) -> None:
        self.size = 0
        """Bytes that are said and not got."""
        self._to = ""
        self._last = 0
        self._parts: deque[tuple[int, int]] = deque()
        """For each block its last number, and its bytes."""

    def said(self, thing: Numbered) -> None:
        """Count what of `thing` is no repeat."""
        self._turn_to(thing.to)
        if thing.last > self._last:
            size = len(thing.after(max(0, self._last + 1 - thing.n)).block)
            self._last = thing.last
            self.size += size
            if len(self._parts) >= MANY and self._parts[-1][1] + size <= GRAIN:
                size += self._parts.pop()[1]
            self._parts.append((thing.last, size))

    def got(self, stream: str, n: int) -> None:
        """Take it that the end `stream` has shown the lines up to `n`, also if they are said again only later."""
        self._turn_to(stream)
        self._last = max(self._last, n)
        while self._parts and self._parts[0][0] <= n:
            self.size -= self._parts.popleft()[1]

    def _turn_to(self, stream: str) -> None:
        if stream != self._to:
            self._to, self._last, self.size = stream, 0, 0
            self._parts.clear()
