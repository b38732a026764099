"""Narration is what the hub's console prints of what happens: a mode's own words where it has a script.

This module turns happenings into lines. It does not know who prints them.
"""

from __future__ import annotations

from collections.abc import Iterator

from .events import Member
from .modes import Mode
from .room import Room

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def narrate(
    mode: Mode, kind: str, room: Room | None = None, peer: Member | None = None, *rest: object
) -> Iterator[str]:
    """Yield the console's lines for one happening; a mode without a script has none.

    Args:
        mode: whose script it is.
        kind: what happened; a key of the script.
        room: where.
        peer: who did it.
        rest: what was said, or why somebody left.
    """
    words = mode.script.get(kind)
    if words is None:
        return
    facts: dict[str, object] = {}
    if room:
        names = [member.name for member in room.members]
        facts |= dict(zip(("first", "second"), names), ordinal=_ordinal(len(names)))
    if peer:
        label = room.members.get(peer, b"").decode() if room else ""
        facts |= {"name": peer.name, "address": peer.address, "label": label}
    texts = rest[0].decode().split("\n")[:-1] if rest and isinstance(rest[0], bytes) else [""]
    for text in texts:
        yield words.format(**facts, text=text)


def _ordinal(number: int) -> str:
    return _ORDINALS[number - 1] if 0 < number <= len(_ORDINALS) else f"{number}th"
