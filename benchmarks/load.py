"""A load is what the ends of a relay do while they are measured; every line that arrives is checked.

One process and one thread, plain sockets. It does not know which relay it talks through.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from selectors import EVENT_READ, DefaultSelector
from socket import MSG_PEEK, socket

from .lines import SLICE, Check, Damage, numbered, stream
from .relays import ANSWER_PATIENCE, Running

WINDOW = 1024 * 1024
"""Bytes on their way at most, since not every relay holds its speaker back."""
ROOM_WINDOW = 64 * 1024
"""The same with many hearers, each of whom has that much on its way."""
WARM_UP = 0.2
"""Seconds before the measured ones."""
SIZE = 64
"""Bytes of a line, unless said otherwise."""
PAIRS = 100
HEARERS = 100
IDLE = 2000
"""Ends that are there and say nothing."""
SETTLING = 0.5
"""Seconds after the last arrival in which a relay comes to rest."""

KNOCKING = 0.02
"""Seconds between two attempts to be heard."""

_room = memoryview(bytearray(SLICE))


def meet(speaker: socket, hearers: Sequence[socket], ending: bytes = b"\n") -> bytes:
    """Speak until every hearer hears it, and has heard nothing else; return the label that stands before a line.

    Raises:
        Damage: somebody doesn't hear within ANSWER_PATIENCE.
    """
    waiting = list(hearers)
    deadline = time.monotonic() + ANSWER_PATIENCE
    while waiting and time.monotonic() < deadline:
        speaker.sendall(b"~knock" + ending)
        while waiting and b"~knock" in _peek(waiting[-1]):
            waiting.pop()
        time.sleep(KNOCKING * bool(waiting))
    speaker.sendall(b"~begin" + ending)
    labels = {_read_until(hearer, b"~begin" + ending).rpartition(b"\n")[2] for hearer in hearers}
    if waiting or len(labels) != 1:
        raise Damage(f"{len(waiting)} of {len(hearers)} ends don't hear, or not alike: {labels}")
    return labels.pop()


def _peek(sock: socket) -> bytes:
    sock.settimeout(KNOCKING)
    try:
        return sock.recv(SLICE, MSG_PEEK)
    except TimeoutError:
        return b""
    finally:
        sock.settimeout(ANSWER_PATIENCE)


def _read_until(sock: socket, end: bytes) -> bytes:
    """Return what stands before `end`, which ends all that comes."""
    heard = b""
    while not heard.endswith(end):
        data = sock.recv(SLICE)
        if not data:
            raise Damage(f"hung up on, after {heard[-200:]!r}")
        heard += data
    return heard.removesuffix(end)


class Flow:
    """One end that says a stream as fast as it is taken, and those who hear it."""

    def __init__(
        self,
        running: Running,
        speaker: socket,
        hearers: Sequence[socket],
        size: int,
        window: int,
        text: str = "ascii",
    ) -> None:
        ending = running.relay.ending
        label = meet(speaker, hearers, ending)
        self._speaker = speaker
        self._bytes, self._period = stream(size, b"", ending, text)
        self._out = memoryview(self._bytes)
        self._size = size + len(ending) - 1
        self._said = 0
        self._window = window
        loose = running.relay.labels_chunks
        self._hearers = [(hearer, Check(size, label, ending, loose, text)) for hearer in hearers]
        for sock in (speaker, *hearers):
            sock.setblocking(False)

    @property
    def heard(self) -> int:
        """Lines that every hearer has heard."""
        return min(check.lines for _, check in self._hearers)

    def listen(self, selector: DefaultSelector) -> None:
        """Let `selector` call when there is something to hear."""
        for sock, check in self._hearers:
            selector.register(sock, EVENT_READ, partial(_take, sock, check))

    def push(self) -> None:
        """Say as much as fits."""
        room = self._window - self._said + self.heard * self._size
        while room > 0:
            start = self._said % self._period
            try:
                sent = self._speaker.send(self._out[start : start + min(room, SLICE)])
            except BlockingIOError:
                return
            self._said += sent
            room -= sent

    def finish(self, selector: DefaultSelector) -> None:
        """Say the last line to its end, and hear everything."""
        self._window = 0
        left = -self._said % self._size
        self._speaker.setblocking(True)
        self._speaker.sendall(self._out[self._said % self._period :][:left])
        while self.heard * self._size < self._said + left:
            turn(selector)


def _take(sock: socket, check: Check) -> None:
    try:
        size = sock.recv_into(_room)
    except BlockingIOError:
        return
    if not size:
        raise Damage("hung up on")
    check.take(_room[:size])


def turn(selector: DefaultSelector) -> None:
    """Do what there is to do.

    Raises:
        Damage: nothing has come for ANSWER_PATIENCE, though something was on its way.
    """
    ready = selector.select(ANSWER_PATIENCE)
    if not ready:
        raise Damage(f"nothing was heard for {ANSWER_PATIENCE:.0f} s")
    for key, _ in ready:
        key.data()


class PingPong:
    """Two ends: one says a line, the other answers with one, and the first takes the time."""

    def __init__(self, running: Running, ends: tuple[socket, socket]) -> None:
        self.ends = ends
        self.times: list[float] = []
        """Seconds of each round."""
        self._ending = running.relay.ending
        self._labels = tuple(meet(*order, self._ending) for order in ((ends[0], ends[1:]), (ends[1], ends[:1])))
        self._loose = running.relay.labels_chunks
        self._number = 0
        self._heard = b""
        self._line = b""

    def listen(self, selector: DefaultSelector) -> None:
        """Let `selector` call, and say the first line."""
        for sock, call in zip(self.ends, (self.rest, self.answer)):
            sock.setblocking(False)
            selector.register(sock, EVENT_READ, call)
        self.serve()

    def serve(self) -> None:
        """Say a line."""
        self._line = numbered(2, self._number % 2**32, SIZE, self._ending)
        self._number += 1
        self._began = time.perf_counter()
        self.ends[0].send(self._line)

    def answer(self) -> None:
        """Say it back, if it has come."""
        if self._hears(1):
            self.ends[1].send(self._line)

    def finish(self) -> None:
        """Take the time, if it has come."""
        if self._hears(0):
            self.times.append(time.perf_counter() - self._began)

    def rest(self) -> None:
        """Take the time and go on, if it has come."""
        before = len(self.times)
        self.finish()
        if len(self.times) > before:
            self.serve()

    def _hears(self, side: int) -> bool:
        try:
            data = self.ends[side].recv(SLICE)
        except BlockingIOError:
            os.sched_yield()
            if time.perf_counter() < self._began + ANSWER_PATIENCE:
                return False
            data = b""
        if not data:
            raise Damage(f"no answer to {self._line!r}")
        self._heard += data
        if not self._heard.endswith(b"\n"):
            return False
        heard, self._heard = self._heard, b""
        if heard != self._labels[1 - side] + self._line:
            raise Damage(f"{self._line!r} was said, and {heard!r} was heard")
        return True


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to measure."""

    title: str
    unit: str
    shape: str
    """What a relay must be able to do (`relays.Relay.shapes`)."""
    measure: Callable[[Running, float], float]
    """Returns the figure, of a relay that was just started and of so many seconds; more is better."""


