"""A lean reactor is Twisted's own for epoll, but without a logging context for each read.

`chatterbox serve` installs it in its own process; twistd installs what its user asks for. A hub's log says by itself
whom each record is about. This module does not know what is read.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from twisted.internet.main import installReactor
from twisted.python import log

if TYPE_CHECKING:
    from twisted.internet.epollreactor import EPollReactor

FOREVER = -1
"""What epoll calls the time that it waits where nothing is due."""


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

        def doPoll(self, timeout: float | None) -> None:
            """Wait for events, at most `timeout` seconds, and handle them."""
            selectables: dict[int, Any] = self._selectables
            try:
                events = self._poller.poll(FOREVER if timeout is None else timeout, len(selectables))
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
