"""An exercise is what a server of a first course on sockets was written for, as far as its own words have shown.

Such a server doesn't say what it is. Here its messages become events, and lines become messages as it takes them. This
module is pure: it does not know links, time, or how a message ends.
"""

from __future__ import annotations

import re
from collections import deque

from ..wire.numbered import Json
from .terminal.manner import CONFIRMATION, VERDICT

ECHOES = 32
"""Own lines that may come back, of those that were said last."""
LAST_WORDS = ("Bye", "exit")
"""What a hub says last to programs that wait for such a word (`--bare`); people have seen the end before that."""
_PORT = re.compile(r"\d{1,5}: ")
_GLUED = re.compile("(?<=joined!)(?=Connected to server!)")
"""Where two messages of seed 001's server become one: it sends them without a pause."""


class Exercise:
    """One server.

    Args:
        name: how this end wants to be called, where it is asked.
        is_keyed: whether keys are sent, and what comes is shown as it comes.
    """

    def __init__(self, name: str = "", is_keyed: bool = False) -> None:
        self.name = name
        self.kind = "keys" if is_keyed else ""
        """`room` (seed 001), `order` (002), `ports` (003), `keys` (004), `relay` (any other); empty: not known yet."""
        self.over = False
        """Whether the exercise has come to its end: then a closed link is no loss."""
        self._is_duet = False
        self._echoes: deque[str] = deque(maxlen=ECHOES)

    @property
    def welcome(self) -> Json:
        """What a hub would say first of itself."""
        mode = {"order": "order", "keys": "talk"}.get(self.kind, "bare")
        farewells = {"": ["exit"], "ports": ["exit"], "order": ["Bye"]}.get(self.kind, [])
        label = {"room": "nick", "order": "letter", "keys": None}.get(self.kind, "port")
        rest: Json = {"room": "", "name": self.name, "here": [], "label": label, "farewell": ["/quit", *farewells]}
        return {"event": "welcome", "mode": mode} | rest

    @property
    def farewell(self) -> str:
        """The word with which one leaves, where this server waits for one."""
        return "exit" if self.kind == "ports" else "Bye" if self._is_duet else ""

    def heard(self, message: str) -> list[Json]:
        """Return what a message of the server tells, unless it asks for a name (`asks`)."""
        if self.over and message in LAST_WORDS:
            return []
        if CONFIRMATION.fullmatch(message):
            self.kind, self.name = "order", message.split()[1]
        if self.kind == "order":
            self._judge(message)
            return [{"event": "notice", "text": message}]
        if not self.kind:
            self.kind = "ports" if _PORT.match(message) else "relay"
        parts = _GLUED.split(message) if self.kind == "room" else [message]
        return [{"event": "said", "from": "", "text": text} for part in parts if (text := self._without_echo(part))]

    def asks(self, message: str) -> bool:
        """Return whether a message asks for a name: then the server is seed 001's."""
        if message == "NICK" and self.kind != "order":
            self.kind = "room"
        return message == "NICK" and self.kind == "room"

    def _judge(self, message: str) -> None:
        """A verdict ends seed 002, `Bye` its extra credit; anything else that follows the confirmation is a duet."""
        if VERDICT.match(message) or re.fullmatch(r"(\w+: )?Bye", message):
            self.over = True
        elif not CONFIRMATION.fullmatch(message):
            self._is_duet = True

    def _without_echo(self, message: str) -> str:
        """Take away an own line that comes back; another message may have come with it, without a pause."""
        while self._echoes and any(message.startswith(echo) for echo in self._echoes):
            echo = self._echoes.popleft()
            if message.startswith(echo):
                return message.removeprefix(echo)
        return message

    def say(self, line: str) -> str:
        """Return the message for a line; in seed 001 the client puts its name in front, and its lines come back."""
        if self.kind == "room":
            line = f"{self.name}: {line}"
            self._echoes.append(line)
        elif self.ends(line):
            self.over = True
            line = "Bye" if self.kind == "order" else "exit"
        return line

    def ends(self, line: str) -> bool:
        """Return whether a line is a farewell: `exit` until it is known that this isn't seed 003, or a duet's `Bye`."""
        if self.kind in ("", "ports"):
            return line.strip().casefold() == "exit"
        return self.kind == "order" and line == "Bye"
