"""What a line means: cleaning, commands and the readers of both dialects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.limits import Limits
from chatterbox.wire.lines import first_lines, fit, within
from chatterbox.wire.reading import JsonReader, TextReader, hello, json_object
from chatterbox.wire.text import NOTICE, clean, clean_keys, clean_text
from chatterbox.wire.verbs import JSON_VERBS, VERBS, Command, Farewell, Fault, Piece, Typing
from tests.harness.inputs import HOSTILE, PROPERTY

FORBIDDEN = {*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)} - {9, 10}
"""Every code point that `hostile.md` forbids: C0 but TAB (and the newline), DEL, C1, two line ends, bidi controls."""


class Cleaning(SynchronousTestCase):
    """`clean()` is on every path from a stranger to a terminal, a log or another peer."""

    @given(HOSTILE)
    @PROPERTY
    def test_f9_nothing_is_left_that_acts_on_a_terminal(self, block: bytes) -> None:
        """What comes out is valid UTF-8 without one forbidden character (F9)."""
        self.assertEqual({ord(char) for char in clean(block).decode()} & FORBIDDEN, set())

    @given(HOSTILE)
    @PROPERTY
    def test_f10_one_line_out_for_one_line_in(self, block: bytes) -> None:
        """Only `\\n` ends a line, before and after: U+2028, U+0085, VT, FF and FS end none (F10)."""
        self.assertEqual(clean(block).count(b"\n"), block.count(b"\n"))

    @given(HOSTILE, HOSTILE)
    @PROPERTY
    def test_cleaning_in_pieces_is_cleaning_the_whole(self, one: bytes, two: bytes) -> None:
        """`clean(a) + clean(b) == clean(a + b)` for any split at a line's end."""
        self.assertEqual(clean(one + b"\n") + clean(two), clean(one + b"\n" + two))

    @given(HOSTILE)
    @PROPERTY
    def test_clean_bytes_stay_as_they_are(self, block: bytes) -> None:
        """Cleaning twice is cleaning once."""
        self.assertEqual(clean(clean(block)), clean(block))

    @given(st.text())
    @PROPERTY
    def test_text_loses_the_forbidden_and_nothing_else(self, text: str) -> None:
        """Of text in valid UTF-8 every character that isn't forbidden comes out, in order."""
        kept = "".join(char for char in text if ord(char) not in FORBIDDEN)
        self.assertEqual(clean(text.encode()).decode(), kept)

    def test_every_forbidden_character_is_removed(self) -> None:
        """One by one, so that a gap in a range shows."""
        self.assertEqual({code for code in FORBIDDEN if clean(chr(code).encode()) != b""}, set())

    def test_the_common_case_is_the_very_same_object(self) -> None:
        """Clean bytes aren't copied: ASCII, accents, and characters that share a first byte with the forbidden."""
        for block in (b"plain\tASCII\n", "h\u00e9llo\n".encode(), "\u00a3 5 \u2026 \u201cyes\u201d\n".encode()):
            self.assertIs(clean(block), block)

    def test_invalid_utf8_is_replaced(self) -> None:
        """A byte that is no UTF-8 becomes U+FFFD, an encoded surrogate too, and the newline behind it stands."""
        self.assertEqual(clean(b"a\xff\n\xe2\x80\n").decode(), "a\ufffd\n\ufffd\n")
        self.assertEqual(clean(b"\xed\xa0\x80").decode(), "\ufffd" * 3)

    def test_a_control_that_hides_in_a_broken_character(self) -> None:
        """A C1 control put together by the removal of a C0 one is removed as well."""
        self.assertEqual(clean(b"\xc2\x07\x9b\xe2\x07\x80\xa8"), b"")

    @given(st.text(st.characters()))
    @PROPERTY
    def test_clean_text_is_one_line(self, text: str) -> None:
        """Any string, lone surrogates included, becomes one clean line."""
        self.assertEqual({ord(char) for char in clean_text(text)} & (FORBIDDEN | {10}), set())

    def test_clean_text_says_where_lines_ended(self) -> None:
        """A newline becomes a space, a lone surrogate a question mark."""
        self.assertEqual(clean_text("one\ntwo\x1b \ud800"), "one two ?")

    @given(st.text(st.characters()))
    @PROPERTY
    def test_clean_keys_are_keys(self, text: str) -> None:
        """Of the controls, BS, ^U, TAB and the newline are keys, and the rest is removed."""
        left = {ord(char) for char in clean_keys(text).decode()}
        self.assertEqual(left & FORBIDDEN - {8, 21}, set())

    def test_clean_keys_know_every_backspace_and_enter(self) -> None:
        """DEL is a backspace and CR is a newline."""
        self.assertEqual(clean_keys("ab\x7f\x08c\x15\r\x1b[A"), b"ab\b\bc\x15\n[A")


