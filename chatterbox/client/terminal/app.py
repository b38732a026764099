"""The app is the client on a terminal: it chooses the display and restores the terminal's settings afterwards.

Only the editor needs prompt_toolkit and an event loop of asyncio; they are imported here, when they are wanted.
"""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ... import raise_on_interrupts
from ..options import Options
from .interactive import InteractiveRun
from .rows import Look
from .seams import Display


def run(options: Options) -> int:
    """Talk until somebody ends it; return the exit status."""
    with given_back():
        return _run_plain(options) if options.plain or _is_dumb() else _run_editor(options)


def _is_dumb() -> bool:
    return os.environ.get("TERM", "dumb") in ("", "dumb", "unknown")


def _run_plain(options: Options) -> int:
    from twisted.internet import reactor

    from .plain import Plain

    return InteractiveRun(reactor, options, lambda run: Plain(run.chat, run)).run()


def _run_editor(options: Options) -> int:
    import asyncio

    from twisted.internet import asyncioreactor

    hush()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor

    def display(run: InteractiveRun) -> Display:
        from twisted.python.failure import Failure

        from .editor import Editor, make_output
        from .history import FileHistory, history_path

        def crashed(_: object, context: dict[str, Any]) -> None:
            run.crashed(Failure(context.get("exception") or RuntimeError(context.get("message"))))

        loop.set_exception_handler(crashed)
        look = Look(colour=not os.environ.get("NO_COLOR"))
        path = history_path(options.hub) if options.history else None
        history = FileHistory(path) if path else None
        return Editor(run.chat, run, make_output(sys.stdout), look, history)

    return InteractiveRun(reactor, options, display).run()


def hush() -> None:
    """Turn echo and line mode off: what is typed too early is kept unseen for the editor; ^C works."""
    with suppress(termios.error):
        iflag, oflag, cflag, lflag, *rest = termios.tcgetattr(0)
        lflag &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(0, termios.TCSANOW, [iflag & ~termios.ICRNL, oflag, cflag, lflag, *rest])


@contextmanager
def given_back() -> Iterator[None]:
    """Restore the terminal's settings exactly, whatever happens (seed 004)."""
    raise_on_interrupts()
    files = [file for file in (0, 1, 2) if os.isatty(file)]
    settings = [(file, termios.tcgetattr(file), os.get_blocking(file)) for file in files]
    try:
        yield
    finally:
        for file, attributes, blocking in settings:
            with suppress(OSError, termios.error):
                termios.tcsetattr(file, termios.TCSANOW, attributes)
                os.set_blocking(file, blocking)
