"""A voice is what one person says and types, until its fate is known: what waits, what nobody has got yet, the draft.

The session numbers lines and repeats them; here are the words themselves, so that a line can be quoted that was not
delivered. This module does not know what lines mean, nor what is heard.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ...wire.numbering import GOT, Outcome
from .rows import ENTER, keys_between
from .seams import Courier

UNSENT_LIMIT = 1024 * 1024
"""Characters that wait at most: what a very large paste has."""


class Saying(NamedTuple):
    """One line, one deed (`me`), or one private line (`msg`) `to` an end."""

    text: str
    kind: str = "say"
    to: str = ""


class Voice:
    """Lines that wait until the session takes more, lines that it has, and the draft as others have seen it.

    Args:
        courier: the session, which takes lines to the others.
    """

    def __init__(self, courier: Courier) -> None:
        self.keyed = False
        """Whether lines go out as keys (mode `talk`)."""
        self._courier = courier
        self._waiting: deque[Saying] = deque()
        self._size = 0
        self._on_the_way: dict[int, str] = {}
        """What was said and isn't got, by the marks of the session."""
        self._seen = ""

    @property
    def unsent(self) -> int:
        """How many lines are not on their way to anybody now."""
        here = self._courier.up and any(not end.away for end in self._courier.company.ends.values())
        return len(self._waiting) + (0 if here else len(self._on_the_way))

    def takes(self, characters: int) -> bool:
        """Return whether so much more may wait."""
        return self._size + characters <= UNSENT_LIMIT

    def post(self, saying: Saying) -> None:
        """Say something, now or when the session takes it."""
        if self._waiting or self._courier.full:
            self._waiting.append(saying)
            self._size += len(saying.text)
        else:
            self._deliver(saying)

    def go_on(self) -> None:
        """Say what waits, as far as the session takes it."""
        while self._waiting and not self._courier.full:
            saying = self._waiting.popleft()
            self._size -= len(saying.text)
            self._deliver(saying)

    def _deliver(self, saying: Saying) -> None:
        """Say one thing; in mode `talk` a line is the rest of its keys, elsewhere it ends its draft (docs, 7)."""
        courier, seen = self._courier, self._seen
        if saying.kind == "say":
            self._seen = ""
            if self.keyed:
                courier.send({"verb": "type", "keys": keys_between(seen, saying.text) + ENTER})
                return
        if courier.numbered:
            self._on_the_way[courier.next_mark] = saying.text
        courier.say(saying.text.encode(errors="replace") + b"\n", saying.kind, saying.to)

    def told(self, outcome: Outcome) -> list[str]:
        """Take note of what became of lines; return those that nobody has got."""
        marks = range(outcome.first, outcome.first + outcome.lines)
        lines = [self._on_the_way.pop(mark) for mark in marks if mark in self._on_the_way]
        return [] if outcome.word == GOT else lines

    def give_up(self) -> list[str]:
        """Return what waits, which is never said now."""
        lines = [saying.text for saying in self._waiting]
        self._waiting.clear()
        self._size = 0
        return lines

    def draft(self, text: str) -> None:
        """Let the others see the draft as it is now, but no slash word."""
        if self._waiting:
            return
        if text.startswith("/"):
            text = text[1:] if text.startswith("//") else ""
        keys = keys_between(self._seen, text)
        if keys and self._courier.send({"verb": "type", "keys": keys}):
            self._seen = text

    def unseen(self) -> None:
        """Begin the draft afresh: the link or somebody who is here is new, and has seen none of it."""
        self._seen = ""