class LineLimit(SynchronousTestCase):
    """A line is never cut and never partly delivered."""

    def test_at_the_limit_and_one_more(self) -> None:
        """A line of `limit` bytes passes, one more is a fault that says both figures, and its neighbours pass."""
        block = b"a\n" + b"x" * 10 + b"\n" + b"y" * 11 + b"\nb\n"
        fault = Fault("long", "line too long (11 > 10 bytes), not sent")
        self.assertEqual(list(within(block, 10)), [b"a\n" + b"x" * 10 + b"\n", fault, b"b\n"])

    def test_where_all_fits_nothing_is_copied(self) -> None:
        """A block of good lines comes out as the very same object."""
        block = b"one\ntwo\n" * 1000
        self.assertIs(next(iter(within(block, 10))), block)

    @given(st.lists(st.integers(0, 14)))
    @PROPERTY
    def test_every_line_or_its_fault(self, sizes: list[int]) -> None:
        """In order, each line comes out whole or as one fault."""
        lines = [bytes([97 + at % 26]) * size for at, size in enumerate(sizes)]
        seen: list[bytes | int] = []
        for part in within(b"".join(line + b"\n" for line in lines), 7):
            self.assertTrue(part)
            seen += [0] if isinstance(part, Fault) else part.split(b"\n")[:-1]
        self.assertEqual(seen, [line if len(line) <= 7 else 0 for line in lines])


class Portions(SynchronousTestCase):
    """A block of many lines is said in portions."""

    @given(st.lists(st.integers(0, 9), min_size=1), st.integers(1, 20))
    @PROPERTY
    def test_first_lines(self, sizes: list[int], most: int) -> None:
        """The first portion is whole lines from the block's beginning: one at least, and no more than asked for."""
        block = b"".join(b"x" * size + b"\n" for size in sizes)
        first = first_lines(block, most)
        self.assertTrue(block.startswith(first) and first.endswith(b"\n"))
        self.assertTrue(1 <= first.count(b"\n") <= most)

    def test_not_far_fewer(self) -> None:
        """Of lines that are much alike it takes nearly as many as it may; a block that is short enough is not copied."""
        self.assertGreater(first_lines(b"12345\n" * 10_000, 1000).count(b"\n"), 990)
        self.assertEqual(first_lines(b"\n" * 10_000, 1000), b"\n" * 1000)
        block = b"a\nb\n"
        self.assertIs(first_lines(block, 2), block)


def read_text(*lines: str, farewells: Iterable[str] = ("/quit", "exit", "Bye")) -> list[Piece]:
    """Return what the text reader makes of `lines` in one block."""
    return list(TextReader(Limits(), farewells).read("".join(f"{line}\n" for line in lines).encode()))


def read_json(*sent: object) -> list[Piece]:
    """Return what the JSON reader makes of objects, or of lines as they stand."""
    lines = (line if isinstance(line, str) else json.dumps(line) for line in sent)
    return list(JsonReader(Limits(), ("/quit", "exit", "Bye")).read("".join(f"{line}\n" for line in lines).encode()))


