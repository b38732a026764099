"""A source is where connections come from: one address, or one /64 of them, and how many it has made.

This module counts. It does not know connections or clocks; times are handed to it.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from ..limits import Limits

RATE_WINDOW = 600.0
"""Seconds over which `Limits.per_source_rate` counts."""


class Sources:
    """Counts connections by source; the longest-idle of too many sources is forgotten first."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seen: OrderedDict[str, list[float]] = OrderedDict()
        """By source: how many are open, how many were made in the window, and when the window began."""

    def admit(self, host: str, now: float) -> str:
        """Count a connection from `host` at `now` (seconds); return why it is refused, or an empty string."""
        limits, source = self._limits, source_of(host)
        if not source or not (limits.per_source or limits.per_source_rate):
            return ""
        row = self._seen.setdefault(source, [0, 0, now])
        self._seen.move_to_end(source)
        if len(self._seen) > limits.max_sources:
            self._seen.popitem(last=False)
        if now - row[2] >= RATE_WINDOW:
            row[1:] = [0, now]
        if limits.per_source and row[0] >= limits.per_source:
            fault = f"{limits.per_source} connections from your address are open already"
        elif limits.per_source_rate and row[1] >= limits.per_source_rate:
            fault = f"{limits.per_source_rate} connections from your address in ten minutes are enough"
        else:
            fault = ""
            row[1] += 1
        row[0] += 1
        return fault

    def release(self, host: str) -> None:
        """Count a connection from `host`, admitted or not, as closed."""
        row = self._seen.get(source_of(host))
        if row:
            row[0] -= 1
            if row[0] <= 0 and not self._limits.per_source_rate:
                del self._seen[source_of(host)]


@lru_cache(1024)  # a burst comes from few
def source_of(host: str) -> str:
    """Return what is counted for `host`: its address, an IPv6 one's /64, or nothing for this very machine."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback:
        return ""
    return str(address if address.version == 4 else ip_network((address, 64), strict=False))
