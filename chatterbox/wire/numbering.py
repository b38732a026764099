"""An outbox is what one end has said and the others haven't got yet; `inbox` is how far one end has heard the others.

Both ends of a conversation have one of each: a session's client has them itself, and the hub's agent has them for a
plain peer. Lines are numbered for each pair of speaker and addressee, kept until they are got, and repeated when the
other end is seen again, at no other time. An outbox does not know links, names or time.

| call of `Outbox` | when |
|---|---|
| `say`, `finish` | its end says lines (not while `full`); its end says that it has said all |
| `welcome(ends)`, `lost()` | the hub has welcomed it and named who is there; the link is gone |
| `meet(stream, here)`, `away(stream)`, `left(stream, got)` | somebody joined or came back; lost its link; is gone |
| `got(stream, n, private)`, `dropped(n, to, private)` | lines up to `n` are shown; line `n` was too long |
| `moved(pair)` | it sits in another room now |
| `drain()` | after each of these: returns what to send, in order, and what became of its lines |
"""

from __future__ import annotations

from collections.abc import Iterable

from .lane import GOT, UNSENT, UNSURE, Block, Lane, Ledger, Outcome
from .numbered import Numbered
from .text import lines_in

__all__ = ["AGENT_LIMIT", "GOT", "Outbox", "Outcome", "SESSION_LIMIT", "UNSENT", "UNSURE"]

KIB = 1024
SESSION_LIMIT = 768 * KIB
"""Bytes that a session keeps un-got: what a link of 60 Mbit/s carries in 100 ms, and three blocks of a program."""
AGENT_LIMIT = 256 * KIB
"""Bytes that the hub keeps for a plain peer: four reads, the next of which come while the first are acknowledged."""
REMEMBERED = 64
"""Streams that have left whose counts are remembered; of those who are here each one is."""


