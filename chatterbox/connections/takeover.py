"""A takeover is one connection that carries on a peer which had another one before: a session on its new link.

It does not know who may take over.
"""

from __future__ import annotations

from ..core.peer import Peer
from .connection import Connection


def take_over(connection: Connection, peer: Peer) -> None:
    """Let `connection` carry `peer` from now on; the peer that it has is no more."""
    connection.peer.gone = "replaced"
    peer.dialect, peer.address = connection.peer.dialect, connection.peer.address
    connection.peer = peer
    peer.link = connection
    connection.was_seated = True
    connection.open()


def hang_up_replaced(connection: Connection) -> None:
    """Hang up on what `connection` leads to: another link carries the session from now on."""
    connection.peer = Peer(connection.peer.dialect, connection.peer.address)
    connection.peer.link = connection
    connection.peer.end("replaced", "another link carries this conversation now")
