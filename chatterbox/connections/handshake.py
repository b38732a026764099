"""A handshake is the way from a connection's first byte to its seat: who it is, and where it wants to be.

It takes the first lines of a connection, asks for a name where the mode does, and is over when the peer has its seat.
It does not know what comes after.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..core.commands import obey, take_name
from ..core.hub import Hub
from ..core.peer import Peer
from ..wire.dialects import QUESTION, Message
from ..wire.names import read_name
from ..wire.numbered import Json
from ..wire.reading import Reader, hello, json_object, may_be_hello
from ..wire.text import clean, clean_text
from ..wire.verbs import Command, Fault, Piece
from .inlet import Inlet
from .outlet import LinkState, Outlet
from .timers import Timers

LATE = 3.0
"""Seconds for which a hello may be on its way behind a lost packet, which is sent again after 0.2, 0.6 and 1.4 s."""
_PREAMBLE = ("join", "nick")
"""The commands that take effect before a peer is seated, and are answered only if refused."""


class Newcomer(Protocol):
    """What a handshake needs of its connection."""

    peer: Peer
    inlet: Inlet
    outlet: Outlet
    timers: Timers
    reader: Reader

    def open_session(self, sent: Json) -> bool:
        """Be the link of a session, if this hub has any."""

    def wait_no_more(self) -> None:
        """Take it that the other end has said what it wants."""

    def speak_json(self) -> None:
        """Take and write one object a line from now on."""

    def take_seat(self) -> None:
        """Ask the hub for the seat that the peer wants."""


class Handshake:
    """One connection's way to its seat.

    Args:
        hub: whose rooms it comes to.
        newcomer: whose first lines these are.
        text: reads commands of the text dialect, whatever the dialect will be.
    """

    __slots__ = ("_bad_names", "_bytes", "_has_room", "_hub", "_lines", "_newcomer", "_text", "is_asked")

    def __init__(self, hub: Hub, newcomer: Newcomer, text: Reader) -> None:
        self._hub = hub
        self._newcomer = newcomer
        self._text = text
        self._lines = self._bytes = self._bad_names = 0
        self._has_room = False
        """Whether it said where it wants to be; then its first packet ends the waiting."""
        self.is_asked = False
        """Whether a name is awaited."""

    def take(self, received: bytes) -> tuple[Piece, ...]:
        """Take the first line of `received` if it belongs to the handshake; put back what is left for later."""
        line, newline, rest = received.partition(b"\n")
        self._lines += 1
        self._bytes += len(line) + 1
        limits, peer = self._hub.limits, self._newcomer.peer
        if self._lines > limits.join_lines or (self.is_asked and self._bytes > limits.join_bytes):
            peer.end("idle", "that was much, and no room joined")
        elif self.is_asked:
            self._newcomer.inlet.unread(rest)
            self._answer(line.removesuffix(b"\r"))
        elif newline and self._says_how_or_where(line):
            if rest:
                self._newcomer.inlet.unread(rest)
            elif self._has_room:
                self.settle()
        elif self._lines == 1 and _is_torn(line):
            self._newcomer.speak_json()
            peer.end("lost", "that is the beginning of a hello")
        else:
            self._newcomer.inlet.unread(received)
            self._lines = self._bytes = 0
            self.settle(is_answered=True)
        return ()

    def over(self) -> None:
        """The peer sits; where no line has come yet, a hello may still be on its way."""
        if not (self._lines or self._newcomer.peer.session):
            self._newcomer.inlet.step = self._take_late
            self._newcomer.timers.after("late", LATE, lambda: None)

    def _take_late(self, received: bytes) -> Iterable[Piece]:
        """Take what comes first of a peer that sits: a hello is no line, and nobody is to hear it.

        What was said until then it has heard in a dialect that it can't read, and its speakers are told so.
        """
        newcomer = self._newcomer
        newcomer.inlet.step = newcomer.reader.read
        line = received.partition(b"\n")[0]
        if hello(line) is None and not _is_torn(line):
            return newcomer.reader.read(received)
        newcomer.outlet.link_state = lambda: LinkState(newcomer.outlet.written)
        newcomer.speak_json()
        newcomer.peer.end("lost", "the hello came late: it is the first line, and is sent at once")
        return ()

    def give_up(self) -> None:
        """Wait no longer for a name."""
        self._newcomer.peer.end("idle", f"no name within {self._hub.limits.join_patience:.0f} s")

    def _says_how_or_where(self, line: bytes) -> bool:
        """Return whether `line` says how or where this peer wants to be heard; the first one decides the dialect."""
        sent = hello(line) if self._lines == 1 else None
        if sent is not None:
            self._greet(sent)
            return True
        for piece in self._text.read(line + b"\n"):
            if isinstance(piece, Command) and piece.verb in _PREAMBLE and piece.args:
                self._has_room = self._has_room or piece.verb == "join"
                obey(self._hub, self._newcomer.peer, piece)
                return True
        return False

    def _greet(self, sent: dict[str, object]) -> None:
        """Take a hello: an object with a "chatterbox" key as the first line (docs/protocol.md, section 3)."""
        peer = self._newcomer.peer
        self._newcomer.wait_no_more()
        if "session" in sent and self._newcomer.open_session(sent):
            return
        self._newcomer.speak_json()
        peer.listens = sent.get("listens") is not False
        for verb, key in (("join", "room"), ("nick", "name")):
            value = sent.get(key, "")
            if not isinstance(value, str):
                peer.refuse("verb", f"{key} in the hello is no string")
            elif key in sent and not peer.gone:
                obey(self._hub, peer, Command(verb, (clean_text(value),)))
        self.settle()

    def settle(self, is_answered: bool = False) -> None:
        """End the waiting: ask for a name where the mode does, unless the answer is here already; else sit down."""
        peer = self._newcomer.peer
        self._newcomer.wait_no_more()
        if peer.gone or peer.room or peer.search or self.is_asked:
            return
        if not self._hub.mode.asks_name or peer.wanted_name:
            self._newcomer.take_seat()
            return
        self.is_asked = True
        if not is_answered:
            self._ask("")

    def _ask(self, fault: str) -> None:
        text = f"{fault}; {QUESTION}" if fault else QUESTION
        self._newcomer.peer.tell(Message("error", {"code": "name", "text": text}))

    def _answer(self, line: bytes) -> None:
        """The next line of a peer that was asked is its name; the third bad one ends it (seeds.md, 001-6)."""
        peer = self._newcomer.peer
        for piece in self._newcomer.reader.read(line + b"\n"):
            if isinstance(piece, Command) and piece.verb in ("quit", "join"):
                obey(self._hub, peer, piece)
            elif isinstance(piece, Fault):
                peer.refuse(*piece)
            elif isinstance(piece, Command) and piece.verb == "nick":
                self._take_name(piece.args[0] if piece.args else "", "")
            else:
                self._take_name(line.decode(errors="replace"), _control_fault(line))
        if peer.wanted_name and not peer.gone:
            self._newcomer.take_seat()

    def _take_name(self, name: str, fault: str) -> None:
        peer, limits = self._newcomer.peer, self._hub.limits
        name, bad = read_name(name, limits.max_name)
        fault = fault or bad or take_name(self._hub, peer, name)
        if not fault:
            return
        self._bad_names += 1
        if self._bad_names >= limits.bad_names:
            peer.end("kicked", f"{fault}; that was the last try")
        else:
            self._ask(fault)


def _is_torn(line: bytes) -> bool:
    """Return whether a first line is a part of a hello, however it is spelled: there may be a secret in it."""
    is_part = may_be_hello(line) and (b'"chatterbox"' in line or b'"session"' in line)
    return is_part and json_object(line) is None


def _control_fault(line: bytes) -> str:
    return "control characters make no name" if clean(line) != line else ""
