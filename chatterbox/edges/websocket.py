"""The WebSocket edge hands what a browser sends to a connection: one text frame is one line of JSON.

It stands on the sans-I/O half of `websockets` and behind the TCP edge, which hands it every connection that begins as
HTTP. It knows frames, and by `page` which requests are answered. It does not know what a line means, or who hears it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from websockets.exceptions import PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Head
from websockets.protocol import SERVER, Protocol, State
from websockets.server import ServerProtocol

from ..connections.admission import Admission
from ..connections.connection import Connection
from ..connections.outlet import LinkState
from ..wire.lines import Lines
from ..wire.reading import hello
from .framing import Framing
from .page import Answer, Gate, Page, Request, refusal, the_page

MAX_HEAD = 8 * 1024
"""Bytes of a request's first line and headers: what other servers allow, and more than browsers send."""
HEAD_PATIENCE = 10.0
"""Seconds in which they must have come (Slowloris sends a byte now and then)."""
MAX_FRAGMENTS = 64
"""Frames of one message: empty ones cost no bytes, and cost time (GHSA-96hv-2xvq-fx4p). Browsers send one to three."""
SLICE = 512
"""Bytes parsed before the frames are counted."""
FRAMES_A_TURN = 64
"""Frames of one browser parsed before everybody else has a turn (about 1 ms; 64 KiB may have 10,000)."""
SPARE_PATIENCE = 60.0
"""Seconds in which something has to be said on a connection that may be a browser's: Chromium keeps one for minutes."""
MOST_VISITORS = 1000
"""Machines of which it is remembered that they have browsers."""

NORMAL, GOING_AWAY, NO_TEXT, POLICY, TOO_BIG, TRY_LATER = 1000, 1001, 1003, 1008, 1009, 1013
"""Close codes (RFC 6455, section 7.4.1, and the IANA registry)."""
CODES = {"quit": NORMAL, "bye": NORMAL, "shutdown": GOING_AWAY, "ended": GOING_AWAY, "full": TRY_LATER}
"""The code for each word for which the hub hangs up; every other word is a matter of policy."""


class Web:
    """What all browsers of one hub share.

    Args:
        admission: who may come in.
        names: the names, beside `localhost` and IP literals, under which browsers may reach this hub.
        page: what they are shown.
    """

    def __init__(self, admission: Admission, names: Iterable[str] = (), page: Page | None = None) -> None:
        self.admission = admission
        self.gate = Gate(names)
        self.page = page or the_page()
        self.framing = Framing()
        self._visitors: dict[str, None] = {}
        """Machines that have asked for something, in the order of their last request."""

    def visited(self, transport: Any, connection: Connection, link_state: Callable[[], LinkState]) -> Visit:
        """Take over a connection that begins as HTTP."""
        host = connection.peer.address.host
        self._visitors.pop(host, None)
        self._visitors[host] = None
        if len(self._visitors) > MOST_VISITORS:
            del self._visitors[next(iter(self._visitors))]
        return Visit(self, transport, connection, link_state)

    def spare_patience(self, host: str) -> float:
        """Return for how many seconds a silent connection from `host` may be one that a browser has opened to spare.

        Chromium opens two for each page and says something on one of them, now and then long before it asks for the
        page; and it takes every word that comes before its request for a broken answer.
        """
        return SPARE_PATIENCE if host in self._visitors else 0.0


