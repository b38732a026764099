"""Plain peers of the simulated hub: their agents are the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chatterbox.connections.agent import Agent
from chatterbox.connections.sessions import Session
from chatterbox.wire.numbered import Numbered

from .session_links import Link, Message

if TYPE_CHECKING:
    from .session_hub import Hub

GRACE = 60.0
TOO_LONG = b"long"
"""Lines that begin so are dropped by the hub."""


class Seat:
    """A member of a room."""

    def __init__(self, stream: str, name: str, session: Session | None = None, agent: Agent | None = None) -> None:
        self.stream = stream
        self.name = name
        self.session = session
        self.agent = agent
        self.link: Link | None = None
        self.room = ""
        self.gone = False
        self.total = 0
        self.inbox: list[Message] = []

    @property
    def here(self) -> bool:
        return self.agent is not None or self.link is not None

    @property
    def listens(self) -> bool:
        return self.session is None or self.session.listens


class Plains:
    """What a hub does for plain peers."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def arrive_plain(self, link: Link, message: Message) -> None:
        room = message["room"]
        if not self.hub.free(room):
            self.hub.refuse(link, "full")
            return
        seat = Seat(message["plain"], message["plain"], agent=Agent(message["plain"], self.hub.seats == 2, self.hub.world.limit))
        seat.link, link.seat = link, seat
        self.hub.links.append(link)
        self.hub.sit(seat, room)
        self.hub.tell(seat, self.hub.card(seat, "joined"))
        self.pump(seat)
        self.hub.let_in(room)

    def plain_sent(self, seat: Seat, message: Message) -> None:
        agent = seat.agent
        assert agent is not None
        if "taken" in message:
            agent.taken(message["taken"], self.hub.world.clock.now)
            self.gots_of(seat)
            self.end_plain(seat)
        else:
            seat.inbox.append(message)
            self.read_plain(seat)

    def fin(self, seat: Seat) -> None:
        seat.inbox.append({"fin": True})
        self.read_plain(seat)
        self.hub.world.clock.later(GRACE, lambda: self.hub.dead or self.hub.leave(seat, "lost"))

    def read_plain(self, seat: Seat) -> None:
        """A plain speaker is read as long as its agent takes more."""
        agent = seat.agent
        assert agent is not None
        while seat.inbox and not agent.full and not seat.gone:
            message = seat.inbox.pop(0)
            if message.get("fin"):
                agent.finish()
            else:
                agent.say(message["lines"])
            self.flush(seat)
        self.end_plain(seat)

    def pump(self, seat: Seat) -> None:
        self.flush(seat)
        self.hub.world.clock.later(0, lambda: self.hub.dead or seat.gone or self.read_plain(seat))

    def flush(self, seat: Seat) -> None:
        agent = seat.agent
        assert agent is not None
        things, outcomes = agent.drain()
        for thing in things:
            self.hub.route(seat, thing)
        for outcome in outcomes:
            if seat.link:
                seat.link.send("hub", {"fate": outcome})

    def end_plain(self, seat: Seat) -> None:
        """Who has finished goes when its last word is got, and there is nothing more to hear."""
        agent = seat.agent
        assert agent is not None
        heard = self.hub.seats > 2 or not self.hub.others(seat) or any(agent.hearing.all_of(o.stream) for o in self.hub.others(seat))
        if agent.over and heard and not seat.gone and (self.hub.seats > 2 or self.hub.others(seat)):
            self.hub.leave(seat, "quit")

    def let_plain_hear(self, to: Seat, speaker: Seat, thing: Numbered) -> None:
        agent = to.agent
        assert agent is not None
        new = agent.hear(speaker.stream, thing, self.hub.world.clock.now).thing
        if new.lines:
            to.total += 1
            agent.wrote(to.total)
            if to.link:
                to.link.send("hub", {"from": speaker.stream, "thing": new, "total": to.total})
        self.gots_of(to)

    def gots_of(self, seat: Seat) -> None:
        agent = seat.agent
        assert agent is not None
        for got in agent.gots(self.hub.world.clock.now):
            self.hub.world.clock.later(0, lambda got=got: self.hub.dead or seat.gone or self.hub.route_got(seat, *got))
        if agent.due is not None:
            self.hub.world.clock.later(agent.due - self.hub.world.clock.now + 0.001, lambda: self.hub.dead or seat.gone or self.gots_of(seat))


def pieces(block: bytes) -> Iterator[bytes | None]:
    """Cut a block at the lines that are too long, as the hub's reader does."""
    part = b""
    for line in block.splitlines(keepends=True):
        if line.startswith(TOO_LONG):
            if part:
                yield part
            yield None
            part = b""
        else:
            part += line
    if part:
        yield part
