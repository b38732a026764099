"""A block behind an object: found however the stream is cut, cleaned and bounded as any lines, and never read as verbs."""

from __future__ import annotations

import json
from unittest import SkipTest

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.limits import Limits
from chatterbox.wire.blocks import BlockReader
from chatterbox.wire.inbox import Got
from chatterbox.wire.lines import Body, Lines
from chatterbox.wire.numbered import Numbered
from chatterbox.wire.speaking import MUCH, PORTION, SessionReader
from chatterbox.wire.text import is_plain
from chatterbox.wire.verbs import Dropped, Farewell, Fault, Piece, Ping, Unreadable
from tests.harness.inputs import HOSTILE, PROPERTY

LIMITS = Limits(max_line=20)
FIRST = {"verb": "say", "n": 1, "to": "b"}


def sent(verb: dict[str, object], block: bytes = b"") -> bytes:
    """Return an object, with the block behind it and its size in it."""
    return json.dumps(verb | ({"bytes": len(block)} if block else {})).encode() + b"\n" + block


def read(*parts: bytes, farewells: tuple[str, ...] = ()) -> list[Piece]:
    """Return what a reader makes of bytes that come in `parts`."""
    reader, lines = BlockReader(SessionReader(LIMITS, farewells)), Lines()
    return [piece for part in parts for piece in reader.read(lines.feed(part))]


def joined(pieces: list[Piece]) -> list[Piece]:
    """Return `pieces` with neighbours of one count as one: where a block was cut makes no difference."""
    out: list[Piece] = []
    for piece in pieces:
        last = out[-1] if out else None
        if isinstance(piece, Numbered) and isinstance(last, Numbered) and piece.kind == last.kind == "say":
            if piece.n == last.last + 1 and (piece.to, piece.gap) == (last.to, None):
                out[-1] = last._replace(block=last.block + piece.block, lines=last.lines + piece.lines)
                continue
        out.append(piece)
    return out


