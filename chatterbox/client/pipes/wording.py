"""A wording is what a program reads: the hub's events as lines for stdout and for stderr, in text or in JSON.

It knows events and bytes. It does not know sessions, files, or when anything is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from ...wire.numbered import Json, Numbered, lines_of
from ...wire.text import NOTICE, clean, clean_text
from ..naming import instead_of

SCRIPTED = frozenset({"order", "duet"})
"""Modes whose notices are the exercise's own words, and part of the conversation."""
_SENTENCES = {
    "joined": "{name} joined",
    "back": "{name} is back",
    "away": "{name} is away (link lost), what you say is kept",
    "left": "{name} left ({why})",
    "finished": "{name} has finished",
    "undelivered": "{sure}not delivered: {lines}",
    "renamed": "{name} is now known as {to}",
    "told": "{from} tells you: {text}",
    "here": "here: {names}",
    "notice": "{text}",
    "error": "{text}",
    "closed": "closed ({why}): {text}",
}
_LISTED = 20
"""Names told at most, of all who are here."""


class Worded(NamedTuple):
    """One event, as it is read."""

    out: bytes = b""
    """For stdout: whole lines."""
    status: bytes = b""
    """For stderr: whole lines."""


class Wording(Protocol):
    """How events are read."""

    def event(self, event: Json, thing: Numbered | None) -> Worded:
        """Return one event of the hub."""

    def own(self, lines: bytes, name: str) -> Worded:
        """Return lines that this end says, where the mode lets speakers hear themselves."""

    def outcome(self, word: str, first: int, lines: int) -> Worded:
        """Return what became of lines that this end said."""

    def missed(self, name: str, stream: str, lines: int) -> Worded:
        """Return that lines of another end will never come."""

    def lost(self, why: str, seconds: float, is_news: bool) -> Worded:
        """Return that the link is gone, and is tried again; `is_news`: not since it was lost."""

    def back(self) -> Worded:
        """Return that there is a link again."""


def notice(text: str) -> bytes:
    """Return one line of status."""
    return NOTICE + clean_text(text).encode() + b"\n"


class TextWording:
    """Lines as they were said; all else is status."""

    def __init__(self, wish: str = "") -> None:
        self._wish = wish
        self._told = b""
        """What was told last of the name that this end has in place of its `wish`."""
        self._label = self._alone = self._echo = self._numbered = False
        self._mode = ""
        self._drafts: dict[str, str] = {}

    def event(self, event: Json, thing: Numbered | None) -> Worded:
        """A line is printed as it stands, after its speaker's name where the mode has labels."""
        kind = str(event.get("event"))
        if kind == "welcome":
            self._label, self._alone = bool(event.get("label")), event.get("seats") == 2 and not event.get("label")
            self._mode, self._numbered = str(event.get("mode", "")), "stream" in event
            self._echo = event.get("echo") is True
            return Worded(b"", self._called(event))
        if kind == "closed" and event.get("why") == "quit":
            return Worded()
        if event.get("own") is True and kind != "renamed" and (self._numbered or kind != "said"):
            return Worded()  # a session has said it already (`own`)
        if kind == "said":
            return Worded(self._said(event, thing.block if thing else lines_of(event)))
        if kind == "did":
            return Worded(f"* {_word(event, 'from')} {_word(event, 'text')}\n".encode())
        if kind == "typed":
            return Worded(self._typed(event))
        if kind == "notice" and self._mode in SCRIPTED:
            return Worded(_word(event, "text").encode() + b"\n")
        return Worded(b"", self._status(kind, event))

    def _called(self, welcome: Json) -> bytes:
        """Tell once of a name that isn't the one that was asked for."""
        sentence = instead_of(self._wish, welcome)
        told, self._told = self._told, notice(sentence) if sentence else b""
        return b"" if self._told == told else self._told

    def own(self, lines: bytes, name: str) -> Worded:
        """Own lines stand behind one's own name, as everybody reads them."""
        return Worded(self._said({"from": name}, lines)) if self._echo else Worded()

    def _said(self, event: Json, block: bytes) -> bytes:
        if not (self._label and _word(event, "from")):
            return block
        label = f"{_word(event, 'from')}: ".encode()
        return label + block[:-1].replace(b"\n", b"\n" + label) + b"\n"

    def _typed(self, event: Json) -> bytes:
        """In mode `talk` a row that is finished is a line; drafts are for people."""
        keys = event.get("keys")
        if self._mode != "talk" or not isinstance(keys, str):
            return b""
        name, rows = _word(event, "from"), []
        draft = self._drafts.pop(name, "")
        for key in keys:
            if key == "\n":
                rows.append(draft + "\n")
                draft = ""
            elif key == "\b":
                draft = draft[:-1]
            elif key == "\x15":
                draft = ""
            else:
                draft += key
        if len(self._drafts) < _LISTED:
            self._drafts[name] = draft[:65536]
        return clean("".join(rows).encode(errors="replace"))

    def _status(self, kind: str, event: Json) -> bytes:
        sentence = _SENTENCES.get(kind)
        if sentence is None:
            return b""
        words = {key: _word(event, key) for key in ("name", "to", "why", "from", "text")}
        names = event.get("names")
        words["sure"] = "perhaps " if event.get("sure") is False else ""
        lines = event.get("lines")
        words["lines"] = count(lines) if isinstance(lines, int) else "some lines"
        words["names"] = ", ".join(map(str, names[:_LISTED])) if isinstance(names, list) else ""
        if kind == "closed" and not words["text"]:
            sentence = "closed ({why})"
        elif kind == "renamed" and event.get("own") is True:
            sentence = "you are now known as {to}"
        elif self._alone and kind != "told":
            words["name"] = "your partner"
        return notice(sentence.format_map(words))

    def outcome(self, word: str, first: int, lines: int) -> Worded:
        """Only what was not delivered is told."""
        return Worded(b"", notice(f"{word}: {count(lines)}") if word != "got" else b"")

    def missed(self, name: str, stream: str, lines: int) -> Worded:
        """Return the sentence."""
        verb = "was" if lines == 1 else "were"
        return Worded(b"", notice(f"{count(lines)} of {name or 'the other end'} {verb} missed"))

    def lost(self, why: str, seconds: float, is_news: bool) -> Worded:
        """Told once for all attempts."""
        return Worded(b"", notice(f"no link to the hub ({why}): trying again")) if is_news else Worded()

    def back(self) -> Worded:
        """Return the sentence."""
        return Worded(b"", notice("connected again"))


