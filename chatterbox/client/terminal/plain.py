"""A bare display is lines in and lines out of a terminal that stays as it is: no colour, no cursor, no escape byte.

For TERM=dumb, for screen readers and for copying (`--plain`). It does not edit: the terminal's own line mode does.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Protocol as Connection
from twisted.internet.stdio import StandardIO
from twisted.python.failure import Failure
from zope.interface import implementer

from ...wire.lines import Lines
from .chat import Chat
from .rows import BARE


class Master(Protocol):
    """Who is told what the person does."""

    chat: Chat

    def entered(self, line: str) -> bool:
        """A line was finished."""

    def hold(self, held: bool) -> None:
        """The terminal takes no more for now, or goes on."""


@implementer(IHalfCloseableProtocol, IPushProducer)
class Bare(Connection):
    """Standard input and output as they are (a `session.Display`)."""

    transport: Any = None
    look = BARE
    echoes = True

    def __init__(self, master: Master, stdin: int = 0, stdout: int = 1) -> None:
        self._master = master
        self._chat = master.chat
        self._files = (stdin, stdout)
        self._closed: Deferred[None] = Deferred()
        self._lines = Lines()
        self._prompted = ""

    # -- what a session asks (session.Display) ------------------------------------------------------------------

    def open(self) -> None:
        """Begin to read lines."""
        if self.transport is None:
            self._attach()

    def _attach(self) -> None:
        """Work on copies: a transport closes its files when it is done, and others still need them."""
        StandardIO(self, *map(os.dup, self._files))
        self.transport.registerProducer(self, True)

    def write(self, text: str) -> None:
        """Put rows on the terminal."""
        if self.transport is None:
            self._attach()
        self.transport.write(text.encode(errors="replace"))

    def refresh(self) -> None:
        """Ask what has to be asked: only a question stands without an end of line."""
        question = self._chat.prompt if self._chat.asking or self._chat.manner.waits else ""
        if question and question != self._prompted and self.transport is not None:
            self.write(question)
        self._prompted = question

    def draft(self) -> str:
        """Nobody knows what is in the terminal's own line."""
        return ""

    def close(self) -> Deferred[None] | None:
        """Write what is left."""
        if self.transport is None:
            return None
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        return self._closed

    # -- what StandardIO tells --------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Lines were typed."""
        for line in self._lines.feed(data).split(b"\n")[:-1]:
            self._prompted = ""
            self._master.entered(line.decode(errors="replace"))

    def readConnectionLost(self) -> None:
        """^D: the person has nothing more to say."""
        self._chat.quit()

    def writeConnectionLost(self) -> None:
        """Nobody looks any more."""
        self._chat.quit()

    def connectionLost(self, reason: Any = Failure(EOFError())) -> None:
        """Everything is written, or nobody takes it."""
        self.transport = None
        self._closed.callback(None)

    def pauseProducing(self) -> None:
        """The terminal is stopped, or slow."""
        self._master.hold(True)

    def resumeProducing(self) -> None:
        """It goes on."""
        self._master.hold(False)

    def stopProducing(self) -> None:
        """The terminal is going away; `connectionLost` says so."""
