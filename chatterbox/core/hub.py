"""A hub knows every room by name.

A room is made when somebody first joins it and gone when the last one leaves. The hub does not know what connects
peers to it, and it has no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from ..limits import Limits
from ..wire.dialects import Message
from ..wire.names import clash
from .events import Joined, News, Observer, Seated, Staged
from .modes import MODES, Mode
from .notices import Soon
from .peer import Peer, Place
from .room import Room
from .rules import RULES
from .seating import HERE, Here, Home, Homes, Knock, Seeking


class Refusal(NamedTuple):
    """Why a peer gets no seat: a word of the closed set, and one sentence."""

    why: str = ""
    text: str = ""


NOTHING = Refusal()
"""Why a peer gets a seat."""


class Hub:
    """Every room, by name.

    Args:
        mode: the row of data by which all rooms of this hub go.
        limits: the bounds that strangers meet.
        observers: told what happens.
        homes: who knows where rooms live.
    """

    def __init__(
        self,
        mode: Mode = MODES["pair"],
        limits: Limits = Limits(),
        observers: Sequence[Observer] = (),
        homes: Homes = Here(),
    ) -> None:
        self.mode = mode
        self.limits = limits
        self.rooms: dict[str, Room] = {}
        self.observers = list(observers)
        """Who is told what happens."""
        self._homes = homes
        self._is_alone = isinstance(homes, Here)
        """Whether every room lives here, and nobody need be asked."""
        self._observe, self._when_empty = self.happened, self._close
        """What rooms call: one method of each for all of them."""
        self.soon: Soon = _at_once
        """Calls a function when this turn of the reactor is over; by default at once."""
        self._first: Room | None = None
        """The room of the first conversation."""

    def happened(self, news: News) -> None:
        """Tell every observer."""
        for observer in self.observers:
            observer.happened(news)

    def announce(self, name: str, block: bytes) -> None:
        """Let everyone in every room hear the clean lines of `block` from `name`, who sits in none."""
        for room in tuple(self.rooms.values()):
            room.audience.notices.tell()
            for member in tuple(room.members):
                member.hear(member.dialect.said(name, f"{name}: ".encode(), block, False))

    # -- seats -------------------------------------------------------------------------------------------------

    def seat(self, peer: Peer) -> None:
        """Give `peer` its first seat, in the room that it wants, or hang up with the reason why not."""
        if self._is_alone:
            self._seat(peer, HERE)
        else:
            Seeking(self._homes, peer, peer.wanted_room, partial(self._seat, peer), partial(peer.end, "lost"))

    def _seat(self, peer: Peer, home: Home, has_knocked: bool = False) -> None:
        name = peer.wanted_room
        place, fault = self._place_for(peer, name, home)
        if place:
            self._enter(peer, place)
            if isinstance(place, Room):  # of a room elsewhere it isn't known yet whether it takes the peer in
                self.happened(Seated(place.name, peer))
        elif has_knocked or not self._knocks(peer, fault, name, partial(self._seat, peer), partial(peer.end, "lost")):
            peer.end(fault.why, fault.text + (", try another room" if fault.why == "full" else ""))

    def move(self, peer: Peer, name: str) -> None:
        """Take `peer` from its room to another, if that has a seat and nobody of its name; else say why not."""

        def refuse(text: str) -> None:
            peer.refuse("room", f"not moved: {text}")

        def found(home: Home, has_knocked: bool = False) -> None:
            place, fault = self._place_for(peer, name, home)
            if place is None:
                if has_knocked or not self._knocks(peer, fault, name, found, refuse):
                    refuse(fault.text)
                return
            peer.wanted_room = name
            peer.rise("moved")
            peer.tell(Message("moved", {"room": name}))
            if not peer.gone:  # it may have been too much for one who reads nothing
                self._enter(peer, place)

        Seeking(self._homes, peer, name, found, refuse)

    def _knocks(
        self, peer: Peer, fault: Refusal, name: str, found: Callable[..., None], give_up: Callable[[str], None]
    ) -> bool:
        """Ask those who only listen in the room called `name`, if nothing else hinders `peer`; return whether so."""
        room = self.rooms.get(name)
        if fault.why != "full" or not room or room.has_seat or not room.listeners or not peer.link:
            return False
        Seeking(Knock(room, peer.link), peer, name, lambda home: found(home, True), give_up)
        return True

    def _place_for(self, peer: Peer, name: str, home: Home) -> tuple[Place | None, Refusal]:
        """Return the place called `name` if `peer` may sit there, else the reason why not."""
        if home.place or home.fault:
            return home.place, Refusal("lost", home.fault)
        room = self.rooms.get(name)
        if room is None:
            return self._open(name), NOTHING
        fault = self._refusal(peer, room)
        return (None, fault) if fault else (room, NOTHING)

    def _refusal(self, peer: Peer, room: Room) -> Refusal | None:
        """Return why `peer` can't sit in `room`: for its name first, for want of a seat last."""
        if peer.wanted_name and not peer.session and (fault := self.name_conflict(peer, room.name, peer.wanted_name)):
            return Refusal("kicked", fault)
        if not room.has_seat:
            return Refusal("full", f"room {room.name} has no free seat{_kept(room)}")
        if room.members and not (peer.listens or any(member.listens and not member.away for member in room.members)):
            return Refusal("full", f"nobody in room {room.name} listens{_kept(room)}")
        return None

    def name_conflict(self, peer: Peer, room: str, name: str) -> str:
        """Return why `peer` can't be called `name` in `room`, or an empty string."""
        if self.mode.names_are_given:
            return ""
        there = self.rooms[room].audience.like(name, peer) if room in self.rooms else None
        return clash(name, there.name) if there else ""

    def _enter(self, peer: Peer, place: Place) -> None:
        if isinstance(place, Room):
            self.rooms[place.name] = place
            if self._first is None and place.members:
                self._first = place
        peer.sit(place)
        place.apply(Joined(peer))

    def is_waited_for_no_more(self, name: str) -> None:
        """Take it that nobody waits outside the room called `name`: if nobody is in it either, it may live anywhere."""
        if name not in self.rooms:
            self._homes.release(name)

    def _open(self, name: str) -> Room:
        return RULES[self.mode.rule](name, self.mode, self.limits, self._observe, self._when_empty, self.soon)

    def _close(self, room: Room) -> None:
        """Forget an empty room at once."""
        if self.rooms.get(room.name) is room:
            del self.rooms[room.name]
            self._homes.release(room.name)
        if room is self._first:
            self.happened(Staged("over"))


def _kept(room: Room) -> str:
    """Return for whom the seats of `room` are kept, as the end of a sentence."""
    waits = [f"{member.name} until {member.kept_until}" for member in room.members if member.away]
    return f": it waits for {' and '.join(waits)}" if waits else ""


def _at_once(call: Callable[[], None]) -> None:
    call()
