"""`python -m chatterbox.client`: joins a hub, on a terminal or in pipes.

It knows which of the two it is, and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .options import PROG, USAGE, Misuse, Options, parse


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    """Talk as `argv` asks; return the exit status, which `--help` explains."""
    try:
        return _run(parse(argv, prog))
    except Misuse as fault:
        if sys.stderr:
            print(f"{prog or PROG}: {fault}", file=sys.stderr)
        return USAGE


def _run(options: Options) -> int:
    """Only a person at a terminal needs the line editor: pipes start without it."""
    if sys.stdin is None or sys.stdout is None:
        raise Misuse("stdin or stdout is closed: give it something, such as /dev/null")
    if sys.stdin.isatty() and sys.stdout.isatty() and not options.json:
        from .terminal.app import run
    else:
        if options.log:
            raise Misuse("--log is for a terminal; in a pipe put `| tee FILE` behind it")
        from .pipes.pipe import run
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
