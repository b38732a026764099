"""A plain display reads and writes lines on a terminal that stays as it is: no colour, no cursor, no escape byte.

For TERM=dumb, for screen readers and for copying (`--plain`). It does not edit: the terminal's own line mode does.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol as Connection
from twisted.internet.stdio import StandardIO
from twisted.python.failure import Failure
from zope.interface import implementer

from ...wire.lines import Lines
from ..flow import Flow
from .chat import Chat
from .rows import PLAIN
from .seams import Master


@implementer(IHalfCloseableProtocol)
class Plain(Connection):
    """Stdin and stdout as they are (a `Display`)."""

    transport: Any = None
    look = PLAIN
    echoes = True

    def __init__(self, chat: Chat, master: Master, stdin: int = 0, stdout: int = 1) -> None:
        self._chat = chat
        self._master = master
        self._files = (stdin, stdout)
        self._closed: Deferred[None] = Deferred()
        self._lines = Lines()
        self._prompted = ""

    # -- what the run asks (seams.Display) ----------------------------------------------------------------------

    def open(self) -> None:
        """Begin to read lines."""
        if self.transport is None:
            self._attach()

    def _attach(self) -> None:
        """Work on copies: a transport closes its files when it is done, and others still need them."""
        StandardIO(self, *map(os.dup, self._files))
        self.transport.registerProducer(Flow(lambda: self._master.hold(True), lambda: self._master.hold(False)), True)

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
        """Return nothing: the terminal doesn't tell what is on its own line."""
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
        """Pass on the lines that were typed."""
        for line in self._lines.feed(data).split(b"\n")[:-1]:
            self._prompted = ""
            self._master.entered(line.decode(errors="replace"))

    def readConnectionLost(self) -> None:
        """Leave: the person typed ^D."""
        self._master.quit()

    def writeConnectionLost(self) -> None:
        """Leave: nobody reads stdout any more."""
        self._master.quit()

    def connectionLost(self, reason: Any = Failure(EOFError())) -> None:
        """Tell that everything is written, or can't be."""
        self.transport = None
        self._closed.callback(None)
