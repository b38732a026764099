"""The smallest benchmarks: what one block costs the splitter, a reader, a room and a dialect, without a network.

`pytest benchmarks` runs them; the ordinary tests do not. A block is what one read of 64 KiB brings.
"""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from chatterbox.connections.admission import Admission
from chatterbox.connections.connection import Connection
from chatterbox.core.events import Address, Said
from chatterbox.core.hub import Hub
from chatterbox.core.modes import MODES
from chatterbox.edges.tcp import ChatFactory
from chatterbox.limits import Limits
from chatterbox.wire.dialects import Dialect, make_dialects
from chatterbox.wire.reading import JsonReader, TextReader
from chatterbox.wire.text import clean

from .lines import stream

pytest.importorskip("pytest_benchmark")

BLOCK = 64 * 1024
SIZE = 64
SIZES = (16, SIZE, 512, 4096)
LINES = {f"{size} bytes": stream(size)[0][:BLOCK] for size in SIZES}
TEXTS = LINES | {
    "Chinese": stream(SIZE, text="zh")[0][:BLOCK],
    "French": stream(SIZE, text="fr")[0][:BLOCK],
    "not ASCII": "Käse für José, 日本語 und Ελληνικά\n".encode() * 1200,
    "slashes": b"see /usr/share/doc/ and //this, or /quit not\n" * 1400,
    "CRLF": b"a line as telnet sends it, of some words\r\n" * 1500,
    "controls": b"\x1b[31mred\x1b[0m and \x07 bells, line by line\n" * 1600,
    "bare newlines": b"\n" * BLOCK,
}
DIALECTS = make_dialects(Limits(), ())
Benchmark = Any
"""The fixture of pytest-benchmark, which has no public type."""


class Nowhere(StringTransport):
    """A transport that keeps nothing."""

    def write(self, data: bytes) -> None:
        """Forget it."""


def hub_of(count: int, mode: str) -> tuple[Admission, list[Connection]]:
    """Return a hub with `count` peers in its lobby, who have been there for a while."""
    clock = Clock()
    admission = Admission(Hub(MODES[mode], Limits(max_line=16384)), clock.callLater, clock.seconds)
    there = [admission.arrive(Nowhere(), Address("127.0.0.1", 50000 + number)) for number in range(count)]
    clock.advance(1)
    return admission, there


@pytest.mark.parametrize("text", TEXTS)
def test_clean(benchmark: Benchmark, text: str) -> None:
    """What a block costs `clean`: next to nothing where it is clean."""
    benchmark(clean, TEXTS[text])


@pytest.mark.parametrize("text", TEXTS)
def test_text_reader(benchmark: Benchmark, text: str) -> None:
    """What it costs to look for commands and for lines that are too long."""
    reader = TextReader(Limits(max_line=16384), ("/quit",))
    benchmark(lambda: list(reader.read(TEXTS[text])))


def test_json_reader(benchmark: Benchmark) -> None:
    """What a thousand `say` objects cost."""
    reader = JsonReader(Limits())
    block = b'{"verb": "say", "text": "some words that somebody says"}\n' * 1000
    benchmark(lambda: list(reader.read(block)))


@pytest.mark.parametrize("pieces", [1, 45, 1000])
def test_splitter(benchmark: Benchmark, pieces: int) -> None:
    """What it costs a connection to receive a block, in packets of several sizes, and a partner to hear it."""
    admission, _ = hub_of(0, "pair")
    factory = ChatFactory(admission, Clock())
    speaker, hearer = (factory.buildProtocol(None) for _ in range(2))
    for protocol in (speaker, hearer):
        protocol.makeConnection(Nowhere())
        protocol.dataReceived(b"/join tea\n~begin\n")
    size = BLOCK // pieces
    packets = [LINES["64 bytes"][at : at + size] for at in range(0, BLOCK, size)]

    def receive() -> None:
        for packet in packets:
            speaker.dataReceived(packet)

    benchmark(receive)


@pytest.mark.parametrize(("mode", "count"), [("pair", 2), ("ports", 2), ("ports", 101), ("room", 101)])
def test_room(benchmark: Benchmark, mode: str, count: int) -> None:
    """What a room makes of a block of 64-byte lines, with all who hear it."""
    _, there = hub_of(count, mode)
    if mode == "room":
        for number, connection in enumerate(there):
            connection.receive(b"n%d\n" % number)
    speaker = there[0].peer
    assert speaker.room is not None
    benchmark(speaker.room.apply, Said(speaker, LINES["64 bytes"]))


@pytest.mark.parametrize("lines", [1, 1024])
@pytest.mark.parametrize("dialect", [DIALECTS.text, DIALECTS.json], ids=["text", "json"])
def test_rendering(benchmark: Benchmark, dialect: Dialect, lines: int) -> None:
    """What it costs to put a label before lines, or to make objects of them."""
    benchmark(dialect.said, "ann", b"ann: ", LINES["64 bytes"][: 64 * lines], False)
