"""A meeting is when a plain member of a larger room hears that a session is there, or gone: it speaks to it in numbers.

Who comes or goes meets some in each turn, and isn't read meanwhile; who speaks before that meets all whom it has yet to
meet. This module does not know numbers, nor why a session comes or goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from .events import Member
from .notices import Soon

MEETINGS_A_TURN = 64
"""Members whom one meets, or parts from, in one turn: each takes some 25 µs."""


class _Round(NamedTuple):
    """One who comes or goes, and whom it has yet to meet, or to part from."""

    comer: Member
    why: str
    """The word for which it has left; empty: it is there."""
    waiting: dict[Member, None]
    is_long: bool
    """Whether it isn't read meanwhile."""

    def hold(self, member: Member) -> None:
        """Let it meet `member`, or part from it: of the two who is plain takes note."""
        del self.waiting[member]
        if self.why:
            member.part(self.comer, self.why)
        elif self.comer.session:
            member.meet(self.comer)
        else:
            self.comer.meet(member)


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

    def begin(self, comer: Member, members: Iterable[Member], why: str = "") -> None:
        """Let a session that comes meet the plain ones of `members`, or part from them for the word `why`.

        A plain comer meets the sessions, some of them at once: from then on it hears them all.
        """
        waiting = {member: None for member in members if member.session != comer.session}
        this = _Round(comer, why, waiting, len(waiting) > MEETINGS_A_TURN)
        self.rounds.append(this)
        if this.is_long:
            comer.stall()
        if this.is_long and comer.session:
            self._soon(partial(self._some, this))
        else:
            self._some(this)

    def _some(self, this: _Round) -> None:
        """Hold some of its meetings, and the others in turns of their own, also where one fails."""
        try:
            for member in tuple(this.waiting)[:MEETINGS_A_TURN]:
                if this.comer.session:
                    self.hold(member)
                elif member in this.waiting:
                    this.hold(member)
        finally:
            if this.waiting:
                self._soon(partial(self._some, this))
            else:
                self.rounds.remove(this)
                if this.is_long:
                    this.comer.go_on()

    def hold(self, member: Member) -> None:
        """Let `member` meet now, in order, whom it has yet to meet."""
        for this in tuple(self.rounds):
            if this.comer is member and not member.session:
                for other in tuple(this.waiting):
                    this.hold(other)
            elif member in this.waiting:
                this.hold(member)

    def forget(self, member: Member) -> None:
        """Take it that `member` has left, and meets nobody."""
        for this in self.rounds:
            this.waiting.pop(member, None)
            if this.comer is member and not member.session:
                this.waiting.clear()
