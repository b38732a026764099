"""A line is what one end says at once: this module knows which bytes of it are text, and which lines are commands.

Everything here is a pure function of bytes. It does not know who speaks, who hears, or how an event looks to a
hearer: that is `dialects`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from .limits import Limits

NOTICE = b"-!- "
"""What the hub itself says to a text peer begins so (irssi's marker)."""

# -- cleaning -------------------------------------------------------------------------------------------------

_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n") + b"\x7f"
_MARK_CONTROLS = bytes.maketrans(_CONTROLS, b"?" * len(_CONTROLS))
_EACH_CONTROL = [bytes((control,)) for control in _CONTROLS]
_BAD_UNICODE = re.compile("[\x80-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LEADS = (b"\xc2", b"\xe2")
"""The first bytes in UTF-8 of everything `_BAD_UNICODE` names."""


def clean(block: bytes) -> bytes:
    """Return the lines in `block` as text that can do nothing to a terminal, a log or another peer.

    Removed: C0 but TAB and the newlines (so CRLF becomes LF), DEL, C1, U+2028/9, bidi controls. Invalid UTF-8
    becomes U+FFFD. One line out for one line in, and for any split at a line's end
    `clean(a) + clean(b) == clean(a + b)`. Clean bytes are returned as the very same object.
    """
    if _has_controls(block):
        block = block.translate(None, _CONTROLS)
    if block.isascii():
        return block
    try:
        text = block.decode()
    except UnicodeDecodeError:
        text = block.decode(errors="replace")
        block = text.encode()
    if any(lead in block for lead in _LEADS) and _BAD_UNICODE.search(text):
        block = _BAD_UNICODE.sub("", text).encode()
    return block


def _has_controls(block: bytes) -> bool:
    """Look for each control in a large block (15 µs for 64 KiB, at the speed of memchr), in one pass in a small one."""
    if len(block) > 4096:
        return any(control in block for control in _EACH_CONTROL)
    return block.translate(_MARK_CONTROLS) is not block


def clean_text(text: str) -> str:
    """Return `text` cleaned as one line: its newlines become spaces."""
    return clean(text.encode(errors="replace").replace(b"\n", b" ")).decode()


_KEYS = re.compile("[^\\x08\\t\\n\\x15\\x20-\\x7e\\xa0-\\U0010ffff]|[\\ud800-\\udfff]")


def clean_keys(text: str) -> bytes:
    """Return typed `text` cleaned: of the controls, BS, ^U, TAB and the newline are keys, the rest is removed."""
    return _BAD_UNICODE.sub("", _KEYS.sub("", text.replace("\x7f", "\b").replace("\r", "\n"))).encode()


# -- names ----------------------------------------------------------------------------------------------------

RESERVED = frozenset({"server", "hub", "system", "admin", "you"})
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ROOM = re.compile(r"[A-Za-z0-9._-]+")


def name_fault(name: str, limit: int) -> str:
    """Return why `name` can't be a peer's name, or an empty string where it can."""
    if not name:
        return "a name has at least one character"
    if len(name) > limit:
        return f"a name has at most {limit} characters"
    if not _NAME.fullmatch(name):
        return "a name is made of A-Z a-z 0-9 _ and -"
    if name.casefold() in RESERVED:
        return f"{name} is a reserved name"
    return ""


def room_fault(name: str, limit: int) -> str:
    """Return why `name` can't be a room's name, or an empty string where it can."""
    if not name or len(name) > limit or not _ROOM.fullmatch(name):
        return f"a room's name is 1 to {limit} of A-Z a-z 0-9 . _ and -"
    return ""


# -- commands -------------------------------------------------------------------------------------------------


class Verb(NamedTuple):
    """One thing a peer can ask of the hub; the table of them is what `/help` prints."""

    usage: str
    meaning: str
    keys: tuple[str, ...] = ()
    """What JSON calls the arguments, in the order in which text gives them."""


VERBS = {
    "quit": Verb("/quit", "leave"),
    "done": Verb("/done", "say no more, and listen on"),
    "help": Verb("/help", "this list"),
    "who": Verb("/who", "who is here, in order of joining"),
    "nick": Verb("/nick NAME", "take another name", ("name",)),
    "join": Verb("/join ROOM", "go to another room", ("room",)),
    "me": Verb("/me TEXT", "say what you do", ("text",)),
    "msg": Verb("/msg NAME TEXT", "say something to one person", ("to", "text")),
}
JSON_VERBS = {"say": ("text",), "type": ("keys",)} | {verb: row.keys for verb, row in VERBS.items()}
"""Every verb of the JSON dialect, with the keys it takes."""


class Command(NamedTuple):
    """A verb with its arguments, as a peer sent it."""

    verb: str
    args: tuple[str, ...] = ()


class Fault(NamedTuple):
    """Something a peer sent that can't be obeyed: the protocol's error code and one sentence."""

    code: str
    text: str


class Typing(NamedTuple):
    """Clean keys, as a peer typed them."""

    keys: bytes


Piece = bytes | Command | Fault | Typing
"""What a peer's input is made of: clean lines to be said, commands, faults to be answered, and keys."""


class Reader(Protocol):
    """What a peer needs of its dialect's reader."""

    def read(self, block: bytes) -> Iterable[Piece]:
        """Return the pieces of what was received."""


def within(block: bytes, limit: int, spare: int = 0) -> Iterator[bytes | Fault]:
    """Yield the lines of `block` that have at most `limit` and `spare` bytes, and a Fault in place of each longer one.

    A line is never cut and never partly delivered. Where every line fits, and that is looked at in jumps of
    `limit` bytes, the very same object comes out.
    """
    start = good = 0
    while start < len(block):
        newline = block.rfind(b"\n", start, start + limit + spare + 1)
        if newline < 0:
            newline = block.index(b"\n", start)
            if good < start:
                yield block[good:start]
            yield _too_long(newline - start, limit)
            good = newline + 1
        start = newline + 1
    if good < len(block):
        yield block[good:]


def _too_long(size: int, limit: int) -> Fault:
    return Fault("long", f"line too long ({size} > {limit} bytes), not sent")


def first_lines(block: bytes, most: int) -> bytes:
    """Return the first lines of `block`: at least one, at most `most`, and not far fewer where there are as many."""
    while (lines := block.count(b"\n")) > most:
        newline = block.rfind(b"\n", 0, len(block) * most // lines)
        block = block[: newline + 1] if newline >= 0 else block[: block.index(b"\n") + 1]
    return block


class TextReader:
    """Reads the text dialect: known slash words and a mode's farewells are commands, the rest is said."""

    def __init__(self, limits: Limits, farewells: Iterable[str] = ()) -> None:
        words = "|".join(VERBS)
        byes = "|".join(_farewell_pattern(word) for word in farewells if word != "/quit")
        command = rf"/(?P<verb>{words})(?:[ \t]+(?P<args>[^\n]*))?"
        self._limits = limits
        self._farewell = re.compile(rf"\n(?:{byes})(?=\n)".encode()) if byes else None
        self._command = re.compile(rf"\n(?:{command}{byes and '|' + byes})(?=\n)".encode())

    def read(self, block: bytes) -> Iterable[Piece]:
        """Return the pieces of `block`, which is any number of whole lines as they were received."""
        block = clean(block)
        if b"/" in block or self._farewell:
            return self._read(block)
        if len(block) <= self._limits.max_line:
            return (block,)
        return within(block, self._limits.max_line)

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

    def _read_command(self, found: re.Match[bytes]) -> Command | Fault:
        size = len(found[0]) - 1
        return _text_command(found) if size <= self._limits.max_line else _too_long(size, self._limits.max_line)

    def read_said(self, block: bytes) -> Iterator[Piece]:
        """Yield the pieces of clean lines in which only a farewell is more than text, as in JSON's `say`."""
        for part in within(block, self._limits.max_line):
            if isinstance(part, Fault) or not self._farewell:
                yield part
            else:
                yield from _cut(part, self._farewell, _farewell_command, bytes)


def _cut(
    block: bytes,
    command: re.Pattern[bytes],
    read_command: Callable[[re.Match[bytes]], Command | Fault],
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


def _farewell_command(found: re.Match[bytes]) -> Command:
    return Command("farewell", (found[0][1:].decode(),))


def _text_command(found: re.Match[bytes]) -> Command:
    if found["verb"] is None:
        return _farewell_command(found)
    verb = found["verb"].decode()
    keys = VERBS[verb].keys
    args = (found["args"] or b"").decode().strip().split(None, len(keys) - 1) if keys else []
    return Command(verb, tuple(args))


class JsonReader:
    """Reads the JSON dialect: one object a line, its `verb` says what it is."""

    def __init__(self, limits: Limits, farewells: Iterable[str] = ()) -> None:
        self._limits = limits
        self._text = TextReader(limits, farewells)

    def read(self, block: bytes) -> Iterator[Piece]:
        """Yield the pieces of `block`, which is any number of whole lines as they were received."""
        for part in within(block, self._limits.max_json):
            if isinstance(part, Fault):
                yield part
            else:
                for line in part.split(b"\n")[:-1]:
                    yield from self._line(line)

    def _line(self, line: bytes) -> Iterable[Piece]:
        sent = json_object(line)
        if sent is None:
            return (Fault("json", "not a JSON object on one line"),)
        verb = sent.get("verb")
        if not isinstance(verb, str) or verb not in JSON_VERBS:
            return (Fault("verb", f"unknown verb {clean_text(str(verb))[:40]}"),)
        args = [sent.get(key) for key in JSON_VERBS[verb]]
        if not all(isinstance(arg, str) for arg in args):
            return (Fault("verb", f"{verb} takes {' and '.join(JSON_VERBS[verb])}, as a string"),)
        return self._command(verb, [str(arg) for arg in args])

    def _command(self, verb: str, args: list[str]) -> Iterable[Piece]:
        if verb == "say":
            return self._say(args[0])
        if verb == "type":
            return (Command(verb, (args[0],)),)
        size = max((len(arg.encode(errors="replace")) for arg in args), default=0)
        if size > self._limits.max_line:
            return (_too_long(size, self._limits.max_line),)
        return (Command(verb, tuple(clean_text(arg).strip() for arg in args)),)

    def _say(self, text: str) -> Iterable[Piece]:
        """Lines said in JSON are text as they stand: no slash word is a command there."""
        block = clean(text.encode(errors="replace") + b"\n")
        return self._text.read_said(block)


def json_object(line: bytes) -> dict[str, object] | None:
    """Return the JSON object that `line` is, or None; no input raises."""
    try:
        sent = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return sent if isinstance(sent, dict) else None


def hello(line: bytes) -> dict[str, object] | None:
    """Return the object that makes a connection a JSON peer, where `line`, its first one, is that."""
    sent = json_object(line) if line.lstrip().startswith(b"{") else None
    return sent if sent and "chatterbox" in sent else None
