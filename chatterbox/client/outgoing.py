"""What goes out to a hub is handed to the system at once; what the system doesn't take is left to the transport.

Twisted's own `write` waits for the next turn of the reactor, and copies all that is said twice. This module does not
know what is said.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.tcp import Connection


def send_at_once(transport: Any, head: bytes, block: bytes) -> None:
    """Send `head` and `block`, in order, and behind what waits; below TLS the transport alone knows what that is."""
    sent = _send(transport, head, block) if isinstance(transport, Connection) else 0
    if sent < len(head) + len(block):
        transport.write((head + block)[sent:])


def _send(transport: Any, head: bytes, block: bytes) -> int:
    """Return how many bytes the system has taken.

    A failing send is left to the transport: it meets the same error, and ends the connection at a time of its own.
    """
    waits = transport.dataBuffer or transport._tempDataLen
    if waits or transport.disconnecting or not transport.connected:
        return 0
    try:
        sent: int = transport.socket.sendmsg((head, block))
    except OSError:
        return 0
    return sent
