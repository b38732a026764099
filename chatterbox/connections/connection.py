"""A connection carries one peer's bytes, both ways, bounded: an inlet, an outlet, a handshake and timers.

It has time handed in, and it knows the hub. It does not know sockets, nor what becomes of words in a room.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..core.commands import obey
from ..core.events import Address, Began, Finished, Parted, Said, Typed
from ..core.hub import Hub
from ..core.peer import Peer
from ..core.room import MAX_LINES
from ..limits import Throttle
from ..wire.dialects import Dialect, Dialects
from ..wire.keys import KeyReader
from ..wire.lines import first_lines
from ..wire.verbs import Command, Farewell, Fault, Piece, Typing
from .bare import LAST_WORD, BareOutlet
from .handshake import Handshake
from .inlet import Inlet
from .outlet import Outlet, Transport
from .timers import Later, Timers

PASTED = 256
"""Keys of a draft that are worth a turn: each is looked at, and 4,000 take half a millisecond."""


class Reception(Protocol):
    """What a connection needs of the one that admitted it."""

    hub: Hub
    dialects: Dialects
    later: Later
    now: Callable[[], float]

    def seat(self, connection: Connection) -> None:
        """Ask for the seat that a newcomer wants."""

    def ended(self, connection: Connection) -> None:
        """Take note that a connection is hung up on."""

    def closed(self, connection: Connection) -> None:
        """Forget a connection that is closed."""


class Connection:
    """One connection, from its arrival to its end.

    Args:
        reception: who admitted it.
        transport: what carries the bytes.
        dialect: what it speaks until it says otherwise.
        address: where the other end is.
        acknowledged: returns the bytes that the other machine has acknowledged so far, where the system can tell.
    """

    __slots__ = (
        "_acknowledged",
        "_draft",
        "_handshake",
        "_hub",
        "_is_done",
        "_is_lost",
        "_reception",
        "_throttle",
        "inlet",
        "outlet",
        "peer",
        "reader",
        "timers",
        "was_seated",
        "write",
    )

    def __init__(
        self,
        reception: Reception,
        transport: Transport,
        dialect: Dialect,
        address: Address = Address(),
        acknowledged: Callable[[], int] = int,
    ) -> None:
        hub = reception.hub
        self.peer = Peer(dialect, address)
        self.peer.link = self
        self.reader = dialect.reader()
        self.timers = Timers(reception.later, self.abort)
        self.inlet = Inlet(self, transport, hub.limits.pieces_a_turn, self.reader.read)
        self.outlet = self._make_outlet(transport, dialect, reception)
        self.write = self.outlet.write
        self.was_seated = False
        """Whether it ever had a seat."""
        self._reception = reception
        self._hub = hub
        self._acknowledged = acknowledged
        self._handshake: Handshake | None = None
        self._draft: KeyReader | None = None
        """What cleans the keys of a draft that it shows (JSON's `type`)."""
        self._is_done = False
        """Whether it has said `/done`."""
        self._is_lost = False
        """Whether the link broke off cleanly while its peer waited for a seat."""
        self._throttle = Throttle(hub.limits.rate, hub.limits.burst) if hub.limits.rate else None

    def _make_outlet(self, transport: Transport, dialect: Dialect, reception: Reception) -> Outlet:
        limits = reception.hub.limits
        bound = limits.max_pair_queue if reception.hub.mode.seats == 2 else limits.max_queue
        if dialect.framed:
            return Outlet(self, transport, limits.high_water, bound)
        return BareOutlet(self, transport, limits.high_water, bound, reception.later)

    # -- before it has a seat ----------------------------------------------------------------------------------

    def shake_hands(self, patience: float) -> None:
        """Wait for what the other end wants, or for the end of the time in which it may say so.

        Args:
            patience: seconds in which a peer that is asked for its name must answer.
        """
        self._handshake = Handshake(self._hub, self, self._reception.dialects.text.reader())
        self.inlet.step = self._handshake.take
        self.timers.when_read("handshake", self._hub.limits.handshake, self.settle)
        if self._hub.mode.asks_name:
            self.timers.after("join", patience, self._late)

    def settle(self) -> None:
        """End the time in which the other end may say where it wants to be."""
        if self._handshake:
            self._handshake.settle()

    def take_seat(self) -> None:
        """Ask for the seat that the peer wants."""
        self._reception.seat(self)

    def seeking(self) -> None:
        """Wait for the answer where the wanted room lives, for a limited time."""
        self.timers.cancel("join")
        self.inlet.hold("seat")
        self.timers.after("seek", self._hub.limits.seek_patience, self._not_found)

    def _not_found(self) -> None:
        if self.peer.search:
            self.peer.search.fail("nothing tells where this room lives; try again")

    def seated(self) -> None:
        """Read on as who has a seat."""
        self.timers.cancel("handshake")
        self.timers.cancel("join")
        self.was_seated = True
        self._handshake = None
        self.inlet.step = self.reader.read
        if self._is_lost:
            self.timers.after("turn", 0, lambda: self.lost("quit"))

    def _late(self) -> None:
        self.peer.end("idle", f"no name within {self._hub.limits.join_patience:.0f} s")

    # -- what an edge tells ------------------------------------------------------------------------------------

    def receive(self, block: bytes) -> None:
        """Take `block`: whole lines, or keys, as they were received."""
        self.inlet.receive(block)

    def begin(self) -> None:
        """Take note that the first bytes of a bare peer's message have come."""
        if self.peer.room:
            self.peer.room.apply(Began(self.peer))

    def speak_lines(self) -> None:
        """Take a bare peer for one that knows lines: it has sent a newline (seeds, `--bare`, 1)."""
        if isinstance(self.outlet, BareOutlet) and not self.peer.dialect.framed:
            self.timers.cancel("silence")
            self.outlet.speak_lines()
            self.peer.dialect = self._reception.dialects.text

    def speak_json(self) -> None:
        """Take and write one object a line from now on: the first line was a hello."""
        self.speak_lines()
        self.peer.dialect = self._reception.dialects.json
        self.reader = self.peer.dialect.reader()
        if not self._handshake:
            self.inlet.step = self.reader.read

    def finish(self) -> None:
        """Take it that the other end has closed its sending half; what it sent before that is handled first."""
        self.inlet.end()

    def say_no_more(self) -> None:
        """Take it that the other end has said `/done`: it may still ask, and leave."""
        self._is_done = True
        self.inlet.end()

    def lost(self, why: str) -> None:
        """Take it that the link is gone; what the other end said before a clean end is said."""
        if why == "quit":
            self._throttle = None  # there is nobody left to slow
            if self.peer.search and self.inlet.waits:
                self._is_lost = True
                return
            self.inlet.drain()
        was_gone = self.peer.gone
        self.peer.leave(why)
        self.inlet.shut()
        self.outlet.discard()
        if not was_gone:
            self._reception.ended(self)
        self._reception.closed(self)

    @property
    def max_unended(self) -> int:
        """Bytes that may come without a newline: few from a peer who is asked for its name."""
        limits = self._hub.limits
        return limits.join_bytes if self._handshake and self._handshake.is_asked else limits.flood

    # -- what it says --------------------------------------------------------------------------------------------

    def handle(self, piece: Piece) -> None:
        """Say lines and keys to the room, obey commands, answer faults."""
        if self._is_done and isinstance(piece, bytes | Typing | Farewell):
            self.peer.refuse("done", "you have said /done: nothing more is sent")
        elif isinstance(piece, bytes):
            self._say(piece)
        elif isinstance(piece, Typing):
            self._type(piece.keys)
        else:
            self._ask(piece)

    def said_all(self) -> None:
        """Take it that the other end has finished, and all that it sent is handled."""
        self.settle()
        if self.peer.room:
            self.peer.room.apply(Finished(self.peer))
        elif not (self.peer.gone or self.peer.search):
            self.peer.end("quit")

    def _say(self, block: bytes) -> None:
        peer = self.peer
        if self._throttle or len(block) > MAX_LINES:  # a shorter block has fewer lines than any share
            block = self._share_of(block)
        self._draft = None
        if not peer.dialect.framed:
            block = self._without_own_label(block)
        if peer.room:
            peer.room.apply(Said(peer, block))
        if self._throttle:
            self._slow_down(block.count(b"\n"))

    def _share_of(self, block: bytes) -> bytes:
        """Return what of `block` may be said in this turn; the rest is the next piece."""
        most = self.peer.room.max_lines if self.peer.room else 0
        if self._throttle:
            most = min(most or self._throttle.ready, self._throttle.ready)
        if most and len(block) > most and len(head := first_lines(block, most)) < len(block):
            self.inlet.bulk = True
            self.inlet.say_first(block[len(head) :])
            self.inlet.hold_for("turn", 0)
            return head
        return block

    def say_again(self, block: bytes) -> None:
        """Say lines that were said before and held, before anything else that waits."""
        self.peer.finished = False  # not yet, then
        self.inlet.say_first(block)
        self.inlet.hold_for("turn", 0)

    def _without_own_label(self, block: bytes) -> bytes:
        """Take away the `ann: ` that a bare client puts in front itself: it isn't doubled (seeds, `--bare`, 3)."""
        return block.removeprefix(f"{self.peer.name}: ".encode()) if self._hub.mode.label == "nick" else block

    def _type(self, keys: bytes) -> None:
        """Show keys as they were typed: clean ones of a key reader, or those of a draft in JSON, which are cleaned."""
        if self.peer.dialect.by_keys:
            self._show(keys)
            return
        self._draft = self._draft or KeyReader(self._hub.limits)
        for piece in self._draft.read(keys):
            if isinstance(piece, Typing):
                self._show(piece.keys)
        if len(keys) > PASTED and not self.peer.gone:
            self.inlet.hold_for("turn", 0)
        if self._throttle:
            self._slow_down(1)

    def _show(self, keys: bytes) -> None:
        if self.peer.room:
            self.peer.room.apply(Typed(self.peer, keys))
        if self._throttle:
            self._slow_down(keys.count(b"\n"))

    def _ask(self, piece: Command | Farewell | Fault) -> None:
        """Obey or answer; who asks and doesn't read the answers has to wait."""
        peer = self.peer
        if isinstance(piece, Command):
            obey(self._hub, peer, piece)
        elif isinstance(piece, Fault):
            peer.refuse(*piece)
        elif peer.room:
            peer.room.apply(Parted(peer, piece.word))
        if self.outlet.full and not peer.gone:
            self.inlet.hold("answers")
        if self._throttle:
            self._slow_down(1)

    def _slow_down(self, lines: int) -> None:
        pause = self._throttle.touch(self._reception.now(), lines) if self._throttle else 0
        if pause and not self.peer.gone:
            self.inlet.hold_for("rate", pause)

    # -- what its peer asks --------------------------------------------------------------------------------------

    @property
    def bulk(self) -> bool:
        """Whether it says more at once than fingers type."""
        return self.inlet.bulk

    @property
    def backed_up(self) -> bool:
        """Whether bytes wait for the other end."""
        return self.outlet.paused

    @property
    def full(self) -> bool:
        """Whether more waits than should."""
        return self.outlet.full

    def hold(self, reason: str) -> None:
        """Stop reading, for one reason more."""
        self.inlet.hold(reason)

    def release(self, reason: str) -> None:
        """Go on reading, unless there is another reason not to."""
        if reason == "seat":
            self.timers.cancel("seek")
        self.inlet.release(reason)

    def wait(self) -> None:
        """Stop reading for the blink in which a hearer who is alive catches up."""
        self.inlet.hold_for("wait", self._hub.limits.blink)

    def close(self, last_words: bytes) -> None:
        """Send what waits and `last_words`, then close; cut it where the other end takes too long."""
        was_held = self.inlet.held
        self.inlet.shut()
        self._reception.ended(self)
        if last_words:
            self.outlet.write(last_words)
        if was_held:
            self.inlet.read_on()
        patience = self._hub.limits.close_patience
        if isinstance(self.outlet, BareOutlet) and not self.peer.dialect.framed:
            patience = min(self.outlet.seconds_left + LAST_WORD, patience)
        else:
            self.outlet.close()
        self.timers.after("abort", patience, self.abort)

    def abort(self) -> None:
        """Close the connection at once; StandardIO knows no such thing, and closes."""
        transport = self.outlet.transport
        getattr(transport, "abortConnection", transport.loseConnection)()

    # -- what its outlet tells -----------------------------------------------------------------------------------

    def is_full(self) -> None:
        """Let the room know who is to wait for this hearer, and the clock for how long."""
        if self.peer.gone:
            return
        limits = self._hub.limits
        self._watch(limits.pair_patience if self._hub.mode.seats == 2 else limits.room_patience)
        if self.peer.room:
            self.peer.room.hearer_is_full(self.peer)

    def _watch(self, patience: float) -> None:
        before = self.outlet.handed, self._acknowledged()

        def look() -> None:
            if before == (self.outlet.handed, self._acknowledged()):
                self.peer.end("slow", f"you took nothing for {patience:.0f} s")
            else:
                self._watch(patience)

        self.timers.after("slow", patience, look)

    def is_over(self) -> None:
        """Let a slow reader of a larger room go with a reason; nobody else waits for it."""
        self.peer.end("slow", "too much waited for you")

    def is_drained(self) -> None:
        """Take note that this hearer has caught up."""
        self.timers.cancel("slow")
        self.inlet.release("answers")
        if self.peer.room:
            self.peer.room.hearer_is_drained(self.peer)
