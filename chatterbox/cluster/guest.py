"""A guest is somebody of another node in a room of this one: an ordinary connection whose transport is a channel.

It takes its seat and speaks as anybody does here, in shares that can each be confirmed by itself. This module knows
connections and channels. It does not know nodes, or the engine.
"""

from __future__ import annotations

import json
from typing import Protocol

from ..connections.admission import Admission
from ..connections.connection import Connection
from ..connections.handshake import Handshake
from ..connections.outlet import CHUNK, LinkState, Outlet
from ..connections.slow import Watch
from ..core.events import Address, Member
from ..core.hub import Hub
from ..core.peer import Peer
from ..core.room import Room
from ..wire.dialects import QUESTION, Dialect, Dialects, Message
from ..wire.lines import first_lines, within
from ..wire.numbered import Json
from .channel import NOWHERE, Channel
from .frames import Place

EXPANDED, EXPANDED_LINES = 16 * 1024, 256
"""Bytes and lines that a room takes at once where each is rendered: together less than an outlet hands on at once."""
_SLASH = ord("/")
"""An integer is looked for at once; two bytes are searched for fifty times as slowly."""


class Host(Protocol):
    """What a guest needs of the hub where it is one."""

    admission: Admission
    hub: Hub
    dialects: Dialects

    @property
    def outages(self) -> int:
        """How often the way to the other machines was lost, or came back: an odd number while it is lost."""

    def dialect_called(self, name: str) -> Dialect:
        """Return the dialect of that name."""

    def arrive(self, connection: Connection, hello: Json, is_back: bool) -> None:
        """Bring a session to its seat, perhaps back to the one that it had in a room whose owner is gone."""

    def seat(self, peer: Peer, had: str) -> None:
        """Seat `peer`, by the name that it had in this room, if that is free."""

    def came_alone(self, peer: Peer, partner: str, stream: str, is_told: bool) -> None:
        """Let a peer that is back in its room go on without `partner`, if that isn't back, or had left before."""

    def forget(self, connection: Connection) -> None:
        """The guest is gone."""


