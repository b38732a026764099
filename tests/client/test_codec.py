"""What the client in pipes says and hears, in both dialects, as functions of bytes."""

from __future__ import annotations

import json
import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.pipes.codec import Heard, JsonCodec, Returns, TextCodec, without_escapes
from chatterbox.limits import Limits
from chatterbox.wire.dialects import make_dialects
from chatterbox.wire.lines import Lines
from chatterbox.wire.reading import JsonReader, TextReader, hello
from chatterbox.wire.text import clean
from chatterbox.wire.verbs import Command
from tests.harness.memory import HOSTILE, PROPERTY

TAKEN = [
    "/quit",
    "//",
    "/nick ann",
    "-!- closed (full): x",
    "  -!- x",
    '{"chatterbox": 1}',
    "GET / HTTP/1.1",
    "\x1b/who",
]
"""Lines that a careless program takes for something else."""
LINES = st.lists(
    HOSTILE.map(lambda data: data.replace(b"\n", b"")) | st.sampled_from(TAKEN).map(str.encode), min_size=1
)
BLOCKS = LINES.map(lambda lines: b"\n".join(lines) + b"\n")


def in_pieces(data: bytes, cuts: list[int]) -> bytes:
    """Return what `Lines` makes of `data`, cut at `cuts`."""
    lines, out, start = Lines(), b"", 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        out += lines.feed(data[start:cut])
        start = cut
    return out + lines.last()


HERE = make_dialects(Limits(), ())


class WholeLines(SynchronousTestCase):
    """A stream in pieces is whole lines."""

    @PROPERTY
    @given(HOSTILE, st.lists(st.integers(0, 99)))
    def test_pieces_make_no_difference(self, data: bytes, cuts: list[int]) -> None:
        """However a stream is cut, its lines come out, and an unterminated last one with a newline."""
        self.assertEqual(in_pieces(data, cuts), data + b"\n" * (not data.endswith(b"\n") and bool(data)))

    def test_a_line_comes_when_it_is_whole(self) -> None:
        """What has no newline yet waits, and what has is not kept waiting."""
        lines = Lines()
        self.assertEqual(lines.feed(b"he"), b"")
        self.assertEqual(lines.feed(b"llo\nwo"), b"hello\n")
        self.assertEqual(lines.last(), b"wo\n")
        self.assertEqual(lines.last(), b"")

    def test_a_line_without_end_is_noticed(self) -> None:
        """One byte more than the limit is too much; the limit isn't."""
        lines = Lines()
        lines.feed(bytes(Lines.LIMIT))
        self.assertFalse(lines.overlong)
        lines.feed(b"x")
        self.assertTrue(lines.overlong)


