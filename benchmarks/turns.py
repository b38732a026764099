"""The longest turn: how long one call of the reactor may take, by what is sent, in a room of so many.

    python -m benchmarks.turns [--rooms 900:text 10:text+session] [--only NAME] [--repeats 3]

The hub is whole but for its sockets: what is measured is the hub's own work, without the system's writes (some 5 µs
each). Of some repeats (of processor time) the shortest counts.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

from twisted.internet import error
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISSLTransport
from twisted.python.failure import Failure
from websockets.frames import Frame, Opcode
from zope.interface import directlyProvides

from chatterbox.connections.admission import Admission
from chatterbox.core.hub import Hub
from chatterbox.core.modes import MODES
from chatterbox.edges.sockets import ACCEPTS_A_TURN
from chatterbox.edges.tcp import ChatFactory
from chatterbox.edges.websocket import Web
from chatterbox.limits import PUBLIC, Limits

READ = 64 * 1024
ALL = ("text", "json", "session", "websocket")
"""What the members of a room may speak."""


class Call:
    """A call that is to come."""

    __slots__ = ("call", "is_cancelled")

    def __init__(self, call: Callable[[], object]) -> None:
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        """Forget it."""
        self.is_cancelled = True

    def active(self) -> bool:
        """Return whether it is still to come."""
        return not self.is_cancelled


class Timed:
    """A reactor that times each call that it makes; a `Clock` of Twisted's sorts all calls for each new one."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._now = 0.0
        self._calls: list[tuple[float, int, Call]] = []
        self._numbers = count()

    def seconds(self) -> float:
        """Return the time of this clock."""
        return self._now

    def time(self, call: Callable[..., Any], *args: Any) -> None:
        """Make one call."""
        start = time.thread_time()
        call(*args)
        took = time.thread_time() - start
        self._now += took  # or a storm in no time would leave more timers behind than any hub ever has
        self.longest = max(self.longest, took)

    def callLater(self, delay: float, call: Callable[..., object], *args: object) -> Any:
        """Make a call later, as a reactor does."""
        later = Call(partial(call, *args))
        heappush(self._calls, (self._now + delay, next(self._numbers), later))
        return later

    def settle(self, seconds: float = 1.0) -> None:
        """Let all happen that is due in so many seconds."""
        until = self._now + seconds
        while self._calls and self._calls[0][0] <= until:
            self._now, _, later = heappop(self._calls)
            if not later.is_cancelled:
                later.is_cancelled = True
                self.time(later.call)
        self._now = until


