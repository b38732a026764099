"""An interactive run is one use of the client at a terminal: a chat, its person, a link, a display, and their end.

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

from ...wire.text import NOTICE
from ..clock import make_monotonic
from ..failures import unreachable
from ..link import Link
from ..options import CLEAN, LOST, Misuse, Options
from .chat import Chat
from .commands import help_about
from .events import Json
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
CLOSE_PATIENCE = 3.0
"""Seconds in which display and link have to close; a terminal may be stopped, and a hub dead."""


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
        self.chat = Chat(self, options.name, options.room, options.live)
        self._person = Person(self.chat, self)
        self.status: int | None = None
        """The exit status, once it is known."""
        self.why = ""
        """Why it ended, where that isn't the person's own wish."""
        self.crash: Failure | None = None
        self._reactor = reactor
        self._hub = options.hub
        self._link = Link(reactor, options.endpoint(reactor), self._hello, self)
        self._display = make_display(self)
        self._opened = False
        self._transcript = Transcript()
        self._rows: list[str] = []
        if options.log:
            self._open_log(options.log)
        self._size = 0
        self._bell = False
        self._holders: frozenset[str] = frozenset()
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
        self._reactor.callWhenRunning(lambda: self._link.start().addErrback(self._unreachable))
        self._reactor.run(installSignalHandlers=False)
        self._last_words()
        return self.status if self.status is not None else CRASHED

    def _hello(self) -> dict[str, object]:
        wanted = {"name": self.chat.wanted, "room": self.chat.room}
        return {key: word for key, word in wanted.items() if word}

    def _unreachable(self, reason: Failure) -> None:
        self.end(LOST, unreachable(self._hub, reason))

    def _signalled(self, number: int) -> None:
        """Leave; ^C is the person's own wish and ends with 0, the other signals come from somebody else."""
        self._person.quit(CLEAN if number == signal.SIGINT else 128 + number)

    def _watch(self, event: LogEvent) -> None:
        """End because of a fault of our own; it is told when the terminal is restored."""
        failure = event.get("log_failure")
        if failure is not None:
            self.crashed(failure)

    def crashed(self, failure: Failure) -> None:
        """End because something raised that shouldn't have."""
        self.crash = self.crash or failure
        self.end(CRASHED, f"a fault of this program: {failure.value!r}")

    def _close(self) -> Deferred[Any]:
        if self.status is None:
            self.status = CLEAN
        if self._opened and self.chat.manner.goodbye:
            self.show(Row(self.chat.manner.goodbye, kind="plain"))
        self._flush()
        both = DeferredList([self._display.close() or succeed(None), self._link.leave()])
        return both.addTimeout(CLOSE_PATIENCE, self._reactor).addErrback(lambda _: None)

    def _last_words(self) -> None:
        """Say on stderr why it ended, and what was never sent."""
        if self.why:
            print(f"chatterbox: {self.why}", file=sys.stderr)
        unsent = [str(verb["text"]) for verb in self.chat.outbox.unsent]
        if unsent:
            print("chatterbox: this was not sent:", *unsent, sep="\n", file=sys.stderr)
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
        """Send the draft soon, where drafts are sent."""
        if self.chat.streams:
            self._typing.poke()

    def quit(self) -> None:
        """Leave."""
        self._person.quit()

    def hold(self, held: bool, by: str = "terminal") -> None:
        """Stop or go on for one reason; while there is any reason to stop, the hub has to wait."""
        self._holders = self._holders | {by} if held else self._holders - {by}
        self._link.read(not self._holders)

    # -- what the chat tells (seams.World) ----------------------------------------------------------------------

    def send(self, verb: Json) -> None:
        """Pass one object to the hub."""
        self._link.send(verb)

    def echo(self, row: Row) -> None:
        """Show the person's own words, unless the terminal has."""
        if self._display.echoes:
            self._transcript.write(row)
        else:
            self.show(row)

    def show(self, row: Row) -> None:
        """Put one row on the screen, with the next batch."""
        if fault := self._transcript.write(row):
            self.show(notice(fault))
        clock = time.strftime("%H:%M:%S ") if self.chat.preferences.times else ""
        text = dress(row, self._display.look, clock)
        self._rows.append(text)
        self._size += len(text)
        if self._size > UNDRAWN_LIMIT:
            self.hold(True, "backlog")
        self._output.poke()

    def help(self, about: str) -> None:
        """Show the rows of `/help`."""
        for row in help_about(self._display.columns() - len(NOTICE), self._display.keys, about):
            self.show(notice(row))

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
        rows, self._rows = self._rows, []
        bell, self._bell = "\a" if self._bell else "", False
        if rows:
            self._display.write("\n".join(rows) + "\n" + bell)
        if self._size > UNDRAWN_LIMIT:
            self.hold(False, "backlog")
        self._size = 0
        self._display.refresh()

    # -- what the link tells (link.Ears) ------------------------------------------------------------------------

    def heard(self, event: Json) -> None:
        """Take one object of the hub."""
        if self.status is not None:
            return
        self.chat.heard(event)
        self.touched()  # somebody new, or a link that is back, has seen nothing of the draft
        if not self._opened and self.status is None:
            self._opened = True
            self._output.act()
            self._display.open()
        if self._rows:
            self._output.poke()
        else:
            self._display.refresh()

    def flow(self, open_: bool) -> None:
        """Go on sending, or send nothing for now."""
        if self.status is None:
            self.chat.outbox.flow(open_)
            self._output.poke()

    def cut(self, reason: str) -> None:
        """Go on without a link, or end where that was agreed."""
        if self.status is None:
            self.chat.cut(reason)
            self._output.poke()

    def wait(self, seconds: float) -> None:
        """Show when the next attempt is made."""
        if self.status is None:
            self.chat.wait(seconds)
            self._output.poke()