class Reader(SynchronousTestCase):
    """What the hub makes of blocks."""

    def test_a_block_is_one_thing(self) -> None:
        """Its lines take the numbers from n on; what follows is an object again; clean bytes aren't copied twice."""
        data = sent(FIRST | {"gap": 3}, b"one\n\ntwo\n") + sent({"verb": "ping"})
        self.assertEqual(read(data), [Numbered("say", 1, b"one\n\ntwo\n", 3, "b", 3), Ping()])

    def test_what_looks_like_a_verb_is_a_line(self) -> None:
        """Nobody smuggles a verb, a hello or a number in a block, wherever it is cut."""
        block = b'{"verb": "quit"}\n{"a": 1}\n/quit\n'
        data = sent(FIRST, block) + sent({"verb": "got", "to": "b", "n": 4})
        for at in range(len(data)):
            self.assertEqual(read(data[:at], data[at:]), [Numbered("say", 1, block, 3, "b"), Got("b", 4)], at)

    @given(st.lists(st.tuples(st.booleans(), HOSTILE), max_size=5), st.lists(st.integers(0, 400), max_size=8))
    @PROPERTY
    def test_every_split_gives_the_same(self, parts: list[tuple[bool, bytes]], cuts: list[int]) -> None:
        """Hostile blocks and objects between them, in one read and in many; and as text they'd be the same lines."""
        data, texts, n = b"", b"", 1
        for in_block, lines in parts:
            if in_block:
                block = lines + b"\n"
                data += sent(FIRST | {"n": n}, block)
                texts += sent(FIRST | {"n": n, "text": block[:-1].decode(errors="surrogateescape")}) if block.isascii() else b""
                n += block.count(b"\n")
            else:
                data += sent({"verb": "ping"})
                texts += sent({"verb": "ping"})
        whole = read(data)
        places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
        self.assertEqual(read(*(data[start:end] for start, end in zip(places, places[1:]))), whole)
        if all(lines.isascii() for in_block, lines in parts if in_block):
            self.assertEqual(whole, read(texts))

    @given(st.lists(st.tuples(st.booleans(), HOSTILE), max_size=5), st.integers(0, 400), st.integers(0, 400))
    @PROPERTY
    def test_without_blocks(self, parts: list[tuple[bool, bytes]], first: int, second: int) -> None:
        """A reader that knows no blocks reads the same, from any read on; and so does one that takes over from it."""
        data, n = b"", 1
        for in_block, lines in parts:
            data += sent(FIRST | {"n": n}, lines + b"\n") if in_block else sent({"verb": "ping"})
            n += (lines.count(b"\n") + 1) * in_block
        old, new, lines = BlockReader(SessionReader(LIMITS)), BlockReader(SessionReader(LIMITS)), Lines()
        first, second = sorted((min(first, len(data)), min(second, len(data))))
        pieces = list(old.read(lines.feed(data[:first])))
        pieces += SessionReader(LIMITS).read(old.without_blocks(lines.feed(data[first:second])))
        pieces += new.read(old.unread() + lines.feed(data[second:]))
        self.assertEqual(joined(pieces), joined(read(data)))

    def test_a_large_block_as_text(self) -> None:
        """It becomes as many objects as no reader refuses."""
        reader, block = BlockReader(SessionReader(LIMITS)), "\ufffd\n".encode() * 60_000
        [*pieces] = SessionReader(LIMITS).read(reader.without_blocks(sent(FIRST, block)))
        self.assertEqual(joined(pieces), [Numbered("say", 1, block, 60_000, "b")])

    def test_what_is_no_block_as_text(self) -> None:
        """A block without an end, one that can't be said, and a size that is none are answered, not passed over."""
        for data in (sent(FIRST | {"bytes": 5}) + b"abc\nde\n", sent({"verb": "me", "n": 1}, b"a\n"), sent({"bytes": 0})):
            said = BlockReader(SessionReader(LIMITS)).without_blocks(data)
            self.assertIn(Fault, [type(piece) for piece in SessionReader(LIMITS).read(said)], data)

    def test_a_block_is_cleaned(self) -> None:
        """Controls go, invalid UTF-8 is replaced, and every line keeps its number."""
        [thing] = read(sent(FIRST, b"a\r\n\x1b[2J\xff\n\n"))
        self.assertEqual(thing, Numbered("say", 1, "a\n[2J\ufffd\n\n".encode(), 3, "b"))

    def test_a_line_that_is_too_long_keeps_its_number(self) -> None:
        """A line at the limit passes; one byte more is missing, and its speaker is told which it was."""
        told = "line too long (21 > 20 bytes), not sent"
        self.assertEqual(
            read(sent(FIRST, b"x" * 20 + b"\n" + b"y" * 21 + b"\nz\n")),
            [
                Numbered("say", 1, b"x" * 20 + b"\n", 1, "b"),
                Numbered("missing", 2, b"", 1, "b"),
                Dropped(2, "b", False, told),
                Numbered("say", 3, b"z\n", 1, "b"),
            ],
        )

    def test_a_farewell_in_a_block(self) -> None:
        """A line that ends the session in this mode does so in a block, too."""
        pieces = read(sent(FIRST, b"a\nexit\nb\n"), farewells=("exit",))
        self.assertEqual([type(piece) for piece in pieces], [Numbered, Numbered, Farewell, Numbered])

    def test_a_large_block_is_passed_on_in_parts(self) -> None:
        """So much as is read in one turn, less where lines may be farewells; numbers go on, the gap is said once."""
        for farewells, much in (((), MUCH), (("exit",), PORTION)):
            block = "01é456\n".encode() * (2 * MUCH // 8)
            data = sent(FIRST | {"gap": 0}, block)
            parts = [data[start : start + 4096] for start in range(0, len(data), 4096)]
            things = [piece for piece in read(*parts, farewells=farewells) if isinstance(piece, Numbered)]
            self.assertEqual(joined(list(things)), [Numbered("say", 1, block, 2 * MUCH // 8, "b", 0)])
            self.assertLess(max(len(thing.block) for thing in things), much + 8192)
            self.assertEqual([thing.gap for thing in things], [0] + [None] * (len(things) - 1))

    def test_a_large_plain_block_is_one_thing(self) -> None:
        """Up to twice as much is read at once where what came first is plain; not more, and not where it isn't."""
        if not is_plain(b"a"):
            raise SkipTest("needs stringzilla: pip install -e '.[fast]'")
        plain, most = b"0123456\n", 2 * MUCH // 8
        strange = b"01\r345\n" + plain * (MUCH // 8)
        for first, rest, whole in (
            (plain * (most // 2), plain * (most // 2), True),
            (plain * (most // 2), plain * (most // 2 + 1), False),
            (strange, plain, False),
            (plain * (most // 2), strange, False),
            (b"x" * (MUCH + 8), strange, False),
        ):
            data = sent(FIRST, first + rest)
            start = len(data) - len(rest)
            things = read(data[:start], data[start:])
            numbered = [thing for thing in things if isinstance(thing, Numbered)]
            self.assertEqual(len(numbered), 1 if whole else 2)
            self.assertEqual(sum(thing.lines for thing in numbered), data.count(b"\n") - 1)

    def test_at_most_as_long_as_an_object(self) -> None:
        """A block of the limit passes, one byte more closes the link: nobody waits for the end of it."""
        most = LIMITS.max_session_json
        lines = b"\n" * most
        self.assertEqual(sum(len(piece.block) for piece in read(sent(FIRST, lines)) if isinstance(piece, Numbered)), most)
        [piece, *_] = read(sent(FIRST | {"bytes": most + 1}))
        self.assertEqual(piece, Unreadable("flood", f"a block has at most {most} bytes"))

    def test_a_size_that_is_none(self) -> None:
        """Behind it nobody knows where the next object is."""
        for size in (0, -1, 1.5, "9", None, True, [9], 2**60):
            [piece, *_] = read(sent(FIRST | {"bytes": size}))
            self.assertIsInstance(piece, Unreadable, size)

    def test_a_block_without_an_end(self) -> None:
        """Its last byte is a newline, or it is none, and nothing of it is said."""
        [piece, *_] = read(sent(FIRST | {"bytes": 5}) + b"abc\nde\n")
        self.assertEqual(piece, Unreadable("kicked", "a block ends with a newline"))

    def test_a_block_that_cannot_be_said(self) -> None:
        """Of a verb that takes none, or has no good number, the lines are passed over, and the stream goes on."""
        for verb in (
            {"verb": "me", "n": 1},
            {"verb": "say"},
            {"verb": "say", "n": 0},
            {"verb": "say", "n": 1, "to": 7},
            {"verb": "say", "n": 1, "gap": -1},
            {"verb": "say", "n": 1, "text": "x"},
            {"verb": "join", "room": "x"},
            {"verb": ["say"], "n": 1},
        ):
            _, fault, rest = read(sent(FIRST, b"good\n"), sent(verb, b'{"verb": "quit"}\n' * 9), sent({"verb": "ping"}))
            self.assertIsInstance(fault, Fault, verb)
            self.assertEqual(rest, Ping())

    def test_what_waits_is_known(self) -> None:
        """The bytes that are kept of a block count against what may come without a newline."""
        reader = BlockReader(SessionReader(LIMITS))
        list(reader.read(sent(FIRST | {"bytes": 30}) + b"0123456789\n"))
        self.assertEqual(reader.kept, 11)
        list(reader.read(b"0123456789\n1234567\n"))
        self.assertEqual(reader.kept, 0)


class Bodies(SynchronousTestCase):
    """So many bytes, which come in pieces."""

    @given(st.binary(min_size=1), st.binary(), st.lists(st.integers(0, 60)))
    @PROPERTY
    def test_any_pieces(self, block: bytes, rest: bytes, cuts: list[int]) -> None:
        """It takes what is its own, and not a byte of what follows."""
        body, data = Body(), block + rest
        body.left = len(block)
        places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
        ended = 0
        for start, end in zip(places, places[1:]):
            if body.left:
                ended = start + body.take(data[start:end], 0)
        self.assertEqual((body.release(), ended, body.kept, body.left), (block, len(block), 0, 0))

    def test_many_pieces(self) -> None:
        """A block that comes line by line is kept as few pieces: each line alone would weigh ten times its bytes."""
        body, size = Body(), 10 * Body.MOST_PIECES
        body.left = 2 * size
        for number in range(size):
            body.take(b"%d\n" % (number % 10), 0)
            self.assertLessEqual(len(body.pieces), Body.MOST_PIECES)
        self.assertEqual((body.kept, body.release()), (2 * size, b"".join(b"%d\n" % (n % 10) for n in range(size))))
