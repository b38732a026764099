"""A name is what a member of a room is called: what it asked for, or what the mode makes names of.

This module proposes names; which of them are free is the room's to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from ..wire.names import numbered
from .events import Member
from .modes import Mode

LETTERS = "XYZABCDEFGHIJKLMNOPQRSTUVW"


def names_for(mode: Mode, peer: Member, numbers: Iterator[int], limit: int) -> Iterator[str]:
    """Yield names for `peer`, the best first; the room takes the first one that is free.

    Args:
        numbers: what is put behind a name that is not free.
        limit: characters of a name that is asked for.
    """
    if mode.label == "letter":
        yield from LETTERS
        base = "X"
    elif mode.label in ("port", "address") and peer.address.port:
        base = str(peer.address.port) if mode.label == "port" else str(peer.address)
        yield base
    elif peer.wanted_name:
        yield peer.wanted_name
        yield from (numbered(peer.wanted_name, number, limit) for number in count(2))
    else:
        base = "guest"
    for number in numbers:
        yield f"{base}-{number}"
