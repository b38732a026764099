"""Bytes that nobody would send: ten thousand for each parser, and whole conversations of them, cut anywhere.

The inputs are the same on every run; what fails is shown as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.terminal.rows import Draft
from chatterbox.core.modes import MODES
from chatterbox.edges.telnet import Telnet
from chatterbox.limits import Limits
from chatterbox.wire.keys import KeyReader
from chatterbox.wire.names import read_name, room_fault
from chatterbox.wire.reading import JsonReader, TextReader, hello
from chatterbox.wire.text import clean, clean_keys, clean_text
from chatterbox.wire.verbs import Command, Fault, Piece, Typing
from tests.harness.inputs import FRAGMENTS
from tests.harness.memory import End, HubOnAClock
from tests.wire.test_reading import FORBIDDEN

INPUTS = 10_000


def hostile(random: Random, most: int = 12) -> bytes:
    """Return bytes such as strangers send."""
    parts = random.choices(FRAGMENTS, k=random.randrange(most))
    return b"".join(part if random.random() < 0.8 else random.randbytes(random.randrange(6)) for part in parts)


def cut(random: Random, data: bytes) -> list[bytes]:
    """Return `data` in pieces."""
    edges = [0, *sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(4))), len(data)]
    return [data[start:end] for start, end in zip(edges, edges[1:])]


class Parsers(SynchronousTestCase):
    """No input raises, and what comes out is clean."""

    def tearDown(self) -> None:
        """Nothing was logged as an error."""
        self.assertEqual(self.flushLoggedErrors(), [])

    def check(self, pieces: list[Piece]) -> None:
        """Whatever pieces are made of is clean."""
        for piece in pieces:
            text = b"".join(_bytes_of(piece)).decode()
            allowed = {8, 10, 21} if isinstance(piece, Typing) else {10}
            self.assertFalse({ord(char) for char in text} & FORBIDDEN - allowed, pieces)

    def each(self, parse: Callable[[bytes], list[Piece]]) -> None:
        """Give every input to a parser, and look at what it returns."""
        random = Random(self.id())
        for _ in range(INPUTS):
            data = hostile(random)
            try:
                self.check(parse(data))
            except Exception as fault:
                raise AssertionError(f"with {data!r}") from fault

    def test_clean(self) -> None:
        """One line out for one line in."""

        def parse(data: bytes) -> list[Piece]:
            self.assertEqual(clean(data).count(b"\n"), data.count(b"\n"))
            return [clean(data), clean_text(data.decode(errors="replace")).encode()]

        self.each(parse)

    def test_text(self) -> None:
        """Every line is said, obeyed or answered, and none of it twice."""
        reader = TextReader(Limits(max_line=20), ("/quit", "exit", "Bye"))

        def parse(data: bytes) -> list[Piece]:
            pieces = list(reader.read(data + b"\n"))
            lines = sum(piece.count(b"\n") if isinstance(piece, bytes) else 1 for piece in pieces)
            self.assertEqual(lines, data.count(b"\n") + 1)
            return pieces

        self.each(parse)

    def test_json(self) -> None:
        """As lines, and as the text in a line that is otherwise good."""
        reader = JsonReader(Limits(max_line=20), ("/quit", "exit", "Bye"))

        def parse(data: bytes) -> list[Piece]:
            text = json.dumps(data.decode(errors="surrogateescape"))
            good = [f'{{"verb": "{verb}", "{key}": {text}}}\n' for verb, key in (("say", "text"), ("nick", "name"))]
            return list(reader.read(data + b"\n" + "".join(good).encode()))

        self.each(parse)

    def test_keys(self) -> None:
        """In two pieces, and with all that a draft can be."""

        def parse(data: bytes) -> list[Piece]:
            reader = KeyReader(Limits(max_line=9), ("/quit", "exit"))
            half = len(data) // 2
            return [*reader.read(data[:half]), *reader.read(data[half:]), Typing(clean_keys(data.decode("latin-1")))]

        self.each(parse)

    def test_telnet(self) -> None:
        """In three pieces as in one."""

        def parse(data: bytes) -> list[Piece]:
            whole, pieces = Telnet(), Telnet()
            third = len(data) // 3
            parts = [pieces.strip(part)[0] for part in (data[:third], data[third : 2 * third], data[2 * third :], b".")]
            self.assertEqual(b"".join(parts), b"".join((whole.strip(data)[0], whole.strip(b".")[0])))
            return [clean(b"".join(parts))]

        self.each(parse)

    def test_hello_names_and_rooms(self) -> None:
        """What isn't refused is what it should be."""

        def parse(data: bytes) -> list[Piece]:
            hello(data)
            text = data.decode(errors="replace")
            name, fault = read_name(text, 24)
            if not fault:
                self.assertRegex(name, r"\A[\w-]{1,24}\Z")
            if not room_fault(text, 64):
                self.assertRegex(text, r"\A[A-Za-z0-9._-]{1,64}\Z")
            return []

        self.each(parse)

    def test_drafts(self) -> None:
        """What somebody types is clean on another's screen."""

        def parse(data: bytes) -> list[Piece]:
            draft = Draft()
            lines = draft.type(data.decode(errors="replace"))
            return [line.encode() for line in [*lines, draft.text]]

        self.each(parse)


