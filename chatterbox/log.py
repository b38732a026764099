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
from functools import lru_cache
from typing import Any, Protocol, cast

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    formatEvent,
    formatEventAsClassicLogText,
    formatTime,
    globalLogPublisher,
)
from zope.interface import implementer

from .core.events import Gone, News, Refused, Seated
from .edges.writer import Writer

STDOUT, STDERR = 1, 2
_CERTIFICATES = "twisted.internet._sslverify"
"""Where Twisted logs a certificate that it can't read, as a fault of its own: whoever refuses such a one says why."""

SENTENCE = "{sentence}"
"""The format of a record whose words are made already. To fill a format in takes Twisted's logger 40 µs, and when many
connect at once that was a third of the hub's time."""

_to_json = json.JSONEncoder(default=repr).encode


class Log:
    """Records what an operator wants to know: two records a connection, however many lines a stranger sends."""

    def happened(self, news: News) -> None:
        """Record a first seat, an end, or a refusal."""
        if isinstance(news, Seated):
            address, name, room = str(news.peer.address), news.peer.name, news.room
            _record(f"joined {room!r}: {name!a} from {address}", "joined", address, name, room)
        elif isinstance(news, Gone):
            address, name, room, why = str(news.peer.address), news.peer.name, news.room, news.why
            _record(f"left {room!r}: {name!a} from {address} ({why})", "left", address, name, room, why)
        elif isinstance(news, Refused):
            _record(f"refused {news.address} ({news.why})", "refused", str(news.address), why=news.why)


def _record(sentence: str, event: str, address: str, name: str = "", room: str = "", why: str = "") -> None:
    fields = _event("chatterbox", LogLevel.info, sentence, event=event, room=room, name=name, address=address, why=why)
    globalLogPublisher(fields)


def _event(namespace: str, level: Any, sentence: str, **fields: object) -> LogEvent:
    fields["log_time"] = time.time()
    fields["log_level"] = level
    fields["log_namespace"] = namespace
    fields["log_format"] = SENTENCE
    fields["sentence"] = sentence
    return fields


# -- where records go ------------------------------------------------------------------------------------------------


class Records(Protocol):
    """A file of records: each is written at once, as text that ends in a newline."""

    def write(self, text: str) -> object:
        """Write one record, and keep none back."""


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
    words = f"{count} records dropped: what they were written to took no more"
    return _event("chatterbox.log", LogLevel.warn, words, count=count)


def text_file(fd: int) -> WaitingFile:
    """Return a file for records as Twisted writes them."""
    return WaitingFile(fd, lambda count: text_record(_missed_event(count)))


def json_file(fd: int) -> WaitingFile:
    """Return a file for records as `json_record` makes them."""
    return WaitingFile(fd, lambda count: json_record(_missed_event(count)))


def stderr_log(as_json: bool, only_warnings: bool) -> ILogObserver:
    """Return what `chatterbox serve` logs with, on stderr; of Twisted's own records it takes the warnings only."""
    write = FileLog(json_file(STDERR), json_record) if as_json else FileLog(text_file(STDERR), text_record)

    warnings = {level for level in LogLevel.iterconstants() if level >= LogLevel.warn}
    ours = warnings if only_warnings else warnings | {LogLevel.info}

    def write_if_wanted(event: LogEvent) -> None:
        origin = str(event.get("log_namespace", ""))
        if origin == _CERTIFICATES:
            return
        wanted = ours if origin.startswith("chatterbox") else warnings
        if event.get("log_level", LogLevel.info) in wanted or event.get("isError"):
            write(event)

    return cast(ILogObserver, write_if_wanted)


@implementer(ILogObserver)
class FileLog:
    """Writes each record, as `written` says.

    Args:
        out: where to.
        written: returns the text of an event, or nothing where it has none.
    """

    def __init__(self, out: Records, written: Callable[[LogEvent], str]) -> None:
        self._out = out
        self._written = written

    def __call__(self, event: LogEvent) -> None:
        """Write one record; the logger calls this."""
        if text := self._written(event):
            self._out.write(text)


def text_record(event: LogEvent) -> str:
    """Return `event` as Twisted's own logs have it: when it was, whose record it is, and its words."""
    if event.get("log_format") != SENTENCE:
        return formatEventAsClassicLogText(event) or ""
    origin = f"{event['log_namespace']}#{event['log_level'].name}"
    words = event["sentence"].replace("\n", "\n\t")
    return f"{_written_time(int(event['log_time']))} [{origin}] {words}\n"


@lru_cache(1)  # in a burst many are of one second
def _written_time(second: int) -> str:
    return formatTime(second)


def json_record(event: LogEvent) -> str:
    """Return `event` as one JSON object on a line of its own."""
    when = datetime.fromtimestamp(event["log_time"], timezone.utc)
    row: dict[str, Any] = {"time": when.isoformat(timespec="milliseconds"), "level": event["log_level"].name}
    row |= {key: event[key] for key in ("event", "room", "name", "address", "why") if key in event}
    row["message"] = event["sentence"] if event.get("log_format") == SENTENCE else formatEvent(event)
    if "log_failure" in event:
        row["traceback"] = event["log_failure"].getTraceback()
    return _to_json(row) + "\n"


def log_json() -> FileLog:
    """Return the observer that `twistd --logger chatterbox.log.log_json` asks for."""
    return FileLog(json_file(STDOUT), json_record)