class Newlines(SynchronousTestCase):
    """What other programs' output becomes before it is lines (faults, C13)."""

    def test_returns(self) -> None:
        """A return that ends no line becomes a newline, one before a newline stays, also at the edge of a read."""
        for pieces, lines in (
            ([b"10%\r100%\n"], b"10%\n100%\n"),
            ([b"one\r\ntwo\r\r\n"], b"one\r\ntwo\r\r\n"),
            ([b"10%\r", b"100%\r", b"\n"], b"10%\n100%\r\n"),
            ([b"10%\r\r", b"\r", b"x"], b"10%\nx"),
        ):
            returns = Returns()
            self.assertEqual(b"".join(map(returns.feed, pieces)), lines)

    @PROPERTY
    @given(st.lists(st.sampled_from([b"\r", b"\n", b"a"])), st.data())
    def test_any_cut(self, parts: list[bytes], data: st.DataObject) -> None:
        """However a stream is cut, the same comes out, but for a return at its very end."""
        whole = b"".join(parts)
        cut = data.draw(st.integers(0, len(whole)))
        returns = Returns()
        pieces = returns.feed(whole[:cut]) + returns.feed(whole[cut:])
        self.assertEqual(clean(pieces), clean(Returns().feed(whole)))

    def test_escapes(self) -> None:
        """Whole escape sequences go: colours, moves, titles, links, with 7 bits or 8, ended or cut by the line's end."""
        for sent, said in (
            (b"\x1b[01;32mfile\x1b[0m\n", b"file\n"),
            (b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", b"alink\n"),
            (b"\xc2\x9b31mred\n", b"red\n"),
            (b"\x1b(B\x1b=\x1b7x\x1b8\n", b"x\n"),
            (b"\x1bPq#0\x1b\\y\n", b"y\n"),
            (b"z\x1b[3\n\x1b]0;no end\n", b"z\n0;no end\n"),
            ("\x1b[1m日本\x1b[22m °\n".encode(), "日本 °\n".encode()),
        ):
            self.assertEqual(TextCodec("tea").say(sent), said)
            (object_,) = JsonCodec().say(sent.split(b"\n")[0] + b"\n").splitlines()
            self.assertEqual(json.loads(object_)["text"], said.decode().split("\n")[0])

    def test_escapes_are_found_in_linear_time(self) -> None:
        """A line of beginnings of sequences costs no more than another (no second for 1 MB)."""
        for begun in (b"\x1b]", b"\x1b[", b"\xc2\x9b", b"\x1bP0"):
            began = time.monotonic()
            without_escapes(begun * 500_000 + b"\n")
            self.assertLess(time.monotonic() - began, 20)


def relayed(lines: bytes, codec: TextCodec) -> tuple[bytes, list[Command]]:
    """Return what a text peer is sent when `codec` has said `lines` at a hub, and the commands in it."""
    said, commands = b"", []
    for piece in TextReader(Limits()).read(codec.say(lines)):
        if isinstance(piece, Command):
            commands.append(piece)
        elif isinstance(piece, bytes):
            said += HERE.text.said("ann", b"", piece, False)
    return said, commands


class InText(SynchronousTestCase):
    """The text dialect in pipes."""

    @PROPERTY
    @given(BLOCKS)
    def test_it_is_transparent(self, lines: bytes) -> None:
        """What goes in at one end comes out at the other, line for line, but for what `clean` removes."""
        said, commands = relayed(lines, TextCodec())
        self.assertEqual(TextCodec().hear(said), Heard(clean(without_escapes(lines))))
        self.assertIn(commands, ([], [Command("join", ("lobby",))]))

    @PROPERTY
    @given(BLOCKS)
    def test_no_first_line_decides_the_dialect(self, lines: bytes) -> None:
        """A first line of stdin that looks like a JSON hello or a browser's request is text like any other."""
        first = TextCodec().say(lines).partition(b"\n")[0]
        self.assertIsNone(hello(first))
        self.assertNotIn(b" HTTP/1", first)

    def test_the_guard_stands_once(self) -> None:
        """The line that guards the first one is not sent again, nor after a hello of our own."""
        codec = TextCodec()
        self.assertEqual(codec.say(b"{\n"), b"/join lobby\n{\n")
        self.assertEqual(codec.say(b"{\n"), b"{\n")
        self.assertEqual(TextCodec(name="ann").say(b"{\n"), b"{\n")

    def test_hello(self) -> None:
        """The room comes first, then the name (protocol, section 2); without either nothing is sent."""
        self.assertEqual(TextCodec().hello(), b"")
        self.assertEqual(TextCodec(name="ann", room="tea").hello(), b"/join tea\n/nick ann\n")

    def test_quit_is_text_for_a_program(self) -> None:
        """In pipes every line is text, `/quit` as well."""
        codec = TextCodec()
        self.assertEqual(codec.say(b"/quit\n"), b"//quit\n")
        self.assertFalse(codec.leaving)

    def test_quit_is_a_command_for_a_person(self) -> None:
        """Typed, `/quit` as a whole line leaves, after what was said before it; nothing after it is said."""
        codec = TextCodec(commands=True)
        self.assertEqual(codec.say(b"/quitter\nx /quit\n"), b"//quitter\nx /quit\n")
        self.assertFalse(codec.leaving)
        self.assertEqual(codec.say(b"/bye\n/quit \nlost\n"), b"//bye\n/quit\n")
        self.assertTrue(codec.leaving)

    def test_notices_are_status(self) -> None:
        """The hub's own lines go to stderr with their mark, the others to stdout."""
        heard = TextCodec().hear(b"one\n-!- bob joined\ntwo\n-!- bob left (quit)\n")
        self.assertEqual(heard, Heard(b"one\ntwo\n", b"-!- bob joined\n-!- bob left (quit)\n"))

    def test_the_words_of_closing(self) -> None:
        """A last notice of closing gives its word, and nothing that somebody said does."""
        hear = TextCodec().hear
        self.assertEqual(hear(b"bye\n-!- closed (bye): that was it\n").closed, "bye")
        for line in (b" -!- closed (full): x\n", b"closed (full): x\n", b"-!- bob tells you: closed (full): x\n"):
            self.assertEqual(hear(line).closed, "")

    @PROPERTY
    @given(BLOCKS)
    def test_a_hostile_hub_is_cleaned(self, lines: bytes) -> None:
        """Whatever a hub sends, both stdout and stderr get clean text."""
        heard = TextCodec().hear(lines)
        self.assertEqual(clean(heard.said + heard.status), heard.said + heard.status)


class InJson(SynchronousTestCase):
    """The JSON dialect in pipes."""

    def test_hello(self) -> None:
        """The hello has the version, and what was wished for."""
        self.assertEqual(json.loads(JsonCodec().hello()), {"chatterbox": 1})
        wished = {"chatterbox": 1, "room": "tea", "name": "ann"}
        self.assertEqual(json.loads(JsonCodec("tea", "ann").hello()), wished)

    def test_objects_pass_and_lines_are_said(self) -> None:
        """An object with a verb passes as it is; a plain line, or JSON that is no verb, is said."""
        said = JsonCodec().say(b'{"verb":"who"}\nhi\r\n/quit\n{"a": 1}\n[\n\n')
        first, *rest = said.splitlines()
        self.assertEqual(first, b'{"verb":"who"}')
        texts = [json.loads(line) for line in rest]
        self.assertEqual(texts, [{"verb": "say", "text": text} for text in ("hi", "/quit", '{"a": 1}', "[", "")])

    def test_a_quit_of_either_kind_leaves(self) -> None:
        """The verb leaves from wherever it comes; the word `/quit` does for a person."""
        for codec, line, leaves in [
            (JsonCodec(), b'{"verb": "quit"}\n', True),
            (JsonCodec(commands=True), b"/quit \n", True),
            (JsonCodec(), b"/quit\n", False),
        ]:
            codec.say(line)
            self.assertEqual(codec.leaving, leaves)

    @PROPERTY
    @given(LINES)
    def test_every_line_is_one_object(self, lines: list[bytes]) -> None:
        """Whatever stdin holds, the hub reads as many lines as there are, and finds no fault with one."""
        sent = JsonCodec().say(b"".join(line + b"\n" for line in lines))
        self.assertEqual(sent.count(b"\n"), len(lines))
        pieces = list(JsonReader(Limits()).read(sent))
        self.assertEqual([piece for piece in pieces if not isinstance(piece, bytes)], [])

    def test_events_pass(self) -> None:
        """Objects go to stdout as the hub sent them; a line that is none goes to stderr."""
        events = (
            b'{"event": "said", "from": "bob", "text": "a\\t\\"\\\\ \\u00e9 \\ud83d\\ude00 \\/"}\n{"event": "left"}\n'
        )
        heard = JsonCodec().hear(events + b"no object\n[1]\n")
        self.assertEqual(heard, Heard(events, b"no object\n[1]\n"))

    def test_the_words_of_closing(self) -> None:
        """The event of closing gives its word."""
        self.assertEqual(JsonCodec().hear(b'{"event": "closed", "why": "full"}\n').closed, "full")

    @PROPERTY
    @given(st.text(), st.booleans())
    def test_no_escape_smuggles_a_control(self, text: str, plainly: bool) -> None:
        """After parsing what is on stdout, no string in it holds what `clean` removes."""
        line = json.dumps({"event": "said", text: [text, {"text": text}]}, ensure_ascii=plainly).encode(
            errors="replace"
        )
        for heard in JsonCodec().hear(line + b"\n").said.splitlines():
            for found in json.loads(heard):
                encoded = found.encode(errors="replace")
                self.assertEqual(clean(encoded).replace(b"\n", b""), encoded)

    def test_keys_stay_keys(self) -> None:
        """In a `typed` event backspace, ^U and the newline are what it is about; escape is not."""
        typed = HERE.json.typed("bob", b"a\b\x15\n")
        self.assertEqual(JsonCodec().hear(typed).said, typed)
        hostile = b'{"event": "typed", "keys": "\\u001b[2J\\b"}\n'
        self.assertEqual(JsonCodec().hear(hostile).said, b'{"event": "typed", "keys": "[2J\\b"}\n')
