"""A receipt says what is known of lines said to one hearer: its machine has them, or perhaps has, or they weren't sent.

Everything is a position in the bytes that were ever queued to that hearer, so lines are counted only where some are not
acknowledged. This module does not know sockets, rooms, or what lines mean.
"""

from __future__ import annotations

from typing import NamedTuple

from ..core.events import Member, Undelivered

KEPT = 256 * 1024
"""Bytes of blocks that are kept for one hearer before the system is asked what was acknowledged."""
BLOCK = 4096
"""Bytes that one kept block counts for beside its text: no more than 64 small ones are kept, some 16 KiB."""
GRAIN = 4096
"""Bytes of blocks that are counted together, once they are too old to be kept."""


_Block = tuple[int, Member, bytes]
"""Lines of one speaker: the position at which they end, whose they are, and themselves. One is made for each line, and
a bare tuple takes a fifth of the time of one with names."""


class _Count(NamedTuple):
    """How many lines of one speaker lie between two positions."""

    start: int
    end: int
    speaker: Member
    lines: int


class Receipts:
    """What was said to one hearer and may not have been acknowledged yet."""

    __slots__ = ("_blocks", "_cost", "_counts")

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._counts: list[_Count] = []
        """What was too old to be kept, and not acknowledged then."""
        self._cost = 0

    def note(self, speaker: Member, data: bytes, end: int) -> bool:
        """Take note that `speaker` has said `data`, whose last byte is at `end`; return whether to `tidy`."""
        self._blocks.append((end, speaker, data))
        self._cost += len(data) + BLOCK
        return self._cost > KEPT

    def tidy(self, acknowledged: int) -> None:
        """Forget what lies before the position `acknowledged`; of the oldest of the rest keep numbers only."""
        self._counts = [count for count in self._counts if count.end > acknowledged]
        self._blocks = [block for block in self._blocks if block[0] > acknowledged]
        self._cost = sum(len(data) + BLOCK for _, _, data in self._blocks)
        old = 0
        while self._cost > KEPT // 2:
            end, speaker, data = self._blocks[old]
            self._cost -= len(data) + BLOCK
            self._count(_Count(end - len(data), end, speaker, data.count(b"\n")))
            old += 1
        del self._blocks[:old]

    def settle(
        self, acknowledged: int, sent: int, only_ending: bool = False, leaver: Member | None = None
    ) -> tuple[Undelivered, ...]:
        """Return what each speaker is to be told, and forget what that is about.

        Args:
            acknowledged: the position up to which the other machine has acknowledged.
            sent: the position up to which all has left the hub.
            only_ending: whether only those are told who have finished, and the leaver.
            leaver: who leaves their room.
        """
        fates: dict[Member, list[int]] = {}
        for start, end, speaker, lines in self._counts:
            if end > acknowledged:
                fate = fates.setdefault(speaker, [0, 0, 0])
                fate[end > sent] += lines
                fate[2] += max(0, min(end, sent) - max(start, acknowledged))
        for end, speaker, data in self._blocks:
            if end > acknowledged:
                start = end - len(data)
                first, second = max(0, acknowledged - start), max(0, sent - start)
                fate = fates.setdefault(speaker, [0, 0, 0])
                fate[0] += data.count(b"\n", first, second)
                fate[1] += data.count(b"\n", second)
                fate[2] += max(0, min(end, sent) - max(start, acknowledged))

        def stays(speaker: Member) -> bool:
            return only_ending and not speaker.finished and speaker is not leaver

        fates = {speaker: fate for speaker, fate in fates.items() if not stays(speaker)}
        self._blocks = [block for block in self._blocks if stays(block[1])]
        self._counts = [count for count in self._counts if stays(count.speaker)]
        self._cost = sum(len(data) + BLOCK for _, _, data in self._blocks)
        return tuple(told for speaker, fate in fates.items() for told in _told(speaker, *fate))

    def _count(self, count: _Count) -> None:
        last = self._counts[-1] if self._counts else None
        if last and last.speaker is count.speaker and count.end - last.start <= GRAIN:
            self._counts[-1] = _Count(last.start, count.end, last.speaker, last.lines + count.lines)
        else:
            self._counts.append(count)


def _told(speaker: Member, unsure: int, sure: int, size: int) -> list[Undelivered]:
    """Return what one speaker is told; keys without a newline are one line."""
    told = [Undelivered(speaker, max(unsure, 1), False, size)] if unsure or (size and not sure) else []
    return told + ([Undelivered(speaker, sure, True)] if sure else [])
