"""An arrival is a peer that is in no room yet: it lands, and where the mode asks for names it is asked for one.

It eats the first lines of a connection and is forgotten when the peer sits down. It does not know what comes after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.commands import obey, take_name
from ..wire.dialects import Event
from ..wire.reading import hello
from ..wire.text import clean, clean_text, name_fault
from ..wire.verbs import Command, Fault

if TYPE_CHECKING:
    from ..core.peer import Peer

_PREAMBLE = ("join", "nick")
"""The commands that take effect before a peer is seated, and are answered only if refused."""


class Arrival:
    """One peer's way to its seat."""

    __slots__ = ("_bad_names", "_bytes", "_has_room", "_lines", "_peer", "is_asked")

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._lines = self._bytes = self._bad_names = 0
        self._has_room = False
        """Whether it said where it wants to be; then landing ends with what came so far."""
        self.is_asked = False
        """Whether landing is over, and a name is awaited."""

    def eat(self, received: bytes) -> bytes:
        """Eat the first line of `received`, or what of it is no line; return what is left for later."""
        line, newline, rest = received.partition(b"\n")
        self._lines += 1
        self._bytes += len(line) + 1
        limits = self._peer.hub.limits
        if self._lines > limits.join_lines or (self.is_asked and self._bytes > limits.join_bytes):
            self._peer.end("idle", "that was much, and no room joined")
            return b""
        if self.is_asked:
            self._answer(line.removesuffix(b"\r"))
            return rest
        if not newline or not self._land(line):
            return self._settle(received)
        if not rest and self._has_room:
            self.settle()
        return rest

    def _land(self, line: bytes) -> bool:
        """Return whether `line` says how or where this peer wants to be heard; the first one decides the dialect."""
        peer = self._peer
        sent = hello(line) if self._lines == 1 else None
        if sent is not None:
            self._greeted(sent)
            return True
        for piece in peer.hub.text_reader.read(line + b"\n"):
            if isinstance(piece, Command) and piece.verb in _PREAMBLE and piece.args:
                self._has_room = self._has_room or piece.verb == "join"
                obey(peer, piece)
                return True
        return False

    def _greeted(self, sent: dict[str, object]) -> None:
        """A peer whose first line is a JSON object with a "chatterbox" key gets a welcome (design, section 5)."""
        peer = self._peer
        peer.speak_json()
        for verb, key in (("join", "room"), ("nick", "name")):
            if key in sent and not peer.gone:
                obey(peer, Command(verb, (clean_text(str(sent[key])),)))
        self.settle()

    def _settle(self, received: bytes) -> bytes:
        """Landing ends with the first line that is conversation, and that is neither eaten here nor counted."""
        self._lines = self._bytes = 0
        self.settle(is_answered=bool(received))
        return received

    def settle(self, is_answered: bool = False) -> None:
        """Landing is over: ask for a name where the mode does, unless the answer is here already; else sit down."""
        peer = self._peer
        peer.hub.never(peer, "landing")
        if peer.gone or peer.room or self.is_asked:
            return
        if not peer.hub.mode.asks_name or peer.wanted:
            peer.hub.seat(peer)
            return
        self.is_asked = True
        if not is_answered:
            self._ask("")

    def _ask(self, fault: str) -> None:
        text = f"{fault}; which name do you take?" if fault else "which name do you take?"
        self._peer.tell(Event("error", {"code": "name", "text": text}))

    def _answer(self, line: bytes) -> None:
        """The next line of a peer that was asked is its name; the third bad one ends it (seeds.md, 001-6)."""
        peer = self._peer
        for piece in peer.reader.read(line + b"\n"):
            if isinstance(piece, Command) and piece.verb in ("quit", "join"):
                obey(peer, piece)
            elif isinstance(piece, Fault):
                peer.refuse(*piece)
            elif isinstance(piece, Command) and piece.verb == "nick":
                self._take(piece.args[0] if piece.args else "", "")
            else:
                self._take(line.decode(errors="replace"), _control_fault(line))
        if peer.wanted and not peer.gone:
            peer.hub.seat(peer)

    def _take(self, name: str, fault: str) -> None:
        peer = self._peer
        fault = fault or name_fault(name, peer.hub.limits.max_name) or take_name(peer, name)
        if not fault:
            return
        self._bad_names += 1
        if self._bad_names >= peer.hub.limits.bad_names:
            peer.end("kicked", f"{fault}; that was the last try")
        else:
            self._ask(fault)


def _control_fault(line: bytes) -> str:
    return "control characters make no name" if clean(line) != line else ""
