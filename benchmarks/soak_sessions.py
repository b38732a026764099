"""A soak of sessions is two pipes that swap files while hubs are killed, links are cut and clients are stopped.

    python -m benchmarks.soak_sessions
    python -m benchmarks.soak_sessions --quick

At the end both files must be whole and both statuses 0; where one end is killed, the other's must be 4, and never 0.
Plain text (`nc`) has no numbers: there a link isn't cut, and both files must be whole. Each run is a row of a table. A
failure prints its seed. Everything is on loopback, and bounded in time.
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from .cutting import Cutting
from .relays import ENVIRONMENT

PATIENCE = 600.0
"""Seconds for one swap."""


class Row(NamedTuple):
    """One figure: what was done, what must be so, and what was."""

    figure: str
    goal: str
    seen: str
    holds: bool

    def __str__(self) -> str:
        return f"{'holds' if self.holds else 'FAILS'} | {self.figure} | {self.goal} | {self.seen}"


class Amounts(NamedTuple):
    """How much of everything."""

    megabytes: int = 50
    kills: int = 20
    cuts: int = 200
    stops: int = 20


QUICK = Amounts(2, 3, 12, 3)


class Hub:
    """A hub on a fixed port, which can be killed and started again."""

    def __init__(self, log: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self._log = log
        self._starts = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "chatterbox", "serve", f"tcp:{self.port}:interface=127.0.0.1"]
        with self._log.open("ab") as log:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env=ENVIRONMENT)
        self._starts += 1
        deadline = time.monotonic() + 60
        while self._log.read_text().count("listening on") < self._starts:  # to look by connecting would take a seat
            if time.monotonic() > deadline:
                raise RuntimeError("the hub does not listen")
            time.sleep(0.05)
        return process

    def kill_and_restart(self) -> None:
        """Kill it with -9, and start another in its place."""
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


@contextmanager
def hub_behind_cuts(folder: Path, cuts: int, between: int, chance: random.Random) -> Iterator[tuple[Hub, Cutting]]:
    """Run a hub, and a proxy in front of it."""
    hub = Hub(folder / "log")
    proxy = Cutting(lambda: hub.port, cuts, between, chance)
    try:
        yield hub, proxy
    finally:
        proxy.close()
        hub.stop()


def start(port: int, given: Path, heard: Path, retry: int = 300) -> subprocess.Popen[bytes]:
    """Start a pipe that says one file and hears another."""
    command = [sys.executable, "-m", "chatterbox.client", "127.0.0.1", str(port), "--retry", str(retry)]
    return _run(command, given, heard)


def start_plain(port: int, given: Path, heard: Path) -> subprocess.Popen[bytes]:
    """Start `nc`, which does the same without numbers."""
    return _run(["nc", "-N", "127.0.0.1", str(port)], given, heard)


def _run(command: list[str], given: Path, heard: Path) -> subprocess.Popen[bytes]:
    err = heard.with_suffix(".err").open("ab")
    with given.open("rb") as stdin, heard.open("wb") as stdout, err:
        return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=err, env=ENVIRONMENT)


def write_lines(path: Path, megabytes: int, chance: random.Random) -> None:
    """Fill a file with numbered lines of all lengths."""
    size = number = 0
    with path.open("wb") as file:
        while size < megabytes * 1_000_000:
            number += 1
            size += file.write(b"%d %s\n" % (number, b"x" * min(3000, int(chance.paretovariate(0.7)))))


def swap(amounts: Amounts, seed: int) -> str:
    """Swap two files through all of it; return what went wrong, or nothing."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given, heard = [folder / f"in{end}" for end in (0, 1)], [folder / f"out{end}" for end in (0, 1)]
        for path in given:
            write_lines(path, amounts.megabytes, chance)
        between = max(1000, amounts.megabytes * 1_000_000 // max(1, amounts.cuts))
        with hub_behind_cuts(folder, amounts.cuts, between, chance) as (hub, proxy):
            ends = [start(proxy.port, given[end], heard[end]) for end in (0, 1)]
            try:
                _disturb(hub, ends, heard, amounts, chance)
                statuses = [end.wait(PATIENCE) for end in ends]
            except subprocess.TimeoutExpired:
                statuses = [-99, -99]
            finally:
                for end in ends:
                    end.kill()
                    end.wait()
            same = [given[end].read_bytes() == heard[1 - end].read_bytes() for end in (0, 1)]
            if statuses == [0, 0] and all(same):
                print(f"   {proxy.made} links were cut", flush=True)
                return ""
            told = [path.with_suffix(".err").read_text()[-500:] for path in heard]
            return f"statuses {statuses}, files equal {same}, {told}"


def _disturb(
    hub: Hub, ends: list[subprocess.Popen[bytes]], heard: list[Path], amounts: Amounts, chance: random.Random
) -> None:
    """Kill the hub, and stop the clients, each time that a part of the files has arrived."""
    what = ["kill"] * amounts.kills + ["stop"] * amounts.stops
    chance.shuffle(what)
    total = 2 * amounts.megabytes * 1_000_000
    deadline = time.monotonic() + PATIENCE
    for number, deed in enumerate(what):
        while sum(path.stat().st_size for path in heard) < total * number / (len(what) + 1):
            if time.monotonic() > deadline or any(end.poll() is not None for end in ends):
                return
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.05))
        if deed == "kill":
            hub.kill_and_restart()
        else:
            end = chance.choice(ends)
            end.send_signal(signal.SIGSTOP)
            time.sleep(chance.uniform(0, 0.5))
            end.send_signal(signal.SIGCONT)


