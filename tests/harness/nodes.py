"""A small hub and its people, for the cluster's simulation: rooms that hold, slow and end as the real ones do.

`Person` is one end: a peer, its connection and whoever holds it, in one. It says numbered lines and remembers what it
heard. `SmallHub` is the house of one node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chatterbox.cluster.channel import Channel
from chatterbox.cluster.claims import Home
from chatterbox.cluster.homes import Cluster
from chatterbox.cluster.visit import Opening, Visit
from tests.harness.witness import Witness

HIGH_WATER = 64 * 1024


class Room:
    """Who hears each other; two seats, or any number."""

    def __init__(self, hub: SmallHub, name: str, seats: int) -> None:
        self.hub, self.name, self.seats = hub, name, seats
        self.members: dict[Peer, None] = {}
        self.early: list[tuple[Peer, bytes]] = []

    def say(self, speaker: Peer, block: bytes) -> None:
        """Let all others hear it, or hold it for a partner."""
        if self.seats and len(self.members) < 2:
            self.early.append((speaker, block))
            return
        for member in tuple(self.members):
            if member is not speaker:
                member.write(block)

    def join(self, peer: Peer) -> None:
        """Take a seat."""
        self.members[peer] = None
        peer.room = self
        names = ",".join(member.name for member in self.members if member is not peer)
        peer.write(f"-!- welcome {names}\n".encode())
        for member in tuple(self.members):
            if member is not peer:
                member.write(f"-!- joined {peer.name}\n".encode())
        early, self.early = self.early, []
        for speaker, block in early:
            self.say(speaker, block)

    def leave(self, peer: Peer, why: str) -> None:
        """Give up the seat."""
        del self.members[peer]
        peer.room = None
        self.early = []
        for member in tuple(self.members):
            member.write(f"-!- left {peer.name} ({why})\n".encode())
            member.release("room")
        self.hub.cluster.left(self.name)
        if not self.members:
            self.hub.rooms.pop(self.name, None)
            self.hub.cluster.release(self.name)

    def full(self, hearer: Peer) -> None:
        """In a pair the other waits."""
        if self.seats:
            for member in self.members:
                if member is not hearer:
                    member.hold("room")

    def drained(self, hearer: Peer) -> None:
        """And goes on."""
        if self.seats:
            for member in tuple(self.members):
                if member is not hearer:
                    member.release("room")


class Peer:
    """One end as a hub has it: of this node, or a guest's at the owner."""

    def __init__(self, hub: SmallHub, name: str, wanted: str, high_water: int) -> None:
        self.hub, self.name, self.wanted = hub, name, wanted
        self.room: Room | None = None
        self.gone = ""
        self._high_water = high_water
        self._held: set[str] = set()
        self._inbox = b""
        self._queue = b""
        self._is_paused = self._has_finished = False
        self.is_full = False
        self.transport: Channel | Person

    # what a room asks

    def write(self, data: bytes) -> None:
        """Hear."""
        if self.gone:
            return
        if self._is_paused:
            self._queue += data
            if len(self._queue) > self._high_water and not self.is_full:
                self.is_full = True
                if self.room:
                    self.room.full(self)
        else:
            self.transport.write(data)

    def hold(self, reason: str) -> None:
        """Read nothing."""
        if not self._held:
            self.transport.pauseProducing()
        self._held.add(reason)

    def release(self, reason: str) -> None:
        """Read on."""
        if reason in self._held:
            self._held.discard(reason)
            if not self._held and not self.gone:
                self._read()
                if not self._held and not self.gone:
                    self.transport.resumeProducing()

    def end(self, why: str, text: str = "") -> None:
        """Hang up."""
        if not self.gone:
            self.gone = why
            self._leave(why)
            if text or isinstance(self.transport, Channel):
                self.transport.write(f"-!- closed ({why})\n".encode())
            self.transport.loseConnection()

    def tell(self, text: str) -> None:
        """Hear a notice."""
        self.write(f"-!- {text}\n".encode())

    # what an edge tells

    def receive(self, block: bytes) -> None:
        """It said something."""
        if not self.gone:
            self._inbox += block
            self._read()

    def finish(self) -> None:
        """It says no more."""
        self._has_finished = True
        self._read()

    def lost(self, why: str) -> None:
        """It is gone."""
        if why == "quit":
            self._held.clear()
            self._read()
        if not self.gone:
            self.gone = why
            self._leave(why)

    def pause(self) -> None:
        """It takes nothing."""
        self._is_paused = True

    def resume(self) -> None:
        """It takes all."""
        self._is_paused = False
        queue, self._queue = self._queue, b""
        if queue:
            self.transport.write(queue)
        if not self._is_paused and self.is_full:
            self.is_full = False
            self.drained()

    def drained(self) -> None:
        """Nothing waits for it."""
        if self.room:
            self.room.drained(self)

    def _read(self) -> None:
        if self.room and self._inbox and not self._held:
            block, self._inbox = self._inbox, b""
            self.room.say(self, block)

    def _leave(self, why: str) -> None:
        if self.room:
            self.room.leave(self, why)

    def sit(self) -> None:
        """Take a seat here."""
        room = self.hub.rooms.get(self.wanted) or Room(self.hub, self.wanted, self.hub.seats)
        if room.seats and len(room.members) >= room.seats:
            self.end("full", "full")
            return
        self.hub.rooms[self.wanted] = room
        room.join(self)
        self._read()


