"""The console is the hub's own terminal as one more peer: it shows what happens, and speaks.

What an operator's line means is the same as anybody's, but for `/quit`, which stops the hub. In mode `talk` keys pass
as they are typed. When stdin has ended, the console gives its seat up and only shows. It does not know what reads and
writes for it (`stdio`), or in which words a narrator shows what happens.
"""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol
from zope.interface import implementer

from ..connections.admission import Admission
from ..connections.connection import Connection
from ..wire.keys import KeyReader
from ..wire.lines import Lines
from ..wire.text import NOTICE, clean
from ..wire.verbs import Command, Typing
from .narrator import Narrator

NAME = "server"
"""What the operator is called where lines have labels; a name that nobody else can take."""


def missed(lines: int) -> bytes:
    """Return what the console shows in place of lines that its terminal didn't take."""
    return NOTICE + b"%d lines were not shown: they waited too long\n" % lines


@implementer(IPushProducer)
class Console(Protocol):
    """Stdin and stdout of the hub; give it to `Stdio`.

    As a producer it is that of its own transport, as `edges.tcp.ChatProtocol` is.

    Args:
        admission: lets it sit in the hub whose console this is.
        stop: stops the hub.
    """

    transport: Any
    connection: Connection | None = None
    """While it has a seat."""

    def __init__(self, admission: Admission, stop: Callable[[], None]) -> None:
        self._admission = admission
        self._hub = admission.hub
        self._stop = stop
        self.narrator = Narrator(self._hub.mode, self._print)
        """What shows what happens."""
        self._lines = Lines()
        self._echo: KeyReader | None = None
        """What shows the operator's own keys, since the terminal doesn't while it passes them on."""
        self._settings: list[Any] | None = None
        """The terminal's settings as they were."""

    def connectionMade(self) -> None:
        """Sit down, where this mode gives the console a seat."""
        if self._hub.mode.console_sits:
            self.transport.registerProducer(self, True)
            self.connection = self._admission.host(_Seat(self, self.transport), NAME)
        if self._hub.mode.rule == "talk":
            self._echo = KeyReader(self._hub.limits)
            self._settings = _pass_keys()

    def _print(self, lines: bytes) -> None:
        if self.transport:
            self.transport.write(lines)

    # -- what the operator types -----------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """The operator has typed lines, or keys."""
        if self._echo and self.connection:
            self._typed_keys(self._echo, data)
            return
        for line in self._lines.feed(data).split(b"\n")[:-1]:
            self._typed(line + b"\n")
        if self._lines.overlong:
            self._lines = Lines()
            self.narrator.show("-!- too long without a newline, not said")

    def _typed_keys(self, echo: KeyReader, keys: bytes) -> None:
        for piece in echo.read(keys):
            if isinstance(piece, Typing):
                self.transport.write(self._admission.dialects.keys.typed(NAME, piece.keys))
                if self.connection:
                    self.connection.say(piece)
            elif isinstance(piece, Command):
                self._stop()

    def _typed(self, line: bytes) -> None:
        if line.strip() == b"/quit":
            self._stop()
        elif self.connection and not self.connection.peer.gone:
            self.connection.receive(line)
        else:
            self._hub.announce(NAME, clean(line))

    def restore(self) -> None:
        """Leave the terminal as it was; it may be stopped, so nothing waits for what is still to be shown."""
        if self._settings:
            termios.tcsetattr(0, termios.TCSANOW, self._settings)
            self._settings = None

    # -- its seat --------------------------------------------------------------------------------------------

    def readConnectionLost(self) -> None:
        """Stdin has ended: nobody speaks here any more, and the seat is for somebody who does."""
        self.give_up("quit")

    def give_up(self, why: str) -> None:
        """Leave the room, and go on showing what happens."""
        connection, self.connection = self.connection, None
        if connection:
            self.transport.unregisterProducer()
            self.transport.resumeProducing()
            connection.lost(why)

    # -- as the producer of its own transport ----------------------------------------------------------------

    def pauseProducing(self) -> None:
        """The terminal doesn't take what is written."""
        if self.connection:
            self.connection.outlet.pause()

    def resumeProducing(self) -> None:
        """The terminal has taken everything."""
        if self.connection:
            self.connection.outlet.resume()

    def stopProducing(self) -> None:
        """The terminal is gone; it never says so."""


class _Seat:
    """The transport of the console's peer: its end is the seat's, and not the terminal's."""

    def __init__(self, console: Console, terminal: Any) -> None:
        self._console = console
        self.write = terminal.write
        self.writeSequence = terminal.writeSequence
        self.pauseProducing = terminal.pauseProducing
        self.resumeProducing = terminal.resumeProducing
        self.unregisterProducer = terminal.unregisterProducer

    def loseConnection(self) -> None:
        """All is written, or as good as."""
        self._console.give_up("quit")

    abortConnection = loseConnection


def _pass_keys() -> list[Any] | None:
    """Let the terminal pass keys as they are typed, and not show them; return its settings as they were.

    ^C still interrupts: the hub's own terminal is where one stops it.
    """
    if not os.isatty(0):
        return None
    settings = termios.tcgetattr(0)
    tty.setcbreak(0, termios.TCSANOW)
    return settings
