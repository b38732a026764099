"""An interactive run is one use of the client at a terminal: a chat, its person, a session, a display, and their end.

It connects them and knows none of them closely: it does not know what is said, how it travels, or how it looks.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import ILogObserver, LogEvent, globalLogBeginner
from twisted.python.failure import Failure

from ...wire.numbered import Json, Numbered
from ...wire.numbering import Outcome
from ...wire.text import NOTICE
from ..bare import link_maker
from ..clock import make_monotonic
from ..failures import fault_in
from ..options import CLEAN, Misuse, Options
from ..outputs import Missed
from ..session import Session, make_resume
from .chat import Chat
from .commands import help_about
from .person import Person
from .rows import Row, dress, notice
from .seams import Display
from .transcript import Transcript

CRASHED = 70
"""Exit status after a fault of our own (EX_SOFTWARE of sysexits.h)."""
UPDATE_GAP = 0.05
"""Seconds between two writes to the screen, or two drafts on the wire: twenty a second."""
UNDRAWN_LIMIT = 64 * 1024
"""Characters that wait for the screen before the hub is asked to wait (the size of one read)."""
CONNECTING = 3.0
"""Seconds without a word from the hub, after which the person is told what is waited for."""
CLOSE_PATIENCE = 3.0
"""Seconds in which display and session have to close; a terminal may be stopped, and a hub dead."""


class Coalescer:
    """Does one thing soon when poked, and at most so often: what happens in between is done at once."""

    def __init__(self, clock: IReactorTime, gap: float, act: Callable[[], None]) -> None:
        self._clock = clock
        self._gap = gap
        self._act = act
        self._last = -gap
        self._call: Any = None

    def poke(self) -> None:
        """Act within the gap."""
        if self._call is None:
            pause = self._last + self._gap - self._clock.seconds()
            self._call = self._clock.callLater(min(max(0.0, pause), self._gap), self.act)

    def act(self) -> None:
        """Act now."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None
        self._last = self._clock.seconds()
        self._act()


