"""A link is the way to one other node: numbered payloads, each kept until that node has it.

A payload is all that is said to one node in one reactor turn; what is said to all of them in that turn is one POST,
which happens as a whole or not at all. Receivers take payloads in order and once; senders repeat what they keep
(go-back-N), so nothing is lost if the engine forgets. A link knows nodes and frames, not rooms or people.
"""

from __future__ import annotations

import struct
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol

from .engine import FENCED, Delayed, Engine, Later

VERSION = 1
LAZY = 0.02
"""Seconds that an acknowledgement waits for a payload to travel with."""
TICK = 1.0
"""Seconds between two looks at what was never acknowledged."""
PATIENT, MOST_PATIENT = 2, 16
"""Ticks without progress until everything kept is repeated: at first, and at most (it doubles)."""
BURIED = 1024
"""Nodes remembered as dead: whoever was evicted and still speaks is told so."""

_HEAD = struct.Struct(">B32sIQIQ")
"""Version, sender, the link's birth, number (0: no frames), the birth of the link that is acknowledged, up to where."""
_FRAME = struct.Struct(">cII")
_COUNT = struct.Struct(">H")
_MOST_CHANNELS = 65_535
_UNKNOWN = 2**64 - 1
"""In place of an acknowledgement: your link is unknown here, I took you for dead."""
DATA, SPREAD = b"d", b"m"
"""Bytes for one channel; the same bytes for several."""


class Hearer(Protocol):
    """Who is told what comes over the links."""

    def take(self, node: str, kind: bytes, channel: int, data: bytes) -> None:
        """A frame came, in order and once."""

    def cut_off(self, node: str) -> None:
        """`node` lives, but took this one for dead and has forgotten all between the two."""

    def complete(self) -> None:
        """A POST is about to leave: whatever belongs to it has to be sent now."""

    def is_fenced(self) -> None:
        """The engine takes nothing from this node any more."""


class _Link:
    """One other node."""

    __slots__ = ("birth", "frames", "kept", "last", "last_data", "number", "owes", "patience", "their_birth", "waits")

    def __init__(self, birth: int) -> None:
        self.birth = birth
        """Grows each time that all between the two nodes was forgotten."""
        self.number = 0
        self.kept: deque[tuple[int, int]] = deque()
        """Number and serial of the post, for each payload not acknowledged."""
        self.frames: list[bytes] = []
        """What is to be said with the next post."""
        self.last_data: tuple[bytes, dict[int, None]] | None = None
        """The data that was said last, and to which channels, as long as nothing was said behind it."""
        self.their_birth = 0
        self.last = 0
        """The number of the last payload taken."""
        self.owes = False
        self.waits = self.patience = PATIENT

    def finish_data(self) -> None:
        """Make a frame, or the same frame for many, of the last data."""
        if self.last_data:
            data, channels = self.last_data[0], list(self.last_data[1])
            self.last_data = None
            for at in range(0, len(channels), _MOST_CHANNELS):
                some = channels[at : at + _MOST_CHANNELS]
                if len(some) == 1:
                    self.frames += (_FRAME.pack(DATA, some[0], len(data)), data)
                else:
                    head = _COUNT.pack(len(some)) + struct.pack(f">{len(some)}I", *some)
                    self.frames += (_FRAME.pack(SPREAD, 0, len(head) + len(data)), head, data)


