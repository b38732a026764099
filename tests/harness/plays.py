"""A stage is where a play is run: a hub and its peers, in memory on a clock or over real sockets.

A play is a file in `tests/plays`. Its first line names the mode and further options; then one thing happens a line:

    ann connects                 ann >> a line she sends            ann leaves
    ann connects from 51839      ann << a line she hears, next      ann is hung up on
    console >> typed there       console << printed there, next     ann hears nothing
    ann >| raw bytes, \\n escaped  ann <| raw bytes she hears, next   wait 0.2

At the end nobody may have heard more than the play says. Over sockets a peer comes from any port, and what is heard
is read with that one in place of the play's.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chatterbox.connections.admission import Admission
from chatterbox.core.events import Observer
from chatterbox.core.hub import Hub
from chatterbox.edges.console import Console
from chatterbox.edges.tcp import ChatFactory
from chatterbox.options import Options

PLAYS = sorted((Path(__file__).resolve().parents[1] / "plays").glob("*.play"))
ROOT = Path(__file__).resolve().parents[2]
QUIET = 0.3
"""Seconds without a byte that count as silence (seeds.md)."""
PATIENCE = 30.0
"""Seconds that a slow machine may take over what must happen."""
_LINE = re.compile(r"(?P<who>\S+) (?P<what>>>|<<|>\||<\||connects|leaves|hears|is)(?: (?P<text>.*))?$")


class _Transport(StringTransport):
    """A StringTransport on which the protocol is told of its end, as a real one would."""

    def loseConnection(self) -> None:
        super().loseConnection()

    abortConnection = loseConnection


class _MemoryPeer:
    """One peer of a hub in memory."""

    def __init__(self, stage: MemoryStage, port: int) -> None:
        self._clock = stage.clock
        self.port = port
        self.transport = _Transport(peerAddress=IPv4Address("TCP", "127.0.0.1", port))
        self.protocol = stage.factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        self.settle()

    def settle(self) -> None:
        """Let what is due soon happen, and everything that was sent arrive."""
        self._clock.pump([0.05] * 4)

    def send(self, data: bytes) -> None:
        self.protocol.dataReceived(data)
        self.settle()

    def heard(self) -> bytes:
        data = bytes(self.transport.value())
        self.transport.clear()
        return data

    def leave(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.settle()

    def is_hung_up_on(self) -> bool:
        return bool(self.transport.disconnecting)


class _MemoryTerminal:
    """The console's terminal, in memory."""

    def __init__(self) -> None:
        self.out = b""

    def write(self, data: bytes) -> None:
        self.out += data

    def loseConnection(self) -> None:
        pass

    pauseProducing = resumeProducing = unregisterProducer = loseConnection


class MemoryStage:
    """A hub on a clock, with string transports."""

    def __init__(self, options: Options) -> None:
        self.clock = Clock()
        self.stopped = False
        observers: list[Observer] = []
        hub = Hub(options["row"], options["limits"], observers)
        self.admission = Admission(hub, self.clock.callLater, self.clock.seconds, bool(options["bare"]))
        self.factory = ChatFactory(self.admission, self.clock)
        self._console = Console(self.admission, self._stop)
        observers.append(self._console)
        self._terminal = _MemoryTerminal()
        if options["console"]:
            self._console.makeConnection(self._terminal)
            self._console.begin([("127.0.0.1", 12345)])

    def _stop(self) -> None:
        self.stopped = True
        self.admission.stop(lambda: None)

    def connect(self, port: int) -> _MemoryPeer:
        return _MemoryPeer(self, port)

    def console_says(self, line: str) -> None:
        self._console.dataReceived(line.encode() + b"\n")

    def console_heard(self) -> bytes:
        data, self._terminal.out = self._terminal.out, b""
        return data

    def wait(self, seconds: float) -> None:
        self.clock.pump([0.01] * int(seconds * 100))

    def close(self) -> None:
        pass