class TextDialect(SynchronousTestCase):
    """Known slash words and farewells are commands; every other line is said."""

    def test_lines_are_one_block(self) -> None:
        """What is no command is one block, however many lines; CRLF is LF."""
        self.assertEqual(read_text("one\r", "", "two"), [b"one\n\ntwo\n"])

    def test_commands(self) -> None:
        """Every verb of the table, with its arguments as text gives them."""
        for line, command in {
            "/quit": Command("quit"),
            "/quit now": Command("quit"),
            "/help": Command("help"),
            "/who": Command("who"),
            "/nick ann": Command("nick", ("ann",)),
            "/nick": Command("nick"),
            "/join tea ": Command("join", ("tea",)),
            "/me waves at all": Command("me", ("waves at all",)),
            "/msg bob  psst  you ": Command("msg", ("bob", "psst  you")),
            "/msg bob": Command("msg", ("bob",)),
        }.items():
            self.assertEqual(read_text(line), [command], line)
        self.assertEqual({verb for verb in VERBS if read_text(f"/{verb}") != [Command(verb)]}, set())

    def test_other_slashes_are_said(self) -> None:
        """A hub relays what it doesn't understand; `//x` says `/x`, whatever x is."""
        self.assertEqual(
            read_text("/etc/hosts", "/quitting", "/Quit", " /quit", "//quit", "///", "//"),
            [b"/etc/hosts\n/quitting\n/Quit\n /quit\n/quit\n//\n/\n"],
        )

    def test_a_slash_within_a_line_is_only_text(self) -> None:
        """A block in which no line begins with a slash is the very same object; a command is seen in any of its lines."""
        reader = TextReader(Limits())
        block = b"see /usr or https://example.org/\nand/or\n"
        self.assertIs(next(iter(reader.read(block))), block)
        for pieces in ([b"/who\n", b"a/b\n"], [b"a/b\n", b"/who\n"], [b"/who\n"]):
            self.assertIn(Command("who"), list(reader.read(b"".join(pieces))))

    def test_a_doubled_slash_doesnt_count(self) -> None:
        """The longest line that may be said may begin with a slash, too."""
        self.assertEqual(read_text("//" + "x" * 4095), [b"/" + b"x" * 4095 + b"\n"])
        for line in ("//" + "x" * 4096, "/" + "x" * 4096, "/me " + "x" * 4093):
            self.assertEqual(read_text(line), [Fault("long", f"line too long ({len(line)} > 4096 bytes), not sent")])

    def test_commands_cut_a_block_in_order(self) -> None:
        """What stands before a command is said before it is obeyed, what stands behind, behind."""
        self.assertEqual(
            read_text("a", "/who", "/who", "//b", "/nick x", "c"),
            [b"a\n", Command("who"), Command("who"), b"/b\n", Command("nick", ("x",)), b"c\n"],
        )

    def test_farewells(self) -> None:
        """A word in lower case counts in any case and between spaces (seed 003); `Bye` is `Bye` only (seed 002)."""
        for line in ("exit", "EXIT", "  Exit\t", "Bye"):
            self.assertEqual(read_text(line), [Farewell(line)], line)
        for line in ("exit strategy?", "bye", "Bye bye", "Bye ", "exitexit"):
            self.assertEqual(read_text(line), [line.encode() + b"\n"], line)
        self.assertEqual(read_text("exit", "Bye", farewells=()), [b"exit\nBye\n"])

    def test_a_long_line_is_dropped_whole(self) -> None:
        """A command in a line that is too long isn't obeyed either, and the rest of the block is."""
        fault = Fault("long", "line too long (4097 > 4096 bytes), not sent")
        self.assertEqual(read_text("a", "/me " + "x" * 4093, "/who"), [b"a\n", fault, Command("who")])

    def test_the_limit_counts_clean_bytes(self) -> None:
        """A carriage return is no part of a line."""
        self.assertEqual(read_text("x" * 4096 + "\r"), [b"x" * 4096 + b"\n"])

    @given(
        st.lists(
            st.sampled_from(
                ["a", "", "/who", "/who x", "//who", "/x", "EXIT", "Bye", "x" * 12, " ", "//45678901", "//456789012"]
            )
        )
    )
    @PROPERTY
    def test_block_by_block_is_line_by_line(self, lines: list[str]) -> None:
        """A block means what its lines mean one by one."""
        reader = TextReader(Limits(max_line=9), ("/quit", "exit", "Bye"))
        alone = [piece for line in lines for piece in reader.read(f"{line}\n".encode())]
        together = list(reader.read("".join(f"{line}\n" for line in lines).encode()))
        self.assertEqual(_merged(together), _merged(alone))


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Return `pieces` with neighbouring blocks as one."""
    merged: list[Piece] = []
    for piece in pieces:
        if merged and isinstance(piece, bytes) and isinstance(merged[-1], bytes):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


class JsonDialect(SynchronousTestCase):
    """One object a line; its `verb` says what it is."""

    def test_commands(self) -> None:
        """Every verb with its keys; keys that nobody knows are ignored."""
        for sent, command in (
            ({"verb": "quit", "why": 1}, Command("quit")),
            ({"verb": "nick", "name": " ann "}, Command("nick", ("ann",))),
            ({"verb": "join", "room": "tea"}, Command("join", ("tea",))),
            ({"verb": "msg", "to": "bob", "text": "a\nb\x1b"}, Command("msg", ("bob", "a b"))),
            ({"verb": "type", "keys": "he\bl\x15"}, Typing(b"he\bl\x15")),
        ):
            self.assertEqual(read_json(sent), [command])

    def test_what_is_done_or_told_is_a_line_too(self) -> None:
        """The limit of a line is theirs: 4096 bytes, and not one more."""
        for verb, to in (("me", {}), ("msg", {"to": "bob"})):
            [most] = read_json({"verb": verb, "text": "é" * 2048, **to})
            [more] = read_json({"verb": verb, "text": "é" * 2048 + "x", **to})
            self.assertEqual(
                (type(most), more), (Command, Fault("long", "line too long (4097 > 4096 bytes), not sent"))
            )

    def test_keys_are_lines_too(self) -> None:
        """Each of 4096 bytes, and ^U in front; with one byte more in any of them no key is typed."""
        for end in ("", "\n", "\r", "\nmore\r\n", "\n" + "é" * 2048):
            most = "\x15" + "é" * 2048 + end
            self.assertEqual(read_json({"verb": "type", "keys": most}), [Typing(most.encode())])
            fault = Fault("long", "line too long (4098 > 4096 bytes), not sent")
            self.assertEqual(read_json({"verb": "type", "keys": "x" + most}), [fault])

    def test_text_is_said_as_it_stands(self) -> None:
        """A newline separates lines, a slash word is no command, and controls are removed."""
        said = read_json({"verb": "say", "text": "/quit\n//x\n\x1b[2J\u2028"})
        self.assertEqual(said, [b"/quit\n//x\n[2J\n"])

    def test_farewells_are_farewells(self) -> None:
        """A farewell ends a stay in either dialect."""
        said = read_json({"verb": "say", "text": "a\nExit\nb"})
        self.assertEqual(said, [b"a\n", Farewell("Exit"), b"b\n"])

    def test_a_say_of_nothing_is_an_empty_line(self) -> None:
        """As an empty line is in text."""
        self.assertEqual(read_json({"verb": "say", "text": ""}), [b"\n"])

    def test_faults(self) -> None:
        """What is no object, no verb or no string is one fault with its code, and no exception."""
        for line in ("", "[]", "nul", '"x"', "{", "[" * 20_000, "9" * 5_000):
            self.assertEqual(read_json(line), [Fault("json", "not a JSON object on one line")], line[:20])
        for sent in ({}, {"verb": "dance\x1b"}, {"verb": 5}, {"verb": ["say"]}, {"verb": "farewell"}):
            [fault] = read_json(sent)
            self.assertIsInstance(fault, Fault)
            self.assertTrue(isinstance(fault, Fault) and fault.code == "verb" and "\x1b" not in fault.text)
        self.assertEqual(read_json({"verb": "say"}), [Fault("verb", "say takes text, as a string")])
        self.assertEqual(
            read_json({"verb": "msg", "to": 5, "text": "x"}), [Fault("verb", "msg takes to and text, as a string")]
        )

    def test_the_limit_is_the_text_lines(self) -> None:
        """The longest text passes though every byte of it is escaped; one byte more doesn't."""
        escaped = "".join(f"\\u{ord(char):04x}" for char in "x" * 4096)
        self.assertEqual(read_json(f'{{"verb": "say", "text": "{escaped}"}}'), [b"x" * 4096 + b"\n"])
        fault = Fault("long", "line too long (4097 > 4096 bytes), not sent")
        self.assertEqual(read_json({"verb": "say", "text": "x" * 4097}), [fault])

    def test_the_limit_of_the_line_itself(self) -> None:
        """A JSON line has six times the text's limit and 256 bytes; one more byte and it isn't even parsed."""
        limit = Limits().max_json
        self.assertEqual(limit, 6 * 4096 + 256)
        shell = '{"verb": "say", "text": "x", "pad": ""}'
        line = shell[:-2] + "p" * (limit - len(shell)) + shell[-2:]
        self.assertEqual(read_json(line), [b"x\n"])
        self.assertEqual(
            read_json(" " + line), [Fault("long", f"line too long ({limit + 1} > {limit} bytes), not sent")]
        )

    def test_every_text_verb_is_a_json_verb(self) -> None:
        """JSON has the commands of the text, and `say` and `type`."""
        self.assertEqual(set(JSON_VERBS), set(VERBS) | {"say", "type"})

    @given(HOSTILE)
    @PROPERTY
    def test_json_object_never_raises(self, line: bytes) -> None:
        """Any bytes are an object or None."""
        self.assertIsInstance(json_object(line), (dict, type(None)))

    def test_hello(self) -> None:
        """Only an object with the key `chatterbox` makes a connection a JSON peer."""
        self.assertEqual(hello(b'  {"chatterbox": 1, "name": "ann"}\r'), {"chatterbox": 1, "name": "ann"})
        for line in (b"{}", b'{"Chatterbox": 1}', b'["chatterbox"]', b'"chatterbox"', b"chatterbox", b'{"chatterbox'):
            self.assertIsNone(hello(line))


