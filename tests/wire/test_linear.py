"""Eight times the bytes take about eight times the work: no input makes a parser quadratic.

What is measured is this thread's own processor time, the best of several, so that a busy machine makes no difference.
A linear parser needs 8 times as long for 8 times as much, a quadratic one 64 times.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.terminal.commands import read
from chatterbox.client.terminal.roster import Roster
from chatterbox.client.terminal.rows import Draft, Row, draft_row, dress, pane
from chatterbox.edges.listening import _unix_path
from chatterbox.edges.page import Gate
from chatterbox.edges.proxy import read_header
from chatterbox.edges.resp import Resp
from chatterbox.edges.telnet import Telnet
from chatterbox.limits import Limits
from chatterbox.wire.dialects import make_dialects
from chatterbox.wire.keys import KeyReader
from chatterbox.wire.lines import Lines, first_lines, within
from chatterbox.wire.names import mentions
from chatterbox.wire.reading import JsonReader, TextReader, hello
from chatterbox.wire.speaking import SessionReader
from chatterbox.wire.text import clean, clean_keys
from tests.harness.memory import HubOnAClock
from tests.wire.test_text import PLAIN

SMALL, LARGE = 4 * 1024, 32 * 1024
"""Bytes; the larger is half a read, so that all of it takes 10 s of processor time."""
MOST = 24
"""How many times as long the larger input may take: three times what is linear, and far from the 64 of a quadratic."""
QUICK = 0.001
"""Seconds of the larger one in which nothing can be wrong: a quadratic search takes 25 times as long."""
ATTEMPTS = 5
FAREWELLS = ("/quit", "exit", "Bye")
LIMITS = Limits()
WIDE = Limits(max_line=4 * 1024 * 1024)
"""Limits under which one line may be as long as the whole input."""

LINES: dict[str, bytes] = {
    "one letter": b"a",
    "newlines": b"\n",
    "short lines": b"ab\n",
    "lines of one space": b" \n",
    "spaces": b" ",
    "lines too long by one": b"x" * 4097 + b"\n",
    "C1": b"\xc2\x9b",
    "C1 and invalid bytes": b"\xc2\x9b\xff",
    "letters, C1 and invalid bytes": b"a\xc2\x9b\xff\n",
    "every forbidden character": "".join(map(chr, (*range(0x80, 0xA0), *range(0x2028, 0x202F)))).encode(),
    "half of a character": b"\xe2\x80",
    "controls": bytes(range(32)),
    "CRLF": b"ab\r\n",
    "notices": b"-!- \n",
    "notices behind spaces": b"       -!- \n",
    "half notices": b" -!-\n",
    "spaces before a notice": b" " * 4000 + b"-!-\n",
    "slashes": b"/",
    "lines of a slash": b"/\n",
    "lines of two slashes": b"//\n",
    "commands": b"/nick x\n",
    "command and spaces": b"/nick " + b" \t" * 2000 + b"\n",
    "farewells": b"exit\n",
    "half farewells": b" \t \texi\n",
    "spaces before half a farewell": b"\t" * 4000 + b"exi\n",
    "IAC": b"\xff",
    "telnet options": b"\xff\xfb\x01",
    "subnegotiations": b"\xff\xfa\x1f\x00\xff\xf0",
    "subnegotiations without an end": b"\xff\xfa" + b"x" * 100,
    "one long subnegotiation without an end": b"\xff\xfa" + b"x" * 5000,
    "ESC": b"\x1b",
    "CSI without an end": b"\x1b[" + b"0" * 200,
    "one long CSI without an end": b"\x1b[" + b"0;" * 4000 + b" " * 4000,
    "strings without an end": b"\x1b]0;" + b"x" * 200,
    "strings ended wrongly": b"\x1bP\x1b",
    "backspaces": b"ab\b\b\b",
    "kills": b"abc\x15\x15",
    "emoji": "\U0001f600".encode(),
    "emoji and a backspace": "\U0001f600\U0001f600\b".encode(),
    "marks in the wrong order": "\u0301\u0323".encode(),
    "marks of kana among others": ("\u0301" * 30 + "\uff9e").encode(),
    "objects": b"{}\n",
    "brackets": b"[",
    "braces": b'{"a":',
}


def lines_of(part: bytes, size: int) -> bytes:
    """Return `part` over and over, `size` bytes, as whole lines."""
    return (part * (size // len(part) + 1))[: size - 1] + b"\n"


def fed(block: bytes) -> bytes:
    """Give a block to `Lines` in small pieces."""
    lines = Lines()
    return b"".join(lines.feed(block[at : at + 16]) for at in range(0, len(block), 16)) + lines.last()


def stripped(block: bytes) -> bytes:
    """Give a block to a telnet filter, in pieces as they are read."""
    telnet = Telnet()
    return b"".join(telnet.strip(block[at : at + 4096])[0] for at in range(0, len(block), 4096))


def dripped(block: bytes) -> None:
    """Give a connection a first line that looks like HTTP, in small pieces (B6)."""
    protocol = HubOnAClock("room").connects().line.protocol
    first = b"GET /" + block.replace(b"\n", b" ")
    for at in range(0, len(first), 64):
        protocol.dataReceived(first[at : at + 64])


def answered(block: bytes) -> None:
    """Give an answer of an engine to its reader in small pieces."""
    resp = Resp(Clock(), lambda: None, lambda fault: None)
    resp.transport = StringTransport()
    resp.ask(["GET", "x"], lambda answer: None)
    answer = b"*2\r\n$%d\r\n%b\r\n" % (len(block), block)
    for at in range(0, len(answer), 64):
        resp.dataReceived(answer[at : at + 64])


def rostered(block: bytes) -> str:
    """Let as many join, and leave, whose names are taken, as such a block could name (B11)."""
    roster, names = Roster(), [f"n-{at}" for at in range(2, len(block) // 8)]
    for name in names:
        roster.join(name)
    free = roster.suggestion("n-2", "ann") + roster.text("ann", None, brief=True)
    for name in names:
        roster.leave(name)
    return free


HERE = make_dialects(Limits(), ())

PARSERS: dict[str, Callable[[bytes], object]] = {
    "clean": clean,
    "clean in plain Python": PLAIN.clean,
    "clean_keys": lambda block: clean_keys(block.decode(errors="replace")),
    "within": lambda block: list(within(block, LIMITS.max_line)),
    "first_lines": lambda block: first_lines(block, 1024),
    "Lines": lambda block: Lines().feed(block),
    "Lines in small pieces": fed,
    "TextReader": lambda block: list(TextReader(LIMITS).read(block)),
    "TextReader with farewells": lambda block: list(TextReader(LIMITS, FAREWELLS).read(block)),
    "TextReader without a limit": lambda block: list(TextReader(WIDE, FAREWELLS).read(block)),
    "JsonReader": lambda block: list(JsonReader(WIDE, FAREWELLS).read(block)),
    "JsonReader, said": lambda block: list(JsonReader(WIDE, FAREWELLS).read(_say(block))),
    "SessionReader": lambda block: list(SessionReader(WIDE, FAREWELLS).read(block)),
    "SessionReader, said": lambda block: list(SessionReader(WIDE, FAREWELLS).read(_say(block, n=1))),
    "hello": hello,
    "KeyReader": lambda block: list(KeyReader(LIMITS, FAREWELLS).read(block)),
    "KeyReader without a limit": lambda block: list(KeyReader(WIDE, FAREWELLS).read(block)),
    "Telnet": stripped,
    "a proxy's header": lambda block: _header(block),
    "the gate of HTTP": lambda block: _judged(block),
    "endpoint strings": lambda block: _unix_path(f"unix:{block.decode('latin-1')}"),
    "a connection in small pieces": dripped,
    "Resp in small pieces": answered,
    "Roster": rostered,
    "the hint of a command": lambda block: read(f"/{block.decode(errors='replace')}"),
    "mentions": lambda block: mentions(block.decode(errors="replace"), "ann"),
    "a draft": lambda block: Draft().type(block.decode(errors="replace")),
    "the row of a draft": lambda block: draft_row("ann", block.decode(errors="replace"), 80),
    "the pane of a draft": lambda block: pane("ann", block.decode(errors="replace"), 80, 3),
    "a row": lambda block: dress(Row(block.decode(errors="replace"), "ann: ", "ann")),
    "Text.said": lambda block: HERE.text.said("ann", b"", block, False),
    "Keys.said": lambda block: HERE.keys.said("ann", b"", block, False),
    "Json.said": lambda block: HERE.json.said("ann", b"", clean(block), False),
}


def _say(block: bytes, **more: int) -> bytes:
    return json.dumps({"verb": "say", "text": block.decode(errors="replace"), **more}).encode() + b"\n"


def _judged(block: bytes) -> object:
    text = block.decode("latin-1")
    return Gate().judge("GET", f"/{text}", "HTTP/1.1", {"host": [text], "origin": [f"http://{text}"]})


def _header(block: bytes) -> object:
    """Give a proxy's header to its reader in small pieces, as often as it is looked at."""
    seen = b""
    for at in range(0, min(len(block), 4096), 16):
        seen += block[at : at + 16]
        with contextlib.suppress(ValueError):
            read_header(b"PROXY " + seen)
        with contextlib.suppress(ValueError):
            read_header(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + seen)
    return seen


