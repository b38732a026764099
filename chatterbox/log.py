"""The log has one record for each event that is worth an operator's time, and never what people say.

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

from .core.events import Address, Gone, News, Refused, Seated

log = Logger("chatterbox")


class Log:
    """Records what an operator wants to know: two records a connection, however many lines a stranger sends."""

    def happened(self, news: News) -> None:
        """Record a first seat, an end, or a refusal."""
        if isinstance(news, Seated):
            _record("joined", "joined {room!r}: {name!r} from {address}", news.peer.address, news.peer.name, news.room)
        elif isinstance(news, Gone):
            words = "left {room!r}: {name!r} from {address} ({why})"
            _record("left", words, news.peer.address, news.peer.name, news.room, news.why)
        elif isinstance(news, Refused):
            _record("refused", "refused {address} ({why})", news.address, why=news.why)


def _record(event: str, words: str, address: Address, name: str = "", room: str = "", why: str = "") -> None:
    log.info(words, event=event, room=room, name=name, address=str(address), why=why)


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
