"""A session's link runs one `Resume` over sockets and a clock: it connects, says hello, and does what `Resume` wants.

Whatever talks to a hub stands on it: the terminal, the pipes, the one-shots, the library. It knows neither screens nor
files, nor what lines mean. A hub that knows no sessions (its welcome has no `stream`) is spoken to by an
`Unnumbered` instead; the calls stay the same.

| call | when |
|---|---|
| `start()` | once; everything else is told to the `Owner` |
| `say`, `finish`, `join`, `rename`, `shown`, `leave`, `abandon` | as `Resume` has them, without the moment |
| `send(verb)` | passes what has no number (`type`, `who`, `help`) to the hub, or returns False: there is no link |
| `answer(name)` | answers the hub's question for a name, before the welcome |
| `full` | before each `say`; when it was True, the owner is told to `go_on` |
| `hold(reason)`, `release(reason)` | stop reading the link, for any number of reasons |
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from ..wire.numbered import Json
from .company import Company
from .connection import HubLink, Listener
from .crowd import CROWD, Crowd
from .failures import failure_text, unreachable
from .machine import Machine, Owner
from .options import RETRY
from .outputs import LOST, Connect, Drop, Exit, Fate, Missed, Output, Send, Show
from .patience import Patience
from .resume import Resume
from .unnumbered import Unnumbered

LOOK = 5.0
"""Seconds between two looks at the wall clock: so soon after a machine's sleep its link is tried."""
FAREWELL_PATIENCE = 1.0
"""Seconds that the hub has to hang up when all is over; who hangs up first may reset what is on its way."""
NAME = "name"
"""Why nothing is read or tried while the person is asked for a name: their answer comes with the next hello."""

IN_BLOCKS: Json = {"blocks": True}
"""What a program asks for in its hello: many lines at once. A person says few."""


def make_resume(
    room: str = "",
    name: str = "",
    first: float | None = 0.0,
    later: float | None = 120.0,
    listens: bool = True,
    options: Json = IN_BLOCKS,
) -> Resume:
    """Return a new conversation that nobody can guess; it tries for `first` and `later` seconds (None: for ever)."""
    patience = Patience(random.random, first, later)
    wishes = options if later in (None, RETRY) else {"grace": later} | options
    return Resume(os.urandom(16).hex(), patience, room, name, wishes, listens)


