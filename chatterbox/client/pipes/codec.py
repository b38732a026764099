"""A codec translates between lines of stdin and stdout and one dialect of the hub.

Everything here is about bytes. It does not know sockets or files.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import NamedTuple

from ...wire.reading import json_object
from ...wire.text import NOTICE, clean, clean_text


class Heard(NamedTuple):
    """Lines of the hub, sorted by where they go."""

    said: bytes
    """For stdout: whole lines."""
    status: bytes = b""
    """For stderr: whole lines."""
    closed: str = ""
    """The word with which the hub closes the conversation, where it does."""


_LONE_RETURNS = re.compile(rb"(?<!\r)\r+(?![\r\n])")


class Returns:
    """Makes a newline of each carriage return that ends no line: a progress bar's steps become lines."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """Return `data` with newlines; a return at its end is kept until the next byte is known."""
        if b"\r" not in data and not self._kept:
            return data
        data = self._kept + data
        self._kept = b"\r" if data.endswith(b"\r") else b""
        return _LONE_RETURNS.sub(b"\n", data.rstrip(b"\r") if self._kept else data)


_ESCAPES = re.compile(
    rb"(?:\x1b\[|\xc2\x9b)[0-?]*[ -/]*(?:[@-~]|(?=\n|\Z))|\x1b[PX^_\]][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]"
)
"""Escape sequences as ECMA-48 has them: CSI, strings with their end (OSC and others), and the short ones."""


def without_escapes(block: bytes) -> bytes:
    """Return `block` without escape sequences: `clean` alone would leave their letters."""
    return _ESCAPES.sub(b"", block) if b"\x1b" in block or b"\xc2\x9b" in block else block


_NOTICES = re.compile(rb"\n-!- ([^\n]*)(?=\n)")
_SPACED = re.compile(rb"\n (?= *-!- )")
_CLOSED = re.compile(rb"closed \((\w+)\)")
_QUIT = re.compile(rb"(?m)^/quit[ \t]*\n")
_AMBIGUOUS = re.compile(rb"[ \t]*\{|[^\n]* HTTP/")
"""A first line that a hub takes for a JSON hello, or for a browser's request."""


class TextCodec:
    """The text dialect: each line of stdin comes out at the other end as it was.

    Args:
        commands: whether `/quit` is a command, as it is for a person; in pipes every line is text.
    """

    def __init__(self, room: str = "", name: str = "", commands: bool = False) -> None:
        self.leaving = False
        """Whether this end has asked to leave."""
        self._commands = commands
        commands_first = [f"/{verb} {word}\n" for verb, word in (("join", room), ("nick", name)) if word]
        self._hello = "".join(commands_first).encode()
        self._silent = not self._hello

    def hello(self) -> bytes:
        """Return `/join` and `/nick`: both take effect before anyone hears of them (protocol, section 2)."""
        return self._hello

    def say(self, lines: bytes) -> bytes:
        """Return the lines so that each is said as it stands: "`//x` says `/x`, whatever `x` is".

        They are cleaned here, as the hub would do it, since a control character can hide a slash.
        """
        block = clean(without_escapes(lines))
        quit = _QUIT.search(block) if self._commands else None
        return self._text(block[: quit.start()]) + self.leave() if quit else self._text(block)

    def leave(self) -> bytes:
        """Return `/quit`."""
        self.leaving = True
        return b"/quit\n"

    def done(self) -> bytes:
        """Return `/done`, which stands for closing the sending half."""
        return b"/done\n"

    def _text(self, block: bytes) -> bytes:
        """Double the slashes; put `/join` before a first line that the hub would take for another dialect."""
        first, self._silent = self._silent, False
        if b"/" in block:
            block = (b"\n" + block).replace(b"\n/", b"\n//")[1:]
        return b"/join lobby\n" + block if first and _AMBIGUOUS.match(block) else block

    def hear(self, lines: bytes) -> Heard:
        """Take the hub's notices as status; remove the space that kept a said line from looking like one."""
        block = clean(lines)
        if b"!" not in block or NOTICE not in block:
            return Heard(block)
        block = b"\n" + block
        notices = _NOTICES.findall(block)
        said = _SPACED.sub(b"\n", _NOTICES.sub(b"", block))[1:]
        closed = _CLOSED.match(notices[-1]) if notices else None
        status = b"".join(NOTICE + notice + b"\n" for notice in notices)
        return Heard(said, status, closed[1].decode() if closed else "")


class JsonCodec:
    """The JSON dialect: one object a line, in and out; a plain line on stdin is said.

    Args:
        commands: whether the plain line `/quit` is a command, as it is for a person.
    """

    def __init__(self, room: str = "", name: str = "", commands: bool = False) -> None:
        self.leaving = False
        self._commands = commands
        wanted = {"room": room, "name": name}
        self._hello = {"chatterbox": 1} | {key: word for key, word in wanted.items() if word}

    def hello(self) -> bytes:
        """Return the object that makes this a JSON connection."""
        return json.dumps(self._hello).encode() + b"\n"

    def say(self, lines: bytes) -> bytes:
        """Pass on objects with a verb, and say any other line."""
        return b"".join(map(self._verb, lines.split(b"\n")[:-1]))

    def _verb(self, line: bytes) -> bytes:
        sent = json_object(line)
        if sent is not None and "verb" in sent:
            self.leaving = self.leaving or sent["verb"] == "quit"
            return line + b"\n"
        text = without_escapes(line.removesuffix(b"\r")).decode(errors="replace")
        if self._commands and text.rstrip() == "/quit":
            return self.leave()
        return json.dumps({"verb": "say", "text": text}).encode() + b"\n"

    def leave(self) -> bytes:
        """Return the verb `quit`."""
        self.leaving = True
        return b'{"verb": "quit"}\n'

    def done(self) -> bytes:
        """Return the verb `done`, which stands for closing the sending half."""
        return b'{"verb": "done"}\n'

    def hear(self, lines: bytes) -> Heard:
        """Pass on objects, cleaned; take any other line as status."""
        said, status, closed = [], [], ""
        for line in clean(lines).split(b"\n")[:-1]:
            event = json_object(line)
            if event is None:
                status.append(line + b"\n")
                continue
            said.append(_cleaned(line, event.get("event") == "typed") + b"\n")
            if event.get("event") == "closed":
                closed = str(event.get("why"))
        return Heard(b"".join(said), b"".join(status), closed)


Codec = TextCodec | JsonCodec

_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|.)")
_KEYS = "\b\n\x15"
"""The controls that are keys (protocol, section 7)."""


def _cleaned(line: bytes, keys: bool) -> bytes:
    """Return a clean JSON line without the escapes that stand for what `clean` removes."""
    if b"\\" not in line:
        return line
    return _ESCAPE.sub(lambda found: found[0] if _harmless(found[0], keys) else b"", line)


@lru_cache(4096)
def _harmless(escape: bytes, keys: bool) -> bool:
    char = json.loads(b'"%b"' % escape)
    return "\ud800" <= char <= "\udfff" or clean_text(char) == char or (keys and char in _KEYS)
