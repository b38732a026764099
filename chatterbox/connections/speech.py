"""Speech is what comes of the pieces that one peer sent: lines and keys go to its room, commands are obeyed.

Nobody says more in one turn than a share of it, or more in a second than the rate. It does not know bytes or links.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import Protocol

from ..core.commands import obey
from ..core.events import Member, Parted, Said, Typed
from ..core.hub import Hub
from ..core.peer import Peer
from ..limits import FEW_LINES, MAX_LINES, MAX_OBJECTS, Throttle
from ..wire.keys import KeyReader
from ..wire.lines import first_lines
from ..wire.numbered import Numbered
from ..wire.speaking import PORTION
from ..wire.text import lines_in
from ..wire.verbs import Command, Farewell, Fault, Piece, Typing
from .bare import without_label
from .breath import Breath
from .inlet import Inlet
from .outlet import Outlet
from .parting import LOOK, Parting
from .stand_in import StandIn
from .timers import Timers

PASTED = 256
"""Keys of a draft that are worth a turn: each is looked at, and 4,000 take half a millisecond."""
KEYS_A_TURN = 4096
"""Bytes of a draft that are looked at in one turn."""
_ENTER = re.compile(rb"[\r\n]")
"""What finishes a line of keys; CR LF counts twice where keys are cut."""
WHOLE = 1024 * 1024
"""Bytes read in one turn elsewhere: more than is ever received at once."""
LINES_A_HEARER = 2
"""Lines that take as long as a hearer, where each becomes an object of JSON, once or twice."""
BYTES_A_TURN = 4 * 1024 * 1024
"""Bytes written to all the hearers of one block, which takes some 2 ms: 64 KiB to 64, 42 to 100, 16 KiB to 256."""
BYTES_A_HEARER = 16 * 1024
"""Bytes of a block that more of them hear: a socket takes 16 KiB in hardly more time than a line (11 µs against 10)."""


class Talker(Protocol):
    """What a speech needs of its connection."""

    peer: Peer
    outlet: Outlet
    timers: Timers
    stand_in: StandIn | None

    def said_all(self) -> None:
        """Take it that the other end has finished, and all that it sent is handled."""

    def handle_numbered(self, piece: Piece) -> None:
        """Do what only a session asks."""


class Speech:
    """What one peer says: the speaker that an inlet tells.

    Args:
        talker: its connection.
        hub: whose rooms it is said in.
        now: seconds of a clock that never goes back.
    """

    __slots__ = (
        "_breath",
        "_draft",
        "_early",
        "_hub",
        "_inlet",
        "_now",
        "_parting",
        "_talker",
        "_whole",
        "is_done",
        "portion",
        "throttle",
        "timers",
    )

    _inlet: Inlet

    def __init__(self, talker: Talker, hub: Hub, now: Callable[[], float]) -> None:
        self.timers = talker.timers
        self.is_done = False
        """Whether it has said `/done`."""
        self._early = b""
        """Lines that were said before that, and held: they are said again now."""
        has_farewells = hub.mode.farewell not in ((), ("/quit",))
        self.portion = KEYS_A_TURN if hub.mode.rule == "talk" else PORTION if has_farewells else WHOLE
        """Bytes that are read in one turn."""
        self.throttle = Throttle(hub.limits.rate, hub.limits.burst) if hub.limits.rate else None
        self._talker = talker
        self._hub = hub
        self._now = now
        self._whole = MAX_OBJECTS if talker.peer.dialect.framed else FEW_LINES
        """Bytes of a block that has no more lines than any share."""
        self._breath: Breath | None = None
        """What is said while the news is on its way that its partner has left."""
        self._parting: Parting | None = None
        self._draft: KeyReader | None = None
        """What cleans the keys of a draft that it shows (JSON's `type`)."""

    def comes_from(self, inlet: Inlet) -> None:
        """Hold and release `inlet`, from which the pieces come."""
        self._inlet = inlet

    @property
    def parting(self) -> Parting:
        """How it leaves: most of its life nobody asks."""
        if self._parting is None:
            self._parting = Parting(self._talker, self._hub, self._now)
        return self._parting

    def said_all(self) -> None:
        """Take it that the other end has finished, and all that it sent is handled."""
        self._talker.said_all()

    @property
    def is_free(self) -> bool:
        """Whether what comes may be said as it comes: nothing is counted, refused, or said to nobody."""
        return not (self.is_done or self.throttle or self._breath or self._draft)

    @property
    def cuts_lines(self) -> bool:
        """Whether a portion may end within a line: a reader of keys has a state. Before the seat a hello may come."""
        peer = self._talker.peer
        return peer.dialect.by_keys and peer.room is not None

    def reach(self, piece: Piece) -> int:
        """Return how many may hear something when `piece` is handled: a fault or a ping is its speaker's own affair.

        Two lines count as a hearer where each becomes an object.
        """
        if not isinstance(piece, bytes | Command | Farewell | Typing | Numbered):
            return 1
        return self._hearers + self._objects_of(piece) // LINES_A_HEARER

    def _objects_of(self, piece: Piece) -> int:
        """Return how many objects somebody hears of `piece`, if anybody here hears objects."""
        room = self._talker.peer.room
        if not isinstance(piece, bytes | Numbered) or not room or not 0 < room.max_lines <= MAX_OBJECTS:
            return 0
        return piece.lines if isinstance(piece, Numbered) else lines_in(piece)

    @property
    def _hearers(self) -> int:
        seat = self._talker.peer.room
        room = self._hub.rooms.get(seat.name) if seat else None
        return len(room.members) if room else 1

    def handle(self, piece: Piece) -> None:
        """Say lines and keys to the room, obey commands, answer faults."""
        if self.is_done and piece is not self._early and isinstance(piece, bytes | Typing | Farewell):
            self._talker.peer.refuse("done", "you have said /done: nothing more is sent")
        elif isinstance(piece, bytes):
            self._say(piece)
        elif isinstance(piece, Typing):
            self._type(piece.keys)
        elif isinstance(piece, Command | Farewell | Fault):
            self._ask(piece)
        else:
            self._handle_numbered(piece)

    def _handle_numbered(self, piece: Piece) -> None:
        """Do what only a session asks, of many lines as many as may be said in this turn."""
        lines = 1
        if isinstance(piece, Numbered) and piece.block:
            head = self._share_of(piece.block)
            lines = piece.lines
            if len(head) < len(piece.block):
                lines = head.count(b"\n")
                self._say_rest(piece.after(lines))
                piece = piece._replace(block=head, lines=lines)
            if self.portion == PORTION and len(piece.block) > MAX_LINES:  # to read its like takes time
                self._inlet.hold_for("turn", 0)
        self._talker.handle_numbered(piece)
        if self.throttle:
            self._slow_down(lines)

    def _say(self, block: bytes) -> None:
        peer = self._talker.peer
        if self._breath:
            self._breath.say(block, self._inlet.bulk)
            return
        if self.throttle or len(block) > self._whole:  # a shorter block has fewer lines than any share
            head = self._share_of(block)
            if len(head) < len(block):
                rest = block[len(head) :]
                self._early = rest if block is self._early else self._early
                self._say_rest(rest)
                block = head
        if self._draft and self._hub.mode.rule == "talk":  # together they could look like the hub's word
            self._show(self._draft.take_back())
        self._draft = None
        if not peer.dialect.framed and self._hub.mode.label == "nick":
            block = without_label(block, peer.name)
        if peer.room:
            peer.room.apply(Said(peer, block))
        if self.throttle:
            self._slow_down(block.count(b"\n"))

    def _share_of(self, block: bytes) -> bytes:
        """Return what of `block` may be said in this turn; the rest is the next piece."""
        most = self._talker.peer.room.max_lines if self._talker.peer.room else 0
        if self.throttle:
            most = min(most or self.throttle.ready, self.throttle.ready)
        if most and len(block) > most:
            block = first_lines(block, most)
        size = max(BYTES_A_HEARER, BYTES_A_TURN // self._hearers)
        if len(block) > size:
            block = block[: block.rfind(b"\n", 0, size) + 1 or block.index(b"\n") + 1]
        return block

    def say_again(self, block: bytes) -> None:
        """Say lines that were said before and held, before anything else that waits."""
        self._early = block
        self._inlet.say_first(block)
        self._inlet.hold_for("turn", 0)

    def _say_rest(self, piece: Piece) -> None:
        """Say `piece` in a turn of its own, before anything else."""
        self._inlet.bulk = True
        self._inlet.say_first(piece)
        self._inlet.hold_for("turn", 0)

    def miss(self, name: str, why: str, leaver: Member | None) -> None:
        """Say to nobody what is on its way, since the partner `name` has left: a pipe doesn't stop at once."""
        self.parting.left_by(leaver, why)
        if not self._breath and (self._inlet.bulk or self._inlet.waits):
            self._breath = Breath(name, why, leaver is not None, self.timers, self.breathe)

    def breathe(self) -> None:
        """Tell what nobody has heard; what is said from now on waits for the next partner."""
        breath, self._breath = self._breath, None
        if breath and breath.lines:
            self._talker.outlet.write(self._talker.peer.dialect.message(breath.told))

    def _type(self, keys: bytes) -> None:
        """Show keys as they were typed: clean ones of a key reader, or those of a draft in JSON, which are cleaned."""
        head = self._keys_of(keys)
        if len(head) < len(keys):
            self._say_rest(Typing(keys[len(head) :]))
            keys = head
        if self._talker.peer.dialect.by_keys:
            self._show(keys)
            return
        self._draft = self._draft or KeyReader(self._hub.limits)
        for piece in self._draft.read(keys):
            if isinstance(piece, Typing):
                self._show(piece.keys)
        if len(keys) > PASTED and not self._talker.peer.gone:
            self._inlet.hold_for("turn", 0)
        if self.throttle and not _ENTER.search(keys):  # lines are counted where they are shown
            self._slow_down(1)

    def _keys_of(self, keys: bytes) -> bytes:
        """Return what of `keys` may be shown in this turn; they count as the lines that they finish."""
        keys = keys[:KEYS_A_TURN]
        if self.throttle and (last := next(islice(_ENTER.finditer(keys), self.throttle.ready - 1, None), None)):
            return keys[: last.end()]
        return keys

    def _show(self, keys: bytes) -> None:
        if self._talker.peer.room:
            self._talker.peer.room.apply(Typed(self._talker.peer, keys))
        if self.throttle:
            self._slow_down(keys.count(b"\n"))

    def _ask(self, piece: Command | Farewell | Fault) -> None:
        """Obey or answer; who asks and doesn't read the answers has to wait, and so has who leaves too early."""
        peer = self._talker.peer
        if _leaves(piece) and not self._inlet.is_cut and self.parting.waits():
            self._inlet.say_first(piece)
            self._inlet.hold_for("parting", LOOK)
            return
        if isinstance(piece, Command):
            obey(self._hub, peer, piece)
        elif isinstance(piece, Fault):
            peer.refuse(*piece)
        elif peer.room:
            peer.room.apply(Parted(peer, piece.word))
        if self._talker.outlet.full and not (peer.gone or peer.session):
            self._inlet.hold("answers")
        if self.throttle:
            self._slow_down(1)

    def _slow_down(self, lines: int) -> None:
        pause = self.throttle.touch(self._now(), lines) if self.throttle else 0
        if pause and not self._talker.peer.gone:
            self._inlet.hold_for("rate", pause)


def _leaves(piece: Piece) -> bool:
    """Return whether who says `piece` wants to leave its room."""
    if isinstance(piece, Command):
        return piece.verb == "quit" or (piece.verb == "join" and bool(piece.args))
    return isinstance(piece, Farewell)
