"""A claim is one node's word that a room lives there; the engine's answer makes it true, until the room is empty.

Everybody who wants to know where a room lives waits here for that answer. This module knows rooms and nodes. It does
not know who sits in a room, or who visits one elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple, Protocol

from .engine import FENCED, ORPHANED, Delayed, Engine, Later
from .visit import nothing

GRACE = 1.5
"""Seconds after an engine has forgotten all in which no new room is claimed: every owner claims its own first."""
SETTLE = 1.0
"""Seconds in which all who sat in a room whose owner died come back, before anybody there speaks."""
ASK = 10.0
"""Seconds that somebody waits for an engine that doesn't answer, before being told so."""
SILENT = "the engine that knows this room can't be reached; try again"


class Home(NamedTuple):
    """Where a room lives."""

    owner: str = ""
    """The node; empty: this one."""
    fault: str = ""
    """Why nobody knows."""


Then = Callable[[Home], None]


class Landlord(Protocol):
    """Who keeps the rooms that live here."""

    def keeps(self, room: str) -> bool:
        """`room` lives here from now on; return whether anybody sits there."""

    def settled(self, room: str) -> None:
        """All are back in `room` who could come: they may speak."""

    def is_taken(self, room: str) -> None:
        """`room` was ours, and the engine has given it to another node."""

    def is_fenced(self) -> None:
        """The engine answers nothing to this node any more."""


class _Waiter:
    """Somebody who wants to know where a room lives."""

    def __init__(self, then: Then, is_back: bool) -> None:
        self.then = then
        self.is_back = is_back
        self.timer: Delayed | None = None

    def stop_timer(self) -> None:
        """Don't say that it is too late."""
        if self.timer:
            self.timer.cancel()
            self.timer = None

    def answer(self, home: Home) -> None:
        """Tell it."""
        self.stop_timer()
        self.then(home)


