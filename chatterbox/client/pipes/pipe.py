"""A pipe is a conversation between programs: stdin is said to the hub, and what the other end says goes to stdout.

It knows when to stop, and with which exit status; its memory is bounded, since each side waits while the other is
full. It does not know what lines mean (`codec`), or what stdin and stdout are (`stdio`).
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import struct
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol, ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from ...wire.lines import Lines
from ..clock import make_monotonic
from ..failures import failure_text, is_of_tls, unreachable
from ..flow import Flow, Gate
from ..options import CLEAN, LOST, REFUSED, Options
from ..stdio import STDERR, Stdio, Writer, reader_left
from .codec import Codec, JsonCodec, Returns, TextCodec

CLOSED = {"quit": CLEAN, "bye": CLEAN, "shutdown": LOST, "lost": LOST}
"""The exit status for each word with which a hub closes; all the others mean that it wants this end no more."""
HANG_UP_PATIENCE = 5.0
"""Seconds that a hub has to hang up when it was asked to (its own patience with us is the same)."""
LOOK_GAP = 0.02
"""Seconds between two looks at whether the hub's machine has everything."""


@implementer(IHalfCloseableProtocol)
class Pipe(Protocol):
    """The link to the hub, and the exit status that comes of it.

    Args:
        codec: the dialect.
        hub: what the hub is called in sentences about it.
        open_stdio: makes stdin and stdout the transport of a protocol, and returns it.
        tell: takes status: whole lines for stderr.
        later: calls a function after so many seconds, as `reactor.callLater` does.
        linger: seconds to listen on after the end of stdin; None: until the hub hangs up.
    """

    def __init__(
        self,
        codec: Codec,
        hub: str,
        open_stdio: Callable[[Protocol], Any],
        tell: Callable[[bytes], object],
        later: Callable[..., IDelayedCall],
        linger: float | None = None,
    ) -> None:
        self.status: int | None = None
        """The exit status, once it is known."""
        self.over: Deferred[None] = Deferred()
        """Fires when everything is written, or nobody wants it."""
        self._codec = codec
        self._hub = hub
        self._open_stdio = open_stdio
        self._tell = tell
        self._later = later
        self._linger = linger
        self._link: Any = None
        self._stdio: Any = None
        self._gate: Gate | None = None
        self._timer: IDelayedCall | None = None
        self._heard = Lines()
        self._said_all = False
        self._closed = ""
        """The word with which the hub has closed."""

    # -- the hub's side ----------------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Greet the hub, then open stdin and stdout."""
        self._link = self.transport
        with suppress(AttributeError, OSError):  # a unix socket has no such option
            self._link.setTcpNoDelay(True)
        self._link.write(self._codec.hello())
        try:
            self._stdio = self._open_stdio(Talk(self))
        except OSError as fault:
            self.end(LOST, f"cannot use stdin and stdout: {fault.strerror}")
            return
        self._link.registerProducer(self._stdio, True)
        self._gate = gate = Gate(self._link)
        self._stdio.registerProducer(Flow(lambda: gate.hold("stdout"), lambda: gate.release("stdout")), True)

    def dataReceived(self, data: bytes) -> None:
        """Pass on whole lines as they come."""
        self._hear(self._heard.feed(data))
        if self._heard.overlong:
            self.end(LOST, f"{self._hub} sends a line without end, that is no Chatterbox hub")

    def _hear(self, lines: bytes) -> None:
        if lines and self.status is None:
            said, status, self._closed = self._codec.hear(lines)
            if said:
                self._stdio.write(said)
            if status:
                self._tell(status)

    def readConnectionLost(self) -> None:
        """Take note that the hub has hung up in good order."""
        self._hear(self._heard.last())
        self._hung_up("the hub hung up", CLEAN if self._said_all or self._codec.leaving else LOST)

    def writeConnectionLost(self) -> None:
        """Begin to leave, where that is wanted: all of stdin was sent, and the sending half is closed."""
        self._said_all = True
        patience = HANG_UP_PATIENCE if self._codec.leaving else self._linger
        if patience is not None:
            self._leave_after(patience)

    def _leave_after(self, patience: float) -> None:
        """Wait until the hub's machine has everything: an answer that meets a closed socket would reset it."""
        if _unacknowledged(self._link):
            self._wait(LOOK_GAP, self._leave_after, patience)
        else:
            self._wait(patience, self.end, CLEAN)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note that the link is gone: it broke, where that is news (or is TLS, which has no half-close)."""
        self._link = None
        if self.status is None and reason.check(ConnectionDone):
            self.readConnectionLost()
        elif self.status is None and is_of_tls(reason):
            self.unreachable(reason)
        elif self.status is None:
            self._hung_up(failure_text(reason), LOST)
        self._finish()

    def _hung_up(self, how: str, status: int) -> None:
        """End with the status of the hub's notice of closing, if that was its last word, else with `status`."""
        if self._closed:
            self.end(CLOSED.get(self._closed, REFUSED))
        else:
            self.end(status, f"the link to {self._hub} is lost: {how}" if status else "")

    def hold(self, held: bool) -> None:
        """Let the hub wait while stderr is full, or go on."""
        if self._gate and held:
            self._gate.hold("stderr")
        elif self._gate and self._link:
            self._gate.release("stderr")

    def unreachable(self, reason: Failure) -> None:
        """End because no link could be made, or none that TLS would bear."""
        self.end(LOST, unreachable(self._hub, reason))

    # -- the side of stdin and stdout --------------------------------------------------------------------------

    def say(self, lines: bytes) -> None:
        """Send whole lines of stdin."""
        if lines and self.status is None and not self._codec.leaving:
            self._link.write(self._codec.say(lines))
            if self._codec.leaving:
                self._stop_saying()

    def say_no_more(self) -> None:
        """Close the sending half: stdin has ended, and its last line was said."""
        if self.status is None and not self._codec.leaving:
            self._stop_saying()

    def _stop_saying(self) -> None:
        """Close the sending half, after all that was written; over TLS, which has no half, say that it is closed."""
        self._link.unregisterProducer()
        if not ISSLTransport.providedBy(self._link):
            self._link.loseWriteConnection()
        elif not self._codec.leaving:
            self._said_all = True
            self._link.write(self._codec.done())
            if self._linger is not None:
                self._wait(self._linger, lambda: self._link.write(self._codec.leave()))

    def unheard(self) -> None:
        """End because stdout takes no more: its reader has had enough (`head`), or its disk is full."""
        if reader_left():
            self.end(CLEAN)
        else:
            self.end(LOST, "stdout takes no more, is the disk full?")
        self.shut()

    def shut(self) -> None:
        """Take note that all that was for stdout is written, or never will be."""
        if self._stdio:
            self._stdio.loseConnection()
        self._stdio = None
        self._finish()

    # -- the end -----------------------------------------------------------------------------------------------

    def end(self, status: int, why: str = "") -> None:
        """Stop talking, and write what there is to write. The first fault is the one that counts.

        Args:
            status: the exit status.
            why: a sentence for whoever reads stderr; empty where there is nothing to say.
        """
        if self.status or self.status == status:
            return
        self.status = status
        if why:
            self._tell(f"chatterbox: {why}\n".encode())
        self._cancel()
        if self._stdio:
            self._stdio.unregisterProducer()
            self._stdio.loseConnection()
        if self._link:
            self._wait(HANG_UP_PATIENCE, self._link.abortConnection)
            self._link.unregisterProducer()
            self._link.loseConnection()
        self._finish()

    def stop(self, status: int) -> None:
        """Be gone now, whatever is not written yet.

        Who has finished has sent its FIN already, so only a reset tells the hub that nobody listens any more.
        """
        if self._said_all and self._link and _unacknowledged(self._link) <= 1:  # a FIN counts as a byte
            with suppress(AttributeError, OSError):
                self._link.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.status = status
        self._link = self._stdio = None
        self._finish()

    def _finish(self) -> None:
        if self.status is not None and not self._link and not self._stdio:
            self._cancel()
            if not self.over.called:
                self.over.callback(None)

    def _wait(self, seconds: float, call: Callable[..., object], *args: object) -> None:
        """Set the one timer; a timer that was set before is cancelled."""
        self._cancel()
        self._timer = self._later(seconds, call, *args)

    def _cancel(self) -> None:
        """Cancel the timer."""
        if self._timer and self._timer.active():
            self._timer.cancel()


