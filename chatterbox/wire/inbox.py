"""An inbox is how far one end has heard the others, and shown what they said: it takes each line once, and in order.

It does not know links or names; moments in time are handed to it.

| call of `Inbox` | when |
|---|---|
| `hear(stream, thing)` | something numbered has come; returns what of it is new, and how many lines were missed |
| `follows(stream, thing)` | likewise; takes it if it is all new and nothing is missed, and returns whether it is |
| `shown(stream, n, private, size, now)` | its lines up to `n` are displayed, and not before |
| `part(stream)` | that end has left, or this end has moved |
| `gots(now, idle)` | it may be time to acknowledge: something was shown, nothing more is to be read, it is `due` |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .numbered import Numbered
from .numbering import REMEMBERED

KIB = 1024
MOST_HEARD = 4096
"""Streams of which an inbox takes it that they are here: 1 MiB, and four times a room of a thousand."""
LAZY_BYTES = 128 * KIB
"""Bytes shown after which `got` is said at once: half of what a plain peer's speaker may be ahead."""
CROWD_BYTES = 32 * KIB
"""The same in a larger room: half of what a speaker may be ahead there, so that it never waits for a lazy `got`."""
LAZY_SECONDS = 0.1
"""Seconds that a `got` may wait for more to be shown."""


class Got(NamedTuple):
    """An acknowledgement: this end has shown all lines of `stream` up to `n`."""

    stream: str
    n: int
    private: bool = False


class Heard(NamedTuple):
    """What is new of something numbered: the lines that weren't heard before, and how many were missed before them."""

    thing: Numbered
    missed: int = 0


@dataclass(slots=True)
class _Heard:
    """How far one stream was heard."""

    last: int = 0
    shown: int = 0


class Inbox:
    """How far one end has heard, and shown, what the others say."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, bool], _Heard] = {}
        self._left: dict[tuple[str, bool], _Heard] = {}
        """Likewise, of those who have left; the last one to leave is the last."""
        self._owing: dict[tuple[str, bool], _Heard] = {}
        """Those to whom a `got` is to be said."""
        self.owed = 0
        """Bytes that are shown, and whose speakers haven't been told so."""
        self._things = 0
        """How many things they are."""
        self._since = 0.0

    def hear(self, stream: str, thing: Numbered, now: float) -> Heard | None:
        """Take `thing` if it is the next one of `stream`, or says where the count is; else return None.

        Of a block that overlaps, the part that is new is taken; what is known already is acknowledged again.
        """
        if self.follows(stream, thing):
            return Heard(thing)
        heard, missed = self._streams[key := (stream, thing.private)], 0
        if thing.n > heard.last + 1:
            if thing.gap is None:
                return None
            missed = min(thing.gap, thing.n - 1 - heard.last)
            heard.last = thing.n - 1
        if thing.last <= heard.last:
            if thing.lines and heard.shown:
                self._owe(key, heard, now, 0)
            return Heard(thing.after(thing.lines), missed) if missed else None
        fresh = thing.after(heard.last + 1 - thing.n)
        heard.last = thing.last
        return Heard(fresh, missed + fresh.lines * (fresh.kind == "missing"))

    def follows(self, stream: str, thing: Numbered) -> bool:
        """Take `thing` whole if it is just the next one of `stream`, as nearly always; return whether it is."""
        heard = self._streams.get(key := (stream, thing.private)) or self._meet(key)
        if thing.n != heard.last + 1 or not thing.lines or thing.kind == "missing":
            return False
        heard.last += thing.lines
        return True

    def _meet(self, key: tuple[str, bool]) -> _Heard:
        heard = self._streams[key] = self._left.pop(key, _Heard())
        if len(self._streams) > MOST_HEARD:
            self.part(next(iter(self._streams))[0])
        return heard

    def part(self, stream: str) -> None:
        """Take it that `stream` has left: it is one of a few that are remembered, in case it comes again."""
        for key in ((stream, False), (stream, True)):
            if key in self._streams:
                self._left[key] = self._streams.pop(key)
        while len(self._left) > REMEMBERED:
            del self._left[forgotten := next(iter(self._left))]
            self._owing.pop(forgotten, _Heard())

    def _of(self, key: tuple[str, bool]) -> _Heard:
        return self._streams.get(key) or self._left.get(key) or _Heard()

    def shown(self, stream: str, n: int, private: bool, size: int, now: float) -> None:
        """Lines of `stream` up to `n`, of `size` bytes, are displayed."""
        heard = self._of(key := (stream, private))
        if n <= heard.last:
            heard.shown = max(heard.shown, n)
            self._owe(key, heard, now, size)

    def shown_of(self, stream: str) -> int:
        """Return how far `stream` is shown."""
        return self._of((stream, False)).shown

    @property
    def due(self) -> float | None:
        """When the next `got` is to be said, at the latest; None: nothing was shown since the last one."""
        return self._since + LAZY_SECONDS if self._owing else None

    def gots(self, now: float, idle: bool = False, enough: int = LAZY_BYTES, least: int = 1) -> list[Got]:
        """Return what to acknowledge now.

        Args:
            now: the moment.
            idle: whether nothing more is to be read, or this end is about to leave.
            enough: bytes after which `got` is said at once.
            least: the fewest things of which it is said so.
        """
        is_much = self.owed >= enough and self._things >= least
        if not self._owing or not (idle or is_much or now >= self._since + LAZY_SECONDS):
            return []
        owing, self._owing, self.owed, self._things = self._owing, {}, 0, 0
        return [Got(stream, heard.shown, private) for (stream, private), heard in owing.items()]

    def _owe(self, key: tuple[str, bool], heard: _Heard, now: float, size: int) -> None:
        if not self._owing:
            self._since = now
        self._owing[key] = heard
        self.owed += size
        self._things += 1
