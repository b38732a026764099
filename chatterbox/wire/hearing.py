"""A hearing is what one end has heard: taken in order, waiting to be shown, acknowledged when it is.

It knows streams and numbers, and neither links nor rooms.
"""

from __future__ import annotations

from collections import deque

from .inbox import CROWD_BYTES, MOST_HEARD, Got, Heard, Inbox
from .lane import BLOCK_COST
from .numbered import Numbered

UNREAD_LIMIT = 256 * 1024
"""Bytes that wait to be shown, at which the link isn't read."""


class Hearing:
    """What was heard, and how far it is shown.

    Args:
        limit: bytes that may wait to be shown before no more is read.
    """

    def __init__(self, limit: int = UNREAD_LIMIT) -> None:
        self._limit = limit
        self.unread = 0
        """Bytes that wait to be shown, and as many for each thing as its object takes."""
        self.held = False
        """Whether its owner wants nothing read, for a reason of its own."""
        self.inbox = Inbox()
        self._unshown: deque[Numbered] = deque()
        self._speakers: deque[str] = deque()
        """The stream of each of those: two queues make no object that a garbage collector looks at."""
        self._finished: dict[str, None] = {}
        """Streams whose last word (`done`) is shown."""
        self._lossy: dict[str, None] = {}
        """Streams of which lines were missed."""

    @property
    def reading(self) -> bool:
        """Whether more should be read."""
        return self.unread < self._limit and not self.held

    @property
    def waits(self) -> bool:
        """Whether anything waits to be shown."""
        return bool(self._unshown)

    def take_next(self, stream: str, thing: Numbered) -> bool:
        """Take the whole of `thing` if it is just the next one of `stream`; return whether it is."""
        if not self.inbox.follows(stream, thing):
            return False
        self._unshown.append(thing)
        self._speakers.append(stream)
        self.unread += len(thing.block) + BLOCK_COST
        return True

    def take(self, stream: str, thing: Numbered, now: float) -> Heard | None:
        """Take `thing`, or what is new of it; it counts as heard when it is `shown`."""
        if self.take_next(stream, thing):
            return Heard(thing)
        heard = self.inbox.hear(stream, thing, now)
        if heard is None:
            return None
        if heard.missed:
            _note(self._lossy, stream)
        thing = heard.thing
        if thing.lines:
            self._unshown.append(thing)
            self._speakers.append(stream)
            self.unread += len(thing.block) + BLOCK_COST
            if thing.kind == "missing":
                self._pass_missing(now)
        return heard

    def shown(self, count: int, now: float) -> None:
        """The oldest `count` things that were to be displayed are."""
        for _ in range(min(count, len(self._unshown))):
            self._show(now)
            self._pass_missing(now)

    def _show(self, now: float) -> None:
        stream, thing = self._speakers.popleft(), self._unshown.popleft()
        self.unread -= len(thing.block) + BLOCK_COST
        self.inbox.shown(stream, thing.last, thing.private, len(thing.block), now)
        if thing.kind == "done":
            _note(self._finished, stream)

    def _pass_missing(self, now: float) -> None:
        """What the hub dropped has nothing to show: it counts as shown as soon as what came before it is."""
        while self._unshown and self._unshown[0].kind == "missing":
            self._show(now)

    def gots(self, now: float, idle: bool, pair: bool = False) -> list[Got]:
        """Return what to acknowledge now; in a `pair` one `got` is enough for two blocks, which may be ahead there."""
        return self.inbox.gots(now, idle, least=2) if pair else self.inbox.gots(now, idle, CROWD_BYTES)

    def finish(self, stream: str) -> None:
        """`stream` has left, and knew by then that all it had said is shown here."""
        _note(self._finished, stream)

    def all_of(self, stream: str) -> bool:
        """Whether `stream` has said all, and that is shown."""
        return stream in self._finished

    def whole(self, stream: str) -> bool:
        """Whether no line of `stream` was missed."""
        return stream not in self._lossy

    def forget(self) -> None:
        """This end is in another room: who spoke in the last one is another conversation."""
        self._finished.clear()
        self._lossy.clear()


def _note(streams: dict[str, None], stream: str) -> None:
    """Remember one stream more; the oldest of too many is forgotten."""
    streams[stream] = None
    if len(streams) > MOST_HEARD:
        del streams[next(iter(streams))]
