"""A soak of several machines is hubs on one Redis among readers who don't read, people who come and go, and failures.

    python -m benchmarks.soak_several
    python -m benchmarks.soak_several --quick

It prints each figure beside its goal, then plays random failures of real processes and of the simulation; one that
fails prints its seed. Everything is on loopback, and bounded in count and time.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from selectors import DefaultSelector
from socket import create_connection, socket

from tests.cluster.test_simulation import KINDS
from tests.harness.redis import ABSENT, Redis
from tests.slow.test_engine_random import Run
from tests.slow.test_engine_session_random import Run as SessionRun

from .hardship import MIB, is_hung_up_on
from .lines import SLICE, Damage
from .load import ROOM_WINDOW, SIZE, WINDOW, Flow, PingPong, meet, quantile, turn
from .outages import FIGURES as OUTAGES
from .relays import ANSWER_PATIENCE, HOST
from .scale import Figure
from .several import Machine

FIRST = 1000
"""The first seed: another one than the tests have."""
LINES = (b"x" * (SIZE - 1) + b"\n") * 1024
PARTS = 64
"""How often memory is looked at while something flows."""
ROOMS = 25
"""Rooms to which a pair comes at once."""
PATIENCE = 30.0
"""Seconds until the engine must have forgotten those who left."""


@contextmanager
def two_machines(shape: str) -> Iterator[tuple[Redis, Machine, Machine]]:
    """Start an engine and two hubs; the ends of the first are put on both in turn."""
    folder = tempfile.mkdtemp(prefix="cb")
    redis = Redis(Path(folder))
    try:
        with Machine(redis, "a", shape) as a, Machine(redis, "b", shape) as b:
            yield redis, a.between(a, b), b
    finally:
        redis.kill()
        shutil.rmtree(folder)


def fullest(redis: Redis) -> int:
    """Return the bytes of the inbox that holds most."""
    keys = redis.says("keys", "{cb1}:in:*").split()
    return max(int(redis.says("memory", "usage", key) or 0) for key in keys)


def never_reads_in_a_pair(mib: int) -> Iterator[Figure]:
    """A speaker is stopped for a hearer on another machine who doesn't read, and two other pairs don't notice."""
    with two_machines("pair") as (redis, a, b), DefaultSelector() as selector:
        one, other = a.pair("flow")
        flow, game = Flow(a, one, [other], SIZE, WINDOW), PingPong(a, a.pair("game"))
        speaker, silent = a.pair("silent")
        meet(speaker, [silent])
        speaker.setblocking(False)
        flow.listen(selector)
        game.listen(selector)
        _flow_on(flow, selector, mib // 8)
        game.times.clear()
        _flow_on(flow, selector, mib // 2)
        quiet, before = quantile(game.times, 0.99), (a.memory(), b.memory())
        most, said, kept = before, 0, 0
        rounds: list[float] = []
        for _ in range(PARTS):
            game.times.clear()
            _flow_on(flow, selector, mib // PARTS)
            rounds += game.times[1:]  # during the first one somebody looked at memory
            said += _offer(speaker, said)
            most = max(most[0], a.memory()), max(most[1], b.memory())
            kept = max(kept, fullest(redis))
        loud = quantile(rounds, 0.99)
        flow.finish(selector)
        title = f"never-reading partner elsewhere, {mib} MiB heard by another: "
        grown = [(now - then) / MIB for now, then in zip(most, before)]
        seen = f"{grown[0]:.2f} and {grown[1]:.2f} MiB; the speaker was stopped after {said / MIB:.1f} MiB"
        yield Figure(title + "each hub grows by", "≤ 2 MiB", seen, max(grown) <= 2)
        yield Figure("the same: an inbox holds at most", "≤ 256 KiB", f"{kept / 1024:.0f} KiB", kept <= 256 * 1024)
        seen = f"{loud / quiet:.2f} × ({quiet * 1e3:.1f} ms before, {loud * 1e3:.1f} ms)"
        yield Figure("the same: p99 of a third pair", "≤ 2 × before", seen, loud <= 2 * quiet)


def _offer(speaker: socket, said: int) -> int:
    """Say what is taken at once of whole lines of which so many bytes are said."""
    try:
        return speaker.send(LINES[said % SIZE :])
    except BlockingIOError:
        return 0


def _flow_on(flow: Flow, selector: DefaultSelector, mib: int) -> None:
    """Let so much more be heard."""
    until = flow.heard + mib * MIB // SIZE
    while flow.heard < until:
        flow.push()
        turn(selector)


def never_reads_in_a_room(mib: int) -> Iterator[Figure]:
    """Somebody on another machine who doesn't read is let go, and everyone else hears everything."""
    with two_machines("room") as (_, a, b), DefaultSelector() as selector:
        speaker, hearer, near, silent = (a.end() for _ in range(4))
        meet(speaker, [silent, hearer, near])
        flow = Flow(a, speaker, [hearer, near], SIZE, ROOM_WINDOW)
        flow.listen(selector)
        before = most = (a.memory(), b.memory())
        began = time.perf_counter()
        while flow.heard < mib * MIB // SIZE:
            for _ in range(100):
                flow.push()
                turn(selector)
            most = max(most[0], a.memory()), max(most[1], b.memory())
        rate = flow.heard * SIZE / MIB / (time.perf_counter() - began)
        flow.finish(selector)
        grown = [(now - then) / MIB for now, then in zip(most, before)]
        let_go = is_hung_up_on(silent)
        seen = f"{grown[0]:.2f} and {grown[1]:.2f} MiB at {rate:.0f} MiB/s; {'is let go' if let_go else 'STAYS'}"
        title = f"never-reading peer elsewhere, {mib} MiB heard by two others: each hub grows by"
        yield Figure(title, "≤ 4 MiB", seen, max(grown) <= 4 and let_go)


