"""A frame is what two nodes say to each other about one guest: a kind, the guest's number, and data.

This module lists the kinds, and writes and reads what is more than bytes. It does not know who says them, or when.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import NamedTuple

OPEN, SAY, FINISHED, GONE, TAKEN, BEGAN, SPEAK, LIVES = b"O", b"D", b"F", b"G", b"A", b"B", b"S", b"L"
"""Frames from the guest's node up to the owner: in upper case, since two nodes that visit each other count alike."""
HEAR, PLACE, CLOSE, HANDLED, NOT_MINE, MOVE, REFUSED = b"d", b"n", b"c", b"a", b"x", b"v", b"r"
"""Frames from the owner down to the guest's node."""
SEATED = b"H"
"""A session has a seat at the node that says so; in upper case, about no channel: its stream, digest, try and room."""
TOTAL = struct.Struct(">Q")
"""Bytes since the opening."""
TOTALS = struct.Struct(">QQ")
"""Bytes since the opening: taken, and acknowledged by the guest's machine."""

Send = Callable[[bytes, int, bytes], None]
"""Say one frame: kind, channel, data."""


class Place(NamedTuple):
    """Where a guest sits, as its node is told: beside whom, too, in a pair."""

    room: str = ""
    name: str = ""
    """Its name there."""
    wish: str = ""
    """The name that it asked for."""
    partner: str = ""
    """The name of the other end, as far as the guest is told."""
    stream: str = ""
    """What that one is called in numbers."""
    session: str = ""
    """What the end that is there now is called in numbers, if it has a session: its seat is kept for it."""
    left: str = ""
    """Not empty where the partner isn't there any more, which the guest isn't told yet."""

    def encode(self) -> bytes:
        """Return it as bytes of a frame."""
        return json.dumps(self).encode()


class Opening(NamedTuple):
    """What an owner needs to know of a guest."""

    room: str
    name: str
    """The name it asked for."""
    dialect: str
    host: str = ""
    port: int = 0
    is_back: bool = False
    """Whether it had a seat in this room, whose owner is gone."""
    session: str = ""
    """The hello of its session, where it has one, with a digest in place of the secret."""
    had: str = ""
    """The name that it had in this room."""
    came_from: str = ""
    """The room that it left to come here, and goes back to if it is refused."""
    partner: str = ""
    """The name of the other end, where it sat with one other in this room."""
    stream: str = ""
    """What that one is called in numbers."""
    is_left: bool = False
    """Whether that one had left before the owner was gone, of which the guest is told by now."""

    def encode(self) -> bytes:
        """Return it as bytes of a frame."""
        return json.dumps(self).encode()


def opening_of(data: bytes) -> Opening | None:
    """Return the opening that `data` is, or None if it is none."""
    try:
        opening = Opening(*json.loads(data))
    except (ValueError, TypeError):
        return None
    kinds = (str, str, str, str, int, bool, str, str, str, str, str, bool)
    return opening if all(isinstance(value, kind) for value, kind in zip(opening, kinds)) else None


def words_of(data: bytes, count: int) -> list[str]:
    """Return the words that a frame tells; so many empty ones if it tells others."""
    try:
        words = json.loads(data)
    except ValueError:
        words = None
    is_good = isinstance(words, list) and len(words) == count and all(isinstance(word, str) for word in words)
    return list(words) if words and is_good else [""] * count


def total_of(data: bytes) -> int:
    """Return the number that a frame tells; 0 if it tells none."""
    return int(TOTAL.unpack(data)[0]) if len(data) == TOTAL.size else 0
