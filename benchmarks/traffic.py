"""Traffic is peers who come and go, or stay and say nothing: how fast, how many, and what each leaves behind.

Each function here is one figure of a soak, or two; it starts its own hub.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from selectors import EVENT_WRITE, DefaultSelector
from socket import SO_ERROR, SOL_SOCKET, socket

from twisted.internet.task import Clock

from chatterbox.connections.admission import Admission
from chatterbox.core.hub import Hub

from . import process
from .crowd import cut
from .lines import Damage
from .load import meet
from .relays import ANSWER_PATIENCE, HOST, HUB, Running
from .scale import Figure, Scale

MIB = 1024 * 1024
SETTLING = 1.0
"""Seconds after which a hub has come to rest."""
AHEAD = 400
"""Connections made and not yet accepted: fewer than the backlog, or the system drops some, and a second is lost."""
WARM_UP = 20_000
"""Cycles after which a process has taken what it needs; what it takes after that is a leak."""
BURST = 500


def cycles_in_memory(scale: Scale) -> Iterator[Figure]:
    """The pure core alone: peers come, talk and go, in all the ways there are."""
    clock = Clock()
    admission = Admission(Hub(), clock.callLater, clock.seconds)
    _cycle_in_memory(admission, clock, scale.cycles // 10)
    gc.collect()
    before = process.memory(os.getpid())
    _cycle_in_memory(admission, clock, scale.cycles)
    gc.collect()
    grown = (process.memory(os.getpid()) - before) / MIB
    left = len(admission.hub.rooms) + len(admission.connections) + len(admission.unseated) + len(clock.calls)
    seen = f"{grown:.2f} MiB, {left} entries left in maps"
    yield Figure(f"{scale.cycles:,} join/leave cycles in memory", "< 1 MiB, 0 left", seen, grown < 1 and not left)


def _cycle_in_memory(admission: Admission, clock: Clock, cycles: int) -> None:
    for number in range(0, cycles, 2):
        one, other = (admission.arrive(_Nowhere()) for _ in range(2))
        for connection in (one, other):
            connection.receive(b"/join r%d\n/nick n%d\nhello\n" % (number, number))
        one.receive(b"/quit\n")
        other.lost("lost" if number % 4 else "quit")
        one.lost("quit")
    clock.advance(10)


class _Nowhere:
    """A transport that takes everything and goes nowhere."""

    def write(self, data: bytes) -> None:
        """Forget it."""

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Forget it."""

    def nothing(self) -> None:
        """Do nothing."""

    loseConnection = unregisterProducer = pauseProducing = resumeProducing = nothing


def cycles_on_sockets(scale: Scale) -> Iterator[Figure]:
    """Peers on real sockets come and go: with `/quit`, with a close, and with a reset in the middle of a line.

    In rooms of more than two seats, since in a pair who closes alone is taken for one who listens on (`nc -N`).
    """
    with Running(HUB, "room") as running:
        _cycle(running, WARM_UP)
        before, began = running.memory(), time.monotonic()
        _cycle(running, scale.cycles)
        rate = scale.cycles / (time.monotonic() - began)
        grown = (running.memory() - before) / MIB
        seen = f"{grown:.2f} MiB, at {rate:,.0f}/s"
        yield Figure(f"{scale.cycles:,} join/leave cycles on sockets", "< 1 MiB", seen, grown < 1)


def _cycle(running: Running, cycles: int) -> None:
    with _settled(running):
        for start in range(0, cycles, AHEAD):
            with _settled(running):
                _come_and_go(running, min(AHEAD, cycles - start))


def _come_and_go(running: Running, count: int) -> None:
    socks = [_connected(running, number // 2) for number in range(count)]
    for number, sock in enumerate(socks):
        if number % 3 == 0:
            sock.sendall(b"/quit\n")
        elif number % 3 == 1:
            sock.sendall(b"half a li")
            cut(sock)
    for sock in socks:
        sock.close()


@contextmanager
def _settled(running: Running) -> Iterator[None]:
    """Wait at the end until everyone who came has gone."""
    before = process.open_files(running.pid)
    yield
    deadline = time.monotonic() + ANSWER_PATIENCE
    while (left := process.open_files(running.pid) - before) > 0:
        if time.monotonic() > deadline:
            raise Damage(f"{left} peers who went are still there")
        time.sleep(0.002)


def _connected(running: Running, room: int) -> socket:
    sock = socket()
    sock.connect((HOST, running.port))
    sock.sendall(f"/join c{room}\n".encode())
    return sock


def many_idle(scale: Scale) -> Iterator[Figure]:
    """Thousands of peers in rooms of two, who say nothing; how fast they came, and what each costs."""
    with Running(HUB, "pair") as running:
        before, files = running.memory(), process.open_files(running.pid)
        began = time.monotonic()
        socks: list[socket] = []
        for number in range(scale.idle):
            socks.append(running.keep(_connected(running, number // 2)))
            while not number % 100 and process.open_files(running.pid) - files < number - AHEAD:
                time.sleep(0.001)
        _wait_for_files(running, files + scale.idle)
        rate = scale.idle / (time.monotonic() - began)
        yield Figure("accepts, each with its `/join`", "≥ 5,000/s", f"{rate:,.0f}/s", rate >= 5000)
        time.sleep(SETTLING)
        each = (running.memory() - before) / scale.idle / 1024
        meet(socks[-2], socks[-1:])
        yield Figure(f"{scale.idle:,} idle peers: memory each", "≤ 4 KiB", f"{each:.2f} KiB", each <= 4)


def _wait_for_files(running: Running, count: int) -> None:
    deadline = time.monotonic() + ANSWER_PATIENCE
    while (there := process.open_files(running.pid)) < count:
        if time.monotonic() > deadline:
            raise Damage(f"{there} of {count} files are open")
        time.sleep(0.001)


def all_at_once(scale: Scale) -> Iterator[Figure]:
    """Many connect in one instant: nobody waits for a second try of the system's."""
    slowest = 0.0
    with Running(HUB, "pair") as running, DefaultSelector() as selector:
        began = time.monotonic()
        for _ in range(BURST):
            sock = running.keep(socket())
            sock.setblocking(False)
            sock.connect_ex((HOST, running.port))
            selector.register(sock, EVENT_WRITE)
        while selector.get_map() and (ready := selector.select(ANSWER_PATIENCE)):
            for key, _ in ready:
                selector.unregister(key.fileobj)
                if key.fileobj.getsockopt(SOL_SOCKET, SO_ERROR):  # type: ignore[union-attr]  # a socket we registered
                    raise Damage("refused")
            slowest = time.monotonic() - began
    yield Figure(f"{BURST} connects in one instant: the slowest", "< 1 s", f"{slowest * 1e3:.0f} ms", slowest < 1)
