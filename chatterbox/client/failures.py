"""A reason is why a connection ended, or never was, in words that fit into one line.

It knows twisted's failures; who tells whom, and what follows, is not known here.
"""

from __future__ import annotations

import os

from twisted.internet import error
from twisted.python.failure import Failure

from ..wire.text import clean_text

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (error.ConnectionRefusedError, "connection refused"),
    (error.TimeoutError, "no answer"),
    (error.DNSLookupError, "no such host"),
    (error.ConnectionDone, "the hub closed the connection"),
    (error.ConnectionLost, "the connection broke"),
)


def sentence(reason: Failure) -> str:
    """Return why, in a few words: ours, the system's, or the fault's own."""
    fault = reason.value
    for kind, words in _REASONS:
        if isinstance(fault, kind):
            return words
    number = getattr(fault, "osError", None) or getattr(fault, "errno", None)
    return clean_text(os.strerror(number) if isinstance(number, int) else str(fault) or type(fault).__name__)
