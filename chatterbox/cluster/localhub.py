"""The local hub is this node's hub as the cluster has it, and the cluster as this node's hub has it.

It answers where rooms live, seats guests from other nodes as ordinary peers, and takes in whoever comes home. It knows
hubs and connections. It does not know the engine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from ..connections.admission import Admission
from ..connections.connection import Connection
from ..connections.handshake import Handshake
from ..connections.outlet import CHUNK, LinkState, Outlet
from ..connections.sessions import Fault, read_hello
from ..connections.slow import Watch
from ..core.events import Address, Gone, Happening, Joined, Left, News, Refused, Seated
from ..core.hub import Hub
from ..core.peer import LOBBY, Peer
from ..core.room import Room
from ..core.seating import Home, Seeking
from ..wire.dialects import QUESTION, Dialect, Dialects, Message
from ..wire.lines import first_lines, within
from ..wire.names import room_fault
from ..wire.numbered import Json
from .channel import NOWHERE, Channel, Place
from .claims import Home as Found
from .elsewhere import Elsewhere
from .frames import Opening
from .homes import Cluster
from .visit import Visit

DIALECTS = ("text", "json", "session", "bare", "keys")
"""What dialects are called between nodes. A session has no blocks there: any line may be the last that is handled."""
EXPANDED, EXPANDED_LINES = 16 * 1024, 256
"""Bytes and lines that a room takes at once where each is rendered: together less than an outlet hands on at once."""
_SLASH = ord("/")
"""An integer is looked for at once; two bytes are searched for fifty times as slowly."""
_DIGEST, _STREAM = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{16}")


class LocalHub:
    """What stands between one hub and the cluster.

    Args:
        replaced: called if another hub runs under this one's name.
        note: told what an operator may want to know.
    """

    admission: Admission
    hub: Hub
    dialects: Dialects
    cluster: Cluster

    def __init__(self, replaced: Callable[[], None], note: Callable[[str], None]) -> None:
        self.replaced = replaced
        self.note = note
        self._left: tuple[object, str] = (None, "")
        """Who has just left which room for another one."""
        self._guests: dict[object, Channel] = {}
        """Connections that end at another node."""

    def attach(self, admission: Admission, cluster: Cluster) -> None:
        """Begin."""
        self.admission, self.hub, self.dialects = admission, admission.hub, admission.dialects
        self.cluster = cluster
        self.hub.observers.append(self)
        admission.take_hello = self.take_hello

    # -- where rooms live (core.seating.Homes) -----------------------------------------------------------------

    def find(self, room: str, then: Callable[[Home], None]) -> Callable[[], None]:
        """Ask where `room` lives."""

        def found(home: Found) -> None:
            is_pair = self.hub.mode.seats == 2
            place = Elsewhere(self, room, is_pair, home.owner) if home.owner else None
            then(Home(place, home.fault))

        return self.cluster.find(room, found)

    def release(self, room: str) -> None:
        """Take it that nobody in this hub needs `room` to live here any more."""
        self.cluster.release(room)

    def happened(self, news: News) -> None:
        """Take note that somebody has left a room."""
        if not (isinstance(news, Happening) and isinstance(news.event, Left)):
            return
        room, left = news.room, news.event
        self._left = (left.peer, room.name) if left.why == "moved" else (None, "")
        if room.name in self.cluster.detached:
            self.admission.later(0, lambda: self.cluster.left(room.name))

    # -- our people elsewhere (elsewhere.Desk) -----------------------------------------------------------------

    def dialect_name(self, peer: Peer) -> str:
        """Return what the peer's dialect is called between nodes."""
        return next((name for name in DIALECTS if getattr(self.dialects, name) is peer.dialect), "session")

    def send_away(self, peer: Peer) -> Json:
        """Let a session go that sat here; return its hello, which is empty for a plain peer."""
        return self.admission.desk.send_away(peer)

    def depart(self, elsewhere: Elsewhere, opening: Opening) -> Visit | None:
        """Open the visit of a peer that has sat down elsewhere."""
        channel = self._guests.get(elsewhere.peer.link)
        came_from = self._left[1] if self._left[0] is elsewhere.peer else ""
        self._left = (None, "")
        elsewhere.is_new = not came_from
        if channel is None:
            return self.cluster.visit(elsewhere, opening._replace(came_from=came_from), elsewhere.owner)
        channel.move(opening.room, came_from)
        return None

    def drained(self, visit: Visit) -> None:
        """The guest has taken all that waited for it."""
        visit.drained()
        self.cluster.confirmations.owe_taken(visit)

    def arrived(self, peer: Peer, room: str) -> None:
        """The guest has a seat there."""
        self.hub.happened(Seated(room, peer))

    def is_over(self, elsewhere: Elsewhere, visit: Visit | None, why: str) -> None:
        """The guest is gone; its owner knows that already, if there is no visit any more."""
        peer = elsewhere.peer
        if visit:
            self.cluster.leave_visit(visit, why)
        if peer.gone and not elsewhere.is_new:
            self.hub.happened(Gone(elsewhere.name, peer, why))
        elif peer.gone and why not in ("quit", "shutdown"):
            self.hub.happened(Refused(peer.address, why))

    def take_in(self, connection: Connection, had: str, hello: Json) -> None:
        """Seat a peer in a room that has come here."""
        if hello:
            self.arrive(connection, hello | {"room": connection.peer.wanted_room})
        else:
            self.seat(connection.peer, had)

    def seat(self, peer: Peer, had: str) -> None:
        """Seat `peer`, by the name that it had in this room, if that is free."""
        wish = peer.wanted_name
        if had and not self.hub.name_conflict(peer, peer.wanted_room, had):
            peer.wanted_name = had
        self.hub.seat(peer)
        peer.wanted_name = wish

    def came_alone(self, peer: Peer, partner: str, stream: str) -> None:
        """Let a peer that is back in its room go on without `partner`, as if that had left just now, if it isn't back.

        What the peer said meanwhile was said to that one, who perhaps heard it, and nobody else hears it. Sessions know
        by their welcome.
        """
        room, mode = peer.room, self.hub.mode
        if not isinstance(room, Room) or len(room.members) > 1 or peer.session:
            return
        room.met = (*room.met, peer)
        if mode.ends_together:
            peer.end("bye", f"{partner} left (lost)")
            return
        if mode.announces:
            peer.tell(Message("left", {"name": partner, "stream": stream, "why": "lost"}))
        peer.miss(partner, "lost", is_sure=False)
        if peer.finished:
            peer.end("quit")

    # -- sessions, whose seats are kept where the room lives -----------------------------------------------------

    def take_hello(self, connection: Connection, sent: Json) -> None:
        """Take the hello of a session to the desk of the node where its room lives; the secret stays here."""
        read, room, peer = read_hello(sent), sent.get("room") or LOBBY, connection.peer
        if isinstance(read, Fault) or not isinstance(room, str) or room_fault(room, self.hub.limits.max_room):
            self.admission.desk.arrive(connection, sent)
            return

        def found(home: Home) -> None:
            if isinstance(home.place, Elsewhere):
                home.place.hello = {**sent, "session": read.digest.hex(), "stream": read.stream}
                connection.speak(self.dialects.session)
                peer.wanted_name = str(sent.get("name") or "")
                peer.sit(home.place)
                home.place.apply(Joined(peer))
            elif home.fault:
                peer.end("lost", home.fault)
            else:
                self.admission.desk.arrive(connection, sent)

        Seeking(self, peer, room, found, lambda text: peer.end("lost", text))

    def arrive(self, connection: Connection, hello: Json) -> None:
        """Bring a session to its seat here that has said hello to another node, or to this one before."""
        secret = {"session": "0" * 32}  # nobody's: what follows from the real one is in the hello
        read = read_hello(hello | secret)
        digest, stream = str(hello.get("session")), str(hello.get("stream"))
        if isinstance(read, Fault) or not _DIGEST.fullmatch(digest) or not _STREAM.fullmatch(stream):
            connection.peer.end("kicked", "this is no session")
        else:
            read = read._replace(digest=bytes.fromhex(digest), stream=stream)
            self.admission.desk.arrive(connection, hello, read)

    # -- rooms here (homes.House) ------------------------------------------------------------------------------

    def is_open(self, room: str) -> bool:
        """Whether anybody sits in `room` here."""
        return room in self.hub.rooms

    def is_whole(self, room: str) -> bool:
        """Whether every seat of `room` is taken by somebody of this node."""
        here = self.hub.rooms.get(room)
        seats = self.hub.mode.seats
        return here is not None and 0 < seats == len(list(self.locals(room)))

    def locals(self, room: str) -> Iterable[Local]:
        """Return who sits in `room` and is connected to this node."""
        here = self.hub.rooms.get(room)
        members = here.members if here else ()
        return [Local(peer) for peer in members if isinstance(peer, Peer) and peer.link not in self._guests]

    def visited(self, channel: Channel) -> Guest:
        """Make a peer of a guest from another node."""
        guest = Guest(self, channel)
        self._guests[guest.connection] = channel
        return guest

    def dialect_called(self, name: str) -> Dialect:
        """Return the dialect of that name; the text dialect for one that nobody knows."""
        return getattr(self.dialects, name) if name in DIALECTS else self.dialects.text

    def forget(self, connection: Connection) -> None:
        """A guest is gone."""
        self._guests.pop(connection, None)
        connection.timers.cancel_all()


