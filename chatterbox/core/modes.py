"""A mode is a row of data: how many sit in a room, what stands before a line, and which words end the session.

This module is the table of `--mode`, and nothing acts here. What a table can't say (`order` judges, `talk` streams) is
a class in `rules`; a row names it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Label = Literal["none", "nick", "letter", "port", "address"]
LABELS: tuple[Label, ...] = ("none", "nick", "letter", "port", "address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One row of the table; every column can be overridden by an option of the same name."""

    name: str
    purpose: str
    seats: int
    """How many peers a room holds; 0: any number."""
    label: Label
    """What stands before a line, and what a peer's name is made of."""
    echo: bool
    """Whether a speaker hears its own lines."""
    farewell: tuple[str, ...] = ("/quit",)
    """Whole lines that end a stay; one in lower case counts in any case."""
    ends_together: bool = False
    """Whether one farewell ends everybody's stay; it is relayed first."""
    asks_name: bool = False
    """Whether a text peer is asked for its name."""
    holds: bool = True
    """Whether what is said before the partner is there is held for it, and delivered first."""
    announces: bool = True
    """Whether joins, leaves and new names are told to the others."""
    rule: Literal["relay", "order", "duet", "talk"] = "relay"
    """Which class of `rules` the room is."""
    console_sits: bool = True
    """Whether the hub's console takes a seat, or watches from outside and speaks to all rooms."""
    told: dict[str, str] | None = field(default_factory=dict)
    """What bare peers hear in the exercise's own words; None: nothing, since they count what they hear."""
    last_word: str = ""
    """What a bare peer hears before its end, since its program waits for that word."""
    once: bool = False
    """Whether the hub ends with its first room's end."""
    script: dict[str, str] = field(default_factory=dict)
    """What the hub prints, event by event, in the words of the exercise's document."""

    @property
    def names_are_given(self) -> bool:
        """Whether the room makes names (letters, ports), and peers choose none."""
        return self.label in ("letter", "port", "address")

    @property
    def is_verbatim(self) -> bool:
        """Whether one text peer hears the plain lines of one other as they were said, and nobody else takes note."""
        is_relay = self.rule == "relay" and self.label == "none" and not self.echo
        return self.seats == 2 and is_relay and "said" not in self.script

    @property
    def partner(self) -> str:
        """What text peers call the other end, where there is one other end only and lines have no labels."""
        return "your partner" if self.seats == 2 and self.label == "none" else ""


_ORDER_SCRIPT = {
    "start": "The server is waiting to receive two connections....",
    "joined": "Accepted {ordinal} connection, calling it client {name}",
    "ready": "Waiting to receive messages from client {first} and client {second}....",
    "closing": "Waiting a bit for clients to close their connections",
    "done": "Done.",
}
_ROOM_TOLD = {"welcome": "Connected to server!", "joined": "{name} joined!", "left": "{name} left!"}
_PORTS_SCRIPT = {
    "start": "[LISTENING] Server is listening on {host}:{port}",
    "joined": "[NEW CONNECTION] {address} connected.",
    "said": "[{address}] Relaying message: {label}{text}",
    "farewell": "[{address}] Sent exit command.",
    "left": "[DISCONNECTED] {address} has been removed.",
}

MODES = {
    mode.name: mode
    for mode in (
        Mode(name="pair", purpose="two ends, verbatim", seats=2, label="none", echo=False),
        Mode(
            name="room",
            purpose="a room of names",
            seats=0,
            label="nick",
            echo=True,
            asks_name=True,
            holds=False,
            told=_ROOM_TOLD,
        ),
        Mode(
            name="ports",
            purpose="a broadcast by port",
            seats=0,
            label="port",
            echo=False,
            farewell=("/quit", "exit"),
            holds=False,
            announces=False,
            console_sits=False,
            last_word="exit",
            script=_PORTS_SCRIPT,
        ),
        Mode(
            name="order",
            purpose="who was first",
            seats=2,
            label="letter",
            echo=False,
            announces=False,
            rule="order",
            console_sits=False,
            told=None,
            last_word="Bye",
            script=_ORDER_SCRIPT,
        ),
        Mode(
            name="duet",
            purpose="two, until one says Bye",
            seats=2,
            label="letter",
            echo=True,
            farewell=("/quit", "Bye"),
            ends_together=True,
            announces=False,
            rule="duet",
            console_sits=False,
            told=None,
            last_word="Bye",
            script=_ORDER_SCRIPT,
        ),
        Mode(name="talk", purpose="two, key by key", seats=2, label="none", echo=False, rule="talk"),
    )
}


def table() -> str:
    """Return the table of modes as `--help` shows it."""
    heads = ("mode", "for", "seats", "label", "echo", "farewell")
    rows = [
        (m.name, m.purpose, str(m.seats or "any"), m.label, "yes" if m.echo else "no", " ".join(m.farewell))
        for m in MODES.values()
    ]
    widths = [max(len(row[n]) for row in (heads, *rows)) for n in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in (heads, *rows))
