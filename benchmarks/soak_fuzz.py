"""A fuzzed soak is conversations over real sockets whose ends do as chance likes, judged line by line and call by call.

    python -m benchmarks.soak_fuzz [--seconds 120] [--seed 1] [--seeds 40] [--only pair,room]

Two to six ends a conversation, in every mode and dialect, through TLS and a proxy: they say numbered lines with
checksums, send noise, stop reading, close, reset and finish. No line may be heard twice, out of order or torn, or be
lost without a word; the hub's log has no traceback; no call of its reactor takes 5 ms of processor time in three
repeats of one conversation. A fault prints its seed; `--seed N --seeds 1` has the same conversations again.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import twisted.test

from .fuzz_ends import PATIENCE, End
from .fuzz_json import ENDS
from .relays import ENVIRONMENT
from .watched import LONGEST

REPEATS = 3
"""Repeats of a conversation, all of which have a call that is too long where that counts as a fault."""
SETTLED = 0.25
"""Seconds in which those who come first have their seats; who hasn't by then is merely late."""
LONELY = 2.0
"""Seconds after which the last end of a pair counts as waiting for a partner."""
START_PATIENCE = 60.0
PEM = Path(twisted.test.__file__).with_name("server.pem")
HERE = "interface=127.0.0.1"
TLS = f"ssl:0:{HERE}:privateKey={PEM}"
LISTEN = (f"tcp:0:{HERE}", f"haproxy:tcp:0:{HERE}", TLS, f"haproxy:{TLS}")
"""A plain port, one behind a proxy, one with TLS, and one with both: in this order."""


class Kind(NamedTuple):
    """One kind of conversation."""

    options: str
    """Of its hub."""
    ends: Sequence[str]
    """The dialects that its ends may speak."""
    most: int = 2
    """Ends at once."""
    counts: bool = True
    """Whether lines that nobody hears must be told: who says `Bye`, or is judged, ends everything."""


LINES = ("text", "telnet", "json", "session", "websocket")
KINDS = {
    "pair": Kind("--web", LINES),
    "rate": Kind("--web --rate 200", LINES),
    "room": Kind("--web --mode room", LINES, 6),
    "ports": Kind("--web --mode ports", LINES, 6),
    "talk": Kind("--web --mode talk", ("keys", "keys", "json", "websocket")),
    "bare": Kind("--bare", ("bare", "text")),
    "duet": Kind("--web --mode duet", ("text", "json", "websocket"), counts=False),
    "order": Kind("--web --mode order", ("text", "json", "websocket"), counts=False),
}


class Hub:
    """A watched hub.

    Args:
        folder: where its log and its report are.
        options: beside its ports.
    """

    def __init__(self, folder: Path, options: str) -> None:
        self.log, self._report = folder / "log", folder / "report"
        self._read = 0
        ports = [word for port in LISTEN for word in ("--port", port)]
        command = [sys.executable, "-m", "benchmarks.watched", str(self._report), *ports, *options.split()]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env=ENVIRONMENT)
        deadline = time.monotonic() + START_PATIENCE
        while len(self._places()) < len(LISTEN):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the hub does not listen: {self.log.read_text()}")
            time.sleep(0.05)
        self.ports = self._places()

    def _places(self) -> list[int]:
        rows = [row for row in self.log.read_text().split("\n") if "listening on" in row]
        return [int(row.rpartition(":")[2]) for row in rows]

    def slow_calls(self) -> list[str]:
        """Return the calls that were too long since this was last asked."""
        rows = self._report.read_text().split("\n")[:-1]
        fresh, self._read = rows[self._read :], len(rows)
        return fresh

    def stop(self) -> list[str]:
        """End it; return what is wrong with that, and with its log."""
        self._process.send_signal(signal.SIGTERM)
        try:
            status: object = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = "killed"
        text = self.log.read_text()
        bad = [row for row in text.split("\n") if "Traceback" in row or "#critical" in row or "#error" in row]
        return bad + ([] if status == 0 else [f"the hub ended with {status}"])

    def longest(self) -> dict[str, float]:
        """Return the milliseconds of the longest call of each kind."""
        rows = [row.split(" ", 2) for row in self._report.read_text().split("\n") if row.startswith(LONGEST)]
        return {kind: float(took) for _, took, kind in rows}


