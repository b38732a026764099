"""An end of a fuzzed conversation speaks one dialect over a real socket, counts what it hears, and believes nobody.

It says numbered lines with checksums, and takes note of what it hears of others and of what is told it isn't delivered.
It does not know which hub this is, or what the others do: `soak_fuzz` judges that.
"""

from __future__ import annotations

import asyncio
import codecs
import random
import re
import socket
import struct
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any
from zlib import crc32

LINE = re.compile(r"([a-z]\d+x\d+)\.(\d+)\.([0-9a-f]{8}) ([^;]*);")
"""A numbered line: whose, which, the checksum of that and of what follows."""
TOLD = re.compile(r"-!- (?:perhaps )?not delivered: (?:the last )?(?:(\d+) lines?|line)")
CLOSED = re.compile(r"-!- closed \((\w+)\)")
MAX_MESSAGE = 1024
"""Bytes that a bare program takes at once."""
PATIENCE = 30.0
"""Seconds for anything that must happen."""
LINGER = struct.pack("ii", 1, 0)
"""A close that is a reset."""


def numbered(name: str, number: int, text: str) -> str:
    """Return a line with its checksum."""
    return f"{name}.{number}.{crc32(f'{name}.{number} {text}'.encode()):08x} {text};"


class End:
    """One end.

    Args:
        name: what its lines begin with.
        chance: what decides, the same for each run of a seed.
        room: where it goes.
    """

    kind = "text"
    streams = False
    """Whether half a line may be heard: what was typed before somebody came, or left."""

    def __init__(self, name: str, chance: random.Random, room: str) -> None:
        self.name = name
        self.chance = chance
        self.room = room
        self.said = 0
        """How many lines it has said."""
        self.heard: dict[str, list[int]] = defaultdict(list)
        self.torn: list[str] = []
        self.told = 0
        """How many lines it was told are not delivered, or perhaps not."""
        self.notices: list[str] = []
        """What the hub has said to it."""
        self.why = "quit"
        """The word for which the hub has hung up."""
        self.ended = ""
        """How it has ended; `clean`: with all that it said before it."""
        self.ended_at = 0.0
        self.closed = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self._rest = b""
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    # -- its link ------------------------------------------------------------------------------------------------

    async def join(self, port: int, proxied: bool, tls: Any = None) -> None:
        """Connect, and say where it wants to be."""
        self._is_encrypted = bool(tls)
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        if proxied:
            self._writer.write(b"PROXY TCP4 192.0.2.%d 10.0.0.1 1111 5000\r\n" % self.chance.randint(1, 9))
        self._writer.write(self.hello())
        self._task = asyncio.create_task(self._read())

    def hello(self) -> bytes:
        """Return what it says first."""
        return f"/join {self.room}\n/nick {self.name}\n".encode()

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(1 + self.chance.randrange(65536)):
                self.take(data)
                await self.reads.wait()
        except OSError as fault:
            self.notices.append(repr(fault))
        except (LookupError, ValueError) as fault:
            self.torn.append(repr(fault))
        self.closed.set()

    async def send(self, data: bytes) -> None:
        """Send bytes, in packets of any size."""
        with suppress(OSError):
            while data:
                size = self.chance.choice((1, 7, 100, 4096, len(data)))
                self._writer.write(data[:size])
                data = data[size:]
                if self.chance.random() < 0.1:
                    await self._writer.drain()

    # -- what it says --------------------------------------------------------------------------------------------

    def lines(self, count: int) -> list[str]:
        """Return its next lines."""
        sizes = [self.chance.choice((0, 3, 30, 300, 2000)) for _ in range(count)]
        found = []
        for size in sizes:
            self.said += 1
            found.append(numbered(self.name, self.said, "".join(self.chance.choices("abc déf/", k=size)).strip()))
        return found

    async def say(self, count: int) -> None:
        """Say so many lines."""
        await self.send("".join(f"{line}\n" for line in self.lines(count)).encode())

    async def noise(self) -> None:
        """Send something else than lines."""
        words = (b"/who\n", b"/me waves\n", b"/help\n", b"/msg nobody hi\n", b"/nick !\n")
        await self.send(self.chance.choice((*words, b"x" * 5000 + b"\n", b"\n" * 99)))

    async def end(self, how: str) -> None:
        """End: `quit`, `fin`, `done`, `reset`, or `close`."""
        self.ended = self.ended or ("clean" if how in ("quit", "fin", "done") else how)
        self.ended_at = time.monotonic()
        if how in ("reset", "close"):
            if how == "reset" and (link := self._writer.get_extra_info("socket")):
                with suppress(OSError):
                    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            self._task.cancel()
            self._writer.transport.abort() if how == "reset" else self._writer.close()
            self.closed.set()
            return
        self.reads.set()
        await self.leave("done" if how == "fin" and self._is_encrypted else how)

    async def leave(self, how: str) -> None:
        """Say that all is said."""
        if how == "fin":
            with suppress(OSError):
                self._writer.write_eof()
        else:
            await self.send(f"/{how}\n".encode())

    async def gone(self) -> bool:
        """Wait until the hub has hung up; return whether it has."""
        try:
            await asyncio.wait_for(self.closed.wait(), PATIENCE)
        except asyncio.TimeoutError:
            return False
        self._writer.close()
        return True

    # -- what it hears -------------------------------------------------------------------------------------------

    def take(self, data: bytes) -> None:
        """Take what came."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.take_line(line.decode(errors="replace").rstrip("\r"))

    def take_line(self, line: str) -> None:
        """Take one whole line."""
        if found := TOLD.match(line):
            self.told += int(found[1] or 1)
        elif line.startswith("-!- "):
            self.notices.append(line[4:104])
            if found := CLOSED.match(line):
                self.why = found[1]
        else:
            self.hear(line)

    def hear(self, text: str) -> None:
        """Take what somebody has said, behind its label."""
        if " received before " in text:  # a verdict, which quotes two lines
            return
        found = LINE.search(text)
        if found and found.end() == len(text):
            name, number, checksum, rest = found.groups()
            if checksum == f"{crc32(f'{name}.{number} {rest}'.encode()):08x}":
                if name != self.name:
                    self.heard[name].append(int(number))
                return
        if ";" in text and (not self.streams or LINE.fullmatch(text)):
            self.torn.append(text)


class TelnetEnd(End):
    """One whose client mixes commands of telnet into its text."""

    kind = "telnet"

    async def say(self, count: int) -> None:
        """Say lines that end as telnet's do."""
        commands = (b"", b"", b"\xff\xf1", b"\xff\xfb\x01", b"\xff\xfa\x1f\x00\xff\xff\x00\x18\xff\xf0")
        text = b"".join(self.chance.choice(commands) + line.encode() + b"\r\n" for line in self.lines(count))
        await self.send(text)


