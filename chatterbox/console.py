"""The console is the hub's own terminal as one more peer: it shows the mode's narration, and lets the operator speak.

It knows stdin, stdout and the hub. What the narration says is `narration`'s, what an operator's line means is the
same as anybody's, but for `/quit`: there it stops the hub.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from .hub import Hub
from .narration import narrate
from .peer import Peer
from .wire import clean

NAME = "server"
"""What the operator is called where lines have labels; a name that nobody else can take."""


@implementer(IHalfCloseableProtocol)
class Console(Protocol):
    """Stdin and stdout of the hub; give it to `StandardIO`.

    Args:
        hub: whose console this is.
        stop: stops the hub.
    """

    transport: Any
    peer: Peer | None = None

    def __init__(self, hub: Hub, stop: Callable[[], None]) -> None:
        self._hub = hub
        self._stop = stop
        self._unended = b""

    def connectionMade(self) -> None:
        """Sit down, where this mode gives the console a seat."""
        if self._hub.mode.console_sits:
            self.peer = self._hub.host(self.transport, NAME)

    def begin(self, places: list[tuple[str, object]]) -> None:
        """Print the hub's first words: for each (host, port), or once where they don't name one."""
        words = self._hub.mode.script.get("start", "listening on {host}:{port}")
        for line in dict.fromkeys(words.format(host=host, port=port) for host, port in places):
            self.show(line)

    def narrate(self, kind: str, *facts: Any) -> None:
        """Print what happens, in the mode's own words."""
        for line in narrate(self._hub.mode, kind, *facts):
            self.show(line)

    def show(self, line: str) -> None:
        """Print one line, cleaned: names and texts in it are strangers'."""
        if self.transport:
            self.transport.write(clean(line.replace("\n", " ").encode(errors="replace") + b"\n"))

    def dataReceived(self, data: bytes) -> None:
        """The operator has typed lines."""
        *lines, self._unended = (self._unended + data).split(b"\n")
        for line in lines:
            self._typed(line)

    def _typed(self, line: bytes) -> None:
        if line.strip() == b"/quit":
            self._stop()
        elif self.peer:
            self.peer.say(line + b"\n")
        else:
            self._hub.announce(NAME, clean(line + b"\n"))

    def readConnectionLost(self) -> None:
        """Stdin has ended; the hub goes on, and the narration with it."""

    def writeConnectionLost(self) -> None:
        """Stdout is closed; the hub goes on."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The terminal is gone."""
        if self.peer:
            self.peer.lost("lost")
        self.transport = None