class Passing(SynchronousTestCase):
    """Which lines are said, and heard by text peers, as they stand."""

    READER = TextReader(Limits())

    @given(HOSTILE)
    @PROPERTY
    def test_what_passes_is_one_piece_as_it_stands(self, block: bytes) -> None:
        """It is what the reader returns, the very same bytes, and there is no notice in it."""
        block = clean(block + b"\n")
        if self.READER.passes(block):
            self.assertEqual(tuple(self.READER.read(block)), (block,))
            self.assertNotIn(NOTICE, block)

    def test_most_of_what_is_written_passes(self) -> None:
        """In any language; what looks like a command or a notice doesn't."""
        for block in (b"hi!\n", "你好，世界\nça va ?\n".encode(), b"\n", b"a\tb\n", b"and/or\n", b"-!-\n"):
            self.assertTrue(self.READER.passes(block), block)
        for block in (b"/quit\n", b"hi\n/quit\n", b"//\n", b"-!- you\n", b"so -!- you\n"):
            self.assertFalse(self.READER.passes(block), block)

    def test_at_the_bound(self) -> None:
        """Lines of the greatest length pass, anywhere in a block; with one that has a byte more nothing does."""
        reader, good, bad = TextReader(Limits(max_line=9)), b"x" * 9 + b"\n", b"x" * 10 + b"\n"
        for before, behind in product((b"", good, b"\n", b"y\n" * 20), repeat=2):
            self.assertTrue(reader.passes(before + good + behind))
            self.assertFalse(reader.passes(before + bad + behind))

    @given(st.lists(st.integers(0, 12), min_size=1), st.integers(1, 12))
    @PROPERTY
    def test_fit(self, sizes: list[int], limit: int) -> None:
        """Lines fit where the longest one does."""
        self.assertEqual(fit(b"".join(b"x" * size + b"\n" for size in sizes), limit), max(sizes) <= limit)
