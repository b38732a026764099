"""`python -m chatterbox.client`: joins a hub, on a terminal or in pipes.

It knows which of the two it is, and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import die_of_interrupts

if TYPE_CHECKING:
    from .options import Options


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Talk as `argv` asks; return the exit status, which `--help` explains."""
    if argv is None:
        die_of_interrupts()
    from .options import INTERRUPTED, PROG, USAGE, Misuse, parse

    try:
        return _run(parse(argv, prog))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Misuse as fault:
        if sys.stderr:
            print(f"{prog or PROG}: {fault}", file=sys.stderr)
        return USAGE


def shoot(verb: str, argv: Sequence[str]) -> int:
    """Do what a one-shot asks; return the exit status."""
    from .options import USAGE, Misuse
    from .pipes.send import run
    from .shots import parse as parse_shot

    try:
        shot = parse_shot(verb, argv)
        if sys.stdout is None or (sys.stdin is None and verb == "send"):
            raise Misuse("stdin or stdout is closed: give it something, such as /dev/null")
        return run(shot)
    except Misuse as fault:
        if sys.stderr:
            print(f"chatterbox {verb}: {fault}", file=sys.stderr)
        return USAGE


def _run(options: Options) -> int:
    """Only a person at a terminal needs the line editor: pipes start without it."""
    from .options import Misuse

    if sys.stdin is None or sys.stdout is None:
        raise Misuse("stdin or stdout is closed: give it something, such as /dev/null")
    if sys.stdin.isatty() and sys.stdout.isatty() and not options.json:
        from .terminal.app import run

        if options.ask_name and not options.name:
            from dataclasses import replace

            from .terminal.asking import ask_name

            options = replace(options, name=ask_name())
    else:
        if options.log:
            raise Misuse("--log is for a terminal; in a pipe put `| tee FILE` behind it")
        if options.ask_name:
            raise Misuse("--ask-name is for a terminal; in a pipe give --name")
        from .pipes.run import run
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
