"""The client in pipes beside `nc`: how fast a file goes in and comes out, and how long a start takes.

Both stand in the same place, with the same hub and the same other end, which checks every line.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from socket import create_connection, socket
from typing import IO

from .lines import SLICE, Check, Damage, stream
from .relays import ANSWER_PATIENCE, ENVIRONMENT, HOST, HUB, START_PATIENCE, Running

SIZE = 64
POLL = 0.002
"""Seconds between two looks at a file that grows."""


def report(rounds: int, megabytes: int) -> str:
    """Return what was measured, in sentences."""
    if not shutil.which("nc"):
        return f"Client: {_start_up(rounds)}"
    lines = [_start_up(rounds)]
    for title, measure in (("`cat file | client`", speak), ("`client > file`", listen)):
        mine: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            mine.append(_through(measure, client_command, megabytes))
            theirs.append(_through(measure, nc_command, megabytes))
        one, other = statistics.median(mine), statistics.median(theirs)
        lines.append(f"{title}, {megabytes} MB: {one:,.0f} MB/s, nc {other:,.0f} MB/s ({one / other:.2f} ×)")
    return "Client: " + "\nClient: ".join(lines)


def client_command(port: int) -> list[str]:
    """Return the command line of our client."""
    return [sys.executable, "-m", "chatterbox.client", HOST, str(port)]


def nc_command(port: int) -> list[str]:
    """Return that of netcat."""
    return ["nc", HOST, str(port)]


Stream = int | IO[bytes]
Measure = Callable[[Running, Sequence[str], Path, int], float]


def _through(measure: Measure, command: Callable[[int], Sequence[str]], megabytes: int) -> float:
    """Return MB/s through a hub of its own."""
    size = megabytes * 1_000_000 // SIZE * SIZE
    with Running(HUB, "pair") as running, tempfile.TemporaryDirectory() as folder:
        return size / 1e6 / measure(running, command(running.port), Path(folder, "file"), size)


def _chunks(size: int) -> Callable[[int], memoryview]:
    """Return a function from a place in the stream to the bytes that come next, up to `size`."""
    data, period = stream(SIZE)
    view = memoryview(data)
    return lambda at: view[at % period :][: min(SLICE, size - at)]


def _alone(running: Running) -> socket:
    """Return an end in the lobby, which says nothing of where it wants to be."""
    return running.keep(create_connection((HOST, running.port), ANSWER_PATIENCE))


def speak(running: Running, command: Sequence[str], path: Path, size: int) -> float:
    """Return the seconds from the first byte to the last of a file that the command reads on its stdin."""
    chunk = _chunks(size)
    with path.open("wb") as file:
        at = 0
        while at < size:
            at += file.write(chunk(at))
    end = _alone(running)
    time.sleep(0.2)  # it has its seat: nothing is held for it
    with path.open("rb") as file:
        speaker = _start(command, file)
    try:
        first = _after_notices(end)
        began = time.perf_counter()
        _check(lambda: end.recv(SLICE), size, first)
        return time.perf_counter() - began
    finally:
        _stop(speaker)


def listen(running: Running, command: Sequence[str], path: Path, size: int) -> float:
    """Return the seconds from the first byte said until a file that the command writes has the last."""
    end = _alone(running)
    time.sleep(0.2)
    with path.open("wb") as file:
        listener = _start(command, subprocess.PIPE, file)
    try:
        end.recv(SLICE)  # the notice that it joined
        chunk = _chunks(size)
        began = time.perf_counter()
        at = 0
        while at < size:
            at += end.send(chunk(at))
        while path.stat().st_size < size:
            if time.perf_counter() - began > 10 * ANSWER_PATIENCE:
                raise Damage(f"{path.stat().st_size} of {size} bytes arrived")
            time.sleep(POLL)
        took = time.perf_counter() - began
        with path.open("rb") as file:
            _check(lambda: file.read(SLICE), size)
        return took
    finally:
        _stop(listener)


def _start(command: Sequence[str], stdin: Stream, stdout: Stream = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL, env=ENVIRONMENT)


def _after_notices(end: socket) -> bytes:
    heard = b""
    while b"~" not in heard:
        heard += end.recv(4096)
    return heard[heard.index(b"~") :]


def _check(read: Callable[[], bytes], size: int, data: bytes = b"") -> None:
    """Check `size` bytes of the stream; what comes after them is the hub's own."""
    check = Check(SIZE)
    left = size
    while left:
        data = data or read()
        if not data:
            raise Damage(f"{left} bytes didn't arrive")
        check.take(data[:left])
        left -= min(len(data), left)
        data = b""


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    process.kill()
    process.wait()


def _start_up(rounds: int) -> str:
    with Running(HUB, "pair") as running:
        ours = [*client_command(running.port), "--linger", "0"]
        base = [sys.executable, "-c", "import twisted.internet.reactor"]
        times: dict[str, list[float]] = {"ours": [], "base": []}
        for _ in range(2 * rounds + 1):
            times["ours"].append(_run(ours))
            times["base"].append(_run(base))
    mine, theirs = (statistics.median(some) * 1e3 for some in times.values())
    figures = f"{mine:.0f} ms, `import twisted.internet.reactor` {theirs:.0f} ms ({mine / theirs:.2f} ×)"
    return f"from start to end, nothing said: {figures}"


def _run(command: Sequence[str]) -> float:
    began = time.perf_counter()
    if _start(command, subprocess.DEVNULL).wait(START_PATIENCE):
        raise Damage(f"{' '.join(command)} fails")
    return time.perf_counter() - began
