"""A breath is what one end says while the news is on its way that its partner has left: a pipe doesn't stop at once.

It is said to nobody, counted, and told when the breath is over. A breath does not know who hears or speaks.
"""

from __future__ import annotations

from collections.abc import Callable

from ..wire.dialects import Message, undelivered
from .timers import Timers

PAUSE = 0.1
"""Seconds without much to read that end a breath: by then the news is there."""


class Breath:
    """What goes on being said to a partner that has left.

    Args:
        name: what the partner was called.
        why: the word for which it left.
        timers: know when the breath is over.
        when_over: called then, or by `Connection.close`.
    """

    __slots__ = ("_name", "_timers", "_when_over", "_why", "lines")

    def __init__(self, name: str, why: str, timers: Timers, when_over: Callable[[], None]) -> None:
        self._name = name
        self._why = why
        self.lines = 0
        """Lines that nobody has heard."""
        self._timers = timers
        self._when_over = when_over
        self.say(b"", goes_on=True)

    def say(self, block: bytes, goes_on: bool) -> None:
        """Say lines to nobody; where that is more than fingers type, the breath `goes_on`."""
        self.lines += block.count(b"\n")
        if goes_on:
            self._timers.after("breath", PAUSE, self._when_over)

    @property
    def told(self) -> Message:
        """What its speaker is told."""
        return undelivered(self._why, self.lines, self._name)
