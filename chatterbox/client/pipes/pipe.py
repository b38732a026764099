"""A pipe is a conversation between programs: stdin is said to the hub, and what the other end says goes to stdout.

It knows when stdin and stdout have to wait, when to stop, and with which exit status (docs/client.md). It does not know
what lines mean (`reading`, `wording`), how they travel (`session`), or what stdin and stdout are (`stdio`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from ...wire.names import fold
from ...wire.numbered import Json, Numbered, is_number
from ...wire.numbering import GOT, Outcome
from ..flow import Flow
from ..naming import Names
from ..options import BROKEN, CLEAN, LOST, REFUSED, Options
from ..outputs import Missed
from ..session import Session
from ..stdio import reader_left
from .reading import Reading, altered
from .wording import Worded, Wording, shortfall

BULK = 16 * 1024
"""Bytes that no person says at once: more will follow, and be acknowledged with them."""
QUIT_PATIENCE = 5.0
"""Seconds that lines have to be got after a typed `/quit`."""
SEND_PATIENCE = 30.0
"""Seconds for which who doesn't listen waits for somebody who does, where `--wait` says nothing else."""


class Pipe:
    """One conversation, from the first byte to the exit status.

    Args:
        reading: how stdin is read.
        wording: how events are written.
        open_stdio: makes stdin and stdout the transport of a protocol, and returns it.
        tell: takes status: whole lines for stderr.
        clock: the reactor's time.
        options: what was asked for on the command line.
    """

    def __init__(
        self,
        reading: Reading,
        wording: Wording,
        open_stdio: Callable[[Protocol], Any],
        tell: Callable[[bytes], object],
        clock: Any,
        options: Options,
    ) -> None:
        self.status: int | None = None
        """The exit status, once it is known."""
        self.done: Deferred[None] = Deferred()
        """Fires when everything is written, or nobody wants it."""
        self.session: Session
        self.reading = reading
        self._wording = wording
        self._open_stdio = open_stdio
        self._tell = tell
        self._clock = clock
        self._options = options
        self._names = Names(options.name)
        self._stdio: Any = None
        self._said: deque[bytes | Json] = deque()
        """What stdin has said, and the session takes later."""
        self._ended = self._finished = self._saying = False
        """Whether stdin has ended; whether the session knows; whether it takes lines at this moment."""
        self._met = self._down = False
        """Whether somebody was ever here; whether the link is lost."""
        self._spoken_to = ""
        """The partner to whom the last lines were said."""
        self._written = self._total = 0
        """Bytes that stdout has taken, and those that it was given."""
        self._unshown: deque[int] = deque()
        """For each numbered thing on its way to stdout, how many bytes are written when it is shown."""
        self._is_bulk = False
        """Whether what came last is more than a person says."""
        self._undelivered = self._too_long = self._max_line = 0
        """Lines that were not delivered, or perhaps not; those of them that no hub takes, and what this one takes."""
        self._is_over = self._hurries = False

    # -- the session's owner ------------------------------------------------------------------------------------

    def start(self, session: Session) -> None:
        """Open stdin and stdout, and connect."""
        self.session = session
        try:
            self._stdio = self._open_stdio(Talk(self))
        except OSError as fault:
            self.over(LOST, f"cannot use stdin and stdout: {fault.strerror}")
            return
        self._stdio.pauseProducing()
        self._stdio.registerProducer(Flow(lambda: self._hold("stdout"), lambda: self._release("stdout")), True)
        session.start()

    def show(self, event: Json, thing: Numbered | None) -> None:
        """Write an event; what is numbered is shown when stdout has taken it."""
        kind = event.get("event")
        if kind == "error" and event.get("code") == "name" and not self.session.up:
            self.session.answer(self._names.next())
            return
        if self._is_over:
            return
        if kind == "welcome":
            self._welcome()
            max_line = event.get("max_line")
            self._max_line = max_line if is_number(max_line) else 0
        self._met = self._met or self._meets(event)
        worded = self._wording.event(event, thing)
        self._is_bulk = len(worded.out) >= BULK
        self._write(worded)
        if thing is not None:
            self._unshown.append(self._total)
            self.wrote(0)
        if kind in ("welcome", "left"):
            self._judge()

    def _meets(self, event: Json) -> bool:
        """Return whether an event shows that somebody is there; beside a server that is no hub, any word does."""
        kind, here = event.get("event"), event.get("here")
        if kind == "welcome" and not self.session.numbered:
            return isinstance(here, list) and len(here) > 1
        speaks = kind in ("said", "did", "told", "typed", "notice") and not self.session.numbered
        return speaks or kind in ("joined", "back") or bool(event.get("ends"))

    def _welcome(self) -> None:
        wait = self._options.wait
        if self._down:
            self._down = False
            self._write(self._wording.back())
        elif wait is not None and not self._met:
            self._clock.callLater(wait, self._give_up)

    def _give_up(self) -> None:
        if not self._met:
            self.session.leave(0, BROKEN)

    def told(self, outcome: Outcome) -> None:
        """Count lines that were not delivered; in text it is over when a partner has gone with them."""
        self._write(self._wording.outcome(*outcome))
        if outcome.word == GOT:
            return
        self._undelivered += outcome.lines
        company = self.session.company
        gone = not company.ends or company.partner != self._spoken_to
        if gone and self.session.pair and self.session.up and not self._saying and not self._options.json:
            self.session.leave(0, BROKEN)

    def missed(self, missed: Missed) -> None:
        """Tell of lines that will never come."""
        self._write(self._wording.missed(missed.name, missed.stream, missed.lines))

    def waits(self, seconds: float, why: str) -> None:
        """Tell that the link is lost."""
        self._write(self._wording.lost(why, seconds, is_news=not self._down))
        self._down = True

    def go_on(self) -> None:
        """Say what waits."""
        self._feed()

    def over(self, status: int, why: str) -> None:
        """End: write what there is to write."""
        self._is_over = True
        self.status = status if self.status is None else self.status
        sentences = [self._reason(status, why), altered(self.reading.cleaner, self.reading.returns)]
        self._tell(b"".join(f"chatterbox: {sentence}\n".encode() for sentence in sentences if sentence))
        if self._stdio and not self._hurries:
            self._stdio.unregisterProducer()
            self._stdio.loseConnection()
        else:
            self._finish()

    def _reason(self, status: int, why: str) -> str:
        if status == LOST:
            return why
        if status != BROKEN:
            return ""
        if not self._met:
            return "nobody came to hear it"
        if self._undelivered:
            return shortfall(self._undelivered, self._too_long, self._max_line, not self._ended)
        return "the other end left before it had finished"

    def _finish(self) -> None:
        if not self.done.called:
            self.done.callback(None)

    # -- stdin --------------------------------------------------------------------------------------------------

    def read(self, parts: Iterator[bytes | Json]) -> None:
        """Take what stdin says."""
        if not self._ended:
            self._said.extend(parts)
            self._feed()

    def read_all(self) -> None:
        """Stdin has ended."""
        self._ended = True
        self._feed()

    def endless(self) -> None:
        """Stdin sends a line that no hub takes."""
        self._stop(REFUSED, "stdin sends a line without end, no hub takes that")

    def _feed(self) -> None:
        while self._said and not self.session.full and not self._is_over:
            part = self._said.popleft()
            if isinstance(part, bytes):
                self._say(part)
            else:
                self._obey(part)
        if not self._stdio or self._is_over:
            return
        if self._said or self.session.full:
            self._stdio.pauseProducing()
        elif not self._ended:
            self._stdio.resumeProducing()
        elif not self._finished:
            self._finish_saying()

    def _say(self, lines: bytes, kind: str = "say", to: str = "") -> None:
        self._spoken_to = self.session.company.partner
        self._saying, before = True, self._undelivered
        self.session.say(lines, kind, to)
        self._saying = False
        if self._max_line and self._undelivered > before:
            self._too_long += sum(len(line) > self._max_line for line in lines.split(b"\n"))
        if kind == "say" and not to:
            self._write(self._wording.own(lines, self.session.machine.name))

    def _obey(self, sent: Json) -> None:
        """Do what a program asks in JSON; numbers and acknowledgements are this program's own."""
        verb, text = sent["verb"], sent.get("text")
        room, name, to = (sent[key] if isinstance(sent.get(key), str) else "" for key in ("room", "name", "to"))
        if verb == "quit":
            self._ended = self._finished = True
            self._said.clear()
            self.session.finish()
            self.session.leave(QUIT_PATIENCE, CLEAN)
        elif verb == "done":
            self._said.clear()
            self._ended = True
        elif verb == "join" and room:
            self.session.join(str(room))
        elif verb == "nick" and name:
            self.session.rename(str(name))
        elif verb in ("me", "msg") and isinstance(text, str) and (stream := self._stream_of(verb, str(to))) is not None:
            line = text.encode(errors="replace").replace(b"\n", b" ") + b"\n"
            self._say(self.reading.cleaner.clean(line), verb, stream)
        elif verb not in ("got", "ping"):
            self.session.send({key: value for key, value in sent.items() if key not in ("n", "gap")})

    def _stream_of(self, verb: str, name: str) -> str | None:
        """Return whom a verb is for: nobody in particular, a stream, or a name where there are no streams."""
        if verb == "me" or not self.session.numbered:
            return name
        ends = self.session.company.ends.items()
        return next((stream for stream, end in ends if fold(end.name) == fold(name)), None)

    def _finish_saying(self) -> None:
        self._finished = True
        self.session.finish()
        linger, wait = self._options.linger, self._options.wait
        patience = SEND_PATIENCE if wait is None else wait
        if linger == 0:
            self.session.leave(patience, CLEAN)
        elif linger is not None:
            self._clock.callLater(linger, self.session.leave, patience, CLEAN)
        self._judge()

    def _judge(self) -> None:
        """End where this end has finished, and its partner was gone by then without having finished."""
        session = self.session
        alone = session.numbered and session.up and session.pair and not session.company.ends
        if self._finished and self._met and alone and session.settled:
            session.leave(0, BROKEN)

    # -- stdout -------------------------------------------------------------------------------------------------

    def _write(self, worded: Worded) -> None:
        if worded.out and self._stdio:
            self._total += len(worded.out)
            self._stdio.write(worded.out)
        if worded.status:
            self._tell(worded.status)

    def wrote(self, size: int) -> None:
        """Stdout has taken so many bytes: what is complete is shown."""
        self._written += size
        shown = 0
        while self._unshown and self._unshown[0] <= self._written:
            self._unshown.popleft()
            shown += 1
        if shown:
            self.session.shown(shown, idle=not self._unshown and not self._is_bulk)

    def _hold(self, reason: str) -> None:
        """Let the hub wait; what is numbered is bounded by the session itself."""
        if reason != "stdout" or not self.session.numbered:
            self.session.hold(reason)

    def _release(self, reason: str) -> None:
        self.session.release(reason)

    def stderr(self, is_full: bool) -> None:
        """Let the hub wait while stderr is full."""
        if is_full:
            self._hold("stderr")
        else:
            self._release("stderr")

    def unheard(self) -> None:
        """End because stdout takes no more: its reader has had enough (`head`), or its disk is full."""
        if reader_left():
            self._stop(CLEAN)
        else:
            self._stop(LOST, "stdout takes no more, is the disk full?")

    def spoiled(self) -> None:
        """Take note that the last bytes found no room."""
        if not reader_left() and not self.status:
            self.status = LOST
            self._tell(b"chatterbox: stdout takes no more, is the disk full?\n")

    def shut(self) -> None:
        """Take note that all that was for stdout is written, or never will be."""
        self._stdio = None
        self._finish()

    # -- the end ------------------------------------------------------------------------------------------------

    def stop(self, status: int) -> None:
        """Be gone now, whatever is not written yet: a signal wants it."""
        self._stop(status)

    def _stop(self, status: int, why: str = "") -> None:
        if self._is_over:
            self._hurries = True
            self._finish()
        elif self.status is None:
            self.status, self._hurries = status, True
            if why:
                self._tell(f"chatterbox: {why}\n".encode())
            self.session.abandon(status)


@implementer(IHalfCloseableProtocol)
class Talk(Protocol):
    """The protocol on stdin and stdout: it passes on what is read, and tells what becomes of either."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._reading = pipe.reading

    def dataReceived(self, data: bytes) -> None:
        """Pass on what comes."""
        self._pipe.read(self._reading.feed(data))
        if self._reading.overlong:
            self._pipe.endless()

    def readConnectionLost(self) -> None:
        """Say an unterminated last line as a line, and then no more."""
        self._pipe.read(self._reading.last())
        self._pipe.read_all()

    def writeConnectionLost(self) -> None:
        """Take note that stdout is closed."""
        self._pipe.unheard()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note that both are closed, as they were asked to be, or that stdout couldn't take the last bytes."""
        if not reason.check(ConnectionDone):
            self._pipe.spoiled()
        self._pipe.shut()
