"""An end is one side of a conversation with a real hub: a socket that the test holds, or a program with pipes.

A test needn't care what an end is made of: it sends bytes, hears lines or nothing, and comes to its end.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
from collections.abc import Sequence

DEADLINE = 60.0
"""Seconds until a condition is given up: far more than any machine needs."""
QUIET = 0.3
"""Seconds without a byte that count as silence (seeds.md); a slow machine makes silence longer, never shorter."""


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

    def is_quiet(self, seconds: float = QUIET) -> bool:
        """Return whether nothing has come, and nothing comes for a while."""
        self._heard = self.chunk(seconds)
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
