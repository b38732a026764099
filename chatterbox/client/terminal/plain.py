"""A plain display writes rows below one another and changes none of them: no colour, no cursor, no escape byte.

For TERM=dumb, for screen readers and for copying (`--plain`). An incoming row starts a row of its own, and what is half
typed is shown again below it; so the keys are read here one by one, as the terminal itself would.
"""

from __future__ import annotations

import os
import signal
import termios
from codecs import getincrementaldecoder
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol as Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from ...wire.text import clean_text
from ...wire.verbs import Verb
from ..flow import Flow
from ..stdio import STDIN, Stdio
from .chat import Chat
from .rows import PLAIN, clip_start, width
from .seams import Master

KEYS: Sequence[Verb] = (
    Verb("^R", "show again what is typed"),
    Verb("^U, ^W", "take the line back, a word"),
    Verb("^D", "leave, if the line is empty"),
    Verb("^C", "leave"),
)
ENTER, END, KILL, WORD, AGAIN, STOP, ESCAPE = "\n", "\x04", "\x15", "\x17", "\x12", "\x1a", "\x1b"
RUB = ("\b", "\x7f")


@implementer(IHalfCloseableProtocol)
class Plain(Connection):
    """Stdin and stdout of a terminal as they are (a `Display`)."""

    transport: Any = None
    look = PLAIN
    echoes = True
    keys = KEYS

    def __init__(self, chat: Chat, master: Master) -> None:
        self._chat = chat
        self._master = master
        self._closed: Deferred[None] = Deferred()
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._draft = ""
        self._escape = ""
        """An escape sequence (an arrow, say) that has begun; it is left out."""
        self._question = ""
        """What stands before the draft on the last row."""
        self._shows_keys = True

    # -- what the run asks (seams.Display) ----------------------------------------------------------------------

    def open(self) -> None:
        """Begin to read keys."""
        if self.transport is None:
            self._attach()

    def _attach(self) -> None:
        self._take_keys()
        signal.signal(signal.SIGTSTP, self._suspended)
        Stdio(self)
        self.transport.registerProducer(Flow(lambda: self._master.hold(True), lambda: self._master.hold(False)), True)

    def _take_keys(self) -> None:
        """Get keys one by one and without echo; where echo is off already, whoever did that shows the keys."""
        with suppress(termios.error):
            settings = termios.tcgetattr(STDIN)
            self._settings = list(settings)
            self._shows_keys = bool(settings[3] & termios.ECHO)
            settings[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(STDIN, termios.TCSANOW, settings)

    def _suspended(self, number: int, frame: object) -> None:
        """Give the terminal back while this program is stopped, and show the draft again when it goes on."""
        with suppress(termios.error):
            termios.tcsetattr(STDIN, termios.TCSANOW, self._settings)
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take_keys()
        self._write("\n" + self._begun())

    def columns(self) -> int:
        """Return the terminal's width."""
        with suppress(OSError):
            return os.get_terminal_size().columns - 1
        return 79

    def clear(self) -> None:
        """Leave the screen as it is: no row is taken back here."""

    def write(self, text: str) -> None:
        """Put rows below what is being typed, and show that again."""
        if self.transport is None:
            self._attach()
        begun = self._begun()
        self._write(("\n" if begun and self._shows_keys else "") + text + (begun if self._shows_keys else ""))

    def _begun(self) -> str:
        """Return what is typed, or of a long line its end: the rest would push away what was just written."""
        return self._question + clip_start(self._draft, self.columns() - width(self._question))

    def _write(self, text: str) -> None:
        self.transport.write(text.encode(errors="replace"))

    def refresh(self) -> None:
        """Ask what has to be asked: only a question stands before the draft."""
        question = self._chat.prompt if self._chat.asking or self._chat.manner.waits else ""
        if question and question != self._question and self.transport is not None:
            self._question = question
            self._write(("\n" if self._draft else "") + self._begun())
        self._question = question

    def draft(self) -> str:
        """Return what is being typed."""
        return self._draft

    def close(self) -> Deferred[None] | None:
        """Write what is left."""
        if self.transport is None:
            return None
        if self._question + self._draft:
            self._write("\n")
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        return self._closed

    # -- keys -----------------------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Obey each key, and show it."""
        for key in self._decoder.decode(data):
            shown = self._press(key)
            if shown and self._shows_keys and self.transport is not None:
                self._write(shown)

    def _press(self, key: str) -> str:
        """Obey one key; return what shows it."""
        before = self._draft
        if self._escape or key == ESCAPE:
            return self._leave_out(key)
        if key == ENTER:
            return self._enter()
        if key == END:
            if not before:
                self._master.quit()
            return ""
        if key == AGAIN:
            return "\n" + self._question + before
        if key == KILL:
            self._change("")
            return "\n" + self._question if before else ""
        if key in RUB or key == WORD:
            self._change(before[: before.rstrip().rfind(" ") + 1] if key == WORD else before[:-1])
            return "\b \b" * width(before[len(self._draft) :])
        shown = clean_text(key)
        if shown:
            self._change(before + shown)
        return shown

    def _enter(self) -> str:
        line, self._draft, self._question = self._draft, "", ""
        if self._shows_keys:
            self._write("\n")
        if not self._master.entered(line):
            self._draft = line
        self._master.touched()
        return self._begun()

    def _change(self, draft: str) -> None:
        self._draft = draft
        self._master.touched()

    def _leave_out(self, key: str) -> str:
        """Take one more key of an escape sequence: two in all, or up to a letter or `~` behind `[` and `O`."""
        self._escape += key
        if len(self._escape) > 1 and not (
            self._escape[1] in "[O" and (len(self._escape) == 2 or not "@" <= key <= "~")
        ):
            self._escape = ""
        return ""

    # -- what Stdio tells ---------------------------------------------------------------------------------------

    def readConnectionLost(self) -> None:
        """Leave: the terminal is gone."""
        self._master.vanished()

    def writeConnectionLost(self) -> None:
        """Leave: nobody reads stdout any more."""
        self._master.vanished()

    def connectionLost(self, reason: Any = Failure(EOFError())) -> None:
        """Tell that everything is written, or can't be."""
        self.transport = None
        self._closed.callback(None)
