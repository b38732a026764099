"""Memory is settled once all is loaded: what is there by then stays, and what is freed later is used again.

This module knows Python's and the system's habits, and nothing of a hub or a client.
"""

from __future__ import annotations

import gc

KEPT = 1024 * 1024
"""Bytes of a piece of memory up to which it is used again; twice as many at most wait for that."""


def settle() -> None:
    """Take what is loaded for what stays, and keep what is freed from now on.

    Looking through what stays for circles of garbage cost a hub 11 ms now and then, and a client as much as all else
    that a block costs. And glibc has each piece of 128 KiB or more from the system, which clears it, and gives it back
    when it is free: a block of lines, each time. It stops doing so for what is no larger than the largest piece that
    was ever freed (mallopt(3), M_MMAP_THRESHOLD), so one is, of which no byte is touched.
    """
    gc.freeze()
    bytes(KEPT)
