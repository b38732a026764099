"""The journal is the hub's log: one record for each event that is worth an operator's time, and never what people say.

What a stranger chose (a name, a room) enters a record only as a field, shown with `!r`: as part of a format it would
be read as one (Twisted's logger would print `{log_source.secret}`), and it could forge a line.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from typing import IO, Any

from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from zope.interface import implementer

from .core.events import Member
from .core.room import Room

log = Logger("chatterbox")


def report(kind: str, room: Room | None = None, peer: Member | None = None, *rest: object) -> None:
    """Record a happening, if an operator wants to know of it."""
    if peer and kind in _RECORDS:
        facts = {"name": peer.name, "address": _place(peer.address), "why": str(rest[0]) if rest else ""}
        event, words = _RECORDS[kind]
        log.info(words, event=event, room=room.name if room else "", **facts)


_RECORDS = {
    "seated": ("joined", "joined {room!r}: {name!r} from {address}"),
    "gone": ("left", "left {room!r}: {name!r} from {address} ({why})"),
    "refused": ("refused", "refused {address} ({why})"),
}
"""A connection's way from room to room is its own affair: two records each, however many lines a stranger sends."""


def _place(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}" if address[1] else "this machine"


@implementer(ILogObserver)
class JsonLog:
    """Writes each record as one JSON object on a line of its own (`--log-json`)."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def __call__(self, event: LogEvent) -> None:
        """Write one record; the logger calls this."""
        when = datetime.fromtimestamp(event["log_time"], timezone.utc)
        row: dict[str, Any] = {"time": when.isoformat(timespec="milliseconds"), "level": event["log_level"].name}
        row |= {key: event[key] for key in ("event", "room", "name", "address", "why") if key in event}
        row["message"] = formatEvent(event)
        if "log_failure" in event:
            row["traceback"] = event["log_failure"].getTraceback()
        self._out.write(json.dumps(row, default=repr) + "\n")
        self._out.flush()


def log_json() -> JsonLog:
    """Return the observer that `twistd --logger chatterbox.log.log_json` asks for."""
    return JsonLog(sys.stdout)
