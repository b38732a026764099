"""A dialect is how one kind of peer speaks and is spoken to: it reads what such a peer sends, and writes what it hears.

What is heard becomes bytes here, once for each dialect and not once for each peer. This module knows what a message
looks like. It does not know who hears it, or why it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ..limits import Limits
from .blocks import BlockReader
from .keys import KeyReader
from .numbered import Numbered, to_event, to_json
from .reading import JsonReader, Reader, TextReader
from .speaking import SessionReader
from .text import NOTICE, clean_text


class Message(NamedTuple):
    """Something to be heard that is not a plain line: a row of `docs/protocol.md`, section 6."""

    kind: str
    fields: dict[str, object]
    own: bool = False
    """Whether its hearer is the one it is about."""


class Dialect(Protocol):
    """What a room and a connection need of a dialect."""

    expands: bool
    """Whether its hearers get more bytes than were said, even without labels."""
    by_keys: bool
    """Whether such a peer sends keys as they are typed, and not lines."""
    framed: bool
    """Whether newlines end what such a peer sends and hears; otherwise a silence does."""
    is_verbatim: bool
    """Whether plain lines without a label are heard as they were said."""
    greets: bool
    """Whether a peer is told where it is when it has come there."""

    def reader(self) -> Reader:
        """Return what reads one such peer."""

    def said(self, name: str, label: bytes, block: bytes, own: bool) -> bytes:
        """Return the lines of `block` as hearers of this dialect get them; `label` stands before each."""

    def typed(self, name: str, keys: bytes) -> bytes:
        """Return keys as they were typed, or nothing where this dialect doesn't show them."""

    def message(self, message: Message) -> bytes:
        """Return a message, or nothing where this dialect doesn't tell it."""

    def last_words(self, why: str, text: str, was_seated: bool) -> bytes:
        """Return what is said last to one who is hung up on, for a word of the closed set and with a sentence."""


_SENTENCES = {
    "moved": "you are in {room} now",
    "joined": "{name} joined",
    "left": "{name} left ({why})",
    "finished": "{name} has finished",
    "away": "{name} is away (link lost), what you say is kept",
    "back": "{name} is back",
    "missed": "{lines} lines of {name} were missed",
    "undelivered": "not delivered: {lines} lines",
    "renamed": "{name} is now known as {to}",
    "renamed own": "you are now known as {to}",
    "told": "{from} tells you: {text}",
    "here": "here: {names}",
    "notice": "{text}",
    "error": "{text}",
    "closed": "closed ({why})",
}
"""Every message that text peers are told as a notice."""

_GREETING = "you are {name} in {room}; here: {here}"
"""The welcome, where text peers are told it at all: a hub is quiet, but who was asked for a name gets an answer."""

QUESTION = "which name do you take?"
"""What a peer without a name is asked, behind what was wrong with its last answer."""
_FEW = 20
"""Names in a text peer's greeting."""

_BANG = ord("!")
_FORGED = re.compile(rb"\n(?= *-!- )")
"""The newline before a line that looks like a notice."""


class Text:
    """The dialect of `nc`: lines, and notices marked `-!- `."""

    expands = False
    by_keys = False
    framed = True
    is_verbatim = True

    def __init__(self, reader: Reader, partner: str = "", greets: bool = False) -> None:
        self._reader = reader
        self._partner = partner
        """What the other end is called where lines have no labels and there is one other end only."""
        self.greets = greets
        self._sentences = _SENTENCES | ({"welcome": _GREETING} if greets else {})

    def reader(self) -> Reader:
        """Return the one reader of all text peers: it has no state."""
        return self._reader

    def said(self, name: str, label: bytes, block: bytes, own: bool) -> bytes:
        """A relayed line never looks like a notice: a label stands before it, or one space (design, section 5)."""
        if label:
            return label + block[:-1].replace(b"\n", b"\n" + label) + b"\n"
        if _BANG in block and NOTICE in block:
            return b"\n ".join(_FORGED.split(b"\n" + block))[1:]
        return block

    def typed(self, name: str, keys: bytes) -> bytes:
        """Drafts are for JSON peers; in mode `talk` a text peer is a `Keys` peer."""
        return b""

    def last_words(self, why: str, text: str, was_seated: bool) -> bytes:
        """A notice with the word, and with the sentence where there is one."""
        return self.message(closed(why, text))

    def message(self, message: Message) -> bytes:
        """A notice, but for the words of a mode's script, and what somebody did."""
        kind, fields, own = message
        if kind == "did":
            return f"* {fields['from']} {fields['text']}\n".encode()
        if kind == "script":
            return f"{fields['text']}\n".encode()
        if kind == "undelivered":
            return NOTICE + _undelivered(fields, self._partner).encode() + b"\n"
        sentence = (own and self._sentences.get(kind + " own")) or self._sentences.get(kind)
        if not sentence:
            return b""
        if kind == "closed" and "text" in fields:
            sentence += ": {text}"
        values = dict(fields)
        if kind == "welcome":
            values["here"] = _few(fields["here"])  # type: ignore[arg-type]  # a list, by the event's kind
        if kind == "here":
            values["names"] = ", ".join(fields["names"])  # type: ignore[arg-type]  # a list, by the event's kind
        if self._partner and "name" in values:
            values["name"] = self._partner
        return NOTICE + sentence.format_map(values).encode() + b"\n"


