"""A parting is how one end of a pair leaves: it waits for the other to take what was said, and tells what isn't taken.

It does not know bytes, or what makes an end leave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..core.events import Member
from ..core.hub import Hub
from ..core.peer import Peer
from ..wire.dialects import undelivered
from .stand_in import StandIn

LOOK = 0.02
"""Seconds between two looks at whether the other end has taken all."""
LEFT = "left"
"""Why lines aren't delivered, where their speaker has left."""


class Leaver(Protocol):
    """What a parting needs of a connection."""

    peer: Peer
    stand_in: StandIn | None
    """What numbers its lines, beside a session."""


class Parting:
    """How one end leaves.

    Args:
        leaver: its connection.
        hub: whose rooms it sits in.
        now: seconds of a clock that never goes back.
    """

    __slots__ = ("_hub", "_leaver", "_now", "_until", "_why", "last")

    def __init__(self, leaver: Leaver, hub: Hub, now: Callable[[], float]) -> None:
        self._leaver = leaver
        self._hub = hub
        self._now = now
        self._until: float | None = None
        """When it waits no longer; None: it hasn't said that it leaves."""
        self.last: Member | None = None
        """The partner that left last, whose machine may have yet to take something."""
        self._why = ""
        """The word for which that one left."""

    def waits(self) -> bool:
        """Return whether who leaves now, and is not a session, should wait: the other end has yet to take something."""
        stand_in, peer = self._leaver.stand_in, self._leaver.peer
        owed = stand_in.waits_for_got if stand_in else any(member.owes for member in self._partners)
        now = self._now()
        until = now + self._hub.limits.parting_patience if self._until is None else self._until
        self._until = until if owed and now < until and not peer.session else None
        return self._until is not None

    @property
    def _partners(self) -> tuple[Member, ...]:
        """Who else sits in its pair, where each may leave alone."""
        peer, mode = self._leaver.peer, self._hub.mode
        room = self._hub.rooms.get(peer.room.name) if peer.room else None
        return room.audience.without(peer) if room and room.is_pair and not mode.ends_together else ()

    def left_by(self, partner: Member | None, why: str) -> None:
        """Take it that its partner has left; only the last one is remembered, so of one before it all is told now."""
        if partner is not self.last:
            self._tell_of_last()
        self.last, self._why = partner, why

    def account(self) -> None:
        """Tell who leaves, and isn't here when that is known, what its partners have perhaps not heard."""
        for partner in self._partners:
            self._tell(partner, LEFT)
        if self._leaver.peer.finished:
            self._tell_of_last()

    def _tell_of_last(self) -> None:
        if self.last:
            self._tell(self.last, self._why)
        self.last = None

    def _tell(self, partner: Member, why: str) -> None:
        """Tell what of its lines `partner` has perhaps not heard, once."""
        for speaker, lines, _, size in partner.debts(self._leaver.peer):
            speaker.tell(undelivered(why, lines, partner.name, size))
