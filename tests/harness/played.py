"""A played hub is one that the test itself plays: it hears and says what the test wants, also what no real hub would."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

from tests.harness.ends import DEADLINE


class PlayedHub:
    """A hub on the loopback that speaks JSON to one client at a time.

    Args:
        port: where it listens; 0 takes a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(DEADLINE)
        self.port = int(self._listener.getsockname()[1])
        self._socket: socket.socket | None = None
        self._heard = b""

    def accept(self) -> dict[str, Any]:
        """Take the next client; return its hello."""
        self._socket, _ = self._listener.accept()
        self._socket.settimeout(DEADLINE)
        self._heard = b""
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """Return the next object that the client sends."""
        assert self._socket is not None
        while b"\n" not in self._heard:
            data = self._socket.recv(65536)
            if not data:
                raise AssertionError("the client hung up")
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        heard = json.loads(line)
        assert isinstance(heard, dict)
        return heard

    def say(self, *events: dict[str, Any]) -> None:
        """Send objects, as one piece."""
        assert self._socket is not None
        self._socket.sendall(b"".join(json.dumps(event).encode() + b"\n" for event in events))

    def said(self, *texts: str, name: str = "bob") -> None:
        """Let `name` say lines."""
        self.say(*({"event": "said", "from": name, "text": text} for text in texts))

    def welcome(self, mode: str = "pair", **more: Any) -> dict[str, Any]:
        """Take the next client and welcome it, as ann with bob; return its hello."""
        hello = self.accept()
        self.say(WELCOME | {"mode": mode} | more)
        return hello

    def raw(self, data: bytes) -> None:
        """Send bytes."""
        assert self._socket is not None
        self._socket.sendall(data)

    def hang_up(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Close everything."""
        self.hang_up()
        self._listener.close()


WELCOME: dict[str, Any] = {
    "event": "welcome",
    "chatterbox": 1,
    "room": "lobby",
    "mode": "pair",
    "name": "ann",
    "seats": 2,
    "label": None,
    "farewell": ["/quit"],
    "here": ["bob", "ann"],
}


@contextlib.contextmanager
def played_hub(port: int = 0) -> Iterator[PlayedHub]:
    """Play a hub."""
    played = PlayedHub(port)
    try:
        yield played
    finally:
        played.close()
