"""A failure is why a connection ended or was never made, in words that fit into one line.

This module knows Twisted's failures. It does not know whom they are told, or what follows.
"""

from __future__ import annotations

import os

from twisted.internet import error
from twisted.python.failure import Failure

from ..wire.text import clean_text

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (error.ConnectionRefusedError, "connection refused"),
    (error.TimeoutError, "no answer"),
    (error.DNSLookupError, "no such host"),
    (error.ConnectionDone, "the hub closed the connection"),
    (error.ConnectionLost, "the connection broke"),
)


def failure_text(failure: Failure) -> str:
    """Return the reason in a few words: ours, the system's, or the exception's own."""
    fault = failure.value
    for kind, words in _WORDS:
        if isinstance(fault, kind):
            return words
    number = getattr(fault, "osError", None) or getattr(fault, "errno", None)
    return clean_text(os.strerror(number) if isinstance(number, int) else str(fault) or type(fault).__name__)