def ping_pong(running: Running, seconds: float) -> float:
    """Return thousands of round trips a second of one pair with nobody beside it, by the median of their times.

    The ends never sleep, so that only the relay's own waking up is in the figure, as when it has more to do.
    """
    game = PingPong(running, running.pair())
    for sock in game.ends:
        sock.setblocking(False)
    until = time.perf_counter() + seconds + WARM_UP
    while time.perf_counter() < until:
        game.serve()
        rounds = len(game.times)
        while len(game.times) == rounds:
            game.answer()
            game.finish()
    return 1 / quantile(game.times, 0.5) / 1e3


def lines_of(size: int, running: Running, seconds: float, text: str = "ascii") -> float:
    """Return thousands of lines a second from one end to the other."""
    one, other = running.pair()
    return _flow(Flow(running, one, [other], size, WINDOW, text), seconds) / 1e3


def fan_out(running: Running, seconds: float) -> float:
    """Return thousands of lines a second that arrive, of one who speaks to HEARERS."""
    speaker, *hearers = [running.end() for _ in range(1 + HEARERS)]
    return _flow(Flow(running, speaker, hearers, SIZE, ROOM_WINDOW), seconds) * HEARERS / 1e3


def _flow(flow: Flow, seconds: float) -> float:
    """Return lines a second to each hearer."""
    with DefaultSelector() as selector:
        flow.listen(selector)
        _push(flow, selector, WARM_UP)
        before, began = flow.heard, time.perf_counter()
        _push(flow, selector, seconds)
        rate = (flow.heard - before) / (time.perf_counter() - began)
        flow.finish(selector)
    return rate


