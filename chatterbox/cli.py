"""The `chatterbox` command: `serve` runs a hub in the foreground, anything else joins one."""

from __future__ import annotations

import os
import sys
from typing import cast


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = sys.argv[1:] if argv is None else argv
    if args[:1] == ["serve"]:
        return serve(args[1:])
    from .client.__main__ import main as join

    return join(args[1:] if args[:1] == ["join"] else args, "chatterbox")


def serve(args: list[str]) -> int:
    """Run a hub until it is told to stop, with its log on stderr, for people who don't know twistd."""
    from twisted.logger import globalLogBeginner
    from twisted.python import usage

    from .edges.listening import ready
    from .log import STDOUT, stderr_log, text_file
    from .options import ServeOptions
    from .service import CannotStart, HubService, makeService

    _fill_gaps()
    if args and not args[0].startswith("-"):
        args = ["--port", *args]
    options = ServeOptions()
    try:
        options.parseOptions(args)
    except usage.UsageError as fault:
        print(f"chatterbox serve: {fault}; see chatterbox serve --help", file=sys.stderr)
        return 2
    shares_screen = bool(options["console"]) and os.isatty(1) and os.isatty(2)
    observer = stderr_log(bool(options["log-json"]), only_warnings=shares_screen)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    from twisted.internet import reactor

    try:
        service = cast(HubService, makeService(options))
        service.privilegedStartService()
    except CannotStart as fault:
        print(fault, file=sys.stderr)
        return 1

    def start() -> None:
        service.startService()
        if not options["console"]:
            text_file(STDOUT).write(ready(service.places, _command()))

    reactor.callWhenRunning(start)  # by then a signal is the reactor's
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()
    return 1 if service.failed else 0


def _fill_gaps() -> None:
    """Let stdin, stdout and stderr be nothing where they are closed, so that no socket takes their number."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _command() -> str:
    """Return the words by which this program was called."""
    name = os.path.basename(sys.argv[0])
    return name if name == "chatterbox" else "python -m chatterbox"
