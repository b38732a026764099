"""A verb is one thing that a peer can ask of the hub: the table of them, and what readers make of a peer's input.

This module does not know how a verb is spelled in a dialect, nor what the hub does about it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from .inbox import Got
from .numbered import Numbered


class Verb(NamedTuple):
    """One thing a peer can ask of the hub; the table of them is what `/help` prints."""

    usage: str
    meaning: str
    keys: tuple[str, ...] = ()
    """What JSON calls the arguments, in the order in which text gives them."""


VERBS = {
    "quit": Verb("/quit", "leave"),
    "done": Verb("/done", "say no more, and listen on"),
    "help": Verb("/help", "this list"),
    "who": Verb("/who", "who is here, in order of joining"),
    "nick": Verb("/nick NAME", "take another name", ("name",)),
    "join": Verb("/join ROOM", "go to another room", ("room",)),
    "me": Verb("/me TEXT", "say what you do", ("text",)),
    "msg": Verb("/msg NAME TEXT", "say something to one person", ("to", "text")),
}


SLASH = Verb("//TEXT", "say /TEXT")
"""How text is said that begins like a command."""


def help_rows(verbs: Collection[Verb], wide: int | None = None) -> list[str]:
    """Return the rows of `/help`; usages are padded to `wide`, or to the longest one."""
    wide = max(len(verb.usage) for verb in verbs) if wide is None else wide
    return [f"{verb.usage:<{wide}}  {verb.meaning}" for verb in verbs]


def help_text() -> list[str]:
    """Return the lines of a hub's `/help`."""
    return help_rows([*VERBS.values(), SLASH])


JSON_VERBS = {"say": ("text",), "type": ("keys",)} | {verb: row.keys for verb, row in VERBS.items()}
"""Every verb of the JSON dialect, with the keys it takes."""


class Command(NamedTuple):
    """A verb with its arguments, as a peer sent it."""

    verb: str
    args: tuple[str, ...] = ()


class Fault(NamedTuple):
    """Something a peer sent that can't be obeyed: the protocol's error code and one sentence."""

    code: str
    text: str


class Farewell(NamedTuple):
    """A whole line that ends the session in this mode, as it was said."""

    word: str


class Typing(NamedTuple):
    """Keys, as a peer typed them; those that a `KeyReader` returns are clean."""

    keys: bytes


class Dropped(NamedTuple):
    """A session's line `n` is not passed on, for the reason in one sentence; it keeps its number."""

    n: int
    to: str
    private: bool
    text: str


class Ping(NamedTuple):
    """A session wants to know whether the hub hears it."""


class Goodbye(NamedTuple):
    """A session leaves: why, what it has got of each stream, and whether all was said and shown at both ends."""

    why: str
    got: dict[str, int]
    finished: bool


class Unreadable(NamedTuple):
    """Nobody can say where the next object begins: the connection ends, with a word and one sentence."""

    why: str
    text: str


Piece = bytes | Numbered | Command | Farewell | Fault | Typing | Got | Dropped | Ping | Goodbye | Unreadable
"""What a peer's input is made of: clean lines to be said, commands, keys, faults to be answered, and what only a
session says."""
