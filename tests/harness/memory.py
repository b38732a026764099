"""A hub on a clock is the whole hub but for sockets and time: a test moves both.

`HubOnAClock` makes ends, and an `End` is what a person or a program has in hand: it says, hears, stops reading, finishes
and is cut. Nothing here knows what is being proved.
"""

from __future__ import annotations

import json
import signal
import socket
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

from twisted.internet import error
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from chatterbox.connections.admission import Admission
from chatterbox.connections.connection import Connection
from chatterbox.connections.outlet import LinkState
from chatterbox.core.events import Happening, News, Staged
from chatterbox.core.hub import Hub
from chatterbox.core.modes import MODES
from chatterbox.core.peer import Peer
from chatterbox.core.seating import Here, Homes
from chatterbox.edges.tcp import ChatFactory, ChatProtocol
from chatterbox.limits import Limits

READ = 64 * 1024
"""Bytes of one read, and bytes a transport buffers before it pauses its producer: both Twisted's."""

CLOSINGS = frozenset("quit lost full slow flood idle kicked bye shutdown ended".split())
"""Every word for which a conversation ends."""


class FakeTransport:
    """A connection as the hub has it. As Twisted's it buffers all it is given, and speaks to its producer about it.

    Args:
        clock: what happens "at the reactor's next turn" happens at the clock's next advance.
        host: where the other end is said to be.
        port: likewise.
        room: bytes buffered before the producer is paused.
    """

    def __init__(self, clock: Clock, host: str, port: int, room: int = READ) -> None:
        self.protocol: ChatProtocol
        self.taken = bytearray()
        """What the other end has received."""
        self.waiting = bytearray()
        """What was written and not yet taken."""
        self.takes = True
        """Whether the other end reads."""
        self.reading = True
        """Whether the hub reads."""
        self.closed = ""
        """How the connection ended: done, lost or aborted."""
        self.disconnecting = False
        self.is_gone = False
        """Whether the other end's program is gone, so that what is written is answered with a reset."""
        self.is_half_closed = False
        """Whether the hub knows that the other end has closed its sending half."""
        self.is_broken = False
        """Whether a reset has come."""
        self.inbox: deque[bytes] = deque()
        self.total_taken = 0
        self._clock = clock
        self._address = IPv4Address("TCP", host, port)
        self._room = room
        self._producer: Any = None
        self._paused = False
        self._finishes = False

    # -- what the hub calls -----------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Buffer `data`, or have the other end take it at once."""
        if self.disconnecting:
            raise AssertionError(f"written after the hub hung up: {data!r}")
        if self.closed:
            return
        self.waiting += data
        if self.is_gone and self.is_half_closed and not self.is_broken:
            self.is_broken = True  # the reset is here, but nothing is read any more
        elif self.is_gone:
            self._soon(error.ConnectionLost)
        elif self.takes:
            self.flush()
        elif len(self.waiting) > self._room and self._producer:
            self._paused = True
            if self._producer:
                self._producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Take all of `data`, as if it were one."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close when all is taken."""
        self.disconnecting = True
        if self.is_gone and self.waiting:
            self._soon(error.ConnectionLost)
        else:
            self.flush()

    def abortConnection(self) -> None:
        """Close now."""
        self.disconnecting = True
        self._soon(error.ConnectionAborted)

    def pauseProducing(self) -> None:
        """Stop reading."""
        self.reading = False

    def resumeProducing(self) -> None:
        """Go on reading."""
        self.reading = True
        self._clock.callLater(0, self.deliver)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Remember who is to be told when to stop writing."""
        assert streaming and self._producer is None
        self._producer = producer

    def unregisterProducer(self) -> None:
        """Tell nobody any more."""
        self._producer = None

    def getPeer(self) -> IPv4Address:
        """Return where the other end is."""
        return self._address

    def link_state(self) -> LinkState:
        """Return how much wasn't taken, and whether a reset has come."""
        return LinkState(len(self.waiting), self.is_broken)

    def getHandle(self) -> FakeSocket:
        """Return a socket."""
        return FakeSocket()

    # -- what the other end does ------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Put `data` on its way to the hub, in as many reads as it takes."""
        self.inbox.extend(data[at : at + READ] for at in range(0, len(data), READ))
        self.deliver()

    def finish(self) -> None:
        """Close the sending half, behind all that was sent."""
        self._finishes = True
        self.deliver()

    def flush(self, size: int | None = None) -> None:
        """Take `size` bytes of what waits; all of it by default, if the other end reads at all."""
        if size is not None or self.takes:
            taken = self.waiting[:size]
            del self.waiting[:size]
            self.taken += taken
            self.total_taken += len(taken)
        if self.waiting or self.closed:
            return
        if self._paused and self._producer:
            self._paused = False
            self._producer.resumeProducing()
        elif self.disconnecting:
            self._soon(error.ConnectionDone)

    def deliver(self) -> None:
        """Let the hub read what was sent, while it reads."""
        while self.inbox and self.reading and not self.closed:
            self.protocol.dataReceived(self.inbox.popleft())
        if self._finishes and not self.inbox and self.reading and not self.closed:
            self._finishes = False
            self.is_half_closed = True
            self.protocol.readConnectionLost()

    def close(self, reason: type[Exception]) -> None:
        """End the connection, once."""
        if not self.closed:
            self.closed = reason.__name__.removeprefix("Connection").lower()
            if self._producer:
                self._producer.stopProducing()
            self.protocol.connectionLost(Failure(reason()))

    def _soon(self, reason: type[Exception]) -> None:
        self._clock.callLater(0, self.close, reason)


