"""The client in pipes beside `nc`: how fast a file goes in and comes out, and how long a start takes.

Both stand in the same place, with the same hub and the same other end, which checks every line.
"""

from __future__ import annotations

import shutil
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


ROWS = {
    "client-start": ("the client, from start to end, nothing said", "times a second"),
    "client-says": ("`cat file \\| client`", "MB/s"),
    "client-hears": ("`client > file`", "MB/s"),
}
"""Title and unit of each thing that is measured; more is better."""
NC = "nc"
REACTOR = "the reactor's import"
"""What our client stands beside: netcat, and a program that does nothing but import Twisted's reactor."""


def measure(rounds: int, megabytes: int) -> dict[tuple[str, str], list[float]]:
    """Return what was measured, in order of the rounds, by row and program."""
    figures: dict[tuple[str, str], list[float]] = {}
    for program, seconds in _start_up(rounds).items():
        figures["client-start", program] = [1 / second for second in seconds]
    programs = {"chatterbox": client_command, NC: nc_command}
    for row, work in (("client-says", speak), ("client-hears", listen)):
        for _ in range(rounds):
            for program, command in programs.items():
                if program != NC or shutil.which("nc"):
                    figures.setdefault((row, program), []).append(_through(work, command, megabytes))
    return figures


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
    end.sendall(b"/who\n")  # of who says nothing it isn't known for 3 s that it is no session
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


def _start_up(rounds: int) -> dict[str, list[float]]:
    """Return the seconds that our client takes from start to end, and the bare import."""
    times: dict[str, list[float]] = {"chatterbox": [], REACTOR: []}
    with Running(HUB, "pair") as running:
        for _ in range(2 * rounds + 1):
            times["chatterbox"].append(_run([*client_command(running.port), "--linger", "0"]))
            times[REACTOR].append(_run([sys.executable, "-c", "import twisted.internet.reactor"]))
    return times


def _run(command: Sequence[str]) -> float:
    began = time.perf_counter()
    if _start(command, subprocess.DEVNULL).wait(START_PATIENCE):
        raise Damage(f"{' '.join(command)} fails")
    return time.perf_counter() - began
