"""A stream is an endless row of numbered lines of one size: as it is said, and as it must arrive.

It knows bytes only: no socket, no relay, no time. Checking a chunk is one comparison of memory, so that the check
costs less than what it checks.
"""

from __future__ import annotations

import string
from functools import lru_cache

PERIOD = 2 * 1024 * 1024
"""Bytes after which the numbers begin again, about: more than is ever on its way at once."""
SLICE = 256 * 1024
"""Bytes said or checked at once, at most."""

_FILLERS = {
    "ascii": (string.ascii_letters + string.digits).encode() * 200,
    "zh": "茶话".encode() * 2000,
    "fr": "l’été".encode() * 2000,
}
"""What lines are filled with: ASCII, Chinese (three bytes a character), French (one, two and three)."""


class Damage(Exception):
    """What arrived is not what was said."""


def numbered(source: int, number: int, size: int, ending: bytes = b"\n", text: str = "ascii") -> bytes:
    """Return a line of `size` bytes (14 at least), its `ending` counted as one; no line holds `<`, `/` or `!`.

    The characters of `text` are whole; dots fill the line where none fits any more.
    """
    head = b"~%04x%08x" % (source, number)
    filler = _FILLERS[text][: size - 1 - len(head)].decode(errors="ignore").encode()
    return (head + filler).ljust(size - 1, b".") + ending


@lru_cache(maxsize=8)
def stream(size: int, label: bytes = b"", ending: bytes = b"\n", text: str = "ascii") -> tuple[bytes, int]:
    """Return a period of lines with `label` before each, then its beginning once more (a SLICE), and the period."""
    once = b"".join(label + numbered(1, number, size, ending, text) for number in range(PERIOD // size))
    return once + once[:SLICE], len(once)


class Check:
    """Takes what arrives, in chunks of any size, and counts its lines.

    Args:
        size: bytes of a line, without its label.
        label: what the relay puts before each line.
        loose: the relay puts the label before chunks, wherever they begin; then it is taken out.
        text: what the lines are made of.
    """

    def __init__(
        self, size: int, label: bytes = b"", ending: bytes = b"\n", loose: bool = False, text: str = "ascii"
    ) -> None:
        self._expected, self._period = stream(size, b"" if loose else label, ending, text)
        self._size = len(numbered(1, 0, size, ending)) + (0 if loose else len(label))
        self._label = label if loose else b""
        self._kept = b""
        self._total = 0

    @property
    def lines(self) -> int:
        """Whole lines that have arrived."""
        return self._total // self._size

    def take(self, data: memoryview | bytes) -> None:
        """Compare `data`, at most a SLICE, with what must come next.

        Raises:
            Damage: a line was lost, changed, repeated or moved.
        """
        if self._label:
            data = self._without_label(bytes(data))
        if not self._expected.startswith(data, self._total % self._period):
            raise Damage(f"line {self.lines} or one after it is not as it was said: {bytes(data[:80])!r}")
        self._total += len(data)

    def _without_label(self, data: bytes) -> bytes:
        """Return `data` without labels; one whose end hasn't come yet is kept."""
        data = (self._kept + data).replace(self._label, b"")
        at = data.rfind(b"<")
        if at < 0:
            at = len(data)
        self._kept = data[at:]
        return data[:at]