class Visit:
    """One browser's connection. Towards the hub it is a transport of JSON lines.

    Args:
        web: what it shares with the others.
        transport: what carries its bytes.
        connection: what it was taken for until now.
        link_state: returns what the system knows of the link.
    """

    __slots__ = (
        "_code",
        "_fragments",
        "_has_greeted",
        "_lines",
        "_messages",
        "_pong",
        "_protocol",
        "_raw",
        "_reads",
        "_received",
        "_room",
        "_take",
        "_text",
        "_web",
        "connection",
    )

    def __init__(self, web: Web, transport: Any, connection: Connection, link_state: Callable[[], LinkState]) -> None:
        self._web = web
        self._raw = transport
        self._received = bytearray()
        """What has come, and isn't parsed yet."""
        self._reads = True
        """Whether the hub takes what comes."""
        self._lines = Lines()
        self._text = bytearray()
        self._messages: list[bytes] = []
        """Whole ones of this turn, as lines."""
        self._fragments = 0
        """Frames of the message that is coming."""
        self._room = ""
        self._has_greeted = False
        self._pong: list[bytes] = []
        """The answer to the last ping, while the other end takes nothing."""
        self._code = 0
        """The code that it is closed with, where the hub's word doesn't tell."""
        self._protocol = Protocol(SERVER, state=State.CONNECTING)
        self._take = self._take_head
        self.connection = web.admission.replace(connection, self, link_state)
        self.connection.timers.after("head", HEAD_PATIENCE, self._head_is_late)

    # -- what the TCP edge tells -------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take what came over the link."""
        self._received += data
        self._take()

    def finish(self) -> None:
        """Close: a browser that has closed its sending half is gone, or has its answer."""
        self._raw.unregisterProducer()
        self._raw.loseConnection()
        self.connection.timers.after("abort", self._web.admission.hub.limits.close_patience, self.abortConnection)

    # -- HTTP --------------------------------------------------------------------------------------------------

    def _take_head(self) -> None:
        """Wait for the end of the request's head, and answer it."""
        end = self._received.find(b"\r\n\r\n", 0, MAX_HEAD) + 4
        if end >= 4:
            head = bytes(self._received[:end])
            del self._received[:end]
            self._judge(head)
        elif len(self._received) >= MAX_HEAD:
            text = f"The headers of a request have at most {MAX_HEAD} bytes."
            self._answer(refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, text), "flood")
        elif b"\n\n" in self._received:
            self._answer(refusal(HTTPStatus.BAD_REQUEST, "A line of HTTP ends with CR LF."))

    def _head_is_late(self) -> None:
        self._answer(refusal(HTTPStatus.REQUEST_TIMEOUT, "The request took too long."), "idle")

    def _judge(self, head: bytes) -> None:
        """Let the gate judge a request, and do what it asks for."""
        self._web.admission.is_ready(self.connection)
        method, path, version = head.split(b"\r\n", 1)[0].decode(errors="replace").split(" ", 2)
        handshake = ServerProtocol()
        if method == "GET":
            handshake.receive_data(head)
        request = next((event for event in handshake.events_received() if isinstance(event, Head)), None)
        headers: dict[str, list[str]] = {}
        for name, value in request.headers.raw_items() if request else ():
            headers.setdefault(name.casefold(), []).append(value)
        asked = self._web.gate.judge(method, path, version, headers)
        if isinstance(asked, Answer):
            self._answer(asked)
        elif request and "upgrade" in headers:
            self._upgrade(handshake, request, asked)
        else:
            self._answer(self._web.page.answer(asked), "quit")

    def _answer(self, answer: Answer, word: str = "kicked") -> None:
        """Answer a request, and hang up."""
        self._raw.write(answer.serialize())
        self._hang_up(word)

    # -- what comes, in frames ---------------------------------------------------------------------------------

    def _upgrade(self, handshake: ServerProtocol, head: Head, asked: Request) -> None:
        """Shake hands; from then on frames come. No extension is taken: compression costs memory, and leaks lengths.

        Frames have a protocol of their own, since the handshake's keeps the head: 2 KiB for each browser.
        """
        handshake.send_response(handshake.accept(head))
        self._raw.write(b"".join(handshake.data_to_send()))
        timers = self.connection.timers
        timers.cancel("head")
        if handshake.state is not State.OPEN:
            self._hang_up("kicked")
            return
        self._protocol = Protocol(SERVER, state=State.OPEN, max_size=self._web.admission.hub.limits.max_session_json)
        self._room = asked.room
        self._take = self._take_frames
        timers.after("hello", self._web.admission.hub.limits.join_patience, self._hello_is_late)
        self._take_frames()

    def _take_frames(self) -> None:
        """Take what has come, as far as this turn goes; the rest waits, and reading with it."""
        self._parse_some()
        self._hand_on()

    def _hand_on(self) -> None:
        """Hand on the messages of this turn at once, so that they have one share of it together."""
        messages, self._messages = b"".join(self._messages), []
        if messages and not self.connection.peer.gone:
            self.connection.receive(messages)

    def _parse_some(self) -> None:
        """Parse some frames; where more have come, the others wait for the next turn."""
        frames = 0
        while self._received and self._reads and not self.connection.peer.gone:
            if frames >= FRAMES_A_TURN:
                self._raw.pauseProducing()
                self.connection.timers.after("frames", 0, self._go_on)
                return
            data = bytes(self._received[:SLICE])
            del self._received[:SLICE]
            frames += self._parse(data)

    def _go_on(self) -> None:
        self._take_frames()
        if self._reads and not self._received and not self.connection.peer.gone:
            self._raw.resumeProducing()

    def _parse(self, data: bytes) -> int:
        """Parse `data`; return how many frames it completes."""
        self._protocol.receive_data(data)
        events = self._protocol.events_received()
        for frame in events:
            if isinstance(frame, Frame) and not self.connection.peer.gone:
                self._take_frame(frame)
        fault = self._protocol.parser_exc
        if self.connection.peer.gone:
            return len(events)
        if isinstance(fault, PayloadTooBig):
            self._too_big()
        elif fault:
            self._end("kicked", "that was no WebSocket frame")
        elif self._protocol.state is State.OPEN:
            self._write_controls()
        return len(events)

    def _take_frame(self, frame: Frame) -> None:
        """Take one frame; control frames may come between the frames of a message, and are answered already."""
        if frame.opcode is Opcode.CLOSE:
            self._hand_on()
            self._raw.write(b"".join(self._protocol.data_to_send()))
            self.finish()
        elif frame.opcode is Opcode.BINARY:
            self._code = NO_TEXT
            self._end("kicked", "a message is text")
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._text += frame.data
            self._fragments += 1
            if self._fragments > MAX_FRAGMENTS:
                self._end("flood", f"a message has at most {MAX_FRAGMENTS} frames")
            elif len(self._text) > self.connection.max_unended:
                self._too_big()
            elif frame.fin:
                self._take_message()

    def _too_big(self) -> None:
        """A session says many lines at once, anybody else one: what may come is what may come over TCP."""
        self._end("flood", f"a message has at most {self.connection.max_unended} bytes")

    def _take_message(self) -> None:
        """Hand on a whole message as one line."""
        message = bytes(self._text).replace(b"\n", b" ")
        self._text.clear()
        self._fragments = 0
        try:
            message.decode()
        except UnicodeDecodeError:
            self._code = 1007
            self._end("kicked", "a message is UTF-8")
            return
        is_hello = not self._has_greeted
        if is_hello:
            message = self._greet(message)
        if message:
            self._messages.append(message + b"\n")
        if is_hello:  # how much may come next depends on it
            self._hand_on()

    def _greet(self, message: bytes) -> bytes:
        """Return the hello, which names the room where the path does; whoever says anything else is sent away."""
        sent = hello(message)
        if sent is None:
            self._end("kicked", 'the first message is a hello: {"chatterbox": 1}')
            return b""
        self._has_greeted = True
        self.connection.timers.cancel("hello")
        self._web.admission.greet(self.connection)
        if "blocks" in sent:  # a frame is one object, and nothing comes behind it
            message = json.dumps(sent := {**sent, "blocks": False}).encode()
        if self._room and "room" not in sent:
            message = json.dumps({**sent, "room": self._room}).encode()
        return message

    def _hello_is_late(self) -> None:
        self._end("idle", f"no hello within {self._web.admission.hub.limits.join_patience:.0f} s")

    # -- a transport, towards the hub --------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send lines, one a frame; a line that isn't whole yet waits for its end."""
        whole = data.endswith(b"\n") and not self._lines.tail  # as nearly always, and for a thousand in one turn
        lines = data if whole else self._lines.feed(data)
        protocol = self._protocol
        if protocol.state is State.OPEN or protocol.parser_exc:  # its own close frame is still held back
            frames = self._web.framing.of(lines)
            if self._pong:
                frames, self._pong = b"".join([*self._pong, frames]), []
            self._raw.write(frames)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send all of `data`, as if it were one."""
        self.write(b"".join(data))

    def _write_controls(self) -> None:
        """Send what the protocol itself has to say; to who reads nothing, the answer to its last ping only."""
        pongs = self._protocol.data_to_send()
        if self.connection.outlet.paused:
            self._pong = pongs[-1:] or self._pong
        elif pongs:
            self._raw.write(b"".join(pongs))

    def unregisterProducer(self) -> None:
        """Nobody waits for this transport to take more."""
        self._raw.unregisterProducer()

    def loseConnection(self) -> None:
        """Close with the code for the hub's word, when everything written is sent."""
        why = self.connection.peer.gone
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(self._code or CODES.get(why, TOO_BIG if why == "flood" else POLICY), why)
        if self._take == self._take_frames:
            self._raw.write(b"".join(self._protocol.data_to_send()))
        self._raw.loseConnection()

    def abortConnection(self) -> None:
        """Close at once."""
        self._raw.abortConnection()

    def pauseProducing(self) -> None:
        """Stop reading."""
        self._reads = False
        self._raw.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on reading, when what has come is parsed."""
        self._reads = True
        if self._received and self._take == self._take_frames and not self.connection.peer.gone:
            self.connection.timers.after("frames", 0, self._go_on)
        else:
            self._raw.resumeProducing()

    def _end(self, word: str, text: str) -> None:
        """Hang up with a word and a sentence; what was said before is said."""
        self._hand_on()
        self.connection.peer.end(word, text)

    def _hang_up(self, word: str) -> None:
        """Hang up on who was answered in HTTP already."""
        self.connection.peer.leave(word)
        self.connection.close(b"")
