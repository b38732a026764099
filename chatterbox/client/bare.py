"""A bare link is one connection to a server of a first course on sockets (`--bare`): no hello, no objects, no newline.

It stands in the place of a link to a hub: what the server sends becomes events, what this end says becomes messages,
each alone and with a silence behind it. It does not know what messages mean (`exercise`), or who reads the events.
"""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from ..limits import Limits
from ..wire.bare import GAP, LAST_WORD, cut
from ..wire.keys import KeyReader
from ..wire.numbered import Json
from ..wire.verbs import Typing
from .connection import HubLink, Listener
from .exercise import Exercise
from .naming import Names
from .options import Options

SILENCE = 1.0
"""Seconds without a word from the server, after which the person is told that there is a link."""
PAUSE = 2 * GAP
"""Seconds between two messages of ours: a hub that takes bare programs in ends one after `GAP`."""
ENDING = 0.5
"""Seconds after the last word of an exercise in which the server may close first."""
SHORT = 1000
"""Bytes that one read brings at least where a message may go on: these servers pass on at most 1,024 at once."""
LONGEST = 64 * 1024
"""Characters of a message that has no end."""
SILENT = "connected; nothing has come yet: it may wait for somebody else, or for what you type (/quit leaves)"
ASKED = "the server asks for your name"
KEPT = "names can't be changed here"


def link_maker(options: Options, clock: Any, is_pipe: bool = False) -> Callable[[Listener], HubLink]:
    """Return what makes a link to a hub, or to a server that knows none of a hub's words.

    Args:
        options: what was asked for.
        clock: the reactor's time.
        is_pipe: whether nobody is there to be asked for a name.
    """
    if not options.bare:
        return HubLink
    names = Names(options.name) if is_pipe else None
    return lambda listener: BareLink(listener, clock, options.name, options.live, names)


