"""A hub for the simulation of sessions: a minimal room around the real table of seats and the real agents."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from chatterbox.connections.sessions import Fault, Hello, Sessions, read_hello
from chatterbox.wire.numbered import Numbered, from_verb, in_pieces, to_event

from .session_bytes import MAX_LINE, HubSide
from .session_bytes import in_pieces as in_bytes
from .session_links import Link, Message
from .session_plain import GRACE, Plains, Seat, pieces

if TYPE_CHECKING:
    from .session_world import World

SILENCE = 60.0
MOST_UNSENT = 64
"""Messages unsent to one session in a larger room, beyond which its link is cut."""


class Hub:
    """Everything that a hub does for sessions; it dies when the world says so."""

    def __init__(self, world: World, seats: int) -> None:
        self.world = world
        self.seats = seats
        self.dead = False
        self.knows_blocks = (world.seed + world.lives) % 5 > 0
        self.sides: dict[Link, HubSide] = {}
        """How each link of bytes is read."""
        self.sessions = Sessions(most_grace=GRACE)
        self.by_stream: dict[str, Seat] = {}
        self.rooms: dict[str, list[Seat]] = defaultdict(list)
        self.outside: dict[str, list[Seat]] = defaultdict(list)
        self.links: list[Link] = []
        self.plains = Plains(self)
        self.tick()

    # -- time ---------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        if self.dead:
            return
        now = self.world.clock.now
        for link in list(self.links):
            seat = link.seat
            if seat and seat.link is link and now - link.heard_at > SILENCE:
                if seat.session:
                    self.cut(link)
                elif seat.agent.unacknowledged:
                    self.leave(seat, "lost")
        self.links = [link for link in self.links if link.seat and link.seat.link is link]
        for session in self.sessions.expired(now):
            self.leave(self.by_stream[session.stream], "lost")
        self.world.clock.later(5, self.tick)

    def kill(self) -> None:
        self.dead = True
        for link in self.links:
            link.cut(told=True)

    # -- what comes ---------------------------------------------------------------------------------------------

    def receive(self, link: Link, message: Message) -> None:
        if self.dead:
            return
        link.heard_at = self.world.clock.now
        seat: Seat | None = link.seat
        if "bytes" in message:
            self.sides[link].receive(link, message["bytes"])
        elif "chatterbox" in message:
            if message.get("blocks") is True and self.knows_blocks:
                link.in_bytes, self.sides[link] = in_bytes, HubSide(self)
            self.hello(link, message)
        elif "plain" in message:
            self.plains.arrive_plain(link, message)
        elif seat is None or seat.link is not link:
            return
        elif message.get("fin"):
            self.cut(link) if seat.session else self.plains.fin(seat)
        elif seat.agent:
            self.plains.plain_sent(seat, message)
        else:
            self.obey(seat, message)

    def cut(self, link: Link) -> None:
        seat: Seat = link.seat
        kept = self.sessions.cut(seat.session, link, self.world.clock.now) if seat.session else None
        if kept is None:
            return
        link.close("hub")
        seat.link = link.seat = None
        if kept:
            self.tell(seat, {"event": "away", "name": seat.name, "stream": seat.stream})
        else:
            self.leave(seat, "lost")

    def hello(self, link: Link, sent: Message) -> None:
        hello = read_hello(sent)
        now, room, sessions = self.world.clock.now, sent["room"], self.sessions
        if isinstance(hello, Fault):
            self.world.clock.fail(f"a hello is refused: {hello.text}")
            return
        arrival = sessions.arrive(hello, room, "", now)
        if arrival.evicted:
            self.leave(self.by_stream[arrival.evicted.stream], "lost")
        if arrival.session is None:
            self.refuse(link, arrival.closed)
            return
        session, how = arrival.session, "back"
        if not arrival.known:
            seat = Seat(session.stream, sent["name"], session)
            if not self.place(seat, hello, room, link):
                return
            how = "joined"
        else:
            seat = self.by_stream[session.stream]
            if session.room and room != session.room and self.free(room):
                self.depart(seat, "moved")
                self.sit(seat, room)
                how = "joined"
        old = sessions.attach(session, hello, link)
        if isinstance(old, Link) and old is not link:
            old.send("hub", {"event": "closed", "why": "replaced"})
            old.close("hub")
            old.seat = None
        seat.link, link.seat = link, seat
        if sent["name"] not in [other.name for other in self.others(seat)]:
            seat.name = sent["name"]
        seat.name = seat.name or sent["name"] + "-2"
        self.links.append(link)
        self.welcome(seat, sessions.fate(hello, session, now), room)
        if session.room:
            self.tell(seat, self.card(seat, how))
        self.let_in(room)

    def place(self, seat: Seat, hello: Hello, room: str, link: Link) -> bool:
        """Find a seat for a session that has none."""
        session = seat.session
        assert session is not None
        if not hello.listens:
            self.sessions.seat(session, "")
            self.by_stream[seat.stream] = seat
            self.outside[room].append(seat)
            return True
        if not self.free(room):
            ghost = self.sessions.yields([other.session for other in self.rooms[room] if other.session], hello)
            if ghost:
                self.leave(self.by_stream[ghost.stream], "lost")
        if not self.free(room):
            members = self.rooms[room]
            if any(o.session and o.session.reserved for o in members) and any(o.stream == hello.partner for o in members if o.here):
                self.world.clock.fail("refused by a reservation though its partner sits there")
            self.refuse(link, "full")
            return False
        self.sit(seat, room)
        if self.seats == 2 and len(self.rooms[room]) == 1:
            reserved = self.sessions.reserve(hello, room, self.world.clock.now)
            if reserved:
                ghost_seat = Seat(reserved.stream, "", reserved)
                ghost_seat.room = room
                self.by_stream[reserved.stream] = ghost_seat
                self.rooms[room].append(ghost_seat)
        return True

    def let_in(self, room: str) -> None:
        """One sender that doesn't listen sits down where one listener and a free seat are."""
        members = self.rooms[room]
        waiting = self.outside[room]
        if waiting and self.free(room) and len(members) == 1 and members[0].listens and members[0].here:
            seat = waiting.pop(0)
            self.sit(seat, room)
            if seat.link:
                self.welcome(seat, None, room)
            self.tell(seat, self.card(seat, "joined"))

    def refuse(self, link: Link, why: str) -> None:
        link.send("hub", {"event": "closed", "why": why})
        link.close("hub")

    def welcome(self, seat: Seat, fate: object, room: str) -> None:
        ends = [self.card(other, "") for other in self.others(seat)]
        event = {"event": "welcome", "room": seat.room or room, "name": seat.name, "seats": self.seats if self.seats == 2 else None,
                 "stream": seat.stream, "grace": GRACE, "ends": ends}  # fmt: skip
        if fate:
            event["left"] = fate
        if self.world.tells_limit:
            event["max_line"] = MAX_LINE
        assert seat.link is not None
        if seat.link.in_bytes:
            event["blocks"] = True
        seat.link.send("hub", event)

    def card(self, seat: Seat, event: str) -> Message:
        card = {"name": seat.name, "stream": seat.stream, "session": seat.agent is None, "away": not seat.here}
        return card | ({"event": event} if event else {}) | ({} if seat.listens else {"listens": False})

    # -- rooms --------------------------------------------------------------------------------------------------

    def free(self, room: str) -> bool:
        return len(self.rooms[room]) < self.seats

    def others(self, seat: Seat) -> list[Seat]:
        return [other for other in self.rooms[seat.room] if other is not seat] if seat.room else []

    def sit(self, seat: Seat, room: str) -> None:
        seat.room = room
        self.by_stream[seat.stream] = seat
        self.rooms[room].append(seat)
        if seat.session:
            self.sessions.seat(seat.session, room)
        if seat.agent:
            for other in self.others(seat):
                if other.listens:
                    seat.agent.outbox.meet(other.stream, other.here)

    def depart(self, seat: Seat, why: str, finished: bool = False) -> None:
        for other in self.others(seat):
            got = self.sessions.last_got(seat.session, other.stream) if seat.session else 0
            left = {"event": "left", "name": seat.name, "stream": seat.stream, "why": why, "got": got}
            self.push(other, left | ({"finished": True} if finished else {}))
        room, seat.room = seat.room, ""
        if seat in self.rooms[room]:
            self.rooms[room].remove(seat)
            self.let_in(room)

    def leave(self, seat: Seat, why: str, finished: bool = False) -> None:
        if seat.gone:
            return
        seat.gone = True
        self.depart(seat, why, finished)
        for waiting in self.outside.values():
            if seat in waiting:
                waiting.remove(seat)
        if self.by_stream.get(seat.stream) is seat:
            del self.by_stream[seat.stream]
        if seat.session:
            self.sessions.end(seat.session, why, self.world.clock.now, finished)
        if seat.link:
            seat.link.close("hub")
            seat.link.seat = None
            seat.link = None

    def tell(self, seat: Seat, event: Message) -> None:
        for other in self.others(seat):
            self.push(other, event)

    def push(self, to: Seat, event: Message, block: bytes = b"") -> None:
        """Let one member hear of another."""
        if to.agent is None:
            if to.link:
                to.link.send("hub", event, block)
                if self.seats > 2 and to.link.unsent > MOST_UNSENT:
                    self.cut(to.link)
            return
        kind, stream = event["event"], event["stream"]
        if kind in ("joined", "back") and event.get("listens") is not False:
            to.agent.outbox.meet(stream, not event["away"])
        elif kind == "away":
            to.agent.outbox.away(stream)
        elif kind == "left":
            to.agent.outbox.left(stream, event["got"])
        self.plains.pump(to)
        if kind == "left" and to.agent.finished and self.seats == 2 and not to.gone:
            self.leave(to, "quit")

    # -- sessions -----------------------------------------------------------------------------------------------

    def obey(self, seat: Seat, sent: Message) -> None:
        verb, link, session = sent["verb"], seat.link, seat.session
        assert link is not None and session is not None
        if verb == "ping":
            link.send("hub", {"event": "pong"})
        elif verb == "got":
            self.route_got(seat, sent["to"], sent["n"], sent.get("private") is True)
        elif verb == "quit":
            for stream, n in sent["got"].items():
                self.sessions.acknowledged(session, stream, n)
            link.send("hub", {"event": "closed", "why": "quit"})
            self.leave(seat, sent.get("why", "quit"), sent.get("finished") is True)
        elif verb == "join":
            self.join(seat, sent["room"])
        elif verb == "nick":
            self.rename(seat, link, sent["name"])
        else:
            self.say(seat, link, sent)

    def rename(self, seat: Seat, link: Link, name: str) -> None:
        if name in [other.name for other in self.others(seat)]:
            link.send("hub", {"event": "error", "code": "name", "text": "taken"})
            return
        renamed = {"event": "renamed", "name": seat.name, "to": name, "stream": seat.stream}
        seat.name = name
        link.send("hub", renamed | {"own": True})
        self.tell(seat, renamed)

    def say(self, seat: Seat, link: Link, sent: Message) -> None:
        thing = from_verb(sent)
        if thing is None:
            self.world.clock.fail(f"a verb is not understood: {sent}")
            return
        for piece in in_pieces(thing, pieces(thing.block)) if thing.block else [thing]:
            if piece.kind == "missing":
                link.send("hub", {"event": "error", "code": "long", "n": piece.n, "to": thing.to, "text": "too long"})
            self.route(seat, piece)

    def join(self, seat: Seat, room: str) -> None:
        assert seat.link is not None
        if room != seat.room and not self.free(room):
            seat.link.send("hub", {"event": "error", "code": "room", "text": "full"})
            return
        if room != seat.room:
            self.depart(seat, "moved")
            self.sit(seat, room)
            self.welcome(seat, None, room)
            self.tell(seat, self.card(seat, "joined"))
            self.let_in(room)
        else:
            self.welcome(seat, None, room)

    def route(self, speaker: Seat, thing: Numbered) -> None:
        """A `to` that doesn't sit in this room is nobody: the speaker's copy is safe."""
        for other in self.others(speaker):
            if thing.to not in ("", other.stream):
                continue
            if other.agent is None:
                behind = bool(other.link and other.link.in_bytes and thing.kind == "say" and thing.block)
                event = to_event(thing, speaker.name, speaker.stream, behind)
                self.push(other, event, thing.block if behind else b"")
            else:
                self.plains.let_plain_hear(other, speaker, thing)

    def route_got(self, seat: Seat, to: str, n: int, private: bool) -> None:
        if seat.session and not private:
            self.sessions.acknowledged(seat.session, to, n)
        for other in self.others(seat):
            if other.stream != to:
                continue
            if other.agent is None:
                self.push(other, {"event": "got", "stream": seat.stream, "n": n} | ({"private": True} if private else {}))
            else:
                other.agent.outbox.got(seat.stream, n, private)
                self.plains.pump(other)
