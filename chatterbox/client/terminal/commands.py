"""A command is a line that begins with a slash: it is read and completed here, or caught before it leaves.

This module knows the words and their arguments. It does not know what any of them does: that is `person`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from textwrap import wrap
from typing import NamedTuple

from ...wire.names import fold
from ...wire.verbs import SLASH, VERBS, Command, Verb, help_rows

OWN = {
    "help": Verb("/help [COMMAND]", "this list, or what COMMAND does", ("command",)),
    "r": Verb("/r TEXT", "answer the last private message", ("text",)),
    "ignore": Verb("/ignore [NAME]", "hide what NAME says, or show it again; without NAME: the list", ("name",)),
    "live": Verb("/live", "show words as they are typed, both ways", ()),
    "time": Verb("/time", "show when each line came, or no longer", ()),
    "bell": Verb("/bell off|mention|all", "when to ring", ("when",)),
    "log": Verb("/log [FILE|off]", "write what is shown to FILE as well", ("file",)),
    "clear": Verb("/clear", "empty the screen", ()),
}
"""What this client does by itself; the hub's own verbs are in `wire`."""
OPTIONAL = frozenset({"help", "ignore", "log"})
"""Commands that may stand without their argument."""
COMMANDS = VERBS | OWN
ELSEWHERE = {
    **dict.fromkeys(("names", "list", "users", "whois"), "who"),
    **dict.fromkeys(("exit", "bye", "q", "part", "leave", "close", "disconnect", "logout"), "quit"),
    **dict.fromkeys(("query", "tell", "whisper", "w", "pm"), "msg"),
    **dict.fromkeys(("reply", "re"), "r"),
    **dict.fromkeys(("channel", "room", "go"), "join"),
    **dict.fromkeys(("name", "rename"), "nick"),
    **dict.fromkeys(("action", "emote"), "me"),
    **dict.fromkeys(("mute", "block", "unignore"), "ignore"),
    **dict.fromkeys(("cls",), "clear"),
    **dict.fromkeys(("timestamps", "date"), "time"),
    **dict.fromkeys(("?", "h", "commands"), "help"),
}
"""What other programs call a command that is here."""
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
    if not args and verb in OPTIONAL:
        return Command(verb, ("",))
    if len(args) < len(keys) or not all(args):
        return Mistake(f"usage: {COMMANDS[verb].usage}")
    return Command(verb, tuple(arg.strip() for arg in args))


def _unknown(line: str, verb: str) -> Mistake:
    word, *more = line.split()
    return Mistake(f"unknown command {word}{_hint(verb) or '.'} To send it as text: /{word}{' …' if more else ''}")


def _hint(verb: str) -> str:
    near = [name for name in COMMANDS if verb and name.startswith(verb)] or get_close_matches(verb, COMMANDS, 1)
    near = [ELSEWHERE[verb]] if verb in ELSEWHERE else near
    return f": did you mean /{near[0]}?" if near else ""


WIDE = 64
"""Columns from which on `/help` has its meanings in a column of their own."""


def help_about(columns: int, keys: Sequence[Verb], about: str = "") -> list[str]:
    """Return the rows of `/help`, folded at words; about one command, where one is named."""
    verb = about.removeprefix("/").casefold()
    if verb and verb not in COMMANDS:
        return [f"unknown command /{verb}{_hint(verb)}"]
    verbs = [COMMANDS[verb]] if verb else [*COMMANDS.values(), SLASH, *keys]
    gap = None if columns >= WIDE else 0
    indent = max(len(row.usage) for row in verbs) + 2 if columns >= WIDE else 4
    rows = help_rows(verbs, gap)
    return [part for row in rows for part in wrap(row, max(columns, 20), subsequent_indent=" " * indent)]


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
    elif head == "/help":
        found = [verb for verb in COMMANDS if verb.startswith(word)]
    elif word or head in ("/msg", "/ignore"):
        after = ": " if not head else " "
        found = [name + after for name in names if fold(name).startswith(fold(word))]
    else:
        found = []
    return Completions(len(word), found)