class Session:
    """One conversation with one hub, over as many connections as it takes.

    Args:
        clock: the reactor's time; its seconds are monotonic.
        endpoint: the way to the hub.
        resume: what it runs.
        owner: whose it is.
        hub: what the hub is called in sentences about it.
        wall: the wall clock.
        make_link: makes one link, on which objects come and go.
        asks: whether a person is there, who chooses a name before they sit down.
    """

    def __init__(
        self,
        clock: Any,
        endpoint: IStreamClientEndpoint,
        resume: Resume,
        owner: Owner,
        hub: str = "the hub",
        wall: Callable[[], float] = time.time,
        make_link: Callable[[Listener], HubLink] = HubLink,
        asks: bool = False,
    ) -> None:
        self.machine: Machine = resume
        self.welcomed = False
        """Whether a hub has ever said welcome."""
        self.mode = ""
        """The hub's mode, as its last welcome says."""
        self.pair = True
        """Whether two ends meet here."""
        self._clock = clock
        self._endpoint = endpoint
        self._owner = owner
        self._hub = hub
        self._wall = wall
        self._make_link = make_link
        self._asks = asks
        self._link: HubLink | None = None
        self._why = ""
        """Why the last link was lost."""
        self._fault = ""
        """Why there never was one, and what to look at."""
        self._fatal = ""
        """Why it makes no sense to try again."""
        self._end = Exit(LOST)
        self._leaving = False
        self._working = False
        self._was_full = True
        self._holders: set[str] = set()
        self._paused = False
        self._timer: IDelayedCall | None = None
        self._connecting: IDelayedCall | None = None
        self._crowd = Crowd()

    # -- what its owner asks ------------------------------------------------------------------------------------

    @property
    def numbered(self) -> bool:
        """Whether the hub knows sessions: then lines are acknowledged and repeated."""
        return isinstance(self.machine, Resume)

    @property
    def up(self) -> bool:
        """Whether there is a welcomed link."""
        return self.machine.up

    @property
    def company(self) -> Company:
        """Who else is there."""
        return self.machine.company

    @property
    def full(self) -> bool:
        """Whether nothing may be said now."""
        outbox = self.machine.outbox if isinstance(self.machine, Resume) else None
        ahead = outbox.ahead if outbox and outbox.size >= CROWD else 0  # to look at each of the others takes time
        return self.machine.full or self._crowd.waits(ahead, self._now)

    @property
    def settled(self) -> bool:
        """Whether no line of this end waits to be got."""
        return not isinstance(self.machine, Resume) or self.machine.outbox.settled

    @property
    def next_mark(self) -> int:
        """The mark that the next line will have."""
        if isinstance(self.machine, Resume):
            return self.machine.outbox.said
        return self.machine.said if isinstance(self.machine, Unnumbered) else 0

    def start(self) -> None:
        """Connect."""
        self._connect()

    def say(self, lines: bytes, kind: str = "say", to: str = "") -> int:
        """Say whole lines, cleaned; return the mark of the first, as outcomes have it."""
        mark = self.machine.say(lines, kind, to)
        self._work()
        return mark

    def finish(self) -> None:
        """This end has said all."""
        self.machine.finish(self._now)
        self._work()

    def join(self, room: str) -> None:
        """Go to another room."""
        self.machine.join(room, self._now)
        self._work()

    def rename(self, name: str) -> None:
        """Take another name."""
        self.machine.rename(name)
        self._work()

    def answer(self, name: str) -> None:
        """Answer the hub, which asks for a name before it says welcome."""
        self.machine.rename(name)
        if NAME in self._holders:
            self.release(NAME)
            self._connect()
        elif self._link and not self.machine.up:
            self._link.send({"verb": "nick", "name": name})
        self._work()

    def shown(self, count: int = 1, idle: bool = False) -> None:
        """The oldest `count` numbered things are displayed; `idle`: nothing more waits to be displayed."""
        self.machine.shown(self._now, count, idle)
        self._work()

    def leave(self, wait: float = 0.0, status: int = 0) -> None:
        """Go as soon as all lines are got, or `wait` seconds later with status 4."""
        self.machine.leave(self._now, wait, status)
        self._work()

    def abandon(self, status: int) -> None:
        """Go now."""
        if self.machine.status is None:
            self.machine.abandon(status)
            self._work()

    def send(self, verb: Json) -> bool:
        """Pass what has no number to the hub; return whether there is a link for it."""
        if self._link and self.machine.up and not self._leaving:
            self._link.send(verb)
            return True
        return False

    def hold(self, reason: str) -> None:
        """Read nothing for now."""
        self._holders.add(reason)
        self.machine.hold(True, self._now)
        self._work()

    def release(self, reason: str) -> None:
        """Read on, unless there is another reason not to."""
        self._holders.discard(reason)
        self.machine.hold(bool(self._holders), self._now)
        self._work()

    # -- the link -----------------------------------------------------------------------------------------------

    @property
    def _now(self) -> float:
        now: float = self._clock.seconds()
        return now

    def _connect(self) -> None:
        self._connecting = None
        link = self._link = self._make_link(self)
        link.attempt = self._endpoint.connect(Factory.forProtocol(lambda: link))
        link.attempt.addErrback(lambda reason: self.link_lost(link, reason))

    def link_made(self, link: HubLink) -> None:
        """Say hello."""
        if link is not self._link or self._leaving:
            link.abort()
            return
        self._paused = False
        wish: Json = {"asks": True} if self._asks and not self.welcomed else {}
        link.send(self.machine.hello(self._now) | wish)
        self._work()

    def heard(self, link: HubLink, event: Json, block: bytes | None) -> None:
        """Take one object of the hub, and the lines behind it."""
        if link is not self._link or self._leaving:
            return
        if event.get("event") == "welcome":
            self._welcome(event)
        elif event.get("asks") is True and event.get("code") == "name" and not self.welcomed:
            self.hold(NAME)
            self._drop()
        self.machine.heard(event, self._now, block)

    def _welcome(self, event: Json) -> None:
        self.welcomed = True
        self.mode, self.pair = str(event.get("mode", "")), event.get("seats") == 2
        if isinstance(event.get("stream"), str) or not isinstance(self.machine, Resume):
            return
        if self.machine.stream:  # another hub has taken the place of the one that knew it
            self.machine.abandon(LOST)
        else:
            self.machine = Unnumbered(self.machine)
            self.machine.hold(bool(self._holders), self._now)

    def heard_all(self) -> None:
        """Do what follows from what was read at once."""
        self._work()

    def flow(self, link: HubLink, open_: bool) -> None:
        """The system takes more, or nothing for now."""
        if link is self._link and isinstance(self.machine, Unnumbered):
            self.machine.flow(open_)
        self._work()

    def link_lost(self, link: HubLink, reason: Failure) -> None:
        """Take note that the link is gone, or was never made."""
        if link is not self._link:
            return
        self._link = None
        if self._leaving:
            self._leave()
            return
        self._why = link.fault or failure_text(reason)
        self._fault = f"cannot reach {self._hub}: {link.hint}" if link.hint else unreachable(self._hub, reason)
        if link.fault and (link.known or not self.welcomed):  # else it is text, as a hub says that missed the hello
            self._fatal = link.fault
            self.machine.abandon(LOST)
        elif isinstance(self.machine, Unnumbered) and reason.check(ConnectionDone):
            self.machine.hung_up(self._now, self._why)
        else:
            self.machine.lost(self._now, self._why)
        self._work()

    def _sentence(self, why: str) -> str:
        if self.welcomed:
            return f"the link to {self._hub} is lost: {why}"
        return self._fault or f"cannot reach {self._hub}: {why}; is a hub running there?"

    # -- what the machine wants ---------------------------------------------------------------------------------

    def _work(self) -> None:
        """Do what the machine wants until it wants nothing; a call in the middle of it only adds to that."""
        if self._working:
            return
        self._working = True
        try:
            while outputs := self.machine.take():
                for output in outputs:
                    self._do(output)
        finally:
            self._working = False
        if self._leaving:
            return
        self._read()
        is_full = self.full
        if self._was_full and not is_full:
            self._was_full = False
            self._owner.go_on()
            is_full = self.full
        self._was_full = self._leaving or is_full
        self._schedule()

    def _do(self, output: Output) -> None:
        if isinstance(output, Send):
            if self._link:
                self._link.send(*output)
        elif isinstance(output, Show):
            self._owner.show(output.event, output.thing)
        elif isinstance(output, Fate):
            self._owner.told(output.outcome)
        elif isinstance(output, Missed):
            self._owner.missed(output)
        elif isinstance(output, Connect):
            self._connecting = self._clock.callLater(output.seconds, self._connect)
            self._owner.waits(output.seconds, self._why)
        elif isinstance(output, Drop):
            self._drop()
        else:
            self._exit(output)

    def _drop(self) -> None:
        link, self._link = self._link, None
        self._why, self._fault = "the hub says nothing", ""
        if link:
            link.abort()

    def _exit(self, exit_: Exit) -> None:
        """Give the hub a moment to hang up first."""
        self._leaving = True
        lost = exit_.status == LOST and exit_.why
        self._end = exit_._replace(why=self._fatal or self._sentence(exit_.why)) if lost or self._fatal else exit_
        for timer in (self._timer, self._connecting):
            if timer and timer.active():
                timer.cancel()
        link = self._link
        if link and link.transport:
            self._read()
            self._timer = self._clock.callLater(FAREWELL_PATIENCE, link.abort)
        elif link and link.attempt:
            link.attempt.cancel()
        else:
            self._leave()

    def _leave(self) -> None:
        if self._timer and self._timer.active():
            self._timer.cancel()
        self._owner.over(*self._end)

    def _read(self) -> None:
        """Read the link, or leave what comes where it is: then the other end has to wait."""
        paused = not (self._leaving or self.machine.reading)
        if self._link and self._link.transport and paused != self._paused:
            self._paused = paused
            self._link.read(not paused)

    # -- time ---------------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        due = self.machine.due
        if due is None or self._leaving:
            return
        moment = min(due, self._now + LOOK, self._crowd.until if self._crowd.until and self._was_full else due)
        if self._timer and self._timer.active():
            if self._timer.getTime() <= moment + 0.001:
                return
            self._timer.cancel()
        self._timer = self._clock.callLater(max(0.0, moment - self._now), self._tick)

    def _tick(self) -> None:
        self.machine.tick(self._now, self._wall())
        self._work()
