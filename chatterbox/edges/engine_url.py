"""An engine's URL says where the engine is, and how it is used; its password comes from elsewhere.

This module reads both. It does not know how the engine is spoken to.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint

from ..cluster.engine import PATIENCE

WIRE = 1
"""Version of what is said between nodes, in every key: nodes of different versions never meet."""
CONNECT = 3.0
"""Seconds that a connection may take to be made."""
PASSWORD = "CHATTERBOX_ENGINE_PASSWORD"
CREDENTIAL = "engine-password"
"""A file of systemd's credentials that holds the password."""


class Place(NamedTuple):
    """What an engine's URL says."""

    scheme: str
    host: str
    """Or the path of a unix socket."""
    port: int
    user: str
    db: int
    prefix: str
    patience: float


def place_of(url: str) -> Place:
    """Return what `url` says.

    Raises:
        ValueError: it can't be right, and why.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "valkey", "redis+unix"):
        raise ValueError("it begins with none of redis:// rediss:// valkey:// redis+unix://")
    if parts.password is not None:
        raise ValueError(f"a password on a command line can be seen by everybody here: put it into {PASSWORD}")
    is_unix = parts.scheme == "redis+unix"
    wishes = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    db = wishes.pop("db", "0") if is_unix else parts.path.strip("/") or "0"
    prefix, patience = wishes.pop("prefix", "cb"), wishes.pop("patience", f"{PATIENCE:g}")
    if wishes:
        raise ValueError(f"it knows no {', '.join(wishes)}: only patience, prefix{', db' if is_unix else ''}")
    if not db.isdigit():
        raise ValueError(f"{db} is no number of a database")
    try:
        port, seconds = parts.port or 6379, float(patience)
    except ValueError as fault:
        raise ValueError(str(fault)) from None
    if not 1 <= seconds <= 600:
        raise ValueError(f"a patience of {patience} s is not between 1 and 600")
    host = unquote(parts.path) if is_unix else parts.hostname or "127.0.0.1"
    return Place(parts.scheme, host, port, unquote(parts.username or ""), int(db), f"{{{prefix}{WIRE}}}:", seconds)


def password_of(environ: Mapping[str, str] = os.environ) -> str:
    """Return the engine's password: from the environment, or from systemd's credentials."""
    if PASSWORD in environ:
        return environ[PASSWORD]
    path = Path(environ.get("CREDENTIALS_DIRECTORY", ""), CREDENTIAL)
    return path.read_text().rstrip("\n") if "CREDENTIALS_DIRECTORY" in environ and path.is_file() else ""


def endpoint_of(place: Place, reactor: Any) -> IStreamClientEndpoint:
    """Return where to connect to."""
    if place.scheme == "redis+unix":
        return UNIXClientEndpoint(reactor, place.host, CONNECT)
    endpoint = HostnameEndpoint(reactor, place.host, place.port, CONNECT)
    if place.scheme != "rediss":
        return endpoint
    from twisted.internet.ssl import optionsForClientTLS

    return wrapClientTLS(optionsForClientTLS(place.host), endpoint)
