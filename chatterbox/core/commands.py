"""A command is a verb that a peer sent: this module is what each of them does.

The verbs themselves, their arguments and their help are rows in `wire.verbs.VERBS`. A new command is a row there and a
function here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from ..wire.dialects import Message, notice
from ..wire.names import read_name, room_fault
from ..wire.verbs import VERBS, Command, help_text
from .events import Did, Member, Renamed, Told
from .hub import Hub
from .peer import Peer, Place
from .room import Room

ASKED_THERE = frozenset({"who", "nick", "join", "me", "msg"})
"""Verbs that only the room can obey; where it lives on another machine they are passed on."""


class Distant(Protocol):
    """A room that lives on another machine."""

    def pass_on(self, command: Command) -> None:
        """Let the room obey `command`."""


def obey(hub: Hub, peer: Peer, command: Command) -> None:
    """Do what `peer` asks, or say why not."""
    verb, args = command
    if verb in ASKED_THERE and (elsewhere := _elsewhere(peer.room)):
        elsewhere.pass_on(command)
    elif len(args) < len(VERBS[verb].keys):
        peer.refuse("verb", f"use it so: {VERBS[verb].usage}")
    else:
        _OBEY[verb](hub, peer, *args)


def _elsewhere(place: Place | None) -> Distant | None:
    """Return `place` if it is a room on another machine, and so no `Room`: to ask for a protocol takes 25 µs."""
    return None if place is None or isinstance(place, Room) else cast(Distant, place)


def _quit(hub: Hub, peer: Peer) -> None:
    peer.speak("done", b"")  # beside a session: who says goodbye has said all
    peer.end("quit")


def _done(hub: Hub, peer: Peer) -> None:
    """Take it for a closed sending half: TLS has none."""
    if peer.link:
        peer.link.say_no_more()


def _help(hub: Hub, peer: Peer) -> None:
    peer.hear(b"".join(peer.dialect.message(notice(line)) for line in help_text()))


def _who(hub: Hub, peer: Peer) -> None:
    room = _room_of(hub, peer)
    if room:
        room.audience.notices.tell()
        peer.tell(Message("here", {"room": room.name, "names": [member.name for member in room.members]}))


def _nick(hub: Hub, peer: Peer, name: str) -> None:
    name, fault = read_name(name, hub.limits.max_name)
    if fault := fault or take_name(hub, peer, name):
        peer.refuse("name", fault)


def take_name(hub: Hub, peer: Peer, name: str) -> str:
    """Let `peer` have `name`, which is well formed; return why it can't, or an empty string."""
    if hub.mode.names_are_given and peer.room:
        return "names are given in this mode, not taken"
    fault = hub.name_conflict(peer, peer.room.name if peer.room else peer.wanted_room, name)
    if not fault:
        peer.wanted_name = name
        if peer.room and name != peer.name:
            peer.room.apply(Renamed(peer, name))
    return fault


def _join(hub: Hub, peer: Peer, name: str) -> None:
    fault = room_fault(name, hub.limits.max_room)
    if fault and not peer.room:
        peer.end("kicked", fault)
    elif fault:
        peer.refuse("room", fault)
    elif not peer.room:
        peer.wanted_room = name
    elif name != peer.room.name:
        hub.move(peer, name)


def _me(hub: Hub, peer: Peer, text: str) -> None:
    if peer.room:
        peer.room.apply(Did(peer, text))


def _msg(hub: Hub, peer: Peer, name: str, text: str) -> None:
    room = _room_of(hub, peer)
    to: Member | None = room.audience.called(name) if room else None
    if to is peer:  # it needs no receipt of itself, and no number
        peer.tell(Message("told", {"from": peer.name, "stream": peer.stream, "text": text}))
    elif room and to:
        room.apply(Told(peer, to, text))
    else:
        peer.refuse("who", f"nobody here is called {name[:40]}")


def _room_of(hub: Hub, peer: Peer) -> Room | None:
    """Return the room that `peer` sits in, where it lives in this hub."""
    return hub.rooms.get(peer.room.name) if peer.room else None


_OBEY: dict[str, Callable[..., None]] = {
    "quit": _quit,
    "done": _done,
    "help": _help,
    "who": _who,
    "nick": _nick,
    "join": _join,
    "me": _me,
    "msg": _msg,
}
