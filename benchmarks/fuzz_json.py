"""An end of a fuzzed conversation that speaks JSON: over TCP, over a WebSocket, or as a session."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol, State

from chatterbox.wire.hearing import Hearing
from chatterbox.wire.numbered import from_event, to_verb
from chatterbox.wire.numbering import GOT, Outbox

from .fuzz_ends import BareEnd, End, KeysEnd, TelnetEnd

REQUEST = (
    b"GET /{} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


NOISE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("who", {}),
    ("me", {"text": "waves"}),
    ("type", {"keys": "x\b"}),
    ("dance", {}),
    ("say", {}),
)
"""What a program says that is no line."""


class JsonEnd(End):
    """A program that speaks JSON."""

    kind = "json"
    _typed: dict[str, str]
    """Of each end the line that it is typing."""

    def hello(self) -> bytes:
        """Return the hello."""
        self._typed = defaultdict(str)
        return self.packed({"chatterbox": 1, "room": self.room, "name": self.name})

    def packed(self, verb: dict[str, Any]) -> bytes:
        """Return one object as it travels."""
        return json.dumps(verb).encode() + b"\n"

    async def say(self, count: int) -> None:
        """Say lines, one or many an object."""
        lines = self.lines(count)
        data = b""
        while lines:
            size = self.chance.choice((1, 1, 3))
            some, lines = lines[:size], lines[size:]
            if sum(map(len, some)) > 4000:
                some, lines = some[:1], [*some[1:], *lines]
            data += self.packed({"verb": "say", "text": "\n".join(some)})
        await self.send(data)

    async def noise(self) -> None:
        """Send something else than lines."""
        verb, fields = self.chance.choice(NOISE)
        await self.send(self.packed({"verb": verb, **fields}))

    async def leave(self, how: str) -> None:
        """Say that all is said."""
        await (super().leave(how) if how == "fin" else self.send(self.packed({"verb": how})))

    def take_line(self, line: str) -> None:
        """Take one object."""
        event = json.loads(line)
        if event["event"] not in ("said", "typed", "got", "pong"):
            self.notices.append(line[:200])
        if event["event"] == "closed":
            self.why = event["why"]
        elif event["event"] == "undelivered":
            self.told += event["lines"]
        elif event["event"] == "said" and not event.get("own"):
            for text in event["text"].split("\n"):
                self.hear(text)
        elif event["event"] == "typed":
            self.streams = True
            *lines, self._typed[event["from"]] = (self._typed[event["from"]] + event["keys"]).split("\n")
            for text in lines:
                self.hear(text.replace("x\b", ""))


class WebEnd(JsonEnd):
    """A browser."""

    kind = "websocket"

    def hello(self) -> bytes:
        """Return the request; the hello waits for the answer (RFC 6455, 4.1)."""
        self._frames: Protocol | None = None
        self._is_open = asyncio.Event()
        return REQUEST.replace(b"{}", self.room.encode())

    async def send(self, data: bytes) -> None:
        """Send frames, when they may be sent."""
        await self._is_open.wait()
        await super().send(data)

    def packed(self, verb: dict[str, Any]) -> bytes:
        """Return one object in one frame, or in some."""
        data = json.dumps(verb).encode()
        cut = self.chance.randrange(len(data))
        parts = [data] if self.chance.random() < 0.7 else [data[:cut], data[cut:]]
        frames = [
            Frame(Opcode.CONT if at else Opcode.TEXT, part, fin=at == len(parts) - 1) for at, part in enumerate(parts)
        ]
        return b"".join(frame.serialize(mask=True, extensions=[]) for frame in frames)

    async def leave(self, how: str) -> None:
        """Leave with a verb: a FIN of a browser is no half of anything."""
        await super().leave("done" if how == "fin" else how)

    def take(self, data: bytes) -> None:
        """Take frames, behind the head of the answer."""
        if self._frames is None:
            self._rest += data
            _, end, data = self._rest.partition(b"\r\n\r\n")
            if not end:
                return
            self._frames = Protocol(CLIENT, state=State.OPEN, max_size=None)
            self._writer.write(super().hello())
            self._is_open.set()
        self._frames.receive_data(data)
        for event in self._frames.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self.take_line(bytes(event.data).decode())


class SessionEnd(JsonEnd):
    """A session, whose link is never lost: what it said, and what it heard, have numbers."""

    kind = "session"

    def hello(self) -> bytes:
        """Return the hello."""
        self._outbox, self._hearing = Outbox(), Hearing()
        secret = f"{self.chance.getrandbits(128):032x}"
        return self.packed({"chatterbox": 1, "session": secret, "try": 1, "room": self.room, "name": self.name})

    async def say(self, count: int) -> None:
        """Say lines, when they may be said."""
        for line in self.lines(count):
            self._outbox.say(line.encode() + b"\n")
        self._flush()

    def _flush(self) -> None:
        sends, outcomes = self._outbox.drain()
        self.told += sum(outcome.lines for outcome in outcomes if outcome.word != GOT)
        for thing in sends:
            self._writer.write(self.packed(dict(to_verb(thing))))
        for got in self._hearing.gots(time.monotonic(), idle=True):
            private = {"private": True} if got.private else {}
            self._writer.write(self.packed({"verb": "got", "to": got.stream, "n": got.n, **private}))

    async def noise(self) -> None:
        """Ping, or send what is none of its verbs."""
        await self.send(self.packed(self.chance.choice(({"verb": "ping"}, {"verb": "who"}, {"verb": "dance"}))))

    async def leave(self, how: str) -> None:
        """Leave when all is got, or after a while."""
        until = time.monotonic() + 2
        while not self._outbox.settled and time.monotonic() < until and not self.closed.is_set():
            await asyncio.sleep(0.02)
        self._outbox.moved(self._outbox.pair)
        self._flush()
        await self.send(self.packed({"verb": "quit", "got": {}}))

    def take_line(self, line: str) -> None:
        """Take one object."""
        event = json.loads(line)
        kind, stream = event["event"], event.get("stream", "")
        outbox, now = self._outbox, time.monotonic()
        if kind == "welcome":
            if event["seats"] != 2:
                outbox.moved(False)
            outbox.welcome((end["stream"], not end["away"]) for end in event.get("ends", ()))
        elif kind in ("joined", "back"):
            outbox.meet(stream)
        elif kind == "left":
            outbox.left(stream, event.get("got", 0))
        elif kind == "got":
            outbox.got(stream, event["n"], event.get("private", False))
        elif (thing := from_event(event)) and "own" not in event:
            heard = self._hearing.take(stream, thing, now)
            if heard and heard.thing.lines and heard.thing.kind == "say":
                for text in heard.thing.block.decode().split("\n")[:-1]:
                    self.hear(text)
            self._hearing.shown(1, now)
        else:
            super().take_line(line)
        self._flush()


ENDS: dict[str, type[End]] = {
    end.kind: end for end in (End, TelnetEnd, KeysEnd, BareEnd, JsonEnd, WebEnd, SessionEnd)
}
