"""A command is what one can type after `chatterbox`, with its options, as the command's own parser knows them.

Both kinds of parsers are read here: argparse's and Twisted's. What is made of them is not known here.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from chatterbox.client import options as client
from chatterbox.client import shots
from chatterbox.core.modes import LABELS, MODES
from chatterbox.options import ServeOptions

CHOICES = {"--mode": tuple(MODES), "--label": LABELS}
"""The words that an option of Twisted's takes, where it takes no others."""
FILES = ("FILE",)
"""Names of values that are files."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of one command."""

    flags: tuple[str, ...]
    """All that it can be written as, the long form last."""
    about: str
    value: str = ""
    """What the value behind it is called; empty: it takes none."""
    choices: tuple[str, ...] = ()

    @property
    def is_file(self) -> bool:
        """Whether its value is a file."""
        return self.value in FILES


@dataclass(frozen=True, slots=True)
class Command:
    """One command; the one without a name joins a hub."""

    name: str
    about: str
    words: str
    """What stands behind it and its options."""
    options: tuple[Option, ...]


def commands() -> list[Command]:
    """Return all commands."""
    join = client.make_parser("chatterbox")
    return [
        Command("", "join a hub and talk", "[HUB [PORT]]", _of_argparse(join)),
        *(_shot(verb, shots.make_parser(verb)) for verb in shots.SHOTS),
        Command("serve", "run a hub", "[PORT]", _of_twisted(ServeOptions())),
    ]


def _shot(verb: str, parser: argparse.ArgumentParser) -> Command:
    about = (parser.description or "").rstrip(".")
    return Command(
        verb, about[:1].lower() + about[1:], (parser.usage or "").partition("[options] ")[2], _of_argparse(parser)
    )


def _of_argparse(parser: argparse.ArgumentParser) -> tuple[Option, ...]:
    return tuple(
        Option(
            tuple(sorted(action.option_strings, key=len)),
            (action.help or "").replace("%%", "%"),
            "" if action.nargs == 0 else str(action.metavar or action.dest.upper()),
            tuple(map(str, action.choices or ())),
        )
        for action in parser._actions  # argparse has no other way to ask
        if action.option_strings
    )


def _of_twisted(options: Any) -> tuple[Option, ...]:
    """Return the rows of `optFlags` and `optParameters`, and the methods `opt_NAME` with what their docstrings say."""
    found = [Option(_flags(name, short), about) for name, short, about in options.optFlags]
    for name, short, default, about in (row[:4] for row in options.optParameters):
        known = "" if default is None else f" [default: {default}]"
        found.append(Option(_flags(name, short), about + known, "VALUE", CHOICES.get(f"--{name}", ())))
    methods = [name for name in dir(options) if name.startswith("opt_") and len(name) > len("opt_x")]
    for method in sorted(methods):
        call = getattr(options, method)
        takes = call.__func__.__code__.co_argcount > 1
        shorts = [name for name in dir(options) if len(name) == len("opt_x") and getattr(options, name) == call]
        flags = [f"-{name[-1]}" for name in shorts] + ["--" + method[len("opt_") :].replace("_", "-")]
        found.append(Option(tuple(flags), " ".join((call.__doc__ or "").split()).rstrip("."), "VALUE" if takes else ""))
    return tuple(sorted(found, key=lambda option: option.flags[-1]))


def _flags(name: str, short: str | None) -> tuple[str, ...]:
    return (f"-{short}", f"--{name}") if short else (f"--{name}",)
