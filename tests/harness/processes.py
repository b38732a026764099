"""A real hub is a process on the loopback; its ends are sockets, other programs, or the bundled client.

A test needn't care what an end is made of: it sends bytes, hears lines or nothing, and comes to its end.
Terminals are `ptys`'. Nothing here knows what is being proved.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from unittest import SkipTest

from tests.harness.terminals import CLIENT, DEADLINE, environment

SERVE = [sys.executable, "-m", "chatterbox", "serve"]
TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
ANY_PORT = "tcp:0:interface=127.0.0.1"
QUIET = 0.3
"""Seconds without a byte that count as silence."""
PROGRAMS = {
    "nc": ["nc.openbsd" if shutil.which("nc.openbsd") else "nc"],
    "ncat": ["ncat"],
    "socat": ["socat", "-"],
    "telnet": ["telnet"],
    "client": CLIENT,
}
"""What people join with, by the name it has in a test."""
EndType = TypeVar("EndType", bound="End")


def until(met: Callable[[], Any], seconds: float = DEADLINE) -> None:
    """Wait until `met` returns something true."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain")
        time.sleep(0.02)


def best(seconds: Callable[[], float], goal: float) -> float:
    """Return the first of up to five measurements that is below the goal, or the least: others met a busy machine."""
    times: list[float] = []
    while len(times) < 5 and min(times, default=goal) >= goal:
        times.append(seconds())
    return min(times)


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ticks(pid: int) -> int:
    """Return the hundredths of a second of processor time that a process has taken; Linux tells."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))


def threads(pid: int) -> int:
    """Return how many threads a process has; Linux tells."""
    return len(os.listdir(f"/proc/{pid}/task"))


class Hub:
    """A hub in a process of its own, with its log and its console in files, and its ends.

    As a context it ends the hub and every end, and refuses a log with a fault in it.

    Args:
        options: as on the command line.
        port: where it listens; 0 takes a free one.
    """

    def __init__(self, *options: str, port: int = 0) -> None:
        self._place = tempfile.TemporaryDirectory()
        self._ends: list[End] = []
        self.env = environment(XDG_STATE_HOME=self._place.name)
        command = [*SERVE, f"tcp:{port}:interface=127.0.0.1", *options]
        with open(self._file("console"), "wb") as out, open(self._file("log"), "wb") as err:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=err, env=self.env, cwd=self._place.name
            )
        until(lambda: "listening on" in self.log or self.process.poll() is not None)
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", self.log)
        assert found, f"the hub didn't start: {self.log}"
        self.port = int(found[1])

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for end in self._ends:
            end.close()
        try:
            self.stops(signal.SIGTERM)
        finally:
            self.process.kill()
            log = self.log
            self._place.cleanup()
        if kind is None and re.search(r"Traceback|#(warn|error|critical)|Unhandled", log):
            raise AssertionError(f"a fault in the log: {log}")

    def _file(self, name: str) -> Path:
        return Path(self._place.name, name)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    @property
    def log(self) -> str:
        """All that it has logged."""
        return self._file("log").read_text()

    @property
    def console(self) -> list[str]:
        """The lines that its console has printed."""
        return self._file("console").read_text().splitlines()

    def logs(self, text: str, count: int = 1) -> None:
        """Wait until `text` is in its log so many times."""
        until(lambda: self.log.count(text) == count)

    def prints(self, text: str, count: int = 1) -> None:
        """Wait until so many lines of its console have `text` in them."""
        until(lambda: sum(text in line for line in self.console) == count)

    def types(self, line: str) -> None:
        """Type a line on its console."""
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def wait(self) -> int:
        """Wait for its end; return its exit status."""
        return self.process.wait(DEADLINE)

    def stops(self, number: int) -> int:
        """Send it a signal, if it still runs; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        assert self.process.stdin
        self.process.stdin.close()
        return self.wait()

    def peer(self, *lines: str, room: str = "") -> Socket:
        """Return a socket that has joined, and said `lines`."""
        return self._joins(Socket(self.port), lines, f"/join {room}" if room else "")

    def pair(self, room: str = "") -> tuple[Socket, Socket]:
        """Return two ends that sit in a room and know it."""
        first = self.peer(room=room)
        first.says("/who")
        first.hears("-!- here: guest-1")
        second = self.peer(room=room)
        first.hears("-!- your partner joined")
        return first, second

    def program(self, kind: str, *lines: str, room: str = "", name: str = "") -> Program:
        """Return a running program that has joined, and was given `lines`; only the client takes a `name`.

        Raises:
            SkipTest: it isn't installed.
        """
        command = PROGRAMS[kind]
        if not shutil.which(command[0]):
            raise SkipTest(f"no {command[0]} here")
        place = [f"TCP:127.0.0.1:{self.port}"] if kind == "socat" else ["127.0.0.1", str(self.port)]
        if kind == "client":
            place += [f"--{option}={value}" for option, value in (("room", room), ("name", name)) if value]
        program = Program([*command, *place], self.env)
        if kind == "telnet":
            program.skips("Escape character is '^]'.")
        return self._joins(program, lines, f"/join {room}" if room and kind != "client" else "")

    def script(self, source: str, *args: object) -> Program:
        """Return a running Python program."""
        return self._joins(Program([sys.executable, "-u", "-c", source, *map(str, args)], self.env), ())

    def _joins(self, end: EndType, lines: Sequence[str], preamble: str = "") -> EndType:
        self._ends.append(end)
        end.says(*filter(None, [preamble]), *lines)
        return end


