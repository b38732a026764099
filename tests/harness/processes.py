"""A process is what people start: here is a hub as one, on the loopback, with its log, its console and its ends.

There is no other way to start a hub in tests. Nothing here knows what is being proved.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from unittest import SkipTest

from tests.harness.ends import DEADLINE, End, Program, Socket

ROOT = Path(__file__).resolve().parents[2]
SERVE = [sys.executable, "-m", "chatterbox", "serve"]
"""The words that start a hub; the first port follows, also below."""
TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
UNDER_TWISTD = [*TWISTD, "-n", "--pidfile=", "chatterbox", "--port"]
CLIENT = [sys.executable, "-m", "chatterbox.client"]
PROGRAMS = {
    "nc": ["nc.openbsd" if shutil.which("nc.openbsd") else "nc"],
    "ncat": ["ncat"],
    "socat": ["socat", "-"],
    "telnet": ["telnet"],
    "client": CLIENT,
}
"""What people join with, by the name it has in a test."""
EndType = TypeVar("EndType", bound=End)

_STATES = tempfile.TemporaryDirectory(prefix="chatterbox-states-")
atexit.register(_STATES.cleanup)


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which the checkout runs, with a colour terminal and a home of its own."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "HOME", "TMPDIR")}
    state = {} if "XDG_STATE_HOME" in more else {"XDG_STATE_HOME": tempfile.mkdtemp(dir=_STATES.name)}
    fixed = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    return kept | fixed | state | more


def until(met: Callable[[], Any], seconds: float = DEADLINE) -> None:
    """Wait until `met` returns something true."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain")
        time.sleep(0.02)


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Return whether somebody answers at a port on loopback."""
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


def is_idle(pid: int) -> bool:
    """Return whether a process takes less than 1 % of a processor for 2 s; Linux tells, in hundredths of a second."""
    before = _ticks(pid)
    time.sleep(2)
    return _ticks(pid) - before < 2


def _ticks(pid: int) -> int:
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
        command: the words that start it, if not `SERVE`.
        env: the environment in which it and its programs run, if not `environment`.
        place: the folder in which it runs, if not one of its own.
    """

    def __init__(
        self,
        *options: str,
        port: int = 0,
        command: Sequence[str] = (),
        env: dict[str, str] | None = None,
        place: Path | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._ends: list[End] = []
        self.place = place or Path(self._folder.name)
        self.env = environment(XDG_STATE_HOME=self._folder.name) if env is None else env
        words = [*(command or SERVE), f"tcp:{port}:interface=127.0.0.1", *options]
        printed = "log" if "twistd" in " ".join(words) and "--console" not in options else "console"
        with open(self.place / printed, "ab") as out, open(self.place / "log", "ab") as err:
            self.process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=out, stderr=err, env=self.env, cwd=self.place
            )
        until(lambda: self.ports or self.process.poll() is not None)
        assert self.ports, f"the hub didn't start: {self.log}"
        self.port = self.ports[0]

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        for end in self._ends:
            end.close()
        try:
            self.stops(signal.SIGTERM)
        finally:
            self.kill()
            log = self.log
            self._folder.cleanup()
        if kind is None and re.search(r"Traceback|#(warn|error|critical)|Unhandled", log):
            raise AssertionError(f"a fault in the log: {log}")

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    @property
    def log(self) -> str:
        """All that it has logged."""
        return (self.place / "log").read_text()

    @property
    def ports(self) -> list[int]:
        """Where on 127.0.0.1 it has said that it listens."""
        return list(map(int, re.findall(r"listening on 127\.0\.0\.1:(\d+)", self.log)))

    @property
    def console(self) -> list[str]:
        """The lines that its console has printed."""
        return (self.place / "console").read_text().splitlines()

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

    def catches_up(self) -> None:
        """Wait until it has handled all that was sent to it before: it answers who comes only now.

        A reactor handles all that is there before it looks again. One who connects is accepted in one turn and
        answered in a later one; the second is for those whom the first met while they were being accepted.
        """
        for _ in range(2):
            stranger = Socket(self.port)
            stranger.send(b"GET / HTTP/1.1\r\n\r\n")
            stranger.chunk()
            stranger.close()

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

    def kill(self) -> None:
        """End it with SIGKILL, if it still runs."""
        self.process.kill()
        self.wait()

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


class Daemon(Hub):
    """A hub that `twistd` has put into the background."""

    def __init__(self, *options: str) -> None:
        command = [*TWISTD, "--pidfile=pid", "--logfile=log", "chatterbox", "--port"]
        super().__init__(*options, command=command)
        assert self.process.wait(DEADLINE) == 0
        self.pidfile = self.place / "pid"
        self._pid = int(self.pidfile.read_text())

    @property
    def pid(self) -> int:
        """The id of the process in the background."""
        return self._pid

    def wait(self) -> int:
        """Wait for its end, when it takes its pidfile away; who isn't its parent can't know the status."""
        until(lambda: not self.pidfile.exists())
        return 0

    def stops(self, number: int) -> int:
        """Send it a signal, if it still runs, and wait for its end."""
        if self.pidfile.exists():
            os.kill(self.pid, number)
        return self.wait()

    def kill(self) -> None:
        """End it with SIGKILL, if it still runs."""
        if self.pidfile.exists():
            os.kill(self.pid, signal.SIGKILL)
