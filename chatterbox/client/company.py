"""A company is who else is in the room, as a session knows it: who is here, who is away, who is waited for.

It tells the outbox whom to speak to, and the hearing who had said all. It does not know what is said, nor links.
"""

from __future__ import annotations

from ..wire.hearing import Hearing
from ..wire.inbox import MOST_HEARD
from ..wire.numbered import LONGEST, Json, stream_in
from ..wire.numbering import Outbox
from .outputs import End, end_in, ends_in, got_in


class Company:
    """The other ends, and the outbox and the hearing that go by them."""

    def __init__(self, outbox: Outbox, hearing: Hearing) -> None:
        self.ends: dict[str, End] = {}
        """By stream."""
        self.partner = ""
        """In a pair, the last one who was there."""
        self.finished = False
        """Whether this end has said all."""
        self.bereft = False
        """Whether the partner went after that: nobody is left to wait for."""
        self.grace = 0.0
        """Seconds for which the hub keeps a seat."""
        self._outbox = outbox
        self._hearing = hearing
        self._missing: dict[str, float] = {}
        """In a larger room: until when an end is waited for that a welcome didn't name."""

    @property
    def due(self) -> list[float]:
        """The moments at which `expire` has something to do."""
        return list(self._missing.values())

    def welcome(self, event: Json, now: float) -> None:
        """Take who is there from a welcome.

        In a pair, who isn't named has left; in a larger room only `left` forgets an end, or the end of the grace.
        """
        ends, left = ends_in(event), event.get("left")
        fate: Json = left if isinstance(left, dict) else {}
        for stream in [stream for stream in self.ends if stream not in ends]:
            if self._outbox.pair:
                self._gone(stream, fate if fate.get("stream") == stream else {})
            else:
                self.ends[stream].away = True
        for stream, end in ends.items():
            end.name = (end.away and self.name_of(stream)) or end.name  # a hub that was restarted makes one up
            self._missing.pop(stream, None)
        self.ends |= ends
        if self._outbox.pair and ends:
            self.partner = next(iter(ends))
        for stream in self._outbox.welcome((stream, not end.away) for stream, end in ends.items() if end.listens):
            self._missing.setdefault(stream, now + self.grace)
        while len(self.ends) > MOST_HEARD:  # a hub may name others each time
            self._gone(next(iter(self.ends)), {})

    def seen(self, event: Json, now: float = 0.0) -> None:
        """Somebody has joined, or is back."""
        stream = stream_in(event)
        if self._outbox.pair:
            for other in [other for other in self.ends if other != stream]:
                self._gone(other, {})
            self.partner = stream
        if stream not in self.ends and len(self.ends) >= MOST_HEARD:
            return
        self._missing.pop(stream, None)
        self.ends[stream] = end_in(event)
        if self.ends[stream].listens:
            self._outbox.meet(stream)

    def away(self, event: Json, now: float = 0.0) -> None:
        """Somebody has lost its link."""
        stream = stream_in(event)
        if stream in self.ends:
            self.ends[stream].away = True
            self._outbox.away(stream)

    def left(self, event: Json, now: float = 0.0) -> None:
        """Somebody is gone for good."""
        self._gone(stream_in(event), event)

    def renamed(self, event: Json, now: float = 0.0) -> None:
        """Somebody has another name."""
        stream = stream_in(event)
        if stream in self.ends:
            self.ends[stream].name = str(event.get("to", ""))[:LONGEST]

    def expire(self, now: float) -> None:
        """Wait no longer for those whose grace is over."""
        for stream in [stream for stream, until in self._missing.items() if now >= until]:
            self._gone(stream, {})

    def moved(self, pair: bool) -> None:
        """This end is in another room: what was said in the last one is settled."""
        for stream in self.ends:
            self._hearing.inbox.part(stream)
        self.ends.clear()
        self._missing.clear()
        self.partner, self.bereft = "", False
        self._outbox.moved(pair)
        self._hearing.forget()

    def name_of(self, stream: str) -> str:
        """Return what an end is called, as far as it is known."""
        return self.ends[stream].name if stream in self.ends else ""

    def _gone(self, stream: str, fate: Json) -> None:
        """Forget `stream`; if it left with `finished`, it knew that all its lines are shown here."""
        self._missing.pop(stream, None)
        if fate.get("finished") is True:
            self._hearing.finish(stream)
        if self.ends.pop(stream, None) and self.finished and stream == self.partner:
            self.bereft = True
        self._outbox.left(stream, got_in(fate))
        self._hearing.inbox.part(stream)
