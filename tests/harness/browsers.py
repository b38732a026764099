"""A browser, as a hub on a clock has one: HTTP requests, and a WebSocket of which each frame can be bent.

It speaks with the client half of `websockets`, and with frames of its own where that would refuse to send one.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol, State

from chatterbox.edges.page import Page
from chatterbox.edges.tcp import ChatFactory
from chatterbox.edges.websocket import Web

from .memory import End, HubOnAClock

HTML = b"<!doctype html><style>p{}</style><script>let a</script>"
HOST = "127.0.0.1:5000"
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


class HubForBrowsers(HubOnAClock):
    """A hub on a clock that was started with `--web`."""

    def __init__(self, *args: Any, names: tuple[str, ...] = (), html: bytes = HTML, **others: Any) -> None:
        super().__init__(*args, **others)
        self.factory = ChatFactory(self.admission, self.clock, Web(self.admission, names, Page(html)))

    def asks(self, request: bytes) -> End:
        """Return a new end that has sent `request`."""
        return self.connects().sends(request)

    def get(self, path: str = "/", *, method: str = "GET", host: str | None = HOST, **headers: str) -> Reply:
        """Return what a request is answered."""
        return reply_of(self.asks(request(path, method, host, **headers)))

    def browser(self, path: str = "/", **hello: object) -> Browser:
        """Return a browser whose WebSocket is open; it has said hello, if there is anything in `hello`."""
        browser = Browser(self.asks(request(path, "GET", HOST, **UPGRADE)))
        return browser.says({"chatterbox": 1, **hello}) if hello else browser


class Reply(NamedTuple):
    """What a request is answered, and how the connection ended."""

    status: int
    headers: dict[str, str]
    body: bytes
    closed: str


def request(path: str = "/", method: str = "GET", host: str | None = HOST, **headers: str) -> bytes:
    """Return the bytes of a request; an underscore in a header's name is a hyphen."""
    rows = ([] if host is None else [f"Host: {host}"]) + [
        f"{name.replace('_', '-')}: {v}" for name, v in headers.items()
    ]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *rows, "", ""]).encode("latin-1")


def reply_of(end: End) -> Reply:
    """Return what has come, as one reply."""
    head, _, body = end.heard().partition(b"\r\n\r\n")
    first, *rows = head.decode("latin-1").split("\r\n")
    end.heard()
    words = first.split(" ")
    return Reply(int(words[1]) if len(words) > 1 else 0, dict(row.split(": ", 1) for row in rows), body, end.closed)


class Browser:
    """The other end of a WebSocket."""

    def __init__(self, end: End) -> None:
        self.end = end
        self.head, _, rest = end.heard().partition(b"\r\n\r\n")
        self.code = 0
        """The code with which the hub closed it."""
        self.pongs: list[bytes] = []
        self._protocol = Protocol(CLIENT, state=State.OPEN, max_size=None)
        self._feed(rest)

    @property
    def closed(self) -> str:
        """How the connection ended; an empty string while it lives."""
        return self.end.closed

    def sends(self, data: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> Browser:
        """Send one frame."""
        self.end.sends(frame(data, opcode, fin))
        return self

    def says(self, *messages: object) -> Browser:
        """Send objects, one a frame."""
        self.end.sends(*(frame(json.dumps(message).encode()) for message in messages))
        return self

    def asks(self, verb: str, **fields: object) -> Browser:
        """Send a verb."""
        return self.says({"verb": verb, **fields})

    def closes(self, data: bytes = b"\x03\xe9") -> Browser:
        """Send a close frame: 1001, as a page that is left does."""
        return self.sends(data, Opcode.CLOSE)

    def heard(self) -> list[Any]:
        """Return the objects that came since this was last asked; `code` and `pongs` are up to date then."""
        return self._feed(self.end.heard())

    def _feed(self, data: bytes) -> list[Any]:
        if data:
            self._protocol.receive_data(data)
        found = []
        for event in self._protocol.events_received():
            assert isinstance(event, Frame)
            if event.opcode is Opcode.TEXT:
                found.append(json.loads(bytes(event.data)))
            elif event.opcode is Opcode.PONG:
                self.pongs.append(bytes(event.data))
            elif event.opcode is Opcode.CLOSE:
                self.code = int.from_bytes(event.data[:2], "big")
        return found


def frame(data: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    """Return a frame as a client sends it, whether or not it may."""
    size = len(data)
    if size < 126:
        length = bytes((0x80 | size,))
    else:
        length = b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")
    return bytes((0x80 * fin | opcode,)) + length + bytes(4) + data
