"""A connection is one link to a hub: objects in, objects out, and blocks of lines behind them.

It knows lines, blocks and JSON, and whether a hub is there at all. It does not know what the objects mean.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IHandshakeListener, ITCPTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from ..wire.lines import Body, Lines
from ..wire.numbered import Json, is_number, to_json
from ..wire.reading import json_object
from ..wire.text import NOTICE, clean, clean_text
from .failures import has_names
from .flow import Flow
from .outgoing import send_at_once

READ = 256 * 1024
"""Bytes read at once, four times what Twisted reads: what a program says at once."""


class Listener(Protocol):
    """Who is told of what happens to a connection."""

    def link_made(self, link: HubLink) -> None:
        """It is there."""

    def heard(self, link: HubLink, event: Json, block: bytes | None) -> None:
        """The hub sent `event`, and, where it isn't None, `block` behind it."""

    def heard_all(self) -> None:
        """That was all, for now."""

    def flow(self, link: HubLink, open_: bool) -> None:
        """The system takes more, or nothing for now."""

    def link_lost(self, link: HubLink, reason: Failure) -> None:
        """It is gone."""


@implementer(IHandshakeListener)
class HubLink(TwistedProtocol):
    """One connection: objects in, objects out, and blocks of lines behind them."""

    transport: Any

    def __init__(self, listener: Listener) -> None:
        self.attempt: Any = None
        """The attempt to connect."""
        self.fault = ""
        """Why it is no hub that answers."""
        self.hint = ""
        """What is wrong, where the first bytes show it, or the hub says why it hangs up."""
        self._listener = listener
        self._lines = Lines()
        self._body = Body()
        self._event: Json = {}
        """The object behind which a block is coming."""
        self.known = False
        """Whether the other side speaks the protocol."""

    def connectionMade(self) -> None:
        """Say hello."""
        self.transport.bufferSize = READ
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        flow = Flow(lambda: self._listener.flow(self, False), lambda: self._listener.flow(self, True))
        self.transport.registerProducer(flow, True)
        self._listener.link_made(self)

    def handshakeCompleted(self) -> None:
        """Refuse a certificate in which no name can be read: Twisted writes that to its log, and goes on."""
        if not has_names(self.transport.getPeerCertificate()):
            self._refuse("the hub's certificate names no host (subjectAltName); docs/running.md says how to make one")

    def send(self, verb: Json, block: bytes = b"") -> None:
        """Pass one object to the hub, and `block` behind it."""
        if self.transport is not None:
            head = to_json(verb).encode(errors="replace") + b"\n"
            send_at_once(self.transport, head, block)

    def dataReceived(self, data: bytes) -> None:
        """Take in objects, and blocks behind them, which are not looked at before they are whole."""
        at = 0
        while at < len(data) and not self.fault:
            if self._body.left:
                at = self._body.take(data, at)
                if not self._body.left:
                    self._take_block(self._body.release())
            else:
                end = data.find(b"\n", at) + 1 or len(data)
                line = self._lines.feed(data[at:end])
                if line:
                    self._take_object(line[:-1])
                at = end
        if self._lines.overlong:
            self._refuse("that is no Chatterbox hub: it sends a line without end")
        if not self.fault:
            self._listener.heard_all()

    def _take_object(self, line: bytes) -> None:
        event = json_object(line)
        if event is None:
            if not (self.known or line.startswith(NOTICE)):  # a hub took it for a plain peer: the hello came late
                said = clean_text(line.decode(errors="replace"))[:60]
                self._refuse(f"that is no Chatterbox hub: it says {said!r}")
            return
        self.known = True
        if event.get("event") == "closed":
            self.hint = clean_text(str(event.get("text", "")))
        size = event.get("bytes") if event.get("event") == "said" else None
        if size is None:
            self._listener.heard(self, event, None)
        elif is_number(size) and 0 < size <= Lines.LIMIT:
            self._event, self._body.left = event, size
        else:
            self._refuse("the hub sends a block without a size")

    def _take_block(self, block: bytes) -> None:
        if block.endswith(b"\n"):
            self._listener.heard(self, self._event, clean(block))
        else:
            self._refuse("the hub sends a block without an end")

    def _refuse(self, fault: str) -> None:
        self.fault = fault
        self.abort()

    def read(self, wanted: bool) -> None:
        """Read what comes, or don't."""
        if wanted:
            self.transport.resumeProducing()
        else:
            self.transport.pauseProducing()

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""
        if self.transport is not None:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass on the reason."""
        self.transport = None
        if not self.known and bytes(self._lines.tail).startswith(b"\x15\x03"):
            self.hint = "it speaks TLS: try tls:HOST:PORT"
        self._listener.link_lost(self, reason)
