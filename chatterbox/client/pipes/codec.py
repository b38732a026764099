"""A speech is one dialect as the client in pipes speaks it: lines of stdin become what the hub reads, and back.

Everything here is a function of bytes. It does not know sockets, files, or who says what.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import NamedTuple, Protocol

from ...wire.reading import json_object
from ...wire.text import NOTICE, clean, clean_text


class Heard(NamedTuple):
    """What lines of the hub come to."""

    said: bytes
    """For stdout: whole lines."""
    status: bytes = b""
    """For stderr: whole lines."""
    closed: str = ""
    """The word with which the hub closes the conversation, where it does."""


class Speech(Protocol):
    """What a pipe needs of a dialect."""

    leaving: bool
    """Whether this end has asked to leave."""

    def hello(self) -> bytes:
        """Return what the hub gets first."""

    def say(self, lines: bytes) -> bytes:
        """Return whole lines of stdin as the hub reads them."""

    def done(self) -> bytes:
        """Return what says that all is said, to a hub whose link has no sending half to close."""

    def leave(self) -> bytes:
        """Return what asks the hub to let this end go, after all that was said."""

    def hear(self, lines: bytes) -> Heard:
        """Return what whole lines of the hub come to."""


_NOTICES = re.compile(rb"\n-!- ([^\n]*)(?=\n)")
_SPACED = re.compile(rb"\n (?= *-!- )")
_CLOSED = re.compile(rb"closed \((\w+)\)")
_QUIT = re.compile(rb"(?m)^/quit[ \t]*\n")
_AMBIGUOUS = re.compile(rb"[ \t]*\{|[^\n]* HTTP/")
"""A first line that a hub takes for a JSON hello, or for a browser gone astray."""


class TextSpeech:
    """The text dialect, transparent: what goes in at one end comes out at the other, line for line.

    Args:
        commands: whether `/quit` is a command, as it is for a person; in pipes every line is text.
    """

    def __init__(self, room: str = "", name: str = "", commands: bool = False) -> None:
        self.leaving = False
        self._commands = commands
        self._hello = f"/join {room}\n".encode() * bool(room) + f"/nick {name}\n".encode() * bool(name)
        self._silent = not self._hello

    def hello(self) -> bytes:
        """Where to be, and who: these two take effect before anyone hears of them (protocol, section 2)."""
        return self._hello

    def say(self, lines: bytes) -> bytes:
        """Every line is said as it stands: "`//x` says `/x`, whatever `x` is".

        It is cleaned here, as the hub would, since a control character can hide a slash.
        """
        block = clean(lines)
        quit = _QUIT.search(block) if self._commands else None
        return self._text(block[: quit.start()]) + self.leave() if quit else self._text(block)

    def leave(self) -> bytes:
        """The one command that this client gives by itself."""
        self.leaving = True
        return b"/quit\n"

    def done(self) -> bytes:
        """What closing the sending half says, for a link that knows no such thing."""
        return b"/done\n"

    def _text(self, block: bytes) -> bytes:
        """The first line decides the dialect: where it is text that might, `/join` goes before it."""
        first, self._silent = self._silent, False
        if b"/" in block:
            block = (b"\n" + block).replace(b"\n/", b"\n//")[1:]
        return b"/join lobby\n" + block if first and _AMBIGUOUS.match(block) else block

    def hear(self, lines: bytes) -> Heard:
        """The hub's notices are status; from what was said the space is taken that made it no notice."""
        block = clean(lines)
        if b"!" not in block or NOTICE not in block:
            return Heard(block)
        block = b"\n" + block
        notices = _NOTICES.findall(block)
        said = _SPACED.sub(b"\n", _NOTICES.sub(b"", block))[1:]
        closed = _CLOSED.match(notices[-1]) if notices else None
        status = b"".join(NOTICE + notice + b"\n" for notice in notices)
        return Heard(said, status, closed[1].decode() if closed else "")


class JsonSpeech:
    """The JSON dialect: one object a line, in and out; a plain line on stdin is said.

    Args:
        commands: whether the plain line `/quit` is a command, as it is for a person.
    """

    def __init__(self, room: str = "", name: str = "", commands: bool = False) -> None:
        self.leaving = False
        self._commands = commands
        wishes = {"room": room, "name": name}
        self._hello = {"chatterbox": 1} | {key: wish for key, wish in wishes.items() if wish}

    def hello(self) -> bytes:
        """The object that makes this a JSON connection."""
        return json.dumps(self._hello).encode() + b"\n"

    def say(self, lines: bytes) -> bytes:
        """An object with a verb passes, any other line is said."""
        return b"".join(map(self._verb, lines.split(b"\n")[:-1]))

    def _verb(self, line: bytes) -> bytes:
        sent = json_object(line)
        if sent is not None and "verb" in sent:
            self.leaving = self.leaving or sent["verb"] == "quit"
            return line + b"\n"
        text = line.removesuffix(b"\r").decode(errors="replace")
        if self._commands and text.rstrip() == "/quit":
            return self.leave()
        return json.dumps({"verb": "say", "text": text}).encode() + b"\n"

    def leave(self) -> bytes:
        """The same as `{"verb": "quit"}` on stdin."""
        self.leaving = True
        return b'{"verb": "quit"}\n'

    def done(self) -> bytes:
        """The same as a closed sending half."""
        return b'{"verb": "done"}\n'

    def hear(self, lines: bytes) -> Heard:
        """Objects pass, as the hub sent them but clean; what is no object is status."""
        said, status, closed = [], [], ""
        for line in clean(lines).split(b"\n")[:-1]:
            event = json_object(line)
            if event is None:
                status.append(line + b"\n")
                continue
            said.append(_washed(line, event.get("event") == "typed") + b"\n")
            if event.get("event") == "closed":
                closed = str(event.get("why"))
        return Heard(b"".join(said), b"".join(status), closed)


_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|.)")
_KEYS = "\b\n\x15"
"""The controls that are keys (protocol, section 7)."""


def _washed(line: bytes, keys: bool) -> bytes:
    """Return a clean JSON line without the escapes that stand for what `clean` removes."""
    if b"\\" not in line:
        return line
    return _ESCAPE.sub(lambda found: found[0] if _harmless(found[0], keys) else b"", line)


@lru_cache(4096)
def _harmless(escape: bytes, keys: bool) -> bool:
    char = json.loads(b'"%b"' % escape)
    return "\ud800" <= char <= "\udfff" or clean_text(char) == char or (keys and char in _KEYS)
