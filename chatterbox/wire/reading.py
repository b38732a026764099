"""A reader turns what one peer sent into pieces: lines to be said, commands, faults to be answered.

There is one reader for each dialect. It does not know who speaks or who hears; how events are written is `dialects`.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from ..limits import Limits
from .lines import fit, too_long, within
from .text import NOTICE, clean, clean_text
from .verbs import JSON_VERBS, VERBS, Command, Farewell, Fault, Piece, Typing

_SLASH, _BANG = b"/!"
"""An integer is looked for at once; for bytes `in` first raises and clears a TypeError."""


class Reader(Protocol):
    """What a peer needs of its dialect's reader."""

    def read(self, block: bytes) -> Iterable[Piece]:
        """Return the pieces of what was received."""


class TextReader:
    """Reads the text dialect: known slash words and a mode's farewells are commands, the rest is said."""

    def __init__(self, limits: Limits, farewells: Iterable[str] = ()) -> None:
        words = "|".join(VERBS)
        byes = "|".join(_farewell_pattern(word) for word in farewells if word != "/quit")
        command = rf"/(?P<verb>{words})(?:[ \t]+(?P<args>[^\n]*))?"
        self._limits = limits
        self.has_farewells = bool(byes)
        """Whether a line that is said may end the session."""
        self._farewell = re.compile(rf"\n(?:{byes})(?=\n)".encode()) if byes else None
        self._command = re.compile(rf"\n(?:{command}{byes and '|' + byes})(?=\n)".encode())

    def passes(self, block: bytes) -> bool:
        """Return whether the clean lines of `block` are said, and heard by text peers, as they stand.

        None of them is too long, and none looks like a command, a farewell or a notice.
        """
        if self._may_ask(block) or (_BANG in block and NOTICE in block):
            return False
        return len(block) <= self._limits.max_line or fit(block, self._limits.max_line)

    def read(self, block: bytes) -> Iterable[Piece]:
        """Return the pieces of `block`, which is any number of whole lines as they were received."""
        return self.read_clean(clean(block))

    def read_clean(self, block: bytes) -> Iterable[Piece]:
        """Return the pieces of `block`, which is clean."""
        if self._may_ask(block):
            return self._read_one(block) if block.find(b"\n") + 1 == len(block) else self._read(block)
        if len(block) <= self._limits.max_line:
            return (block,)
        return within(block, self._limits.max_line)

    def _may_ask(self, block: bytes) -> bool:
        """Return whether a line of `block` may be more than something to say."""
        return bool(self._farewell) or (_SLASH in block and (block[0] == _SLASH or b"\n/" in block))

    def _read_one(self, line: bytes) -> Iterable[Piece]:
        """Return the pieces of one line: mostly a command, as the first line of a connection is."""
        found = self._command.match(b"\n" + line)
        return (self._read_command(found),) if found else self._read(line)

    def _read(self, block: bytes) -> Iterator[Piece]:
        limit = self._limits.max_line
        for part in within(block, limit, spare=1):  # a slash that is doubled doesn't count
            if isinstance(part, Fault):
                yield part
                continue
            for piece in _cut(part, self._command, self._read_command, _undouble):
                if isinstance(piece, bytes):
                    yield from within(piece, limit)
                else:
                    yield piece

    def _read_command(self, found: re.Match[bytes]) -> Command | Farewell | Fault:
        size = len(found[0]) - 1
        return _text_command(found) if size <= self._limits.max_line else too_long(size, self._limits.max_line)

    def read_said(self, block: bytes) -> Iterator[Piece]:
        """Yield the pieces of clean lines in which only a farewell is more than text, as in JSON's `say`."""
        for part in within(block, self._limits.max_line):
            if isinstance(part, Fault) or not self._farewell:
                yield part
            else:
                yield from _cut(part, self._farewell, _farewell, bytes)


def _cut(
    block: bytes,
    command: re.Pattern[bytes],
    read_command: Callable[[re.Match[bytes]], Command | Farewell | Fault],
    read_text: Callable[[bytes], bytes],
) -> Iterator[Piece]:
    """Yield `block` cut at its commands. The newline put in front makes every line begin with one."""
    text = b"\n" + block
    start = 0
    for found in command.finditer(text):
        if found.start() > start:
            yield read_text(text[start : found.start() + 1])[1:]
        yield read_command(found)
        start = found.end()
    if start + 1 < len(text):
        yield read_text(text[start:])[1:]


