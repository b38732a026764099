"""A hub knows every room by name; it is the only object that an edge holds.

A room is made when somebody first joins it and gone when the last one leaves. The hub does not know what connects
peers to it: time and timers are handed to it as functions.
"""

from __future__ import annotations

from collections.abc import Callable

from ..connections.admission import Sources
from ..connections.outlet import Transport
from ..limits import Limits
from ..wire.dialects import Bare, Dialect, Event, Json, Keys, Text
from ..wire.reading import JsonReader, Reader, TextReader
from .events import Joined, Left
from .modes import MODES, Mode
from .peer import Delayed, Peer
from .room import Room
from .rules import RULES

Narrate = Callable[..., None]
TIMERS = ("landing", "join", "turn", "rate", "wait", "slow", "silence", "pulse", "abort")
"""What may be done later for a peer."""


def _nothing(*_: object) -> None:
    """Narrate to nobody."""


class Hub:
    """Every room, and the peers who are not in one yet.

    Args:
        later: call a function after so many seconds, as `reactor.callLater` does.
        now: seconds of a clock that never goes back.
        mode: the row of data by which all rooms of this hub go.
        limits: the bounds that strangers meet.
        bare: whether peers are taken for programs that know no newline, until they send one.
        narrate: told what happens in rooms, as `narrate(kind, ...)`; for the console.
        report: told of connections, as `report(kind, room, peer, why)`; for the log.
    """

    def __init__(
        self,
        later: Callable[[float, Callable[[], None]], Delayed],
        now: Callable[[], float],
        mode: Mode = MODES["pair"],
        limits: Limits = Limits(),
        bare: bool = False,
        narrate: Narrate = _nothing,
        report: Narrate = _nothing,
    ) -> None:
        self.later = later
        self._timers: dict[tuple[Peer, str], Delayed] = {}
        self.now = now
        self.mode = mode
        self.limits = limits
        self.narrate = narrate
        self._report = report
        self.bare = bare
        partner = "your partner" if mode.seats == 2 and mode.label == "none" else ""
        self.text: Dialect = Text(partner, mode.asks_name)
        self.keys: Dialect = Keys(partner)
        self.bare_text: Dialect = Bare()
        self.json: Dialect = Json()
        self.text_reader: Reader = TextReader(limits, mode.farewell)
        self.json_reader: Reader = JsonReader(limits, mode.farewell)
        self.rooms: dict[str, Room] = {}
        self.landing: dict[Peer, None] = {}
        """Peers in order of arrival who may still say where they want to be."""
        self.peers: dict[Peer, None] = {}
        """Everyone who is connected, in order of arrival."""
        self._sources = Sources(limits)
        self._when_gone: Callable[[], None] | None = None

    def arrive(
        self,
        transport: Transport,
        address: tuple[str, int] = ("", 0),
        taken: Callable[[], int] = int,
        waited: float = 0,
    ) -> Peer:
        """Make a peer of a new connection; it is in no room until its first line, or the end of its landing.

        Args:
            transport: what carries its bytes.
            address: host and port of the other end.
            taken: returns the bytes that the other machine has acknowledged so far, where the system can tell.
            waited: seconds since the connection was accepted.
        """
        peer = Peer(self, transport, address, taken)
        self.peers[peer] = None
        fault = self._sources.admit(address[0], self.now())
        if self.limits.max_peers and len(self.peers) > self.limits.max_peers:
            fault = "hub is full"
        if self._when_gone:
            peer.end("shutdown", "the hub is shutting down")
        elif fault:
            peer.end("full", fault)
        else:
            self.landing[peer] = None
            self.when_read(peer, "landing", self.limits.landing, peer.settle)
            if self.mode.asks_name:
                self.after(peer, "join", self.limits.join_patience - waited, peer.late)
        return peer

    def host(self, transport: Transport, name: str) -> Peer:
        """Seat the hub's own console at once, under a name that nobody else can take."""
        peer = Peer(self, transport)
        peer.dialect = self.keys if self.mode.rule == "talk" else self.text
        peer.reader = self.text_reader
        peer.wanted = name
        self.peers[peer] = None
        self.seat(peer)
        return peer

    def announce(self, name: str, block: bytes) -> None:
        """Let everyone in every room hear the clean lines of `block` from `name`, who sits in none."""
        for room in tuple(self.rooms.values()):
            for member in tuple(room.members):
                member.hear(member.dialect.said(name, f"{name}: ".encode(), block, False))

    def seat(self, peer: Peer) -> None:
        """Give `peer` a seat in the room it wants, or the reason why not."""
        if self.mode.label == "letter":
            self._seat_earlier(peer)
        room = self.rooms.get(peer.goal) or self._open(peer.goal)
        self.landing.pop(peer, None)
        fault = self.taken(peer, room.name, peer.wanted) if peer.wanted else ""
        if peer.gone or peer.room:
            return
        if not room.free_seats and not room.yield_seat():
            peer.end("full", f"room {room.name} has no free seat, try another room")
        elif fault:
            peer.end("kicked", fault)
        else:
            self._sit(peer, room)
            self._report("seated", room, peer)

    def _seat_earlier(self, peer: Peer) -> None:
        """Who came before `peer` and is still landing sits down before it: X is who connected first."""
        for earlier in tuple(self.landing):
            if earlier is peer:
                return
            earlier.settle()

    def _open(self, name: str) -> Room:
        return RULES[self.mode.rule](name, self.mode, self.limits, self.narrate, self._close)

    def _close(self, room: Room) -> None:
        """An empty room is gone at once."""
        if self.rooms.get(room.name) is room:
            del self.rooms[room.name]
        if self.mode.once and room.was_shared:
            self.narrate("over")

    def _sit(self, peer: Peer, room: Room) -> None:
        self.rooms[room.name] = room
        peer.room = room
        peer.goal = room.name
        peer.seated()
        room.apply(Joined(peer))

    def move(self, peer: Peer, name: str) -> None:
        """Take `peer` from its room to another, if that has a seat and nobody of its name; else say why not."""
        room = self.rooms.get(name) or self._open(name)
        fault = self.taken(peer, name, peer.wanted) if peer.wanted else ""
        if not room.free_seats and not room.yield_seat():
            fault = f"room {name} has no free seat"
        if fault:
            peer.refuse("room", f"not moved: {fault}")
            return
        self._rise(peer, "quit")
        peer.tell(Event("moved", {"room": name}))
        if not peer.gone:  # it may have been too much for one who reads nothing
            self._sit(peer, room)

    def taken(self, peer: Peer, room: str, name: str) -> str:
        """Return why `peer` can't be called `name` in `room`, or an empty string."""
        if self.mode.label in ("letter", "port", "address"):
            return ""
        there = self.rooms[room].names.get(name.casefold()) if room in self.rooms else None
        return f"the name {name} is taken" if there and there is not peer else ""

    def depart(self, peer: Peer, why: str) -> None:
        """Forget `peer`; its room hears of it, and the log of one who had none."""
        self.landing.pop(peer, None)
        if peer.room or why not in ("quit", "shutdown"):
            self._report("gone" if peer.room else "refused", peer.room, peer, why)
        self._rise(peer, why)

    def forget(self, peer: Peer) -> None:
        """The connection of `peer` is closed."""
        if self.peers.pop(peer, self) is self:
            return
        self._sources.release(peer.address[0])
        for what in TIMERS:
            self.never(peer, what)
        self._look_if_gone()

    # -- timers: kept here, since an idle peer has none ------------------------------------------------------

    def after(self, peer: Peer, what: str, seconds: float, call: Callable[[], None]) -> None:
        """Do one thing for `peer` once, later; a second call for the same thing replaces the first."""

        def now() -> None:
            del self._timers[peer, what]
            try:
                call()
            except BaseException:
                peer.cut()  # a fault ends its connection and no other; the reactor logs it
                raise

        self.never(peer, what)
        self._timers[peer, what] = self.later(seconds, now)

    def when_read(self, peer: Peer, what: str, seconds: float, call: Callable[[], None]) -> None:
        """Do one thing later, but not before what has come until then is read.

        A reactor that was held up runs what is due before it reads its sockets; one more turn, and it has.
        """
        self.after(peer, what, seconds, lambda: self.after(peer, what, 0, call))

    def never(self, peer: Peer, what: str) -> None:
        """Don't do it, if it was to be done."""
        timer = self._timers.pop((peer, what), None)
        if timer:
            timer.cancel()

    def _rise(self, peer: Peer, why: str) -> None:
        room = peer.room
        if room is None:
            return
        peer.room = None
        peer.release()
        room.apply(Left(peer, why))

    def stop(self, when_gone: Callable[[], None], text: str = "the hub is shutting down") -> None:
        """Tell everyone and hang up; what was accepted is sent first, and who doesn't take it is cut in time."""
        self._when_gone = when_gone
        for peer in tuple(self.peers):
            peer.end("shutdown", text)
        self._look_if_gone()

    def cut(self) -> None:
        """End every connection now."""
        for peer in tuple(self.peers):
            peer.cut()

    def _look_if_gone(self) -> None:
        if self._when_gone and not self.peers:
            when_gone, self._when_gone = self._when_gone, None
            when_gone()
