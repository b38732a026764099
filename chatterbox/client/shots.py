"""A one-shot is a conversation that a shell makes in one command: `send`, `recv`, `ask`. Here is what may be asked.

This module knows words only. What is done is `pipes/send.py`.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import options as words
from .options import Options, Parser, options_from

WAIT = 30.0
"""Seconds in which `send` finds somebody who hears it, and `ask` has its answer, where nothing else is said."""
SHOTS = ("send", "recv", "ask")
_STATUSES = """
HUB is as in `chatterbox --help`; where CHATTERBOX_HUB is set, HUB is left out. Exit statuses: 0 done; 1 no hub, or the
link is lost; 2 usage; 3 the hub refused; 4 nobody took it, or no answer came; 130 and 143 a signal.
"""
_ABOUT = {
    "send": "Say TEXT as one line, or the lines of stdin; end when the other end has them.",
    "recv": "Print the lines that come.",
    "ask": "Say TEXT as one line, and print the first line that another says after it.",
}
_WORDS = {
    "send": "where the hub is; the line to say (default: the lines of stdin)",
    "recv": "where the hub is",
    "ask": "where the hub is; the line to say",
}
_COUNTS = {"recv": "any number", "ask": "1"}
_ADDRESS = re.compile(r"\S+:\d+(/\S*)?")
"""A word that names a hub, where another one stands in the environment."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One command."""

    verb: str
    options: Options
    text: str | None = None
    """What to say; None: stdin."""
    count: int | None = None
    """Lines to print before it ends; None: any number."""
    command: str = ""
    """A shell's command to run for each line."""
    leave: bool = False
    """Whether the hub keeps the lines, and nobody is waited for."""


def parse(verb: str, argv: Sequence[str]) -> Shot:
    """Return what `argv` asks of `verb`.

    Raises:
        SystemExit: with status 2 and one sentence on stderr for bad usage, 0 after --help.
    """
    parser = make_parser(verb)
    parser.refuse_unknown(argv)
    given = {key: word for key, word in vars(parser.parse_intermixed_args(argv)).items() if word is not None}
    said = given.pop("words", [])
    around = os.environ.get("CHATTERBOX_HUB")
    if "hub" not in given and said and (not around or verb == "recv" or _ADDRESS.fullmatch(said[0])):
        given["hub"] = said.pop(0)  # what is typed counts more than the environment
    shot: dict[str, Any] = {key: given.pop(key) for key in ("count", "command", "leave") if key in given}
    if not given.get("hub", around):  # an empty word is a variable that isn't set
        parser.error("which hub?")
    if verb == "recv" and said:
        parser.error(f"recv says nothing: {said[0]!r} is too much")
    if verb == "ask" and not said:
        parser.error("ask what?")
    if verb != "recv":
        given.setdefault("wait", WAIT)
    try:
        return Shot(verb, options_from(given), " ".join(said) if said else None, **shot)
    except argparse.ArgumentTypeError as fault:
        parser.error(str(fault))


def make_parser(verb: str) -> Parser:
    """Return the parser of `chatterbox VERB`; the man page and completions are made of it, too."""
    parser = Parser(prog=f"chatterbox {verb}", description=_ABOUT[verb], epilog=_STATUSES, allow_abbrev=False)
    add = parser.add_argument
    usage = {"send": "HUB[/ROOM] [TEXT...]", "recv": "HUB[/ROOM]", "ask": "HUB[/ROOM] TEXT..."}[verb]
    parser.usage = f"chatterbox {verb} [options] {usage}"
    add("words", nargs="*", metavar="HUB" if verb == "recv" else "HUB [TEXT]", help=_WORDS[verb])
    add("--hub", metavar="HUB", help="where the hub is, in place of the first word")
    add("--name", type=words.name, help="the name to be called by")
    add("--room", type=words.room, help="the room to talk in")
    add("--wait", type=words.seconds, metavar="SECONDS", help=_wait_help(verb))
    add("--retry", type=words.seconds, metavar="SECONDS", help=words.RETRY_HELP)
    if verb == "send":
        add("--leave", action="store_true", help="let the hub keep it for a minute, and wait for nobody")
    else:
        add("-n", type=_count, dest="count", metavar="N", help=f"end after N lines (default: {_COUNTS[verb]})")
    if verb == "recv":
        add("--exec", dest="command", metavar="CMD", help="run CMD for each line, which is on its stdin")
    return parser


def _wait_help(verb: str) -> str:
    return f"give up after so long, with status 4 (default: {'never' if verb == 'recv' else f'{WAIT:.0f}'})"


def _count(word: str) -> int:
    if not word.isascii() or not word.isdigit() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of lines")
    return int(word)
