"""Options are what an operator may ask: words of a command line become limits, a mode and endpoint strings.

This module opens no port and starts nothing. It takes away one thing: a pidfile that would keep twistd from starting.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.python import usage

from . import versions
from .core.modes import LABELS, MODES, Mode, table
from .limits import PUBLIC, WITH_BROWSERS, Limits

_HERE = Limits()
_ANY = {limit: f"0: any number [default: 0; with --public: {value:g}]" for limit, value in PUBLIC.items()}
"""How the help of a limit ends that `--public` turns on."""


class Options(usage.Options):
    """The options of `twistd chatterbox` and `chatterbox serve`."""

    synopsis = "[options]"
    optFlags = [
        ["local", None, "listen on this machine only (127.0.0.1 and ::1), at the port numbers given"],
        ["echo", None, "senders see their own lines, also where the mode says otherwise"],
        ["no-echo", None, "senders don't see their own lines, also where the mode says otherwise"],
        ["ends-together", None, "one farewell disconnects everybody in the room"],
        ["once", None, "stop when the first conversation is over"],
        ["bare", None, "accept classroom socket programs, which send text without a newline at the end"],
        ["console", None, "take part from this terminal; /quit here stops the hub"],
        ["log-json", None, "write the log as JSON, one object a line (with twistd: --logger)"],
        ["web", None, "let browsers take part: http://HOST:PORT/ROOM is a page"],
        ["public", None, "for a port that strangers can reach: limit connections and lines of each address"],
    ]
    optParameters = [
        ["mode", "m", "pair", "one of the modes below"],
        ["seats", None, None, "how many peers a room holds; 0: any number [default: the mode's]"],
        ["label", None, None, f"what is shown before each line: {' '.join(LABELS)} [default: the mode's]"],
        ["max-line", None, _HERE.max_line, "the longest line, in bytes without its newline"],
        ["max-peers", None, 0, "connections at once; 0: as many as the limit on open files allows"],
        ["per-source", None, None, f"connections at once from one address; {_ANY['per_source']}"],
        ["per-source-rate", None, None, f"connections in ten minutes from one address; {_ANY['per_source_rate']}"],
        ["rate", None, None, f"lines a second from one peer, after a burst of {_HERE.burst}; {_ANY['rate']}"],
        ["grace", None, None, f"seconds for which a lost session keeps its seat; 0: none [default: {_HERE.grace:.0f}]"],
        ["max-away", None, None, f"seats of lost sessions kept at once [default: {_HERE.max_away}]"],
        ["engine", None, None, "redis://HOST: share rooms with all its hubs (docs/cluster.md) [default: none]"],
        ["node", None, None, "this hub's name among those that share the engine [default: HOST:PORT]"],
    ]
    longdesc = (
        "A small chat server: it connects two terminals, two programs, or a room full of both, line by line. "
        "Exit status: 0 it was told to stop; 1 it can't listen; 2 usage."
    )

    def __init__(self) -> None:
        super().__init__()
        self["ports"] = []
        self["farewell"] = []
        self["web-hosts"] = []

    def opt_port(self, port: str) -> None:
        """where to listen: a port number or an endpoint (unix:chat.sock, ssl:...); may be repeated [default: 5000]"""
        self["ports"].append(port)

    opt_p = opt_port

    def opt_farewell(self, word: str) -> None:
        """a line that ends the session, besides /quit; given in lower case it counts in any case; may be repeated"""
        self["farewell"].append(word)

    def opt_web_host(self, name: str) -> None:
        """a name by which browsers reach this hub, besides localhost and IP addresses; needs --web; may be repeated"""
        self["web-hosts"].append(name)

    opt_h = usage.Options.opt_help

    def getUsage(self, width: int | None = None) -> str:
        """Return the help, with the table of modes."""
        return f"{super().getUsage(width)}\n{table()}\n"

    def opt_version(self) -> None:
        """print the versions of Chatterbox, Python and Twisted"""
        print(versions())
        raise SystemExit(0)

    def postOptions(self) -> None:
        """Refuse what can't be, in one sentence."""
        _forget_stale_pidfile(self.parent)
        if self["log-json"] and not isinstance(self, ServeOptions):
            raise usage.UsageError("--log-json is for chatterbox serve; twistd: --logger chatterbox.log.log_json")
        if self["mode"] not in MODES:
            raise usage.UsageError(f"--mode {self['mode']}: choose {_one_of(MODES)}")
        if self["label"] not in (None, *LABELS):
            raise usage.UsageError(f"--label {self['label']}: choose {_one_of(LABELS)}")
        if self["web-hosts"] and not self["web"]:
            raise usage.UsageError("--web-host goes with --web")
        for name in self["web-hosts"]:
            if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
                raise usage.UsageError(f"--web-host {name} is no host name; leave out the scheme and the port")
        self["endpoints"] = [endpoint_string(port) for port in self["ports"] or ["5000"]]
        if self["local"]:
            self._check_local()
        self["limits"] = self._limits()
        self._check_engine()
        self["row"] = self._row()

    def _check_local(self) -> None:
        """--local is for port numbers: an endpoint says itself who can reach it."""
        for typed in self["endpoints"]:
            if not (typed.isdigit() or re.match(r"unix:|.*:interface=", typed)):
                raise usage.UsageError(f"--local goes with a port number; write {typed}:interface=127.0.0.1 instead")

    def _check_engine(self) -> None:
        """Refuse an engine or a node's name that can't be right; nothing of the engine is imported without one."""
        if not self["engine"]:
            if self["node"]:
                raise usage.UsageError("--node is for a hub among others: give --engine, too")
            return
        try:
            from .edges.engine import node_name
            from .edges.engine_url import place_of

            place_of(self["engine"])
        except ImportError:
            raise usage.UsageError("--engine needs hiredis; in a checkout: pip install '.[cluster]'") from None
        except ValueError as fault:
            raise usage.UsageError(f"--engine: {fault}") from None
        first = re.search(r"\d+", self["endpoints"][0])
        self["node"] = self["node"] or node_name(first[0] if first else "unix")
        if not re.fullmatch(r"[A-Za-z0-9_:-]{1,23}", self["node"]):
            raise usage.UsageError(f"--node {self['node']} is not 1 to 23 of A-Z a-z 0-9 _ : -")

    def _number(self, option: str, least: int = 0) -> int:
        try:
            number = int(self[option])
        except ValueError:
            number = -1
        if number < least:
            raise usage.UsageError(f"--{option} {self[option]} is no number from {least} up")
        return number

    def _limits(self) -> Limits:
        numbers: dict[str, Any] = {}
        for flag, row in (("public", PUBLIC), ("web", WITH_BROWSERS)):
            numbers |= row if self[flag] else {}
        for option in ("max-line", "max-peers", "per-source", "per-source-rate", "rate", "grace", "max-away"):
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
        row = replace(MODES[self["mode"]], **columns)
        if row.seats == 1 or (row.rule == "order" and row.seats == 0):
            raise usage.UsageError(f"--seats {row.seats}: mode {row.name} is for two or more")
        return row


