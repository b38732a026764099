"""An outlet is the way to one hearer: a transport, and a bounded queue for what the transport doesn't take.

Twisted's `transport.write` never refuses and never stops buffering; so an outlet stops writing when its transport
asks for it, counts what waits, and says when that is too much. It does not know who hears, or what to do about a
slow one.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from ..core.events import Member, Undelivered
from .receipts import Receipts

CHUNK = 64 * 1024
"""Bytes of small things that leave the queue together; a block leaves whole, so one is buffered below the queue."""


GRAIN = 1024
"""Bytes up to which what is queued becomes one object with what follows: a line of one byte takes 40 more."""


class LinkState(NamedTuple):
    """What the system knows of a link: bytes handed over and not acknowledged, and whether it is broken."""

    unacknowledged: int = 0
    is_broken: bool = False
    outages: int = 0
    """How often the way to another machine's people was lost, or came back: an odd number while it is lost."""

    @property
    def is_cut_off(self) -> bool:
        """Whether nothing can come or go, which is not the other end's fault."""
        return self.outages % 2 == 1


class Transport(Protocol):
    """What the core needs of a connection; TCP, TLS, unix sockets, StandardIO and StringTransport all have it."""

    def write(self, data: bytes) -> None:
        """Send `data`, in order, some time."""

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send all of `data`, as if it were one."""

    def unregisterProducer(self) -> None:
        """Nobody waits for this transport to take more."""

    def loseConnection(self) -> None:
        """Close when everything written is sent."""

    def pauseProducing(self) -> None:
        """Stop reading."""

    def resumeProducing(self) -> None:
        """Go on reading."""


def abort(transport: Transport) -> None:
    """Close a connection at once; StandardIO knows no such thing, and closes."""
    getattr(transport, "abortConnection", transport.loseConnection)()


class Hearer(Protocol):
    """Who is told how an outlet fares; each call may end the connection."""

    def is_full(self) -> None:
        """More waits than the high-water mark."""

    def is_over(self) -> None:
        """More waits than the bound."""

    def is_drained(self) -> None:
        """Nothing waits any more, after it was full."""


class Outlet:
    """Bytes on their way to one hearer, in order; its hearer is told when too many wait.

    Args:
        hearer: who is told.
        transport: where the bytes go.
        high_water: queued bytes beyond which the hearer is told `is_full`, once, until all is drained.
        bound: queued bytes beyond which the hearer is told `is_over`; 0: none.
        link_state: returns what the system knows of the link.
    """

    __slots__ = (
        "_receipts",
        "link_state",
        "_bound",
        "_closing",
        "_high_water",
        "_hearer",
        "_queue",
        "full",
        "is_lost",
        "paused",
        "queued",
        "transport",
        "written",
    )

    def __init__(
        self,
        hearer: Hearer,
        transport: Transport,
        high_water: int,
        bound: int,
        link_state: Callable[[], LinkState] = LinkState,
    ) -> None:
        self.link_state = link_state
        self._receipts: Receipts | None = None
        self.transport = transport
        self.queued = 0
        self.written = 0
        """Bytes that were ever to be sent."""
        self.paused = False
        self.full = False
        self._hearer = hearer
        self._high_water = high_water
        self._bound = bound
        self._queue: deque[bytes] | None = None
        self._closing = False
        self.is_lost = False
        """Whether the link is gone."""

    def write(self, data: bytes) -> None:
        """Hand `data` to the transport, or queue it while that is full."""
        self.written += len(data)
        if self.paused:
            self._enqueue(data)
        else:
            self.transport.write(data)

    def write_both(self, head: bytes, block: bytes) -> None:
        """Send `head` and `block`, in order; what the system takes of them isn't copied."""
        self.written += len(head) + len(block)
        if self.paused:
            self._enqueue(head, block)
        else:
            self.transport.writeSequence((head, block))

    def write_from(self, speaker: Member, data: bytes) -> None:
        """Send `data`, which are `speaker`'s words, and take note whose they are."""
        self.write(data)
        if self._receipts is None:
            self._receipts = Receipts()
        if self._receipts.note(speaker, data, self.written):
            self._receipts.tidy(self.acknowledged())

    def acknowledged(self) -> int:
        """Return how many of the written bytes are acknowledged; if the system doesn't tell, how many left the hub."""
        return self.written - self.queued - self.link_state().unacknowledged

    @property
    def owes(self) -> bool:
        """Whether words are not acknowledged."""
        return bool(self._receipts) and self.acknowledged() < self.written

    def settle(self, why: str, leaver: Member | None = None) -> tuple[Undelivered, ...]:
        """Return what speakers are to be told when the hearer leaves for `why`.

        All that hasn't arrived, if the link is gone, or if the hearer takes nothing (`slow`). Else it may arrive yet,
        and is told when the link is gone; but who has finished, or is the `leaver`, ends now, and won't hear of that.
        """
        if not self._receipts or (why == "moved" and not self.is_lost):
            return ()
        sent = self.written - (self.queued if self.is_lost else 0)
        only_ending = not self.is_lost and why != "slow"
        return self._receipts.settle(self.acknowledged(), sent, only_ending, leaver)

    def _enqueue(self, *parts: bytes) -> None:
        if self._queue is None:
            self._queue = deque()
        for data in parts:
            self._put(self._queue, data)
            self.queued += len(data)
        if not self.paused:
            self._drain()
        if not self.full and self._is_much():
            self.full = True
            self._hearer.is_full()
        if self._bound and self.queued > self._bound:
            self._hearer.is_over()

    def _put(self, queue: deque[bytes], data: bytes) -> None:
        """Queue `data`, small ones as one object."""
        if queue and len(queue[-1]) + len(data) <= GRAIN:
            queue[-1] += data
        else:
            queue.append(data)

    def _is_much(self) -> bool:
        return self.queued > self._high_water

    def pause(self) -> None:
        """The transport has enough for now."""
        self.paused = True

    def resume(self) -> None:
        """The transport has sent all it had."""
        self.paused = False
        self._drain()
        if self.queued or self.paused:
            return
        if self._closing:
            self._hang_up()
        elif self.full:
            self.full = False
            self._hearer.is_drained()

    def _drain(self) -> None:
        """Hand on what is queued, small things together, until the transport says stop."""
        queue = self._queue
        while queue and not self.paused:
            parts = [queue.popleft()]
            size = len(parts[0])
            while queue and (size <= GRAIN or size + len(queue[0]) <= CHUNK):
                parts.append(queue.popleft())
                size += len(parts[-1])
            self.queued -= size
            self.transport.writeSequence(parts)
        if not queue:
            self._queue = None

    def close(self) -> float:
        """Close the connection when everything written is sent; return the seconds that may take: any number."""
        self._closing = True
        if not self.queued:
            self._hang_up()
        return math.inf

    def speak_lines(self) -> None:
        """The peer knows lines, as this outlet took it."""

    def _hang_up(self) -> None:
        """Close: a transport does so only when nobody may write to it any more."""
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def discard(self) -> None:
        """Forget what waits: nobody will hear it."""
        self._queue = None
        self.queued = 0