class Outbox:
    """What one end has said, on its way to one partner, or to everyone in a larger room.

    Args:
        limit: bytes that are kept at most.
        pair: whether it speaks to one partner, and waits for one; else to whoever is there.
    """

    def __init__(self, limit: int = SESSION_LIMIT, pair: bool = True) -> None:
        self.pair = pair
        self.partner = ""
        """The stream of the one that a pair's lines go to; empty: nobody is there."""
        self.open = False
        """Whether there is a link to send on."""
        self.said = 0
        """How many lines this end has said, ever."""
        self._limit = limit
        self._ledger = Ledger()
        self._free: list[Block] = []
        """Lines of a pair that nobody is there for."""
        self._everyone = Lane(self._ledger)
        self._lanes: dict[tuple[str, bool], Lane] = {}
        """The lane to a pair's partner, or those of private lines in a larger room."""
        self._counts: dict[tuple[str, bool], tuple[int, int]] = {}
        """The next number and the last that was got, for those who aren't there."""
        self._floor = 1
        """Where the count of a stream begins that isn't remembered."""

    # -- what its owner asks ------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._ledger.size

    @property
    def full(self) -> bool:
        """Whether nothing more should be said for now; in a larger room nobody is waited for."""
        return self.pair and self._ledger.size >= self._limit

    @property
    def ahead(self) -> int:
        """In a larger room: the bytes that even the fastest of those who are here hasn't got yet."""
        return 0 if self.pair else self._everyone.ahead

    @property
    def settled(self) -> bool:
        """Whether no line waits to be got; that this end has finished needs no answer."""
        return all(block.kind == "done" for block in self._kept())

    @property
    def empty(self) -> bool:
        """Whether nothing at all waits to be got."""
        return not self._kept()

    @property
    def partner_is_here(self) -> bool:
        """Whether a pair's partner is there, and has its link."""
        lanes = self._lanes_of(self.partner)
        return bool(lanes) and all(lane.ends[self.partner].here for lane in lanes)

    def _kept(self) -> list[Block]:
        return [*self._free, *(block for lane in self._all_lanes() for block in lane.blocks)]

    def drain(self) -> tuple[list[Numbered], list[Outcome]]:
        """Return what is to be sent now, and what became of lines since the last call."""
        ledger = self._ledger
        drained = ledger.sends, ledger.outcomes
        ledger.sends, ledger.outcomes = [], []
        return drained

    # -- what its end says --------------------------------------------------------------------------------------

    def say(self, data: bytes, kind: str = "say", to: str = "") -> int:
        """Say whole lines, one deed (`me`), or one private line (`msg`) `to` a stream; return the first one's mark."""
        block = Block(kind, data, lines_in(data), self.said)
        self.said += block.lines
        lane = self._lane_for(kind, to)
        if lane:
            self._put(lane, block)
        elif self.pair and not self.partner and not to:
            self._keep_free(block)
        else:
            self._ledger.tell(UNSENT, block.mark, block.lines)
        return block.mark

    def refuse(self, lines: int = 1) -> None:
        """Lines that no hub takes get no number; that they aren't delivered is told."""
        self._ledger.tell(UNSENT, self.said, lines)
        self.said += lines

    def finish(self) -> None:
        """Say that this end has said all; in a pair only, and once."""
        block = Block("done", b"", 1, self.said)
        lane = self._lane_for("done", "")
        if lane:
            self._put(lane, block)
        else:
            self._keep_free(block)

    def _keep_free(self, block: Block) -> None:
        self._free.append(block)
        self._ledger.size += block.cost

    def _lane_for(self, kind: str, to: str) -> Lane | None:
        if self.pair:
            return self._lanes.get((self.partner, False)) if to in ("", self.partner) else None
        if kind != "msg":
            return self._everyone if self._everyone.ends else None
        if to not in self._everyone.ends:
            return None
        lane = self._lanes.get((to, True))
        if lane is None:
            lane = self._open_lane(to, private=True)
            lane.ends[to].here = self._everyone.ends[to].here
        return lane

    def _open_lane(self, stream: str, private: bool) -> Lane:
        """Make the lane to `stream`; a stream that is met again goes on where its count was."""
        following, got = self._counts.pop((stream, private), (self._floor, self._floor - 1))
        lane = self._lanes[stream, private] = Lane(self._ledger, stream, private, following)
        lane.join(stream, got)
        return lane

    def _put(self, lane: Lane, block: Block) -> None:
        lane.put(block, self.open)
        if self.pair or self._ledger.size <= self._limit:
            return
        for other in sorted(self._all_lanes(), key=lambda other: -other.size):  # nobody waits: the oldest are given up
            other.give_up(self._ledger.size - self._limit, spared=other is lane)
            if self._ledger.size <= self._limit:
                break

    # -- who is there -------------------------------------------------------------------------------------------

    def welcome(self, ends: Iterable[tuple[str, bool]]) -> list[str]:
        """A link is up, and these streams are in the room (True: here, False: away).

        In a pair, a partner who isn't among them has left. In a larger room they are returned: the owner waits
        for the grace, and then says that they have `left`.
        """
        self.open = True
        named = dict(ends)
        missing = [stream for stream in self._streams() if stream not in named]
        for stream in missing:
            self.away(stream)
            if self.pair:
                self.left(stream)
        for stream, here in named.items():
            self.meet(stream, here)
        return [] if self.pair else missing

    def lost(self) -> None:
        """The link is gone: nothing is sent until the next welcome."""
        self.open = False

    def meet(self, stream: str, here: bool = True) -> None:
        """`stream` is in the room: repeat what it hasn't got. In a pair it is the partner from now on."""
        if self.pair:
            self._meet_partner(stream)
        elif stream not in self._everyone.ends:
            self._everyone.join(stream, self._everyone.next - 1)
        for lane in self._lanes_of(stream):
            lane.ends[stream].here = here
            lane.ends[stream].introduced = False
            if here and self.open:
                lane.repeat(stream)

    def _meet_partner(self, stream: str) -> None:
        if stream == self.partner:
            return
        self.left(self.partner)
        self.partner = stream
        lane = self._open_lane(stream, private=False)
        free, self._free = self._free, []
        for block in free:
            self._ledger.size -= block.cost
            lane.put(block, open_=False)

    def away(self, stream: str) -> None:
        """`stream` has lost its link."""
        for lane in self._lanes_of(stream):
            lane.ends[stream].here = False

    def left(self, stream: str, got: int = 0) -> None:
        """`stream` is gone, and had got the lines up to `got`; what it hadn't is told."""
        self.got(stream, got)
        for lane in self._lanes_of(stream):
            last = lane.leave(stream)
            if lane is not self._everyone:
                del self._lanes[stream, lane.private]
                self._remember(stream, lane.private, lane.next, last)
        if stream == self.partner:
            self.partner = ""

    def moved(self, pair: bool) -> None:
        """This end sits in another room, which is a `pair` or not: whatever it said in the last one is settled."""
        self._everyone.leave_all()
        for stream, _ in tuple(self._lanes):
            self.left(stream)
        for block in self._free:
            if block.kind != "done":
                self._ledger.size -= block.cost
                self._ledger.tell(UNSENT, block.mark, block.lines)
        self._free = [block for block in self._free if block.kind == "done"]
        if pair != self.pair:  # the hub's mode has changed: no number of one count may be taken for the other's
            self.pair = pair
            following = max([self._everyone.next, self._floor, *(count[0] for count in self._counts.values())])
            self._counts.clear()
            self._floor = self._everyone.next = following

    def _remember(self, stream: str, private: bool, following: int, got: int) -> None:
        if following == self._floor:
            return
        self._counts[stream, private] = (following, got)
        if len(self._counts) > REMEMBERED:
            forgotten, _ = self._counts.pop(next(iter(self._counts)))
            self._floor = max(self._floor, forgotten)

    def _streams(self) -> list[str]:
        if self.pair:
            return [self.partner] if self.partner else []
        return list(self._everyone.ends)

    def _lanes_of(self, stream: str) -> list[Lane]:
        lanes = (self._everyone, self._lanes.get((stream, False)), self._lanes.get((stream, True)))
        return [lane for lane in lanes if lane and stream in lane.ends]

    def _all_lanes(self) -> tuple[Lane, ...]:
        return (self._everyone, *self._lanes.values())

    def got(self, stream: str, n: int, private: bool = False) -> None:
        """`stream` has shown all lines up to `n`."""
        lane = self._lane_of(stream, private)
        if lane:
            lane.got(stream, n)

    def dropped(self, n: int, to: str = "", private: bool = False) -> None:
        """The hub has dropped line `n` to a stream, or to everyone: it was too long."""
        lane = self._lane_of(to, private)
        if lane:
            lane.dropped(n)

    def _lane_of(self, stream: str, private: bool) -> Lane | None:
        return self._everyone if not (self.pair or private) else self._lanes.get((stream, private))
