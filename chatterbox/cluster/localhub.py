"""The local hub is this node's hub as the cluster has it, and the cluster as this node's hub has it.

It answers where rooms live, seats guests from other nodes as ordinary peers, and takes in whoever comes home. It knows
hubs and connections. It does not know the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ..connections.admission import Admission
from ..connections.connection import Connection
from ..connections.sessions import Fault, Hello, read_hello
from ..core.events import Gone, Happening, Joined, Left, News, Refused, Seated
from ..core.hub import Hub
from ..core.numbered import card
from ..core.peer import LOBBY, Peer
from ..core.room import Room
from ..core.seating import Home, Seeking
from ..wire.dialects import Dialect, Dialects, Message
from ..wire.names import room_fault
from ..wire.numbered import Json
from .channel import Channel
from .claims import Home as Found
from .elsewhere import Elsewhere
from .frames import Opening
from .guest import Guest, send_off
from .homes import Cluster
from .visit import Visit

DIALECTS = ("text", "json", "session", "bare", "keys")
"""What dialects are called between nodes. A session has no blocks there: any line may be the last that is handled."""
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
        """Take it that nobody sits in `room`; who waits outside it needs it to live here: so a hearer finds them."""
        if not self.admission.desk.outside.waiting(room):
            self.cluster.release(room)

    def happened(self, news: News) -> None:
        """Take note that somebody has come to a room, or left it."""
        if not (isinstance(news, Happening) and isinstance(news.event, Joined | Left)):
            return
        room, left = news.room, news.event
        for member in room.members if isinstance(room, Room) and room.is_pair else ():
            if isinstance(member, Peer) and (channel := self._guests.get(member.link)):
                self.cluster.confirmations.owe_handled(channel)  # its machine is to know beside whom it sits
        if isinstance(left, Joined):
            return
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
            self.arrive(connection, hello | {"room": connection.peer.wanted_room}, bool(had))
        else:
            self.seat(connection.peer, had)

    def seat(self, peer: Peer, had: str) -> None:
        """Seat `peer`, by the name that it had in this room, if that is free."""
        wish = peer.wanted_name
        if had and not self.hub.name_conflict(peer, peer.wanted_room, had):
            peer.wanted_name = had
        self.hub.seat(peer)
        peer.wanted_name = wish

    def tell_left(self, peer: Peer, partner: str, stream: str) -> None:
        """Tell a peer that its partner is lost, where anybody is told who leaves."""
        if self.hub.mode.announces:
            peer.tell(Message("left", {"name": partner, "stream": stream, "why": "lost"}))

    def came_alone(self, peer: Peer, partner: str, stream: str, is_told: bool) -> None:
        """Let a peer that is back in its room go on without `partner`, as if that had left just now, if it isn't back.

        Where that one had left before, the peer `is_told`, and another one may be there.

        What a plain peer said meanwhile was said to that one, who perhaps heard it, and nobody else hears it; a session
        knows what of its lines is got. A seat that is kept for the partner is told of, as when its link is lost.
        """
        room, mode = peer.room, self.hub.mode
        if not isinstance(room, Room):
            return
        others = [member for member in room.members if member is not peer]
        if others and not is_told:
            if any(member.away and member.stream == stream for member in others):
                peer.tell(Message("away", {"name": partner, "stream": stream, "session": True, "away": True}))
            return
        if not others:
            room.met = (*room.met, peer)
        elif [*room.members][-1] is peer and not peer.dialect.greets:
            peer.tell(Message("joined", card(others[0])))
        if mode.ends_together:
            peer.end("bye", f"{partner} left (lost)")
            return
        if not is_told:
            self.tell_left(peer, partner, stream)
        if peer.session:
            return
        peer.miss(partner, "lost")
        if peer.finished:
            peer.end("quit")

    # -- sessions, whose seats are kept where the room lives -----------------------------------------------------

    def take_hello(self, connection: Connection, sent: Json) -> None:
        """Take the hello of a session to the desk of the node where its room lives; the secret stays here."""
        connection.speak(self.dialects.session)
        read, room, peer = read_hello(sent), sent.get("room") or LOBBY, connection.peer
        if isinstance(read, Fault) or not isinstance(room, str) or room_fault(room, self.hub.limits.max_room):
            self.admission.desk.arrive(connection, sent)
            return

        def found(home: Home) -> None:
            if isinstance(home.place, Elsewhere):
                home.place.hello = {**sent, "session": read.digest.hex(), "stream": read.stream}
                peer.wanted_name = str(sent.get("name") or "")
                peer.sit(home.place)
                home.place.apply(Joined(peer))
            elif home.fault:
                peer.end("lost", home.fault)
            else:
                self._arrive(connection, sent, read)

        Seeking(self, peer, room, found, lambda text: peer.end("lost", text))

    def arrive(self, connection: Connection, hello: Json, is_back: bool = False) -> None:
        """Bring a session to its seat here that has said hello to another node, or to this one before.

        Where it comes back with its room (`is_back`) it was beside its partner until just now, whatever became of that
        one here before.
        """
        if is_back:
            self.admission.desk.recall(str(hello.get("with")))
        secret = {"session": "0" * 32}  # nobody's: what follows from the real one is in the hello
        read = read_hello(hello | secret)
        digest, stream = str(hello.get("session")), str(hello.get("stream"))
        if isinstance(read, Fault) or not _DIGEST.fullmatch(digest) or not _STREAM.fullmatch(stream):
            connection.peer.end("kicked", "this is no session")
        else:
            self._arrive(connection, hello, read._replace(digest=bytes.fromhex(digest), stream=stream))

    def _arrive(self, connection: Connection, sent: Json, hello: Hello) -> None:
        """Bring a session to its seat; where it has been somewhere before, other nodes may keep one for it, too."""
        self.admission.desk.arrive(connection, sent, hello)
        if hello.tries > 1 and connection.peer.session and connection.peer.room:
            self.cluster.seated(hello.stream, hello.digest.hex(), hello.tries, connection.peer.room.name)

    def sits_elsewhere(self, stream: str, digest: str, tries: str, room: str) -> None:
        """Let a session go that has a seat at another node, as if it had gone there with a `/join`.

        Where that is in a room of the same name it hasn't gone: of one of the two its people are told soon.
        """
        here = self.admission.desk.room_of(stream)
        if here in self.cluster.detached:
            self.cluster.give_up(here)
        elif here == room:
            return
        if _DIGEST.fullmatch(digest) and tries.isdigit():
            self.admission.desk.let_go(stream, bytes.fromhex(digest), int(tries))

    # -- rooms here (homes.House) ------------------------------------------------------------------------------

    def is_open(self, room: str) -> bool:
        """Whether anybody sits in `room` here, or waits outside it."""
        return room in self.hub.rooms or bool(self.admission.desk.outside.waiting(room))

    def is_whole(self, room: str) -> bool:
        """Whether every seat of `room` is taken by somebody who is connected to this node: whoever is away isn't."""
        return 0 < self.hub.mode.seats == len(list(self.locals(room)))

    def locals(self, room: str) -> Iterable[Local]:
        """Return who sits in `room` and is connected to this node."""
        here = self.hub.rooms.get(room)
        members = here.members if here else ()
        return [Local(peer) for peer in members if isinstance(peer, Peer) and self._is_here(peer)]

    def _is_here(self, peer: Peer) -> bool:
        return peer.link is not None and peer.link not in self._guests

    def outside(self, room: str) -> Iterable[Local]:
        """Return who waits outside `room` and is connected to this node."""
        return [Local(peer) for peer in self.admission.desk.outside.waiting(room) if peer.link not in self._guests]

    @property
    def outages(self) -> int:
        """How often the way to the other machines was lost, or came back: an odd number while it is lost."""
        return self.cluster.outages

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
        send_off(self._peer, why, text)
