"""A room is the peers who hear each other, and the rule by which they do.

It changes in one place, `Room.apply(event)`, and that is deterministic: two rooms to which the same events are applied
in the same order are the same. A room does not know sockets, time, or how its members came here.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, filterfalse
from typing import get_args

from ..limits import Limits
from ..wire.dialects import ALONE, Dialect, Message, undelivered
from ..wire.lines import first_lines
from .audience import Audience
from .events import (
    HUB_ENDS,
    Away,
    Back,
    Began,
    Did,
    Finished,
    Gone,
    Happening,
    Joined,
    Left,
    Member,
    News,
    Parted,
    Renamed,
    RoomEvent,
    Said,
    Sent,
    Told,
    Typed,
)
from .flow import Flow
from .held import Held
from .modes import Mode
from .naming import names_for
from .notices import Soon
from .numbered import card, introduce, parting, route, tell_left, welcome

_METHODS = {kind: f"_{kind.__name__.lower()}" for kind in get_args(RoomEvent)}
"""The method of a room that lets each kind of event happen: `_joined` for `Joined`, and so on."""


class Room:
    """The members of one room in order of joining, and what is held for who isn't there yet."""

    def __init__(
        self,
        name: str,
        mode: Mode,
        limits: Limits,
        observe: Callable[[News], None],
        when_empty: Callable[[Room], None],
        soon: Soon,
    ) -> None:
        self.name = name
        self.mode = mode
        self.is_pair = mode.seats == 2
        """Whether two ends meet here: then a slow one slows the other, and neither loses a line."""
        self.audience = Audience(soon)
        self.members = self.audience.members
        self._observe = observe
        self._when_empty = when_empty
        self._held = Held()
        self._flow = Flow(self.members, self._held, limits.max_held, mode)
        self.hearer_is_full, self.hearer_is_drained = self._flow.hearer_is_full, self._flow.hearer_is_drained
        self.met: tuple[Member, ...] = ()
        """Members who had company here, or where this room was before."""
        self._pending: list[RoomEvent] = []
        self._is_numbered = False
        """Whether a session has ever been here."""
        self._max_name = limits.max_name
        self._numbers = count(1)
        """What guests are told apart by."""

    # -- what others ask of a room -------------------------------------------------------------------------

    @property
    def has_seat(self) -> bool:
        """Whether one more may join."""
        return not self.mode.seats or len(self.members) < self.mode.seats

    @property
    def max_lines(self) -> int:
        """How many lines may be said at once; 0: any number."""
        return self.audience.max_lines(has_labels=self.mode.label != "none")

    def apply(self, event: RoomEvent) -> None:
        """Let `event` happen. What it makes happen in turn happens after it, in order.

        A fault in one event doesn't keep the others from happening; the first one is raised when all have.
        """
        pending = self._pending
        pending.append(event)
        if len(pending) > 1:
            return
        fault: BaseException | None = None
        for event in pending:  # which grows while it is gone through
            self._flow.speaker = event.peer
            if not isinstance(event, Said):
                self._flow.close_fast_paths()
            if self.audience.notices.messages and not isinstance(event, Joined | Left):
                self.audience.notices.tell()
            if self.audience.meetings.rounds and isinstance(event, Said | Did | Told | Sent):
                self.audience.meetings.hold(event.peer)
            try:
                getattr(self, _METHODS[type(event)])(event)
            except Exception as raised:
                fault = fault or raised
        self._flow.speaker = None
        pending.clear()
        if self._flow.has_closed and isinstance(event, Said):  # who says nothing costs nothing
            self._flow.open_fast_paths(self._is_numbered)
        if fault:
            raise fault

    def held_by(self, peer: Member) -> int:
        """Return how many lines of `peer` wait for somebody who hears them."""
        return self._held.lines_of(peer)

    @property
    def listeners(self) -> list[Member]:
        """Members who have finished, may be gone, and can be asked: keys and bare programs would show the question."""
        return [m for m in self.members if m.finished and m.dialect.framed and not (m.dialect.by_keys or m.session)]

    # -- the rules -----------------------------------------------------------------------------------------

    def _joined(self, event: Joined) -> None:
        peer = event.peer
        names = names_for(self.mode, peer, self._numbers, self._max_name)
        name = next(filterfalse(self.audience.like, names))
        self.audience.add(peer, name, has_label=self.mode.label != "none")
        if len(self.members) > 1:
            self.met = tuple(self.members) if self.is_pair else self.met
        self._observe(Happening(self, event))
        self._greet(peer)
        self._flow.hold()

    def _greet(self, peer: Member) -> None:
        """Tell `peer` where it is and the others who came; then what was said for a partner is delivered, first."""
        self._welcome(peer)
        if len(self.members) > 1:
            self._notice(Message("joined", card(peer)), newcomer=peer)
        self._introduce(peer)
        if len(self.members) > 1:
            if self._held.events or any(member.finished for member in self.members):
                self._deliver_held()
            if self.mode.rule == "relay":
                for finished in [member for member in self.members if member.finished]:
                    self.apply(Finished(finished))  # it was, before anybody was there to hear so

    def _welcome(self, peer: Member) -> None:
        if peer.dialect.greets:
            peer.tell(Message("welcome", welcome(self.mode, self.name, peer, self.members)))

    def _began(self, event: Began) -> None:
        """Only a race asks who was first to begin."""

    def _said(self, event: Said) -> None:
        """Data received from Client 1 must be sent immediately to Client 2 (seed 000), and the other way round."""
        peer, block = event.peer, event.block
        if peer not in self.members:
            return
        if self._is_numbered and self.is_pair:
            peer.speak("say", block)
        elif self.mode.holds and len(self.members) < 2:
            self._keep(event)
        elif not self._is_put_off(event):
            self._relay(peer, block, to_sessions=False)
            if self.audience.sessions:
                peer.speak("say", block)

    def _keep(self, event: Said | Typed) -> None:
        self._held.keep(event)
        if self._flow.has_to_wait(event.peer):
            event.peer.hold()

    def _is_put_off(self, event: Said | Typed | Did | Told | Finished) -> bool:
        """Look whether who has finished is still there; where it isn't, its leaving is told before `event` happens."""
        for member in self.members:
            if member.finished and member is not event.peer and not member.look():
                self.apply(event)
                return True
        return False

    def _relay(self, peer: Member, block: bytes, to_sessions: bool = True) -> None:
        label = self.members[peer]
        rendered: dict[Dialect, bytes] = {}
        for member in tuple(self.members):
            if member is peer:
                if self.mode.echo:
                    member.hear(member.dialect.said(peer.name, label, block, True))
                continue
            if member.session and not to_sessions:
                continue
            data = rendered.get(member.dialect)
            if data is None:
                data = rendered[member.dialect] = member.dialect.said(peer.name, label, block, False)
            if self.is_pair:
                member.hear_from(peer, data)
            else:
                member.hear(data)
        if "said" in self.mode.script:  # nobody else wants to know of every line
            self._observe(Happening(self, Said(peer, block)))

    def _typed(self, event: Typed) -> None:
        """In a pair keys are a draft, which JSON hearers see; sessions see it where they asked for it."""
        if event.peer in self.members:
            for member in self.audience.without(event.peer):
                if member.live if member.session else self.is_pair:
                    member.hear(member.dialect.typed(event.peer.name, event.keys))

    def _did(self, event: Did) -> None:
        peer, text = event.peer, event.text
        if peer not in self.members or self._is_put_off(event):
            return
        message = Message("did", {"from": peer.name, "stream": peer.stream, "text": text})
        if not self.is_pair:
            self.audience.tell(message, without=peer, to_sessions=False)
        if self._is_numbered and (self.is_pair or self.audience.sessions):
            peer.speak("me", text.encode() + b"\n")
        elif self.is_pair and len(self.members) < 2:
            peer.tell(undelivered(ALONE, 1))
            return
        for member in self.audience.without(peer) if self.is_pair and not self._is_numbered else ():
            member.hear_from(peer, member.dialect.message(message))
        peer.tell(message._replace(own=True))

    def _told(self, event: Told) -> None:
        peer, to, text = event.peer, event.to, event.text
        if peer not in self.members or to not in self.members or self._is_put_off(event):
            return
        if self._is_numbered and (self.is_pair or to.session):
            peer.speak("msg", text.encode() + b"\n", to.stream)
        else:
            fields: dict[str, object] = {"from": peer.name, "stream": peer.stream, "text": text}
            to.hear_from(peer, to.dialect.message(Message("told", fields)))

    def _renamed(self, event: Renamed) -> None:
        peer, name = event
        if peer not in self.members:
            return
        old = peer.name
        self.audience.rename(peer, name)
        message = Message("renamed", {"name": old, "to": name, "stream": peer.stream})
        peer.tell(message._replace(own=True))
        if self.mode.announces:
            self.audience.tell(message, without=peer)

    def _finished(self, event: Finished) -> None:
        """In a pair who has finished listens on, until the other end is done too; elsewhere it leaves.

        Who is alone has a partner to wait for if there was none yet, or if something is held for the next one.
        """
        peer = event.peer
        if peer not in self.members:
            return
        if not self._listens_on(peer):
            peer.end("quit")
            return
        if self._is_numbered:
            peer.speak("done", b"")
            return
        peer.finished = True
        if len(self.members) == 1 and peer in self.met and not self._held.events:
            peer.end("quit")
        elif len(self.members) > 1 and all(member.finished for member in self.members):
            if any(member.owes for member in self.members) and not event.is_late:
                peer.finish_late()
            elif not self._is_put_off(event):
                for member in self.members:
                    self.audience.tell_undelivered(Left(member, "quit", member.debts()))
                self._end_all("quit")
        elif self.mode.announces:
            self.audience.tell(Message("finished", {"name": peer.name}), without=peer)

    def _listens_on(self, peer: Member) -> bool:
        """Whether anything is left to hear for a peer who has finished."""
        return self.is_pair and not self.mode.ends_together

    def _parted(self, event: Parted) -> None:
        """`Bye` is relayed and ends both (seed 002); `exit` is one peer's own affair (seed 003)."""
        if event.peer not in self.members:
            return
        self._observe(Happening(self, event))
        if self.mode.ends_together:
            self._relay(event.peer, event.word.encode() + b"\n")
            self._end_all("bye", f"{event.peer.name} said {event.word}", asked_by=event.peer)
        else:
            event.peer.end("quit")

    def _sent(self, event: Sent) -> None:
        """Route something numbered: the two ends keep it, and know what they have heard."""
        peer, thing = event
        if peer not in self.members:
            return
        to_all = self.is_pair or peer.session
        route(self.audience, peer, thing, to_all, self.mode.echo)
        if to_all and thing.kind == "say" and "said" in self.mode.script:
            self._observe(Happening(self, Said(peer, thing.block)))

    def _away(self, event: Away) -> None:
        """Say that a session has lost its link: its seat is kept, and so is what is said to it."""
        self.audience.tell(Message("away", card(event.peer)), without=event.peer)
        for member in self.members:
            member.part(event.peer, "away")

    def _back(self, event: Back) -> None:
        """Welcome a session on its new link, and let the others repeat what it hasn't got."""
        peer, name = event
        if peer not in self.members:
            return
        if name and not self.audience.like(name, peer):
            self.audience.rename(peer, name)
        self._welcome(peer)
        self.audience.tell(Message("back", card(peer)), without=peer)
        self._introduce(peer)

    def _introduce(self, peer: Member) -> None:
        """Let ends that number their lines meet; from the first session on they all do."""
        if self.is_pair and (self._is_numbered or peer.session):
            introduce(self.members, peer)
        elif not self.is_pair:
            self.audience.meetings.begin(peer, self.members if peer.session else self.audience.sessions)
        self._is_numbered |= peer.session

    def _left(self, event: Left) -> None:
        peer, why = event.peer, event.why
        if peer not in self.members:
            return
        self.audience.remove(peer)
        self._take_held(peer)
        self.met = tuple(member for member in self.met if member is not peer)
        self._observe(Happening(self, event))
        if why != "moved":
            self._observe(Gone(self.name, peer, why))
        if self.mode.ends_together:  # nobody hears anything after that
            self.audience.tell_undelivered(event)
        self._tell_of_leaving(peer, why)
        if not self.mode.ends_together:
            self.audience.tell_undelivered(event)
        if self._is_numbered and self.is_pair:
            for member in tuple(self.members):
                member.part(peer, why)
        elif peer.session:
            self.audience.meetings.begin(peer, self.members, why)
        if self.is_pair:
            self._go_on_without(peer, why)
        if not self.members:
            self._when_empty(self)

    def _tell_of_leaving(self, peer: Member, why: str) -> None:
        """Tell the others that `peer` is gone, also those who have finished and only listen."""
        if self.mode.ends_together and self.members and why not in HUB_ENDS:
            self._end_all("bye", f"{peer.name} left ({why})")
        elif why not in HUB_ENDS:
            if peer.session:
                self.audience.notices.tell()
                tell_left(self.members if self.mode.announces else self.audience.sessions, peer, why)
            else:
                self._notice(Message("left", parting(peer, why)))

    def _go_on_without(self, peer: Member, why: str) -> None:
        """Let a pair's other end go on without `peer`; who has finished has nobody left to listen to."""
        for member in tuple(self.members):
            member.miss(peer.name, why, peer)
            if member.finished and not self._held.events:
                member.end("quit")
            self._flow.release(member)

    def _end_all(self, why: str, text: str = "", asked_by: Member | None = None) -> None:
        """Hang up on everybody; who asked for it needs no reason."""
        self.audience.end_all(why, text, asked_by)

    def _notice(self, message: Message, newcomer: Member | None = None) -> None:
        """Tell of who comes and goes: in a pair at once, in a larger room with all the others of this turn."""
        self.audience.notice(message, newcomer, self.mode.announces, at_once=self.is_pair)

    def _deliver_held(self) -> None:
        """Say what was held, a portion; its speaker says the rest. If the newcomer is gone already, it stays held."""
        speakers = {event.peer for event in self._held.events}  # their links may be closed: a note is left so
        if any(member.finished and not member.look() for member in self.members.keys() - speakers):
            return
        if held := self._take_held():
            speaker, block = held[0].peer, b"".join(event[1] for event in held)
            head = first_lines(block, self.max_lines) if self.max_lines else block
            self._said(Said(speaker, head))
            if len(head) < len(block):
                speaker.say_again(block[len(head) :])

    def _take_held(self, peer: Member | None = None) -> list[Said | Typed]:
        held = self._held.take(peer)
        for speaker in {event.peer for event in held}:
            self._flow.release(speaker)
        return held
