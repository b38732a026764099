"""`clean` returns the same whichever scanner looks for controls: plain Python, stringzilla, or a stand-in for that."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from itertools import product
from types import ModuleType
from unittest import SkipTest
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.wire import text
from tests.harness.inputs import HOSTILE, PROPERTY
from tests.wire.test_reading import FORBIDDEN

CONTROLS = bytes(code for code in sorted(FORBIDDEN) if code < 0x80)
PADDING = (0, 1000, 1024, 24 * 1024 - 3, 48 * 1024)
"""Bytes in front of a hostile block: below and above the small size, and across the border of a slice."""

try:
    import stringzilla
except ImportError:
    stringzilla = None


def plainly(block: bytes) -> bytes:
    """Return what `clean` returns, by its definition: first the bytes, then the characters, one by one."""
    kept = bytes(byte for byte in block if byte not in CONTROLS)
    return "".join(char for char in kept.decode(errors="replace") if ord(char) not in FORBIDDEN).encode()


def stand_in(haystack: bytes, needles: bytes) -> int:
    """Return what `stringzilla.find_first_of` returns: the first place of any of `needles`, or -1."""
    return next((at for at, byte in enumerate(haystack) if byte in needles), -1)


def text_with(library: object) -> ModuleType:
    """Return `chatterbox.wire.text` as a process loads it in which `library` is stringzilla; None: there is none."""
    spec = spec_from_file_location("chatterbox.wire.text", text.__file__)
    assert spec and spec.loader
    module = module_from_spec(spec)
    with patch.dict(sys.modules, {"stringzilla": library}):
        spec.loader.exec_module(module)
    return module


def library_with(find_first_of: Callable[[bytes, bytes], int]) -> ModuleType:
    """Return a module that looks like stringzilla."""
    library = ModuleType("stringzilla")
    vars(library).update(
        __version__="0.0.test",
        find_first_of=find_first_of,
        bytesum=sum,
        find=bytes.find,
        translate=lambda block, table: bytes(block).translate(table),
        utf8_count=lambda block: sum(byte & 0xC0 != 0x80 for byte in block),
    )
    return library


def by_kinds(module: ModuleType) -> ModuleType:
    """Return `module`, which looks at the kinds of bytes now however small a block is, and however few they are."""
    vars(module).update(_LARGE=0, _SPARSE=1 << 30)
    return module


def modules() -> Iterator[tuple[str, ModuleType]]:
    """Yield the name of each way to look at text, and the module that does it so."""
    yield "plain", PLAIN
    yield "stand-in", STAND_IN
    yield "stand-in, by kinds", by_kinds(text_with(library_with(stand_in)))
    if stringzilla:
        yield "stringzilla", text_with(stringzilla)
        yield "stringzilla, by kinds", by_kinds(text_with(stringzilla))


def ways() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    """Yield the name of each way to clean, and the function."""
    yield from ((name, module.clean) for name, module in MODULES.items())


PLAIN = text_with(None)
STAND_IN = text_with(library_with(stand_in))
MODULES = dict(modules())
WAYS = dict(ways())


class Scanners(SynchronousTestCase):
    """Which scanner is in use is known in one place."""

    def test_without_the_library(self) -> None:
        """A process without stringzilla scans in plain Python, and says so."""
        self.assertEqual(PLAIN.SCANNER, "plain Python")

    def test_with_the_library(self) -> None:
        """A process with stringzilla uses it, and says which."""
        self.assertEqual(STAND_IN.SCANNER, "stringzilla 0.0.test")
        calls: list[bytes] = []

        def find(haystack: bytes, needles: bytes) -> int:
            calls.append(needles)
            return stand_in(haystack, needles)

        self.assertEqual(text_with(library_with(find)).clean(b"a\rb\n"), b"ab\n")
        self.assertEqual(sorted(calls[-1]), list(CONTROLS))

    def test_a_library_that_lacks_the_function(self) -> None:
        """An old stringzilla is as good as none."""
        self.assertEqual(text_with(ModuleType("stringzilla")).SCANNER, "plain Python")

    def test_the_library_that_is_installed(self) -> None:
        """The real one is used where the extra `fast` is installed."""
        if not stringzilla:
            raise SkipTest("needs stringzilla: pip install -e '.[fast]'")
        self.assertEqual(text.SCANNER, f"stringzilla {stringzilla.__version__}")


class EveryWay(SynchronousTestCase):
    """Each way to clean does what the definition says."""

    def each(self, block: bytes) -> None:
        """Clean `block` in every way."""
        expected = plainly(block)
        for way, clean in WAYS.items():
            if clean(block) != expected:
                self.fail(f"{way}: {block!r} became {clean(block)!r}, and not {expected!r}")

    @given(HOSTILE, st.sampled_from(PADDING))
    @PROPERTY
    def test_any_bytes(self, block: bytes, padding: int) -> None:
        """Hostile bytes, alone and behind so many harmless ones that they are searched in slices."""
        self.each(b"x" * padding + block)

    @given(HOSTILE, st.sampled_from(PADDING))
    @PROPERTY
    def test_lines_are_counted(self, block: bytes, padding: int) -> None:
        """Every newline, and nothing else, in each way."""
        block = (b"x" * padding + block + b"\n") * 2
        for way, module in MODULES.items():
            self.assertEqual(module.lines_in(block), block.count(b"\n"), way)

    @given(st.text(), st.sampled_from(PADDING))
    @PROPERTY
    def test_any_text(self, said: str, padding: int) -> None:
        """Text of any characters."""
        self.each(b"x" * padding + said.encode())

    @given(st.lists(HOSTILE, min_size=1, max_size=4))
    @PROPERTY
    def test_any_split(self, lines: list[bytes]) -> None:
        """Whole lines are cleaned alike in one block and in two, wherever between them the cut is."""
        block = b"".join(line + b"\n" for line in lines)
        for way, clean in WAYS.items():
            for at, byte in enumerate(block, 1):
                if byte == 10:
                    self.assertEqual(clean(block[:at]) + clean(block[at:]), clean(block), (way, at))

    def test_every_code_point(self) -> None:
        """Each character there is, in blocks of 64 neighbours."""
        for start in range(0, 0x110000, 64):
            if not 0xD800 <= start < 0xE000:
                self.each("".join(map(chr, range(start, start + 64))).encode())

    def test_every_forbidden_character_alone(self) -> None:
        """Nothing else in the block opens the gate to the search: one in a small block, and one in a large."""
        for code in FORBIDDEN:
            for block in (chr(code), "é" * 800 + chr(code), "茶" * 9000 + chr(code) + "茶" * 9000):
                self.each(block.encode())

    def test_every_control_at_the_borders_of_slices(self) -> None:
        """A control is found in the first and in the last place of what is searched at once."""
        size = 50 * 1024
        edges = (0, 1, 24 * 1024 - 1, 24 * 1024, 48 * 1024 - 1, 48 * 1024, size - 1)
        for control in CONTROLS:
            for at in edges:
                block = bytearray(b"x" * size)
                block[at] = control
                for way, clean in WAYS.items():
                    self.assertEqual(len(clean(bytes(block))), size - 1, (way, control, at))

    def test_every_character_across_the_border_of_a_slice(self) -> None:
        """A character, and the torn rest of one, whose bytes fall on both sides of what is decoded at once."""
        whole = [chr(code).encode() for code in (*sorted(FORBIDDEN), ord("é"), ord("’"), ord("茶"), 0x1F600)]
        for sign in (*whole, *(sign[:-1] for sign in whole if len(sign) > 1)):
            for before in range(1, len(sign) + 1):
                self.each(b"x" * (24 * 1024 - before) + sign + "é\n".encode())
                self.each(b"x" * (24 * 1024 - before) + sign)

    def test_every_pair_of_bytes(self) -> None:
        """Two bytes, alone and behind a character."""
        for first in range(0x80, 0x100):
            for second in range(0x100):
                self.each(bytes((first, second)))
                self.each("é".encode() + bytes((second, first)))

    def test_what_bytes_may_follow(self) -> None:
        """Three and four bytes, each the first or last of those that UTF-8 or the rules for text treat alike."""
        firsts = bytes.fromhex("41 80 bf c1 c2 df e0 e1 e2 ed ef f0 f1 f4 f5")
        seconds = bytes.fromhex("0a 7f 80 81 8f 90 9f a0 bf c2 e2 f0")
        thirds = bytes.fromhex("41 80 a5 a6 a7 a8 a9 ae af bf c3 ef f4")
        for row in product(firsts, seconds, thirds):
            self.each(bytes(row))
        for row in product(firsts, seconds, b"\x80\xbf\xc3\n", b"A\x80\xbf\xe1"):
            self.each(bytes(row))
            self.each(bytes(row) + b"\x80")

    def test_mistakes_that_make_up_for_each_other(self) -> None:
        """One byte too many in a character and one too few in another: counts alone wouldn't tell."""
        signs = [sign.encode() for sign in "é茶\U0001f600"]
        for much, little in product((b"A", *signs), signs):
            self.each(much + b"\x80" + little[:-1])
            self.each(little[:-1] + b"A" + much + b"\x80")
        self.each(b"\xff" + b"\x80" * 100)

    def test_a_mistake_anywhere_in_much_text(self) -> None:
        """A wrong byte in a large block is found in the first line and in the last, and with no newline in reach."""
        for said in ("茶话\n", "l’été\n", "Ελληνικά", "\U0001f600 \U0001f600\n", "한국어\n", "हिन्दी\n"):
            block = said.encode() * (60 * 1024 // len(said.encode()))
            self.each(block)
            for wrong in (b"\x80", b"\xc3", b"\xe2\x80", b"\xed\xa0\x80", b"\xff", b"\xc2\x9b", b"\xe2\x81\xa9"):
                self.each(wrong + block)
                self.each(block + wrong)

    def test_around_the_small_size(self) -> None:
        """A control is found in blocks of 1023, 1024 and 1025 bytes."""
        for size in (1023, 1024, 1025):
            for control in CONTROLS:
                self.each(b"x" * (size - 1) + bytes((control,)))

    def test_clean_blocks_are_not_copied(self) -> None:
        """The very same object comes out, however large, with TABs and newlines, and with the neighbours of C1."""
        for block in (b"a\tb\n", b"a\tb\n" * 20_000, "« été » ‘…’ \u2027\u202f\u2065\u206a\u00a0\n".encode() * 3000):
            for way, clean in WAYS.items():
                self.assertIs(clean(block), block, way)
