"""A timer is one thing to be done later for one connection, by name; an idle connection has none.

It does not know what is done, or what a reactor is: a function that calls later is handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol


class Delayed(Protocol):
    """A call that is to come, as `reactor.callLater` returns it."""

    def cancel(self) -> None:
        """Forget the call."""


class Owner(Protocol):
    """Whose timers they are."""

    def abort(self) -> None:
        """Close the connection at once."""


Later = Callable[[float, Callable[[], None]], Delayed]
"""Calls a function after so many seconds, as `reactor.callLater` does."""


class Timers:
    """The timers of one connection.

    Args:
        later: calls a function after so many seconds.
        owner: aborted when what was to be done raises; the fault goes on to the reactor, which logs it.
    """

    __slots__ = ("_calls", "_later", "_owner")

    def __init__(self, later: Later, owner: Owner) -> None:
        self._later = later
        self._owner = owner
        self._calls: dict[str, Delayed] | None = None

    def after(self, what: str, seconds: float, call: Callable[[], None]) -> None:
        """Do one thing once, later; a second call for the same name replaces the first."""

        def due() -> None:
            self._forget(what)
            try:
                call()
            except BaseException:
                self._owner.abort()
                raise

        if self._calls:
            self.cancel(what)
        if self._calls is None:
            self._calls = {}
        self._calls[what] = self._later(seconds, due)

    def wait_for(self, what: str) -> bool:
        """Return whether one thing is to be done yet."""
        return self._calls is not None and what in self._calls

    def when_read(self, what: str, seconds: float, call: Callable[[], None]) -> None:
        """Do one thing later, but not before what has come until then is read.

        A reactor that was held up runs what is due before it reads its sockets; one more turn, and it has.
        """
        self.after(what, seconds, partial(self.after, what, 0, call))

    def cancel(self, what: str) -> None:
        """Cancel the timer `what`, if it runs."""
        if self._calls and (call := self._forget(what)):
            call.cancel()

    def cancel_all(self) -> None:
        """Cancel every timer."""
        for what in tuple(self._calls or ()):
            self.cancel(what)

    def _forget(self, what: str) -> Delayed | None:
        call = self._calls.pop(what, None) if self._calls else None
        if not self._calls:
            self._calls = None
        return call
