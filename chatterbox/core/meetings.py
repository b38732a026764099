"""A meeting is when a plain member of a larger room hears that a session is there, or gone: it speaks to it in numbers.

A session that comes or goes meets some in each turn, and isn't read meanwhile; who speaks before meets it at once.
This module does not know numbers, nor why a session comes or goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from .events import Member
from .notices import Soon

MEETINGS_A_TURN = 64
"""Members who meet one session, or part from it, in one turn: each takes some 25 µs."""


class _Round(NamedTuple):
    """One session, and who has yet to meet it, or to part from it."""

    session: Member
    why: str
    """The word for which it has left; empty: it is there."""
    waiting: dict[Member, None]
    is_long: bool
    """Whether the session isn't read meanwhile."""


class Meetings:
    """The meetings of one room that are still to come.

    Args:
        soon: calls a function when this turn is over, or at once.
    """

    __slots__ = ("_soon", "rounds")

    def __init__(self, soon: Soon) -> None:
        self._soon = soon
        self.rounds: list[_Round] = []
        """In order of their beginning."""

    def begin(self, session: Member, members: Iterable[Member], why: str = "") -> None:
        """Let the plain ones of `members` meet `session`, or part from it for the word `why`."""
        waiting = {member: None for member in members if not member.session}
        this = _Round(session, why, waiting, len(waiting) > MEETINGS_A_TURN)
        self.rounds.append(this)
        if this.is_long:
            session.stall()
            self._soon(partial(self._some, this))
        else:
            self._some(this)

    def _some(self, this: _Round) -> None:
        """Hold some of its meetings, and the others in turns of their own, also where one fails."""
        try:
            for member in tuple(this.waiting)[:MEETINGS_A_TURN]:
                self.hold(member)
        finally:
            if this.waiting:
                self._soon(partial(self._some, this))
            else:
                self.rounds.remove(this)
                if this.is_long:
                    this.session.go_on()

    def hold(self, member: Member) -> None:
        """Let `member` meet now, in order, whom it has yet to meet."""
        for session, why, waiting, _ in tuple(self.rounds):
            if member in waiting:
                del waiting[member]
                if why:
                    member.part(session, why)
                else:
                    member.meet(session)

    def forget(self, member: Member) -> None:
        """Take it that `member` has left, and meets nobody."""
        for this in self.rounds:
            this.waiting.pop(member, None)
