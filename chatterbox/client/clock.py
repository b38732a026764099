"""A clock is what the client's timers follow: monotonic time, since the wall clock may jump."""

from __future__ import annotations

import time
from typing import Any


def make_monotonic(reactor: Any) -> None:
    """Let the timers of `reactor` follow the monotonic clock."""
    reactor.seconds = time.monotonic
