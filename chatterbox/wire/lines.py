"""A line is what one end says at once: bytes up to a newline, however the packets cut them.

This module finds whole lines and refuses long ones. It does not know what a line means, or who says it.
"""

from __future__ import annotations

from collections.abc import Iterator

from .verbs import Fault


def within(block: bytes, limit: int, spare: int = 0) -> Iterator[bytes | Fault]:
    """Yield the lines of `block` that have at most `limit` and `spare` bytes, and a Fault in place of each longer one.

    A line is never cut and never partly delivered. Where every line fits, the very same object comes out.
    """
    if fit(block, limit + spare):
        if block:
            yield block
        return
    start = good = 0
    while start < len(block):
        newline = block.rfind(b"\n", start, start + limit + spare + 1)
        if newline < 0:
            newline = block.index(b"\n", start)
            if good < start:
                yield block[good:start]
            yield too_long(newline - start, limit)
            good = newline + 1
        start = newline + 1
    if good < len(block):
        yield block[good:]


def fit(block: bytes, limit: int) -> bool:
    """Return whether each line of `block` has at most `limit` bytes, in jumps of as many."""
    start, size = 0, len(block)
    while size - start > limit + 1:
        start = block.rfind(b"\n", start, start + limit + 1) + 1
        if not start:
            return False
    return True


def too_long(size: int, limit: int) -> Fault:
    """Return the fault of a line of `size` bytes where `limit` are allowed."""
    return Fault("long", f"line too long ({size} > {limit} bytes), not sent")


def first_lines(block: bytes, most: int) -> bytes:
    """Return the first lines of `block`: at least one, at most `most`, and not far fewer where there are as many."""
    while (lines := block.count(b"\n")) > most:
        newline = block.rfind(b"\n", 0, len(block) * most // lines)
        block = block[: newline + 1] if newline >= 0 else block[: block.index(b"\n") + 1]
    return block


class Lines:
    """The whole lines of a stream that comes in pieces."""

    LIMIT = 1024 * 1024
    """Bytes without a newline that a client keeps; the longest object of a hub (who is here) is far shorter."""

    __slots__ = ("tail",)

    def __init__(self) -> None:
        self.tail: bytearray | bytes = b""
        """What has come since the last newline; only `Lines` changes it."""

    def feed(self, data: bytes) -> bytes:
        """Return the lines that `data` completes, as one block."""
        end = data.rfind(b"\n") + 1
        if not end:
            if data:
                self.tail = bytearray(self.tail) if isinstance(self.tail, bytes) else self.tail
                self.tail += data
            return b""
        block = b"".join((self.tail, memoryview(data)[:end])) if self.tail else data[:end]
        self.tail = data[end:]
        return block

    def last(self) -> bytes:
        """Return what has come since the last newline, as the line that it counts as at the end."""
        tail, self.tail = bytes(self.tail), b""
        return tail and tail + b"\n"

    @property
    def overlong(self) -> bool:
        """Whether more has come without a newline than a client keeps."""
        return len(self.tail) > self.LIMIT


class Body:
    """So many bytes of whole lines, which come in pieces."""

    MOST_PIECES = 64
    """Pieces that are kept apart, so that each is copied once; more of them would weigh more than their bytes."""

    __slots__ = ("kept", "left", "pieces")

    def __init__(self) -> None:
        self.left = 0
        """Bytes of it that haven't come; 0: an object comes next."""
        self.kept = 0
        """Bytes of it that have come, and wait."""
        self.pieces: tuple[bytes | memoryview, ...] = ()
        """What has come of it."""

    def take(self, lines: bytes, start: int) -> int:
        """Take what belongs to it of `lines`, from `start` on; return where that ends."""
        end = min(len(lines), start + self.left)
        is_whole = not start and end == len(lines)
        self.pieces += (lines if is_whole else memoryview(lines)[start:end],)
        if len(self.pieces) > self.MOST_PIECES:
            self.pieces = (b"".join(self.pieces),)
        self.kept += end - start
        self.left -= end - start
        return end

    def release(self) -> bytes:
        """Return what waits."""
        block = b"".join(self.pieces)
        self.pieces, self.kept = (), 0
        return block
