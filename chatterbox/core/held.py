"""Held is what was said in a room while nobody was there to hear it, in order.

It is bounded in bytes and in objects. It does not know who comes, or how much may be held.
"""

from __future__ import annotations

from .events import Member, Said, Typed

OBJECT = 128
"""Bytes that each held block costs beside its text."""
MERGED = 4096
"""Bytes up to which what one peer says bit by bit is held as one block."""


class Held:
    """Blocks of lines, and in mode `talk` keys."""

    __slots__ = ("events", "size")

    def __init__(self) -> None:
        self.events: list[Said | Typed] = []
        self.size = 0
        """Bytes that it costs."""

    def keep(self, event: Said | Typed) -> None:
        """Hold `event`, with what the same peer said just before where that is little."""
        last = self.events[-1] if self.events else None
        if last and type(last) is type(event) and last.peer is event.peer and len(last[1]) + len(event[1]) <= MERGED:
            self.events[-1] = type(event)(event.peer, last[1] + event[1])
            self.size += len(event[1])
        else:
            self.events.append(event)
            self.size += len(event[1]) + OBJECT

    def lines_of(self, peer: Member) -> int:
        """Return how many lines of `peer` are held; keys without a newline are one line."""
        return sum(max(1, event[1].count(b"\n")) for event in self.events if event.peer is peer)

    def take(self, peer: Member | None = None) -> list[Said | Typed]:
        """Return what is held, of `peer` or of everybody, and hold it no longer."""
        if not self.events:
            return []
        taken = [event for event in self.events if peer is None or event.peer is peer]
        self.events = [event for event in self.events if peer is not None and event.peer is not peer]
        self.size = sum(len(event[1]) + OBJECT for event in self.events)
        return taken