def seconds(call: Callable[[bytes], object], block: bytes) -> float:
    """Return the processor time of one call."""
    began = time.thread_time()
    call(block)
    return time.thread_time() - began


def growth(call: Callable[[bytes], object], part: bytes) -> float:
    """Return how many times as long LARGE takes as SMALL, the best that was seen; 0 where LARGE is quick."""
    small, large = lines_of(part, SMALL), lines_of(part, LARGE)
    slow, quick = seconds(call, large), 0.0
    for _ in range(ATTEMPTS):
        if slow < QUICK:
            return 0.0
        quick = max(quick, seconds(call, small), seconds(call, small))
        if slow < MOST * quick:
            break
        slow = min(slow, seconds(call, large))
    return slow / quick


class Linear(SynchronousTestCase):
    """Each parser and matcher, on each bad input."""

    def test_the_measure_sees_a_quadratic(self) -> None:
        """A loop that looks at the rest of the block again and again is caught."""

        def quadratic(block: bytes) -> None:
            for at in range(0, len(block), 64):
                sum(block[at:])  # some 8 ns a byte, so that no call weighs in

        self.assertGreater(max(growth(quadratic, b"a\n") for _ in range(ATTEMPTS)), MOST)


def _add_tests() -> None:
    """Make one test of each parser."""

    def test_of(name: str) -> Callable[[Linear], None]:
        def test(self: Linear) -> None:
            for kind, part in LINES.items():
                grown = growth(PARSERS[name], part)
                self.assertLess(grown, MOST, f"{name}: {kind}: 8 times the bytes, {grown:.0f} times the time")

        test.__doc__ = f"{name} is linear on every input."
        return test

    for name in PARSERS:
        setattr(Linear, "test_" + "_".join(re.findall(r"\w+", name)), test_of(name))


_add_tests()
