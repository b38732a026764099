"""An agent is what speaks the numbers for a plain peer: the hub keeps, repeats and acknowledges in its place.

It has the outbox and the inbox that a session's client has. It does not know what its peer's dialect looks like, nor
rooms; it writes nothing.

| call | when |
|---|---|
| `say(block, kind, to)`, `finish()` | the peer says lines; it has sent its FIN. While `full`, it isn't read |
| `outbox.meet`, `.away`, `.left`, `.moved`, `.got` | somebody joins or is back, is away, leaves; it moves; a `got` |
| `hear(stream, thing, now)` | somebody speaks to it: write the `thing` if it has lines, a notice if any were `missed` |
| `wrote(total)` | a thing that has lines is queued; `total`: bytes queued to the peer since it came |
| `taken(total, now)` | its machine has acknowledged `total` bytes |
| `gots(now)` | at `due`, and after `taken`; returns what to tell the speakers |
| `drain()` | after each of these; returns what to route, and what became of the peer's lines |

A plain peer that has finished keeps its seat until `over`, or until the grace has passed.
"""

from __future__ import annotations

from collections import deque

from ..wire.hearing import Hearing
from ..wire.inbox import Got, Heard
from ..wire.numbered import Numbered
from ..wire.numbering import AGENT_LIMIT, Outbox, Outcome


class Agent:
    """The numbers of one plain peer.

    Args:
        stream: what its peer is called in them: 16 random hexadecimal digits, new for each connection.
        pair: whether its room is a pair.
        limit: bytes of what its peer says that are kept.
    """

    def __init__(self, stream: str, pair: bool = True, limit: int = AGENT_LIMIT) -> None:
        self.stream = stream
        self.outbox = Outbox(limit, pair)
        self.outbox.open = True
        self.finished = False
        self.hearing = Hearing()
        self._written: deque[int] = deque()
        """For each thing that waits for its peer's machine: the bytes queued up to its end."""

    @property
    def full(self) -> bool:
        """Whether its peer isn't to be read for now."""
        return self.outbox.full

    @property
    def over(self) -> bool:
        """Whether its peer has said all, and everybody has got it."""
        return self.finished and self.outbox.empty

    @property
    def unacknowledged(self) -> bool:
        """Whether its machine has not acknowledged yet all that was written."""
        return self.hearing.waits

    def say(self, block: bytes, kind: str = "say", to: str = "") -> None:
        """The peer says whole lines, does something (`me`), or says one line to one end (`msg`)."""
        self.outbox.say(block, kind, to)

    def finish(self) -> None:
        """The peer has said all: a FIN is its `done`."""
        if not self.finished:
            self.finished = True
            if self.outbox.pair:
                self.outbox.finish()

    def hear(self, stream: str, thing: Numbered, now: float) -> Heard:
        """Return what of `thing` is to be written to the peer, if it has lines, and how many were missed before it.

        It is got when the peer's machine has taken it.
        """
        heard = self.hearing.take(stream, thing, now) or Heard(thing._replace(lines=0))
        return heard._replace(thing=heard.thing._replace(lines=0)) if thing.kind == "missing" else heard

    def wrote(self, total: int) -> None:
        """What `hear` returned is queued, as the last of `total` bytes."""
        self._written.append(total)

    def taken(self, total: int, now: float, most: int = 0) -> int:
        """The peer's machine has acknowledged `total` bytes; return how many things those were, at `most` (0: any)."""
        count = 0
        while self._written and self._written[0] <= total and not count == most > 0:
            self._written.popleft()
            count += 1
        self.hearing.shown(count, now)
        return count

    @property
    def due(self) -> float | None:
        """When `gots` has something to tell, at the latest."""
        return self.hearing.inbox.due

    def gots(self, now: float, idle: bool = False) -> list[Got]:
        """Return what to tell the speakers now: of much at once."""
        return self.hearing.gots(now, idle)

    def drain(self) -> tuple[list[Numbered], list[Outcome]]:
        """Return what is to be routed, and what became of the peer's lines."""
        return self.outbox.drain()