@implementer(IHalfCloseableProtocol)
class Talk(Protocol):
    """The protocol on stdin and stdout: it says whole lines, and tells what becomes of either."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._returns = Returns()
        self._lines = Lines()

    def dataReceived(self, data: bytes) -> None:
        """Pass on whole lines as they come."""
        self._pipe.say(self._lines.feed(self._returns.feed(data)))
        if self._lines.overlong:
            self._pipe.end(REFUSED, "stdin sends a line without end, no hub takes that")

    def readConnectionLost(self) -> None:
        """Say an unterminated last line as a line, and then no more."""
        self._pipe.say(self._lines.last())
        self._pipe.say_no_more()

    def writeConnectionLost(self) -> None:
        """Take note that stdout is closed."""
        self._pipe.unheard()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note that both are closed, as they were asked to be, or that stdout couldn't take the last bytes."""
        if reason.check(ConnectionDone):
            self._pipe.shut()
        else:
            self._pipe.unheard()


def _unacknowledged(link: Any) -> int:
    """Return the bytes that the hub's machine hasn't confirmed yet, as far as the system can tell."""
    try:
        return int.from_bytes(fcntl.ioctl(link.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (AttributeError, OSError, ValueError):  # no socket, or none any more
        return 0


# -- one run ---------------------------------------------------------------------------------------------------


def run(options: Options) -> int:
    """Talk until it is over; return the exit status.

    Raises:
        Misuse: the endpoint that was asked for is none.
    """
    from twisted.internet import reactor as default_reactor

    reactor: Any = default_reactor
    endpoint = options.endpoint(reactor)
    make_monotonic(reactor)
    codec = (JsonCodec if options.json else TextCodec)(options.room, options.name, sys.stdin.isatty())
    stderr = Writer(reactor, STDERR) if sys.stderr else None
    tell: Callable[[bytes], object] = stderr.write if stderr else _ignored
    if options.quiet:
        tell = quietly(tell)
    pipe = Pipe(codec, options.hub, Stdio, tell, reactor.callLater, options.linger)
    if stderr:
        stderr.registerProducer(Flow(lambda: pipe.hold(True), lambda: pipe.hold(False)), True)
    pipe.over.addCallback(lambda _: reactor.stop())

    def start() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:  # as a shell leaves SIGINT for what it starts with `&`
                signal.signal(number, lambda number, _: reactor.callFromThread(pipe.stop, 128 + number))
        connectProtocol(endpoint, pipe).addErrback(pipe.unreachable)

    reactor.callWhenRunning(start)
    reactor.run()
    if stderr:
        _write_all(stderr.rest())
    return LOST if pipe.status is None else pipe.status


def _ignored(status: bytes) -> None:
    """Tell nobody: stderr is closed."""


def quietly(tell: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """Return a `tell` that leaves out notices, but for why the hub let this end go."""
    notice = re.compile(rb"(?m)^-!- (?!closed \((?!quit|bye)).*\n")

    def tell_faults(status: bytes) -> None:
        faults = notice.sub(b"", status)
        if faults:
            tell(faults)

    return tell_faults


def _write_all(status: bytes) -> None:
    """Wait until stderr has taken the rest; a signal ends that at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    with suppress(OSError):
        while status:
            status = status[os.write(STDERR, status) :]