class Nowhere:
    """A transport that takes everything."""

    disconnecting = False

    def write(self, data: bytes) -> None:
        """Take it."""

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Take all of it."""

    def nothing(self, *_: Any) -> None:
        """Do nothing."""

    loseConnection = abortConnection = unregisterProducer = registerProducer = nothing
    pauseProducing = resumeProducing = nothing

    def getPeer(self) -> IPv4Address:
        """Return this machine."""
        return IPv4Address("TCP", "127.0.0.1", 5)


def lines(line: str) -> bytes:
    """Return 64 KiB of `line`, numbered where it has a field."""
    text = "".join(line.replace("{}", str(at)) + "\n" for at in range(READ // (len(line) + 1)))
    return text.encode()[:READ].rpartition(b"\n")[0] + b"\n"


def said(**fields: str) -> bytes:
    """Return 64 KiB of one JSON object."""
    return lines(json.dumps(fields))


def numbered(verb: str) -> bytes:
    """Return 64 KiB of what a session says."""
    return b"".join(json.dumps({"verb": verb, "n": at, "text": "hello"}).encode() + b"\n" for at in range(1, 200))


def newlines() -> bytes:
    """Return one object of as many empty lines as it may have."""
    return json.dumps({"verb": "say", "n": 1, "text": "\n" * (3 * READ - 1000)}).encode() + b"\n"


def frames(messages: Iterable[bytes], opcode: Opcode = Opcode.TEXT) -> bytes:
    """Return messages as a browser sends them."""
    return b"".join(Frame(opcode, message.strip()).serialize(mask=True, extensions=[]) for message in messages)


SESSION = json.dumps({"chatterbox": 1, "session": "0" * 32, "try": 1, "name": "ann"}).encode() + b"\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
HELLO = b'{"chatterbox": 1, "name": "ann"}\n'
TEXT = b"/nick ann\n"
INPUTS: dict[str, tuple[str, Sequence[bytes], bytes]] = {
    "lines said": ("room", [TEXT], lines("hello out there {}")),
    "bare newlines": ("room", [TEXT], b"\n" * READ),
    "bare newlines, mode `ports`": ("ports", [], b"\n" * READ),
    "`/me`": ("room", [TEXT], lines("/me waves {}")),
    "`/nick`": ("room", [TEXT], lines("/nick ann{}")),
    "`/msg`": ("room", [TEXT], lines("/msg n1 {}")),
    "`/who`": ("room", [TEXT], lines("/who")),
    "`/join` to and fro": ("room", [TEXT], b"/join tea\n/join lobby\n" * 2000),
    "unknown names": ("room", [TEXT], lines("/msg nobody {}")),
    "JSON `say`": ("room", [HELLO], said(verb="say", text="{}")),
    "JSON `me`": ("room", [HELLO], said(verb="me", text="{}")),
    "JSON faults": ("room", [HELLO], lines("{}")),
    "JSON `type`, short lines": ("pair", [HELLO], said(verb="type", keys="x\n" * 4000)),
    "keys, mode `talk`": ("talk", [], b"x\n" * (READ // 2)),
    "telnet commands": ("room", [TEXT], (b"\xff\xf1\xff\xfb\x01" * READ)[: READ - 1] + b"\n"),
    "invalid bytes": ("room", [TEXT], (b"\xc2\x9b\xe2\x80\xae\xf0" * READ)[: READ - 1] + b"\n"),
    "invalid bytes in lines": ("room", [TEXT], b"\xc2\x9b\xe2\x80\xae\xf0\n" * (READ // 7)),
    "forged notices": ("room", [TEXT], lines("-!- ")),
    "a session's lines": ("room", [SESSION], numbered("say")),
    "a session's `me`": ("room", [SESSION], numbered("me")),
    "a session's pings": ("room", [SESSION], said(verb="ping")),
    "newlines in a session's `say`": ("pair", [SESSION], newlines()),
    "newlines in a session's `say`, mode `ports`": ("ports", [SESSION], newlines()),
    "WebSocket `say`": ("room", [UPGRADE, frames([HELLO])], frames(said(verb="say", text="x").split(b"\n")[:-1])),
    "WebSocket pings": ("room", [UPGRADE, frames([HELLO])], frames([b""] * 10_000, Opcode.PING)),
}


def connect(clock: Timed, factory: ChatFactory, is_encrypted: bool = False) -> Any:
    """Return the protocol of a new connection."""
    transport, protocol = Nowhere(), factory.buildProtocol(None)
    if is_encrypted:
        directlyProvides(transport, ISSLTransport)
    clock.time(protocol.makeConnection, transport)
    if is_encrypted:
        protocol.handshakeCompleted()
    return protocol


def hello_of(kind: str, at: int, asks_name: bool) -> list[bytes]:
    """Return what the member number `at`, of one kind, sends to be seated."""
    name = f"n{at}"
    hello = {"chatterbox": 1, "name": name}
    if kind == "session":
        return [json.dumps(hello | {"session": f"{at + 1:032x}", "try": 1}).encode() + b"\n"]
    if kind == "json":
        return [json.dumps(hello).encode() + b"\n"]
    if kind == "websocket":
        return [UPGRADE, frames([json.dumps(hello).encode()])]
    return [f"/nick {name}\n".encode()] if asks_name else []


class Size(NamedTuple):
    """How many sit in a room, and what they speak, in turn."""

    members: int
    kinds: Sequence[str] = ALL[:1]

    def __str__(self) -> str:
        """Return it as the command line has it."""
        return f"{self.members}:{'+'.join(self.kinds)}"


def size_of(text: str) -> Size:
    """Return the size of a room that the command line asks for."""
    members, _, kinds = text.partition(":")
    if unknown := set(kinds.split("+")) - set(ALL):
        raise argparse.ArgumentTypeError(f"nobody speaks {', '.join(unknown)}")
    return Size(int(members), kinds.split("+"))


def crowd(mode: str, size: Size, is_public: bool = False) -> tuple[Timed, ChatFactory, list[Any]]:
    """Return a hub with so many members in one room, where the mode has so many seats."""
    clock: Any = Timed()  # what a hub needs of a reactor
    row = MODES[mode]
    limits = Limits(**(PUBLIC if is_public else {}))  # type: ignore[arg-type]  # the row has ints and a float
    admission = Admission(Hub(row, limits), clock.callLater, clock.seconds)
    factory, ends = ChatFactory(admission, clock, Web(admission)), []
    for first in range(0, most := min(size.members, (row.seats or size.members + 1) - 1), ACCEPTS_A_TURN):
        some = [(at, connect(clock, factory)) for at in range(first, min(first + ACCEPTS_A_TURN, most))]
        ends += [end for _, end in some]
        hellos = [(end, hello_of(size.kinds[at % len(size.kinds)], at, row.asks_name)) for at, end in some]
        for part in range(2):
            for end, hello in hellos:
                for data in hello[part : part + 1]:
                    end.dataReceived(data)
            clock.settle(0)
    clock.settle()
    gc.unfreeze()  # of the last crowd
    gc.collect()
    gc.freeze()
    clock.longest = 0.0
    return clock, factory, ends


def flood(mode: str, hello: Sequence[bytes], data: bytes, size: Size) -> float:
    """Return the longest turn (s) of one who sends `data` in one packet."""
    clock, factory, _ = crowd(mode, size)
    speaker = connect(clock, factory)
    for part in hello:
        speaker.dataReceived(part)
    clock.settle()
    if speaker.connection.peer.gone:
        raise RuntimeError(f"the speaker is hung up on: {speaker.connection.peer.gone}")
    clock.longest = 0.0
    clock.time(speaker.dataReceived, data)
    clock.settle()
    return clock.longest


def close_behind(size: Size) -> float:
    """Return the longest turn (s) of 10,000 lines and a close that come through TLS at once, with `--public`."""
    clock, factory, _ = crowd("room", size, is_public=True)
    speaker = connect(clock, factory, is_encrypted=True)
    clock.time(speaker.dataReceived, TEXT)
    clock.settle()
    clock.time(speaker.dataReceived, b"hello\n" * 5000)
    clock.time(speaker.dataReceived, b"hello\n" * 5000)
    clock.time(speaker.connectionLost, Failure(error.ConnectionDone()))
    clock.settle(100)
    return clock.longest


def burst(size: Size) -> float:
    """Return the time (s) in which as many connections as in one turn are accepted, one behind the other."""
    clock, factory, _ = crowd("room", size)
    start = time.thread_time()
    for _ in range(ACCEPTS_A_TURN):
        connect(clock, factory)
    return time.thread_time() - start


def meeting(size: Size) -> float:
    """Return the longest turn (s) of a session that joins, comes back and leaves, where it is the first."""
    clock, factory, _ = crowd("room", size)
    for tries in (b'"try": 1', b'"try": 2'):
        link = connect(clock, factory)
        clock.time(link.dataReceived, SESSION.replace(b'"try": 1', tries))
        clock.settle()
        if tries == b'"try": 1':
            clock.time(link.connectionLost, Failure(error.ConnectionLost()))
            clock.settle()
    clock.time(link.dataReceived, b'{"verb": "quit", "got": {}}\n')
    clock.settle()
    return clock.longest


def joins(size: Size, is_longest: bool = False) -> float:
    """Return the time (s) in which so many join one room in one burst, all of it or the longest turn."""
    clock, factory, _ = crowd("room", Size(0))
    start = time.thread_time()
    ends = [connect(clock, factory) for _ in range(size.members)]
    for at, end in enumerate(ends):
        clock.time(end.dataReceived, f"/nick n{at}\n".encode())
    clock.settle()
    return clock.longest if is_longest else time.thread_time() - start


def leaves(size: Size) -> float:
    """Return the longest turn (s) when all links are lost at once."""
    clock, _, ends = crowd("room", size)
    for end in ends:
        clock.time(end.connectionLost, Failure(error.ConnectionLost()))
    clock.settle()
    return clock.longest


def stop(size: Size) -> float:
    """Return the longest turn (s) of a hub that ends."""
    clock, factory, _ = crowd("room", size)
    clock.time(factory._admission.stop, lambda: None)
    clock.settle(10)
    return clock.longest


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = [*(Size(900, (kind,)) for kind in ALL), Size(10), Size(10, ALL)]
    parser.add_argument(
        "--rooms", type=size_of, nargs="+", default=sizes, help=f"columns; by default {' '.join(map(str, sizes))}"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    asked = parser.parse_args()
    print(f"| longest turn (ms) | {' | '.join(map(str, asked.rooms))} |\n|---|{'---|' * len(asked.rooms)}")
    rows: dict[str, Callable[[Size], float]] = {name: partial(flood, *given) for name, given in INPUTS.items()}
    rows |= {
        "10,000 lines and a close through TLS": close_behind,
        "a burst of connections: the 16 of one turn": burst,
        "a session that joins, comes back and leaves": meeting,
        "all links lost at once": leaves,
        "the hub's end": stop,
        "all join in one burst, the longest turn": partial(joins, is_longest=True),
        "all join in one burst, all of it": joins,
    }
    for name, measure in rows.items():
        if asked.only in name:
            best = (min(measure(size) for _ in range(asked.repeats)) for size in asked.rooms)
            print(f"| {name} | {' | '.join(f'{took * 1000:.1f}' for took in best)} |", flush=True)


if __name__ == "__main__":
    main()
