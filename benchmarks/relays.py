"""A relay is a program two ends can talk through: how to start it, how to reach it, how to end it.

It knows sockets and processes. It does not know what is said, or what is measured.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from . import process

HOST = "127.0.0.1"
START_PATIENCE = 30.0
"""Seconds for a relay to listen."""
STOP_PATIENCE = 10.0
"""Seconds for a relay to go, once asked."""
ANSWER_PATIENCE = 10.0
"""Seconds in which what was said must be heard."""
BACKLOG = 1024
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
"""What a program is started in, so that an uninstalled checkout is found."""


@dataclass(frozen=True, slots=True)
class Relay:
    """How to start one and how to speak to it; `{port}`, `{back}`, `{room}` and `{who}` are filled in."""

    name: str
    command: str
    """Words of the command line; empty: there is no relay, and the two ends talk directly."""
    shapes: Mapping[str, str]
    """What it can do, and the words that this needs besides: `pair`, `long` lines, many `pairs`, a `room`."""
    connects_back: bool = False
    """Whether it connects to the other end, which listens on `{back}`."""
    preamble: str = ""
    """What an end says first."""
    ending: bytes = b"\n"
    labels_chunks: bool = False
    """Whether its label stands before what it happened to read, and not before each line."""
    most: int = 100_000
    """Connections that it takes."""

    @property
    def is_installed(self) -> bool:
        """Whether its program is there."""
        return not self.command or shutil.which(self.command.split()[0].replace("{python}", sys.executable)) is not None


HUB = Relay(
    "chatterbox",
    "{python} -m chatterbox serve --port tcp:{port}:interface=127.0.0.1",
    {"pair": "", "long": "--max-line 16384", "pairs": "", "room": "--mode ports"},
    preamble="/join {room}\n",
)
NCAT = Relay(
    "ncat",
    "ncat -l -m 900 127.0.0.1 {port}",
    {"pair": "--broker", "long": "--broker", "room": "--chat"},
    labels_chunks=True,
    most=800,
)
TEXTBOOK = Relay(
    "textbook",
    "{python} -m benchmarks.textbook {port}",
    {"pair": "", "long": "", "room": ""},
    preamble="u{who}\r\n",
    ending=b"\r\n",
)
RELAYS = (
    HUB,
    Relay(
        "socat",
        "socat -b65536 TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,nodelay,backlog=1024"
        " TCP:127.0.0.1:{back},nodelay",
        {"pair": "", "long": "", "pairs": ""},
        connects_back=True,
        most=200,
    ),
    NCAT,
    TEXTBOOK,
    Relay("direct", "", {"pair": "", "long": "", "pairs": ""}),
)


@dataclass
class Running:
    """A relay that was started; a context manager that ends it.

    Args:
        shape: what it is to do, a key of its `shapes`.
        extra: further words of the command line.
    """

    relay: Relay
    shape: str
    extra: str = ""
    port: int = 0
    pid: int = 0
    """0 where there is no relay."""
    _exit: ExitStack = field(default_factory=ExitStack)
    _process: subprocess.Popen[bytes] | None = None
    _listener: socket.socket | None = None
    _ends: int = 0

    def __enter__(self) -> Running:
        raise_open_files()
        back = 0
        if self.relay.connects_back or not self.relay.command:
            self._listener = self.keep(socket.create_server((HOST, 0), backlog=BACKLOG))
            self._listener.settimeout(ANSWER_PATIENCE)
            back = self.port = self._listener.getsockname()[1]
        if self.relay.command:
            self.port = free_port()
            self._start(back)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._exit.close()

    def keep(self, sock: socket.socket) -> socket.socket:
        """Close `sock` when the relay is ended."""
        return self._exit.enter_context(sock)

    def _start(self, back: int) -> None:
        words = f"{self.relay.command} {self.relay.shapes[self.shape]} {self.extra}".split()
        values = {"python": sys.executable, "port": self.port, "back": back}
        log = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the rest
        self._exit.callback(log.close)
        self._process = subprocess.Popen(
            [word.format(**values) for word in words],
            cwd=self._exit.enter_context(tempfile.TemporaryDirectory()),
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.pid = self._process.pid
        pin(self.pid, -1)
        deadline = time.monotonic() + START_PATIENCE
        while not _is_taken(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                log.seek(0)
                reason = log.read()[-500:].decode(errors="replace")
                self._exit.close()
                raise RuntimeError(f"{self.relay.name} didn't start: {reason}")
            time.sleep(0.02)

    def ask_to_end(self) -> None:
        """Send the relay SIGTERM."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    @property
    def has_ended(self) -> bool:
        """Whether the relay is gone."""
        return not self._process or self._process.poll() is not None

    def stop(self) -> None:
        """Ask the relay to end; what is left of it after STOP_PATIENCE is killed."""
        if not self._process:
            return
        self.ask_to_end()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # with the children it may have left: its session is its own
        self._process.wait()

    def memory(self) -> int:
        """Return the relay's resident bytes."""
        return process.memory(self.pid)

    def end(self, room: object = 0) -> socket.socket:
        """Return a new connection that has said what an end says first; it lives as long as the relay."""
        return self._greet(socket.create_connection((HOST, self.port), ANSWER_PATIENCE), room)

    def pair(self, room: object = 0) -> tuple[socket.socket, socket.socket]:
        """Return two ends that talk through the relay."""
        one = self.end(room)
        if not self._listener:
            return one, self.end(room)
        other, _ = self._listener.accept()
        other.settimeout(ANSWER_PATIENCE)
        return one, self._greet(other, room)

    def _greet(self, sock: socket.socket, room: object) -> socket.socket:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ends += 1
        if self.relay.preamble:
            sock.sendall(self.relay.preamble.format(room=f"r{room}", who=self._ends).encode())
        return self.keep(sock)


def free_port() -> int:
    """Return a port nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def _is_taken(port: int) -> bool:
    """Return whether somebody listens on `port`, without connecting to it: a relay would take that for an end."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, port))
        except OSError:
            return True
    return False


def pin(pid: int, core: int) -> None:
    """Keep process `pid` (0: this one) to one core, where the system lets us: relay and load don't mix."""
    if hasattr(os, "sched_setaffinity") and len(_CORES) > 1:
        os.sched_setaffinity(pid, {_CORES[core]})


_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def raise_open_files() -> None:
    """Raise this process's limit on open files as far as it goes; what it starts inherits that."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
