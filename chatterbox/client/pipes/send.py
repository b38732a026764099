"""`send`, `recv` and `ask`: a conversation in one command of a shell, with an exit status that means what it says.

They stand on the library (`api`). What may be asked is `shots`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol, Protocol
from twisted.python.failure import Failure

from ...wire.numbered import Json, is_number
from ...wire.text import clean_text
from ..api import Conversation, Ended, Line, NotDelivered
from ..clock import make_monotonic
from ..failures import show_faults
from ..options import BROKEN, CLEAN, LOST, REFUSED
from ..shots import Shot
from ..stdio import Stdio, reader_left
from .leaving import leave_lines
from .wording import TextWording, count

AGAIN = 0.2
"""Seconds before `recv` comes back for the next partner."""
SEEK = 1.0
"""Seconds before the next question for a seat, where there was none."""
GRACE = 20.0
"""Seconds for which a hub keeps the seat of a command whose link is lost: less than `WAIT`, so the next one has it."""


def run(shot: Shot) -> int:
    """Do it; return the exit status.

    Raises:
        Misuse: the endpoint that was asked for is none.
    """
    if shot.verb == "send" and shot.text is None and not shot.leave:
        from .run import run as run_pipe

        return run_pipe(replace(shot.options, linger=0.0))
    from twisted.internet import reactor as default_reactor

    reactor: Any = default_reactor
    make_monotonic(reactor)
    show_faults()
    shot.options.endpoint(reactor)  # raises now, while nothing runs, if there is no such way
    doing = {"send": _send, "recv": _recv, "ask": _ask}[shot.verb]
    one = _Run(reactor, shot)
    reactor.callWhenRunning(one.start, leave_lines(one.reactor, shot, one.tell) if shot.leave else doing(one))
    reactor.run()
    return one.status


class _Run:
    """One run of one command."""

    def __init__(self, reactor: Any, shot: Shot) -> None:
        self.reactor = reactor
        self.shot = shot
        self.status = LOST
        self.conversation: Conversation | None = None
        self.wording = TextWording(shot.options.name)
        self._running: Deferred[Any] = Deferred()
        self._signal = 0
        self._late: IDelayedCall | None = None
        self._waits = self.is_over = False
        """Whether it has no seat; whether its time is over."""
        self.heard = 0
        """Lines that came."""
        self.was_said = False
        """Whether there was a seat to say it from."""
        self.max_line = 0
        """Bytes of a line that this hub takes, as far as it is known."""
        self.was_told = False
        """Whether it is said that nobody took what was said."""

    def start(self, doing: Coroutine[Deferred[Any], Any, int]) -> None:
        """Do it."""
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda number, _: self.reactor.callFromThread(self._signalled, number))
        self._running = ensureDeferred(doing)
        self._running.addCallbacks(self._done, self._failed)
        self._running.addBoth(lambda _: self.reactor.stop())

    def _signalled(self, number: int) -> None:
        self._signal = 128 + number
        if self.conversation and not self.conversation.ended:
            self.conversation.session.abandon(self._signal)
        else:
            self._running.cancel()

    def _done(self, status: int) -> None:
        self.status = self._signal or status

    def _failed(self, failure: Failure) -> None:
        if self._signal:
            self.status = self._signal
        elif isinstance(failure.value, Ended):
            self.status = failure.value.status
            if " " in failure.value.why:  # a single word is the hub's, and told already
                self.tell(f"chatterbox: {failure.value.why}")
            elif self.is_over:
                self._tell_of_time()
        elif failure.check(CancelledError):
            self._tell_of_time()
        else:
            failure.printTraceback(sys.stderr)

    def _tell_of_time(self) -> None:
        """Say what didn't come in the time of `--wait`."""
        wait, most = f"{self.shot.options.wait or 0.0:g} s", self.shot.count
        if self._waits:
            self.tell(f"chatterbox: no seat came free in {wait}")
        elif self.shot.verb == "recv":
            self.tell(f"chatterbox: {f'{self.heard} of {count(most)}' if most else count(self.heard)} came in {wait}")
        elif not self.was_said:
            self.tell("chatterbox: not delivered: nobody took it in time")
        elif not self.was_told:
            self.tell(f"chatterbox: no answer came in {wait}")

    def tell(self, text: str) -> None:
        """Say one line on stderr."""
        if sys.stderr:
            print(text, file=sys.stderr)

    async def connect(self, listens: bool = True) -> Conversation:
        """Join, as soon as there is a seat; a new conversation each time."""
        options = self.shot.options
        grace = min(GRACE, options.patience[1])
        while True:
            self.conversation = Conversation(self.reactor, options, listens, self.notify, grace)
            try:
                conversation = await self.conversation.welcomed
                self._waits = False
                return conversation
            except Ended as fault:
                if fault.why != "full" or self.is_over:
                    raise
            if not self._waits:
                self.tell("chatterbox: waiting for a seat")
            self._waits = True
            await _pause(self.reactor, SEEK)

    def notify(self, event: Json) -> None:
        """Tell what the hub says on stderr, but who comes and goes only where something is lost by it."""
        kind = event.get("event")
        if kind == "welcome" and is_number(event.get("max_line")):
            self.max_line = int(str(event["max_line"]))
        worded = self.wording.event(event, None).status
        if kind == "closed" and self._waits:
            return
        if kind in ("welcome", "closed", "error", "notice") and worded:
            self.tell(worded.decode().rstrip("\n"))
        elif kind == "missed":
            self.tell(f"-!- {count(int(str(event['lines'])))} of {clean_text(str(event['from']))} were missed")
        elif kind == "lost" and float(str(event["retry"])) <= AGAIN:
            self.tell(f"-!- no link to the hub ({event['text']}): trying again")

    def later(self, seconds: float | None, status: int) -> None:
        """Leave with `status` after so many seconds, whatever happens."""
        if seconds is not None:
            self._late = self.reactor.callLater(seconds, self.give_up, status)

    def in_time(self) -> None:
        """All is there that was waited for."""
        if self._late and self._late.active():
            self._late.cancel()

    def give_up(self, status: int) -> None:
        """Leave now, and lose what isn't got; who has no seat by now was refused."""
        self.is_over = True
        status = REFUSED if self._waits else status
        if self.conversation and not self.conversation.ended:
            self.conversation.session.leave(0, status)
        else:
            self.status = status
            self._running.cancel()


