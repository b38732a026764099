"""A scale is how much of everything a soak does, and a figure is one row of what it has seen."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One row: what was seen, and whether the goal holds (None: there is none)."""

    title: str
    goal: str
    seen: str
    holds: bool | None = None


class Scale(NamedTuple):
    """How much of everything."""

    mib: int = 1024
    """Pumped past a peer who never reads."""
    seconds: float = 5.0
    """For which a pair plays."""
    rounds: int = 3
    cycles: int = 100_000
    """Joins and leaves."""
    idle: int = 10_000
    """Peers who say nothing."""
    peers: int = 1000
    """Who are there when the hub is told to end."""


QUICK = Scale(mib=128, seconds=1.5, rounds=1, cycles=10_000, idle=2000, peers=200)
