"""What a room does for ends that number their lines: it routes, says who is away or back, and lets ends meet.

A session numbers its own lines, and the hub's stand-in those of a plain peer beside a session. A room keeps no line and
no number of theirs, and one of plain peers alone never comes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..wire.dialects import Message
from ..wire.numbered import Numbered
from .events import Member
from .modes import Mode

Card = dict[str, object]


def card(member: Member) -> Card:
    """Return what other ends are told of `member` when it joins or comes back, and in a welcome."""
    fields: Card = {"name": member.name, "stream": member.stream, "session": member.session, "away": member.away}
    return fields if member.listens else fields | {"listens": False}


def welcome(mode: Mode, room: str, peer: Member, members: Iterable[Member]) -> Card:
    """Return what `peer` is told of the room that it comes to, and of its other members."""
    members = tuple(members)
    fields: Card = {
        "chatterbox": 1,
        "room": room,
        "mode": mode.name,
        "name": peer.name,
        "seats": mode.seats or None,
        "label": None if mode.label == "none" else mode.label,
        "farewell": list(mode.farewell),
        "here": [member.name for member in members],
        **peer.extras,
    }
    return fields | ({"ends": [card(member) for member in members if member is not peer]} if peer.session else {})


def introduce(members: Iterable[Member], peer: Member, everybody: bool) -> None:
    """Let `peer` and the other members meet; with `everybody` also those among themselves (the first session)."""
    members = tuple(members)
    for one in members if everybody else (peer,):
        for other in members:
            if one is not other:
                one.meet(other)
                if not everybody:
                    other.meet(one)


def route(members: Mapping[Member, bytes], speaker: Member, thing: Numbered, echo: bool) -> None:
    """Let those hear `thing` whom it is for; a stream that doesn't sit here is nobody: the speaker's copy is safe."""
    label = members[speaker]
    for member in tuple(members):
        if member is not speaker:
            if thing.to in ("", member.stream):
                member.heed(speaker, label, thing)
        elif echo and not thing.to and thing.kind == "say":
            member.hear(member.dialect.said(speaker.name, label, thing.block, True))


def parting(peer: Member, why: str) -> Card:
    """Return what all are told of the leaving of `peer`; where it goes to another room, also which."""
    fields: Card = {"name": peer.name, "stream": peer.stream, "why": why}
    return fields | ({"to": peer.wanted_room} if why == "moved" else {})


def left(hearer: Member, peer: Member, why: str) -> Message:
    """Return what `hearer` is told of the leaving of `peer`: also what that one had got of it."""
    fields = parting(peer, why) | {"got": peer.last_got(hearer.stream)}
    return Message("left", fields | ({"finished": True} if peer.has_all else {}))
