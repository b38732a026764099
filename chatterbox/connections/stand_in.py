"""A stand-in numbers lines in the place of one plain peer that sits beside a session.

It joins an agent, which keeps and repeats, to a connection, which reads and writes. It exists from the first session in
the room on, and goes when its peer moves or leaves. It does not know what lines mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..core.events import Member, Sent
from ..core.peer import Peer
from ..limits import Limits
from ..wire.dialects import ALONE, Dialect, Message
from ..wire.inbox import CROWD_BYTES
from ..wire.numbered import Numbered
from ..wire.numbering import GOT, UNSENT
from .agent import Agent
from .glances import Glances
from .inlet import BULK, Inlet
from .outlet import Outlet
from .timers import Timers

LOOKS = 8
"""Looks that are made soon while the time in which nothing was taken doubles, or so."""


class Plain(Protocol):
    """What a stand-in needs of its connection."""

    peer: Peer
    inlet: Inlet
    outlet: Outlet
    timers: Timers

    def hold(self, reason: str) -> None:
        """Stop reading, for one reason more."""

    def abort(self) -> None:
        """Close the connection at once."""

    def written(self) -> int:
        """Return the bytes that were ever queued to the other end."""

    def acknowledged(self) -> int:
        """Return how many of them its machine has acknowledged, where the system tells; else how many left the hub."""


class StandIn:
    """The numbers of one plain peer.

    Args:
        plain: its connection.
        is_pair: whether its room is a pair.
        now: seconds of a clock that never goes back.
        got: passes on that the peer has got the lines of a stream.
        limits: how long a peer that has finished keeps its seat for who hasn't got its last lines (`grace`), and one
            of a pair that takes nothing of much (`pair_patience`).
        glances: who looks again in a moment.
    """

    __slots__ = (
        "_agent",
        "_glances",
        "_got",
        "_is_flushing",
        "_is_hasty",
        "_is_looking",
        "_limits",
        "_now",
        "_plain",
        "_since",
        "_why",
    )

    def __init__(
        self,
        plain: Plain,
        is_pair: bool,
        now: Callable[[], float],
        got: Callable[..., None],
        limits: Limits,
        glances: Glances,
    ) -> None:
        self._plain = plain
        self._agent = Agent(plain.peer.stream, is_pair)
        self._now = now
        self._got = got
        self._limits = limits
        self._glances = glances
        self._is_flushing = False
        self._is_looking = False
        """Whether a look at what the peer's machine has taken is to come."""
        self._is_hasty = False
        """Whether that look is to come soon."""
        self._since = 0.0
        """When its machine was last seen to take something, or much was written to it."""
        self._why = "left"

    # -- who is there ------------------------------------------------------------------------------------------

    def meet(self, other: Member) -> None:
        """Speak to `other` from now on, and repeat what it hasn't got."""
        if other.listens:
            self._agent.outbox.meet(other.stream, not other.away)
            self._flush()

    def part(self, other: Member, why: str) -> None:
        """Take it that `other` is gone, or away for now."""
        if why == "away":
            self._agent.outbox.away(other.stream)
            return
        self._why = why
        self._agent.outbox.left(other.stream, other.last_got(self._agent.stream))
        self._agent.hearing.inbox.part(other.stream)
        self._flush()

    def rise(self, why: str) -> None:
        """Acknowledge what the peer's machine has by now; who goes to another room hears what isn't delivered."""
        self._acknowledge(idle=True)
        if why == "moved":
            self._leave_room()

    @property
    def waits_for_got(self) -> bool:
        """Whether a partner that is there has yet to show something."""
        outbox = self._agent.outbox
        return outbox.pair and outbox.partner_is_here and not outbox.settled

    def give_up(self) -> None:
        """Say what a partner hasn't got, or is kept for one to come: its speaker leaves, and nobody keeps it."""
        if self._agent.outbox.pair:
            self._leave_room()

    def _leave_room(self) -> None:
        self._why = "left" if self._agent.outbox.partner else ALONE
        self._agent.outbox.moved(self._agent.outbox.pair)
        self._flush()

    # -- what the peer says --------------------------------------------------------------------------------------

    def say(self, block: bytes, kind: str = "say", to: str = "") -> None:
        """Say whole lines, one deed (`me`), or one private line (`msg`) to the stream `to`."""
        self._agent.say(block, kind, to)
        self._flush()

    def finish(self) -> None:
        """Say that the peer has said all; it keeps its seat until that is got, or the grace is over."""
        self._agent.finish()
        self._plain.peer.finished = True
        self._flush()
        self._plain.timers.after("grace", self._limits.grace, lambda: self._plain.peer.end("lost"))
        self._end_if_over()

    def got(self, stream: str, n: int, private: bool) -> None:
        """Take it that the end `stream` has shown the peer's lines up to `n`."""
        self._agent.outbox.got(stream, n, private)
        self._flush()
        self._end_if_over()

    def _flush(self) -> None:
        """Route what is to be said, tell what became of lines, and read the peer while there is room for more."""
        plain = self._plain
        while plain.peer.room and not self._is_flushing:
            things, outcomes = self._agent.drain()
            if not things and not outcomes:
                break
            self._is_flushing = True
            for outcome in outcomes:
                if outcome.word != GOT:
                    fields = {"lines": outcome.lines, "sure": outcome.word == UNSENT, "why": self._why}
                    plain.peer.tell(Message("undelivered", fields))
            for thing in things:
                if thing.lines or thing.n > 1:  # who has said nothing yet has nothing to say of its count either
                    plain.peer.room.apply(Sent(plain.peer, thing))
            self._is_flushing = False
        if self._agent.full:
            plain.hold("agent")
        else:
            plain.inlet.release("agent")

    # -- what the peer hears -------------------------------------------------------------------------------------

    def hear(self, speaker: Member, label: bytes, thing: Numbered, rendered: dict[Dialect, bytes]) -> None:
        """Write what is new of `thing`; it is got when the peer's machine has taken the bytes.

        Args:
            speaker: whose it is.
            label: what stands before each line.
            thing: what is said.
            rendered: the whole of it, by dialect, as far as others have it already.
        """
        plain, agent = self._plain, self._agent
        dialect = plain.peer.dialect
        if agent.hearing.take_next(speaker.stream, thing):  # as nearly always, and for a thousand: the shortest way
            data = rendered.get(dialect)
            if data is None:
                data = rendered[dialect] = _render(dialect, speaker, label, thing)
        else:
            new = self._new_of(speaker, thing)
            if not new.lines or plain.peer.gone:
                self._look_again()
                return
            data = _render(dialect, speaker, label, new)
        if data:
            plain.outlet.write(data)
        agent.wrote(plain.outlet.written)
        if len(data) >= BULK and agent.outbox.pair:  # what came before is taken by now: its speaker may go on
            self._acknowledge()
        if agent.hearing.unread >= CROWD_BYTES:
            if not self._is_hasty:
                self._since = self._now()
                self._look_soon()
        elif not self._is_looking:
            self._is_looking = True
            self._glances.add(self)

    def _new_of(self, speaker: Member, thing: Numbered) -> Numbered:
        """Return what is new of `thing`, where that isn't all of it; lines that are missing before it are told."""
        heard = self._agent.hear(speaker.stream, thing, self._now())
        if heard.missed:
            self._plain.peer.tell(Message("missed", {"name": speaker.name, "lines": heard.missed}))
        return heard.thing

    def _look_again(self) -> None:
        """Look at what the peer's machine has taken in a moment, once, while there is anything to be said of that."""
        agent = self._agent
        if agent.hearing.unread >= CROWD_BYTES and not self._is_hasty:
            self._look_soon()
        elif not self._is_looking and (agent.unacknowledged or agent.due is not None):
            self._is_looking = True
            self._glances.add(self)

    def _look_soon(self) -> None:
        """Look sooner, since a speaker may wait to hear that much is taken; less so the longer nothing is.

        Much of it is in the system's hands, so the outlet isn't full, and lets nobody go who takes nothing.
        """
        waited, patience = self._now() - self._since, self._limits.pair_patience
        if self._agent.outbox.pair and waited >= patience and not self._plain.outlet.link_state().is_cut_off:
            self._plain.peer.end("slow", f"you took nothing for {patience:.0f} s")
            return
        self._is_looking = self._is_hasty = True
        self._glances.add(self, waited / LOOKS)

    def stop(self) -> None:
        """Look no more: the connection ends."""
        self._is_looking = self._is_hasty = True
        self._glances.forget(self)

    def glance(self, most: int) -> int:
        """Ask what its machine has taken, and tell who said it; return how many things, at `most`. A fault ends it."""
        self._is_looking = self._is_hasty = False
        try:
            count = self._acknowledge(most=most)
            self._look_again()
            self._end_if_over()
            return count
        except BaseException:
            self._plain.abort()
            raise

    def _acknowledge(self, idle: bool = False, most: int = 0) -> int:
        now = self._now()
        count = self._agent.taken(self._plain.acknowledged(), now, most)
        if count:
            self._since = now
        for got in self._agent.gots(now, idle):
            self._got(*got)
        return count

    def _end_if_over(self) -> None:
        """End a peer that has finished when its last word is got, and the other end has nothing more to say."""
        agent, peer = self._agent, self._plain.peer
        partner = agent.outbox.partner
        if agent.over:
            self._plain.timers.cancel("grace")  # that it has said all is got: it may listen as long as it likes
        if agent.over and not peer.gone and (not agent.outbox.pair or (partner and agent.hearing.all_of(partner))):
            peer.end("quit")


def _render(dialect: Dialect, speaker: Member, label: bytes, thing: Numbered) -> bytes:
    """Return what a plain peer hears of `thing`."""
    if thing.kind == "say":
        return dialect.said(speaker.name, label, thing.block, False)
    if thing.kind == "done":
        return dialect.message(Message("finished", {"name": speaker.name, "stream": speaker.stream}))
    fields: dict[str, object] = {"from": speaker.name, "stream": speaker.stream, "text": thing.block[:-1].decode()}
    return dialect.message(Message("did" if thing.kind == "me" else "told", fields))
