"""A session is one run of the client at a terminal: a chat, a link and a display, and the way they end together.

It knows none of them closely: what is said is `chat`'s, how it travels is `link`'s, and how it looks is a Display's.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import ILogObserver, LogEvent, globalLogBeginner
from twisted.python.failure import Failure

from ..failures import sentence
from ..link import Link
from ..options import CLEAN, LOST, Options
from .chat import Chat
from .rows import Look, Row, dress

CRASHED = 70
"""Exit status after a fault of our own (EX_SOFTWARE of sysexits.h)."""
GAP = 0.05
"""Seconds between two writes to the screen, or two drafts on the wire: twenty a second."""
BACKLOG = 64 * 1024
"""Characters that wait for the screen before the hub is asked to wait (the size of one read)."""
PATIENCE = 3.0
"""Seconds in which display and link have to close; a terminal may be stopped, and a hub dead."""


class Display(Protocol):
    """What a session needs of a terminal."""

    look: Look
    echoes: bool
    """Whether the terminal itself has shown what was typed."""

    def open(self) -> None:
        """Begin: the hub has something to say or to ask."""

    def write(self, text: str) -> None:
        """Put whole rows, each with its newline, above what is being typed."""

    def refresh(self) -> None:
        """Show the prompt and the status as they are now."""

    def draft(self) -> str:
        """Return what is being typed."""

    def close(self) -> Deferred[Any] | None:
        """Leave the terminal as it was."""


class Pacer:
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


class Session:
    """One run of the client.

    Args:
        make_display: builds the display for this session.

    Raises:
        Misuse: the endpoint string in the options is none.
    """

    def __init__(self, reactor: Any, options: Options, make_display: Callable[[Session], Display]) -> None:
        self.chat = Chat(self, options.name, options.room, options.live)
        self.status: int | None = None
        """The exit status, once it is known."""
        self.sentence = ""
        """Why it ended, where that isn't the person's own wish."""
        self.crash: Failure | None = None
        self._reactor = reactor
        self._hub = options.hub
        self._link = Link(reactor, options.endpoint(reactor), self._hello, self)
        self._display = make_display(self)
        self._opened = False
        self._rows: list[str] = []
        self._size = 0
        self._bell = False
        self._holders: frozenset[str] = frozenset()
        self._output = Pacer(reactor, GAP, self._flush)
        self._typing = Pacer(reactor, GAP, lambda: self.chat.typing(self._display.draft()))

    # -- from the first to the last ---------------------------------------------------------------------------

    def run(self) -> int:
        """Run the reactor until somebody ends it; return the exit status."""
        self._reactor.seconds = time.monotonic
        globalLogBeginner.beginLoggingTo(
            [cast(ILogObserver, self._watch)], redirectStandardIO=False, discardBuffer=True
        )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: self._reactor.callFromThread(self._signalled, number))
        self._reactor.addSystemEventTrigger("before", "shutdown", self._close)
        self._reactor.callWhenRunning(self._start)
        self._reactor.run(installSignalHandlers=False)
        self._last_words()
        return self.status if self.status is not None else CRASHED

    def _start(self) -> None:
        self._link.start().addErrback(self._unreachable)

    def _hello(self) -> dict[str, object]:
        wanted = {"name": self.chat.wanted, "room": self.chat.room}
        return {key: word for key, word in wanted.items() if word}

    def _unreachable(self, reason: Failure) -> None:
        self.end(LOST, f"cannot reach {self._hub}: {sentence(reason)}; is a hub running there?")

    def _signalled(self, number: int) -> None:
        """An interrupt is the person's own wish; the other signals are somebody else's."""
        self.chat.quit(CLEAN if number == signal.SIGINT else 128 + number)

    def _watch(self, event: LogEvent) -> None:
        """A fault of our own ends the session, and is told when the terminal is itself again."""
        failure = event.get("log_failure")
        if failure is not None:
            self.crashed(failure)

    def crashed(self, failure: Failure) -> None:
        """Something raised that shouldn't have."""
        self.crash = self.crash or failure
        self.end(CRASHED, f"a fault of this program: {failure.value!r}")

    def _close(self) -> Deferred[Any]:
        if self.status is None:
            self.status = CLEAN
        if self._opened and self.chat.manner.goodbye:
            self.show(Row(self.chat.manner.goodbye, kind="plain"))
        self._flush()
        both = DeferredList([self._display.close() or succeed(None), self._link.leave()])
        return both.addTimeout(PATIENCE, self._reactor).addErrback(lambda _: None)

    def _last_words(self) -> None:
        """Say on stderr why it ended, and give back what was never sent."""
        if self.sentence:
            print(f"chatterbox: {self.sentence}", file=sys.stderr)
        unsent = [str(verb["text"]) for verb in self.chat.outbox.unsent]
        if unsent:
            print("chatterbox: this was not sent:", *unsent, sep="\n", file=sys.stderr)
        if self.crash is not None:
            self.crash.printTraceback(sys.stderr)

    # -- what a display tells -----------------------------------------------------------------------------------

    def entered(self, line: str) -> bool:
        """The person has finished a line; return False where the editor keeps it."""
        return self._then_refresh(self.chat.enter(line))

    def entered_all(self, lines: list[str]) -> bool:
        """The person sends a paste as it is."""
        return self._then_refresh(self.chat.enter_all(lines))

    def touched(self) -> None:
        """The draft has changed."""
        if self.chat.streams:
            self._typing.poke()

    def hold(self, held: bool, by: str = "terminal") -> None:
        """Somebody takes no more for now, or goes on; while anybody doesn't, the hub has to wait."""
        self._holders = self._holders | {by} if held else self._holders - {by}
        self._link.read(not self._holders)

    def _then_refresh(self, done: bool) -> bool:
        self._output.poke()
        return done

    # -- what the chat tells (chat.Outlet) ----------------------------------------------------------------------

    def send(self, verb: dict[str, object]) -> None:
        """Pass one object to the hub."""
        self._link.send(verb)

    def echo(self, row: Row) -> None:
        """Show the person's own words, unless the terminal has."""
        if not self._display.echoes:
            self.show(row)

    def show(self, row: Row) -> None:
        """Put one row on the screen, with the next batch."""
        clock = time.strftime("%H:%M ") if self.chat.wishes.times else ""
        text = dress(row, self._display.look, clock)
        self._rows.append(text)
        self._size += len(text)
        if self._size > BACKLOG:
            self.hold(True, "backlog")
        self._output.poke()

    def ring(self) -> None:
        """Ring once with the next batch."""
        self._bell = True

    def end(self, status: int, why: str = "") -> None:
        """Leave; who ends first says why."""
        if self.status is None:
            self.status, self.sentence = status, why
            self._reactor.stop()

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        bell, self._bell = "\a" * self._bell, False
        if rows:
            self._display.write("\n".join(rows) + "\n" + bell)
        if self._size > BACKLOG:
            self.hold(False, "backlog")
        self._size = 0
        self._display.refresh()

    # -- what the link tells (link.Ears) ------------------------------------------------------------------------

    def heard(self, event: dict[str, object]) -> None:
        """The hub sent an object."""
        if self.status is not None:
            return
        self.chat.heard(event)
        if not self._opened and self.status is None:
            self._opened = True
            self._output.act()
            self._display.open()
        if self._rows:
            self._output.poke()
        else:
            self._display.refresh()

    def flow(self, open_: bool) -> None:
        """The connection takes more, or nothing for now."""
        if self.status is None:
            self.chat.outbox.flow(open_)
            self._output.poke()

    def cut(self, reason: str) -> None:
        """The connection is gone, after a welcome."""
        if self.status is None:
            self.chat.cut(reason)
            self._output.poke()

    def wait(self, seconds: float) -> None:
        """The next attempt is `seconds` away."""
        if self.status is None:
            self.chat.wait(seconds)
            self._output.poke()