@contextmanager
def hub_with(options: str) -> Iterator[Hub]:
    """Run a hub."""
    with tempfile.TemporaryDirectory() as name:
        hub = Hub(Path(name), options)
        try:
            yield hub
        finally:
            hub._process.kill()
            hub._process.wait()


class Talk:
    """One conversation.

    Args:
        kind: what may happen.
        seed: what decides what does.
        room: where it is.
        ports: of its hub.
    """

    def __init__(self, kind: Kind, seed: str, room: str, ports: Sequence[int]) -> None:
        self._kind = kind
        self._chance = random.Random(seed)
        self._seed = seed
        self._room = room
        self._ports = ports
        self._tls = ssl.create_default_context()
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        self.ends: list[End] = []
        self.faults: list[str] = []
        self._stays: list[End] = []
        """Those who were there from the beginning and until they said that they had said all."""

    async def run(self) -> list[str]:
        """Have it; return what went wrong."""
        chance = self._chance
        count = chance.randint(2, self._kind.most)
        for at in range(count):
            await self._join(at)
            if not self._kind.counts:  # where letters are given, the next one seats who hasn't said all of its hello
                await asyncio.sleep(SETTLED)
        await asyncio.sleep(SETTLED)
        leavers = [end for end in self.ends if chance.random() < 0.2]
        await asyncio.gather(*(self._talk(end, end in leavers) for end in self.ends))
        if leavers:
            await self._join(len(self.ends))
            await self._talk(self.ends[-1], False)
        self._stays = [end for end in self.ends[:count] if end not in leavers]
        rest = [end for end in self.ends if end not in leavers]
        chance.shuffle(rest)
        for end in rest:
            await end.end(chance.choice(("quit", "fin", "done")))
            if self._kind.most > 2 and not await end.gone():
                self.faults.append(f"{end.name} ({end.kind}) is not hung up on")
        await self._all_end(rest)
        self._judge(rest)
        if self.faults:
            ends = (f"\n  {end.name} {end.kind} {end.ended} {end.why}: {end.notices}" for end in self.ends)
            self.faults[-1] += "".join(ends)
        return self.faults

    async def _all_end(self, rest: list[End]) -> None:
        """Wait until the hub has hung up on everybody; the last of a pair may wait for a partner, and is cut."""
        started = waited = time.monotonic()
        while left := [end for end in rest if not end.closed.is_set()]:
            await asyncio.sleep(0.02)
            now = time.monotonic()
            waited = waited if len(left) == 1 else now
            if self._kind.most == 2 and now - waited > LONELY:
                await left[0].end("reset")
                left[0].ended = "alone"
            elif now - started > PATIENCE:
                self.faults += [f"{end.name} ({end.kind}) is not hung up on" for end in left]
                return

    async def _join(self, at: int) -> None:
        name = f"{'abcdefg'[at]}{self._room}"
        kind = self._chance.choice(self._kind.ends)
        end = ENDS[kind](name, random.Random(f"{self._seed} {at}"), self._room)
        is_proxied, is_encrypted = self._chance.random() < 0.3, self._chance.random() < 0.3
        self.ends.append(end)
        port = self._ports[is_proxied + 2 * is_encrypted]
        await end.join(port, is_proxied, self._tls if is_encrypted else None)

    async def _talk(self, end: End, leaves: bool) -> None:
        """Let one end say, and do, this and that; it may go without a word."""
        chance = end.chance
        for _ in range(chance.randint(1, 8)):
            what = chance.random()
            if what < 0.6:
                await end.say(chance.choice((1, 1, 2, 10, 40)))
            elif what < 0.8:
                await end.noise()
            elif end.reads.is_set():
                end.reads.clear()
            else:
                end.reads.set()
            if chance.random() < 0.5:
                await asyncio.sleep(chance.random() * 0.1)
        end.reads.set()
        if leaves:
            await end.end(chance.choice(("reset", "close")))

    def _judge(self, rest: list[End]) -> None:
        for hearer in self.ends:
            self.faults += [f"{hearer.name} ({hearer.kind}) heard a torn line: {line[:200]!r}" for line in hearer.torn]
            for speaker in self.ends:
                self._judge_lines(speaker, hearer)
        taken = all(end.ended == "clean" or end.kind == "session" for end in self.ends)
        if self._kind.counts and self._kind.most == 2 and taken:  # a plain one's machine had what it didn't read
            for end in rest:
                heard = {n for other in self.ends if other is not end for n in other.heard.get(end.name, ())}
                unsaid = end.said - len(heard) - end.told
                if end.ended == "clean" and end.why in ("quit", "bye") and unsaid > 0:
                    lost = f"{unsaid} lines lost unsaid of {end.said}, {end.told} told"
                    self.faults.append(f"{end.name} ({end.kind}): {lost}")

    def _judge_lines(self, speaker: End, hearer: End) -> None:
        lines = hearer.heard.get(speaker.name, [])
        who = f"{hearer.name} ({hearer.kind}) from {speaker.name} ({speaker.kind})"
        if len(set(lines)) < len(lines):
            self.faults.append(f"{who}: doubled: {lines}")
        elif lines != sorted(lines):
            self.faults.append(f"{who}: reordered: {lines}")
        elif self._kind.most > 2 and self._kind.counts and lines:
            if lines != list(range(lines[0], lines[-1] + 1)):
                self.faults.append(f"{who}: lost unsaid: {lines}")
            both = speaker in self._stays and hearer in self._stays and speaker is not hearer
            if both and self._ended_before(speaker, hearer) and lines[-1] != speaker.said:
                self.faults.append(f"{who}: lost unsaid: the last {speaker.said - lines[-1]} of {speaker.said}")

    def _ended_before(self, speaker: End, hearer: End) -> bool:
        return speaker.ended_at < hearer.ended_at