class KeysEnd(End):
    """One whose keys are the conversation (mode `talk`)."""

    kind = "keys"
    streams = True

    def hello(self) -> bytes:
        """Return where it goes; afterwards slash words are keys."""
        return f"/join {self.room}\n".encode()

    async def noise(self) -> None:
        """Type what does nothing to a draft."""
        await self.send(self.chance.choice((b"\x1b[A", b"\x1b]0;x\x07", b"\x00", b"x\b")))

    async def leave(self, how: str) -> None:
        """Say that all is said; `/done` is no word there."""
        await super().leave("quit" if how == "done" else how)


class BareEnd(End):
    """A program that knows no newline, and takes what comes at once for one message."""

    kind = "bare"
    streams = True

    def hello(self) -> bytes:
        """Return where it goes, as a message."""
        self._text, self._decoder = "", codecs.getincrementaldecoder("utf-8")("replace")
        return f"/join {self.room}".encode()

    async def say(self, count: int) -> None:
        """Say messages, with silence between them."""
        for _ in range(min(count, 3)):
            line = self.lines(1)[0].encode()
            if len(line) > MAX_MESSAGE:
                self.said -= 1
                continue
            self._writer.write(line)
            await asyncio.sleep(0.12)

    async def noise(self) -> None:
        """Do nothing."""

    def take(self, data: bytes) -> None:
        """Look for whole messages, whatever is between them."""
        self._text += self._decoder.decode(data)
        at = 0
        for found in LINE.finditer(self._text):
            self.hear(found[0])
            at = found.end()
        self._text = self._text[at:]

    async def leave(self, how: str) -> None:
        """Close the sending half; TLS has none."""
        await asyncio.sleep(0.12)
        if self._is_encrypted:
            self._writer.write(b"/quit")
        else:
            await super().leave("fin")
