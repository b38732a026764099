"""A run is one process in a pipe: its stdin, stdout and stderr, its signals, and its exit status."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ...memory import settle
from ..bare import link_maker
from ..clock import make_monotonic
from ..failures import show_faults
from ..flow import Flow
from ..options import INTERRUPTED, LOST, Options
from ..session import Session, make_resume
from ..stdio import STDERR, Stdio, Writer
from .pipe import Pipe
from .reading import JsonReading, TextReading
from .wording import JsonWording, TextWording

SIGNALLED = 1.0
"""Seconds for which one that a signal ends waits for who doesn't read its stderr."""


def run(options: Options) -> int:
    """Talk until it is over; return the exit status.

    Raises:
        Misuse: the endpoint that was asked for is none.
    """
    from twisted.internet import reactor as default_reactor

    reactor: Any = default_reactor
    endpoint = options.endpoint(reactor)
    make_monotonic(reactor)
    show_faults()
    typed = sys.stdin.isatty()
    stderr = Writer(reactor, STDERR) if sys.stderr else None
    tell: Callable[[bytes], object] = stderr.write if stderr else _ignored
    if options.quiet:
        tell = quietly(tell)
    reading = JsonReading(typed) if options.json else TextReading(typed)
    wording = JsonWording() if options.json else TextWording(options.name)
    pipe = Pipe(reading, wording, lambda talk: Stdio(talk, wrote=pipe.wrote), tell, reactor, options)
    if stderr:
        stderr.registerProducer(Flow(lambda: pipe.stderr(True), lambda: pipe.stderr(False)), True)
    pipe.done.addCallback(lambda _: reactor.stop())
    resume = make_resume(options.room, options.name, *options.patience, listens=options.linger != 0)
    link = link_maker(options, reactor, is_pipe=True)
    session = Session(reactor, endpoint, resume, pipe, options.hub, make_link=link)

    def start() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:  # as a shell leaves SIGINT for what it starts with `&`
                signal.signal(number, lambda number, _: reactor.callFromThread(pipe.stop, 128 + number))
        settle()
        pipe.start(session)

    reactor.callWhenRunning(start)
    reactor.run()
    status = LOST if pipe.status is None else pipe.status
    if stderr:
        _write_all(stderr.rest(), SIGNALLED if status >= INTERRUPTED else None)
    return status


def _ignored(status: bytes) -> None:
    """Tell nobody: stderr is closed."""


def quietly(tell: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """Return a `tell` that leaves out notices, but for what was not delivered, and why the hub let this end go."""
    notice = re.compile(rb"(?m)^-!- (?!closed \((?!quit|bye)|(?:perhaps )?not delivered).*\n")

    def tell_faults(status: bytes) -> None:
        faults = notice.sub(b"", status)
        if faults:
            tell(faults)

    return tell_faults


def _write_all(status: bytes, patience: float | None) -> None:
    """Wait until stderr has taken the rest, or takes nothing for `patience` seconds; a signal ends that at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    poll = select.poll()
    poll.register(STDERR, select.POLLOUT)
    with suppress(OSError):
        while status and poll.poll(patience and patience * 1000):
            status = status[os.write(STDERR, status[: select.PIPE_BUF]) :]  # a "writable" pipe has room for so many
