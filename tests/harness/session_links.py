"""A simulated clock and links that lose any suffix in either direction, for the simulation of sessions."""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Protocol

Message = dict[str, Any]
EVENTS = 60_000
"""Events of one run at most: beyond that it is a storm."""


class Clock:
    """Simulated time, chance, and what was found wrong; everything follows from the seed."""

    def __init__(self, seed: int, verbose: bool = False) -> None:
        self.chance = random.Random(seed)
        self.now = 0.0
        self.bad: list[str] = []
        self.counts: dict[str, int] = defaultdict(int)
        self._verbose = verbose
        self._heap: list[tuple[float, int, Callable[..., object], tuple[object, ...]]] = []
        self._serial = 0

    def later(self, seconds: float, call: Callable[..., object], *args: object) -> None:
        """Call a function after so many simulated seconds."""
        self.at(self.now + max(0.0, seconds), call, *args)

    def at(self, moment: float, call: Callable[..., object], *args: object) -> None:
        """Call a function at a moment of simulated time; what has the same moment keeps its order."""
        self._serial += 1
        heapq.heappush(self._heap, (moment, self._serial, call, args))

    def run(self, end: float) -> None:
        """Let everything happen until `end`."""
        count = 0
        while self._heap and self._heap[0][0] <= end:
            self.now, _, call, args = heapq.heappop(self._heap)
            call(*args)
            count += 1
            if count > EVENTS:
                self.fail("storm")
                return

    def fail(self, what: str) -> None:
        """Note a broken promise."""
        if what not in self.bad:
            self.bad.append(what)

    def log(self, *what: object) -> None:
        """Tell what happens, in a run that is shown."""
        if self._verbose:
            print(f"{self.now:8.2f}", *what)


class Party(Protocol):
    """Who is at one side of a link."""

    def receive(self, link: Link, message: Message) -> None:
        """Something has come; `{"fin": True}` is the last."""


class Link:
    """An ordered link; a cut loses a suffix each way, and each side learns of it late, or never."""

    def __init__(self, clock: Clock, end: Party, hub: Party) -> None:
        self.clock = clock
        self.seat: Any = None
        """What the hub knows it by."""
        self.in_bytes: Callable[[Message, bytes, random.Random], list[bytes]] | None = None
        """How objects are written, where bytes travel; None: objects do."""
        self.heard_at = clock.now
        self.unsent = 0
        """Lines on their way to the client."""
        self.shut = {"end": False, "hub": False}
        self._party = {"end": end, "hub": hub}
        self._last = {"end": 0.0, "hub": 0.0}
        self._sent = {"end": 0, "hub": 0}
        self._come = {"end": 0, "hub": 0}
        self._limit = {"end": 1 << 60, "hub": 1 << 60}
        if clock.chance.random() < 0.06:  # a hello that crawls
            self._last["end"] = clock.now + clock.chance.uniform(1, 40)

    @property
    def is_whole(self) -> bool:
        """Whether it was never cut."""
        return min(self._limit.values()) == 1 << 60

    def send(self, side: str, message: Message, block: bytes = b"") -> None:
        """Send from one side, "end" or "hub", to the other."""
        if self.in_bytes and "fin" not in message:
            for data in self.in_bytes(message, block, self.clock.chance):
                self._send(side, {"bytes": data})
        else:
            self._send(side, message)

    def _send(self, side: str, message: Message) -> None:
        if self.shut[side]:
            return
        number = self._sent[side]
        self._sent[side] += 1
        self.unsent += side == "hub"
        if number < self._limit[side]:
            at = max(self._last[side], self.clock.now + self.clock.chance.choice((0.001, 0.01, 0.05, 0.3)))
            self._last[side] = at
            self.clock.at(at, self._arrive, side, number, message)

    def _arrive(self, side: str, number: int, message: Message) -> None:
        to = "hub" if side == "end" else "end"
        if number < self._limit[side] and not self.shut[to]:
            self._come[side] = number + 1
            self.unsent -= side == "hub"
            self._party[to].receive(self, message)

    def close(self, side: str) -> None:
        """One side hangs up."""
        self.send(side, {"fin": True})
        self.shut[side] = True

    def cut(self, told: bool = False) -> None:
        """Lose what is on its way, from any message on."""
        for side in ("end", "hub"):
            most = self.clock.chance.randint(self._come[side], self._sent[side])
            self._limit[side] = min(self._limit[side], most)
            if told or self.clock.chance.random() < 0.6:
                self.clock.later(self.clock.chance.choice((0.01, 0.5, 8, 30)), self._learn, side)

    def freeze(self, seconds: float) -> None:
        """Nothing arrives for a while."""
        for side in ("end", "hub"):
            self._last[side] = max(self._last[side], self.clock.now + seconds)

    def _learn(self, side: str) -> None:
        if not self.shut[side]:
            self.shut[side] = True
            self._party[side].receive(self, {"fin": True})