async def _send(one: _Run) -> int:
    one.later(one.shot.options.wait, BROKEN)
    conversation = await one.connect(listens=False)
    _say(one, conversation)
    await conversation.close(one.shot.options.wait or 0.0)
    return CLEAN


def _say(one: _Run, conversation: Conversation) -> None:
    """Say the line; what isn't delivered is told."""

    def failed(failure: Failure) -> None:
        one.was_told = True
        one.tell(_undelivered(failure, one.is_over))
        if one.max_line and len(text.encode(errors="replace")) > one.max_line:
            one.tell(f"chatterbox: it has more than {one.max_line} bytes")

    one.was_said, text = True, one.shot.text or ""
    conversation.say(text).addErrback(failed)


def _undelivered(failure: Failure, is_late: bool) -> str:
    fault = failure.value
    if not isinstance(fault, NotDelivered):
        return str(fault)
    if is_late and not fault.perhaps:
        return "chatterbox: not delivered: nobody took it in time"
    counts = {"not delivered": fault.surely, "perhaps not delivered": fault.perhaps}
    return "chatterbox: " + ", ".join(f"{word}: {count(lines)}" for word, lines in counts.items() if lines)


async def _ask(one: _Run) -> int:
    one.later(one.shot.options.wait, BROKEN)
    out = _Out(one)
    conversation = await one.connect()
    _say(one, conversation)
    for _ in range(one.shot.count or 1):
        try:
            line = await conversation.__anext__()
        except StopAsyncIteration:
            one.tell("chatterbox: no answer: the other end has finished")
            one.give_up(BROKEN)
            return BROKEN
        await _put(one, out, line)
    one.in_time()
    await conversation.close(1.0)
    return CLEAN


