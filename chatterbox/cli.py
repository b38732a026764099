"""The `chatterbox` command: `serve` runs a hub in the foreground, `send`, `recv` and `ask` talk to one in one command.

Anything else joins one.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, cast

from . import die_of_interrupts, raise_on_interrupts

if TYPE_CHECKING:
    from .options import ServeOptions


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    if argv is None:
        die_of_interrupts()
    args = sys.argv[1:] if argv is None else argv
    return run(args) if {"-h", "--help", "--version"}.isdisjoint(args) else _tell(args)


def _tell(args: list[str]) -> int:
    """Run a command that only prints; return 1 where stdout doesn't take it, but 0 where its reader had enough."""
    try:
        try:
            return run(args)
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except OSError as fault:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what Python still has for stdout goes there
        if isinstance(fault, BrokenPipeError):
            return 0
        print(f"chatterbox: stdout takes no more: {fault.strerror}", file=sys.stderr)
        return 1


def run(args: list[str]) -> int:
    """Serve, or talk; return the exit status."""
    if args[:1] == ["serve"]:
        return serve(args[1:])
    from .client.__main__ import main as join
    from .client.__main__ import shoot
    from .client.shots import SHOTS

    if args[:1] and args[0] in SHOTS:
        return shoot(args[0], args[1:])
    meant = _meant(args[0], ("serve", "join", *SHOTS)) if args else ""
    if meant:
        print(f"chatterbox: {args[0]}: did you mean {meant}? A host of that name is //{args[0]}", file=sys.stderr)
        return 2
    return join(args[1:] if args[:1] == ["join"] else args, "chatterbox")


def _meant(word: str, commands: tuple[str, ...]) -> str:
    """Return the option, or the command that differs by one letter or by two that changed places, that was meant."""
    if word in ("help", "version"):
        return f"--{word}"
    if not word.isalpha() or word in commands:
        return ""
    return next((command for command in commands if len(word) >= 3 and _near(word, command)), "")


def _near(word: str, command: str) -> bool:
    if abs(len(word) - len(command)) > 1 or (len(command) == 3 and len(word) > 3):
        return False
    cuts = range(len(command) + 1)
    lacking = {command[:i] + command[i + 1 :] for i in cuts}
    swapped = {command[:i] + command[i + 1 : i + 2] + command[i : i + 1] + command[i + 2 :] for i in cuts}
    return word in lacking | swapped or bool(lacking & {word[:i] + word[i + 1 :] for i in range(len(word))})


def serve(args: list[str]) -> int:
    """Run a hub until it is told to stop, with its log on stderr, for people who don't know twistd."""
    from twisted.logger import globalLogBeginner
    from twisted.python import usage

    from .edges.console import missed
    from .edges.listening import ready
    from .edges.reactor import install
    from .edges.writer import Writer
    from .log import STDERR, STDOUT, stderr_log, text_file
    from .options import ServeOptions
    from .service import CannotStart, HubService, makeService

    _fill_gaps()
    if args and not args[0].startswith("-"):
        args = ["--port", *args]
    options = ServeOptions()
    try:
        options.parseOptions(args)
    except usage.UsageError as fault:
        print(f"chatterbox serve: {_plain(str(fault), options)}; see chatterbox serve --help", file=sys.stderr)
        return 2
    script = options["row"].script
    narrates = bool(script) and not options["console"]
    shares_screen = bool(options["console"] or script) and os.isatty(1) and os.isatty(2)
    observer = stderr_log(bool(options["log-json"]), only_warnings=shares_screen)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    install()
    from twisted.internet import reactor

    try:
        service = cast(HubService, makeService(options))
        if narrates:
            service.narrate(Writer(STDOUT, missed).write)
        service.privilegedStartService()
    except CannotStart as fault:
        print(fault, file=sys.stderr)
        return 1

    def start() -> None:
        if not (options["console"] or script):
            text_file(STDOUT).write(ready(service.places, _join()))
        elif narrates and "{port}" not in script["start"]:
            text_file(STDERR).write(ready(service.places, _join()))
        service.startService()

    reactor.callWhenRunning(start)  # by then a signal is the reactor's
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    raise_on_interrupts()  # where ^C would raise, the reactor takes it
    reactor.run()
    return 1 if service.failed else 0


def _plain(fault: str, options: ServeOptions) -> str:
    """Return what getopt says in the words of this product, with the option that was perhaps meant."""
    from difflib import get_close_matches

    found = re.fullmatch(r"option (--?\S+) not recognized", fault)
    if not found:
        return fault
    near = get_close_matches(found[1], [f"--{option.rstrip('=')}" for option in options.longOpt], 1)
    return f"no option {found[1]}" + (f", did you mean {near[0]}?" if near else "")


def _fill_gaps() -> None:
    """Let stdin, stdout and stderr be nothing where they are closed, so that no socket takes their number."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _join() -> str:
    """Return what is typed before a place to join there; `make serve` has words of its own for it."""
    name = os.path.basename(sys.argv[0])
    command = name if name == "chatterbox" else "python -m chatterbox"
    return os.environ.get("CHATTERBOX_JOIN") or f"{command} "