def come_and_go(times: int) -> Iterator[Figure]:
    """Nothing is left of those who came to rooms on two machines and left."""
    with two_machines("pair") as (redis, a, b):
        middle = (0, 0)
        for number in range(0, times, 2 * ROOMS):
            if number >= times // 2 and not middle[0]:
                middle = a.memory(), b.memory()
            _come_and_go(number, a, b)
        grown = [(now - then) / MIB for now, then in zip((a.memory(), b.memory()), middle)]
        deadline = time.monotonic() + PATIENCE
        while (left := redis.says("hlen", "{cb1}:rooms")) != "0" and time.monotonic() < deadline:
            time.sleep(0.1)
        sets = len(redis.says("keys", "{cb1}:own:*").split())
        seen = f"{left} rooms and {sets} sets left; {grown[0]:.2f} and {grown[1]:.2f} MiB in the second half"
        holds = left == "0" and not sets and max(grown) < 1
        title = f"{times:,} times somebody comes and goes: nothing is left, each hub grows by"
        yield Figure(title, "< 1 MiB", seen, holds)


def _come_and_go(first: int, *hubs: Machine) -> None:
    """Let a pair come to each of some new rooms, one to each hub; when both have heard each other, they leave."""
    with ExitStack() as stack:
        pairs = []
        for room in range(first, first + ROOMS):
            ends = [stack.enter_context(create_connection((HOST, hub.port), ANSWER_PATIENCE)) for hub in hubs]
            for end in ends:
                end.sendall(f"/join r{room}\nhello\n".encode())
            pairs.append(ends)
        for one, other in pairs:
            for end in (one, other):
                heard = b""
                while b"hello\n" not in heard:
                    heard += end.recv(SLICE) or _hung_up(heard)


def _hung_up(heard: bytes) -> bytes:
    raise Damage(f"hung up on, after {heard[-200:]!r}")


def failures(runs: int) -> Iterator[Figure]:
    """Random failures of processes and of Redis, under plain ends."""
    failed = [seed for seed in range(FIRST, FIRST + runs) if not _is_well(Run("play"), seed)]
    yield Figure(f"{runs} random runs on a real engine", "0 fail", f"{failed} fail" if failed else "0", not failed)


def sessions(runs: int) -> Iterator[Figure]:
    """The same under sessions, whose links are cut, too."""
    failed = [seed for seed in range(FIRST, FIRST + runs) if not _is_well(SessionRun("play"), seed)]
    yield Figure(f"{runs} random runs of sessions there", "0 fail", f"{failed} fail" if failed else "0", not failed)


def _is_well(case: Run | SessionRun, seed: int) -> bool:
    case.setUp()
    try:
        case.play(seed)
    except AssertionError as fault:
        print(f"seed {seed}: {fault}", file=sys.stderr)
        return False
    finally:
        case.doCleanups()
    return True


def schedules(runs: int) -> Iterator[Figure]:
    """Random schedules of the simulation, of each kind."""
    for kind, play in KINDS.items():
        failed = []
        for seed in range(FIRST, FIRST + runs):
            try:
                play(seed)
            except AssertionError as fault:
                failed.append(seed)
                print(f"{kind} {seed}: {fault}", file=sys.stderr)
        yield Figure(f"{runs} schedules: {kind}", "0 fail", f"{failed} fail" if failed else "0", not failed)


FIGURES: list[tuple[Callable[[int], Iterator[Figure]], int, int]] = [
    (never_reads_in_a_pair, 1024, 128),
    (never_reads_in_a_room, 1024, 64),
    (come_and_go, 100_000, 2000),
    *OUTAGES,
    (failures, 200, 2),
    (sessions, 100, 2),
    (schedules, 1000, 20),
]
"""What is seen, how much of it, and how much with `--quick`."""


def main() -> int:
    """Print the table; return 1 where a goal does not hold."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="less of everything: some minutes")
    options.add_argument("--only", default="", help="figures whose function's name contains this")
    chosen = options.parse_args()
    if ABSENT:
        print(ABSENT)
        return 0
    held = True
    print("| | goal | seen | |\n|---|---|---|---|", flush=True)
    for figure, much, less in FIGURES:
        for row in figure(less if chosen.quick else much) if chosen.only in figure.__name__ else ():
            held = held and row.holds is not False
            print(f"| {row.title} | {row.goal} | {row.seen} | {'holds' if row.holds else '**fails**'} |", flush=True)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