class End:
    """One end of a conversation: what comes is kept until it is asked for.

    Args:
        reading: the file to hear from; it is read without waiting.
        writing: the file to send to.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self.is_over = False
        """Whether the other side has ended it."""
        self.was_reset = False
        """Whether it did so by a reset."""
        self._reading, self._writing = reading, writing
        self._heard = b""
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)

    def send(self, data: bytes) -> None:
        """Send bytes; whoever takes none of them for long fails the test."""
        while data:
            sent = self.sends_some(data, DEADLINE)
            assert sent, f"{len(data)} bytes were not taken"
            data = data[sent:]

    def sends_some(self, data: bytes, seconds: float = QUIET) -> int:
        """Return how many bytes were taken within `seconds`."""
        return os.write(self._writing, data) if select.select([], [self._writing], [], seconds)[1] else 0

    def says(self, *lines: str) -> None:
        """Send lines, in one piece."""
        self.send("".join(f"{line}\n" for line in lines).encode())

    def chunk(self, seconds: float = DEADLINE) -> bytes:
        """Return what one read brings, or nothing after `seconds` or at the end."""
        if self._heard or self.is_over or not select.select([self._reading], [], [], seconds)[0]:
            data, self._heard = self._heard, b""
            return data
        try:
            data = os.read(self._reading, 65536)
        except ConnectionResetError:
            data, self.was_reset = b"", True
        self.is_over = not data
        return data

    def line(self) -> str:
        """Return the next line."""
        heard = bytearray()
        while b"\n" not in heard:
            data = self.chunk()
            assert data, f"no line came, only {bytes(heard)!r}"
            heard += data
        line, _, rest = bytes(heard).partition(b"\n")
        self._heard = rest
        return line.decode()

    def lines(self, count: int) -> list[str]:
        """Return the next lines."""
        return [self.line() for _ in range(count)]

    def hears(self, *lines: str) -> None:
        """Refuse to hear anything but these lines next."""
        for line in lines:
            heard = self.line()
            assert heard == line, f"heard {heard!r} and not {line!r}"

    def skips(self, line: str) -> None:
        """Hear everything up to this line."""
        while self.line() != line:
            pass

    def is_quiet(self) -> bool:
        """Return whether nothing comes for a while."""
        self._heard = self.chunk(QUIET)
        return not self._heard

    def rest(self) -> bytes:
        """Return all that comes until the other side ends it."""
        heard = bytearray()
        while data := self.chunk():
            heard += data
        assert self.is_over, f"no end, only {bytes(heard)!r}"
        return bytes(heard)

    def close(self) -> None:
        """End it."""


class Socket(End):
    """An end that the test itself holds."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.port = int(self.socket.getsockname()[1])
        super().__init__(self.socket.fileno(), self.socket.fileno())

    def finish(self) -> None:
        """Close the sending half."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End it by a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """End it cleanly."""
        self.socket.close()


class Program(End):
    """An end that is a process with pipes; its stdout is what is heard."""

    def __init__(self, command: Sequence[str], env: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=env)
        assert self.process.stdin and self.process.stdout
        super().__init__(self.process.stdout.fileno(), self.process.stdin.fileno())

    def finish(self) -> None:
        """Let its input end."""
        assert self.process.stdin
        self.process.stdin.close()

    def wait(self) -> int:
        """Wait for its end; return its exit status."""
        return self.process.wait(DEADLINE)

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.wait()

    def close(self) -> None:
        """End it, if it still runs."""
        self.kill()
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
