"""A lean reactor is Twisted's own for epoll, but without a logging context for each read, and awake while it is busy.

To fall asleep and be woken takes as long as to hand on a line. So a reactor that is woken again and again at once looks
for a moment before it sleeps, which is called busy polling; one that isn't sleeps as ever. `chatterbox serve` installs
it in its own process; twistd installs what its user asks for. A hub's log says by itself whom each record is about.
This module does not know what is read.
"""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter as clock
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.main import installReactor
from twisted.python import log

if TYPE_CHECKING:
    from twisted.internet.epollreactor import EPollReactor

FOREVER = -1
"""What epoll calls the time that it waits where nothing is due."""
MOMENT = 50e-6
"""Seconds for which it looks before it sleeps: an end that answers at once has done so within 10 to 40 µs."""
BUSY = 8
"""Times in a row that it slept for less than a moment, after which it is busy. When it has looked in vain, it counts
anew: where the other end has to wait for this very processor, that costs a ninth of a moment for each line."""


class Poller(Protocol):
    """What epoll does."""

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        """Return what comes within `timeout` seconds, FOREVER is without an end; what is there already at once."""


class BusyPolling:
    """Waits for events, and doesn't fall asleep at once while they come quickly."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._naps = 0
        """How often in a row it slept for less than a moment."""

    def wait(self, timeout: float, most: int) -> list[tuple[int, int]]:
        """Return at most so many events that come within `timeout` seconds; none if it wants to be asked again."""
        return self._look(most) if self._naps >= BUSY and timeout else self._sleep(timeout, most)

    def _look(self, most: int) -> list[tuple[int, int]]:
        poll, began = self._poller.poll, clock()
        while not (events := poll(0, most)):
            if clock() - began > MOMENT:
                self._naps = 0
                break
        return events

    def _sleep(self, timeout: float, most: int) -> list[tuple[int, int]]:
        began = clock()
        events = self._poller.poll(timeout, most)
        if timeout:
            self._naps = self._naps + 1 if clock() - began < MOMENT else 0
        return events


def install() -> None:
    """Install a lean reactor, or leave it to Twisted where the system or its own reactor isn't as we know it."""
    with suppress(ImportError, AttributeError):
        installReactor(make_reactor())


def make_reactor() -> EPollReactor:
    """Return a lean reactor.

    Raises:
        ImportError: the system has no epoll.
        AttributeError: Twisted's own reactor is made otherwise.
    """
    from select import EPOLLIN

    from twisted.internet.epollreactor import EPollReactor

    disconnect, handle = EPollReactor._disconnectSelectable, EPollReactor._doReadOrWrite

    class LeanReactor(EPollReactor):
        """Handles by itself what comes nearly always, something to read; the rest is handled as ever."""

        def __init__(self) -> None:
            EPollReactor.__init__(self)
            self.busy_polling = BusyPolling(self._poller)

        def doPoll(self, timeout: float | None) -> None:
            """Wait for events, at most `timeout` seconds, and handle them."""
            selectables: dict[int, Any] = self._selectables
            try:
                events = self.busy_polling.wait(FOREVER if timeout is None else timeout, len(selectables))
            except InterruptedError:
                return
            for fd, event in events:
                selectable = selectables.get(fd)
                if selectable is None:  # what was handled before has closed it
                    continue
                if event != EPOLLIN:
                    log.callWithLogger(selectable, handle, self, selectable, fd, event)
                    continue
                try:
                    why = selectable.doRead()
                except BaseException as fault:
                    log.err()
                    why = fault
                if why:
                    disconnect(self, selectable, why, True)

        doIteration = doPoll

    reactor = LeanReactor()
    _ = reactor._poller.poll, reactor._selectables.get
    return reactor
