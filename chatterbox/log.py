"""The log is one record for each event that is worth an operator's time, and never what people say.

What a stranger chose (a name, a room) enters a record only as a field, shown with `!r`: as part of a format it would
be read as one (Twisted's logger would print `{log_source.secret}`), and it could forge a line. A record that can't be
written is dropped and counted; it holds up nobody. This module does not know when something happens.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import IO, Any, Protocol, cast

from twisted.logger import (
    ILogObserver,
    LogEvent,
    Logger,
    LogLevel,
    formatEvent,
    formatEventAsClassicLogText,
    textFileLogObserver,
)
from zope.interface import implementer

from .core.events import Address, Gone, News, Refused, Seated
from .edges.writer import Writer

STDOUT, STDERR = 1, 2
_CERTIFICATES = "twisted.internet._sslverify"
"""Where Twisted logs a certificate that it can't read, as a fault of its own: whoever refuses such a one says why."""

log = Logger("chatterbox")


class Log:
    """Records what an operator wants to know: two records a connection, however many lines a stranger sends."""

    def happened(self, news: News) -> None:
        """Record a first seat, an end, or a refusal."""
        if isinstance(news, Seated):
            _record("joined", "joined {room!r}: {name!a} from {address}", news.peer.address, news.peer.name, news.room)
        elif isinstance(news, Gone):
            words = "left {room!r}: {name!a} from {address} ({why})"
            _record("left", words, news.peer.address, news.peer.name, news.room, news.why)
        elif isinstance(news, Refused):
            _record("refused", "refused {address} ({why})", news.address, why=news.why)


def _record(event: str, words: str, address: Address, name: str = "", room: str = "", why: str = "") -> None:
    log.info(words, event=event, room=room, name=name, address=str(address), why=why)


# -- where records go ------------------------------------------------------------------------------------------------


class Records(Protocol):
    """A file of records: each is written at once, as text that ends in a newline."""

    def write(self, text: str) -> object:
        """Write one record."""

    def flush(self) -> object:
        """Keep none back."""


class WaitingFile:
    """A file of records that wait for whoever reads it, while the hub doesn't.

    Args:
        fd: the file.
        missed: returns the record that counts those which were dropped.
    """

    encoding = "utf-8"

    def __init__(self, fd: int, missed: Callable[[int], str]) -> None:
        self._writer = Writer(fd, lambda count: missed(count).encode())

    def write(self, text: str) -> None:
        """Write one record, soon."""
        self._writer.write(text.encode(errors="backslashreplace"))

    def flush(self) -> None:
        """Nothing is kept back."""


def _missed_event(count: int) -> LogEvent:
    words = "{count} records dropped: what they were written to took no more"
    level, namespace = LogLevel.warn, "chatterbox.log"
    return {
        "log_time": time.time(), "log_level": level, "log_namespace": namespace, "log_format": words, "count": count,
    }  # fmt: skip


def text_file(fd: int) -> WaitingFile:
    """Return a file for records as Twisted writes them."""
    return WaitingFile(fd, lambda count: formatEventAsClassicLogText(_missed_event(count)) or "")


def json_file(fd: int) -> WaitingFile:
    """Return a file for records as `JsonLog` writes them."""
    return WaitingFile(fd, lambda count: json_record(_missed_event(count)))


def stderr_log(as_json: bool, only_warnings: bool) -> ILogObserver:
    """Return what `chatterbox serve` logs with, on stderr; of Twisted's own records it takes the warnings only."""
    text = textFileLogObserver(cast(IO[str], text_file(STDERR)))
    write: Callable[[LogEvent], None] = JsonLog(json_file(STDERR)) if as_json else text

    def write_if_wanted(event: LogEvent) -> None:
        origin = str(event.get("log_namespace", ""))
        if origin == _CERTIFICATES:
            return
        is_ours = origin.startswith("chatterbox")
        least = LogLevel.warn if only_warnings or not is_ours else LogLevel.info
        if event.get("log_level", LogLevel.info) >= least or event.get("isError"):
            write(event)

    return cast(ILogObserver, write_if_wanted)


@implementer(ILogObserver)
class JsonLog:
    """Writes each record as one JSON object on a line of its own (`--log-json`)."""

    def __init__(self, out: Records) -> None:
        self._out = out

    def __call__(self, event: LogEvent) -> None:
        """Write one record; the logger calls this."""
        self._out.write(json_record(event))
        self._out.flush()


def json_record(event: LogEvent) -> str:
    """Return `event` as one JSON object on a line of its own."""
    when = datetime.fromtimestamp(event["log_time"], timezone.utc)
    row: dict[str, Any] = {"time": when.isoformat(timespec="milliseconds"), "level": event["log_level"].name}
    row |= {key: event[key] for key in ("event", "room", "name", "address", "why") if key in event}
    row["message"] = formatEvent(event)
    if "log_failure" in event:
        row["traceback"] = event["log_failure"].getTraceback()
    return json.dumps(row, default=repr) + "\n"


def log_json() -> JsonLog:
    """Return the observer that `twistd --logger chatterbox.log.log_json` asks for."""
    return JsonLog(json_file(STDOUT))