class BareLink(HubLink):
    """One connection: messages in and out, as the objects that a hub would send and take.

    Args:
        listener: who is told of what happens to it.
        clock: the reactor's time.
        name: how this end wants to be called.
        is_keyed: whether keys are sent as they are typed, and a newline for Enter.
        names: what else it is called where a name is asked for; None: the person is asked.
    """

    def __init__(
        self, listener: Listener, clock: Any, name: str = "", is_keyed: bool = False, names: Names | None = None
    ) -> None:
        super().__init__(listener)
        self._clock = clock
        self._exercise = Exercise(name, is_keyed)
        self._names = names
        self._keys = KeyReader(Limits()) if is_keyed else None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        """The message that is still coming."""
        self._has_lines = False
        """Whether the server has ever sent a newline."""
        self._welcome: Json = {}
        self._queue: deque[bytes] = deque()
        self._timers: dict[str, IDelayedCall] = {}
        self._is_named = self._is_asked = self._is_leaving = False
        """Whether a name was sent; whether the person is asked for one; whether this end goes when all is sent."""

    # -- what the server sends ----------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Wait for the server's first word."""
        super().connectionMade()
        self._known = True
        self._after("silence", SILENCE, self._silent)

    def _silent(self) -> None:
        self._tell({"event": "error", "code": "link", "text": SILENT})

    def dataReceived(self, data: bytes) -> None:
        """Take in messages: what one read brings is one, but for lines, and for a long one, which a silence ends."""
        self._cancel("silence")
        if self._keys:
            for piece in self._keys.read(data):
                if isinstance(piece, Typing):
                    self._tell({"event": "typed", "from": "server", "keys": piece.keys.decode()})
            return
        *lines, self._text = (self._text + self._decoder.decode(data)).split("\n")
        self._has_lines = self._has_lines or bool(lines)
        for line in lines:
            self._heard(line.removesuffix("\r"))
        if len(self._text) > LONGEST or not (self._has_lines or len(data) > SHORT):
            self._message_ends()
        elif self._text:
            self._after("message", GAP, self._message_ends)
        self._listener.heard_all()

    def _message_ends(self) -> None:
        message, self._text = self._text, ""
        self._cancel("message")
        if message:
            self._heard(message)
        self._listener.heard_all()

    def _heard(self, message: str) -> None:
        exercise = self._exercise
        if exercise.asks(message):
            self._answer_with_a_name()
        elif message:
            events = exercise.heard(message)
            self._tell(*events)
            if exercise.over:
                self._after("end", ENDING, self._end)

    def _answer_with_a_name(self) -> None:
        """Say the name that was chosen; where there is none, or it was refused, another one."""
        if self._names and (not self._exercise.name or self._is_named):
            self._exercise.name = self._names.next()
        if self._exercise.name and (self._names or not self._is_named):
            self._introduce()
            self._tell()
        else:
            self._is_asked = True
            self._tell({"event": "error", "code": "link", "text": ASKED, "asks": True})

    def _tell(self, *events: Json) -> None:
        """Tell of events, and before them of what is known of the server by now."""
        welcome = self._exercise.welcome
        if welcome != self._welcome:
            self._welcome = welcome
            self._listener.heard(self, welcome, b"")
        for event in events:
            self._listener.heard(self, event, b"")
        self._listener.heard_all()

    # -- what this end says -------------------------------------------------------------------------------------

    def send(self, verb: Json, block: bytes = b"") -> None:
        """Do what a hub would be asked for; no block comes behind it, since no welcome has offered any."""
        kind, text = verb.get("verb"), str(verb.get("text", ""))
        if kind == "say":
            for line in text.split("\n"):
                self._say(line)
        elif kind == "type" and self._keys:
            self._write(str(verb.get("keys", "")).replace("\b", "\b \b").encode(errors="replace"))
        elif kind == "nick":
            self._rename(str(verb.get("name", "")))
        elif kind == "ping":
            self._tell({"event": "pong"})
        elif kind == "quit":
            self._leave(hurries=verb.get("why") == "lost")
        elif kind not in (None, "type", "done"):
            self._tell({"event": "error", "code": "link", "text": f"this server knows no /{kind}"})

    def _say(self, line: str) -> None:
        ends = self._exercise.ends(line) and self._exercise.kind != "order"
        self._post(self._exercise.say(line))
        if ends and not self._names:
            self._leave()

    def _rename(self, name: str) -> None:
        """Answer with a name, where one is asked for: nobody can change it later."""
        if not self._is_asked:
            self._tell({"event": "error", "code": "link", "text": KEPT})
            return
        self._exercise.name, self._is_asked = name, False
        self._introduce()
        self._welcome = {}  # whoever asked for the name waits for it, also where it is the same
        self._after("named", 0, self._tell)

    def _introduce(self) -> None:
        self._is_named = True
        self._post(self._exercise.name)

    def _post(self, message: str) -> None:
        """Let a message wait for its turn; whoever says more waits as well."""
        rest = message.encode(errors="replace")
        while rest:
            piece, rest = cut(rest)
            self._queue.append(piece)
        self._drain()
        if self._queue:
            self._listener.flow(self, False)

    def _drain(self) -> None:
        if "pause" in self._timers:
            return
        if self._queue:
            self._write(self._queue.popleft())
            self._after("pause", PAUSE, self._pause_over)
        elif self._is_leaving:
            self._end()

    def _pause_over(self) -> None:
        self._cancel("pause")
        self._drain()
        if not self._queue:
            self._listener.flow(self, True)

    def _write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    # -- the end ------------------------------------------------------------------------------------------------

    def _leave(self, hurries: bool = False) -> None:
        """Go when all is said, with the word for which this server waits."""
        if self._is_leaving:
            return
        self._is_leaving = True
        if hurries:
            self._queue.clear()
        elif self._exercise.farewell and not self._exercise.over:
            self._post(self._exercise.farewell)
        self._drain()

    def _end(self) -> None:
        """Close the sending half; seed 001's server would take that for an endless message, and ends after a reset."""
        self._cancel("end")
        if self.transport is None:
            return
        if self._exercise.kind == "room":
            self._after("reset", LAST_WORD, self.abort)
        else:
            self.transport.loseWriteConnection()
        self._tell({"event": "closed", "why": "bye" if self._exercise.over else "quit"})

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell what came last; after the end of an exercise, a closed link is what was to come."""
        self._message_ends()
        if self._exercise.over:
            self._tell({"event": "closed", "why": "bye"})
        for what in tuple(self._timers):
            self._cancel(what)
        super().connectionLost(reason)

    # -- time ---------------------------------------------------------------------------------------------------

    def _after(self, what: str, seconds: float, call: Callable[[], None]) -> None:
        self._cancel(what)
        self._timers[what] = self._clock.callLater(seconds, call)

    def _cancel(self, what: str) -> None:
        timer = self._timers.pop(what, None)
        if timer and timer.active():
            timer.cancel()
