"""Elsewhere is the room of a peer whose seat is on another node: its rule is to forward.

To the peer it is a place like any other; to its `Visit` it is the guest. What the peer sends is forwarded as it was
received, commands and all, and read by the room's owner. This module knows connections; it does not know nodes.
"""

from __future__ import annotations

import json
from typing import Protocol

from ..connections.connection import Connection
from ..core.events import Began, Finished, Joined, Left, Member, Parted, RoomEvent, Said, Sent, Typed
from ..core.peer import Peer
from ..wire.blocks import BlockReader
from ..wire.dialects import Json as JsonDialect
from ..wire.dialects import Message, notice
from ..wire.numbered import Json, to_verb
from ..wire.verbs import VERBS, Command
from .frames import Opening
from .visit import Visit

PINGS = (b'{"verb": "ping"}\n', b'{"verb":"ping"}\n')
"""A session's question whether it is heard, as clients send it: its own machine answers, while the owner can't, too."""


class Desk(Protocol):
    """What a visited room needs of its hub."""

    def dialect_name(self, peer: Peer) -> str:
        """Return what the peer's dialect is called between nodes."""

    def send_away(self, peer: Peer) -> Json:
        """Let a session go that sat here; return its hello, which is empty for a plain peer."""

    def depart(self, elsewhere: Elsewhere, opening: Opening) -> Visit | None:
        """Open the visit of a peer that has sat down; None for a guest from another node, which asks for itself."""

    def drained(self, visit: Visit) -> None:
        """The peer has taken all that waited for it."""

    def arrived(self, peer: Peer, room: str) -> None:
        """The peer, which had no seat before, has one there."""

    def is_over(self, elsewhere: Elsewhere, visit: Visit | None, why: str) -> None:
        """The peer is gone from there."""

    def tell_left(self, peer: Peer, partner: str, stream: str) -> None:
        """Tell a peer that its partner is lost, where anybody is told who leaves."""

    def came_alone(self, peer: Peer, partner: str, stream: str, is_told: bool) -> None:
        """Let a peer that is back in its room go on without `partner`, if that isn't back, or had left before."""

    def take_in(self, connection: Connection, had: str, hello: Json) -> None:
        """Seat a peer in a room that has come here.

        Args:
            connection: the peer's.
            had: the name that it had there.
            hello: of a session, without its secret.
        """


