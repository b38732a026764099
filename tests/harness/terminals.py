"""A terminal is what a person sits at: a real process on one side, and a test that types and looks on the other.

Nothing here knows what is being proved.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyte
from ptyprocess import PtyProcess

from tests.harness.ends import DEADLINE
from tests.harness.processes import CLIENT, Hub, environment


class Emulator(pyte.HistoryScreen):
    """A terminal that keeps its scrollback and notes what it would have answered on its own."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows, history=100_000)
        self.answers: list[str] = []

    def write_process_input(self, data: str) -> None:
        """A terminal that answers types for its owner: no line of a stranger may bring that about."""
        self.answers.append(data)


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

    def hang_up(self) -> None:
        """Close the window; the system tells the process so."""
        self._pty.close()

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
def hub(*options: str) -> Iterator[int]:
    """Run a hub; give its port, which is all that terminals need of it."""
    with Hub(*options) as running:
        yield running.port
