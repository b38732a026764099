"""A pty is a terminal that a test types on and looks at: a real process on one side, an emulator on the other.

Also here: a hub that is run, and a hub that is played by the test itself. Nothing here knows what is being proved.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyte
from ptyprocess import PtyProcess

ROOT = Path(__file__).resolve().parents[2]
CLIENT = [sys.executable, "-m", "chatterbox.client"]
DEADLINE = 30.0
"""Seconds until a condition is given up: far more than any machine needs."""


class Emulator(pyte.HistoryScreen):
    """A terminal that keeps its scrollback and notes what it would have answered on its own."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows, history=100_000)
        self.answers: list[str] = []

    def write_process_input(self, data: str) -> None:
        """A terminal that answers types for its owner: no line of a stranger may bring that about."""
        self.answers.append(data)


_STATES = tempfile.TemporaryDirectory(prefix="chatterbox-states-")
atexit.register(_STATES.cleanup)


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which the checkout runs, with a colour terminal and a home of its own."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "HOME", "TMPDIR")}
    state = {} if "XDG_STATE_HOME" in more else {"XDG_STATE_HOME": tempfile.mkdtemp(dir=_STATES.name)}
    fixed = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    return kept | fixed | state | more


class Tty:
    """A process on a terminal.

    Args:
        argv: the command; it finds the checkout and a fresh state directory in its environment.
        env: what else it finds there.
    """

    def __init__(self, argv: Sequence[str], columns: int = 80, rows: int = 24, **env: str) -> None:
        self.screen = Emulator(columns, rows)
        self.raw = b""
        """Every byte that the process wrote."""
        self._stream = pyte.ByteStream(self.screen)
        self._pty = PtyProcess.spawn(list(argv), env=environment(**env), dimensions=(rows, columns))

    @property
    def pid(self) -> int:
        """The process's id."""
        return int(self._pty.pid)

    def type(self, keys: str) -> None:
        """Type on the keyboard."""
        os.write(self._pty.fd, keys.encode())

    def paste(self, text: str) -> None:
        """Paste as a terminal with bracketed paste does."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    def resize(self, columns: int, rows: int) -> None:
        """Pull the window's corner."""
        self.screen.resize(rows, columns)
        self._pty.setwinsize(rows, columns)

    def look(self, seconds: float = 0.0) -> bool:
        """Take in what was written within `seconds`; return False where there was nothing."""
        if not select.select([self._pty.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._pty.fd, 65536)
        except OSError:
            data = b""
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def rows(self) -> list[str]:
        """Return everything on the terminal, scrollback first, without the empty rows at the end."""
        columns = self.screen.columns
        above = ["".join(row[n].data for n in range(columns)).rstrip() for row in self.screen.history.top]
        rows = above + [row.rstrip() for row in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def typed_row(self) -> str:
        """Return the row with the cursor: the one that is being typed on."""
        return self.screen.display[self.screen.cursor.y].rstrip()

    def text(self) -> str:
        """Return everything on the terminal as one string."""
        return "\n".join(self.rows())

    def until(self, seen: str | Callable[[], bool], seconds: float = DEADLINE) -> None:
        """Wait until `seen` is on the terminal, or is true."""
        met = (lambda: seen in self.text()) if isinstance(seen, str) else seen
        deadline = time.monotonic() + seconds
        while not met():
            if not self.look(0.1) and time.monotonic() > deadline:
                raise AssertionError(f"waited for {seen!r}, and saw:\n{self.text()}")

    def settle(self, seconds: float = 0.3) -> list[str]:
        """Wait until nothing was written for `seconds`; return the rows."""
        while self.look(seconds):
            pass
        return self.rows()

    def wait(self) -> int:
        """Wait for the process's end; return its exit status."""
        deadline = time.monotonic() + DEADLINE
        while self._pty.isalive():
            self.look(0.05)
            if time.monotonic() > deadline:
                raise AssertionError(f"still running:\n{self.text()}")
        while self.look():
            pass
        status, sign = self._pty.exitstatus, self._pty.signalstatus
        return -sign if status is None else int(status)

    def close(self) -> None:
        """End the process, if it hasn't."""
        if self._pty.isalive():
            os.kill(self.pid, signal.SIGKILL)
            self._pty.wait()
        self._pty.close()


@contextlib.contextmanager
def client(*args: object, **kwargs: Any) -> Iterator[Tty]:
    """Run the bundled client on a terminal."""
    tty = Tty([*CLIENT, *map(str, args)], **kwargs)
    try:
        yield tty
    finally:
        tty.close()


SHELL = """stty -g; sh -c 'echo pid=$$; exec "$@"' - "$@"; echo status=$?; stty -g"""


@contextlib.contextmanager
def shell(*args: object, command: Sequence[str] = CLIENT, **kwargs: Any) -> Iterator[Tty]:
    """Run the bundled client from a shell that shows the terminal's settings before and after it."""
    tty = Tty(["/bin/sh", "-c", SHELL, "sh", *command, *map(str, args)], **kwargs)
    try:
        yield tty
    finally:
        tty.close()


def client_pid(tty: Tty) -> int:
    """Return the id of the client that `shell` runs."""
    tty.until(lambda: b"pid=" in tty.raw and b"\n" in tty.raw.partition(b"pid=")[2])
    found = re.search(rb"pid=(\d+)", tty.raw)
    assert found is not None
    return int(found[1])


def settings(tty: Tty) -> list[bytes]:
    """Return what `stty -g` said in `shell`, before and after."""
    return re.findall(rb"[0-9a-f]+(?::[0-9a-f]+){20,}", tty.raw)


@contextlib.contextmanager
def hub(*args: str) -> Iterator[int]:
    """Run a hub on a free port of the loopback; give the port."""
    command = [sys.executable, "-m", "twisted", "--log-format", "text", "chatterbox"]
    with tempfile.TemporaryDirectory() as place:
        process = subprocess.Popen(
            [*command, "--port", "tcp:0:interface=127.0.0.1", *args],
            cwd=place,
            env=environment(XDG_STATE_HOME=place),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _port(process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE)


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(rb"starting on (\d+)", line)
        if found:
            return int(found[1])
    raise AssertionError("the hub did not start")


class PlayedHub:
    """A hub that a test plays: it hears and says whatever the test wants, also what no real hub would."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(DEADLINE)
        self.port = int(self._listener.getsockname()[1])
        self._socket: socket.socket | None = None
        self._heard = b""

    def accept(self) -> dict[str, Any]:
        """Take the next client; return its hello."""
        self._socket, _ = self._listener.accept()
        self._socket.settimeout(DEADLINE)
        self._heard = b""
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """Return the next object that the client sends."""
        assert self._socket is not None
        while b"\n" not in self._heard:
            data = self._socket.recv(65536)
            if not data:
                raise AssertionError("the client hung up")
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        heard = json.loads(line)
        assert isinstance(heard, dict)
        return heard

    def say(self, *events: dict[str, Any]) -> None:
        """Send objects, as one piece."""
        assert self._socket is not None
        self._socket.sendall(b"".join(json.dumps(event).encode() + b"\n" for event in events))

    def said(self, *texts: str, name: str = "bob") -> None:
        """Let `name` say lines."""
        self.say(*({"event": "said", "from": name, "text": text} for text in texts))

    def welcome(self, mode: str = "pair", **more: Any) -> dict[str, Any]:
        """Take the next client and welcome it, as ann with bob; return its hello."""
        hello = self.accept()
        self.say(WELCOME | {"mode": mode} | more)
        return hello

    def raw(self, data: bytes) -> None:
        """Send bytes."""
        assert self._socket is not None
        self._socket.sendall(data)

    def hang_up(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Close everything."""
        self.hang_up()
        self._listener.close()


WELCOME: dict[str, Any] = {
    "event": "welcome",
    "chatterbox": 1,
    "room": "lobby",
    "mode": "pair",
    "name": "ann",
    "seats": 2,
    "label": None,
    "farewell": ["/quit"],
    "here": ["bob", "ann"],
}


@contextlib.contextmanager
def played_hub(port: int = 0) -> Iterator[PlayedHub]:
    """Play a hub."""
    played = PlayedHub(port)
    try:
        yield played
    finally:
        played.close()
