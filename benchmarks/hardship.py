"""Hardship is what some peers put a hub and the others through: not reading, flooding, staying when it is to end.

Each function here is one figure of a soak, or two; it starts its own hub.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from selectors import EVENT_READ, DefaultSelector, SelectorKey
from socket import socket

from .lines import SLICE
from .load import SIZE, WINDOW, Flow, PingPong, meet, quantile, turn
from .relays import ANSWER_PATIENCE, ENVIRONMENT, HUB, Running
from .scale import Figure, Scale

MIB = 1024 * 1024
OFFERING = 3.0
"""Seconds for which a speaker goes on trying where its partner doesn't read."""
SETTLING = 1.0
"""Seconds until a crowd is in full cry."""


def never_reads_in_a_pair(scale: Scale) -> Iterator[Figure]:
    """In a pair back-pressure stops the speaker; the hub keeps next to nothing of what is offered."""
    with Running(HUB, "pair") as running:
        speaker, silent = running.pair()
        meet(speaker, [silent])
        before, said = running.memory(), offer(speaker, OFFERING)
        grown = (running.memory() - before) / MIB
        seen = f"{grown:.2f} MiB, of {said / MIB:.1f} MiB that went before the speaker was stopped"
        yield Figure("never-reading partner: memory grows by", "≤ 2 MiB", seen, grown <= 2)


def offer(speaker: socket, seconds: float) -> int:
    """Say as much as is taken within `seconds`; return the bytes."""
    block = (b"x" * (SIZE - 1) + b"\n") * 1024
    speaker.setblocking(False)
    said, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            said += speaker.send(block[said % SIZE :])
        except BlockingIOError:
            time.sleep(0.005)
    return said


def never_reads_in_a_room(scale: Scale) -> Iterator[Figure]:
    """In a room the one who never reads is let go, and everyone else hears everything."""
    with Running(HUB, "room") as running, DefaultSelector() as selector:
        speaker, hearer, silent = (running.end() for _ in range(3))
        meet(speaker, [silent])
        flow = Flow(running, speaker, [hearer], SIZE, WINDOW)
        flow.listen(selector)
        before = most = running.memory()
        lines = scale.mib * MIB // SIZE
        while flow.heard < lines:
            for _ in range(100):
                flow.push()
                turn(selector)
            most = max(most, running.memory())
        flow.finish(selector)
        grown = (most - before) / MIB
        seen = f"{grown:.2f} MiB; {'is let go' if is_hung_up_on(silent) else 'STAYS'}"
        title = f"never-reading peer in a room, {scale.mib} MiB pumped and heard by another: memory grows by"
        yield Figure(title, "≤ 2 MiB", seen, grown <= 2)


def is_hung_up_on(sock: socket) -> bool:
    """Return whether the hub ends a connection, once it is read."""
    sock.settimeout(ANSWER_PATIENCE)
    try:
        while sock.recv(SLICE):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def beside_a_crowd(scale: Scale) -> Iterator[Figure]:
    """A healthy pair plays ping-pong beside 10 flooders and 10 who never read, and beside pairs in full flow."""
    for words, goal, title in (
        ("", 2.0, "10 flooders of six kinds and 10 non-readers"),
        ("read", None, "10 pairs in full flow"),
    ):
        rounds = [_played(words, scale.seconds) for _ in range(scale.rounds)]
        quiet, loud = (statistics.median(times) for times in zip(*rounds))
        ratio = statistics.median(loud / quiet for quiet, loud in rounds)
        seen = f"{ratio:.2f} × ({quiet:.0f} µs quiet, {loud:.0f} µs)"
        holds = ratio <= goal if goal else None
        yield Figure(f"{title}: a pair's p99", f"≤ {goal:.0f} × quiet" if goal else "", seen, holds)


def _played(words: str, seconds: float) -> tuple[float, float]:
    """Return the p99 in µs of a pair before the crowd comes, and with it there."""
    with Running(HUB, "pair") as running, DefaultSelector() as selector:
        game = PingPong(running, running.pair("healthy"))
        game.listen(selector)
        quiet = _play(game, selector, seconds)
        command = [sys.executable, "-m", "benchmarks.crowd", str(running.port), str(seconds + 10), "10", *words.split()]
        with subprocess.Popen(command, env=ENVIRONMENT) as crowd:
            _play(game, selector, SETTLING)
            loud = _play(game, selector, seconds)
            crowd.terminate()
    return quiet, loud


def _play(game: PingPong, selector: DefaultSelector, seconds: float) -> float:
    game.times.clear()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        turn(selector)
    return quantile(game.times, 0.99) * 1e6


def drain(scale: Scale) -> Iterator[Figure]:
    """SIGTERM with many peers, 10 of whom never read what waits for them."""
    with Running(HUB, "pair") as running:
        pairs = [running.pair(number) for number in range(scale.peers // 2)]
        meet(pairs[-1][0], pairs[-1][1:])
        deaf = [other for _, other in pairs[:10]]
        for one, _ in pairs[:10]:
            offer(one, 0.2)
        began = time.monotonic()
        running.ask_to_end()
        told = _told([sock for pair in pairs for sock in pair if sock not in deaf])
        while not running.has_ended and time.monotonic() - began < 2 * ANSWER_PATIENCE:
            time.sleep(0.01)
        took = time.monotonic() - began
        seen = f"{took:.2f} s, {told} of {2 * len(pairs) - len(deaf)} who read were told why"
        yield Figure(f"SIGTERM with {2 * len(pairs)} peers, 10 never read", "≤ 5.5 s", seen, took <= 5.5)


def _told(socks: Sequence[socket]) -> int:
    """Read each to its end; return how many heard why."""
    count, last = 0, dict.fromkeys(socks, b"")
    with DefaultSelector() as selector:
        for sock in socks:
            sock.setblocking(False)
            selector.register(sock, EVENT_READ)
        while selector.get_map() and (ready := selector.select(ANSWER_PATIENCE)):
            for key, _ in ready:
                data = _heard(key)
                last[key.fileobj] = (last[key.fileobj] + data)[-200:]  # type: ignore[index]  # a socket we registered
                if not data:
                    selector.unregister(key.fileobj)
                    count += b"closed (shutdown)" in last[key.fileobj]  # type: ignore[index]  # a socket we registered
    return count


def _heard(key: SelectorKey) -> bytes:
    try:
        return key.fileobj.recv(SLICE)  # type: ignore[union-attr]  # a socket we registered
    except OSError:
        return b""
