"""What a pipe makes of its stdin: whole lines, clean and counted, in blocks; and, in JSON, verbs."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.pipes.reading import (
    QUIT,
    Cleaner,
    JsonReading,
    Returns,
    TextReading,
    altered,
    in_blocks,
    without_escapes,
)
from chatterbox.wire.lane import LARGEST_BLOCK
from chatterbox.wire.lines import Lines
from chatterbox.wire.text import clean
from tests.harness.inputs import HOSTILE, PROPERTY

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
            self.assertEqual(returns.last(), b"")

    def test_returns_at_the_very_end(self) -> None:
        """They end the last line, or are an empty one, and are counted."""
        for said, lines, made in ((b"10%\r20%\r", b"10%\n20%\n", 2), (b"\r\r\r", b"\n", 1), (b"a\r\n\r", b"a\n\n", 1)):
            reading = TextReading()
            self.assertEqual(b"".join(map(bytes, [*reading.feed(said), *reading.last()])), lines)
            self.assertEqual(reading.returns.made, made)

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
            self.assertEqual(b"".join(TextReading().feed(sent)), said)
            self.assertEqual(b"".join(JsonReading().feed(sent)), said)

    def test_escapes_are_found_in_linear_time(self) -> None:
        """A line of beginnings of sequences costs no more than another (no second for 1 MB)."""
        for begun in (b"\x1b]", b"\x1b[", b"\xc2\x9b", b"\x1bP0"):
            began = time.monotonic()
            without_escapes(begun * 500_000 + b"\n")
            self.assertLess(time.monotonic() - began, 20)


class Text(SynchronousTestCase):
    """Every line is text."""

    @PROPERTY
    @given(BLOCKS)
    def test_it_is_transparent(self, lines: bytes) -> None:
        """Whatever a line looks like, it is said as it is, but for what `clean` removes."""
        self.assertEqual(b"".join(TextReading().feed(lines)), clean(without_escapes(Returns().feed(lines))))

    @PROPERTY
    @given(LINES)
    def test_altered_lines_are_counted(self, lines: list[bytes]) -> None:
        """Each line of which something was removed counts once, and each with a replaced byte; CRLF is no alteration."""
        cleaner = Cleaner()
        cleaner.clean(b"".join(line + b"\n" for line in lines))
        invalid = sum(line.removesuffix(b"\r").decode(errors="replace").encode() != line.removesuffix(b"\r") for line in lines)
        self.assertEqual(cleaner.replaced, invalid)
        touched = [line for line in lines if clean(without_escapes(line)) != line.removesuffix(b"\r")]
        self.assertLessEqual(len(touched), cleaner.controls + cleaner.replaced)
        self.assertLessEqual(cleaner.controls, len(lines))

    def test_the_sentence(self) -> None:
        """It counts in words, and there is none where nothing was altered."""
        reading = TextReading()
        list(reading.feed(b"a\r\nb\n"))
        self.assertEqual(altered(reading.cleaner, reading.returns), "")
        list(reading.feed(b"\x00\n"))
        self.assertEqual(
            altered(reading.cleaner, reading.returns), "what was said is not what was read: controls were removed in 1 line"
        )

    def test_blocks_have_a_bound(self) -> None:
        """At most 64 KiB of whole lines, and a longer line alone; nothing is lost."""
        lines = [b"x" * size + b"\n" for size in (10, LARGEST_BLOCK - 1, LARGEST_BLOCK, 3 * LARGEST_BLOCK, 5, LARGEST_BLOCK - 7, 100, 100)]
        blocks = list(in_blocks(b"".join(lines)))
        self.assertEqual(b"".join(blocks), b"".join(lines))
        for block in blocks:
            self.assertTrue(len(block) <= LARGEST_BLOCK or block.count(b"\n") == 1)

    def test_quit_is_a_command_for_a_person(self) -> None:
        """Typed, `/quit` as a whole line leaves, after what was said before it; in pipes it is text."""
        self.assertEqual(list(TextReading().feed(b"/quit\n")), [b"/quit\n"])
        self.assertEqual(list(TextReading(commands=True).feed(b"/quitter\nx /quit\n")), [b"/quitter\nx /quit\n"])
        self.assertEqual(list(TextReading(commands=True).feed(b"/bye\n/quit \nlost\n")), [b"/bye\n", QUIT])


class Json(SynchronousTestCase):
    """Objects with a verb are that."""

    def test_objects_are_verbs_and_lines_are_said(self) -> None:
        """An object with a verb passes; a plain line, or JSON that is no verb, is said; so is what `say` says."""
        said = list(JsonReading().feed(b'{"verb":"who"}\nhi\r\n/quit\n{"a": 1}\n[\n\n {"verb": "say", "text": "x\\ny\\u0007"}\n'))
        self.assertEqual(said, [{"verb": "who"}, b"hi\n", b"/quit\n", b'{"a": 1}\n', b"[\n", b"\n", b"x\ny\n"])

    @PROPERTY
    @given(LINES)
    def test_nothing_raises(self, lines: list[bytes]) -> None:
        """Whatever stdin holds, each line is a block or a verb."""
        parts = list(JsonReading().feed(b"".join(line + b"\n" for line in lines)))
        self.assertTrue(all(isinstance(part, dict) or part.endswith(b"\n") for part in parts))