class Claims:
    """The rooms that live on this node, and those of which somebody wants to know where they live.

    Args:
        engine: which knows the owner of each room.
        later: call a function after so many seconds.
        landlord: told what becomes of our rooms.
    """

    def __init__(self, engine: Engine, later: Later, landlord: Landlord) -> None:
        self.owned: dict[str, Delayed | None] = {}
        """Rooms that live here, and what ends the time in which one settles."""
        self._engine = engine
        self._later = later
        self._landlord = landlord
        self._me = ""
        """This node, as long as it is registered."""
        self._waiting: dict[str, dict[_Waiter, None]] = {}
        self._asking: dict[str, int] = {}
        """Rooms that are being claimed, and with which question."""
        self._questions = 0
        self._owed: dict[str, None] = {}
        """Rooms that are to be released, until the engine says that they are."""
        self._grace: Delayed | None = None
        self._owes_grace = False
        """Whether the engine went away while owners were waited for: they couldn't come back then."""
        self._orphaned: dict[str, Delayed] = {}
        """Rooms whose owner died, while newcomers wait for those who sat there."""
        self._is_seating = False

    # -- where a room lives ------------------------------------------------------------------------------------

    def find(self, room: str, then: Then, is_back: bool = False) -> Callable[[], None]:
        """Call `then` once with the home of `room`, now or later, unless the returned function is called before.

        Args:
            room: its name.
            then: told where it lives; if here, it takes its seat within the call.
            is_back: whether this is for somebody who sat there when its owner died.
        """
        if room in self.owned and (is_back or self._is_seating or not self.owned[room]):
            then(Home())
            return nothing
        waiter = _Waiter(then, is_back)
        self._waiting.setdefault(room, {})[waiter] = None
        if not is_back:
            waiter.timer = self._later(ASK, partial(self._too_late, room, waiter))
        self._claim(room)
        return partial(self._cancel, room, waiter)

    def seat(self, sit: Callable[[], None]) -> None:
        """Let somebody sit down in a room here, also in one that settles."""
        was_seating, self._is_seating = self._is_seating, True
        try:
            sit()
        finally:
            self._is_seating = was_seating

    def is_wanted(self, room: str) -> bool:
        """Whether `room` lives here, or may turn out to."""
        return room in self.owned or room in self._waiting

    def is_settling(self, room: str) -> bool:
        """Whether those who sat in `room` when its owner died are still coming back."""
        return bool(self.owned.get(room))

    def disclaim(self, room: str) -> None:
        """The engine believes that `room` is ours, and it isn't: an earlier release was lost."""
        if self._me:
            self._engine.release(self._me, room, _ignore)

    def _cancel(self, room: str, waiter: _Waiter) -> None:
        waiter.stop_timer()
        waiters = self._waiting.get(room, {})
        waiters.pop(waiter, None)
        if not waiters:
            self._waiting.pop(room, None)

    def _too_late(self, room: str, waiter: _Waiter) -> None:
        waiter.timer = None
        self._cancel(room, waiter)
        waiter.answer(Home(fault=SILENT))

    # -- the engine's word -------------------------------------------------------------------------------------

    def registered(self, me: str, is_young: bool) -> None:
        """The engine knows this node (again), as `me`: claim what is ours, and ask what is to be known."""
        self._me = me
        for room in tuple(self.owned):
            self._engine.claim(me, room, False, partial(self._reclaimed, room, me))
        for room in tuple(self._owed):
            self._engine.release(me, room, partial(self._released, room))
        if is_young or self._owes_grace:
            self.stop()
            self._owes_grace = False
            self._grace = self._later(GRACE, self._grace_is_over)
        self._claim_all()

    def is_down(self) -> None:
        """The engine can't be reached: who asks waits."""
        self._me = ""
        self._asking.clear()
        self._owes_grace |= bool(self._grace)
        for timer in self._orphaned.values():
            timer.cancel()
        self._orphaned.clear()

    def forget_owed(self) -> None:
        """The engine has given up all that this node owned."""
        self._owed.clear()

    def _grace_is_over(self) -> None:
        self._grace = None
        self._claim_all()

    def stop(self) -> None:
        """Wait for no owner any more."""
        if self._grace:
            self._grace.cancel()
            self._grace = None

    def _claim_all(self) -> None:
        for room in tuple(self._waiting):
            self._claim(room)

    def _claim(self, room: str) -> None:
        """Ask the engine for `room`, if somebody waits for it and it may be asked."""
        waiters = self._waiting.get(room)
        if not waiters or room in self._asking or room in self.owned or not self._me:
            return
        is_newcomer = not any(waiter.is_back for waiter in waiters)
        if is_newcomer and (self._grace or room in self._orphaned):
            return
        self._ask(room, is_newcomer)

    def _ask(self, room: str, is_newcomer: bool) -> None:
        self._questions += 1
        self._asking[room] = self._questions
        self._owed.pop(room, None)
        self._engine.claim(self._me, room, is_newcomer, partial(self._claimed, room, self._me, self._questions))

    def died(self) -> None:
        """A node is dead: ask again what is being asked, since that may be answered with the name of the dead one."""
        for room in tuple(self._asking):
            del self._asking[room]
            self._claim(room)

    def _claimed(self, room: str, me: str, question: int, owner: str | None) -> None:
        if owner is None or self._asking.get(room) != question:
            return
        del self._asking[room]
        if owner == FENCED:
            self._landlord.is_fenced()
        elif owner == ORPHANED:
            self._orphaned[room] = self._later(SETTLE, partial(self._adopt, room))
            self._claim(room)
        else:
            if room in self._orphaned:
                self._orphaned.pop(room).cancel()
            if owner == me:
                self._own(room)
            else:
                for waiter in self._waiting.pop(room, {}):
                    waiter.answer(Home(owner))

    def _adopt(self, room: str) -> None:
        """Nobody came back to `room`: newcomers may have it."""
        del self._orphaned[room]
        if room in self._waiting and room not in self._asking:
            self._ask(room, False)

    def _own(self, room: str) -> None:
        """`room` lives here from now on; if its last owner died, those who sat there come first."""
        waiters = self._waiting.pop(room, {})
        back = [waiter for waiter in waiters if waiter.is_back]
        self.owned[room] = self._later(SETTLE, partial(self._settled, room)) if back else None
        newcomers = {waiter: None for waiter in waiters if not waiter.is_back}
        if back and newcomers:
            self._waiting[room] = newcomers
        self._answer(back or newcomers)
        self._release_if_empty(room)

    def _answer(self, waiters: Iterable[_Waiter]) -> None:
        for waiter in tuple(waiters):
            waiter.answer(Home())

    def _settled(self, room: str) -> None:
        """Everybody is back who could: let them speak, and let others in."""
        self.owned[room] = None
        self._landlord.settled(room)
        self._answer(self._waiting.pop(room, {}))
        self._release_if_empty(room)

    def _reclaimed(self, room: str, me: str, owner: str | None) -> None:
        if owner not in (None, FENCED, me) and me == self._me and room in self.owned:
            self._disown(room)
            self._landlord.is_taken(room)
            self._claim(room)

    # -- leaving a room ----------------------------------------------------------------------------------------

    def release(self, room: str) -> None:
        """`room` is empty."""
        if room in self.owned:
            self._disown(room)
            self._owed[room] = None
            if self._me:
                self._engine.release(self._me, room, partial(self._released, room))
            self._claim(room)

    def _release_if_empty(self, room: str) -> None:
        if room in self.owned and not self.owned[room] and not self._landlord.keeps(room):
            self.release(room)

    def _disown(self, room: str) -> None:
        timer = self.owned.pop(room)
        if timer:
            timer.cancel()
            self._landlord.settled(room)

    def _released(self, room: str, answer: str | None) -> None:
        if answer is not None and room not in self.owned:
            self._owed.pop(room, None)


def _ignore(answer: str | None) -> None:
    """Nothing depends on this answer."""