class Guest:
    """Somebody of another node (channel.Far)."""

    def __init__(self, host: Host, channel: Channel) -> None:
        opening = channel.opening
        address = Address(opening.host, opening.port)
        limits = host.hub.limits
        self._host = host
        self._channel = channel
        self.connection = Connection(host.admission, channel, host.dialects.text, address, self._link_state)
        self._speak(host.dialect_called(opening.dialect))
        if host.hub.mode.seats == 2:  # what waits for a guest isn't posted: the other end waits at once, unconfirmed
            outlet = Outlet(Watch(self.connection, limits, True), channel, 0, limits.max_pair_queue, self._link_state)
            self.connection.outlet = outlet
        self.peer.wanted_room, self.peer.wanted_name = opening.room, opening.name

    def _link_state(self) -> LinkState:
        return LinkState(self._channel.unacknowledged, outages=self._host.outages)

    def _speak(self, dialect: Dialect) -> None:
        self.connection.peer.dialect = dialect
        self.connection.reader = dialect.reader()
        self.connection.inlet.step = self.connection.reader.read

    @property
    def is_behind(self) -> bool:
        """Whether something that was said to it waits here."""
        return _is_backed_up(self.peer)

    @property
    def steps_a_turn(self) -> int:
        """How many events the room takes in one turn: as many as of anybody else, by whom they may reach."""
        limits, room = self._host.hub.limits, self.peer.room
        hearers = len(room.members) if isinstance(room, Room) else 1
        pieces = 1 if self.peer.dialect.by_keys else limits.pieces_a_turn
        return max(1, min(pieces, limits.hearers_a_turn // max(1, hearers)))

    def share_of(self, block: bytes) -> int:
        """Return how many bytes of `block` the room takes as one event: lines to say, or else one line alone."""
        hub, dialect = self._host.hub, self.peer.dialect
        one = block.find(b"\n") + 1 or len(block)
        if dialect.by_keys or one == len(block):
            return len(block)  # keys: its edge has cut them into what a turn takes
        if dialect is not self._host.dialects.text or hub.limits.rate or len(hub.mode.farewell) > 1:
            return one
        expands = self.peer.room is None or self.peer.room.max_lines
        most = EXPANDED if expands else CHUNK
        share = len(block) if len(block) <= most else block.rfind(b"\n", 0, most) + 1 or one
        head = block[:share]
        if _SLASH in head and (head.startswith(b"/") or b"\n/" in head):
            return one
        if not all(isinstance(piece, bytes) for piece in within(head, hub.limits.max_line)):
            return one
        return len(first_lines(head, EXPANDED_LINES)) if expands else share

    def speak(self, dialect: str) -> None:
        """It speaks otherwise from now on."""
        self._speak(self._host.dialect_called(dialect))

    @property
    def peer(self) -> Peer:
        """Who it is; a session that comes back is who it was."""
        return self.connection.peer

    @property
    def place(self) -> Place:
        """Where it sits."""
        peer, room = self.peer, self.peer.room
        if not isinstance(room, Room):
            return NOWHERE
        partner = next((member for member in room.members if member is not peer), None) if room.is_pair else None
        with_whom = (partner.name, partner.stream, partner.stream if partner.session else "") if partner else ()
        return Place(room.name, peer.name, peer.wanted_name, *with_whom)

    @property
    def gone(self) -> str:
        """The word for which it ended."""
        return self.peer.gone

    @property
    def is_waiting(self) -> bool:
        """Whether something that it said waits: to be handled, for a partner, or for a hearer who is slow."""
        room = self.peer.room
        if self.connection.inlet.looks_ahead():
            return True
        if not isinstance(room, Room):
            return False
        others = room.members.keys() - {self.peer} if room.is_pair else ()
        return room.held_by(self.peer) > 0 or any(_is_backed_up(other) for other in others)

    def sit(self) -> None:
        """Take its seat; where names are asked for, one that is taken here is asked for again."""
        hub, peer, hello = self._host.hub, self.peer, self._channel.opening.session
        if hello:
            sent = json.loads(hello) if hello.startswith("{") else {}
            self._host.arrive(self.connection, sent | {"room": peer.wanted_room}, self._channel.opening.is_back)
            return
        may_ask = hub.mode.asks_name and not self._channel.opening.came_from
        fault = hub.name_conflict(peer, peer.wanted_room, peer.wanted_name) if may_ask else ""
        if fault:
            self._ask_name(fault)
        else:
            self._host.seat(peer, self._channel.opening.had)

    def _ask_name(self, fault: str) -> None:
        host, connection, peer = self._host, self.connection, self.peer
        peer.wanted_name = ""
        handshake = Handshake(host.hub, connection, host.dialects.text.reader())
        handshake.is_asked = True
        connection.inlet.step = handshake.take
        patience = host.hub.limits.join_patience
        connection.timers.after("join", patience, lambda: peer.end("idle", f"no name within {patience:.0f} s"))
        peer.tell(Message("error", {"code": "name", "text": f"{fault}; {QUESTION}"}))

    def begin(self) -> None:
        """The first bytes of its message have come."""
        self.connection.begin()

    def live(self) -> None:
        """Its machine has heard from it, though it said nothing to the room."""
        self.connection.inlet.reads += 1

    def receive(self, block: bytes) -> None:
        """It sent `block`."""
        self.connection.receive(block)

    def finish(self) -> None:
        """It has closed its sending half."""
        self.connection.finish()

    def lost(self, why: str) -> None:
        """It is gone."""
        self.connection.lost(why)
        self._host.forget(self.connection)

    def miss(self, partner: str, stream: str, is_told: bool) -> None:
        """Its partner hasn't come back to the room: what waits in the channel was said to that one, too."""
        self.connection.inlet.bulk |= self._channel.waits
        self._host.came_alone(self.peer, partner, stream, is_told)

    def pause(self) -> None:
        """It doesn't take what is written."""
        self.connection.outlet.pause()

    def resume(self) -> None:
        """It has taken what was written."""
        self.connection.outlet.resume()

    def end(self, why: str, text: str = "") -> None:
        """Hang up on it; a session hasn't left for that: it comes back, and what it hasn't got is said again."""
        send_off(self.peer, why, text)


def send_off(peer: Peer, why: str, text: str = "") -> None:
    """Hang up on `peer` for a machine's sake: a session's seat is kept, since its partner is to wait for it."""
    if peer.session and isinstance(peer.link, Connection):
        peer.link.outlet.write(peer.dialect.last_words(why, text, peer.link.was_seated))
        peer.link.break_off()
    else:
        peer.end(why, text)


def _is_backed_up(member: Member) -> bool:
    """Whether something that was said to `member` waits here, and hasn't been given to its link."""
    return isinstance(member, Peer) and isinstance(member.link, Connection) and member.link.outlet.queued > 0
