"""A desk is where sessions come in: it finds the seat that a hello is about, and keeps it while its link is gone.

Whose seat it is says `sessions`, which has the rules; links and peers are brought together here. A secret goes no
further than `read_hello`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..core.events import Away, Back, Gone, Happening, Joined, News, Sent
from ..core.hub import Hub
from ..core.numbered import welcome
from ..core.peer import LOBBY, Peer
from ..core.room import Room
from ..wire.dialects import QUESTION, Dialects, Message
from ..wire.inbox import Got
from ..wire.lane import LARGEST_BLOCK, LARGEST_SAY
from ..wire.names import numbered, read_name, room_fault
from ..wire.numbered import Json, Numbered
from ..wire.numbering import SESSION_LIMIT
from ..wire.text import clean_text
from ..wire.verbs import Dropped, Goodbye, Piece, Ping, Unreadable
from .connection import Connection
from .flight import Flight
from .outside import Outside
from .sessions import Arrival, Fault, Hello, Session, Sessions, read_hello
from .silence import Silence
from .sources import source_of
from .takeover import hang_up_replaced, take_over
from .timers import Delayed, Later

SUGGESTIONS = 20
"""Names that are tried, to suggest one in place of a taken name."""
_REFUSED = {"replaced": "another link carries this conversation now", "full": "this conversation found no seat"}
"""What is said beside the word, to a hello that is too late."""


class Desk:
    """Every session of one hub.

    Args:
        hub: whose rooms they sit in.
        dialects: what sessions speak.
        later: calls a function after so many seconds.
        now: seconds of a clock that never goes back.
        moment: returns the time of day so many seconds from now, as people read it.
        away_a_source: sessions away at once from one source; 0: any number.
    """

    def __init__(
        self,
        hub: Hub,
        dialects: Dialects,
        later: Later,
        now: Callable[[], float],
        moment: Callable[[float], str],
        away_a_source: int = 0,
    ) -> None:
        limits = hub.limits
        self._hub = hub
        self._dialects = dialects
        self._later = later
        self._now = now
        self._moment = moment
        self._sessions = Sessions(limits.grace, limits.max_away, away_a_source)
        self._peers: dict[str, Peer] = {}
        """Whoever numbers its lines, by stream: sessions, those waiting outside among them."""
        self._of: dict[str, Session] = {}
        self._flights: dict[str, Flight] = {}
        """What is on its way from whom."""
        self._hellos: dict[str, Hello] = {}
        """What those asked for that have no seat yet."""
        self.outside = Outside(hub, limits.max_outside)
        """Who waits for a room, having nothing to hear."""
        self._silence = Silence(later, now, limits.session_silence)
        self._timer: Delayed | None = None

    @property
    def is_open(self) -> bool:
        """Whether this mode has sessions: where a rule counts messages or keys, there are none."""
        return self._hub.mode.rule == "relay"

    # -- a hello -------------------------------------------------------------------------------------------------

    def arrive(self, connection: Connection, sent: Json, read: Hello | None = None) -> None:
        """Take a hello with a session: bring it to its seat, or say why not.

        Args:
            connection: its link.
            sent: the hello.
            read: what another node has read in it, which keeps the secret.
        """
        hello, peer = read or read_hello(sent), connection.peer
        connection.speak(self._dialects.blocks if sent.get("blocks") is True else self._dialects.session)
        if isinstance(hello, Fault):
            peer.refuse("session", hello.text)
            peer.end("kicked", hello.text)
            return
        room, name = self._wishes(peer, sent)
        if peer.gone:
            return
        arrival = self._sessions.arrive(hello, room, source_of(peer.address.host), self._now())
        if arrival.evicted:
            self._give_up(arrival.evicted.stream)
        if arrival.session is None:
            peer.end(arrival.closed, _REFUSED.get(arrival.closed, ""))
        elif arrival.known:
            self._come_back(connection, arrival.session, hello, room, name)
        elif not (sent.get("asks") is True and self._asks(peer, room, name)):
            self._come_in(connection, arrival, hello, room, name)

    def _wishes(self, peer: Peer, sent: Json) -> tuple[str, str]:
        """Return the room and the name that a hello asks for; a bad room ends it, a bad name is none."""
        wishes = [sent.get(key, "") for key in ("room", "name")]
        room, name = (clean_text(wish) if isinstance(wish, str) else "\n" for wish in wishes)
        limits = self._hub.limits
        if fault := room_fault(room, limits.max_room) if "room" in sent else "":
            peer.end("kicked", fault)
        name, fault = read_name(name, limits.max_name) if "name" in sent else ("", "")
        if fault:
            peer.refuse("name", fault)
            name = ""
        return room or LOBBY, name

    def _asks(self, peer: Peer, room: str, name: str) -> bool:
        """Ask for a name in place of giving one, where the mode does (seed 001); a person says hello again with it."""
        hub = self._hub
        if not hub.mode.asks_name:
            return False
        text = hub.name_conflict(peer, room, name) if name else QUESTION
        if name and text:
            wishes = (numbered(name, number, hub.limits.max_name) for number in range(2, 2 + SUGGESTIONS))
            free = next((wish for wish in wishes if not hub.name_conflict(peer, room, wish)), "")
            text += f"; {free} is free" if free else ""
        if text:
            peer.tell(Message("error", {"code": "name", "text": text, "asks": True}))
            peer.end("quit")
        return bool(text)

    def _come_in(self, connection: Connection, arrival: Arrival, hello: Hello, room: str, name: str) -> None:
        peer, session = connection.peer, arrival.session
        assert session is not None  # by Arrival's own rule: no word, no session
        if waiting := self._hellos.get(session.stream):  # the same one, on a link that still waits for its seat
            late = peer if hello.tries <= waiting.tries else self._peers[session.stream]
            late.end("replaced", _REFUSED["replaced"])
            if late is peer:
                return
        peer.session, peer.stream, peer.listens = True, session.stream, hello.listens
        peer.gots, peer.wanted_room, peer.wanted_name, peer.live = session.got, room, name, hello.live
        self._peers[session.stream], self._of[session.stream] = peer, session
        self._hellos[session.stream] = hello
        there = self._hub.rooms.get(room)
        if not hello.listens and (there or not hello.partner):  # else its listener comes back, too
            self._wait_outside(connection, session, hello)
            return
        if there and not there.has_seat:
            self._make_room(there, hello)
        connection.take_seat()

    def _make_room(self, room: Room, hello: Hello) -> None:
        """Let a seat go that is kept for somebody, if the one who it is kept for is known to sit here already."""
        members = [self._of[member.stream] for member in room.members if member.stream in self._of]
        ghost = self._sessions.yields(members, hello)
        if ghost:
            self._give_up(ghost.stream)

    def seated(self, connection: Connection) -> None:
        """Prepare the welcome of a session that is about to be welcomed to a room."""
        peer, place = connection.peer, connection.peer.room
        session = self._of.get(peer.stream)
        if session is None or place is None:
            return
        hello = self._hellos.pop(peer.stream, None)
        self._sessions.seat(session, place.name)
        self.outside.forget(peer)
        peer.extras = self._extras(session, peer)
        if hello:
            fate = self._sessions.fate(hello, session, self._now())
            if place.is_pair:
                self._reserve(hello, place.name)
            self._attach(session, hello, connection)
            peer.extras = self._extras(session, peer) | ({"left": fate} if fate else {})

    def _attach(self, session: Session, hello: Hello, connection: Connection) -> object | None:
        """Let `connection` carry a session; return the link that it replaces."""
        before = self._sessions.attach(session, hello, connection)
        self._silence.watch(session)
        return before

    def _reserve(self, hello: Hello, room: str) -> None:
        """Keep the other seat of an empty pair for the one that `hello` was with, before a restart of the hub."""
        there = self._hub.rooms.get(room)
        ghost = self._sessions.reserve(hello, room, self._now()) if there and not there.members else None
        if ghost and there:
            peer = Peer(self._dialects.session, stream=ghost.stream)
            peer.wanted_name = "partner"  # until it says its own
            peer.session, peer.gots, peer.kept_until = True, ghost.got, self._moment(ghost.grace)
            self._peers[ghost.stream], self._of[ghost.stream] = peer, ghost
            peer.room = there
            there.apply(Joined(peer))
            self._watch()

    def _extras(self, session: Session, peer: Peer) -> Json:
        limits, mode = self._hub.limits, self._hub.mode
        extras = {"stream": session.stream, "grace": session.grace, "max_line": limits.max_line, "echo": mode.echo}
        return extras | ({"blocks": True} if peer.dialect is self._dialects.blocks else {})

    # -- coming back -----------------------------------------------------------------------------------------------

    def _come_back(self, connection: Connection, session: Session, hello: Hello, room: str, name: str) -> None:
        """Give a session's seat to its new link, also where the old one looks alive."""
        peer = self._peers[session.stream]
        before = self._attach(session, hello, connection)
        if isinstance(before, Connection):
            hang_up_replaced(before)
        take_over(connection, peer)
        fate = self._sessions.fate(hello, session, self._now())
        peer.listens, peer.live = hello.listens, hello.live
        peer.extras = self._extras(session, peer) | ({"left": fate} if fate else {})
        place = peer.room
        if place is None:
            self._wait_outside(connection, session, hello)
            return
        if room != place.name:
            self._hub.move(peer, room)
        if peer.room is place and not peer.gone:
            place.apply(Back(peer, "" if self._hub.name_conflict(peer, place.name, name) else name))

    # -- its link ------------------------------------------------------------------------------------------------

    def cut(self, connection: Connection) -> None:
        """Take it that a session's link is gone: its seat is kept for a while, if it may be."""
        peer = connection.peer
        session = self._of.get(peer.stream)
        kept = self._sessions.cut(session, connection, self._now()) if session else False
        if kept is None or peer.gone:
            return
        peer.link = None
        if kept and peer.room and session:
            peer.kept_until = self._moment(session.until - self._now())
            peer.room.apply(Away(peer))
            self._watch()
        else:
            self._give_up(peer.stream)

    def _watch(self) -> None:
        """Look again when the first grace is over."""
        if self._timer:
            self._timer.cancel()
        due = self._sessions.due
        self._timer = self._later(max(0.0, due - self._now()), self._expire) if due is not None else None

    def _expire(self) -> None:
        """Give up those whose grace is over, in this turn as many as its share of hearers allows."""
        self._timer, reached = None, 0
        for session in self._sessions.expired(self._now()):
            room = self._hub.rooms.get(session.room)
            self._give_up(session.stream)
            reached += len(room.members) + 1 if room else 1
            if reached >= self._hub.limits.hearers_a_turn:
                break
        self._watch()

    def _give_up(self, stream: str) -> None:
        """Let a session go that didn't come back."""
        peer = self._peers.get(stream)
        if peer:
            peer.leave("lost")
            self.forget(peer, "lost")

    def happened(self, news: News) -> None:
        """Forget a session that has left the hub, for whatever word."""
        if isinstance(news, Gone) and news.peer.stream in self._peers:
            self.forget(self._peers[news.peer.stream], news.why)
        elif isinstance(news, Happening) and self.outside.waiting(news.room.name):
            self._later(0, partial(self._let_in, news.room.name))

    def forget(self, peer: Peer, why: str) -> None:
        """Forget a session that has left, or never had a seat."""
        session = self._of.pop(peer.stream, None)
        self._hellos.pop(peer.stream, None)
        self._peers.pop(peer.stream, None)
        self._flights.pop(peer.stream, None)
        self.outside.forget(peer)
        if session:
            self._silence.forget(session)
            self._sessions.end(session, why, self._now(), peer.has_all)

    def room_of(self, stream: str) -> str:
        """Return where the session `stream` sits, or an empty string."""
        return self._of[stream].room if stream in self._of else ""

    def recall(self, stream: str) -> None:
        """Take it that the session `stream` goes on somewhere, though it has left this hub a while ago."""
        self._sessions.recall(stream)

    def let_go(self, stream: str, digest: bytes, tries: int) -> None:
        """Let a session go that has come to another machine with a higher `try` than here."""
        session = self._of.get(stream)
        if session is None or session.digest != digest or session.tries >= tries:
            return
        peer, before = self._peers[stream], session.link
        session.link = peer.link = None
        if isinstance(before, Connection):
            hang_up_replaced(before)
        peer.leave("moved")
        self.forget(peer, "moved")

    def send_away(self, peer: Peer) -> Json:
        """Let a session go to a room on another machine; return the hello with which it comes there.

        A digest stands in it for the secret. What is no session has none.
        """
        session = self._of.get(peer.stream)
        if session is None:
            return {}
        blocks = peer.dialect is self._dialects.blocks
        self.forget(peer, "moved")
        peer.session, peer.gots = False, None
        names = {"session": session.digest.hex(), "stream": session.stream, "name": peer.wanted_name or peer.name}
        wishes = {"listens": session.listens, "live": session.live, "blocks": blocks}
        return {"chatterbox": 1, **names, "try": session.tries, "grace": session.grace, **wishes}

    # -- what a session says ---------------------------------------------------------------------------------------

    def handle(self, connection: Connection, piece: Piece) -> None:
        """Do what only a session asks."""
        peer = connection.peer
        if isinstance(piece, Numbered):
            self._send(peer, piece)
        elif isinstance(piece, Got):
            self.got(peer, *piece)
        elif isinstance(piece, Ping):
            peer.tell(Message("pong", {}))
        elif isinstance(piece, Dropped):
            fields = {"code": "long", "text": piece.text, "n": piece.n, "to": piece.to}
            peer.tell(Message("error", fields | ({"private": True} if piece.private else {})))
        elif isinstance(piece, Goodbye):
            self._goodbye(peer, piece)
        elif isinstance(piece, Unreadable):
            peer.end(*piece)

    def _send(self, peer: Peer, thing: Numbered) -> None:
        """Say something numbered in the room; in a pair no more than may be un-got, a block, and one got in part."""
        if thing.to and peer.room and peer.room.is_pair:
            flight = self._flights.setdefault(peer.stream, Flight())
            flight.said(thing)
            if flight.size > SESSION_LIMIT + LARGEST_BLOCK + LARGEST_SAY:
                peer.end("flood", "more was said than the other end has got")
        if peer.room:
            peer.room.apply(Sent(peer, thing))

    def got(self, peer: Peer, to: str, n: int, private: bool = False) -> None:
        """Pass on that `peer` has shown the lines of the end `to` up to `n`."""
        session = self._of.get(peer.stream)
        if session and not private:
            self._sessions.acknowledged(session, to, n)
        room = self._hub.rooms.get(peer.room.name) if peer.room else None
        other = room.audience.of_stream(to) if room else None
        if other and other is not peer and room and room.is_pair and to in self._of:
            self._flights.setdefault(to, Flight()).got(peer.stream, n)
        if other and other is not peer:
            other.acknowledged(peer, n, private)

    def _wait_outside(self, connection: Connection, session: Session, hello: Hello) -> None:
        """Let a session that hears nothing wait for somebody to hear it."""
        peer = connection.peer
        self._hellos.pop(peer.stream, None)
        self._sessions.seat(session, "")
        self._attach(session, hello, connection)
        connection.open()
        if not self.outside.wait(peer):
            peer.end("full", f"too many wait for room {peer.wanted_room} already")
            return
        peer.extras = self._extras(session, peer)
        peer.tell(Message("welcome", welcome(self._hub.mode, peer.wanted_room, peer, ())))
        self._later(0, lambda: self._let_in(peer.wanted_room))

    def _let_in(self, room: str) -> None:
        """Let the next one that waits outside sit down, if there is somebody to hear it."""
        peer = self.outside.next(room)
        if peer:
            self.outside.forget(peer)
            self._hub.seat(peer)

    def _goodbye(self, peer: Peer, said: Goodbye) -> None:
        session = self._of.get(peer.stream)
        for stream, n in said.got.items():
            if session:
                self._sessions.acknowledged(session, stream, n)
        peer.has_all = said.finished
        peer.end("quit") if said.why == "quit" else peer.end("lost", "")
