"""An output is one thing that a session wants done; an end is another session or peer, as the hub tells of it.

This module is the values alone. When they come about is `resume`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..wire.inbox import MOST_HEARD
from ..wire.numbered import LONGEST, Json, Numbered, is_number, stream_in, to_verb
from ..wire.numbering import Outcome
from ..wire.speaking import portions

LARGEST_TEXT = 128 * 1024
"""Bytes of lines in one object, unless a single one has more: also when they are escaped, any hub takes it."""
DONE, LOST, REFUSED, BROKEN = 0, 1, 3, 4
"""Exit statuses (docs/client.md): all is well; no link; not wanted; the other end was lost."""


class Send(NamedTuple):
    """Pass `verb` to the hub, and `block` behind it."""

    verb: Json
    block: bytes = b""


class Show(NamedTuple):
    """Display `event`; its numbered lines, if it has any, are `thing`."""

    event: Json
    thing: Numbered | None = None


class Fate(NamedTuple):
    """What became of lines that this end said."""

    outcome: Outcome


class Missed(NamedTuple):
    """`lines` lines of `name` will never come."""

    stream: str
    name: str
    lines: int


class Connect(NamedTuple):
    """Make a link, `seconds` from now."""

    seconds: float


class Drop(NamedTuple):
    """Abort the link."""


class Exit(NamedTuple):
    """It is over; `why` is the hub's word or a few of ours, where it isn't this end's own wish."""

    status: int
    why: str = ""


Output = Send | Show | Fate | Missed | Connect | Drop | Exit


def sayings(thing: Numbered, in_block: bool) -> Iterator[Send]:
    """Yield how something numbered is said: its lines behind an object, where the hub takes them so, or in some."""
    if in_block and thing.kind == "say" and thing.lines > 0:
        yield Send(to_verb(thing, behind=True), thing.block)
    elif len(thing.block) > LARGEST_TEXT:
        yield from (Send(to_verb(part)) for part in portions(thing, LARGEST_TEXT))
    else:
        yield Send(to_verb(thing))


@dataclass(slots=True)
class End:
    """Another end."""

    name: str
    session: bool = True
    away: bool = False
    listens: bool = True


def ends_in(event: Json) -> dict[str, End]:
    """Return the ends that a welcome names, by stream."""
    rows = event.get("ends")
    found = [row for row in rows[:MOST_HEARD] if isinstance(row, dict)] if isinstance(rows, list) else []
    return {stream_in(row): end_in(row) for row in found}


def end_in(row: Json) -> End:
    """Return the end that an event, or a row of a welcome, is about."""
    session, listens = row.get("session") is not False, row.get("listens") is not False
    return End(str(row.get("name", ""))[:LONGEST], session, row.get("away") is True, listens)


def got_in(event: Json) -> int:
    """Return the last `got` that an event tells."""
    got = event.get("got")
    return got if is_number(got) else 0
