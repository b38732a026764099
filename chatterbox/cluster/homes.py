"""A home is the node where a room lives: this one, or another, where this node's people are its guests.

If an owner dies, its guests' nodes ask again, one of them becomes the owner, and all go on there. This module knows
nodes, rooms and seats. It does not know Redis, or what is said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial

from . import frames
from .channel import Channel, Far
from .claims import Claims, Home, Then
from .confirmations import Confirmations
from .engine import PATIENCE, Engine, Later
from .frames import Opening, Place, opening_of, words_of
from .house import House
from .links import Links
from .roster import Roster
from .visit import Guest, Visit, nothing

AGAIN, AGAIN_MOST = 0.05, 1.0
"""Seconds until a room is asked for again whose owner says that it isn't: at first, and at most (it doubles)."""

CUT_OFF = "this hub was cut off from the others; connect again"
GONE_ON = "the hub that kept this room is gone; going on with the others"
DOWN = "the link to the other hub is down; what you say waits"
BACK = "the link to the other hub is back"


class Cluster:
    """This node among the others.

    Args:
        name: what the operator calls this node.
        engine: what all nodes can reach.
        later: call a function after so many seconds.
        fresh: returns eight random hex digits.
        house: the hub here.
        patience: seconds without a beat after which a node is evicted.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        later: Later,
        fresh: Callable[[], str],
        house: House,
        patience: float = PATIENCE,
    ) -> None:
        self._engine = engine
        self._later = later
        self._house = house
        self.roster = Roster(name, engine, later, fresh, self, patience)
        self._begin()
        self.claims = Claims(engine, later, self)
        self.detached: set[str] = set()
        """Whole rooms that live here, though the engine has another owner for the name."""
        self.visits: dict[int, Visit] = {}
        """Our people's seats elsewhere, by channel."""
        self.seeking: dict[Visit, None] = {}
        """Visits that have no owner now."""
        self.channels: dict[tuple[str, int], Channel] = {}
        """Other nodes' people here."""
        self._home_early: dict[str, list[tuple[Guest, Opening]]] = {}
        """Who came home to a room that settles, and may not speak yet; and as whom."""
        self.outages = 1
        """How often the way to the other nodes was lost, or came back: an odd number while it is lost."""
        self._numbers = 0
        self._is_told_down = self._is_leaving = False

    def _begin(self) -> None:
        """Begin, or begin anew, as a node with which nobody has spoken yet."""
        self.links = Links(self.roster.me, self._engine, self._later, self)
        self.confirmations = Confirmations(self.links)

    # -- the engine comes and goes -----------------------------------------------------------------------------

    def is_up(self) -> None:
        """The engine can be reached."""
        self.roster.is_up()

    def is_down(self) -> None:
        """The engine can't be reached: rooms that live here whole go on, and who speaks to others waits."""
        was_registered = self.outages % 2 == 0
        self.outages += was_registered
        self.links.is_down()
        self.roster.is_down()
        self.claims.is_down()
        if was_registered and not self._is_leaving:
            self._is_told_down = True
            self._tell_who_shares(DOWN)

    def unregistered(self) -> None:
        """This node is not in the table: what is asked now would be asked of an engine that knows nothing."""
        self.claims.is_down()

    def registered(self, is_new_epoch: bool, is_young: bool) -> None:
        """This node is in the table (again): claim what is ours, say what waited, ask what we want to know."""
        self.outages += self.outages % 2
        if is_new_epoch:
            self._house.note("the engine had forgotten everything; claiming our rooms again")
        self.claims.registered(self.roster.me, is_young)
        self.links.is_up()
        if self._is_told_down:
            self._is_told_down = False
            self._tell_who_shares(BACK)

    def _tell_who_shares(self, text: str) -> None:
        for visit in (*self.visits.values(), *self.seeking):
            if visit.is_seated:
                visit.guest.tell(text)
        for room in {channel.room for channel in self.channels.values()}:
            for guest in () if self._house.is_whole(room) else tuple(self._house.locals(room)):
                guest.tell(text)

    def heard(self, payload: bytes) -> None:
        """A payload was in our inbox."""
        self.links.heard(payload)

    def is_fenced(self) -> None:
        """The engine refuses what we say; its answer to a beat tells why."""
        self.roster.beat()

    def fenced(self) -> None:
        """The others went on without us: who shared a room with them is told; whole rooms are claimed again."""
        self._house.note("the other hubs took this one for dead; people who shared rooms with them are let go")
        self.outages += self.outages % 2 == 0
        self.claims.forget_owed()
        self.links.is_down()
        self._begin()
        shared = {channel.room for channel in self.channels.values()}
        for channel in tuple(self.channels.values()):
            channel.lose("lost")
        for room in shared:
            self._let_go(room)
        for visit in (*self.visits.values(), *self.seeking):
            self.forget(visit)
            visit.guest.end("lost", CUT_OFF)

    def replaced(self) -> None:
        """Another hub runs under our name."""
        self._house.replaced()

    def known_nodes(self) -> Iterable[str]:
        """Return the nodes with which anything is shared."""
        return {*self.links.nodes, *(node for node, _ in self.channels), *(v.owner for v in self.visits.values())}

    def leave(self, then: Callable[[str | None], None]) -> None:
        """This hub ends: say what is to be said, and let the others go on at once."""
        self._is_leaving = True
        self.links.flush()
        for channel in self.channels.values():
            channel.is_closed = True
        self.links.is_down()
        self.claims.is_down()
        self.claims.stop()
        self.roster.leave(then)

    # -- rooms that live here ----------------------------------------------------------------------------------

    def find(self, room: str, then: Then, is_back: bool = False) -> Callable[[], None]:
        """Call `then` once with the home of `room`, now or later, unless the returned function is called before."""
        return self.claims.find(room, then, is_back)

    def release(self, room: str) -> None:
        """`room` is empty."""
        self.detached.discard(room)
        self.claims.release(room)

    def left(self, room: str) -> None:
        """Somebody has left `room`: nobody can come to a detached one, so the last one there is told."""
        if room in self.detached:
            remaining = tuple(self._house.locals(room))
            if len(remaining) == 1:
                remaining[0].end("lost", CUT_OFF)

    def give_up(self, room: str) -> None:
        """One of a detached room's two sits elsewhere by now, where the other one may come, too."""
        self.detached.discard(room)
        for guest in tuple(self._house.locals(room)):
            guest.end("lost", CUT_OFF)

    def keeps(self, room: str) -> bool:
        """`room` lives here from now on, a detached one again; return whether anybody sits there."""
        self.detached.discard(room)
        return self._house.is_open(room)

    def settled(self, room: str) -> None:
        """All are back in `room` who could come: they may speak."""
        for guest, opening in self._home_early.pop(room, ()):
            self._miss_partner(guest, opening)
            guest.release("settle")
        for channel in tuple(self.channels.values()):
            if channel.room == room and channel.is_muted:
                channel.is_muted = False
                self._miss_partner(channel.far, channel.opening)
                channel.feed()

    @staticmethod
    def _miss_partner(guest: Guest | Far | None, opening: Opening) -> None:
        """Let somebody who is back in a room go on without the partner that it had there, if that isn't back."""
        if guest and opening.partner:
            guest.miss(opening.partner, opening.stream, opening.is_left)

    def is_taken(self, room: str) -> None:
        """Another node has a room of ours: a whole one stays as it is, and others are let go."""
        if self._house.is_whole(room):
            self._house.note(f"another hub has taken the name of room {room!r}; those who are in it go on here")
            self.detached.add(room)
        self._let_go(room)

    def _let_go(self, room: str) -> None:
        """Nobody else comes to `room` any more: tell who is there or waits for it, but for a pair that needs nobody."""
        for channel in tuple(self.channels.values()):
            if channel.room == room and channel.far:
                channel.far.end("lost", CUT_OFF)
        members = () if self._house.is_whole(room) else self._house.locals(room)
        for guest in (*members, *self._house.outside(room)):
            guest.end("lost", CUT_OFF)

    # -- our people elsewhere ----------------------------------------------------------------------------------

    def visit(self, guest: Guest, opening: Opening, owner: str) -> Visit:
        """Seat `guest` in a room that lives at `owner`."""
        visit = Visit(guest, opening)
        self._open(visit, owner)
        return visit

    def _open(self, visit: Visit, owner: str) -> None:
        self._numbers += 1
        self.visits[self._numbers] = visit
        visit.open(owner, self._numbers, partial(self.links.send, owner))

    def forget(self, visit: Visit) -> None:
        """This visit is over."""
        visit.cancel()
        self.seeking.pop(visit, None)
        self.confirmations.forget_visit(visit)
        self.visits.pop(visit.number, None)

    def leave_visit(self, visit: Visit, why: str) -> None:
        """The guest is gone."""
        visit.leave(why)
        self.forget(visit)

    def _seek(self, visit: Visit, wait: float = 0) -> None:
        """Find a new home for a visit whose owner is gone."""
        self.forget(visit)
        visit.lose_owner()
        self.seeking[visit] = None
        if wait:
            visit.cancel = self._later(wait, partial(self._ask_for, visit)).cancel
        else:
            self._ask_for(visit)

    def _ask_for(self, visit: Visit) -> None:
        visit.cancel = nothing
        cancel = self.find(visit.opening.room, partial(self._found, visit), visit.opening.is_back)
        if visit in self.seeking:
            visit.cancel = cancel

    def _found(self, visit: Visit, home: Home) -> None:
        visit.cancel = nothing
        del self.seeking[visit]
        if home.fault:
            visit.guest.end("lost", home.fault)
        elif visit.may_have_said_at(home.owner):
            visit.guest.end("lost", CUT_OFF)
        elif home.owner:
            self._open(visit, home.owner)
        else:
            self._come_home(visit)

    def _come_home(self, visit: Visit) -> None:
        room, guest, had = visit.opening.room, visit.guest, visit.opening.had
        said, has_finished = visit.come_home()
        if self.claims.is_settling(room):
            guest.hold("settle")
            self._home_early.setdefault(room, []).append((guest, visit.opening))
        self.claims.seat(partial(guest.come_home, room, had, said, has_finished))
        if not self.claims.is_settling(room):
            self._miss_partner(guest, visit.opening)

    # -- what other nodes say ----------------------------------------------------------------------------------

    def take(self, node: str, kind: bytes, channel: int, data: bytes) -> None:
        """A frame came from `node`."""
        if kind.islower():
            visit = self.visits.get(channel)
            if visit and visit.owner == node:
                self._hear(visit, kind, data)
        elif kind == frames.OPEN:
            self._opened(node, channel, data)
        elif kind == frames.SEATED:
            self._house.sits_elsewhere(*words_of(data, 4))
        elif here := self.channels.get((node, channel)):
            here.hear(kind, data)

    def _hear(self, visit: Visit, kind: bytes, data: bytes) -> None:
        if kind == frames.HEAR:
            visit.hear(data)
            self.confirmations.owe_taken(visit)
        elif kind == frames.HANDLED:
            visit.handled(data)
        elif kind == frames.PLACE:
            visit.seated(Place(*words_of(data, len(Place._fields))))
        elif kind == frames.CLOSE:
            self.forget(visit)
            visit.guest.end(data.decode(errors="replace"))
        elif kind == frames.MOVE:
            visit.move(*words_of(data, 2))
            self._seek(visit)
        elif kind == frames.REFUSED:
            visit.refused(data.decode(errors="replace"))
            self._seek(visit)
        elif kind == frames.NOT_MINE:
            visit.tries += 1
            self._seek(visit, min(AGAIN * 2 ** min(visit.tries - 1, 9), AGAIN_MOST))

    def _opened(self, node: str, number: int, data: bytes) -> None:
        opening = opening_of(data)
        send = partial(self.links.send, node)
        if opening is None or self._is_leaving:
            send(frames.CLOSE, number, b"lost")
        elif not self.claims.is_wanted(opening.room):
            send(frames.NOT_MINE, number)
            self.claims.disclaim(opening.room)
        else:
            owe = self.confirmations.owe_handled
            channel = Channel(node, number, opening, send, self._later, self._channel_closed, owe)
            self.channels[node, number] = channel
            cancel = self.find(opening.room, partial(self._let_in, channel), opening.is_back)
            if not (channel.far or channel.is_closed):
                channel.cancel = cancel

    def _let_in(self, channel: Channel, home: Home) -> None:
        channel.cancel = nothing
        if home.owner or home.fault:
            self.links.send(channel.node, frames.NOT_MINE, channel.number)
            channel.lose("lost")
        else:
            channel.is_muted = self.claims.is_settling(channel.room)
            channel.far = self._house.visited(channel)
            self.claims.seat(channel.far.sit)
            if not channel.is_muted:
                self._miss_partner(channel.far, channel.opening)
            channel.feed()
            if not channel.is_closed:
                self.confirmations.owe_handled(channel)  # where it sits, if nothing else
                self.links.post_soon()

    def _channel_closed(self, channel: Channel, has_hung_up: bool) -> None:
        self.channels.pop((channel.node, channel.number), None)
        self.confirmations.forget_channel(channel)
        if has_hung_up and channel.far:
            self._later(0, partial(channel.far.lost, "quit"))

    def complete(self) -> None:
        """A POST is about to leave: with it goes the word that what led to it is handled."""
        self.confirmations.complete()

    def seated(self, stream: str, digest: str, tries: int, room: str) -> None:
        """Tell the others that a session has a seat here: one that is kept for it at another machine is free."""
        for node in self.roster.nodes.keys() - {self.roster.me}:
            self.links.send(node, frames.SEATED, 0, json.dumps((stream, digest, str(tries), room)).encode())

    # -- nodes come to an end ----------------------------------------------------------------------------------

    def died(self, node: str) -> None:
        """`node` is dead, and all that it ever said was heard: its guests are lost, and its rooms live elsewhere."""
        self._house.note(f"node {node} is gone")
        self.links.bury(node)
        self._lose_guests_of(node)
        for visit in [visit for visit in self.visits.values() if visit.owner == node]:
            if visit.is_seated:
                visit.guest.tell(GONE_ON)
            visit.owner_died()
            self._seek(visit)
        self.claims.died()

    def cut_off(self, node: str) -> None:
        """`node` took us for dead: it went on without our people."""
        self._house.note(f"node {node} took this one for dead")
        self._lose_guests_of(node)
        for visit in [visit for visit in self.visits.values() if visit.owner == node]:
            self.forget(visit)
            visit.guest.end("lost", CUT_OFF)

    def _lose_guests_of(self, node: str) -> None:
        for channel in [channel for channel in self.channels.values() if channel.node == node]:
            channel.lose("lost")
