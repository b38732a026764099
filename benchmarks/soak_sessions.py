"""A soak of sessions is two pipes that swap files while hubs are killed, links are cut and clients are stopped.

    python -m benchmarks.soak_sessions
    python -m benchmarks.soak_sessions --quick

At the end both files must be whole and both statuses 0; where one end is killed, the other's must be 4. A failure
prints its seed. Everything is on loopback, and bounded in time.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .cutting import Cutting
from .relays import ENVIRONMENT

PATIENCE = 600.0
"""Seconds for one swap."""


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
    proxy = Cutting(hub.port, cuts, between, chance)
    try:
        yield hub, proxy
    finally:
        proxy.close()
        hub.stop()


def start(port: int, given: Path, heard: Path) -> subprocess.Popen[bytes]:
    """Start a pipe that says one file and hears another."""
    command = [sys.executable, "-m", "chatterbox.client", "127.0.0.1", str(port), "--retry", "300"]
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


def one_end_dies(megabytes: int, seed: int) -> str:
    """Kill one end in the middle; return what went wrong, or nothing."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given, heard = [folder / f"in{end}" for end in (0, 1)], [folder / f"out{end}" for end in (0, 1)]
        for path in given:
            write_lines(path, megabytes, chance)
        with hub_behind_cuts(folder, 0, 1 << 60, chance) as (_, proxy):
            ends = [start(proxy.port, given[end], heard[end]) for end in (0, 1)]
            try:
                while heard[0].stat().st_size < megabytes * 300_000:
                    time.sleep(0.005)
                ends[1].send_signal(chance.choice((signal.SIGTERM, signal.SIGINT)))
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
    title = "{0.megabytes} MB each way, {0.kills} hubs killed, {0.cuts} links cut, clients stopped {0.stops} times"
    faults = [_tell(title.format(amounts), swap(amounts, options.seed))]
    faults.append(_tell("one end is killed in the middle", one_end_dies(amounts.megabytes, options.seed)))
    print(f"seed {options.seed}, {time.monotonic() - began:.0f} s")
    return int(any(faults))


def _tell(what: str, fault: str) -> str:
    print(f"{'FAILS' if fault else 'holds'}  {what}{': ' if fault else ''}{fault}", flush=True)
    return fault


if __name__ == "__main__":
    sys.exit(main())
