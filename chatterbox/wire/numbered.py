"""A numbered thing is what one end says to another: one or more lines, a deed, a private line, or the end of saying.

This module knows its value and its two JSON forms: the verb that a session sends, and the event that a session hears.
It does not know who keeps it, who repeats it, and when: that is `numbering`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeGuard

from .text import clean, lines_in

EVENTS = {"say": "said", "me": "did", "msg": "told", "done": "finished", "missing": "missing"}
"""The event that each numbered verb becomes; `missing` is said by the hub alone, in place of lines that it dropped."""
VERBS = {event: verb for verb, event in EVENTS.items()}
LONGEST = 64
"""Characters of a name or a stream that are kept: more than any hub of ours gives, and the other side may lie."""
MOST = 2**53 - 1
"""The greatest number: what JavaScript counts exactly."""
Json = dict[str, object]
to_json = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
"""Twice as fast as `json.dumps`, which makes an encoder each time, and looks whether an object holds itself."""


class Numbered(NamedTuple):
    """Lines `n` to `n + lines - 1` of one speaker; none at all says "from here on"."""

    kind: str
    n: int
    block: bytes = b""
    """Whole lines, each with its newline; empty for `done` and `missing`."""
    lines: int = 1
    to: str = ""
    """The stream that it is for; empty: everyone in the room."""
    gap: int | None = None
    """How many lines before `n` were given up for this addressee, where its speaker says so."""
    private: bool = False
    """Whether it has a number of the private count (in a larger room)."""

    @property
    def last(self) -> int:
        """The last number that it takes."""
        return self.n + self.lines - 1

    def after(self, skip: int) -> Numbered:
        """Return what is left without the first `skip` lines."""
        if not skip:
            return self
        return self._replace(n=self.n + skip, lines=self.lines - skip, block=after_lines(self.block, skip), gap=None)


def after_lines(block: bytes, count: int) -> bytes:
    """Return `block` without its first `count` lines."""
    return block.split(b"\n", count)[count] if block else block


def in_pieces(thing: Numbered, pieces: Iterable[bytes | None]) -> Iterator[Numbered]:
    """Yield what the hub routes of `thing`: its block in `pieces`, and `missing` for each line that it dropped (None).

    A line that is too long keeps its number, or the next ones would wait for it for ever.
    """
    n, gap = thing.n, thing.gap
    for piece in pieces:
        if piece is thing.block:  # nothing was dropped, as nearly always: its lines are counted already
            yield thing
            return
        kind, block, lines = ("missing", b"", 1) if piece is None else (thing.kind, piece, lines_in(piece))
        yield thing._replace(kind=kind, n=n, block=block, lines=lines, gap=gap)
        n, gap = n + lines, None


def to_verb(thing: Numbered, behind: bool = False) -> Json:
    """Return the verb by which a session says it; `behind`: its block follows the object, and isn't in it."""
    verb: Json = {"verb": thing.kind}
    if thing.to:
        verb["to"] = thing.to
    return _finish(verb, thing, behind)


def to_event(thing: Numbered, name: str, stream: str, behind: bool = False) -> Json:
    """Return the event by which a session hears it from `name`, whose stream is `stream`; `behind`: as in `to_verb`."""
    who = "name" if thing.kind == "done" else "from"
    event = _finish({"event": EVENTS[thing.kind], who: name, "stream": stream}, thing, behind)
    if behind:
        event["lines"] = thing.lines  # the hub has counted them: who hears them need not
    return event


def _finish(form: Json, thing: Numbered, behind: bool) -> Json:
    form["n"] = thing.n
    if thing.gap is not None:
        form["gap"] = thing.gap
    if thing.private:
        form["private"] = True
    if behind:
        form["bytes"] = len(thing.block)
    elif thing.block:
        form["text"] = thing.block[:-1].decode()
    elif thing.kind == "missing":
        form["lines"] = thing.lines
    return form


def from_verb(sent: Json, block: bytes | None = None) -> Numbered | None:
    """Return what a session says with `sent`, or None where its numbers are none.

    Args:
        sent: the verb.
        block: its lines, cleaned, where they aren't in its `text`.
    """
    kind = sent.get("verb")
    return _read(kind, sent, block) if isinstance(kind, str) and kind in EVENTS and kind != "missing" else None


def from_event(event: Json, block: bytes | None = None) -> Numbered | None:
    """Return what a session hears in `event`, or None where it isn't numbered; a hub says how many lines `block` is."""
    kind, lines = event.get("event"), event.get("lines")
    counted = lines if block and is_number(lines) and 0 < lines <= len(block) else 0
    return _read(VERBS[kind], event, block, counted) if isinstance(kind, str) and kind in VERBS else None


def stream_in(row: Json) -> str:
    """Return whose an event, or a row of a welcome, is; an empty string where it doesn't say."""
    stream = row.get("stream")
    return stream[:LONGEST] if isinstance(stream, str) else ""


def _read(kind: str, form: Json, block: bytes | None, counted: int = 0) -> Numbered | None:
    n, gap, to = form.get("n"), form.get("gap"), form.get("to", "")
    if not is_number(n) or n == 0 or not (gap is None or is_number(gap)):
        return None
    if not isinstance(to, str) or len(to) > LONGEST:
        return None
    lines: object = 1
    if kind == "missing":
        lines = form.get("lines", 1)
    elif kind != "done":
        block = lines_of(form) if block is None else block
        lines = counted or lines_in(block)
    if not is_number(lines) or (kind in ("me", "msg") and lines != 1):
        return None
    return Numbered(kind, n, block or b"", lines, to, gap, form.get("private") is True)


def lines_of(form: Json) -> bytes:
    """Return the lines in the `text` of an object, cleaned; none where it has no text."""
    text = form.get("text")
    return clean(text.encode(errors="replace") + b"\n") if isinstance(text, str) else b""


def is_number(value: object) -> TypeGuard[int]:
    """Return whether `value`, which a stranger sent, is a count."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
