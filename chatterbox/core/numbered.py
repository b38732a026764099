"""What a room does for ends that number their lines: it routes, says who is away or back, and lets ends meet.

A session numbers its own lines, and the hub's stand-in those that a plain peer says to it. In a larger room plain
peers hear each other without numbers: a thousand of them would else be a million who meet. A room keeps no line and no
number.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..wire.dialects import Dialect, Message, SessionJson
from ..wire.numbered import Numbered
from .audience import Audience
from .events import NO_EXTRAS, Member
from .modes import Mode

Card = dict[str, object]


def card(member: Member) -> Card:
    """Return what other ends are told of `member` when it joins or comes back, and in a welcome."""
    fields: Card = {"name": member.name, "stream": member.stream, "session": member.session, "away": member.away}
    return fields if member.listens else fields | {"listens": False}


def welcome(mode: Mode, room: str, peer: Member, members: Iterable[Member]) -> Card:
    """Return what `peer` is told of the room that it comes to, and of its other members; its extras are told once."""
    members = tuple(members)
    extras, peer.extras = peer.extras, NO_EXTRAS
    fields: Card = {
        "chatterbox": 1,
        "room": room,
        "mode": mode.name,
        "name": peer.name,
        "seats": mode.seats or None,
        "label": None if mode.label == "none" else mode.label,
        "farewell": list(mode.farewell),
        "here": [member.name for member in members],
        **extras,
    }
    return fields | ({"ends": [card(member) for member in members if member is not peer]} if peer.session else {})


def introduce(others: Iterable[Member], peer: Member) -> None:
    """Let `peer` and the others meet."""
    for other in tuple(others):
        if other is not peer:
            peer.meet(other)
            other.meet(peer)


def route(audience: Audience, speaker: Member, thing: Numbered, to_all: bool, echo: bool) -> None:
    """Let those hear `thing` whom it is for; a stream that doesn't sit here is nobody: the speaker's copy is safe.

    Args:
        audience: who is here.
        speaker: whose it is.
        thing: what is said.
        to_all: whether plain members hear what is for everyone; if not, they have heard it already.
        echo: whether the speaker does.
    """
    label = audience.members[speaker]
    if thing.to:
        to = audience.of_stream(thing.to)
        if to and to is not speaker:
            to.heed(speaker, label, thing, {})
        return
    rendered: dict[Dialect, bytes] = {}
    for member in tuple(audience.members if to_all else audience.sessions):
        dialect = member.dialect
        if member is speaker:
            if to_all and echo and thing.kind == "say":
                member.hear(dialect.said(speaker.name, label, thing.block, True))
        elif isinstance(dialect, SessionJson):
            if dialect not in rendered:
                rendered[dialect] = b"".join(dialect.numbered(speaker.name, speaker.stream, thing))
            member.hear(rendered[dialect])
        else:
            member.heed(speaker, label, thing, rendered)


def parting(peer: Member, why: str) -> Card:
    """Return what all are told of the leaving of `peer`; where it goes to another room, also which."""
    fields: Card = {"name": peer.name, "stream": peer.stream, "why": why}
    return fields | ({"to": peer.wanted_room} if why == "moved" else {})


def tell_left(hearers: Iterable[Member], peer: Member, why: str) -> None:
    """Tell that `peer` has left, and each hearer what that one had got of it."""
    rendered: dict[tuple[Dialect, int], bytes] = {}
    for hearer in tuple(hearers):
        key = hearer.dialect, peer.last_got(hearer.stream)
        if key not in rendered:
            rendered[key] = hearer.dialect.message(_left(peer, why, key[1]))
        hearer.hear(rendered[key])


def _left(peer: Member, why: str, got: int) -> Message:
    fields = parting(peer, why) | {"got": got}
    return Message("left", fields | ({"finished": True} if peer.has_all else {}))