def for_a_while(first: int, seconds: float) -> Iterator[int]:
    """Yield seeds from the `first` on, one at least, as long as that takes."""
    until = time.monotonic() + seconds
    yield first
    while time.monotonic() < until:
        first += 1
        yield first


def soak(name: str, seeds: Iterable[int]) -> tuple[list[str], int, dict[str, float]]:
    """Have conversations of one kind; return what went wrong, how many they were, and the longest calls."""
    kind, faults, count = KINDS[name], list[str](), 0
    with hub_with(kind.options) as hub:
        for number in seeds:
            count += 1
            seed, slow = f"{name} {number}", list[list[str]]()
            for repeat in range(REPEATS):
                room = f"{number}x{repeat}"
                talked = asyncio.run(Talk(kind, seed, room, hub.ports).run())
                faults += [f"seed {number}, {name}: {fault}" for fault in talked]
                slow.append(hub.slow_calls())
                if not slow[-1]:
                    break
            if all(slow):
                faults.append(f"seed {number}, {name}: calls of 5 ms or more in each of {REPEATS} repeats: {slow}")
        faults += [f"{name}: {fault}" for fault in hub.stop()]
        return faults, count, hub.longest()


def main(argv: Sequence[str] | None = None) -> int:
    """Soak; return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="in all")
    parser.add_argument("--seeds", type=int, default=0, help="conversations of each kind, however long they take")
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--only", default=",".join(KINDS), help=f"some of: {' '.join(KINDS)}; with commas")
    options = parser.parse_args(argv)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it says so of each TLS link that is cut
    names, faults = options.only.split(","), list[str]()
    print("| fuzzed | conversations | longest call of the hub |\n|---|---|---|", flush=True)
    for name in names:
        some = range(options.seed, options.seed + options.seeds)
        found, count, longest = soak(name, some or for_a_while(options.seed, options.seconds / len(names)))
        call = max(longest, key=lambda kind: longest[kind], default="")
        print(f"| {name} | {count}, from seed {options.seed} | {longest.get(call, 0):.1f} ms, {call} |", flush=True)
        faults += found
    for fault in faults:
        print(f"fault: {fault}", flush=True)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