class Guest(Peer):
    """A peer whose transport is a channel."""

    def __init__(self, hub: SmallHub, channel: Channel) -> None:
        super().__init__(hub, channel.opening.name, channel.opening.room, 0 if hub.seats else HIGH_WATER)
        self.transport = channel

    @property
    def place(self) -> tuple[str, str]:
        """See `Far`."""
        return (self.room.name, self.name) if self.room else ("", "")

    def begin(self) -> None:
        """See `Far`."""

    def speak(self, dialect: str) -> None:
        """See `Far`."""

    @property
    def is_waiting(self) -> bool:
        """See `Far`."""
        return bool(self.room and any(speaker is self for speaker, _ in self.room.early))


class Person(Peer):
    """Somebody at this node: numbered lines, and what was heard."""

    def __init__(self, hub: SmallHub, name: str, room: str) -> None:
        super().__init__(hub, name, room, HIGH_WATER)
        self.transport = self
        self.said = 0
        self.witness = Witness(name)
        self.partner = ""
        self.taken = bytearray()
        """What it heard."""
        self.closed = self.has_left = False
        self.visit: Visit | None = None
        self.is_reading = True
        """Whether it takes what is said."""
        self.is_listened_to = True
        self._waiting = b""
        hub.people[self] = None
        self.cancel: Callable[[], None] = lambda: None
        self.cancel = hub.cluster.find(room, self._found)

    def _found(self, home: Home) -> None:
        if self.gone:
            return
        if home.fault:
            self.end("lost", home.fault)
        elif home.owner:
            opening = Opening(self.wanted, self.name, "text")
            self.visit = self.hub.cluster.visit(self, opening, home.owner)
            inbox, self._inbox = self._inbox, b""
            if inbox:
                self.visit.say(inbox)
        else:
            self.sit()

    # as its own transport

    def write(self, data: bytes) -> None:
        """Take it, or let it wait."""
        if self.closed:
            return
        self._waiting += data
        if self.is_reading:
            self.taken += self._waiting
            self._waiting = b""
        elif len(self._waiting) > HIGH_WATER and not self.is_full:
            self.is_full = True
            if self.room:
                self.room.full(self)

    hear = write

    def reads(self, is_reading: bool) -> None:
        """Begin or stop to take what is said."""
        self.is_reading = is_reading
        if is_reading:
            self.taken += self._waiting
            self._waiting = b""
            if self.is_full:
                self.is_full = False
                self.drained()
            if self.visit:
                self.visit.drained()
                self.hub.cluster.credit(self.visit)

    def loseConnection(self) -> None:
        """The hub hangs up, when all that waits is taken."""
        self.closed = True
        self.taken += self._waiting
        self._waiting = b""
        self.hub.people.pop(self, None)

    def pauseProducing(self) -> None:
        """The hub reads nothing."""
        self.is_listened_to = False

    def resumeProducing(self) -> None:
        """The hub reads on."""
        self.is_listened_to = True

    # as whoever holds it

    def says(self, lines: int, width: int = 20) -> None:
        """Say numbered lines, if it is read."""
        if self.gone or not self.is_listened_to:
            return
        block = b"".join(f"{self.name} {self.said + at} ".encode().ljust(width, b".") + b"\n" for at in range(lines))
        self.said += lines
        if self.visit:
            self.visit.say(block)
        else:
            self.receive(block)

    def leaves(self, why: str = "quit") -> None:
        """Be gone."""
        self.has_left = True
        self.cancel()
        if self.visit and not self.gone:
            self.gone = why
            self.hub.cluster.leave_visit(self.visit, why)
        self.lost(why)
        self.closed = True
        self.hub.people.pop(self, None)

    def end(self, why: str, text: str = "") -> None:
        """Be hung up on."""
        self.visit = None
        super().end(why, text)

    def seated(self, room: str, name: str) -> None:
        """See `chatterbox.cluster.visit.Guest`."""

    def come_home(self, room: str, said: bytes, has_finished: bool) -> None:
        """See `chatterbox.cluster.visit.Guest`."""
        self.visit = None
        self._inbox = said + self._inbox
        self.sit()


class SmallHub:
    """The house of one node."""

    def __init__(self, seats: int) -> None:
        self.seats = seats
        self.rooms: dict[str, Room] = {}
        self.people: dict[Person, None] = {}
        self.cluster: Cluster
        self.is_replaced = False
        self.notes: list[str] = []

    def visited(self, channel: Channel) -> Guest:
        """See `House`."""
        return Guest(self, channel)

    def is_open(self, room: str) -> bool:
        """See `House`."""
        return room in self.rooms

    def is_whole(self, room: str) -> bool:
        """See `House`."""
        return room in self.rooms and 0 < self.seats == len(list(self.locals(room)))

    def locals(self, room: str) -> Iterable[Person]:
        """See `House`."""
        members = self.rooms[room].members if room in self.rooms else ()
        return [member for member in members if isinstance(member, Person)]

    def replaced(self) -> None:
        """See `House`."""
        self.is_replaced = True

    def note(self, text: str) -> None:
        """See `House`."""
        self.notes.append(text)