class _SocketPeer:
    """One peer of a real hub."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, PATIENCE)
        self.port = self.socket.getsockname()[1]
        self.ended = False
        time.sleep(0.2)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)
        time.sleep(0.05)

    def heard(self) -> bytes:
        if self.ended:
            return b""
        self.socket.settimeout(QUIET)
        try:
            data = self.socket.recv(65536)
            self.ended = not data
            return data
        except TimeoutError:
            return b""
        except ConnectionError:
            self.ended = True
            return b""

    def leave(self) -> None:
        self.socket.close()
        self.ended = True
        time.sleep(0.1)

    def is_hung_up_on(self) -> bool:
        deadline = time.monotonic() + PATIENCE
        while not self.ended and time.monotonic() < deadline:
            self.heard()
        return self.ended


class SocketStage:
    """A hub in a process of its own, on loopback."""

    def __init__(self, options: list[str], with_console: bool) -> None:
        command = [sys.executable, "-m", "chatterbox", "serve", "tcp:0:interface=127.0.0.1", *options]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout and self.process.stderr
        os.set_blocking(self.process.stdout.fileno(), False)
        self.log = ""
        while "listening on" not in self.log:
            line = self.process.stderr.readline().decode()
            assert line, f"the hub didn't start: {self.log}"
            self.log += line
        self.port = int(self.log.rsplit("listening on 127.0.0.1:", 1)[1].split()[0])

    def connect(self, port: int) -> _SocketPeer:
        return _SocketPeer(("127.0.0.1", self.port))

    def console_says(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        time.sleep(0.1)

    def console_heard(self) -> bytes:
        assert self.process.stdout
        deadline = time.monotonic() + QUIET
        data = b""
        while not data and time.monotonic() < deadline:
            data = os.read(self.process.stdout.fileno(), 65536) if self._readable() else b""
        return data.replace(f":{self.port}".encode(), b":12345")

    def _readable(self) -> bool:
        import select

        assert self.process.stdout
        return bool(select.select([self.process.stdout], [], [], 0.05)[0])

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    @property
    def stopped(self) -> bool:
        return self.process.wait(PATIENCE) == 0

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        _, rest = self.process.communicate(timeout=PATIENCE)
        self.log += rest.decode()
        assert "Traceback" not in self.log, self.log


class Play:
    """A play's lines, and the running of them."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        self.options = shlex.split(lines[0].removeprefix("hub "))
        self.lines = lines[1:]

    def run(self, on_sockets: bool) -> None:
        """Run the play; raise AssertionError with its line where it goes otherwise."""
        if on_sockets:
            self.stage: MemoryStage | SocketStage = SocketStage(self.options, "--console" in self.options)
        else:
            options = Options()
            options.parseOptions(self.options)
            self.stage = MemoryStage(options)
        self.peers: dict[str, _MemoryPeer | _SocketPeer] = {}
        self.heard: dict[str, bytes] = {"console": b""}
        self.ports: dict[str, str] = {}
        """The ports that peers really came from, by those in the play."""
        try:
            for line in self.lines:
                self._act(line)
            for who in self.heard:
                if who == "console" and "--console" not in self.options:
                    continue
                assert self._more(who) == b"", f"{who} heard more than the play says: {self.heard[who]!r}"
        finally:
            for peer in self.peers.values():
                if isinstance(peer, _SocketPeer):
                    peer.socket.close()
            self.stage.close()

    def _act(self, line: str) -> None:
        if line.startswith("wait "):
            self.stage.wait(float(line[5:]))
            return
        found = _LINE.match(line.strip())
        assert found, f"no line of a play: {line}"
        who, what, text = found["who"], found["what"], found["text"] or ""
        if what in ("<<", "<|"):
            text = re.sub(r"\b\d{5}\b", lambda port: self.ports.get(port[0], port[0]), text)
        if what == "connects":
            port = int(text.split()[-1]) if text else 40001 + len(self.peers)
            self.peers[who] = self.stage.connect(port)
            self.ports[str(port)] = str(self.peers[who].port)
            self.heard[who] = b""
        elif what in (">>", ">|"):
            self._say(who, text if what == ">>" else None, _raw(text))
        elif what in ("<<", "<|"):
            self._expect(who, text.encode() + b"\n" if what == "<<" else _raw(text), line)
        elif what == "leaves":
            self.peers[who].leave()
        elif what == "is":
            ended = self.stage.stopped if who == "hub" else self.peers[who].is_hung_up_on()
            assert ended, line
        else:
            assert self._more(who) == b"", f"{line}: {self.heard[who]!r}"

    def _say(self, who: str, line: str | None, raw: bytes) -> None:
        if who == "console":
            self.stage.console_says(line or "")
        else:
            self.peers[who].send(raw if line is None else line.encode() + b"\n")

    def _more(self, who: str) -> bytes:
        """Add what `who` hears in a while to what was heard; return all of it."""
        self.heard[who] += self.stage.console_heard() if who == "console" else self.peers[who].heard()
        return self.heard[who]

    def _expect(self, who: str, data: bytes, line: str) -> None:
        deadline = time.monotonic() + (PATIENCE if isinstance(self.stage, SocketStage) else 0)
        while len(self.heard[who]) < len(data):
            before = self.heard[who]
            if self._more(who) == before and time.monotonic() >= deadline:
                break
        assert self.heard[who].startswith(data), f"{line}: heard {self.heard[who]!r}"
        self.heard[who] = self.heard[who].removeprefix(data)


def _raw(text: str) -> bytes:
    """Return `text` with its escapes read, as bytes."""
    return text.encode().decode("unicode_escape").encode("latin-1") if "\\" in text else text.encode()
