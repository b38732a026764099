"""An inlet is the way from one speaker: what it sent and isn't handled yet, and the reasons why it isn't read.

It is the outlet's other side: while anybody has a reason against it nothing is read, and nobody takes more than a share
of a turn. It does not know who speaks, or what the words mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from ..wire.verbs import Piece
from .outlet import Transport
from .timers import Timers

BULK = 16 * 1024
"""Bytes of a block that no fingers type."""
LITTLE = 1024
"""Bytes that are no more than any portion."""
MUCH = 128 * 1024
"""Bytes received at once that take time to read: only an object of a session is as long."""
READ_A_HEARER = 1024
"""Bytes to read that take as long as a hearer to reach: an object of 390 KB is handled in the turn after its own."""
PACE = frozenset({"turn", "rate", "seat"})
"""The reasons that set a pace, and end by themselves."""
NO_REASON: frozenset[str] = frozenset()
"""One for all: Python makes an empty set of 216 bytes anew each time one becomes empty."""
Step = Callable[[bytes], Iterable[Piece]]
"""What becomes of received lines: the state of the connection. A step may put lines back, and set the next step."""


class Speaker(Protocol):
    """Who handles what comes; each call may end the connection."""

    timers: Timers
    portion: int
    """Bytes that are read in one turn."""

    @property
    def cuts_lines(self) -> bool:
        """Whether a portion may end within a line: where keys come, and no lines."""

    def reach(self, piece: Piece) -> int:
        """Return how many may hear something when `piece` is handled."""

    def handle(self, piece: Piece) -> None:
        """Say `piece`, or obey it."""

    def said_all(self) -> None:
        """Take it that the last word is handled, and no more will come."""


class Inlet:
    """What one speaker sent, in order.

    Args:
        speaker: who handles it.
        transport: what is paused while it may not be handled.
        share: pieces handled in one turn.
        reach: hearers whom they may reach; one piece is always handled.
        step: the first step.
    """

    __slots__ = (
        "_again",
        "_has_told",
        "_held_for",
        "_pieces",
        "_reach",
        "_rest",
        "_share",
        "_speaker",
        "_transport",
        "bulk",
        "ending",
        "is_cut",
        "is_shut",
        "reads",
        "step",
    )

    def __init__(self, speaker: Speaker, transport: Transport, share: int, reach: int, step: Step) -> None:
        self.step = step
        self.reads = 0
        """How often something came."""
        self.bulk = False
        """Whether what was read last is more than fingers type."""
        self.ending = False
        """Whether nothing more will be said."""
        self.is_shut = False
        """Whether nothing more is handled."""
        self._speaker = speaker
        self._transport = transport
        self._share = share
        self._reach = reach
        self._pieces: Iterator[Piece] | None = None
        """What was read and not yet handled."""
        self._again: tuple[Piece, ...] = ()
        """What was read, and is to be handled before anything else."""
        self._rest = b""
        """What was received and not yet read."""
        self._held_for = NO_REASON
        """Why reading is paused."""
        self.is_cut = False
        """Whether the link is gone."""
        self._has_told = False
        """Whether the speaker knows that all is handled."""

    def receive(self, block: bytes) -> None:
        """Handle `block` now, or when its turn comes."""
        if self.is_shut:
            return
        self.bulk = len(block) >= BULK
        self.reads += 1
        if self._held_for or self._again or self._pieces or self._rest:
            self._rest += block
            if not self._held_for:
                self._go_on()
            return
        if len(block) > LITTLE and len(block) > min(self._speaker.portion, MUCH):
            self._rest = block
            self._go_on()
            return
        pieces = self.step(block)
        if pieces == ():  # all of it is handled, as nearly always in a pair
            if self._rest or self.ending:
                self._go_on()
        elif isinstance(pieces, tuple) and len(pieces) == 1:  # nothing but lines to say, as nearly always elsewhere
            self._speaker.handle(pieces[0])
        else:
            self._pieces = iter(pieces)
            self._go_on()

    def unread(self, block: bytes) -> None:
        """Put received lines back before what was received after them, unless nothing more is handled."""
        if self.is_shut:
            return
        self._rest = block + self._rest

    def say_first(self, piece: Piece) -> None:
        """Handle `piece` before everything else that waits, unless nothing more is handled."""
        if self.is_shut:
            return
        self._again = (piece, *self._again)
        self._has_told = False

    def tell_again(self) -> None:
        """Tell the speaker again, behind what waits now, that all is handled."""
        self._has_told = False

    def end(self) -> None:
        """Take it that nothing more will be said; the speaker is told so, once, when all is handled."""
        if not self.ending:
            self.ending = True
            self._tell_if_all_is_said()

    def say_on(self) -> None:
        """Handle what waits though the link is gone: there is no reading to be held, so only its pace counts."""
        self.is_cut = self.ending = True
        self._has_told = False
        self._held_for &= PACE
        if not self._held_for:
            self.hold_for("turn", 0)

    def discard(self) -> None:
        """Forget what waits: nobody will handle it."""
        self._again, self._rest, self._pieces = (), b"", None

    def shut(self) -> None:
        """Forget what waits, and handle nothing more."""
        self.is_shut = True
        self.discard()

    @property
    def waits(self) -> bool:
        """Whether anything waits to be handled."""
        return bool(self._again or self._pieces or self._rest)

    def looks_ahead(self) -> bool:
        """Return whether anything waits to be handled, once the next piece is read, if there is one."""
        if self._pieces and not self._again:
            piece = next(self._pieces, None)
            if piece is None:
                self._pieces = None
            else:
                self._again = (piece,)
        return self.waits

    # -- reasons not to read -----------------------------------------------------------------------------------

    @property
    def held(self) -> bool:
        """Whether there is a reason."""
        return bool(self._held_for)

    def hold(self, reason: str) -> None:
        """Stop reading, for one reason more."""
        if self.is_cut and reason not in PACE:
            return
        if not (self._held_for or self.is_shut or self.is_cut):
            self._transport.pauseProducing()
        self._held_for |= {reason}

    def hold_for(self, reason: str, seconds: float) -> None:
        """Stop reading for some time."""
        self.hold(reason)
        self._speaker.timers.after(reason, seconds, lambda: self.release(reason))

    def release(self, reason: str) -> None:
        """Go on reading, unless there is another reason not to; what waits is handled first.

        That happens in a turn of its own: nobody's words are handled while a room is being told of something else.
        """
        if reason not in self._held_for:
            return
        self._held_for = self._held_for - {reason} or NO_REASON
        if self._held_for or self.is_shut:
            return
        if reason != "turn" and (self.waits or (self.ending and not self._has_told)):
            self.hold_for("turn", 0)
            return
        self._go_on()
        if not (self._held_for or self.is_shut or self.is_cut):
            self._transport.resumeProducing()

    def read_on(self) -> None:
        """Read whatever comes, and do nothing with it."""
        self._held_for = NO_REASON
        self._transport.resumeProducing()

    # -- handling ----------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Handle what was received, as far as this turn goes; the rest waits, and reading with it."""
        share, reach, portion = self._share, self._reach, self._speaker.portion
        while (self._again or self._pieces or self._rest) and not self._held_for:
            if share <= 0 or reach <= 0 or (portion <= 0 and not (self._again or self._pieces)):
                self.hold_for("turn", 0)
                return
            if self._again:
                piece: Piece | None = self._again[0]
                self._again = self._again[1:]
            else:
                if self._pieces is None:
                    block = self._first_portion()
                    portion -= len(block)
                    reach -= len(block) // READ_A_HEARER
                    self._pieces = iter(self.step(block))
                piece = next(self._pieces, None)
            if piece is None:
                self._pieces = None
                continue
            before = self._speaker.reach(piece)
            if before > reach and reach < self._reach:  # too many beside those whom this turn has reached already
                self._again = (piece, *self._again)
                self.hold_for("turn", 0)
                return
            share -= 1
            self._speaker.handle(piece)
            reach -= max(before, self._speaker.reach(piece))
        if self.ending:
            self._tell_if_all_is_said()

    def _first_portion(self) -> bytes:
        """Return whole lines of what was received, as many as are read in one turn; at least one, where lines come."""
        block, size = self._rest, self._speaker.portion
        end = len(block)
        if end > size and self._speaker.cuts_lines:
            end = size
        elif end > size:
            end = block.rfind(b"\n", 0, size) + 1 or block.find(b"\n", size) + 1 or end
        self._rest = block[end:]
        return block[:end]

    def _tell_if_all_is_said(self) -> None:
        if not (self._has_told or self.waits or self.is_shut or "seat" in self._held_for):
            self._has_told = True
            self._speaker.said_all()