class Elsewhere:
    """One peer's room on another node.

    Args:
        desk: who opens and ends visits.
        name: the room's.
        is_pair: whether two ends meet there.
        owner: the node where it lives.
    """

    max_lines = 0
    """Any number may be said at once: the owner takes its own share."""

    def __init__(self, desk: Desk, name: str, is_pair: bool, owner: str) -> None:
        self.name = name
        self.is_pair = is_pair
        self.owner = owner
        self.is_new = True
        """Whether it isn't known yet if the room takes in the peer, which had no seat before."""
        self.hello: Json = {}
        """That of a session, without its secret."""
        self.peer: Peer
        self._desk = desk
        self._visit: Visit | None = None

    # -- as the peer's place -----------------------------------------------------------------------------------

    def apply(self, event: RoomEvent) -> None:
        """Forward what happens."""
        if isinstance(event, Joined) and isinstance(event.peer, Peer):
            self._arrive(event.peer)
        elif isinstance(event, Left):
            visit, self._visit = self._visit, None
            self._desk.is_over(self, visit, event.why)
        elif self._visit is None:
            return
        elif isinstance(event, Finished):
            self._visit.finish()
        elif isinstance(event, Began):
            self._visit.begin()
        elif isinstance(event, Typed):
            is_keys = self.peer.dialect.by_keys
            self._visit.say(event.keys if is_keys else _object({"verb": "type", "keys": event.keys.decode()}))
        elif lines := _as_sent(event, self._is_json):
            self._visit.say(lines)

    def pass_on(self, command: Command) -> None:
        """Forward a command that was read before the peer came here: only the owner knows who is there."""
        if self._visit and self._is_json:
            self._visit.say(_object({"verb": command.verb, **dict(zip(VERBS[command.verb].keys, command.args))}))
        elif self._visit:
            self._visit.say(f"/{' '.join((command.verb, *command.args))}\n".encode())

    @property
    def _is_json(self) -> bool:
        return isinstance(self.peer.dialect, JsonDialect)

    def _arrive(self, peer: Peer) -> None:
        self.peer = peer
        peer.name = peer.wanted_name or peer.name
        self.hello = self.hello or self._desk.send_away(peer)
        where = self.name, peer.wanted_name, self._desk.dialect_name(peer)
        opening = Opening(*where, *peer.address, False, self._encoded_hello)
        self._visit = self._desk.depart(self, opening)
        if self._visit and isinstance(peer.link, Connection):
            peer.link.inlet.step = self._forward

    def _forward(self, block: bytes) -> tuple[()]:
        """Forward a block as it was received."""
        if self._blocks:
            block = self._blocks.without_blocks(block)
        if self._visit and block in PINGS:
            self._visit.live()
            self.peer.tell(Message("pong", {}))
        elif self._visit and block:
            self._visit.speak(self._desk.dialect_name(self.peer))
            self._visit.say(block)
        return ()

    @property
    def _blocks(self) -> BlockReader | None:
        """What reads the blocks of a session that may say them, since it sat here before."""
        link = self.peer.link
        return link.reader if isinstance(link, Connection) and isinstance(link.reader, BlockReader) else None

    @property
    def _encoded_hello(self) -> str:
        """The hello of a session, as other nodes get it: no blocks are said to them."""
        return json.dumps({**self.hello, "blocks": False}) if self.hello else ""

    def hello_beside(self, partner: str) -> str:
        """Return its session's hello as it would be now, beside the session `partner`; empty for a plain peer."""
        if self.hello:
            self.hello["name"] = self.peer.wanted_name or self.peer.name
            self.hello.pop("asks", None)  # its person has chosen a name by now
            self.hello["with"] = partner
        return self._encoded_hello

    def held_by(self, peer: Member) -> int:
        """None of its lines are held here: the owner tells what became of them."""
        return 0

    def hearer_is_full(self, hearer: Member) -> None:
        """Nothing: what the peer hasn't taken is not confirmed to the owner, which sends no more than a window."""

    def hearer_is_drained(self, hearer: Member) -> None:
        """Let the owner send more."""
        if self._visit:
            self._desk.drained(self._visit)

    # -- as the visit's guest ----------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether more waits for the peer than should."""
        return self.peer.full

    @property
    def written(self) -> int:
        """Bytes that were ever written to it."""
        return self.peer.link.written() if isinstance(self.peer.link, Connection) else 0

    @property
    def acknowledged(self) -> int:
        """How many of them its machine has, as far as the system tells."""
        return self.peer.link.acknowledged() if isinstance(self.peer.link, Connection) else 0

    def hear(self, data: bytes) -> None:
        """Deliver bytes in its dialect."""
        self.peer.hear(data)

    def hold(self, reason: str) -> None:
        """Stop reading what it says, for one reason more."""
        if self.peer.link:
            self.peer.link.hold(reason)

    def release(self, reason: str) -> None:
        """Go on reading, unless there is another reason not to."""
        if self.peer.link:
            self.peer.link.release(reason)

    def tell(self, text: str) -> None:
        """Deliver a notice."""
        self.peer.tell(notice(text))

    def refuse(self, text: str) -> None:
        """Say why it can't be where it wanted to go."""
        self.peer.refuse("room", text)

    def seated(self, room: str, name: str, wish: str) -> None:
        """It sits in `room`, is called `name` there, and has asked to be called `wish`."""
        self.name = self.peer.wanted_room = room
        self.peer.name, self.peer.wanted_name = name, wish
        if self.is_new:
            self.is_new = False
            self._desk.arrived(self.peer, room)

    def end(self, why: str, text: str = "") -> None:
        """Hang up on it: with its last words, or after those that the owner has sent."""
        self._visit = None
        if text:
            self.peer.end(why, text)
        elif not self.peer.gone:
            link = self.peer.link
            self.peer.leave(why)
            if link:
                link.close(b"")

    def come_home(self, room: str, had: str, said: bytes, has_finished: bool) -> None:
        """Sit down in `room`, which lives here now, and say first what was not handled elsewhere."""
        self._visit = None
        peer, link = self.peer, self.peer.link
        peer.room, peer.wanted_room = None, room
        if not isinstance(link, Connection):
            return
        link.hold("home")
        link.inlet.unread(said + (self._blocks.unread() if self._blocks else b""))
        if has_finished:
            link.inlet.tell_again()
        self._desk.take_in(link, had, self.hello)
        link.release("home")
        if has_finished and not said:
            link.said_all()

    def tell_left(self, partner: str, stream: str) -> None:
        """Tell it that `partner` has left."""
        self._desk.tell_left(self.peer, partner, stream)

    def miss(self, partner: str, stream: str, is_told: bool) -> None:
        """Go on without `partner`, who isn't in the room any more."""
        self._desk.came_alone(self.peer, partner, stream, is_told)


def _as_sent(event: RoomEvent, is_json: bool) -> bytes:
    """Return lines that make `event` happen, for what was read before the peer came here with a `/join`."""
    if isinstance(event, Sent):
        return _object(to_verb(event.thing))
    if isinstance(event, Said):
        texts = event.block.decode(errors="replace").split("\n")[:-1]
    elif isinstance(event, Parted):
        texts = [event.word]
    else:
        return b""
    if is_json:
        return b"".join(_object({"verb": "say", "text": text}) for text in texts)
    is_said = isinstance(event, Said)
    return "".join(f"/{text}\n" if is_said and text.startswith("/") else f"{text}\n" for text in texts).encode()


def _object(sent: Json) -> bytes:
    return json.dumps(sent).encode() + b"\n"
