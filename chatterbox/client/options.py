"""Options are what a command line says about one conversation: which hub, which room, which name, and how to show it.

This module knows words only. It does not know terminals or pipes, and it looks nothing up; twisted is asked for an
endpoint no sooner than somebody wants to connect.
"""

from __future__ import annotations

import argparse
import ipaddress
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from .. import __version__
from ..limits import Limits
from ..wire.text import name_fault, room_fault

if TYPE_CHECKING:
    from twisted.internet.interfaces import IStreamClientEndpoint

HOST = "127.0.0.1"
PORT = 5000
CONNECT_PATIENCE = 10
"""Seconds in which a hub must answer the call; an endpoint string may say otherwise with `:timeout=`."""
PROG = "python -m chatterbox.client"
CLEAN, LOST, USAGE, REFUSED = 0, 1, 2, 3
"""Exit statuses; a signal adds its number to 128, as in a shell."""

_EPILOG = """\
HUB is a HOST, HOST:PORT, HOST:PORT/ROOM or HOST/ROOM (an IPv6 address with a port goes in brackets), or a
Twisted client endpoint such as unix:chat.sock, tcp:HOST:PORT:timeout=3 or tls:HOST:PORT.

In pipes the lines of stdin are said, stdout carries what the other end says and nothing else, and status goes to
stderr. At the end of stdin everything is sent, and the client prints on until the other end is done as well.

exit status:
  0    a clean end: stdin ended and the hub closed after it, /quit, or the conversation was ended in good order
  1    the hub can't be reached, or the link to it is lost
  2    usage
  3    the hub refused, or let go (room full, bad name, too slow, flood, idle)
  130  interrupted (^C) in a pipe
  143  terminated (SIGTERM)
"""


class Misuse(Exception):
    """A command line, or what it stands in, that can't be obeyed: one sentence, exit status 2."""


