"""A play is a conversation in a file of `tests/plays`; it is run on a stage, which is a hub in memory or a real one.

Its first line names the mode and further options; then one thing happens a line:

    ann connects                 ann >> a line she sends            ann leaves
    ann connects from 51839      ann << a line she hears, next      ann is hung up on
    console >> typed there       console << printed there, next     ann hears nothing
    ann >| raw bytes, \\n escaped  ann <| raw bytes she hears, next   wait 0.2

At the end nobody may have heard more than the play says. Over sockets a peer comes from any port, and what is heard
is read with that one in place of the play's.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from chatterbox.edges.console import Console
from chatterbox.options import Options
from chatterbox.service import ENDED
from tests.harness import memory
from tests.harness.ends import DEADLINE, Socket
from tests.harness.processes import ROOT, Hub, until

PLAYS = sorted((ROOT / "tests" / "plays").glob("*.play"))
_LINE = re.compile(r"(?P<who>\S+) (?P<what>>>|<<|>\||<\||connects|leaves|hears|is)(?: (?P<text>.*))?$")


class Stage(Protocol):
    """A hub, its console, and ends that come to it. Each act has had its effect when it returns."""

    def connect(self, port: int) -> Any:
        """Let an end come, from this port if that can be, and be where it is when it says nothing."""

    def port_of(self, end: Any) -> int:
        """Return where an end came from."""

    def send(self, end: Any, data: bytes) -> None:
        """Let an end send bytes."""

    def heard(self, end: Any) -> bytes:
        """Return what has come to an end since this was last asked."""

    def leave(self, end: Any) -> None:
        """Let an end close its connection."""

    def is_hung_up_on(self, end: Any) -> bool:
        """Return whether the hub has ended the connection."""

    def types(self, line: str) -> None:
        """Type a line on the console."""

    def printed(self) -> bytes:
        """Return what the console has printed since this was last asked."""

    def is_stopped(self) -> bool:
        """Return whether the hub has stopped, as the operator wanted."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def close(self) -> None:
        """End it."""


class Terminal:
    """The console's terminal, in memory."""

    def __init__(self) -> None:
        self.out = b""

    def write(self, data: bytes) -> None:
        self.out += data

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        pass

    def registerProducer(self, producer: object, streaming: bool) -> None:
        pass

    pauseProducing = resumeProducing = unregisterProducer = loseConnection


class MemoryStage:
    """A hub on a clock."""

    hub: type[memory.HubOnAClock] = memory.HubOnAClock

    def __init__(self, *options: str) -> None:
        chosen = Options()
        chosen.parseOptions(options)
        columns = asdict(chosen["row"])
        self._hub = self.hub(columns.pop("name"), asdict(chosen["limits"]), bool(chosen["bare"]), **columns)
        self._console = Console(self._hub.admission, self._stop)
        self._hub.observers.append(self._console.narrator)
        self._terminal = Terminal()
        self._is_stopped = False
        if chosen["console"]:
            self._console.makeConnection(self._terminal)
            self._console.narrator.begin(["127.0.0.1:12345"])

    def _stop(self) -> None:
        self._is_stopped = True
        self._hub.admission.stop(lambda: None, *ENDED)

    def connect(self, port: int) -> memory.End:
        end = self._hub.connects(port=port)
        self.wait(0.2)
        return end

    def port_of(self, end: memory.End) -> int:
        return int(end.line.getPeer().port)

    def send(self, end: memory.End, data: bytes) -> None:
        end.sends(data)
        self.wait(0.2)

    def heard(self, end: memory.End) -> bytes:
        return end.heard()

    def leave(self, end: memory.End) -> None:
        end.leaves()
        self.wait(0.2)

    def is_hung_up_on(self, end: memory.End) -> bool:
        return bool(end.closed)

    def types(self, line: str) -> None:
        self._console.dataReceived(line.encode() + b"\n")
        self.wait(0.2)

    def printed(self) -> bytes:
        data, self._terminal.out = self._terminal.out, b""
        return data

    def is_stopped(self) -> bool:
        return self._is_stopped

    def wait(self, seconds: float) -> None:
        self._hub.wait(seconds)

    def close(self) -> None:
        pass