class FakeSocket(socket.socket):
    """A TCP socket without a system behind it."""

    def __init__(self) -> None:
        """Open nothing."""

    def setsockopt(self, *option: Any) -> None:
        """Take no notice."""

    def getsockopt(self, *option: Any) -> int:  # type: ignore[override]  # no overloads
        """Say that nothing is set."""
        return 0


class End:
    """One end of a conversation, as whoever holds it sees it."""

    def __init__(self, clock: Clock, factory: ChatFactory, transport: FakeTransport) -> None:
        self.line = transport
        self._clock = clock
        protocol = factory.buildProtocol(None)
        transport.protocol = protocol
        protocol.makeConnection(transport)

    @property
    def peer(self) -> Peer:
        """What the hub has for it."""
        return self.line.protocol.connection.peer

    @property
    def connection(self) -> Connection:
        """What carries its bytes at the hub."""
        return self.line.protocol.connection

    @property
    def closed(self) -> str:
        """How the hub's connection to it ended: done, lost, aborted; an empty string while it lives."""
        return self.line.closed

    def sends(self, *pieces: bytes) -> End:
        """Send bytes as they are, each piece in a packet of its own."""
        for piece in pieces:
            self.line.send(piece)
            self._clock.advance(0)
        return self

    def says(self, *lines: str) -> End:
        """Send lines, in one packet."""
        return self.sends("".join(f"{line}\n" for line in lines).encode())

    def asks(self, verb: str, **fields: object) -> End:
        """Send a verb of the JSON dialect."""
        return self.says(json.dumps({"verb": verb, **fields}))

    def heard(self) -> bytes:
        """Return what came since this was last asked."""
        self._clock.advance(0)
        taken = bytes(self.line.taken)
        self.line.taken.clear()
        return taken

    def lines(self) -> list[str]:
        """Return the lines that came since it was last asked."""
        return self.heard().decode().split("\n")[:-1]

    def events(self) -> list[dict[str, Any]]:
        """Return the JSON objects that came since it was last asked."""
        return [json.loads(line) for line in self.lines()]

    def stops_reading(self) -> End:
        """Take nothing more, as a stopped program does."""
        self.line.takes = False
        return self

    def reads(self, size: int | None = None) -> End:
        """Take `size` bytes and no more; without a size take everything, and go on."""
        self.line.takes = size is None
        self.line.flush(size)
        self._clock.advance(0)
        return self

    def finishes(self) -> End:
        """Close the sending half, as `nc -N` does at the end of its input."""
        self.line.finish()
        self._clock.advance(0)
        return self

    def leaves(self) -> End:
        """Close everything: a FIN, and a reset for whatever comes then, or is on its way."""
        self.line.is_gone = True
        return self.cut() if self.line.waiting else self.finishes()

    def cut(self) -> End:
        """Lose the link, as a reset does."""
        self.line.close(error.ConnectionLost)
        self._clock.advance(0)
        return self


