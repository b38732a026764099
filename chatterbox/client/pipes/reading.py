"""A reading is what a program's stdin says: blocks of clean lines to be said, and, in JSON, verbs.

It counts what it has to alter. It knows bytes, and neither files nor sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from ...wire.lane import LARGEST_BLOCK
from ...wire.lines import Lines
from ...wire.numbered import Json
from ...wire.reading import json_object
from ...wire.text import clean

QUIT: Json = {"verb": "quit"}
_LONE_RETURNS = re.compile(rb"(?<!\r)\r+(?![\r\n])")
_ESCAPES = re.compile(
    rb"(?:\x1b\[|\xc2\x9b)[0-?]*[ -/]*(?:[@-~]|(?=\n|\Z))|\x1b[PX^_\]][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]"
)
"""Escape sequences as ECMA-48 has them: CSI, strings with their end (OSC and others), and the short ones."""
_TYPED_QUIT = re.compile(rb"(?m)^/quit[ \t]*\n")


class Returns:
    """Makes a newline of each carriage return that ends no line: a progress bar's steps become lines."""

    def __init__(self) -> None:
        self.made = 0
        """How many it made."""
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """Return `data` with newlines; a return at its end is kept until the next byte is known."""
        if 13 not in data and not self._kept:  # an integer is looked for at once
            return data
        data = self._kept + data
        self._kept = b"\r" if data.endswith(b"\r") else b""
        data, made = _LONE_RETURNS.subn(b"\n", data.rstrip(b"\r") if self._kept else data)
        self.made += made
        return data

    def last(self) -> bytes:
        """Return a newline if a return is kept: no byte follows it."""
        kept, self._kept = self._kept, b""
        self.made += len(kept)
        return b"\n" if kept else b""


def without_escapes(block: bytes) -> bytes:
    """Return `block` without escape sequences: `clean` alone would leave their letters."""
    return _ESCAPES.sub(b"", block) if 0x1B in block or (0xC2 in block and b"\xc2\x9b" in block) else block


class Cleaner:
    """Cleans lines, and counts those that it alters."""

    def __init__(self) -> None:
        self.controls = 0
        """Lines of which controls were removed, but for the return before a newline."""
        self.replaced = 0
        """Lines in which invalid UTF-8 was replaced."""

    def clean(self, block: bytes) -> bytes:
        """Return whole lines as the hub would pass them on."""
        cleaned = clean(without_escapes(block))
        if cleaned is not block and cleaned != block:
            self._count(block)
        return cleaned

    def _count(self, block: bytes) -> None:
        """One line in, one line out: each is looked at alone, since few are altered in most files."""
        for line in block.split(b"\n")[:-1]:
            line = line.removesuffix(b"\r")
            try:
                line.decode()
            except UnicodeDecodeError:
                self.replaced += 1
                line = line.decode(errors="replace").encode()
            self.controls += clean(without_escapes(line)) != line


def altered(cleaner: Cleaner, returns: Returns) -> str:
    """Return one sentence about what was altered, or nothing."""
    parts = [
        _lines_in(cleaner.controls, "controls were removed"),
        _lines_in(cleaner.replaced, "invalid UTF-8 was replaced"),
        _returns_in(returns.made),
    ]
    told = ", ".join(filter(None, parts))
    return f"what was said is not what was read: {told}" if told else ""


def _returns_in(number: int) -> str:
    if number == 1:
        return "1 carriage return became a newline"
    return f"{number} carriage returns became newlines" if number else ""


def _lines_in(number: int, what: str) -> str:
    return f"{what} in {number} line{'s' * (number != 1)}" if number else ""


class Reading(Protocol):
    """How stdin is read."""

    cleaner: Cleaner
    returns: Returns

    def feed(self, data: bytes) -> Iterator[bytes | Json]:
        """Yield what `data` completes: blocks of clean lines, and verbs."""

    def last(self) -> Iterator[bytes | Json]:
        """Yield what stands after the last newline: a line, too."""

    @property
    def overlong(self) -> bool:
        """Whether more has come without a newline than anybody keeps."""


class TextReading:
    """Every line is text.

    Args:
        commands: whether `/quit` is a command, as it is for a person who types.
    """

    def __init__(self, commands: bool = False) -> None:
        self.cleaner, self.returns = Cleaner(), Returns()
        self._lines = Lines()
        self._commands = commands

    def feed(self, data: bytes) -> Iterator[bytes | Json]:
        """Yield blocks."""
        return self._read(self._lines.feed(self.returns.feed(data)))

    def last(self) -> Iterator[bytes | Json]:
        """Yield the last line, or what a return at the very end makes one."""
        return self._read(self._lines.feed(self.returns.last()) + self._lines.last())

    @property
    def overlong(self) -> bool:
        """Whether a line is far too long."""
        return self._lines.overlong

    def _read(self, lines: bytes) -> Iterator[bytes | Json]:
        block = self.cleaner.clean(lines)
        quit_ = _TYPED_QUIT.search(block) if self._commands else None
        yield from in_blocks(block[: quit_.start()] if quit_ else block)
        if quit_:
            yield QUIT


class JsonReading(TextReading):
    """An object with a verb is that; any other line is text."""

    def _read(self, lines: bytes) -> Iterator[bytes | Json]:
        for line in lines.split(b"\n")[:-1]:
            sent = json_object(line) if line.lstrip().startswith(b"{") else None
            if sent is None or "verb" not in sent:
                yield from super()._read(line + b"\n")
            elif sent["verb"] == "say" and isinstance(sent.get("text"), str):
                yield from in_blocks(self.cleaner.clean(str(sent["text"]).encode(errors="replace") + b"\n"))
            else:
                yield sent


def in_blocks(lines: bytes) -> Iterator[bytes]:
    """Yield whole lines in blocks of at most `LARGEST_BLOCK` bytes, and a longer line alone."""
    start = 0
    while start < len(lines):
        if len(lines) - start <= LARGEST_BLOCK:
            yield lines[start:] if start else lines
            return
        end = lines.rfind(b"\n", start, start + LARGEST_BLOCK) + 1 or lines.index(b"\n", start) + 1
        yield lines[start:end]
        start = end