def _push(flow: Flow, selector: DefaultSelector, seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        flow.push()
        turn(selector)


def pairs(running: Running, seconds: float) -> float:
    """Return thousands of lines a second with PAIRS playing ping-pong at once."""
    games = [PingPong(running, ends) for ends in [running.pair(number) for number in range(PAIRS)]]
    with DefaultSelector() as selector:
        for game in games:
            game.listen(selector)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            turn(selector)
    return 2 * sum(len(game.times) for game in games) / seconds / 1e3


def ping_pong_beside(running: Running, seconds: float) -> float:
    """Return the round trips a second beside a pair in full flow, if each took as long as the slowest in a hundred."""
    flowing, playing = running.pair(0), running.pair(1)
    flow = Flow(running, flowing[0], flowing[1:], SIZE, WINDOW)
    game = PingPong(running, playing)
    with DefaultSelector() as selector:
        game.listen(selector)
        flow.listen(selector)
        _push(flow, selector, WARM_UP)
        game.times.clear()
        _push(flow, selector, seconds)
        flow.finish(selector)
    return 1 / quantile(game.times, 0.99)


def idle(running: Running, seconds: float) -> float:
    """Return how many ends that are there and say nothing fit into one MiB of the relay's memory."""
    before = running.memory()
    ends = min(IDLE, running.relay.most) // 2 * 2
    held = [running.pair(number) for number in range(ends // 2)]
    meet(held[-1][0], held[-1][1:], running.relay.ending)
    time.sleep(SETTLING)
    return ends * 1024 * 1024 / max(1, running.memory() - before)


def quantile(values: Sequence[float], part: float) -> float:
    """Return the value below which `part` of `values` lie.

    Raises:
        Damage: there are none.
    """
    if not values:
        raise Damage("not one round was played")
    return sorted(values)[int(len(values) * part)]


WORKS = {
    "pingpong": Work("one pair, ping-pong, median", "thousand round trips/s", "pair", ping_pong),
    "lines-16": Work("one pair, lines of 16 bytes", "thousand/s", "pair", partial(lines_of, 16)),
    "lines-64": Work("one pair, lines of 64 bytes", "thousand/s", "pair", partial(lines_of, 64)),
    "tput-zh": Work("the same in Chinese", "thousand/s", "pair", partial(lines_of, SIZE, text="zh")),
    "tput-fr": Work("the same in French", "thousand/s", "pair", partial(lines_of, SIZE, text="fr")),
    "lines-8192": Work("one pair, lines of 8 KiB", "thousand/s", "long", partial(lines_of, 8192)),
    "pairs": Work(f"{PAIRS} pairs, ping-pong", "thousand lines/s", "pairs", pairs),
    "fan-out": Work(f"one to {HEARERS}, labelled", "thousand lines/s", "room", fan_out),
    "beside": Work("ping-pong beside a pair in full flow, slowest 1 %", "round trips/s", "pairs", ping_pong_beside),
    "idle": Work("idle ends", "in one MiB of memory", "pairs", idle),
}
