"""A command is a verb that a peer sent: this module is what each of them does.

The verbs themselves, their arguments and their help are rows in `wire.VERBS`. A new command is a row there and a
function here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..wire.dialects import Event, help_text, sentence
from ..wire.text import name_fault, room_fault
from ..wire.verbs import VERBS, Command
from .events import Did, Parted, Renamed, Told

if TYPE_CHECKING:
    from .peer import Peer


def obey(peer: Peer, command: Command) -> None:
    """Do what `peer` asks, or say why not."""
    verb, args = command
    if verb in VERBS and len(args) < len(VERBS[verb].keys):
        peer.refuse("verb", f"use it so: {VERBS[verb].usage}")
    else:
        _OBEY[verb](peer, *args)


def _quit(peer: Peer) -> None:
    peer.end("quit")


def _done(peer: Peer) -> None:
    """What closing the sending half says, for who can't: TLS has no half-close."""
    peer.say_no_more()


def _farewell(peer: Peer, word: str) -> None:
    if peer.room:
        peer.room.apply(Parted(peer, word))


def _help(peer: Peer) -> None:
    peer.hear(b"".join(peer.dialect.event(sentence(line)) for line in help_text()))


def _who(peer: Peer) -> None:
    if peer.room:
        names = [member.name for member in peer.room.members]
        peer.tell(Event("here", {"room": peer.room.name, "names": names}))


def _nick(peer: Peer, name: str) -> None:
    fault = name_fault(name, peer.hub.limits.max_name) or take_name(peer, name)
    if fault:
        peer.refuse("name", fault)


def take_name(peer: Peer, name: str) -> str:
    """Let `peer` have `name`, which is well formed; return why it can't, or an empty string."""
    if peer.hub.mode.label in ("letter", "port", "address") and peer.room:
        return "names are given in this mode, not taken"
    fault = peer.hub.taken(peer, peer.room.name if peer.room else peer.goal, name)
    if not fault:
        peer.wanted = name
        if peer.room and name != peer.name:
            peer.room.apply(Renamed(peer, name))
    return fault


def _join(peer: Peer, room: str) -> None:
    fault = room_fault(room, peer.hub.limits.max_room)
    if fault and not peer.room:
        peer.end("kicked", fault)
    elif fault:
        peer.refuse("room", fault)
    elif not peer.room:
        peer.goal = room
    elif room != peer.room.name:
        peer.hub.move(peer, room)


def _me(peer: Peer, text: str) -> None:
    if peer.room:
        peer.room.apply(Did(peer, text))


def _msg(peer: Peer, name: str, text: str) -> None:
    to = peer.room.names.get(name.casefold()) if peer.room else None
    if peer.room and to:
        peer.room.apply(Told(peer, to, text))
    else:
        peer.refuse("who", f"nobody here is called {name[:40]}")


def _type(peer: Peer, keys: str) -> None:
    peer.show_draft(keys.encode(errors="replace"))


_OBEY: dict[str, Callable[..., None]] = {
    "quit": _quit,
    "done": _done,
    "farewell": _farewell,
    "help": _help,
    "who": _who,
    "nick": _nick,
    "join": _join,
    "me": _me,
    "msg": _msg,
    "type": _type,
}
