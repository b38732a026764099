"""An outbox is what one person has said and typed, on its way to the hub: sent, or waiting for a link.

It keeps lines in order over any number of connections. It does not know what lines mean, nor what is heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .events import Json
from .rows import ENTER, keys_between

UNSENT_LIMIT = 1024 * 1024
"""Characters that wait at most: what a very large paste has."""


class Outbox:
    """Lines that wait while the link is down or full, and the draft as the other end has seen it.

    Args:
        send: passes one object to the hub, at once.
    """

    def __init__(self, send: Callable[[Json], None]) -> None:
        self.open = False
        """Whether there is a link that takes what is sent."""
        self.keyed = False
        """Whether lines go out as keys (mode `talk`)."""
        self.unsent: deque[Json] = deque()
        self._size = 0
        self._send = send
        self._seen = ""

    def takes(self, characters: int) -> bool:
        """Return whether so much more may wait."""
        return self._size + characters <= UNSENT_LIMIT

    def now(self, verb: Json) -> None:
        """Send what makes sense at once only; the caller has checked that the link is open."""
        self._send(verb)

    def post(self, verb: Json) -> None:
        """Send what somebody said, now or when the hub takes it."""
        if self.open and not self.unsent:
            self._deliver(verb)
        else:
            self.unsent.append(verb)
            self._size += len(str(verb.get("text")))

    def draft(self, text: str) -> None:
        """Let the other end see the draft as it is now, but no slash word."""
        if not self.open or self.unsent:
            return
        if text.startswith("/"):
            text = text[1:] if text.startswith("//") else ""
        keys = keys_between(self._seen, text)
        if keys:
            self._seen = text
            self._send({"verb": "type", "keys": keys})

    def unseen(self) -> None:
        """Begin the draft afresh: the link or the partner is new, and has seen none of it."""
        self._seen = ""

    def flow(self, open_: bool) -> None:
        """Send what waits from now on, or send nothing for now."""
        self.open = open_
        while self.open and self.unsent:
            verb = self.unsent.popleft()
            self._size -= len(str(verb.get("text")))
            self._deliver(verb)

    def _deliver(self, verb: Json) -> None:
        """Send one object; in mode `talk` a line is the rest of its keys, elsewhere it ends its draft (docs, 7)."""
        if verb["verb"] == "say":
            if self.keyed:
                verb = {"verb": "type", "keys": keys_between(self._seen, str(verb["text"])) + ENTER}
            self._seen = ""
        self._send(verb)