def _bytes_of(piece: Piece) -> Iterator[bytes]:
    if isinstance(piece, bytes):
        yield piece
    elif isinstance(piece, Typing):
        yield piece.keys
    elif isinstance(piece, Fault):
        yield piece.text.encode()
    elif isinstance(piece, Command) and piece.verb != "type":
        yield from (arg.encode() for arg in piece.args)


class Conversations(SynchronousTestCase):
    """A stranger sends anything; who sits with it hears only clean, whole lines and objects."""

    def tearDown(self) -> None:
        """Nothing was logged as an error."""
        self.assertEqual(self.flushLoggedErrors(), [])

    def talk(self, mode: str, bare: bool = False, times: int = 150) -> None:
        """Let that many strangers come, one after the other, and look at what two others hear."""
        random = Random(mode)
        hub = HubOnAClock(mode, {"max_line": 60, "rate": 0.0, "max_unended": 500}, bare=bare)
        for at in range(times):
            watchers = [hub.nc(f"/join r{at}", f"/nick t{at}"), hub.json(room=f"r{at}")]
            if hub.hub.mode.seats == 2:
                watchers.pop(at % 2).cut()
            sent = self.stranger(hub, random, f"/join r{at}\n/nick s\n".encode())
            hub.wait(2)
            for watcher in watchers:
                self.check(watcher, sent)
                watcher.cut()
            hub.wait(10)
        self.assertEqual([name for name in hub.rooms() if name.startswith("r")], [])

    def stranger(self, hub: HubOnAClock, random: Random, start: bytes) -> bytes:
        """Let a stranger come, send, and go in one of the ways there are; return what it sent."""
        data = start * (random.random() < 0.8) + b"".join(hostile(random, 30) for _ in range(4))
        end = hub.connects().sends(*cut(random, data))
        hub.wait(random.random() / 5)
        random.choice([End.cut, End.leaves, End.finishes, lambda end: end.sends(b"\n/quit\n")])(end)
        hub.wait(0.1)
        end.cut()
        return data

    def check(self, watcher: End, sent: bytes) -> None:
        """What a watcher heard is clean, and JSON where that is its dialect."""
        heard = watcher.heard()
        left = {ord(char) for char in heard.decode()} & FORBIDDEN - {8, 10, 13}
        self.assertEqual(left, set(), (sent, heard))
        if heard.startswith(b"{"):
            for line in heard.split(b"\n")[:-1]:
                self.assertIn("event", json.loads(line))

    def test_every_mode(self) -> None:
        """Each row of the table."""
        for mode in MODES:
            self.talk(mode)

    def test_bare(self) -> None:
        """With programs that know no newline."""
        for mode in ("room", "ports", "order"):
            self.talk(mode, bare=True, times=50)

    def test_one_line_out_for_one_line_in(self) -> None:
        """However it is cut: a partner hears as many lines as were sent, in order, each with its number.

        For who speaks telnet a bare CR ends a line, too, so there is none in these.
        """
        random = Random(1)
        for _ in range(300):
            hub = HubOnAClock()
            a, b = hub.nc("start"), hub.nc()
            b.heard()
            lines = [b"%d:" % at + hostile(random).translate(None, b"\r\n") for at in range(random.randrange(1, 20))]
            a.sends(*cut(random, b"".join(line + b"\n" for line in lines)))
            heard = b.heard().split(b"\n")[:-1]
            self.assertEqual(
                [line.partition(b":")[0] for line in heard], [b"%d" % at for at in range(len(lines))], lines
            )
