"""The client in pipes as a process, and a hub of sessions on the loopback that a test plays."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import SkipTest

from tests.harness.ends import DEADLINE
from tests.harness.processes import CLIENT, environment

BOB = "b" * 16


@contextlib.contextmanager
def client(*args: object, command: list[str] = CLIENT, **kwargs: Any) -> Iterator[Any]:
    """Run the client as a Popen, with pipes where `kwargs` say nothing else."""
    files = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | kwargs
    process = subprocess.Popen([*command, *map(str, args)], env=environment(), bufsize=0, **files)
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE)
        for file in (process.stdin, process.stdout, process.stderr):
            if file:
                file.close()


def run(*args: object, say: bytes = b"", **kwargs: Any) -> tuple[int, bytes, str]:
    """Run the client to its end; return its status, stdout and stderr."""
    with client(*args, **kwargs) as process:
        out, err = process.communicate(say or None, timeout=DEADLINE)
        return process.returncode, out, (err or b"").decode()


class Hub:
    """A hub on the loopback that a test plays: sessions in a pair, where bob sits."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE)
        self.address = "{}:{}".format(*self._listener.getsockname())
        self.link = socket.socket()
        self._heard = b""

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()
        self._listener.close()

    def accept(self) -> dict[str, Any]:
        """Take a client, and welcome it; return its hello."""
        self.link, _ = self._listener.accept()
        self.link.settimeout(DEADLINE)
        self._heard = b""
        hello = self.hear()
        bob = {"name": "bob", "stream": BOB, "session": True, "away": False}
        self.says({"event": "welcome", "room": "tea", "mode": "pair", "name": "ann", "seats": 2, "stream": "a" * 16, "max_line": 4096, "ends": [bob]})
        return hello

    def hear(self) -> dict[str, Any]:
        """Return the next object that the client sends."""
        while b"\n" not in self._heard:
            data = self.link.recv(65536)
            assert data, "it hung up"
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        return json.loads(line)

    def hear_until(self, verb: str) -> list[dict[str, Any]]:
        """Return what the client sends up to this verb."""
        heard = [self.hear()]
        while heard[-1]["verb"] != verb:
            heard.append(self.hear())
        return heard

    def says(self, *events: dict[str, Any]) -> None:
        """Send objects."""
        self.link.sendall(b"".join(json.dumps(event).encode() + b"\n" for event in events))

    def bob(self, n: int, text: str) -> None:
        """Let bob say lines from number n on."""
        self.says({"event": "said", "from": "bob", "stream": BOB, "n": n, "gap": 0, "text": text})

    def ends(self, n: int, got: int) -> None:
        """Let bob have got so many lines and finish with number n; then close as a hub does."""
        self.says({"event": "got", "stream": BOB, "n": got}, {"event": "finished", "name": "bob", "stream": BOB, "n": n, "gap": 0})
        self.hear_until("quit")
        self.close()

    def close(self) -> None:
        """Say the last word, and hang up."""
        self.says({"event": "closed", "why": "quit"})
        self.link.close()

    def reset(self) -> None:
        """Break the connection."""
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.link.close()


def status_of(process: Any, key: str) -> int:
    """Return a number of Linux's /proc/PID/status, where there is one."""
    path = Path(f"/proc/{process.pid}/status")
    if not path.exists():
        raise SkipTest("only Linux tells")
    return int(path.read_text().partition(f"{key}:")[2].split()[0])
