"""A bare peer is a program that sends no newline and takes one `recv` for one message (`--bare`).

Most programs written for a first course on sockets do so. This module sends messages to such a program one by one, with
silence between them. It does not know what the messages say; `Bare` in `dialects` does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..limits import Limits
from ..wire.bare import GAP, LAST_WORD, cut
from .outlet import Hearer, LinkState, Outlet, Transport
from .timers import Later

MANY = 32
"""Messages that wait for a bare peer at which its speakers are paused: with what is said at once (8 lines of at most 5
messages each) all of it leaves within 5 s when the hub hangs up."""


def make_outlet(
    hearer: Hearer,
    transport: Transport,
    limits: Limits,
    is_pair: bool,
    knows_lines: bool,
    later: Later,
    link_state: Callable[[], LinkState],
) -> Outlet:
    """Return the outlet of a new connection, with the bounds of a pair's or a larger room's hearer."""
    bounds = limits.high_water, limits.max_pair_queue if is_pair else limits.max_queue
    if knows_lines:
        return Outlet(hearer, transport, *bounds, link_state)
    return BareOutlet(hearer, transport, *bounds, later, link_state)


class BareOutlet(Outlet):
    """An outlet whose messages leave one by one, without their newlines, until its peer turns out to know lines."""

    __slots__ = ("_blocked", "_gap", "_later", "bare")

    def __init__(
        self,
        hearer: Hearer,
        transport: Transport,
        high_water: int,
        bound: int,
        later: Later,
        link_state: Callable[[], LinkState] = LinkState,
    ) -> None:
        super().__init__(hearer, transport, high_water, bound, link_state)
        self._later = later
        self._blocked = False
        self._gap = False
        """Whether a message has just left."""
        self.bare = True
        """Whether no newline was seen from this peer."""

    def write(self, data: bytes) -> None:
        """Queue each line of `data` as a message; its newline waits with it, in case this peer turns out to know it."""
        if not self.bare:
            super().write(data)
            return
        *lines, last = data.split(b"\n")
        for line in (*(line + b"\n" for line in lines if line), last):
            while line:
                message, line = cut(line)
                self.written += len(message)
                self._enqueue(message)

    def _put(self, queue: deque[bytes], data: bytes) -> None:
        """Queue `data` as a message of its own."""
        if self.bare:
            queue.append(data)
        else:
            super()._put(queue, data)

    def _is_much(self) -> bool:
        """A message takes its time, however short it is."""
        return super()._is_much() or (self.bare and len(self._queue or ()) > MANY)

    def pause(self) -> None:
        """The transport has enough for now."""
        self._blocked = True
        super().pause()

    def resume(self) -> None:
        """The transport has sent all it had."""
        self._blocked = False
        if not self._gap:
            super().resume()

    def _drain(self) -> None:
        if not self.bare:
            super()._drain()
        elif self._queue and not self.paused:
            message = self._queue.popleft()
            self.queued -= len(message)
            self.paused = self._gap = True
            self._later(GAP, self._gap_over)
            self.transport.write(message.removesuffix(b"\n"))

    def _gap_over(self) -> None:
        self._gap = False
        if not self._blocked:
            self.resume()

    def close(self) -> float:
        """Return the seconds until the last message that waits has left, and time for the last word after it."""
        if not self.bare:
            return super().close()
        waiting = len(self._queue) if self._queue else 0
        return GAP * (waiting + 1 if self.paused else waiting) + LAST_WORD

    def speak_lines(self) -> None:
        """The peer has sent a newline: from now on it gets lines, as they come."""
        self.bare = False


def without_label(block: bytes, name: str) -> bytes:
    """Take away the `ann: ` that a bare client puts in front itself: it isn't doubled (seeds, `--bare`, 3)."""
    return block.removeprefix(f"{name}: ".encode())
