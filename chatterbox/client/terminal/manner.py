"""A manner is how one mode of the hub reads on its person's screen: a row of data, as a mode is at the hub.

The words in quotes are those of the exercise that a mode comes from. This module knows no conversation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Manner(NamedTuple):
    """One row of the table."""

    hello: str = ""
    """The first line, where the exercise has one."""
    goodbye: str = ""
    """The last line, likewise."""
    prompt: str = "> "
    greets: bool = True
    """Whether the hub tells who comes and goes, and the client where its person is."""
    scripted: bool = False
    """Whether notices are the exercise's own script, and stand without a mark."""
    waits: bool = False
    """Whether the prompt waits for the confirmation, and goes with the one message."""
    together: bool = False
    """Whether one farewell, whoever says it, ends everybody's stay."""
    keyed: bool = False
    """Whether the conversation is made of keys, not of lines."""


MANNERS = {
    "ports": Manner(
        hello="Connected to chat server. Type 'exit' to leave.", goodbye="Disconnected from server", greets=False
    ),
    "order": Manner(prompt="Enter a message to send to the server: ", greets=False, scripted=True, waits=True),
    "duet": Manner(greets=False, scripted=True, together=True),
    "talk": Manner(keyed=True),
    "bare": Manner(goodbye="Disconnected from server", greets=False),
}
"""The modes that have a manner of their own; every other one has `Manner()`. `bare` is a server that is no hub."""

CONFIRMATION = re.compile(r"Client \S+ has connected\.")
VERDICT = re.compile(r"\S+: .* received before \S+: ")


def is_farewell(line: str, words: Sequence[str]) -> bool:
    """Return whether `line` ends a stay: a word in lower case does whatever the case and the space around it.

    `/quit` is a command, and never a line.
    """
    words = [word for word in words if word != "/quit"]
    return line in words or line.strip().casefold() in [word for word in words if word.islower()]
