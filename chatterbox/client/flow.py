"""A flow is how a transport tells its writer to wait: two functions, one to pause and one to go on.

It does not know what is written.
"""

from __future__ import annotations

from collections.abc import Callable

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