async def _recv(one: _Run) -> int:
    one.later(one.shot.options.wait, BROKEN)
    out = _Out(one)
    while True:
        conversation = await one.connect()
        while conversation.ended is None:
            try:
                line = await conversation.__anext__()
            except StopAsyncIteration:
                if conversation.is_awaited:  # the next one may come when this one has our last word
                    break
                continue
            except Ended:
                if conversation.ended:
                    raise
                one.tell("-!- the other end left before it had finished")
                continue
            await _use(one, out, line)
            one.heard += 1
            if one.heard == one.shot.count:
                one.in_time()
                await conversation.close(1.0)
                return CLEAN
        await conversation.close(1.0)
        await _pause(one.reactor, AGAIN)


async def _use(one: _Run, out: _Out, line: Line) -> None:
    if not one.shot.command:
        await _put(one, out, line)
        return
    command = _Command(one, line)
    status = await command.ended
    if status:
        one.tell(f"chatterbox: {one.shot.command!r} ended with {status}")


async def _put(one: _Run, out: _Out, line: Line) -> None:
    """Print a line; where stdout takes no more, it is over, however many lines have come already."""
    await out.write(_worded(one, line))
    if out.is_lost and one.conversation:
        await one.conversation.close(1.0)  # which fails, unless the reader had enough
        raise Ended(CLEAN, "")


def _worded(one: _Run, line: Line) -> bytes:
    """Return a line as the pipes print it; a private one is a line, too."""
    if line.kind == "msg":
        return line.text.encode() + b"\n"
    return one.wording.event({**line.event, "text": line.text}, None).out


def _pause(reactor: Any, seconds: float) -> Deferred[None]:
    paused: Deferred[None] = Deferred()
    reactor.callLater(seconds, paused.callback, None)
    return paused


class _Out(Protocol):
    """Stdout; what is written is taken before the next line is asked for."""

    def __init__(self, one: _Run) -> None:
        self._one = one
        self.is_lost = False
        """Whether nothing more can be written."""
        self._left = 0
        self._written: Deferred[None] | None = None
        self._stdio = Stdio(self, wrote=self._wrote)
        self._stdio.pauseProducing()

    def write(self, data: bytes) -> Deferred[None]:
        """Write; fire when stdout has taken it."""
        written: Deferred[None] = Deferred()
        self._written = written
        self._left += len(data)
        if data:
            self._stdio.write(data)
        self._wrote(0)
        return written

    def _wrote(self, size: int) -> None:
        self._left -= size
        if not self._left and self._written:
            written, self._written = self._written, None
            written.callback(None)

    def writeConnectionLost(self) -> None:
        """Its reader has had enough, or its disk is full."""
        full, self.is_lost = not reader_left(), True
        if full:
            self._one.tell("chatterbox: stdout takes no more, is the disk full?")
        if self._one.conversation:
            self._one.conversation.session.abandon(LOST if full else CLEAN)
        if self._written:
            self._written.callback(None)


class _Command(ProcessProtocol):
    """One run of `--exec`'s command."""

    def __init__(self, one: _Run, line: Line) -> None:
        self.ended: Deferred[int] = Deferred()
        self._text = line.text.encode() + b"\n"
        env = os.environ | {"CHATTERBOX_FROM": line.name, "CHATTERBOX_ROOM": line.room}
        words = ["/bin/sh", "-c", one.shot.command]
        one.reactor.spawnProcess(self, words[0], words, env=env, childFDs={0: "w", 1: 1, 2: 2})

    def connectionMade(self) -> None:
        """Give it the line."""
        assert self.transport
        self.transport.write(self._text)
        self.transport.closeStdin()

    def processEnded(self, reason: Failure) -> None:
        """Go on."""
        fault: Any = reason.value
        self.ended.callback(fault.exitCode if fault.exitCode is not None else 128 + fault.signal)
