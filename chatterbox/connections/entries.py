"""An entry is one connection as the limits count it, from the moment it is accepted until it is closed.

Most of its life it is somebody's; before that it is unready: its TLS handshake, its proxy's header or its HTTP head has
no end yet. This module counts. It does not know what a connection carries, and time is handed to it.
"""

from __future__ import annotations

from ..core.events import Address
from ..limits import Limits
from .outlet import Transport, abort
from .sources import Sources


class Entry:
    """One accepted connection.

    Args:
        entries: where it is counted.
        transport: what carries its bytes.
    """

    __slots__ = ("_entries", "_transport", "address", "fault")

    def __init__(self, entries: Entries, transport: Transport) -> None:
        self.fault = ""
        """Why it is refused; an empty string where it isn't."""
        self.address: Address | None = None
        """Where the other end is, once that is known."""
        self._entries = entries
        self._transport = transport

    def abort(self) -> None:
        """Close it at once."""
        abort(self._transport)

    def comes_from(self, address: Address, now: float) -> None:
        """Count it for its source, once; what the source is refused for is its fault, unless it has one."""
        if self.address is None:
            self.address = address
            fault = self._entries.sources.admit(address.host, now)
            self.fault = self.fault or fault

    def wait(self) -> None:
        """Take it for unready; the oldest of too many unready ones is aborted."""
        self._entries.wait(self)

    def is_ready(self) -> None:
        """Take it that the other end has done what was waited for."""
        self._entries.unready.pop(self, None)

    def leave(self) -> None:
        """Take it that the connection is closed."""
        if self in self._entries.open:
            del self._entries.open[self]
            self.is_ready()
            if self.address is not None:
                self._entries.sources.release(self.address.host)


class Entries:
    """Every connection that is accepted and not yet closed."""

    def __init__(self, limits: Limits) -> None:
        self.sources = Sources(limits)
        self.open: dict[Entry, None] = {}
        """In order of being accepted."""
        self.unready: dict[Entry, None] = {}
        """Likewise, those which aren't anybody's yet."""
        self._limits = limits

    def accept(self, transport: Transport) -> Entry:
        """Count one more; it is refused where that is too many."""
        entry = Entry(self, transport)
        self.open[entry] = None
        if self._limits.max_peers and len(self.open) > self._limits.max_peers:
            entry.fault = "hub is full"
        return entry

    def wait(self, entry: Entry) -> None:
        """Count `entry` as unready."""
        self.unready[entry] = None
        if len(self.unready) > self._limits.max_unready:
            oldest = next(iter(self.unready))
            oldest.is_ready()
            oldest.abort()
