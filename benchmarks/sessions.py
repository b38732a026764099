"""What a session costs: the client in pipes beside the same without sessions, a resume, a `send`, an idle session.

    python -m benchmarks.sessions
    python -m benchmarks.sessions --rounds 1 --megabytes 10

Each figure stands beside its goal. A pipe's ratio is the median of the rounds, in each of which one of either kind
moves the same file; elsewhere the best counts, since a busy machine makes nothing faster.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from socket import create_connection, socket
from statistics import median
from typing import Any, NamedTuple

from . import process
from .lines import Damage, stream
from .relays import ANSWER_PATIENCE, ENVIRONMENT, HOST, Relay, Running

SIZE = 64
POLL = 0.002
"""Seconds between two looks at a file that grows."""
CLIENT = [sys.executable, "-m", "chatterbox.client", HOST]
TEXT = [sys.executable, "-m", "benchmarks.text_pipe", HOST]
REACTOR = [sys.executable, "-c", "import twisted.internet.reactor"]
HUB = Relay("chatterbox", "{python} -m chatterbox serve tcp:{port}:interface=127.0.0.1", {"pair": ""})
JOINED = b"-!- your partner joined\n"
"""What a text peer hears first."""
IDLE = 2000


class Moved(NamedTuple):
    """A file that went through a hub."""

    rate: float
    """MB/s from its first byte to its last."""
    spent: float
    """Seconds of processor time a GB, of both clients and the hub, without their start."""


def move(command: Sequence[str], given: Path) -> Moved:
    """Move the file `given` from one pipe to another."""
    size = given.stat().st_size
    with Running(HUB, "pair") as running, tempfile.TemporaryDirectory() as folder:
        heard = Path(folder, "heard")
        with given.open("rb") as stdin, heard.open("wb") as stdout:
            words = [*command, str(running.port)]
            hearer = _start(words, subprocess.DEVNULL, stdout)
            speaker = None
            try:
                time.sleep(1)  # it has its seat
                speaker = _start(words, stdin)
                _wait_for(heard, 1000)  # the first lines, behind a notice
                began, pids = time.perf_counter(), (hearer.pid, speaker.pid, running.pid)
                before = sum(map(process.processor, pids))
                _wait_for(heard, size)
                took = time.perf_counter() - began
                spent = sum(map(process.processor, pids)) - before
                _wait_for(heard, size + len(JOINED) * (command is TEXT))
            finally:
                for one in filter(None, (speaker, hearer)):
                    one.kill()
                    one.wait()
        if not heard.read_bytes().removeprefix(JOINED).startswith(given.read_bytes()):
            raise Damage("the file that was heard is another one")
    return Moved(size / 1e6 / took, spent / size * 1e9)


def _start(words: Sequence[str], stdin: object, stdout: object = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    return subprocess.Popen(words, stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL, env=ENVIRONMENT)  # type: ignore[call-overload]  # a file or a number, as Popen takes both


def _wait_for(path: Path, size: int) -> None:
    deadline = time.monotonic() + 30 * ANSWER_PATIENCE
    while path.stat().st_size < size:
        if time.monotonic() > deadline:
            raise Damage(f"{path.stat().st_size} of {size} bytes arrived")
        time.sleep(POLL)


class Raw:
    """A session of which the link is made by hand."""

    def __init__(self, running: Running, number: int, tries: int = 1) -> None:
        self.socket: socket = running.keep(create_connection((HOST, running.port), ANSWER_PATIENCE))
        self._file = self.socket.makefile("rb")
        self.say(chatterbox=1, session=f"{number:032x}", room=f"r{number // 2}", blocks=True, **{"try": tries})
        self.welcome = self.hear("welcome")

    def say(self, **sent: object) -> None:
        """Say one object."""
        self.socket.sendall(json.dumps(sent).encode() + b"\n")

    def hear(self, kind: str) -> dict[str, Any]:
        """Return the next event of a kind."""
        for line in self._file:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "said" and "bytes" in event:
                self._file.read(event["bytes"])
            if event["event"] == kind:
                return event
        raise Damage(f"no {kind} came")


def resume(rounds: int) -> float:
    """Return the seconds from a cut to the repeated line at the other end, the best of some."""
    times = []
    with Running(HUB, "pair") as running:
        one, two = Raw(running, 0), Raw(running, 1)
        to = two.welcome["stream"]
        for number in range(1, 10 * rounds + 1):
            began = time.perf_counter()
            one.socket.close()
            one = Raw(running, 0, number + 1)
            one.say(verb="say", n=number, to=to, gap=0, text="here again")
            two.hear("said")
            times.append(time.perf_counter() - began)
    return min(times)


def idle(count: int) -> float:
    """Return the bytes that one idle session of many costs the hub."""
    with Running(HUB, "pair") as running:
        for number in range(200):  # a process takes some memory once
            Raw(running, count + number)
        before = process.memory(running.pid)
        for number in range(count):
            Raw(running, number)
        time.sleep(1)
        return (process.memory(running.pid) - before) / count


def send(rounds: int) -> tuple[float, float]:
    """Return the seconds of a `send` to a waiting `recv`, from start to end, and of the reactor's import: the best."""
    sends, imports = [], []
    with Running(HUB, "pair") as running:
        hub = f"{HOST}:{running.port}"
        for _ in range(2 * rounds + 1):
            hearer = _start([sys.executable, "-m", "chatterbox", "recv", hub, "-n", "1"], subprocess.DEVNULL)
            time.sleep(1)
            began = time.perf_counter()
            speaker = _start([sys.executable, "-m", "chatterbox", "send", hub, "hi"], subprocess.DEVNULL)
            if speaker.wait(ANSWER_PATIENCE) or hearer.wait(ANSWER_PATIENCE):
                raise Damage("send or recv fails")
            sends.append(time.perf_counter() - began)
            began = time.perf_counter()
            _start(REACTOR, subprocess.DEVNULL).wait()
            imports.append(time.perf_counter() - began)
    return min(sends), min(imports)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=100)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder, "given")
        data, period = stream(SIZE)
        with given.open("wb") as file:
            for _ in range(options.megabytes * 1_000_000 // period + 1):
                file.write(data[:period])
        rows = [(move(TEXT, given), move(CLIENT, given)) for _ in range(options.rounds)]
    for text, session in rows:
        print(
            "   text {:.0f} MB/s, {:.1f} s a GB; session {:.0f} MB/s, {:.1f} s a GB".format(*text, *session), flush=True
        )
    rate = median(session.rate / text.rate for text, session in rows)
    spent = median(session.spent / text.spent for text, session in rows)
    sent, imported = send(options.rounds)
    figures = [
        ("a pipe with sessions beside one without: speed", rate, 0.8, True),
        ("the same: processor time of both clients and the hub", spent, 1.25, False),
        ("a cut link, until the line said after it is heard: ms", resume(options.rounds) * 1000, 100, False),
        (f"one of {IDLE:,} idle sessions: KiB at the hub", idle(IDLE) / 1024, 5, False),
        ("`send` to a waiting `recv`: times the reactor's import", sent / imported, 2, False),
    ]
    missed = False
    for what, seen, goal, is_more in figures:
        holds = seen >= goal if is_more else seen <= goal
        missed |= not holds
        print(
            f"{'holds' if holds else 'FAILS'}  {what}: {seen:.2f} (goal {'≥' if is_more else '≤'} {goal})", flush=True
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
