"""The stage of browsers is a hub on a clock whose every end is a browser: JSON in the frames of a WebSocket.

What an end types becomes a verb, as on the page, and what it hears is read as `nc` would read it, so that one play holds
for both. It knows no page: `tests/slow/test_browser.py` has real ones.
"""

from __future__ import annotations

from typing import Any

from chatterbox.client.outputs import Send, Show
from chatterbox.client.patience import Patience
from chatterbox.client.resume import Resume
from chatterbox.wire.dialects import Message
from chatterbox.wire.text import NOTICE
from chatterbox.wire.verbs import VERBS

from .browsers import HOST, UPGRADE, Browser, HubForBrowsers, request
from .plays import MemoryStage

UNLIKE = {
    "bare": "its programs know no newline",
    "bare-duet": "its programs know no newline",
    "bare-leaving": "its programs know no newline",
    "bare-order": "its programs know no newline",
    "bare-pair": "its programs know no newline",
    "room": "a browser's page asks for the name, not the hub",
    "talk": "keys are no lines",
}
"""The plays that have nothing for a browser, and why."""

COMINGS = frozenset({"joined", "left", "away", "back", "finished"})
"""What a session is always told, and a page shows."""


class Person:
    """Who sits before a browser: a session where the hub has any, as the page's script is one."""

    def __init__(self, browser: Browser, hub: HubForBrowsers, number: int) -> None:
        self.browser = browser
        self._hub = hub
        self._dialect = hub.admission.dialects.text
        self._heard = b""
        self._room = ""
        self._session: Resume | None = None
        if hub.admission.desk.is_open:
            self._session = Resume(f"{number:032x}", Patience(lambda: 1.0))
            browser.says(self._session.hello(hub.clock.seconds()))
        else:
            browser.says({"chatterbox": 1})

    def types(self, line: str) -> None:
        """Type a line."""
        word, _, rest = line.removeprefix("/").partition(" ")
        if self._session and line in self._hub.hub.mode.farewell:
            if line != "/quit":
                self.browser.asks("say", text=line)  # without a number: it is for the hub
                return
        if line.startswith("/") and word in VERBS and (word == "quit" or line not in self._hub.hub.mode.farewell):
            keys = VERBS[word].keys
            words = rest.split(None, len(keys) - 1) if keys else []
            if len(words) < len(keys):
                self._heard += NOTICE + f"use it so: {VERBS[word].usage}\n".encode()  # the page doesn't send it
            else:
                self._asks(word, *words)
        else:
            self._asks("say", line[1:] if line.startswith("//") else line)

    def _asks(self, word: str, *words: str) -> None:
        session, now = self._session, self._hub.clock.seconds()
        if session is None:
            self.browser.asks(word, **dict(zip(VERBS[word].keys if word in VERBS else ("text",), words)))
        elif word == "me":
            session.say(words[0].encode() + b"\n", word)
            self._heard += f"* {session.name} {words[0]}\n".encode()  # the page shows what its person says
        elif word == "say":
            session.say(words[0].encode() + b"\n")
        elif word == "msg":
            named = [stream for stream, end in session.company.ends.items() if end.name == words[0]]
            if named:
                session.say(words[1].encode() + b"\n", word, named[0])
            else:
                self._heard += NOTICE + f"nobody here is called {words[0]}\n".encode()  # nor to nobody
        elif word == "join":
            session.join(words[0], now)
        elif word == "nick":
            session.rename(words[0])
        elif word == "quit":
            session.leave(now)
        else:
            self.browser.asks(word)
        self.listens()

    def listens(self) -> None:
        """Take what has come, and say what the session wants said for it, until nothing more comes of it."""
        session, now = self._session, self._hub.clock.seconds()
        while True:
            for event in self.browser.heard():
                if session:
                    session.heard(event, now)
                else:
                    self._heard += self._read(dict(event))
            outputs = session.take() if session else []
            for output in outputs:
                if isinstance(output, Send):
                    self.browser.says(output.verb)
                elif isinstance(output, Show):
                    self._heard += self._read(dict(output.event))
            if session:
                session.shown(now, len(outputs), idle=True)
            if not outputs:
                return

    def _read(self, event: dict[str, Any]) -> bytes:
        """Return an event as `nc` would have it."""
        kind, own = event.pop("event"), event.pop("own", False)
        if kind == "welcome":
            before, self._room = self._room, event["room"]
            moves = before not in ("", self._room)
            return self._dialect.message(Message("moved", {"room": self._room})) if moves else b""
        if kind in COMINGS and not self._hub.hub.mode.announces:
            return b""
        if kind == "said":
            label = "" if self._hub.hub.mode.label == "none" else f"{event['from']}: "
            return self._dialect.said(event["from"], label.encode(), event["text"].encode() + b"\n", own)
        if kind == "notice":
            return f"{event['text']}\n".encode()
        return self._dialect.message(Message(kind, event, own))

    def heard(self) -> bytes:
        """Return what came since this was last asked, as `nc` would have it."""
        self.listens()
        heard, self._heard = self._heard, b""
        return heard


class BrowserStage(MemoryStage):
    """A hub on a clock to which browsers come."""

    hub = HubForBrowsers
    _hub: HubForBrowsers

    def __init__(self, *options: str) -> None:
        super().__init__(*options)
        self._persons: list[Person] = []

    def connect(self, port: int) -> Any:
        end = self._hub.connects(port=port).sends(request("/", "GET", HOST, **UPGRADE))
        self._persons.append(Person(Browser(end), self._hub, len(self._persons)))
        self.wait(0.2)
        return self._persons[-1]

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        for person in self._persons * 2:  # what one says in answer is heard by the others
            person.listens()

    def port_of(self, end: Any) -> int:
        return super().port_of(end.browser.end)

    def send(self, end: Any, data: bytes) -> None:
        for line in data.decode().splitlines():
            end.types(line)
        self.wait(0.2)

    def heard(self, end: Any) -> bytes:
        return bytes(end.heard())

    def leave(self, end: Any) -> None:
        end.browser.closes()
        super().leave(end.browser.end)

    def is_hung_up_on(self, end: Any) -> bool:
        return bool(end.browser.closed)
