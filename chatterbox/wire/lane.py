"""A lane is one count of a speaker: lines in order, kept until each of their addressees has got them.

It numbers, repeats and releases. It does not know who comes and goes (that is `numbering`), links, or time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .numbered import Numbered, after_lines

BLOCK_COST = 128
"""Bytes that a kept block counts for beside its text: what its object takes, so empty lines are bounded, too."""
LARGEST_BLOCK = 256 * 1024
"""Bytes of lines that a program says at once, unless a single one has more: a read, and the rest of a line."""
LARGEST_SAY = 64 * 1024
"""Bytes of text that one repeat carries at most, unless a single block was larger."""

GOT = "got"
UNSENT = "not delivered"
UNSURE = "perhaps not delivered"


class Outcome(NamedTuple):
    """What became of lines: `lines` of them, from the `first` that this end ever said (the first is number 0)."""

    word: str
    first: int
    lines: int


@dataclass(slots=True)
class Ledger:
    """What all lanes of one speaker write into: what to send, what became of lines, and how much is kept."""

    sends: list[Numbered] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    size: int = 0
    """Bytes that are kept."""

    def tell(self, word: str, first: int, lines: int) -> None:
        """Note what became of lines; neighbours with the same fate are told as one."""
        if lines <= 0:
            return
        before = self.outcomes[-1] if self.outcomes else Outcome("", 0, 0)
        if before.word == word and before.first + before.lines == first:
            self.outcomes[-1] = before._replace(lines=before.lines + lines)
        else:
            self.outcomes.append(Outcome(word, first, lines))


@dataclass(slots=True)
class Block:
    """Lines that were said at once."""

    kind: str
    data: bytes
    lines: int
    mark: int
    """How many lines this end had said before these."""
    n: int = 0
    sent: bool = False
    heard: int = 0
    """The last number that somebody has got."""

    @property
    def last(self) -> int:
        """The number of its last line."""
        return self.n + self.lines - 1

    @property
    def cost(self) -> int:
        """Bytes that it counts for."""
        return len(self.data) + BLOCK_COST


@dataclass(slots=True)
class End:
    """One addressee."""

    got: int
    here: bool = True
    introduced: bool = False
    """Whether it was told, since it was last seen again, how many lines were given up for it."""


class Lane:
    """One count.

    Args:
        ledger: what the lanes of one speaker share.
        to: the stream that all of it is for; empty: everyone in the room.
        private: whether it is the count of private lines in a larger room.
        following: the number of the next line.
    """

    def __init__(self, ledger: Ledger, to: str = "", private: bool = False, following: int = 1) -> None:
        self.to = to
        self.private = private
        self.next = following
        self.ends: dict[str, End] = {}
        self.blocks: list[Block] = []
        self.size = 0
        self._released = following - 1
        """Everything up to this number is got or given up, and told."""
        self._behind = 0
        """How many addressees have got nothing beyond that: while there are any, nothing more is released."""
        self._dropped: set[int] = set()
        """Numbers of kept lines that the hub dropped."""
        self._ledger = ledger

    @property
    def ahead(self) -> int:
        """Bytes that none of those who are here has got yet; of a block got in part its share, by its lines."""
        best = max((end.got for end in self.ends.values() if end.here), default=self.next)
        size = 0
        for block in reversed(self.blocks):
            left = block.last - max(best, block.n - 1)
            if left <= 0:
                break
            size += block.cost * left // block.lines
        return size

    def dropped(self, n: int) -> None:
        """The hub has dropped line `n`, since it was too long: whoever gets what follows has not got this."""
        if self._released < n < self.next:
            self._dropped.add(n)

    def join(self, stream: str, got: int) -> None:
        """`stream` is an addressee from now on, and is owed the lines after `got`."""
        if not self.ends:
            self._released, self._behind = self.next - 1, 0
        self.ends[stream] = End(got)
        self._behind += got <= self._released

    def put(self, block: Block, open_: bool) -> None:
        """Number `block`, keep it, and send it if there is a link and somebody to take it."""
        block.n = self.next
        self.next += block.lines
        self.blocks.append(block)
        self._grow(block.cost)
        if open_ and any(end.here for end in self.ends.values()):
            self._send(self.to, [block], block.n, self.ends.get(self.to))

    def give_up(self, size: int, spared: int) -> None:
        """Forget the oldest blocks, of `size` bytes at least, but for the `spared` youngest; what they were is told."""
        count = 0
        for block in self.blocks[: len(self.blocks) - spared]:
            if size <= 0:
                break
            size -= block.cost
            count += 1
            self._grow(-block.cost)
            first = max(block.n, self._released + 1)
            self._ledger.tell(UNSURE if block.sent else UNSENT, block.mark + first - block.n, block.last - first + 1)
            self._released = max(self._released, block.last)
        del self.blocks[:count]
        self._count()

    def got(self, stream: str, n: int) -> None:
        """`stream` has shown all lines up to `n`; a number that was never sent, or is old, says nothing."""
        end = self.ends.get(stream)
        if end is None or not end.got < n < self.next:
            return
        for block in reversed(self.blocks):
            if block.last <= end.got:
                break
            if block.n <= n:
                block.heard = max(block.heard, min(n, block.last))
        before, end.got = end.got, n
        self._move_on(before)

    def leave(self, stream: str) -> int:
        """Nobody waits for `stream` any more; return the last number that it has got."""
        end = self.ends.pop(stream)
        self._move_on(end.got)
        return end.got

    def leave_all(self) -> None:
        """Nobody waits for anybody any more: as `leave` for each, which would look through the others each time."""
        self.ends.clear()
        self._release()

    def _move_on(self, before: int) -> None:
        """Take it that nobody waits any more for one who had got the lines up to `before`."""
        self._behind -= before <= self._released
        if self._behind <= 0:
            self._release()

    def _count(self) -> None:
        self._behind = sum(end.got <= self._released for end in self.ends.values())

    def _release(self) -> None:
        """Forget the lines that nobody is waited for, and tell what became of them."""
        upto = min((end.got for end in self.ends.values()), default=self.next - 1)
        whole = 0
        for block in self.blocks:
            if block.n > upto:
                break
            self._tell(block, max(block.n, self._released + 1), min(block.last, upto))
            if block.last <= upto:
                self._grow(-block.cost)
                whole += 1
        del self.blocks[:whole]
        self._released = max(self._released, upto)
        self._count()

    def _tell(self, block: Block, first: int, last: int) -> None:
        if block.kind == "done":
            return
        for n in sorted(n for n in self._dropped if first <= n <= last):
            self._dropped.discard(n)
            self._tell(block, first, n - 1)
            self._ledger.tell(UNSENT, block.mark + n - block.n, 1)
            first = n + 1
        heard = max(0, min(last, block.heard) - first + 1)
        mark = block.mark + first - block.n
        self._ledger.tell(GOT, mark, heard)
        self._ledger.tell(UNSURE if block.sent else UNSENT, mark + heard, last - first + 1 - heard)

    def repeat(self, stream: str) -> None:
        """Send `stream`, which is seen again, what it hasn't got.

        The first thing says how many lines before it were given up. To one of many it is sent also where there is no
        line to repeat ("from here on"): else the next line to everyone would be ahead of its count.
        """
        end = self.ends[stream]
        end.introduced = False
        n = max(end.got + 1, self.blocks[0].n if self.blocks else self.next)
        blocks = [block for block in self.blocks if block.last >= n]
        if not blocks and not self.to:
            end.introduced = True
            self._ledger.sends.append(Numbered("say", n, lines=0, to=stream, gap=n - 1 - end.got))
        start = 0
        while start < len(blocks):
            stop = _one_say(blocks, start)
            self._send(stream, blocks[start:stop], n, end)
            n = blocks[stop - 1].last + 1
            start = stop

    def _send(self, to: str, blocks: list[Block], n: int, end: End | None) -> None:
        """Send the lines of `blocks` from number `n` on; to one `end`, the first time with its gap."""
        gap = None
        if end and not end.introduced:
            gap = n - 1 - end.got
            end.introduced = True
        for block in blocks:
            block.sent = True
        data = blocks[0].data if len(blocks) == 1 else b"".join(block.data for block in blocks)
        if skip := n - blocks[0].n:
            data = after_lines(data, skip)
        lines = blocks[-1].last - n + 1
        self._ledger.sends.append(Numbered(blocks[0].kind, n, data, lines, to, gap, self.private))

    def _grow(self, size: int) -> None:
        self.size += size
        self._ledger.size += size


def _one_say(blocks: list[Block], start: int) -> int:
    """Return the end of the run of blocks from `start` that one `say` can carry."""
    stop, size = start + 1, len(blocks[start].data)
    while stop < len(blocks) and blocks[start].kind == "say" == blocks[stop].kind:
        size += len(blocks[stop].data)
        if size > LARGEST_SAY:
            break
        stop += 1
    return stop
