"""A flow is how a transport tells its writer to wait, and a gate joins several of them for one producer.

This module does not know what is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class Flow:
    """The producer to register at a transport."""

    def __init__(self, on_pause: Callable[[], None], on_resume: Callable[[], None]) -> None:
        self.pauseProducing = on_pause
        self.resumeProducing = on_resume

    def stopProducing(self) -> None:
        """Ignore the end of the connection: `connectionLost` tells it."""


class Gate:
    """Pauses one producer while anybody holds it."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._holders: set[str] = set()

    def hold(self, holder: str) -> None:
        """Pause the producer."""
        if not self._holders:
            self._producer.pauseProducing()
        self._holders.add(holder)

    def release(self, holder: str) -> None:
        """Let the producer go on, unless somebody else holds it."""
        if holder in self._holders:
            self._holders.remove(holder)
            if not self._holders:
                self._producer.resumeProducing()
