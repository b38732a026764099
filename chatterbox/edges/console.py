"""The console is the hub's own terminal as one more peer: it shows the mode's narration, and lets the operator speak.

It knows stdin, stdout and the hub. What the narration says is `narration`'s, what an operator's line means is the
same as anybody's, but for `/quit`: there it stops the hub. In mode `talk` the operator's keys pass as they are typed.
"""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from ..connections.admission import Admission
from ..connections.connection import Connection
from ..core.events import News
from ..core.script import script_lines
from ..wire.keys import KeyReader
from ..wire.text import clean
from ..wire.verbs import Command, Typing

NAME = "server"
"""What the operator is called where lines have labels; a name that nobody else can take."""


@implementer(IHalfCloseableProtocol)
class Console(Protocol):
    """Stdin and stdout of the hub; give it to `StandardIO`.

    Args:
        admission: lets it sit in the hub whose console this is.
        stop: stops the hub.
    """

    transport: Any
    connection: Connection | None = None

    def __init__(self, admission: Admission, stop: Callable[[], None]) -> None:
        self._admission = admission
        self._hub = admission.hub
        self._stop = stop
        self._unended = b""
        self._echo: KeyReader | None = None
        """What shows the operator's own keys, since the terminal doesn't while it passes them on."""
        self._settings: list[Any] | None = None
        """The terminal's settings as they were."""

    def connectionMade(self) -> None:
        """Sit down, where this mode gives the console a seat."""
        if self._hub.mode.console_sits:
            self.connection = self._admission.host(self.transport, NAME)
        if self._hub.mode.rule == "talk":
            self._echo = KeyReader(self._hub.limits)
            self._settings = _pass_keys()

    def begin(self, places: list[tuple[str, object]]) -> None:
        """Print the hub's first words: for each (host, port), or once where they don't name one."""
        words = self._hub.mode.script.get("start", "listening on {host}:{port}")
        for line in dict.fromkeys(words.format(host=host, port=port) for host, port in places):
            self.show(line)

    def happened(self, news: News) -> None:
        """Print what happens, in the mode's own words."""
        for line in script_lines(self._hub.mode, news):
            self.show(line)

    def show(self, line: str) -> None:
        """Print one line, cleaned: names and texts in it are strangers'."""
        if self.transport:
            self.transport.write(clean(line.replace("\n", " ").encode(errors="replace") + b"\n"))

    def dataReceived(self, data: bytes) -> None:
        """The operator has typed lines, or keys."""
        if self._echo and self.connection:
            self._typed_keys(self._echo, data)
            return
        *lines, self._unended = (self._unended + data).split(b"\n")
        for line in lines:
            self._typed(line)

    def _typed_keys(self, echo: KeyReader, keys: bytes) -> None:
        for piece in echo.read(keys):
            if isinstance(piece, Typing):
                self.transport.write(self._admission.dialects.keys.typed(NAME, piece.keys))
                if self.connection:
                    self.connection.say(piece)
            elif isinstance(piece, Command):
                self._stop()

    def restore(self) -> None:
        """Leave the terminal as it was."""
        if self._settings:
            termios.tcsetattr(0, termios.TCSADRAIN, self._settings)
            self._settings = None

    def _typed(self, line: bytes) -> None:
        if line.strip() == b"/quit":
            self._stop()
        elif self.connection:
            self.connection.receive(line + b"\n")
        else:
            self._hub.announce(NAME, clean(line + b"\n"))

    def readConnectionLost(self) -> None:
        """Stdin has ended; the hub goes on, and the narration with it."""

    def writeConnectionLost(self) -> None:
        """Stdout is closed; the hub goes on."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The terminal is gone."""
        self.restore()
        if self.connection:
            self.connection.lost("lost")
        self.transport = None


def _pass_keys() -> list[Any] | None:
    """Let the terminal pass keys as they are typed, and not show them; return its settings as they were.

    ^C still interrupts: the hub's own terminal is where one stops it.
    """
    if not os.isatty(0):
        return None
    settings = termios.tcgetattr(0)
    tty.setcbreak(0)
    return settings