@dataclass(frozen=True, slots=True)
class Options:
    """One conversation, as the person who starts it wants it."""

    host: str = HOST
    port: int = PORT
    description: str = ""
    """A Twisted client endpoint string, which stands in place of host and port."""
    room: str = ""
    """The room to go to; empty: where the hub lets one land."""
    name: str = ""
    linger: float | None = None
    """Seconds to listen on after the end of stdin; None: until the other end is done, too."""
    json: bool = False
    """One JSON object a line, in and out."""
    plain: bool = False
    """No escape sequences on a terminal."""
    history: bool = True
    live: bool = False
    """Show words as they are typed."""
    log: str = ""
    """A file for what is shown on the terminal, too."""

    @property
    def hub(self) -> str:
        """The hub as a person would write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.description or f"{host}:{self.port}"

    def endpoint(self, reactor: Any) -> IStreamClientEndpoint:
        """Return the way to the hub. An address needs no resolver, and so no thread.

        Raises:
            Misuse: the endpoint string is none.
        """
        from twisted.internet import endpoints

        if self.description:
            try:
                return endpoints.clientFromString(reactor, self.description)
            except (ImportError, NameError) as fault:  # Twisted's own endpoints, where it has no TLS
                raise Misuse(f"{self.description!r} needs TLS: pip install 'chatterbox[tls]'") from fault
            except Exception as fault:  # whatever an endpoint's parser trips over
                raise Misuse(f"{self.description!r} is no client endpoint: {fault}") from fault
        if _is_ipv6(self.host):
            return endpoints.TCP6ClientEndpoint(reactor, self.host, self.port, CONNECT_PATIENCE)
        if _is_address(self.host):
            return endpoints.TCP4ClientEndpoint(reactor, self.host, self.port, CONNECT_PATIENCE)
        return endpoints.HostnameEndpoint(reactor, self.host, self.port, CONNECT_PATIENCE)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def parse(argv: Sequence[str] | None = None, prog: str | None = None) -> Options:
    """Return what `argv` (default: the process's own) asks for.

    Raises:
        SystemExit: with status 2 and one sentence on stderr for bad usage, 0 after --help and --version.
    """
    parser = _parser(prog or PROG)
    given = {key: word for key, word in vars(parser.parse_args(argv)).items() if word is not None}
    try:
        return Options(**_merged(_hub(given.pop("hub", "")), given))
    except argparse.ArgumentTypeError as fault:
        parser.error(str(fault))


def _parser(prog: str) -> _Parser:
    parser = _Parser(
        prog=prog,
        description="Join a Chatterbox hub and talk.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("hub", nargs="?", metavar="HUB", help=f"where the hub is (default: {HOST}:{PORT})")
    add("port", nargs="?", type=_port, metavar="PORT", help="its port, where HUB names none")
    add("--name", type=_name, help="the name to be called by")
    add("--room", type=_room, help="the room to talk in")
    add("--linger", type=_seconds, metavar="SECONDS", help=_LINGER)
    add("--json", action="store_true", help="one JSON object per event on stdout; objects or plain lines on stdin")
    add("--plain", action="store_true", help="no colours, no moving cursor: bare lines on the terminal")
    add("--no-history", action="store_false", dest="history", help="keep no record of what was typed here")
    add("--live", action="store_true", help="show words as they are typed, where both ends want it")
    add("--log", metavar="FILE", help="write what is shown on the terminal to FILE as well, with dates")
    add("--version", action="version", version=f"chatterbox {__version__}")
    return parser


_LINGER = "how long to listen on after the end of stdin; 0: leave as soon as the hub has taken everything"

# -- words ----------------------------------------------------------------------------------------------------


def _port(word: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", word) or not 0 < int(word) < 65536:
        raise argparse.ArgumentTypeError(f"{word!r} is no port, 1 to 65535")
    return int(word)


def _name(word: str) -> str:
    return _faultless(word, name_fault(word, Limits().max_name))


def _room(word: str) -> str:
    return _faultless(word, room_fault(word, Limits().max_room))


def _faultless(word: str, fault: str) -> str:
    if fault:
        raise argparse.ArgumentTypeError(f"{word!r}: {fault}")
    return word


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if not (seconds >= 0 and math.isfinite(seconds)):
        raise argparse.ArgumentTypeError(f"{word!r} is no number of seconds")
    return seconds


# -- the hub --------------------------------------------------------------------------------------------------

_ENDPOINT = re.compile("(?:tcp|unix|tls|ssl):.|[a-z][a-z0-9]*:[^0-9/][^:]*[:=]")
_HUB = re.compile(r"(?P<host>\[[^\s\]/]+\]|[^\s:/\[\]]+)(?::(?P<port>[^:/]*))?(?:/(?P<room>.*))?", re.DOTALL)


def _hub(word: str) -> dict[str, Any]:
    """Return what `word` says of host, port and room, or the endpoint that it is; only what it says is in there."""
    if not word:
        return {}
    if _is_ipv6(word):
        return {"host": word}
    if _ENDPOINT.match(word):
        return {"description": word}
    found = _HUB.fullmatch(word)
    if not found or (found["host"][0] == "[" and not _is_ipv6(found["host"][1:-1])):
        raise argparse.ArgumentTypeError(f"{word!r} is no hub: use HOST, HOST:PORT, HOST:PORT/ROOM or an endpoint")
    said: dict[str, Any] = {"host": found["host"].strip("[]")}
    if found["port"] is not None:
        said["port"] = _port(found["port"])
    if found["room"] is not None:
        said["room"] = _room(found["room"])
    return said


def _merged(where: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were `given` with what HUB says; what is said twice must agree."""
    if "description" in where and "port" in given:
        raise argparse.ArgumentTypeError(f"{where['description']!r} says its own port, {given['port']} is too much")
    for key in given.keys() & where.keys():
        if given[key] != where[key]:
            raise argparse.ArgumentTypeError(f"two {key}s were given, {where[key]} and {given[key]}")
    return given | where


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def _is_ipv6(word: str) -> bool:
    return ":" in word and _is_address(word)