def shortfall(lines: int, too_long: int, max_line: int, has_rest: bool) -> str:
    """Return the sentence for lines that were not delivered, `too_long` ones among them."""
    reason = f", {too_long} of more than {max_line} bytes" if too_long else ""
    rest = "; stdin was not read to its end" if has_rest else ""
    return f"not everything was delivered ({count(lines)}{reason}{rest})"


class JsonWording:
    """One object a line, on stdout; docs/client.md says which."""

    _echo = _numbered = False

    def own(self, lines: bytes, name: str) -> Worded:
        """Own lines are events, too, marked as such."""
        texts = lines.decode(errors="replace").split("\n")[:-1] if self._echo else []
        said = [{"event": "said", "from": name, "text": clean_text(text), "own": True} for text in texts]
        return Worded(b"".join(_object(row) for row in said))

    def event(self, event: Json, thing: Numbered | None) -> Worded:
        """An event as it came; of a block each line is an object with its own number."""
        if event.get("event") == "welcome":
            self._echo, self._numbered = event.get("echo") is True, "stream" in event
        if event.get("event") == "said" and event.get("own") is True and self._numbered:
            return Worded()
        if thing is None or thing.kind != "say":
            return Worded(_object({key: value for key, value in event.items() if key != "gap"}))
        return Worded(b"".join(map(_object, _lines(event, thing))))

    def outcome(self, word: str, first: int, lines: int) -> Worded:
        """Every outcome is told."""
        return Worded(_object({"event": "outcome", "word": word, "first": first, "lines": lines}))

    def missed(self, name: str, stream: str, lines: int) -> Worded:
        """Return the event."""
        return Worded(_object({"event": "missed", "from": name, "stream": stream, "lines": lines}))

    def lost(self, why: str, seconds: float, is_news: bool) -> Worded:
        """Every attempt is told."""
        return Worded(_object({"event": "lost", "text": why, "retry": round(seconds, 3)}))

    def back(self) -> Worded:
        """The welcome says so."""
        return Worded()


def _lines(event: Json, thing: Numbered) -> Iterator[Json]:
    rest = {key: value for key, value in event.items() if key not in ("gap", "n", "text", "bytes")}
    for number, line in enumerate(thing.block.decode().split("\n")[:-1]):
        yield rest | {"n": thing.n + number, "text": line}


def _object(event: Json) -> bytes:
    """Return an event as one line without controls, whatever a hub has put into it."""
    text = json.dumps(_cleaned(event, event.get("event") == "typed"), ensure_ascii=False)
    return text.encode(errors="replace") + b"\n"


_KEYS = frozenset("\b\n\x15")
"""The controls that are keys (protocol, section 7)."""


def _cleaned(value: object, keys: bool = False) -> object:
    if isinstance(value, str):
        if keys:
            return "".join(char if char in _KEYS else clean_text(char) for char in value)
        return value if value.isalnum() else clean(value.encode(errors="replace")).decode()
    if isinstance(value, list):
        return [_cleaned(item, keys) for item in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item, keys) for key, item in value.items()}
    return value


def _word(event: Json, key: str) -> str:
    value = event.get(key)
    return clean_text(value) if isinstance(value, str) else ""


def count(lines: int) -> str:
    """Return how many lines, in words."""
    return f"{lines} line" if lines == 1 else f"{lines} lines"
