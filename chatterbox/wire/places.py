"""A place is where an end is reached, as people write it: a host and a port.

This module knows how a place is written. It does not know sockets, or whether anybody is there.
"""

from __future__ import annotations


def written(host: str, port: int) -> str:
    """Return `host` and `port` as one types them: 127.0.0.1:5000, or [::1]:5000 where the host has colons itself."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