class Links:
    """Every other node that this one speaks with.

    Args:
        me: this node.
        engine: what carries the payloads.
        later: call a function after so many seconds.
        hearer: told what comes.
    """

    def __init__(self, me: str, engine: Engine, later: Later, hearer: Hearer) -> None:
        self.me = me
        self.resent = self.gaps = 0
        """Payloads said again, and payloads that came out of order or twice."""
        self._engine = engine
        self._later = later
        self._hearer = hearer
        self._links: dict[str, _Link] = {}
        self._buried: OrderedDict[str, tuple[int, int]] = OrderedDict()
        """By dead node: its link's birth, and ours to it."""
        self._posts: dict[int, dict[str, bytes]] = {}
        """Payloads by node for each post that isn't acknowledged by all, in order."""
        self._serial = 0
        self._dirty: dict[str, _Link] = {}
        """Links with frames for the next post."""
        self._is_up = False
        self._timers: dict[str, Delayed] = {}

    # -- speaking ----------------------------------------------------------------------------------------------

    def send(self, node: str, kind: bytes, channel: int, data: bytes = b"", is_lazy: bool = False) -> None:
        """Say one frame to `node`, with the next post: at the end of this turn, or, if `is_lazy`, soon."""
        link = self._dirty[node] = self._link(node)
        if kind == DATA:
            if link.last_data and link.last_data[0] is data and channel not in link.last_data[1]:
                link.last_data[1][channel] = None
            else:
                link.finish_data()
                link.last_data = data, {channel: None}
        else:
            link.finish_data()
            link.frames += (_FRAME.pack(kind, channel, len(data)), data)
        self.post_soon(LAZY if is_lazy else 0)

    def post_soon(self, seconds: float = 0) -> None:
        """Post what there is to say: at the end of this turn, or after so many seconds."""
        if self._is_up and "post" not in self._timers:
            self._after("lazy" if seconds else "post", seconds, self.flush)

    def post_later(self, seconds: float) -> None:
        """Look again after so many seconds whether there is something to say."""
        if self._is_up:
            self._after("look", seconds, self.flush)

    @property
    def has_words(self) -> bool:
        """Whether the next post carries more than acknowledgements, as far as is known."""
        return bool(self._dirty)

    def flush(self) -> None:
        """Post all that is to be said, as one."""
        if self._is_up:
            self._hearer.complete()
        self._cancel("post")
        if not self._is_up:
            return
        post: dict[str, bytes] = {}
        for node, link in self._dirty.items():
            link.finish_data()
            link.number += 1
            link.kept.append((link.number, self._serial))
            post[node] = self._payload(link, link.number, link.frames)
            link.frames.clear()
        self._dirty.clear()
        if post:
            self._posts[self._serial] = post
            self._serial += 1
        acks = [(node, self._payload(link)) for node, link in self._links.items() if link.owes]
        if post or acks:
            self._engine.post(self.me, [*post.items(), *acks], self._posted)
        if self._posts:
            self._after("tick", TICK, self._tick)

    def _payload(self, link: _Link, number: int = 0, frames: Iterable[bytes] = ()) -> bytes:
        link.owes = False
        head = _HEAD.pack(VERSION, self.me.encode(), link.birth, number, link.their_birth, link.last)
        return b"".join((head, *frames))

    def _posted(self, answer: str | None) -> None:
        if answer == FENCED:
            self._hearer.is_fenced()

    def _link(self, node: str) -> _Link:
        link = self._links.get(node)
        if link is None:
            link = self._links[node] = _Link(self._buried.get(node, (0, 0))[1] + 1)
        return link

    # -- repeating ---------------------------------------------------------------------------------------------

    def is_up(self) -> None:
        """The engine can be reached again: repeat what it may have lost, then say what waited.

        Every node hears something, so that one which took us for dead meanwhile says so.
        """
        self._is_up = True
        self._repeat(list(self._posts))
        self._dirty |= self._links
        self.post_soon()

    def is_down(self) -> None:
        """The engine can't be reached: what there is to say waits."""
        self._is_up = False
        for what in tuple(self._timers):
            self._cancel(what)

    def _repeat(self, serials: list[int]) -> None:
        """Post again, in the same order and each as one, what was posted before."""
        for serial in serials:
            self.resent += len(self._posts[serial])
            self._engine.post(self.me, list(self._posts[serial].items()), self._posted)
        if self._posts:
            self._after("tick", TICK, self._tick)

    def _tick(self) -> None:
        """Repeat what one node has not acknowledged for too long."""
        for link in list(self._links.values()):
            link.waits -= bool(link.kept)
            if link.kept and link.waits <= 0:
                link.waits = link.patience = min(2 * link.patience, MOST_PATIENT)
                self._repeat([serial for _, serial in link.kept])
        if self._posts:
            self._after("tick", TICK, self._tick)

    # -- hearing -----------------------------------------------------------------------------------------------

    def heard(self, payload: bytes) -> None:
        """Take a payload, if it is the next one of its sender."""
        try:
            version, sender, birth, number, acked_birth, acked = _HEAD.unpack_from(payload)
            node = sender.rstrip(b"\0").decode()
        except (struct.error, UnicodeDecodeError):
            return
        if version != VERSION or not node:
            return
        if node in self._links and acked_birth == self._links[node].birth:
            if acked == _UNKNOWN:
                self._begin_anew(node)
                return
            self._acknowledged(node, self._links[node], acked)
        if number and not self._is_buried(node, birth, acked_birth):
            self._numbered(node, birth, number, payload)

    def _acknowledged(self, node: str, link: _Link, acked: int) -> None:
        while link.kept and link.kept[0][0] <= acked:
            _, serial = link.kept.popleft()
            del self._posts[serial][node]
            if not self._posts[serial]:
                del self._posts[serial]
            link.waits = link.patience = PATIENT

    def _is_buried(self, node: str, birth: int, acked_birth: int) -> bool:
        """Whether a payload is of a link that was buried here with `node`, which doesn't know it, and is told so.

        Where nothing of it had been heard by then, a link that has heard nothing since is taken for the old one, once.
        """
        if node not in self._buried:
            return False
        theirs, ours = self._buried[node]
        if birth > theirs and (theirs or acked_birth > ours):
            return False
        self._buried[node] = max(birth, theirs), ours
        self._engine.post(self.me, [(node, _HEAD.pack(VERSION, self.me.encode(), 0, 0, birth, _UNKNOWN))], _ignore)
        return True

    def _numbered(self, node: str, birth: int, number: int, payload: bytes) -> None:
        link = self._link(node)
        if birth < link.their_birth:
            return
        if birth > link.their_birth:
            if link.their_birth:
                self._begin_anew(node)
                link = self._link(node)
            link.their_birth, link.last = birth, 0
        link.owes = True
        self.post_soon(LAZY)
        if number != link.last + 1:
            self.gaps += 1
            return
        link.last = number
        for kind, channel, data in _frames(payload):
            self._hearer.take(node, kind, channel, data)

    def _begin_anew(self, node: str) -> None:
        """`node` took us for dead: what was between the two is gone, and the next link has a birth of its own."""
        self.bury(node)
        self._hearer.cut_off(node)

    def bury(self, node: str) -> None:
        """`node` is dead, and whatever it may still say comes too late."""
        link = self._links.pop(node, None)
        self._dirty.pop(node, None)
        if link:
            self._acknowledged(node, link, link.number)
            self._buried[node] = link.their_birth, link.birth
            self._buried.move_to_end(node)
            if len(self._buried) > BURIED:
                self._buried.popitem(last=False)

    @property
    def nodes(self) -> list[str]:
        """Every node that this one has spoken with."""
        return list(self._links)

    @property
    def kept(self) -> int:
        """Bytes that are kept until another node has them."""
        return sum(len(payload) for post in self._posts.values() for payload in post.values())

    # -- timers ------------------------------------------------------------------------------------------------

    def _after(self, what: str, seconds: float, call: Callable[[], None]) -> None:
        if what not in self._timers:
            self._timers[what] = self._later(seconds, partial(self._now, what, call))

    def _now(self, what: str, call: Callable[[], None]) -> None:
        del self._timers[what]
        call()

    def _cancel(self, what: str) -> None:
        timer = self._timers.pop(what, None)
        if timer:
            timer.cancel()


def _frames(payload: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield kind, channel and data of each frame, one for each channel where many were given the same bytes."""
    at = _HEAD.size
    while at + _FRAME.size <= len(payload):
        kind, channel, size = _FRAME.unpack_from(payload, at)
        at += _FRAME.size
        data = payload[at : at + size]
        at += size
        if kind == SPREAD and len(data) >= _COUNT.size:
            (count,) = _COUNT.unpack_from(data)
            start = _COUNT.size + 4 * count
            if len(data) >= start:
                channels = struct.unpack_from(f">{count}I", data, _COUNT.size)
                data = data[start:]
                yield from ((DATA, each, data) for each in channels)
        else:
            yield kind, channel, data


def _ignore(answer: str | None) -> None:
    """Nothing depends on this answer."""