def one_end_dies(megabytes: int, seed: int, number: signal.Signals = signal.SIGTERM) -> str:
    """End one end in the middle by a signal; return what went wrong, or nothing."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given, heard = [folder / f"in{end}" for end in (0, 1)], [folder / f"out{end}" for end in (0, 1)]
        for path in given:
            write_lines(path, megabytes, chance)
        with hub_behind_cuts(folder, 0, 1 << 60, chance) as (_, proxy):
            retry = 2 if number == signal.SIGKILL else 300  # as long as the hub keeps the seat of one that says nothing
            ends = [start(proxy.port, given[end], heard[end], retry) for end in (0, 1)]
            try:
                while heard[0].stat().st_size < megabytes * 300_000:
                    time.sleep(0.005)
                ends[1].send_signal(number)
                status = ends[0].wait(60)
            except subprocess.TimeoutExpired:
                status = -99
            finally:
                for end in ends:
                    end.kill()
                    end.wait()
            whole = given[1].read_bytes().startswith(heard[0].read_bytes())
    return "" if status == 4 and whole else f"status {status}, what was heard is the beginning: {whole}"


def main(argv: Sequence[str] | None = None) -> int:
    """Soak; return 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of everything: about half a minute")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=int, help=f"each way ({Amounts().megabytes})")
    options = parser.parse_args(argv)
    amounts = QUICK if options.quick else Amounts()
    if options.megabytes:
        amounts = amounts._replace(megabytes=options.megabytes)
    began = time.monotonic()
    rows: list[Row] = []
    for figure, goal, run in runs(amounts, options.seed):
        then = time.monotonic()
        fault = run()
        rows.append(Row(figure, goal, fault or f"so it was, in {time.monotonic() - then:.0f} s", not fault))
        print(rows[-1], flush=True)
    print(f"seed {options.seed}, {time.monotonic() - began:.0f} s")
    return int(not all(row.holds for row in rows))


def runs(amounts: Amounts, seed: int) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """Return what is done: its title, its goal, and the deed."""
    title = "{0.megabytes} MB each way, {0.kills} hubs killed, {0.cuts} links cut, clients stopped {0.stops} times"
    yield title.format(amounts), "both files equal, both statuses 0", partial(swap, amounts, seed)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        figure, goal = f"{number.name} to one end in the middle", "the other's status is 4, never 0"
        yield figure, goal, partial(one_end_dies, amounts.megabytes, seed, number)
    goal = "both files equal; no promise beyond a clean end"
    for names in (("nc", "client"), ("nc", "nc")):
        yield f"{amounts.megabytes} MB each way, {' to '.join(names)}", goal, partial(plain, amounts, seed, names)


def plain(amounts: Amounts, seed: int, names: Sequence[str]) -> str:
    """Swap two files where one end or both are `nc`; return what went wrong, or nothing."""
    chance = random.Random(seed)
    starts = {"nc": start_plain, "client": start}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given, heard = [folder / f"in{end}" for end in (0, 1)], [folder / f"out{end}" for end in (0, 1)]
        for path in given:
            write_lines(path, amounts.megabytes, chance)
        with hub_behind_cuts(folder, 0, 1 << 60, chance) as (hub, _):
            ends = [starts[kind](hub.port, given[end], heard[end]) for end, kind in enumerate(names)]
            try:
                statuses = [end.wait(PATIENCE) for end in ends]
            except subprocess.TimeoutExpired:
                statuses = [-99, -99]
            finally:
                for end in ends:
                    end.kill()
                    end.wait()
        same = [given[end].read_bytes() == _said(heard[1 - end]) for end in (0, 1)]
    return "" if statuses == [0, 0] and all(same) else f"statuses {statuses}, files equal {same}"


def _said(path: Path) -> bytes:
    """Return a file that an end has heard, without the hub's notices."""
    return b"".join(line for line in path.read_bytes().splitlines(True) if not line.startswith(b"-!- "))


if __name__ == "__main__":
    sys.exit(main())
