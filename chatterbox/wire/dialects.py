"""A dialect is how one kind of peer is spoken to: events become bytes here, once per dialect and not once per peer.

This module knows what an event looks like. It does not know who hears it, or why it happened.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple, Protocol

from .text import NOTICE, clean_text
from .verbs import VERBS, help_rows


class Event(NamedTuple):
    """Something to be heard that is not a plain line: a row of `docs/protocol.md`, section 6."""

    kind: str
    fields: dict[str, object]
    own: bool = False
    """Whether its hearer is the one it is about."""


class Dialect(Protocol):
    """What a room needs of a dialect."""

    expands: bool
    """Whether its hearers get more bytes than were said, even without labels."""

    def said(self, name: str, label: bytes, block: bytes, own: bool) -> bytes:
        """Return the lines of `block` as hearers of this dialect get them; `label` stands before each."""

    def typed(self, name: str, keys: bytes) -> bytes:
        """Return keys as they were typed, or nothing where this dialect doesn't show them."""

    def event(self, event: Event) -> bytes:
        """Return an event, or nothing where this dialect doesn't tell it."""


_SENTENCES = {
    "moved": "you are in {room} now",
    "joined": "{name} joined",
    "left": "{name} left ({why})",
    "finished": "{name} has finished",
    "renamed": "{name} is now known as {to}",
    "renamed own": "you are now known as {to}",
    "told": "{from} tells you: {text}",
    "here": "here: {names}",
    "notice": "{text}",
    "error": "{text}",
    "closed": "closed ({why}): {text}",
}
"""Every event that text peers are told as a notice."""

_GREETING = "you are {name} in {room}; here: {here}"
"""The welcome, where text peers are told it at all: a hub is quiet, but who was asked for a name gets an answer."""

_FEW = 20
"""Names in a text peer's greeting."""

_FORGED = re.compile(rb"(?m)^(?= *-!- )")


class Text:
    """The dialect of `nc`: lines, and notices marked `-!- `."""

    expands = False

    def __init__(self, partner: str = "", greets: bool = False) -> None:
        self._partner = partner
        """What the other end is called where lines have no labels and there is one other end only."""
        self._sentences = _SENTENCES | ({"welcome": _GREETING} if greets else {})

    def said(self, name: str, label: bytes, block: bytes, own: bool) -> bytes:
        """A relayed line never looks like a notice: a label stands before it, or one space (design, section 5)."""
        if label:
            return label + block[:-1].replace(b"\n", b"\n" + label) + b"\n"
        return _FORGED.sub(b" ", block) if b"!" in block and NOTICE in block else block

    def typed(self, name: str, keys: bytes) -> bytes:
        """Drafts are for JSON peers; in mode `talk` a text peer is a `Keys` peer."""
        return b""

    def event(self, event: Event) -> bytes:
        """A notice, but for the words of a mode's script, and what somebody did."""
        kind, fields, own = event
        if kind == "did":
            return f"* {fields['from']} {fields['text']}\n".encode()
        if kind == "script":
            return f"{fields['text']}\n".encode()
        sentence = (own and self._sentences.get(kind + " own")) or self._sentences.get(kind)
        if not sentence:
            return b""
        values = {key: _few(v) if isinstance(v, list) else v for key, v in fields.items()}
        if kind == "here":
            values["names"] = ", ".join(fields["names"])  # type: ignore[arg-type]  # a list, by the event's kind
        if self._partner and "name" in values:
            values["name"] = self._partner
        return NOTICE + sentence.format_map(values).encode() + b"\n"


class Json:
    """The dialect of programs: one object a line."""

    expands = True

    def said(self, name: str, label: bytes, block: bytes, own: bool) -> bytes:
        """One object for each line."""
        head = f'{{"event": "said", "from": {json.dumps(name)}, "text": '
        tail = ', "own": true}\n' if own else "}\n"
        texts = [json.dumps(line, ensure_ascii=False) for line in block.decode().split("\n")[:-1]]
        return (head + (tail + head).join(texts) + tail).encode()

    def typed(self, name: str, keys: bytes) -> bytes:
        """A draft is shown as the keys that made it (protocol, section 7)."""
        return self.event(Event("typed", {"from": name, "keys": keys.decode()}))

    def event(self, event: Event) -> bytes:
        """The event's fields as they are."""
        if event.kind == "moved":
            return b""
        kind = "notice" if event.kind == "script" else event.kind
        fields = {"event": kind, **event.fields}
        if event.own:
            fields["own"] = True
        return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


class Keys(Text):
    """The dialect of mode `talk`: the partner's keys as bytes, and the hub's notices on lines of their own."""

    def typed(self, name: str, keys: bytes) -> bytes:
        """Keys act as typed on a terminal, raw or not: a newline starts the next row, a backspace wipes (seed 004)."""
        return keys.replace(b"\n", b"\r\n").replace(b"\b", b"\b \b")

    def said(self, name: str, label: bytes, block: bytes, own: bool) -> bytes:
        """Whole lines (from the hub's console, say) look as if they were typed."""
        return super().said(name, label, block, own).replace(b"\n", b"\r\n")

    def event(self, event: Event) -> bytes:
        """A notice starts a row of its own, since the partner may be in the middle of one."""
        notice = super().event(event)
        return b"\r\n" + notice[:-1] + b"\r\n" if notice else b""


class Bare(Text):
    """The dialect of programs that take one `recv` for one message: no newline, no notices (seeds, `--bare`)."""

    def said(self, name: str, label: bytes, block: bytes, own: bool) -> bytes:
        """Lines as they stand, since nothing marks a notice here; `bare.Pacer` lets each travel alone."""
        return label + block[:-1].replace(b"\n", b"\n" + label) + b"\n"

    def event(self, event: Event) -> bytes:
        """Only what the exercise's own server would say: its script, what people do, the word that asks for a name."""
        if event.kind == "error" and event.fields["code"] == "name":
            return b"NICK\n"
        return super().event(event) if event.kind in ("script", "did") else b""


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more


def help_text() -> list[str]:
    """Return the lines of `/help`, from the commands' own table."""
    return help_rows(VERBS.values())


def sentence(text: str) -> Event:
    """Return a notice of one sentence."""
    return Event("notice", {"text": clean_text(text)})
