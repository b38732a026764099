"""The `chatterbox` command: `serve` runs a hub in the foreground, anything else joins one."""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = sys.argv[1:] if argv is None else argv
    if args[:1] == ["serve"]:
        return serve(args[1:])
    from .client.__main__ import main as join

    return join(args[1:] if args[:1] == ["join"] else args, "chatterbox")


def serve(args: list[str]) -> int:
    """Run a hub until it is told to stop, with its log on stderr, for people who don't know twistd."""
    from twisted.logger import globalLogBeginner, textFileLogObserver
    from twisted.python import usage

    from .log import JsonLog
    from .options import ServeOptions
    from .service import CannotStart, makeService

    if args and not args[0].startswith("-"):
        args = ["--port", *args]
    options = ServeOptions()
    try:
        options.parseOptions(args)
    except usage.UsageError as fault:
        print(f"chatterbox serve: {fault}; see chatterbox serve --help", file=sys.stderr)
        return 2
    observer = JsonLog(sys.stderr) if options["log-json"] else textFileLogObserver(sys.stderr)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    from twisted.internet import reactor

    try:
        service = makeService(options)
        service.privilegedStartService()
    except CannotStart as fault:
        print(fault, file=sys.stderr)
        return 1
    status = 0

    def start() -> None:
        nonlocal status
        try:
            service.startService()
        except CannotStart as fault:
            print(fault, file=sys.stderr)
            status = 1
            reactor.stop()

    reactor.callWhenRunning(start)  # by then a signal is the reactor's
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()
    return status