class Json:
    """The dialect of programs: one object a line."""

    expands = True
    by_keys = False
    framed = True
    is_verbatim = False
    greets = True
    unknown: frozenset[str] = frozenset({"session", "listens", "got", "finished", "ends", "away"})
    """Keys of a message that are for sessions."""

    def __init__(self, reader: Reader, stamp: Callable[[], str] | None = None) -> None:
        self._reader = reader
        self._stamp = stamp
        """Returns the time that every event says (RFC 3339, UTC); None: none does."""

    def reader(self) -> Reader:
        """Return the one reader of all JSON peers: it has no state."""
        return self._reader

    def said(self, name: str, label: bytes, block: bytes, own: bool) -> bytes:
        """One object for each line."""
        head = f'{{"event": "said", "from": {to_json(name)}, "text": '
        tail = ', "own": true' if own else ""
        tail += f', "time": "{self._stamp()}"}}\n' if self._stamp else "}\n"
        texts = map(to_json, block.decode().split("\n")[:-1])
        return (head + (tail + head).join(texts) + tail).encode()

    def typed(self, name: str, keys: bytes) -> bytes:
        """A draft is shown as the keys that made it (protocol, section 7)."""
        return self.message(Message("typed", {"from": name, "keys": keys.decode()}))

    def last_words(self, why: str, text: str, was_seated: bool) -> bytes:
        """The word, and the sentence where there is one."""
        return self.message(closed(why, text))

    def message(self, message: Message) -> bytes:
        """The message's fields as they are, but for those that only a session understands."""
        if message.kind == "moved":
            return b""
        kind = "notice" if message.kind == "script" else message.kind
        fields = {"event": kind, **{key: v for key, v in message.fields.items() if key not in self.unknown}}
        if message.own:
            fields["own"] = True
        return self._written(fields)

    def _written(self, fields: dict[str, object]) -> bytes:
        if self._stamp:
            fields["time"] = self._stamp()
        return to_json(fields).encode() + b"\n"


class SessionJson(Json):
    """The dialect of sessions: JSON with streams, numbers and receipts (docs/protocol.md, section 9)."""

    expands = False  # many lines are one object
    unknown = frozenset()

    def last_words(self, why: str, text: str, was_seated: bool) -> bytes:
        """The word, always, and the sentence, where there is one."""
        fields: dict[str, object] = {"why": why, "text": text} if text else {"why": why}
        return self.message(Message("closed", fields))

    def numbered(self, name: str, stream: str, thing: Numbered) -> tuple[bytes, bytes]:
        """Return what a session hears of a numbered thing: many lines in one object, and nothing behind it."""
        return self._written(to_event(thing, name, stream)), b""


class BlockJson(SessionJson):
    """The dialect of a session that has asked for blocks: many lines stand behind their object, as they are."""

    def __init__(self, reader: SessionReader, stamp: Callable[[], str] | None = None) -> None:
        super().__init__(reader, stamp)
        self._objects = reader

    def reader(self) -> Reader:
        """Return a reader for one peer: it has a state, since a block comes in any pieces."""
        return BlockReader(self._objects)

    def numbered(self, name: str, stream: str, thing: Numbered) -> tuple[bytes, bytes]:
        """Return the object, and behind it the lines that were said."""
        if thing.kind != "say" or not thing.block:
            return super().numbered(name, stream, thing)
        return self._written(to_event(thing, name, stream, behind=True)), thing.block


class Keys(Text):
    """The dialect of mode `talk`: the partner's keys as bytes, and the hub's notices on lines of their own."""

    by_keys = True
    is_verbatim = False

    def __init__(self, limits: Limits, farewells: Iterable[str], partner: str = "") -> None:
        self._limits = limits
        self._farewells = tuple(farewells)
        super().__init__(KeyReader(limits), partner)

    def reader(self) -> Reader:
        """Return a reader for one peer: it has a state, since keys come in any pieces."""
        return KeyReader(self._limits, self._farewells)

    def last_words(self, why: str, text: str, was_seated: bool) -> bytes:
        """The sentence, where there is one: programs that send keys expect nothing at an end that they asked for."""
        return super().last_words(why, text, was_seated) if text else b""

    def typed(self, name: str, keys: bytes) -> bytes:
        """Keys act as typed on a terminal, raw or not: a newline starts the next row, a backspace wipes (seed 004)."""
        return keys.replace(b"\n", b"\r\n").replace(b"\b", b"\b \b")

    def said(self, name: str, label: bytes, block: bytes, own: bool) -> bytes:
        """Whole lines (from the hub's console, say) look as if they were typed."""
        return super().said(name, label, block, own).replace(b"\n", b"\r\n")

    def message(self, message: Message) -> bytes:
        """A notice starts a row of its own, since the partner may be in the middle of one."""
        row = super().message(message)
        return b"\r\n" + row[:-1] + b"\r\n" if row else b""