class InteractiveRun:
    """One run of the client at a terminal.

    Args:
        make_display: builds the display for this run.

    Raises:
        Misuse: the endpoint string or the file for the log is none.
    """

    def __init__(self, reactor: Any, options: Options, make_display: Callable[[InteractiveRun], Display]) -> None:
        first, later = options.retry or 0.0, options.retry  # without --retry it is the person who gives up
        resume = make_resume(options.room, options.name, first, later, options={"live": True})
        link = link_maker(options, reactor)
        way = options.endpoint(reactor)
        self._session = Session(reactor, way, resume, self, options.hub, make_link=link, asks=True)
        self.chat = Chat(self, self._session, options.name, options.room, options.live)
        self._person = Person(self.chat, self, self._session)
        self.status: int | None = None
        """The exit status, once it is known."""
        self.why = ""
        """Why it ended, where that isn't the person's own wish."""
        self.crash: Failure | None = None
        self._reactor = reactor
        self._hub = options.hub
        self._display = make_display(self)
        self._opened = False
        self._transcript = Transcript()
        self._rows: list[str] = []
        if options.log:
            self._open_log(options.log)
        self._size = 0
        self._bell = False
        self._unshown = 0
        """Numbered things that wait for the screen; whoever said them hears when they are there."""
        self._stopped = False
        """Whether the terminal takes nothing for now."""
        self._over: Deferred[None] = Deferred()
        """Fires when the session has ended."""
        self._output = Coalescer(reactor, UPDATE_GAP, self._flush)
        self._typing = Coalescer(reactor, UPDATE_GAP, lambda: self._person.typing(self._display.draft()))

    def _open_log(self, path: str) -> None:
        try:
            self._transcript.begin(path)
        except OSError as fault:
            raise Misuse(f"can't log to {path}: {fault.strerror}") from fault

    # -- from the first to the last ---------------------------------------------------------------------------

    def run(self) -> int:
        """Run the reactor until somebody ends it; return the exit status."""
        make_monotonic(self._reactor)
        globalLogBeginner.beginLoggingTo(
            [cast(ILogObserver, self._watch)], redirectStandardIO=False, discardBuffer=True
        )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: self._reactor.callFromThread(self._signalled, number))
        self._reactor.addSystemEventTrigger("before", "shutdown", self._close)
        self._reactor.callWhenRunning(self._session.start)
        self._reactor.callLater(CONNECTING, self._say_connecting)
        self._reactor.run(installSignalHandlers=False)
        self._last_words()
        return self.status if self.status is not None else CRASHED

    def _say_connecting(self) -> None:
        if not self._opened and self.status is None:
            self.put(notice(f"connecting to {self._hub}; ^C leaves"))

    def _signalled(self, number: int) -> None:
        """Leave; ^C is the person's own wish, and the other signals come from somebody else."""
        if number == signal.SIGINT:
            self._person.quit()
        else:
            self.end(128 + number)

    def _watch(self, event: LogEvent) -> None:
        """End because of a fault of our own; it is told when the terminal is restored."""
        failure = fault_in(event)
        if failure:
            self.crashed(failure)

    def crashed(self, failure: Failure) -> None:
        """End because something raised that shouldn't have."""
        self.crash = self.crash or failure
        self.end(CRASHED, f"a fault of this program: {failure.value!r}")

    def _close(self) -> Deferred[Any]:
        status = self.status if self.status is not None else CLEAN
        self.status = status
        self._session.abandon(status)
        if self._opened and self.chat.manner.goodbye:
            self.put(Row(self.chat.manner.goodbye, kind="plain"))
        self._stopped = False
        self._flush()
        both = DeferredList([self._display.close() or succeed(None), self._over])
        return both.addTimeout(CLOSE_PATIENCE, self._reactor).addErrback(lambda _: None)

    def _last_words(self) -> None:
        """Say on stderr why it ended."""
        if self.why:
            print(f"chatterbox: {self.why}", file=sys.stderr)
        if self.crash is not None:
            self.crash.printTraceback(sys.stderr)

    # -- what a display tells (seams.Master) --------------------------------------------------------------------

    def entered(self, line: str) -> bool:
        """Obey a finished line; return False where the editor keeps it."""
        self._output.poke()
        return self._person.enter(line)

    def entered_all(self, lines: list[str]) -> bool:
        """Say a paste as it is; return False where the editor keeps it."""
        self._output.poke()
        return self._person.enter_all(lines)

    def touched(self) -> None:
        """Look at the draft again, where it was refused; send it soon, where drafts are sent."""
        self._person.edited(self._display.draft())
        if self.chat.streams:
            self._typing.poke()

    def quit(self) -> None:
        """Leave."""
        self._person.quit()

    def vanished(self) -> None:
        """Leave as after SIGHUP, which may come later, or never."""
        self.end(128 + signal.SIGHUP)

    def hold(self, held: bool) -> None:
        """Show nothing more for now, and let the others wait; or go on."""
        self._stopped = held
        if held:
            self._session.hold("terminal")
        else:
            self._session.release("terminal")
            self._output.poke()

    # -- what the chat tells (seams.World) ----------------------------------------------------------------------

    def echo(self, row: Row) -> None:
        """Show the person's own words, unless the terminal has."""
        if self._display.echoes:
            self._transcript.write(row)
        else:
            self.put(row)

    def put(self, row: Row) -> None:
        """Put one row on the screen, with the next batch."""
        clock = time.strftime("%H:%M:%S ") if self.chat.preferences.times else ""
        text = dress(row, self._display.look, clock)
        self._rows.append(text)
        self._size += len(text)
        if self._size > UNDRAWN_LIMIT:
            self._session.hold("backlog")
        self._output.poke()
        if fault := self._transcript.write(row):
            self.put(notice(fault))

    def help(self, about: str) -> None:
        """Show the rows of `/help`."""
        for row in help_about(self._display.columns() - len(NOTICE), self._display.keys, about):
            self.put(notice(row))

    def clear(self) -> None:
        """Empty the screen, rows that wait for it included."""
        self._rows.clear()
        self._display.clear()

    def log(self, path: str) -> str:
        """Log to the file at `path`, or end that, or only ask."""
        try:
            return self._transcript.begin(path)
        except OSError as fault:
            return f"can't log to {path}: {fault.strerror}"

    def ring(self) -> None:
        """Ring once with the next batch."""
        self._bell = True

    def end(self, status: int, why: str = "") -> None:
        """Leave; who ends first says why."""
        if self.status is None:
            self.status, self.why = status, why
            self._reactor.stop()

    def _flush(self) -> None:
        if self._stopped:
            return
        rows, self._rows = self._rows, []
        bell, self._bell = "\a" if self._bell else "", False
        if rows:
            self._display.write("\n".join(rows) + "\n" + bell)
        if self._size > UNDRAWN_LIMIT:
            self._session.release("backlog")
        self._size = 0
        unshown, self._unshown = self._unshown, 0
        if unshown:
            self._session.shown(unshown, idle=True)
        self._display.refresh()

    # -- what the session tells (its Owner) ---------------------------------------------------------------------

    def show(self, event: Json, thing: Numbered | None) -> None:
        """Take what the hub said."""
        if self.status is not None:
            return
        self._unshown += thing is not None
        self.chat.heard(event)
        self.touched()  # somebody new, or a link that is back, has seen nothing of the draft
        if not self._opened and self.status is None and event.get("event") != "closed":
            self._opened = True
            self._output.act()
            self._display.open()
        self._output.poke()

    def told(self, outcome: Outcome) -> None:
        """Show which lines weren't delivered."""
        self.chat.told(outcome)
        self._output.poke()

    def missed(self, missed: Missed) -> None:
        """Show that lines of somebody will never come."""
        self.chat.missed(missed.name, missed.lines)

    def waits(self, seconds: float, why: str) -> None:
        """Go on without a link."""
        self.chat.waits(seconds, why)
        self._output.poke()

    def go_on(self) -> None:
        """Say what waits."""
        self.chat.voice.go_on()
        self.touched()
        self._output.poke()

    def over(self, status: int, why: str) -> None:
        """End."""
        self.end(*self.chat.verdict(status, why))
        self._over.callback(None)
