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
        is_sure: whether it can't have heard any of it; on a machine that died it may have.
        timers: know when the breath is over.
        when_over: called then, or by `Connection.close`.
    """

    __slots__ = ("_is_sure", "_name", "_size", "_timers", "_when_over", "_why", "lines")

    def __init__(self, name: str, why: str, is_sure: bool, timers: Timers, when_over: Callable[[], None]) -> None:
        self._name = name
        self._why = why
        self._is_sure = is_sure
        self.lines = 0
        """Lines that nobody has heard, or perhaps nobody."""
        self._size = 0
        self._timers = timers
        self._when_over = when_over
        self.say(b"", goes_on=True)

    def say(self, block: bytes, goes_on: bool) -> None:
        """Say lines to nobody; where that is more than fingers type, the breath `goes_on`."""
        self.lines += block.count(b"\n")
        self._size += len(block)
        if goes_on:
            self._timers.after("breath", PAUSE, self._when_over)

    @property
    def told(self) -> Message:
        """What its speaker is told."""
        return undelivered(self._why, self.lines, self._name, 0 if self._is_sure else self._size)