class ServeOptions(Options):
    """The options of `chatterbox serve`, which takes the port as a plain word, too."""

    synopsis = "chatterbox serve [PORT] [options]"

    def parseArgs(self, *words: str) -> None:
        """Take the port."""
        if words[1:] and words[1].startswith("-"):
            raise usage.UsageError(f"{words[1]} stands behind the port {words[0]}: write the port first, or last")
        if words[1:]:
            raise usage.UsageError(f"{words[1]} is too much: another port is --port {words[1]}")
        self["ports"] += words


def _forget_stale_pidfile(twistd: usage.Options | None) -> None:
    """Remove a pidfile of twistd's whose writer is dead, where twistd can't know it: its number is somebody else's now.

    In a container each hub is process 1, or the next small number, and twistd would say that another one is running.
    """
    path = twistd and twistd.get("pidfile")
    with suppress(OSError, ValueError):
        if path and not _is_a_twistd(int(Path(path).read_text())):
            os.unlink(path)


def _is_a_twistd(pid: int) -> bool:
    """Return whether a process may be another twistd; where the system doesn't tell, it may."""
    if pid == os.getpid():
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True
    return b"twistd" in command or b"chatterbox" in command


def _one_of(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}"


def endpoint_string(port: str) -> str:
    """Return `port` as it was typed, if it may be a port number or an endpoint string.

    Raises:
        usage.UsageError: it is neither.
    """
    if re.fullmatch(r"\d+", port):
        if int(port) > 65535:
            raise usage.UsageError(f"port {port} is above 65535")
        return str(int(port))
    if ":" not in port:
        raise usage.UsageError(f"port {port} is neither a number from 0 to 65535 nor an endpoint string")
    return port
