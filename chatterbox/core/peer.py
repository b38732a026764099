"""A peer is one end of a conversation: it has a name, says lines, hears lines, and can be hung up on.

It arrives, takes a seat, talks, and ends. A peer does not know what carries its bytes, nor who else hears them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from ..connections.bare import LAST_WORD, Pacer
from ..connections.handshake import Arrival
from ..connections.inlet import Inlet
from ..connections.outlet import Outlet, Transport
from ..limits import Throttle
from ..wire.dialects import Dialect, Event
from ..wire.keys import KeyReader
from ..wire.lines import first_lines
from ..wire.reading import Reader
from ..wire.verbs import Command, Fault, Piece, Typing
from .commands import obey
from .events import Began, Finished, Said, Typed
from .room import Room

if TYPE_CHECKING:
    from .hub import Hub

LOBBY = "lobby"
PUMPING = 16 * 1024
"""Bytes of a block that no fingers type."""
PASTED = 256
"""Keys of a draft that are worth a turn: each is looked at, and 4,000 take half a millisecond."""


class Delayed(Protocol):
    """A call that is to come, as `reactor.callLater` returns it."""

    def cancel(self) -> None:
        """Don't."""


class Peer:
    """One end, from its first byte to its last.

    Args:
        hub: the one object that an edge holds.
        transport: what carries the bytes.
        address: host and port of the other end; ("", 0) where there is none.
        taken: bytes that the other machine has acknowledged so far, where the system can tell.
    """

    __slots__ = (
        "_arrival",
        "_keys",
        "_taken",
        "_throttle",
        "address",
        "dialect",
        "finished",
        "goal",
        "gone",
        "hub",
        "inlet",
        "name",
        "outlet",
        "pumps",
        "reader",
        "room",
        "wanted",
    )

    def __init__(
        self, hub: Hub, transport: Transport, address: tuple[str, int] = ("", 0), taken: Callable[[], int] = int
    ) -> None:
        self.hub = hub
        self.address = address
        self.inlet = Inlet(self, transport, hub.limits.pieces_a_turn)
        self.outlet = self._make_outlet(transport)
        self.dialect: Dialect = hub.bare_text if hub.bare else hub.text
        self.reader: Reader = hub.text_reader
        if hub.mode.rule == "talk":
            self.dialect, self.reader = hub.keys, KeyReader(hub.limits, hub.mode.farewell)
        self.name = ""
        self.wanted = ""
        """The name it asked for."""
        self.goal = LOBBY
        """The room it wants to be in."""
        self.room: Room | None = None
        self.finished = False
        self.pumps = False
        self.gone = ""
        """The word of the closed set for which it ended."""
        self._taken = taken
        self._arrival: Arrival | None = Arrival(self)
        self._keys: KeyReader | None = None
        """What makes keys of a draft that it shows (JSON's `type`)."""
        rate = hub.limits.rate
        self._throttle = Throttle(rate, hub.limits.burst) if rate else None

    def _make_outlet(self, transport: Transport) -> Outlet:
        limits = self.hub.limits
        bound = limits.max_pair_queue if self.hub.mode.seats == 2 else limits.max_queue
        if self.hub.bare and self.hub.mode.rule != "talk":
            return Pacer(self, transport, limits.high_water, bound, self.hub.later)
        return Outlet(self, transport, limits.high_water, bound)

    # -- what an edge tells ----------------------------------------------------------------------------------

    def say(self, block: bytes) -> None:
        """The other end sent `block`: whole lines, as they were received."""
        if not (self.gone or self.finished or self.inlet.ending):
            self.inlet.receive(block)

    @property
    def types(self) -> bool:
        """Whether what it sends is keys as they are typed, and not lines."""
        return self.dialect is self.hub.keys

    @property
    def is_bare(self) -> bool:
        """Whether it is taken for a program that knows no newline."""
        return self.dialect is self.hub.bare_text

    def begin(self) -> None:
        """The first bytes of a bare peer's message have come."""
        if self.room:
            self.room.apply(Began(self))

    def speak_lines(self) -> None:
        """A bare peer has sent a newline: the first one locks it to lines (seeds, `--bare`, 1)."""
        if isinstance(self.outlet, Pacer) and self.is_bare:
            self.hub.never(self, "silence")
            self.outlet.speak_lines()
            self.dialect = self.hub.text

    def speak_json(self) -> None:
        """The first line was a hello: from now on every line is an object, both ways."""
        self.speak_lines()
        self.dialect, self.reader = self.hub.json, self.hub.json_reader

    def finish(self) -> None:
        """The other end has closed its sending half, after its last line."""
        self.inlet.end()

    def say_no_more(self) -> None:
        """The other end says that it has finished; what came behind that word is nobody's."""
        self.inlet.discard()
        self.inlet.end()

    def lost(self, why: str) -> None:
        """The connection is gone; what it said before that is said."""
        if why == "quit":
            self._throttle = None  # there is nobody left to slow
            self.inlet.drain()
        self._depart(why)
        self.outlet.discard()
        self.hub.forget(self)

    @property
    def max_unended(self) -> int:
        """Bytes that may come without a newline: few from a peer who is asked for its name."""
        limits = self.hub.limits
        return limits.join_bytes if self._arrival and self._arrival.is_asked else limits.flood

    # -- what a room asks ------------------------------------------------------------------------------------

    @property
    def backed_up(self) -> bool:
        """Whether bytes wait for it."""
        return self.outlet.paused

    @property
    def full(self) -> bool:
        """Whether more waits for it than should."""
        return self.outlet.full

    def hear(self, data: bytes) -> None:
        """Deliver bytes in its dialect."""
        if data and not self.gone:
            self.outlet.write(data)

    def tell(self, event: Event) -> None:
        """Deliver an event."""
        self.hear(self.dialect.event(event))

    def refuse(self, code: str, text: str) -> None:
        """Say why something can't be done; nothing else happens."""
        self.tell(Event("error", {"code": code, "text": text}))

    def hold(self) -> None:
        """Stop reading, on behalf of the room."""
        self.inlet.hold("room")

    def release(self) -> None:
        """Go on reading, on behalf of the room."""
        self.inlet.release("room")

    def wait(self) -> None:
        """Stop reading for the blink in which a hearer who is alive catches up."""
        self.inlet.hold_for("wait", self.hub.limits.landing)

    def end(self, why: str, text: str = "") -> None:
        """Hang up, for one word of the closed set; `text` is the sentence that is spoken before."""
        if self.gone:
            return
        last_words = self.dialect.event(Event("closed", {"why": why, "text": text})) if text else b""
        if self.is_bare and self.room:
            last_words += self.hub.mode.last_word.encode()
        was_held = self.inlet.held
        self._depart(why)
        if last_words:
            self.outlet.write(last_words)
        if was_held:
            self.inlet.read_on()
        patience = self.hub.limits.close_patience
        if isinstance(self.outlet, Pacer) and self.is_bare:
            patience = min(self.outlet.seconds_left + LAST_WORD, patience)
        else:
            self.outlet.close()
        self.after("abort", patience, self.cut)

    def cut(self) -> None:
        """Close the connection at once; StandardIO knows no such thing, and closes."""
        transport = self.outlet.transport
        getattr(transport, "abortConnection", transport.loseConnection)()

    # -- what its inlet asks (inlet.Owner) -------------------------------------------------------------------

    @property
    def arriving(self) -> bool:
        """Whether it has no seat yet."""
        return self._arrival is not None

    def eat(self, received: bytes) -> bytes:
        """Take the first line of what was sent before it had a seat; return the rest."""
        return self._arrival.eat(received) if self._arrival else received

    def read(self, block: bytes) -> Iterator[Piece]:
        """Return the pieces that `block` is made of, in its dialect."""
        self.pumps = len(block) >= PUMPING
        return iter(self.reader.read(block))

    def handle(self, piece: Piece) -> None:
        """What is said goes to the room, commands are obeyed, faults are answered."""
        if isinstance(piece, bytes):
            self._say(self._portion(piece))
        elif isinstance(piece, Typing):
            self._show(piece)
        else:
            self._ask(piece)

    def said_all(self) -> None:
        """The other end has closed its sending half, and all that it sent is handled."""
        self.settle()
        if self.room:
            self.room.apply(Finished(self))
        elif not self.gone:
            self.end("quit")

    def after(self, what: str, seconds: float, call: Callable[[], None]) -> None:
        """Do one thing later."""
        self.hub.after(self, what, seconds, call)

    # -- arriving --------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Its landing is over."""
        if self._arrival:
            self._arrival.settle()

    def seated(self) -> None:
        """The hub gave it a seat: from now on it talks."""
        self.hub.never(self, "landing")
        self.hub.never(self, "join")
        self._arrival = None

    def late(self) -> None:
        """The time for joining is over."""
        self.end("idle", f"no name within {self.hub.limits.join_patience:.0f} s")

    # -- what it says ----------------------------------------------------------------------------------------

    def _portion(self, block: bytes) -> bytes:
        """Return what of `block` may be said at once; the rest is the next piece."""
        most = self.room.max_lines if self.room else 0
        if self._throttle:
            most = min(most or self._throttle.ready, self._throttle.ready)
        if most and len(block) > most and len(head := first_lines(block, most)) < len(block):
            self.pumps = True
            self.inlet.put_back(block[len(head) :])
            self.inlet.hold_for("turn", 0)
            return head
        return block

    def say_again(self, block: bytes) -> None:
        """Say lines that were said before and held, before anything else that it says."""
        if self.gone:
            return
        self.inlet.put_back(block)
        if self.finished:  # not yet, then
            self.finished = False
            self.inlet.end()
        self.inlet.hold_for("turn", 0)

    def _say(self, block: bytes) -> None:
        self._keys = None
        if self.is_bare:
            block = self._without_own_label(block)
        if self.room:
            self.room.apply(Said(self, block))
        if self._throttle:
            self._slow_down(block.count(b"\n"))

    def _without_own_label(self, block: bytes) -> bytes:
        """A bare client puts `ann: ` in front itself; it is hers, so it is not doubled (seeds, `--bare`, 3)."""
        return block.removeprefix(f"{self.name}: ".encode()) if self.hub.mode.label == "nick" else block

    def _show(self, typing: Typing) -> None:
        if self.room:
            self.room.apply(Typed(self, typing.keys))
        if self._throttle:
            self._slow_down(typing.keys.count(b"\n"))

    def show_draft(self, keys: bytes) -> None:
        """Show keys of a draft as they were typed; the next line said ends the draft."""
        self._keys = self._keys or KeyReader(self.hub.limits)
        for piece in self._keys.read(keys):
            if isinstance(piece, Typing):
                self._show(piece)
        if len(keys) > PASTED and not self.gone:
            self.inlet.hold_for("turn", 0)

    def _ask(self, piece: Command | Fault) -> None:
        """Obey or answer; who asks and doesn't read the answers has to wait."""
        if isinstance(piece, Command):
            obey(self, piece)
        else:
            self.refuse(*piece)
        if self.outlet.full and not self.gone:
            self.inlet.hold("answers")
        if self._throttle:
            self._slow_down(1)

    def _slow_down(self, lines: int) -> None:
        pause = self._throttle.touch(self.hub.now(), lines) if self._throttle else 0
        if pause and not self.gone:
            self.inlet.hold_for("rate", pause)

    # -- leaving ---------------------------------------------------------------------------------------------

    def _depart(self, why: str) -> None:
        """Leave the hub, once; nothing more is heard or said."""
        if not self.gone:
            self.gone = why
            self.inlet.discard()
            self.hub.depart(self, why)

    # -- what its outlet tells -------------------------------------------------------------------------------

    def is_full(self) -> None:
        """More waits for this hearer than should: the room knows who is to wait, and the clock for how long."""
        if self.gone:
            return
        limits = self.hub.limits
        self._watch(limits.pair_patience if self.hub.mode.seats == 2 else limits.room_patience)
        if self.room:
            self.room.full(self)

    def _watch(self, patience: float) -> None:
        before = self.outlet.handed, self._taken()

        def look() -> None:
            if before == (self.outlet.handed, self._taken()):
                self.end("slow", f"you took nothing for {patience:.0f} s")
            else:
                self._watch(patience)

        self.after("slow", patience, look)

    def is_over(self) -> None:
        """In a larger room the slow reader is let go with a reason, and nobody else waits (design, section 6)."""
        self.end("slow", "too much waited for you")

    def is_drained(self) -> None:
        """This hearer has caught up."""
        self.hub.never(self, "slow")
        self.inlet.release("answers")
        if self.room:
            self.room.drained(self)
