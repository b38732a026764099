"""Options are what an operator may ask: words of a command line become limits, a mode and endpoint strings.

This module opens no port and starts nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from twisted.python import usage

from . import __version__
from .core.modes import LABELS, MODES, Mode, table
from .limits import PUBLIC, Limits

BACKLOG = 1024
"""Connections the system keeps for us until we accept them; with Twisted's 50 some of 500 at once wait a second."""


class Options(usage.Options):
    """The options of `twistd chatterbox` and `chatterbox serve`."""

    synopsis = "[options]"
    optFlags = [
        ["echo", None, "who speaks hears its own lines"],
        ["no-echo", None, "who speaks doesn't"],
        ["ends-together", None, "one farewell ends everybody's stay"],
        ["once", None, "end with the first conversation"],
        ["bare", None, "peers may be programs that send and take no newlines, one recv a message"],
        ["console", None, "this terminal is one more end, and shows the mode's own words; /quit here stops the hub"],
        ["log-json", None, "log one JSON object a line (chatterbox serve; with twistd: --logger)"],
        ["public", None, "for a port that strangers reach: limits by source address and by rate"],
    ]
    optParameters = [
        ["mode", "m", "pair", "a row of the table below"],
        ["seats", None, None, "how many a room holds; 0: any number"],
        ["label", None, None, f"what stands before a line: {' '.join(LABELS)}"],
        ["max-line", None, Limits().max_line, "bytes of one line"],
        ["max-peers", None, 0, "connections at once; 0: what the limit on open files leaves"],
        ["per-source", None, None, "connections at once from one address; 0: any number"],
        ["per-source-rate", None, None, "connections in ten minutes from one address; 0: any number"],
        ["rate", None, None, "lines a second that one peer may go on saying; 0: any number"],
    ]
    longdesc = "The hub two ends talk through."

    def __init__(self) -> None:
        super().__init__()
        self["ports"] = []
        self["farewell"] = []

    def opt_port(self, port: str) -> None:
        """a port number or an endpoint string (unix:chat.sock, tls:…); may be given several times [default: 5000]"""
        self["ports"].append(port)

    opt_p = opt_port

    def opt_farewell(self, word: str) -> None:
        """a line that ends a stay, besides /quit; in lower case it counts in any case; may be given several times"""
        self["farewell"].append(word)

    def getUsage(self, width: int | None = None) -> str:
        """Return the help, with the table of modes."""
        return f"{super().getUsage(width)}\n{table()}\n"

    def opt_version(self) -> None:
        """print the version"""
        print(f"chatterbox {__version__}")
        raise SystemExit(0)

    def postOptions(self) -> None:
        """Refuse what can't be, in one sentence."""
        if self["log-json"] and not isinstance(self, ServeOptions):
            raise usage.UsageError("--log-json is for chatterbox serve; twistd: --logger chatterbox.log.log_json")
        if self["mode"] not in MODES:
            raise usage.UsageError(f"--mode {self['mode']} is none of {' '.join(MODES)}")
        if self["label"] not in (None, *LABELS):
            raise usage.UsageError(f"--label {self['label']} is none of {' '.join(LABELS)}")
        self["endpoints"] = [endpoint_string(port) for port in self["ports"] or ["5000"]]
        self["limits"] = self._limits()
        self["row"] = self._row()

    def _number(self, option: str, least: int = 0) -> int:
        try:
            number = int(self[option])
        except ValueError:
            number = -1
        if number < least:
            raise usage.UsageError(f"--{option} {self[option]} is no number from {least} up")
        return number

    def _limits(self) -> Limits:
        numbers: dict[str, Any] = dict(PUBLIC) if self["public"] else {}
        for option in ("max-line", "max-peers", "per-source", "per-source-rate", "rate"):
            if self[option] is not None:
                numbers[option.replace("-", "_")] = self._number(option, 1 if option == "max-line" else 0)
        return Limits(**numbers)

    def _row(self) -> Mode:
        """Return the mode's row with the columns that options override."""
        columns: dict[str, Any] = {}
        if self["seats"] is not None:
            columns["seats"] = self._number("seats")
        if self["label"]:
            columns["label"] = self["label"]
        if self["farewell"]:
            columns["farewell"] = ("/quit", *self["farewell"])
        if self["echo"] or self["no-echo"]:
            columns["echo"] = bool(self["echo"])
        if self["ends-together"]:
            columns["ends_together"] = True
        if self["once"]:
            columns["once"] = True
        return replace(MODES[self["mode"]], **columns)


class ServeOptions(Options):
    """The options of `chatterbox serve`, which takes the port as a plain word, too."""

    synopsis = "chatterbox serve [PORT] [options]"

    def parseArgs(self, port: str = "") -> None:
        """Take the port."""
        if port:
            self["ports"].append(port)


def endpoint_string(port: str) -> str:
    """Return the endpoint string that `port`, a number or such a string, stands for.

    Raises:
        usage.UsageError: it is neither.
    """
    if re.fullmatch(r"\d+", port):
        if int(port) > 65535:
            raise usage.UsageError(f"port {port} is above 65535")
        port = f"tcp:{port}"
    if ":" not in port:
        raise usage.UsageError(f"port {port} is neither a number from 0 to 65535 nor an endpoint string")
    if re.match(r"tcp6?:|ssl:|tls:tcp", port) and ":backlog=" not in port:
        port = f"{port}:backlog={BACKLOG}"
    return port
