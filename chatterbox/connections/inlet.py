"""An inlet is the way from one speaker: what it sent and isn't handled yet, and the reasons why it isn't read.

It is the outlet's other side: while anybody has a reason against it nothing is read, and nobody takes more than a share
of a turn. It does not know who speaks, or what the words mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from ..wire.verbs import Piece
from .outlet import Transport


class Owner(Protocol):
    """Whose words these are; each call may end the connection."""

    gone: str

    @property
    def arriving(self) -> bool:
        """Whether it has no seat yet."""

    def eat(self, received: bytes) -> bytes:
        """Take the first line, or more, of what it sent before it had a seat; return the rest."""

    def read(self, block: bytes) -> Iterator[Piece]:
        """Return the pieces that `block` is made of."""

    def handle(self, piece: Piece) -> None:
        """Say it, or obey it."""

    def said_all(self) -> None:
        """Its last word is handled, and no more will come."""

    def after(self, what: str, seconds: float, call: Callable[[], None]) -> None:
        """Do one thing later."""


class Inlet:
    """What one speaker sent, in order.

    Args:
        owner: who handles it.
        transport: what is paused while it may not be handled.
        share: pieces handled in one turn.
    """

    __slots__ = ("_again", "_held_for", "_owner", "_pieces", "_rest", "_share", "_transport", "ending")

    def __init__(self, owner: Owner, transport: Transport, share: int) -> None:
        self._owner = owner
        self._transport = transport
        self._share = share
        self._pieces: Iterator[Piece] | None = None
        """What was read and not yet handled."""
        self._again = b""
        """Lines that were read, and put back."""
        self._rest = b""
        """What was received and not yet read."""
        self._held_for: frozenset[str] = frozenset()
        """Why reading is paused."""
        self.ending = False
        """Whether nothing more will come."""

    def receive(self, block: bytes) -> None:
        """Handle `block` now, or when its turn comes."""
        if self._held_for or self._waits or self._owner.arriving:
            self._rest += block
            if not self._held_for:
                self._go_on()
        else:
            self._pieces = self._owner.read(block)
            self._go_on()

    def put_back(self, block: bytes) -> None:
        """Handle `block`, which is lines to say, before everything else that waits."""
        self._again = block + self._again

    def end(self) -> None:
        """Nothing more will come; the owner is told so when all is handled."""
        self.ending = True
        self._tell_if_all_is_said()

    def drain(self) -> None:
        """Handle all that waits, whatever speaks against it."""
        while self._waits and not self._owner.gone:
            self._held_for = frozenset()
            self._go_on()

    def discard(self) -> None:
        """Forget what waits: nobody will handle it."""
        self._again, self._rest, self._pieces = b"", b"", None

    # -- reasons not to read -----------------------------------------------------------------------------------

    @property
    def held(self) -> bool:
        """Whether there is a reason."""
        return bool(self._held_for)

    def hold(self, reason: str) -> None:
        """Stop reading, for one reason more."""
        if not self._held_for and not self._owner.gone:
            self._transport.pauseProducing()
        self._held_for |= {reason}

    def hold_for(self, reason: str, seconds: float) -> None:
        """Stop reading for some time."""
        self.hold(reason)
        self._owner.after(reason, seconds, lambda: self.release(reason))

    def release(self, reason: str) -> None:
        """Go on reading, unless there is another reason not to; what waits is handled first.

        That happens in a turn of its own: nobody's words are handled while a room is being told of something else.
        """
        if reason not in self._held_for:
            return
        self._held_for -= {reason}
        if self._held_for or self._owner.gone:
            return
        if self._waits and reason != "turn":
            self.hold_for("turn", 0)
            return
        if self._waits:
            self._go_on()
        if not self._held_for and not self._owner.gone:
            self._transport.resumeProducing()

    def read_on(self) -> None:
        """Read whatever comes: its owner is gone, and doesn't listen."""
        self._held_for = frozenset()
        self._transport.resumeProducing()

    # -- handling ----------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Handle what was received, as far as this turn goes; the rest waits, and reading with it."""
        share, owner = self._share, self._owner
        while self._waits and not self._held_for and not owner.gone:
            if not share:
                self.hold_for("turn", 0)
                return
            share -= 1
            if owner.arriving:
                rest, self._rest = self._rest, b""
                self._rest = owner.eat(rest)
            else:
                self._handle_next()
        self._tell_if_all_is_said()

    @property
    def _waits(self) -> bool:
        return bool(self._again or self._pieces or self._rest)

    def _handle_next(self) -> None:
        if self._again:
            block, self._again = self._again, b""
            self._owner.handle(block)
            return
        if self._pieces is None:
            block, self._rest = self._rest, b""
            self._pieces = self._owner.read(block)
        piece = next(self._pieces, None)
        if piece is None:
            self._pieces = None
        else:
            self._owner.handle(piece)

    def _tell_if_all_is_said(self) -> None:
        if self.ending and not (self._waits or self._owner.gone):
            self.ending = False
            self._owner.said_all()
