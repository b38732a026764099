"""A reception is what a connection needs of the one that admitted it.

It is a seam: `Admission` fulfils it, and knows every connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from ..core.hub import Hub
from ..core.peer import Peer
from ..wire.dialects import Dialects
from ..wire.numbered import Json
from ..wire.verbs import Piece
from .glances import Glances
from .row import Row
from .timers import Later

Admitted = TypeVar("Admitted", contravariant=True)
"""A connection."""


class Reception(Protocol[Admitted]):
    """What a connection needs of the one that admitted it."""

    hub: Hub
    dialects: Dialects
    later: Later
    now: Callable[[], float]
    glances: Glances
    silences: Row
    """How long a newcomer may say nothing before it gets a seat."""

    def open_session(self, connection: Admitted, sent: Json) -> bool:
        """Bring a session to its seat; return False where this hub has none."""

    def seated(self, connection: Admitted) -> None:
        """Prepare the welcome of a peer that has a seat now."""

    def cut(self, connection: Admitted) -> None:
        """Keep the seat of a session whose link is gone."""

    def handle(self, connection: Admitted, piece: Piece) -> None:
        """Do what only a session asks."""

    def got(self, peer: Peer, to: str, n: int, private: bool = False) -> None:
        """Pass on that `peer` has got the lines of the end `to` up to `n`."""

    def stream(self) -> str:
        """Return what one more connection is called in numbers and receipts."""

    def seat(self, connection: Admitted) -> None:
        """Ask for the seat that a newcomer wants."""

    def ended(self, connection: Admitted) -> None:
        """Take note that a connection is hung up on."""

    def closed(self, connection: Admitted) -> None:
        """Forget a connection that is closed."""
