"""A process is looked at from outside: its memory, its open files, its processor time, with all its children.

The figures are Linux's, from /proc; elsewhere there are none, and `MEASURABLE` says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

MEASURABLE = Path("/proc/self/statm").exists()


def family(pid: int) -> Iterator[int]:
    """Yield `pid` and its descendants."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from family(int(child))


def memory(pid: int) -> int:
    """Return resident bytes, 0 where the system doesn't tell."""
    if not MEASURABLE:
        return 0
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in family(pid))
    return pages * os.sysconf("SC_PAGESIZE")


def open_files(pid: int) -> int:
    """Return how many files a process has open, without its children; this is how to see an accept from outside."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def processor(pid: int) -> float:
    """Return seconds of processor time."""
    ticks = 0
    for one in family(pid) if MEASURABLE else ():
        ticks += sum(map(int, Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")
