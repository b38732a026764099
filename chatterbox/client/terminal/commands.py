"""A command is a line that begins with a slash: it is read and completed here, or caught before it leaves.

This module knows the words and their arguments. It does not know what any of them does: that is `person`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from ...wire.verbs import VERBS, Command, Verb

OWN = {
    "ignore": Verb("/ignore NAME", "hide what NAME says; again: no longer", ("name",)),
    "live": Verb("/live", "show words as they are typed, both ways", ()),
    "time": Verb("/time", "show when each line came", ()),
    "bell": Verb("/bell off|mention|all", "when to ring", ("when",)),
}
"""What this client does by itself; the hub's own verbs are in `wire`."""

COMMANDS = {verb: row for verb, row in VERBS.items() if verb != "done"} | OWN
"""A person on a terminal has no use for being done: that is for pipes."""
_SPACE = re.compile("[ \t]+")
"""What ends a word of a command, at the hub as well."""
BELLS = ("off", "mention", "all")


class Mistake(NamedTuple):
    """A line that must not leave as it is, and the sentence that says why and what now."""

    text: str


def read(line: str, farewells: Iterable[str] = ()) -> Command | Mistake:
    """Return what `line` asks for; text to be said comes as the command `say`.

    Args:
        farewells: the hub's own closing words, which are said and not judged here.
    """
    if not line.startswith("/") or (line in farewells and line != "/quit"):
        return Command("say", (line,))
    if line.startswith("//"):
        return Command("say", (line[1:],))
    word, *rest = _SPACE.split(line[1:], 1)
    verb = word.casefold()
    if verb not in COMMANDS:
        return _unknown(line, verb)
    keys = COMMANDS[verb].keys
    args = tuple(rest[0].split(None, len(keys) - 1)) if keys and rest else ()
    if len(args) < len(keys) or not all(args):
        return Mistake(f"usage: {COMMANDS[verb].usage}")
    return Command(verb, tuple(arg.strip() for arg in args))


def _unknown(line: str, verb: str) -> Mistake:
    near = [name for name in COMMANDS if verb and name.startswith(verb)] or get_close_matches(verb, COMMANDS, 1)
    hint = f"did you mean /{near[0]}? " if near else ""
    return Mistake(f"no command {line.split()[0]}: {hint}To say it anyway: /{line}")


class Completions(NamedTuple):
    """What Tab offers in place of the last `length` characters before the cursor."""

    length: int
    words: list[str]


def complete(before: str, names: Sequence[str]) -> Completions:
    """Return what could stand where the cursor is: a command, an argument of one, or the name of who is here."""
    head, _, word = before.replace("\t", " ").rpartition(" ")
    head = head.rstrip()
    if not head and word.startswith("/") and not word.startswith("//"):
        found = [f"/{verb} " for verb in COMMANDS if verb.startswith(word[1:].casefold())]
    elif head == "/bell":
        found = [when for when in BELLS if when.startswith(word)]
    elif word or head in ("/msg", "/ignore"):
        after = ": " if not head else " "
        found = [name + after for name in names if name.casefold().startswith(word.casefold())]
    else:
        found = []
    return Completions(len(word), found)
