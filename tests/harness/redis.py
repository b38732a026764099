"""A Redis of one's own: a process on a unix socket in a folder of its own, that a test may kill, stop and start again."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

SERVER = shutil.which("redis-server") or shutil.which("valkey-server") or ""
ABSENT = None if SERVER else "there is no redis-server here"
"""Why tests that need one are skipped."""


class Redis:
    """One server.

    Args:
        folder: an empty folder, which it may use; a short path, since sockets' names are.
        options: of its command line.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.socket = folder / "engine"
        self.url = f"redis+unix://{self.socket}"
        self._folder = folder
        self._options = options
        self.start()

    def start(self, *options: str) -> None:
        """Start it, with what it kept if that was asked for, and wait until it listens."""
        quiet = ("--port", "0", "--unixsocket", str(self.socket), "--dir", str(self._folder), "--save", "")
        self.process = subprocess.Popen(
            [SERVER, *quiet, "--appendonly", "no", *self._options, *options], stdout=subprocess.DEVNULL
        )
        for _ in range(1000):
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(self.socket))
                return
            except OSError:
                time.sleep(0.01)
        raise AssertionError("the server doesn't listen within 10 s")

    def kill(self) -> None:
        """Kill it, as a power cut does."""
        self.process.kill()
        self.process.wait()

    def forget(self) -> None:
        """Lose what is on its disk; it is to be killed before."""
        for kept in self._folder.glob("appendonly*"):
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()

    def freeze(self) -> None:
        """Stop it, without a word."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def says(self, *words: str) -> str:
        """Return what it answers to a command."""
        command = ["redis-cli", "-s", str(self.socket), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
