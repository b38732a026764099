"""To leave lines is to give them to the hub, as a plain peer does, for whoever comes soon: nobody has heard them then.

It knows the one link that this takes, and nothing of sessions.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from ...wire.lines import Lines
from ...wire.reading import json_object
from ...wire.text import clean, clean_text
from ..api import Ended
from ..failures import failure_text
from ..options import BROKEN, CLEAN, LOST, REFUSED
from ..shots import Shot
from ..unnumbered import portions

KEPT = 60.0
"""Seconds for which a hub keeps at least what a plain peer said who is gone: systems keep its closed link so long."""


async def leave_lines(reactor: Any, shot: Shot, tell: Callable[[str], None]) -> int:
    """Leave the lines at the hub; return the exit status."""
    text = sys.stdin.buffer.read() if shot.text is None else shot.text.encode(errors="replace")
    leaving = _Leaving(shot, clean(text.rstrip(b"\n") + b"\n"))
    try:
        await shot.options.endpoint(reactor).connect(Factory.forProtocol(lambda: leaving))
    except Exception:
        raise Ended(LOST, f"cannot reach {shot.options.hub}: {failure_text(Failure())}") from None
    patience = reactor.callLater(shot.options.wait or 0.0, leaving.give_up)
    try:
        others = await leaving.taken
    finally:
        if patience.active():
            patience.cancel()
    if leaving.fault:
        raise Ended(BROKEN, f"not everything was taken: {clean_text(leaving.fault)}")
    until = time.strftime("%H:%M", time.localtime(time.time() + KEPT))
    if not (others or leaving.is_kept):
        raise Ended(BROKEN, "not delivered: nobody is there, and this hub keeps no lines")
    kept = f"kept until {until}, unless the hub ends before; nobody has heard it yet"
    tell(f"chatterbox: handed to {', '.join(others)}" if others else kept)
    return CLEAN


class _Leaving(Protocol):
    """The link: it says its lines, then asks who is here, and the answer says that the hub has them."""

    transport: Any

    def __init__(self, shot: Shot, block: bytes) -> None:
        self.taken: Deferred[list[str]] = Deferred()
        """Fires with the names of the others who were there."""
        self.is_kept = False
        """Whether the hub keeps what is said to nobody: where two meet it does, and in a larger room it doesn't."""
        self.fault = ""
        """Why the hub hasn't taken a line."""
        self._options = shot.options
        self._block = block
        self._lines = Lines()
        self._name = self._closed = ""

    def give_up(self) -> None:
        """It takes too long: a hub that keeps enough reads no more of it. Of what it has nothing is kept either."""
        if self.transport:
            self.fault = "the hub keeps no more"
            self.transport.abortConnection()

    def connectionMade(self) -> None:
        """Say all of it."""
        wishes = {"room": self._options.room, "name": self._options.name}
        self._send({"chatterbox": 1, "listens": False} | {key: wish for key, wish in wishes.items() if wish})

    def _send(self, verb: dict[str, object]) -> None:
        assert self.transport
        self.transport.write(json.dumps(verb, ensure_ascii=False).encode() + b"\n")

    def dataReceived(self, data: bytes) -> None:
        """Take in what the hub says."""
        for line in self._lines.feed(data).split(b"\n")[:-1]:
            event = json_object(line) or {}
            kind = event.get("event")
            if kind == "welcome":
                self._name = str(event.get("name"))
                self.is_kept = event.get("seats") == 2
                for text in portions(self._block):
                    self._send({"verb": "say", "text": text})
                self._send({"verb": "done"})
                self._send({"verb": "who"})
            elif kind == "error" and event.get("code") == "long":
                self.fault = str(event.get("text"))
            elif kind == "here":
                self._end(event.get("names"))
            elif kind == "closed":
                self._closed = f"closed ({event.get('why')}): {event.get('text')}"

    def _end(self, names: object) -> None:
        others = [clean_text(str(name)) for name in names if name != self._name] if isinstance(names, list) else []
        taken, self.taken = self.taken, Deferred()
        assert self.transport
        self.transport.loseConnection()
        taken.callback(others)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell that the hub has not taken it."""
        if self.fault:
            self.taken.errback(Ended(BROKEN, f"perhaps not delivered: {self.fault}"))
        elif self._closed:
            self.taken.errback(Ended(REFUSED, clean_text(self._closed)))
        elif self._name or not reason.check(ConnectionDone):
            self.taken.errback(Ended(LOST, f"the link to {self._options.hub} is lost: {failure_text(reason)}"))
        else:
            self.taken.errback(Ended(LOST, f"cannot reach {self._options.hub}: {failure_text(reason)}"))
        self.taken.addErrback(lambda _: None)