class HubOnAClock:
    """A hub whose time passes when the test says so.

    Args:
        mode: a row of the table; `columns` override its columns.
        limits: those that are not the default.
        bare: as the hub's own.
        buffer: bytes that a connection buffers before it pauses its writer.
        homes: who knows where rooms live; by default every room lives here.
    """

    def __init__(
        self,
        mode: str = "pair",
        limits: dict[str, Any] | None = None,
        bare: bool = False,
        buffer: int = READ,
        homes: Homes | None = None,
        **columns: Any,
    ) -> None:
        self.clock = Clock()
        self.news: list[News] = []
        """What the hub told its observers."""
        self.limits = Limits(**(limits or {}))
        row = replace(MODES[mode], **columns)
        self.hub = Hub(row, self.limits, [self], homes or Here())
        self.observers = self.hub.observers
        self.admission = Admission(self.hub, self.clock.callLater, self.clock.seconds, bare)
        self.factory = ChatFactory(self.admission, self.clock)
        self._buffer = buffer
        self._ports = count(50_001)

    def happened(self, news: News) -> None:
        """Note what the hub tells its observers."""
        self.news.append(news)

    def stories(self) -> list[str]:
        """Return what happened in rooms, word by word, as a mode's script calls it."""
        kinds = {"Joined": "joined", "Said": "said", "Parted": "farewell", "Left": "left"}
        staged = [
            (news.point if isinstance(news, Staged) else kinds[type(news.event).__name__])
            for news in self.news
            if isinstance(news, Staged | Happening)
        ]
        return [point for point in staged if point != "over"]

    def ends_of(self, kind: type) -> list[Any]:
        """Return the news of one kind: `Seated`, `Gone`, `Refused`."""
        return [news for news in self.news if isinstance(news, kind)]

    def connects(self, host: str = "127.0.0.1", port: int = 0) -> End:
        """Return a new end of which nobody has heard yet."""
        return End(self.clock, self.factory, FakeTransport(self.clock, host, port or next(self._ports), self._buffer))

    def nc(self, *lines: str) -> End:
        """Return a new end that speaks text, has said `lines`, and sits where it wants to be."""
        end = self.connects()
        if lines:
            end.says(*lines)
        self.wait(self.limits.handshake)
        return end

    def json(self, **fields: object) -> End:
        """Return a new end that speaks JSON, with `fields` in its hello."""
        return self.connects().says(json.dumps({"chatterbox": 1, **fields}))

    def wait(self, seconds: float) -> None:
        """Let time pass, and all happen in it that is due, each at its moment."""
        until = self.clock.seconds() + seconds
        while due := [call.getTime() for call in self.clock.getDelayedCalls() if call.getTime() <= until]:
            self.clock.advance(max(0.0, min(due) - self.clock.seconds()))
        self.clock.advance(max(0.0, until - self.clock.seconds()))

    def rooms(self) -> dict[str, list[str]]:
        """Return the names in each room, in order of joining."""
        return {name: [member.name for member in room.members] for name, room in self.hub.rooms.items()}

    def leftovers(self) -> list[object]:
        """Return all that the hub still holds: nothing, once the last peer is gone."""
        return [
            *self.hub.rooms,
            *self.admission.connections,
            *self.admission.unseated,
            *self.clock.getDelayedCalls(),
        ]


@contextmanager
def returns_within(seconds: int) -> Iterator[None]:
    """Fail what never returns, where a loop without an end is what is looked for."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"not done within {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