class Local:
    """Somebody of this node in a room of this node."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def tell(self, text: str) -> None:
        """Deliver a notice."""
        self._peer.tell(Message("notice", {"text": text}))

    def end(self, why: str, text: str = "") -> None:
        """Hang up on it."""
        self._peer.end(why, text)


class Guest:
    """A guest from another node: an ordinary connection whose transport is a channel (channel.Far)."""

    def __init__(self, house: LocalHub, channel: Channel) -> None:
        opening = channel.opening
        address = Address(opening.host, opening.port)
        limits = house.hub.limits
        self._house = house
        self._channel = channel
        self.connection = Connection(house.admission, channel, house.dialects.text, address, self._link_state)
        self._speak(house.dialect_called(opening.dialect))
        if house.hub.mode.seats == 2:  # what waits for a guest isn't posted: the other end waits at once, unconfirmed
            outlet = Outlet(Watch(self.connection, limits, True), channel, 0, limits.max_pair_queue, self._link_state)
            self.connection.outlet = outlet
            self.connection.write, self.connection.write_from = outlet.write, outlet.write_from
        self.peer.wanted_room, self.peer.wanted_name = opening.room, opening.name

    def _link_state(self) -> LinkState:
        return LinkState(self._channel.unacknowledged)

    def _speak(self, dialect: Dialect) -> None:
        self.connection.peer.dialect = dialect
        self.connection.reader = dialect.reader()
        self.connection.inlet.step = self.connection.reader.read

    @property
    def steps_a_turn(self) -> int:
        """How many events the room takes in one turn: as many as of anybody else, by whom they may reach."""
        limits, room = self._house.hub.limits, self.peer.room
        hearers = len(room.members) if isinstance(room, Room) else 1
        pieces = 1 if self.peer.dialect.by_keys else limits.pieces_a_turn
        return max(1, min(pieces, limits.hearers_a_turn // max(1, hearers)))

    def share_of(self, block: bytes) -> int:
        """Return how many bytes of `block` the room takes as one event: lines to say, or else one line alone."""
        hub, dialect = self._house.hub, self.peer.dialect
        if dialect.by_keys:
            return len(block)  # its edge has cut it into what a turn takes
        one = block.find(b"\n") + 1 or len(block)
        if dialect is not self._house.dialects.text or hub.limits.rate or len(hub.mode.farewell) > 1:
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
        self._speak(self._house.dialect_called(dialect))

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
        with_whom = (partner.name, partner.stream) if partner else ("", "")
        return (room.name, peer.name, peer.wanted_name, *with_whom)

    @property
    def gone(self) -> str:
        """The word for which it ended."""
        return self.peer.gone

    @property
    def is_waiting(self) -> bool:
        """Whether something that it said waits: to be handled, for a partner, or for a hearer who is slow."""
        room, inlet = self.peer.room, self.connection.inlet
        return inlet.waits or inlet.is_obstructed or (isinstance(room, Room) and room.held_by(self.peer) > 0)

    def sit(self) -> None:
        """Take its seat; where names are asked for, one that is taken here is asked for again."""
        hub, peer, hello = self._house.hub, self.peer, self._channel.opening.session
        if hello:
            sent = json.loads(hello) if hello.startswith("{") else {}
            self._house.arrive(self.connection, sent | {"room": peer.wanted_room})
            return
        may_ask = hub.mode.asks_name and not self._channel.opening.came_from
        fault = hub.name_conflict(peer, peer.wanted_room, peer.wanted_name) if may_ask else ""
        if fault:
            self._ask_name(fault)
        else:
            self._house.seat(peer, self._channel.opening.had)

    def _ask_name(self, fault: str) -> None:
        house, connection, peer = self._house, self.connection, self.peer
        peer.wanted_name = ""
        handshake = Handshake(house.hub, connection, house.dialects.text.reader())
        handshake.is_asked = True
        connection.inlet.step = handshake.take
        patience = house.hub.limits.join_patience
        connection.timers.after("join", patience, lambda: peer.end("idle", f"no name within {patience:.0f} s"))
        peer.tell(Message("error", {"code": "name", "text": f"{fault}; {QUESTION}"}))

    def begin(self) -> None:
        """The first bytes of its message have come."""
        self.connection.begin()

    def receive(self, block: bytes) -> None:
        """It sent `block`."""
        self.connection.receive(block)

    def finish(self) -> None:
        """It has closed its sending half."""
        self.connection.finish()

    def lost(self, why: str) -> None:
        """It is gone."""
        self.connection.lost(why)
        self._house.forget(self.connection)

    def miss(self, partner: str, stream: str) -> None:
        """Its partner hasn't come back to the room: what waits in the channel was said to that one, too."""
        self.connection.inlet.bulk |= self._channel.waits
        self._house.came_alone(self.peer, partner, stream)

    def pause(self) -> None:
        """It doesn't take what is written."""
        self.connection.outlet.pause()

    def resume(self) -> None:
        """It has taken what was written."""
        self.connection.outlet.resume()

    def end(self, why: str, text: str = "") -> None:
        """Hang up on it."""
        self.peer.end(why, text)
