"""What several machines cost: hubs on one Redis, beside one of these hubs by itself, on this machine's loopback.

    python -m benchmarks.several
    python -m benchmarks.several --rounds 5 --seconds 2

Rounds are interleaved, so ratios hold where figures don't. Beside the lines a second stands the processor time that a
line takes in all the processes: on a machine with few cores two hubs and an engine share what one hub has alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from socket import socket

from tests.harness.redis import ABSENT, Redis

from . import process
from .load import HEARERS, PAIRS, SIZE, PingPong, fan_out, lines_of, pairs, quantile
from .relays import HUB, Running

SERVE = replace(HUB, command="{python} -m chatterbox serve tcp:{port}:interface=127.0.0.1")


class Machine(Running):
    """One hub on an engine; it may put every other end on another hub.

    Args:
        redis: the engine.
        name: of the node.
        shape: what the hub is to do, a key of its relay's `shapes`.
    """

    def __init__(self, redis: Redis, name: str, shape: str = "pair") -> None:
        super().__init__(SERVE, shape, f"--engine {redis.url} --node {name}")
        self.across: list[Running] = []
        """The hubs on which ends are put in turn; none: all on this one."""
        self._own = 0
        self._turn = cycle((0,))

    def __enter__(self) -> Machine:
        super().__enter__()
        self._own = self.port
        os.sched_setaffinity(self.pid, range(os.cpu_count() or 1))
        return self

    def between(self, *hubs: Running) -> Machine:
        """Put the next ends on these hubs, in turn."""
        self._turn = cycle(hub.port for hub in hubs)
        return self

    def end(self, room: object = 0) -> socket:
        """Return a new connection to the hub whose turn it is."""
        self.port = next(self._turn)
        try:
            return super().end(room)
        finally:
            self.port = self._own


class Row:
    """One question, asked of one hub and of two.

    Args:
        title: what is asked.
        goal: what the ratio should be.
        shape: what the hubs are to do.
        measure: returns the figure.
        is_time: whether less is better.
    """

    def __init__(
        self, title: str, goal: str, shape: str, measure: Callable[[Running, float], float], is_time: bool = False
    ) -> None:
        self.title, self.goal, self.shape, self.measure, self.is_time = title, goal, shape, measure, is_time
        self.figures: tuple[list[float], list[float]] = ([], [])
        self.costs: tuple[list[float], list[float]] = ([], [])
        """Seconds of processor time of all processes, for each unit."""


def round_trip(running: Running, seconds: float) -> float:
    """Return microseconds of half a round trip, in the median."""
    return _trip(running, seconds, 0.5)


def slow_trip(running: Running, seconds: float) -> float:
    """Return microseconds of half a round trip, of the slowest in a hundred."""
    return _trip(running, seconds, 0.99)


def _trip(running: Running, seconds: float, part: float) -> float:
    import time

    game = PingPong(running, running.pair())
    until = time.perf_counter() + seconds
    for sock in game.ends:
        sock.setblocking(True)
    while time.perf_counter() < until:
        game.serve()
        game.answer()
        game.finish()
    return quantile(game.times, part) / 2 * 1e6


ROWS = [
    Row("one way, median, µs", "<= 8", "pair", round_trip, is_time=True),
    Row("one way, 99 of 100, µs", "<= 5,000 µs", "pair", slow_trip, is_time=True),
    Row("one pair, 64 B, lines/s in thousands", ">= 0.5", "pair", lambda r, s: lines_of(SIZE, r, s)),
    Row("one pair, 1 KiB, lines/s in thousands", "", "pair", lambda r, s: lines_of(1024, r, s)),
    Row(f"{PAIRS} pairs, ping-pong, lines/s in thousands", "", "pair", pairs),
    Row(f"one to {HEARERS}, deliveries/s in thousands", ">= 0.4", "room", fan_out),
]


def ask(row: Row, which: int, seconds: float) -> None:
    """Ask one question once, of hubs that were just started."""
    with ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="cb")
        stack.callback(shutil.rmtree, folder)
        redis = Redis(Path(folder))
        stack.callback(redis.kill)
        a, b = (stack.enter_context(Machine(redis, name, row.shape)) for name in "ab")
        a.between(*((a, b) if which else (a,)))
        pids = [a.pid, b.pid, redis.process.pid]
        before = [process.processor(pid) for pid in pids]
        figure = row.measure(a, seconds)
        row.figures[which].append(figure)
        row.costs[which].append(sum(process.processor(pid) for pid in pids) - sum(before))
        if os.environ.get("EACH"):
            print(row.title, which, figure, [process.processor(p) - x for p, x in zip(pids, before)])


def main() -> int:
    """Measure, and print a table; return 1 where there is no Redis."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=1.5)
    options.add_argument("--only", default="", help="rows whose titles contain this")
    chosen = options.parse_args()
    if ABSENT:
        print(ABSENT)
        return 1
    rows = [row for row in ROWS if chosen.only in row.title]
    for _ in range(chosen.rounds):
        for row in rows:
            for which in (0, 1):
                ask(row, which, chosen.seconds)
    print(f"{'':42} {'one hub':>10} {'two':>10} {'ratio':>8} {'goal':>12}")
    for row in rows:
        one, two = (statistics.median(figures) for figures in row.figures)
        print(f"{row.title:42} {one:10,.0f} {two:10,.0f} {two / one:8.2f} {row.goal:>12}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
