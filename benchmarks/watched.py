"""A watched hub is `chatterbox serve` with a clock on each call of its reactor.

    python -m benchmarks.watched REPORT 5000 --mode room

Each call of 5 ms of processor time or more becomes a line of the file REPORT: its milliseconds, and what was called. At
the end the longest call of each kind follows. This module does not know what was sent.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TextIO

from chatterbox import cli
from chatterbox.edges import reactor as lean

MOST = 0.005
"""Seconds of processor time that one call may take (docs/security.md)."""
LONGEST = "longest"
"""The first word of a line of the report that says how long a kind of call took at most."""


class Watch:
    """The clock on each call.

    Args:
        report: where calls that are too long are written.
    """

    def __init__(self, report: TextIO) -> None:
        self._report = report
        self._longest: dict[str, float] = {}

    def call(self, kind: str, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Make one call, and note how long it took."""
        start = time.thread_time()
        try:
            return function(*args, **options)
        finally:
            took = time.thread_time() - start
            self._longest[kind] = max(took, self._longest.get(kind, 0.0))
            if took >= MOST:
                print(f"{took * 1000:.1f} {kind}", file=self._report, flush=True)

    def finish(self) -> None:
        """Write the longest call of each kind."""
        for kind, took in sorted(self._longest.items(), key=lambda row: -row[1]):
            print(f"{LONGEST} {took * 1000:.2f} {kind}", file=self._report, flush=True)


def _name(call: Any) -> str:
    """Return what a function is called, through what is wrapped around it."""
    while isinstance(call, partial):
        call = call.func
    return str(getattr(call, "__qualname__", type(call).__name__))


def make_watched(watch: Watch, make: Callable[[], Any]) -> Any:
    """Return a reactor as the hub's own, all of whose calls are watched."""
    reactor = make()

    class Watched(type(reactor)):  # type: ignore[misc]  # made where the system has epoll
        """Wraps what is to be called when it is handed over."""

        def addReader(self, reader: Any) -> None:
            self._wrap(reader, "doRead")
            super().addReader(reader)

        def addWriter(self, writer: Any) -> None:
            self._wrap(writer, "doWrite")
            super().addWriter(writer)

        def _wrap(self, selectable: Any, name: str) -> None:
            if f"watched {name}" not in vars(selectable):
                vars(selectable)[f"watched {name}"] = True
                kind = f"{type(selectable).__name__}.{name}"
                vars(selectable)[name] = partial(watch.call, kind, getattr(selectable, name))

        def callLater(self, delay: float, function: Callable[..., object], *args: object, **options: object) -> Any:
            return super().callLater(delay, partial(watch.call, _name(function), function), *args, **options)

    reactor.__class__ = Watched
    return reactor


def main() -> int:
    """Run a hub that is watched, until it is told to stop."""
    with open(sys.argv[1], "w") as report:
        watch = Watch(report)
        lean.make_reactor = partial(make_watched, watch, lean.make_reactor)
        status = cli.serve(sys.argv[2:])
        watch.finish()
    return status


if __name__ == "__main__":
    sys.exit(main())
