"""A peer is one end of a conversation: it has a name, says lines, hears lines, and can be hung up on.

It arrives, takes a seat, talks, and ends. A peer does not know what carries its bytes, nor who else hears them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from .arrival import Arrival
from .bare import LAST_WORD, Pacer
from .commands import obey
from .dialects import Dialect, Event
from .events import Began, Finished, Said, Typed
from .keys import KeyReader
from .limits import Throttle
from .outlet import Outlet, Transport
from .room import Room
from .wire import Command, Fault, Piece, Reader, Typing, first_lines

if TYPE_CHECKING:
    from .hub import Hub

LOBBY = "lobby"
PUMPING = 16 * 1024
"""Bytes of a block that no fingers type."""


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
        "_finishing",
        "_held_for",
        "_keys",
        "_pieces",
        "_rest",
        "_taken",
        "_throttle",
        "address",
        "dialect",
        "finished",
        "goal",
        "gone",
        "hub",
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
        self._finishing = False
        self._pieces: Iterator[Piece] | None = None
        """What was read and not yet handled."""
        self._rest = b""
        """What was received and not yet read."""
        self._held_for: frozenset[str] = frozenset()
        """Why its reading is paused."""
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
        if self.gone or self.finished:
            return
        if self._arrival or self._pieces or self._rest or self._held_for:
            self._rest += block
            if not self._held_for:
                self._go_on()
        else:
            self._pieces = iter(self.reader.read(block))
            self._go_on()

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
            self.outlet.speak_lines()
            self.dialect = self.hub.text

    def speak_json(self) -> None:
        """The first line was a hello: from now on every line is an object, both ways."""
        self.speak_lines()
        self.dialect, self.reader = self.hub.json, self.hub.json_reader

    def finish(self) -> None:
        """The other end has closed its sending half, after its last line."""
        self._finishing = True
        self._finish_if_done()

    def say_no_more(self) -> None:
        """The other end says that it has finished; what came behind that word is nobody's."""
        self._rest, self._pieces = b"", None
        self.finish()

    def lost(self, why: str) -> None:
        """The connection is gone; what it said before that is said."""
        if why == "quit":
            while (self._rest or self._pieces) and not self.gone:
                self._held_for = frozenset()
                self._go_on()
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
        self._hold("room")

    def release(self) -> None:
        """Go on reading, on behalf of the room."""
        self._release("room")

    def wait(self) -> None:
        """Stop reading for the blink in which a hearer who is alive catches up."""
        self._hold_for("wait", self.hub.limits.landing)

    def end(self, why: str, text: str = "") -> None:
        """Hang up, for one word of the closed set; `text` is the sentence that is spoken before."""
        if self.gone:
            return
        last_words = self.dialect.event(Event("closed", {"why": why, "text": text})) if text else b""
        if self.is_bare and self.room:
            last_words += self.hub.mode.last_word.encode()
        was_held = bool(self._held_for)
        self._depart(why)
        if last_words:
            self.outlet.write(last_words)
        if was_held:
            self._held_for = frozenset()
            self.outlet.transport.resumeProducing()
        patience = self.hub.limits.close_patience
        if isinstance(self.outlet, Pacer) and self.is_bare:
            patience = self.outlet.seconds_left + LAST_WORD
        else:
            self.outlet.close()
        self.hub.after(self, "abort", patience, self.cut)

    def cut(self) -> None:
        """Close the connection at once; StandardIO knows no such thing, and closes."""
        transport = self.outlet.transport
        getattr(transport, "abortConnection", transport.loseConnection)()

    # -- holding and timers ----------------------------------------------------------------------------------

    def _hold(self, reason: str) -> None:
        if not self._held_for and not self.gone:
            self.outlet.transport.pauseProducing()
        self._held_for |= {reason}

    def _hold_for(self, reason: str, seconds: float) -> None:
        self._hold(reason)
        self.hub.after(self, reason, seconds, lambda: self._release(reason))

    def _release(self, reason: str) -> None:
        """Go on reading, unless there is another reason not to; what waits is handled first.

        That happens in a turn of its own: nobody's words are handled while a room is being told of something else.
        """
        if reason not in self._held_for:
            return
        self._held_for -= {reason}
        if self._held_for or self.gone:
            return
        waiting = self._rest or self._pieces
        if waiting and reason != "turn":
            self._hold_for("turn", 0)
            return
        if waiting:
            self._go_on()
        if not self._held_for and not self.gone:
            self.outlet.transport.resumeProducing()

    # -- handling what was received -------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Handle what was received, as far as this turn goes; the rest waits, and reading with it."""
        budget = self.hub.limits.pieces_a_turn
        while (self._rest or self._pieces) and not self._held_for and not self.gone:
            if not budget:
                self._hold_for("turn", 0)
                return
            budget -= 1
            if self._arrival:
                rest, self._rest = self._rest, b""
                self._rest = self._arrival.eat(rest)
            else:
                self._handle_next()
        if self._finishing:
            self._finish_if_done()

    def _finish_if_done(self) -> None:
        if self._rest or self._pieces or self.gone:
            return
        self._finishing = False
        self.settle()
        if self.room:
            self.room.apply(Finished(self))
        elif not self.gone:
            self.end("quit")

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

    def _handle_next(self) -> None:
        """Handle the next piece: what is said goes to the room, commands are obeyed, faults are answered."""
        if self._pieces is None:
            block, self._rest = self._rest, b""
            self._pieces = iter(self.reader.read(block))
        piece = next(self._pieces, None)
        if piece is None:
            self._pieces = None
        elif isinstance(piece, bytes):
            self._say(self._portion(piece))
        elif isinstance(piece, Typing):
            self._show(piece)
        else:
            self._ask(piece)

    def _portion(self, block: bytes) -> bytes:
        """Return what of `block` may be said at once; the rest is the next piece."""
        most = self.room.max_lines if self.room else 0
        self.pumps = len(block) >= PUMPING
        if most and len(block) > most and len(head := first_lines(block, most)) < len(block):
            self.pumps = True
            self._pieces = chain((block[len(head) :],), self._pieces or ())
            return head
        return block

    def say_again(self, block: bytes) -> None:
        """Say lines that were said before and held, before anything else that it says."""
        if not self.gone:
            self._pieces = chain((block,), self._pieces or ())
            self._hold_for("turn", 0)

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

    def _ask(self, piece: Command | Fault) -> None:
        """Obey or answer; who asks and doesn't read the answers has to wait."""
        if isinstance(piece, Command):
            obey(self, piece)
        else:
            self.refuse(*piece)
        if self.outlet.full and not self.gone:
            self._hold("answers")
        if self._throttle:
            self._slow_down(1)

    def _slow_down(self, lines: int) -> None:
        pause = self._throttle.touch(self.hub.now(), lines) if self._throttle else 0
        if pause and not self.gone:
            self._hold_for("rate", pause)

    # -- leaving ---------------------------------------------------------------------------------------------

    def _depart(self, why: str) -> None:
        """Leave the hub, once; nothing more is heard or said."""
        if not self.gone:
            self.gone = why
            self._rest, self._pieces = b"", None
            self.hub.depart(self, why)

    # -- what its outlet tells -------------------------------------------------------------------------------

    def is_full(self) -> None:
        """More waits for this hearer than should: the room knows who is to wait, and the clock for how long."""
        if self.room:
            self.room.full(self)
            limits = self.hub.limits
            self._watch(limits.pair_patience if self.room.is_pair else limits.room_patience)

    def _watch(self, patience: float) -> None:
        before = self.outlet.handed, self._taken()

        def look() -> None:
            if before == (self.outlet.handed, self._taken()):
                self.end("slow", f"you took nothing for {patience:.0f} s")
            else:
                self._watch(patience)

        self.hub.after(self, "slow", patience, look)

    def is_over(self) -> None:
        """In a larger room the slow reader is let go with a reason, and nobody else waits (design, section 6)."""
        self.end("slow", "too much waited for you")

    def is_drained(self) -> None:
        """This hearer has caught up."""
        self.hub.never(self, "slow")
        self._release("answers")
        if self.room:
            self.room.drained(self)
