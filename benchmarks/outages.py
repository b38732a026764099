"""An outage is measured by people: how soon they are told of it, and how soon they hear each other again.

Each function here is some rows of the soak of several machines; it starts its own hubs, and a Redis that it may stop.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle

from tests.harness.cluster import BACK, DOWN, Clustered
from tests.harness.ends import DEADLINE
from tests.harness.piped import client
from tests.harness.processes import Hub

from .cutting import Cutting
from .load import PingPong, quantile
from .relays import Running
from .scale import Figure
from .several import SERVE, Machine

PATIENCE = 3.0
"""Seconds after which a machine is taken for dead, unless an engine's URL says otherwise."""
QUIET = 0.5
"""Seconds in which who has a seat would be told that there is none, if that were so."""
LONG = 60.0
"""Seconds for which an engine is stopped under two who don't need it."""


@contextmanager
def cluster() -> Iterator[Clustered]:
    """Return what starts hubs on an engine of their own, and ends all of them."""
    case = Clustered("hub")
    case.setUp()
    try:
        yield case
    finally:
        case.doCleanups()


def _worst(title: str, seconds: list[float], goal: float) -> Figure:
    seen = f"{max(seconds):.2f} s, {statistics.median(seconds):.2f} in the median of {len(seconds)}"
    return Figure(title, f"≤ {goal:.0f} s", seen, max(seconds) <= goal)


def notices(times: int) -> Iterator[Figure]:
    """Who shares a room with another machine hears in time that the engine is away, and that it is back."""
    down: list[float] = []
    back: list[float] = []
    with cluster() as case:
        ends = case.pair(case.hub("a"), case.hub("b"))
        redis = case.redis
        for stop, mend in ((redis.freeze, redis.thaw), (redis.kill, redis.start)) * times:
            for deed, word, seconds in ((stop, DOWN, down), (mend, BACK, back)):
                began = time.monotonic()
                deed()
                for end in ends:
                    end.hears(word)
                    seconds.append(time.monotonic() - began)
            case.talk(*ends)
    yield _worst("an engine stops, or is killed: everybody is told after", down, 2)
    yield _worst("the engine is there again: everybody is told after", back, 2)


def reconnections(times: int) -> Iterator[Figure]:
    """A session whose machine is killed is heard again soon: through that machine, started again, or another one."""
    for restarts, goal in ((True, 3.0), (False, PATIENCE + 2)):
        seconds = sorted(_reconnect(at, restarts) for at in range(times))
        worst = seconds[int(len(seconds) * 0.95)]
        seen = f"{worst:.2f} s, {statistics.median(seconds):.2f} in the median of {len(seconds)}"
        how = "started again, 19 of 20 are heard" if restarts else "stays dead, 19 of 20 are heard through another one"
        yield Figure(f"a session's machine is killed and {how} after", f"< {goal:.0f} s", seen, worst < goal)


def _reconnect(at: int, restarts: bool) -> float:
    """Return the seconds from the death of one machine until who was there is heard at the other."""
    with cluster() as case, ExitStack() as stack:
        hubs = [case.hub("a"), case.hub("b")]
        proxy = Cutting(lambda: hubs[-1].port, 0, 1 << 60, random.Random(at))
        stack.callback(proxy.close)
        ports = [hubs[0].port, proxy.port]
        ann, bob = (
            stack.enter_context(client(f"127.0.0.1:{port}/tea", "--name", name))
            for port, name in (zip(ports, ("ann", "bob")) if at % 2 else zip(ports[::-1], ("bob", "ann")))
        )
        ann, bob = (ann, bob) if at % 2 else (bob, ann)
        for speaker, hearer in ((ann, bob), (bob, ann)):
            speaker.stdin.write(b"hello\n")
            assert hearer.stdout.readline() == b"hello\n"
        began = time.monotonic()
        port = hubs[-1].port
        hubs.pop().kill()
        if restarts:
            hubs.append(case.hub("b", port=port))
        bob.stdin.write(b"here again\n")
        assert ann.stdout.readline() == b"here again\n"
        return time.monotonic() - began


def seats(times: int) -> Iterator[Figure]:
    """Of sixty who come at once to two machines two sit down, each time."""
    with cluster() as case:
        hubs = [case.hub("a"), case.hub("b")]
        seated = [_come_at_once(hubs, at) for at in range(times)]
    seen = " and ".join(map(str, sorted(set(seated))))
    yield Figure(f"{times} times 60 come to a room at two machines at once: seated", "2", seen, set(seated) == {2})


def _come_at_once(hubs: list[Hub], room: int) -> int:
    """Return how many of sixty are not told that there is no seat."""
    ends = [hub.peer(room=f"r{room}") for hub, _ in zip(cycle(hubs), range(60))]
    seated, until = ends, time.monotonic() + DEADLINE
    while time.monotonic() < until:
        seated = [end for end in seated if end.is_quiet(0.005) or "closed (full)" not in end.line()]
        if len(seated) <= 2:
            until = min(until, time.monotonic() + QUIET)
    for end in ends:
        end.close()
    return len(seated)


def one_machine(rounds: int) -> Iterator[Figure]:
    """Two at one machine don't notice that it has an engine, and not that this stops."""
    ratios, long = [], LONG if rounds > 1 else 5.0
    with cluster() as case, Running(SERVE, "pair") as alone, Machine(case.redis, "a", "pair") as shared:
        games = [PingPong(running, running.pair()) for running in (alone, shared.between(shared))]
        for _ in range(10 * rounds):
            without, beside = (_play(game, 0.5, 0.5) for game in games)
            ratios.append(beside / without)
        before = _play(games[1], 5.0, 0.99)
        case.redis.freeze()
        meanwhile = _play(games[1], long, 0.99)
        case.redis.thaw()
    ratio = statistics.median(ratios)
    title = "two at one machine, with an engine: the median of one way"
    yield Figure(title, "≤ 1.05 × without", f"{ratio:.3f} ×", ratio <= 1.05)
    seen = f"{meanwhile / before:.2f} × ({before * 1e6:.0f} µs before), and nothing else is heard"
    title = f"the same while the engine is stopped for {long:.0f} s: 99 of 100"
    yield Figure(title, "≤ 1.5 ×", seen, meanwhile <= 1.5 * before)


def _play(game: PingPong, seconds: float, part: float) -> float:
    """Return the time of a round; whatever is heard beside the lines is damage."""
    game.times.clear()
    for sock in game.ends:
        sock.setblocking(True)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        game.serve()
        game.answer()
        game.finish()
    return quantile(game.times, part)


FIGURES: list[tuple[Callable[[int], Iterator[Figure]], int, int]] = [
    (notices, 10, 1),
    (reconnections, 20, 2),
    (seats, 20, 2),
    (one_machine, 3, 1),
]
"""What is seen, how much of it, and how much in a hurry."""