class SocketStage:
    """A hub in a process of its own."""

    def __init__(self, *options: str) -> None:
        self._hub = Hub(*options)
        self._ends: list[Socket] = []
        self._seen = 0
        """Bytes of the console that `printed` has returned."""

    def connect(self, port: int) -> Socket:
        end = Socket(self._hub.port)
        self._ends.append(end)
        until(lambda: f":{end.port}" in self._hub.log or not end.is_quiet(0))
        self._catch_up()
        return end

    def port_of(self, end: Socket) -> int:
        return end.port

    def send(self, end: Socket, data: bytes) -> None:
        end.send(data)
        self._catch_up()

    def heard(self, end: Socket) -> bytes:
        return end.chunk(0.02)

    def leave(self, end: Socket) -> None:
        end.close()
        end.is_over = True
        self._catch_up()

    def is_hung_up_on(self, end: Socket) -> bool:
        until(lambda: end.is_over or not end.is_quiet(0))
        return end.is_over

    def types(self, line: str) -> None:
        self._hub.types(line)

    def printed(self) -> bytes:
        data = (self._hub.place / "console").read_bytes()[self._seen :]
        self._seen += len(data)
        return data.replace(f":{self._hub.port}".encode(), b":12345")

    def is_stopped(self) -> bool:
        return self._hub.wait() == 0

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)
        self._catch_up()

    def _catch_up(self) -> None:
        if self._hub.process.poll() is None:
            self._hub.catches_up()

    def close(self) -> None:
        for end in self._ends:
            end.close()
        self._hub.__exit__(None)


class Play:
    """A play's lines, and the running of them."""

    def __init__(self, path: Path) -> None:
        lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        self.options = shlex.split(lines[0].removeprefix("hub "))
        self.lines = lines[1:]

    def run(self, on: type[MemoryStage] | type[SocketStage]) -> None:
        """Run the play; raise AssertionError with its line where it goes otherwise."""
        self.stage: Stage = on(*self.options)
        self.ends: dict[str, Any] = {}
        self.heard: dict[str, bytes] = {"console": b""} if "--console" in self.options else {}
        self.ports: dict[str, str] = {}
        """The ports that ends really came from, by those in the play."""
        try:
            for line in self.lines:
                self._act(line)
            for who in self.heard:
                assert self._more(who) == b"", f"{who} heard more than the play says: {self.heard[who]!r}"
        finally:
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
            port = int(text.split()[-1]) if text else 40001 + len(self.ends)
            self.ends[who] = self.stage.connect(port)
            self.ports[str(port)] = str(self.stage.port_of(self.ends[who]))
            self.heard[who] = b""
        elif who == "console" and what == ">>":
            self.stage.types(text)
        elif what in (">>", ">|"):
            self.stage.send(self.ends[who], text.encode() + b"\n" if what == ">>" else _raw(text))
        elif what in ("<<", "<|"):
            self._expect(who, text.encode() + b"\n" if what == "<<" else _raw(text), line)
        elif what == "leaves":
            self.stage.leave(self.ends[who])
        elif what == "is":
            assert self.stage.is_stopped() if who == "hub" else self.stage.is_hung_up_on(self.ends[who]), line
        else:
            assert self._more(who) == b"", f"{line}: {self.heard[who]!r}"

    def _more(self, who: str) -> bytes:
        """Add what has come to `who` since the last time; return all that the play hasn't said yet."""
        self.heard[who] += self.stage.printed() if who == "console" else self.stage.heard(self.ends[who])
        return self.heard[who]

    def _expect(self, who: str, data: bytes, line: str) -> None:
        deadline = time.monotonic() + DEADLINE * isinstance(self.stage, SocketStage)
        while len(self._more(who)) < len(data) and time.monotonic() < deadline:
            pass
        assert self.heard[who].startswith(data), f"{line}: heard {self.heard[who]!r}"
        self.heard[who] = self.heard[who].removeprefix(data)


def _raw(text: str) -> bytes:
    """Return `text` with its escapes read, as bytes."""
    return text.encode().decode("unicode_escape").encode("latin-1") if "\\" in text else text.encode()
