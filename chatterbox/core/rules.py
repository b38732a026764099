"""A rule is what a mode does that its row of the table can't say: `order` judges who was first, `duet` confirms.

The sentences in quotes are those of `seeds/002`. Nothing here knows time or sockets: a rule is a Room.
"""

from __future__ import annotations

from typing import Any

from ..wire.dialects import Message
from .events import HUB_ENDS, Began, Member, Said, Staged, Typed
from .room import Room


class Duet(Room):
    """Clients X and Y who "can only chat through the server", from the moment both are there."""

    _over = False
    """Whether both were told to close."""

    def _greet(self, peer: Member) -> None:
        """Confirm: "Only after connections to both clients are established: server sends message to both clients"."""
        self._welcome(peer)
        if self.has_seat:
            return
        for member in self.members:
            self._script(member, f"Client {member.name} has connected.")
        self._stage("ready")
        self._deliver_held()

    def _stage(self, point: str) -> None:
        self._observe(Staged(point, tuple(member.name for member in self.members)))

    def _script(self, member: Member, text: str) -> None:
        member.hear(member.dialect.message(Message("script", {"text": text})))

    def _tell_bare(self, text: str) -> None:
        """Say why it ends to programs that hear no notices: instead of the message that they wait for."""
        for member in self.members:
            if not member.dialect.framed:
                self._script(member, text)

    def _end_all(self, why: str, text: str = "", asked_by: Member | None = None) -> None:
        """The exercise: "Server tells both clients to close their connections"."""
        if not self._over:
            self._over = True
            self._stage("closing")
        super()._end_all(why, text, asked_by)

    def _tell_of_leaving(self, peer: Member, why: str) -> None:
        if not self._over and why not in HUB_ENDS:
            self._tell_bare(f"Client {peer.name} has left.")
        super()._tell_of_leaving(peer, why)
        if self._over and not self.members:
            self._stage("done")


class Order(Duet):
    """A race: each client's first message counts, in the order in which the hub received them."""

    _racing = False
    """Whether both are there, and nobody was told to close."""
    _firsts: dict[str, str]
    """First messages by client."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._firsts = {}
        self._order: dict[str, None] = {}
        """Clients in order of their first message's first byte."""

    @property
    def has_seat(self) -> bool:
        """A race that has begun takes nobody in."""
        return not self._racing and super().has_seat

    @property
    def listeners(self) -> list[Member]:
        """Who has spoken and only listens waits for the verdict."""
        return [] if self._racing else super().listeners

    def _go_on_without(self, peer: Member, why: str) -> None:
        """Who has spoken and only listens waits for the verdict, whoever leaves."""
        for member in tuple(self.members):
            self._flow.release(member)

    def _deliver_held(self) -> None:
        """The race begins with what was said before it, in order of arrival, whoever said it."""
        self._racing = True
        for said in self._take_held():
            if isinstance(said, Said):
                self._said(said)

    def _began(self, event: Began) -> None:
        """Arrival at the hub decides, and a message arrives with its first byte."""
        if event.peer in self.members:
            self._order.setdefault(event.peer.name)

    def _said(self, event: Said) -> None:
        """The exercise: "Server waits until it has received a message from both clients"."""
        if event.peer not in self.members or self._over:
            return
        self._order.setdefault(event.peer.name)
        if not self._racing:
            self._keep(event)
            return
        self._firsts.setdefault(event.peer.name, event.block.split(b"\n", 1)[0].decode())
        if len(self._firsts) == self.mode.seats:
            self._judge()

    def _judge(self) -> None:
        verdict = " received before ".join(f"{name}: {self._firsts[name]}" for name in self._order)
        for member in self.members:
            self._script(member, verdict)
        self._end_all("bye", "that was the verdict")

    def _listens_on(self, peer: Member) -> bool:
        """Who has spoken waits for the verdict; who hasn't leaves the race."""
        return peer.name in self._firsts or bool(self.held_by(peer))

    def _tell_of_leaving(self, peer: Member, why: str) -> None:
        """One client leaves before speaking: the other is told, nothing hangs (seeds.md, 002-6)."""
        if not self._racing:
            self._order.pop(peer.name, None)  # its letter is the next one's
        waited_for = self._racing and not self._over and peer.name not in self._firsts
        if waited_for and why not in HUB_ENDS:
            text = f"Client {peer.name} left before sending a message"
            self._tell_bare(text)
            self._end_all("bye", text)
        elif self._over or why in HUB_ENDS or not self.members:
            super()._tell_of_leaving(peer, why)


class Talk(Room):
    """Two whose keys are the conversation: each is heard as it is typed, also those before the partner was there."""

    def _typed(self, event: Typed) -> None:
        peer, keys = event
        if peer not in self.members:
            return
        if self.mode.holds and len(self.members) < 2:
            self._keep(event)
        elif not self._is_put_off(event):
            for member in self.members.keys() - {peer}:
                member.hear_from(peer, member.dialect.typed(peer.name, keys))

    def _deliver_held(self) -> None:
        for event in self._take_held():
            self._typed(event) if isinstance(event, Typed) else self._said(event)


RULES: dict[str, type[Room]] = {"relay": Room, "talk": Talk, "duet": Duet, "order": Order}
"""The class of a room, by the rule that its mode names."""