def _undouble(text: bytes) -> bytes:
    """Return the lines of `text`, which begins with a newline, with one slash fewer where they begin with two."""
    return text.replace(b"\n//", b"\n/")


def _farewell_pattern(word: str) -> str:
    """A word in lower case ends a stay whatever the case and the space around it (seed 003); others literally."""
    return rf"[ \t]*(?i:{re.escape(word)})[ \t]*" if word.islower() else re.escape(word)


def _farewell(found: re.Match[bytes]) -> Farewell:
    return Farewell(found[0][1:].decode())


def _text_command(found: re.Match[bytes]) -> Command | Farewell:
    verb, args = found.group("verb", "args")
    if verb is None:
        return _farewell(found)
    word = verb.decode()
    keys = VERBS[word].keys
    words = args.decode().strip().split(None, len(keys) - 1) if keys and args else []
    return Command(word, tuple(words))


class JsonReader:
    """Reads the JSON dialect: one object a line, its `verb` says what it is."""

    def __init__(self, limits: Limits, farewells: Iterable[str] = ()) -> None:
        self._limits = limits
        self.max_json = limits.max_json
        """Bytes of one object."""
        self._text = TextReader(limits, farewells)

    def read(self, block: bytes) -> Iterator[Piece]:
        """Yield the pieces of `block`, which is any number of whole lines as they were received."""
        for part in within(block, self.max_json):
            if isinstance(part, Fault):
                yield part
            else:
                for line in part.split(b"\n")[:-1]:
                    yield from self._line(line)

    def _line(self, line: bytes) -> Iterable[Piece]:
        return self.take(json_object(line))

    def take(self, sent: dict[str, object] | None) -> Iterable[Piece]:
        """Return the pieces of one object; None: the line was no object."""
        if sent is None:
            return (Fault("json", "not a JSON object on one line"),)
        verb = sent.get("verb")
        return self._verb(verb if isinstance(verb, str) else "", sent)

    def _verb(self, verb: str, sent: dict[str, object]) -> Iterable[Piece]:
        if verb not in JSON_VERBS:
            return (Fault("verb", f"unknown verb {clean_text(str(sent.get('verb')))[:40]}"),)
        args = [sent.get(key) for key in JSON_VERBS[verb]]
        if not all(isinstance(arg, str) for arg in args):
            return (Fault("verb", f"{verb} takes {' and '.join(JSON_VERBS[verb])}, as a string"),)
        return self._command(verb, [str(arg) for arg in args])

    def _command(self, verb: str, args: list[str]) -> Iterable[Piece]:
        if verb == "say":
            return self._say(args[0])
        if verb == "type":
            return self._type(args[0])
        size = max((len(arg.encode(errors="replace")) for arg in args), default=0)
        if size > self._limits.max_line:
            return (too_long(size, self._limits.max_line),)
        return (Command(verb, tuple(clean_text(arg).strip() for arg in args)),)

    def _type(self, keys: str) -> Iterable[Piece]:
        """Keys are lines as well: none of them is typed where one is too long; ^U in front of a line doesn't count."""
        typed = keys.encode(errors="replace")
        lines = typed.replace(b"\r", b"\n") + b"\n"
        faults = [part for part in within(lines, self._limits.max_line, spare=1) if isinstance(part, Fault)]
        return faults[:1] or (Typing(typed),)

    def _say(self, text: str) -> Iterable[Piece]:
        """Lines said in JSON are text as they stand: no slash word is a command there."""
        block = clean(text.encode(errors="replace") + b"\n")
        return self._text.read_said(block)


def json_object(line: bytes) -> dict[str, object] | None:
    """Return the JSON object that `line` is, also behind a BOM, or None; no input raises."""
    try:
        sent = json.loads(line.removeprefix(BOM_UTF8).decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return sent if isinstance(sent, dict) else None


def may_be_hello(line: bytes) -> bool:
    """Return whether `line` begins as a hello does, or a part of one."""
    return line.removeprefix(BOM_UTF8).lstrip().startswith(b"{")


def hello(line: bytes) -> dict[str, object] | None:
    """Return the object that makes a connection a JSON peer, where `line`, its first one, is that."""
    sent = json_object(line) if may_be_hello(line) else None
    return sent if sent and "chatterbox" in sent else None