class Bare(Text):
    """The dialect of programs that take one `recv` for one message, and know no newline (seeds, `--bare`).

    Args:
        told: what they hear in the words of the exercise's own server, by the message; None: nothing of what happens,
            since they count what they hear.
        last_word: what they wait for before they end.
    """

    framed = False
    is_verbatim = False

    def __init__(
        self, reader: Reader, partner: str = "", told: Mapping[str, str] | None = None, last_word: str = ""
    ) -> None:
        super().__init__(reader, partner)
        self._told = told
        self.greets = "welcome" in (told or ())
        self._last_word = last_word.encode()

    def last_words(self, why: str, text: str, was_seated: bool) -> bytes:
        """Why it ends, unless it asked for that, and then the word for which the program of who has a seat waits."""
        reason = super().message(closed(why, text))
        if not was_seated:
            return reason
        return (b"" if why in ("quit", "bye") else reason) + self._last_word

    def message(self, message: Message) -> bytes:
        """What the exercise's own server would say, in its words; the word that asks for a name travels alone."""
        kind, fields, _ = message
        text = str(fields.get("text", ""))
        if kind == "error" and text.endswith(QUESTION):
            fault = text.removesuffix(QUESTION).removesuffix("; ")
            return (NOTICE + fault.encode() + b"\n" if fault else b"") + b"NICK\n"
        if self._told is None:
            return super().message(message) if kind in ("script", "did") else b""
        if kind in self._told:
            return self._told[kind].format_map(fields).encode() + b"\n"
        return super().message(message)


@dataclass(frozen=True, slots=True)
class Dialects:
    """The dialects of one hub: one object of each, whatever the number of peers."""

    text: Dialect
    json: Dialect
    session: SessionJson
    blocks: BlockJson
    keys: Dialect
    bare: Dialect


def make_dialects(
    limits: Limits,
    farewells: Iterable[str],
    partner: str = "",
    greets: bool = False,
    last_word: str = "",
    told: Mapping[str, str] | None = None,
    stamp: Callable[[], str] | None = None,
) -> Dialects:
    """Return the dialects of one hub.

    Args:
        limits: the bounds of a line.
        farewells: whole lines that end the session.
        partner: what text peers call the other end, where there is one only.
        greets: whether text peers are told where they are.
        last_word: what a bare peer's program waits for before it ends.
        told: what a bare peer hears in the words of its exercise's own server.
        stamp: returns the time that every JSON event says.
    """
    lines, numbered = TextReader(limits, farewells), SessionReader(limits, farewells)
    return Dialects(
        text=Text(lines, partner, greets),
        json=Json(JsonReader(limits, farewells), stamp),
        session=SessionJson(numbered, stamp),
        blocks=BlockJson(numbered, stamp),
        keys=Keys(limits, farewells, partner),
        bare=Bare(lines, partner, told, last_word),
    )


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more


ALONE = "alone"
"""Why lines are not delivered where nobody was there to hear them; else it is the word for which the hearer left."""
_REASONS = {
    ALONE: "nobody was there",
    "lost": "{} was lost",
    "slow": "{} took nothing",
    "moved": "{} went to another room",
    "left": "you left",
}
"""What became of who should have heard, for the word with which it left; any other: it left."""


def undelivered(why: str, lines: int, name: str = "", unacknowledged: int = 0) -> Message:
    """Return what a speaker is told of lines that `name` didn't hear; with bytes `unacknowledged` that isn't sure."""
    fields: dict[str, object] = {"name": name} if name else {}
    fields |= {"lines": lines, "sure": not unacknowledged, "why": why}
    return Message("undelivered", fields | ({"bytes": unacknowledged} if unacknowledged else {}))


def _undelivered(fields: dict[str, object], partner: str) -> str:
    """Return the sentence for lines that were not delivered, or perhaps not."""
    lines, size = fields["lines"], fields.get("bytes", 0)
    if fields["sure"]:
        reason = _REASONS.get(str(fields["why"]), "{} left").format(partner or fields.get("name", "your partner"))
        return f"not delivered: {lines} line{'s' * (lines != 1)} ({reason})"
    count = "line" if lines == 1 else f"{lines} lines"
    were = "byte was" if size == 1 else "bytes were"
    return f"perhaps not delivered: the last {count}" + (f" ({size} {were} never acknowledged)" if size else "")


def closed(why: str, text: str) -> Message:
    """Return the hub's last word to a peer; `text` is its sentence, or empty."""
    return Message("closed", {"why": why, "text": text} if text else {"why": why})


def notice(text: str) -> Message:
    """Return a notice of one sentence."""
    return Message("notice", {"text": clean_text(text)})
