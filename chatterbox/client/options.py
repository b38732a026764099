"""Options are what a command line says about one conversation: which hub, which room, which name, and how to show it.

This module knows words only. It does not know terminals or pipes, and it looks nothing up; twisted is asked for an
endpoint no sooner than somebody wants to connect.
"""

from __future__ import annotations

import argparse
import difflib
import ipaddress
import itertools
import math
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

from .. import versions
from ..limits import Limits
from ..wire.names import read_name, room_fault

if TYPE_CHECKING:
    from twisted.internet.interfaces import IStreamClientEndpoint

HOST = "127.0.0.1"
PORT = 5000
CONNECT_PATIENCE = 10
"""Seconds in which a hub must answer the call; an endpoint string may say otherwise with `:timeout=`."""
UNIX_PATH = 107 if sys.platform == "linux" else 103
"""Bytes of a socket's path that the system takes: `sun_path` has 108 on Linux, 104 on BSD and macOS, one is a zero."""
RETRY = 120.0
"""Seconds for which a lost link is tried again: as long as a hub keeps a seat where nothing else is asked for."""
PROG = "python -m chatterbox.client"
CLEAN, LOST, USAGE, REFUSED, BROKEN, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit statuses; a signal adds its number to 128, as in a shell."""

_EXAMPLES = """\
examples:
  chatterbox hub.example.org/tea --name ann     talk in the room tea of that hub
  make 2>&1 | chatterbox hub.example.org/build  say each line of a program's output there
"""
_FORMS = """\
HUB is a HOST, HOST:PORT, HOST:PORT/ROOM or HOST/ROOM (an IPv6 address with a port goes in brackets), or a
Twisted client endpoint such as unix:chat.sock, tcp:HOST:PORT:timeout=3 or tls:HOST:PORT/ROOM, which is encrypted.

On a terminal you type lines, and /help lists the commands and the keys. In pipes the lines of stdin are said, stdout
carries what the other end says and nothing else, and status goes to stderr. At the end of stdin everything is sent, and
the client prints on until the other end is done as well.

"""
_ENDING = """\
one line, or one answer: chatterbox send, chatterbox recv, chatterbox ask (docs/client.md)

environment, where the command line says nothing:
  CHATTERBOX_HUB, CHATTERBOX_ROOM, CHATTERBOX_NAME
                as HUB, --room and --name
  NO_COLOR      no colours on a terminal; bold and dim stay
  TERM=dumb     as --plain

exit status:
  0    the other end has all that was said, and all that it said is on stdout; or the reader of stdout had enough
  1    the hub can't be reached, the link is lost and didn't come back, or stdout takes no more
  2    usage
  3    the hub refused, or let go (room full, bad name, too slow, flood, idle, replaced)
  4    the other end was lost, or left, before that; nobody came; a line was too long
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
    quiet: bool = False
    """No notices on stderr, but for faults."""
    wait: float | None = None
    """Seconds to wait for somebody who listens; None: for ever."""
    retry: float | None = None
    """Seconds to try again where there is no link; None: not before the first welcome, then for `RETRY`."""
    json: bool = False
    """One JSON object a line, in and out."""
    plain: bool = False
    """No escape sequences on a terminal."""
    history: bool = True
    live: bool = False
    """Show words as they are typed."""
    ask_name: bool = False
    """Ask for the name before there is a link."""
    bare: bool = False
    """Join a server that is no hub: a program of a first course on sockets."""
    log: str = ""
    """A file for what is shown on the terminal, too."""

    @property
    def hub(self) -> str:
        """The hub as a person would write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.description or f"{host}:{self.port}"

    @property
    def patience(self) -> tuple[float, float]:
        """Seconds to try before the first welcome, and after a link was lost."""
        return (0.0, RETRY) if self.retry is None else (self.retry, self.retry)

    def endpoint(self, reactor: Any) -> IStreamClientEndpoint:
        """Return the way to the hub. An address needs no resolver, and so no thread.

        Raises:
            Misuse: the endpoint string is none.
        """
        from twisted.internet import endpoints

        if self.description:
            if self.description.startswith("ssl:"):  # Twisted's own, which takes any certificate
                raise Misuse(f"{self.description!r} would not check the hub's certificate: use tls:HOST:PORT")
            path = self.description.removeprefix("unix:").removeprefix("path=")
            if self.description.startswith("unix:") and len(os.fsencode(path.split(":")[0])) > UNIX_PATH:
                return cast(Any, _Unreachable(f"the path is too long, at most {UNIX_PATH} bytes"))
            try:
                return endpoints.clientFromString(reactor, self.description)
            except (ImportError, NameError) as fault:  # Twisted's own endpoints, where it has no TLS
                how = "which isn't installed; in a checkout: pip install '.[tls]'"
                raise Misuse(f"{self.description!r} needs TLS, {how}") from fault
            except OSError as fault:  # a folder's fault is wrapped
                cause = getattr(fault, "originalException", fault)
                raise Misuse(f"{self.description!r} names a file that can't be read: {cause.strerror}") from fault
            except Exception as fault:  # whatever an endpoint's parser trips over
                raise Misuse(
                    f"{self.description!r} is no client endpoint: use tcp:HOST:PORT, tls:HOST:PORT or unix:PATH"
                ) from fault
        if _is_ipv6(self.host):
            return endpoints.TCP6ClientEndpoint(reactor, self.host, self.port, CONNECT_PATIENCE)
        if _is_address(self.host):
            return endpoints.TCP4ClientEndpoint(reactor, self.host, self.port, CONNECT_PATIENCE)
        return endpoints.HostnameEndpoint(reactor, self.host, self.port, CONNECT_PATIENCE)


class _Unreachable:
    """An endpoint that nothing can be reached at."""

    def __init__(self, why: str) -> None:
        self._why = why

    def connect(self, protocolFactory: Any) -> Any:
        """Fail."""
        from twisted.internet.defer import fail

        return fail(ValueError(self._why))


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage above it."""

    def print_help(self, file: Any = None) -> None:
        """Print the help; argparse's own way would say nothing of a stdout that takes no more."""
        print(self.format_help(), end="", file=file)

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")

    def refuse_unknown(self, argv: Sequence[str]) -> None:
        """End with status 2 at an option that is none; argparse would take the word behind it for HUB."""
        known = self._option_string_actions
        for word in itertools.takewhile(lambda word: word != "--", argv):
            option = word.partition("=")[0]
            if option.startswith("--") and option not in known:
                near = difflib.get_close_matches(option, known, 1)
                self.error(f"no option {option}" + (f", did you mean {near[0]}?" if near else ""))


class _Help(argparse.Action):
    """Prints the short help for -h, and the long one for --help."""

    def __init__(self, **more: Any) -> None:
        super().__init__(nargs=0, default=argparse.SUPPRESS, **more)

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: str | None = None) -> None:
        """Print it, and end."""
        if option == "--help":
            parser.description, parser.epilog = f"{_EXAMPLES}\n{parser.description}", _FORMS + _ENDING
        parser.print_help()
        parser.exit()


class _Version(_Help):
    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: str | None = None) -> None:
        """Print what runs here, and end."""
        print(versions())
        parser.exit()


def parse(
    argv: Sequence[str] | None = None, prog: str | None = None, environment: Mapping[str, str] = os.environ
) -> Options:
    """Return what `argv` (default: the process's own) asks for, and `environment` where that says nothing.

    Raises:
        SystemExit: with status 2 and one sentence on stderr for bad usage, 0 after --help and --version.
    """
    parser = make_parser(prog or PROG)
    parser.refuse_unknown(sys.argv[1:] if argv is None else argv)
    given = {key: word for key, word in vars(parser.parse_args(argv)).items() if word is not None}
    try:
        return options_from(given, environment)
    except argparse.ArgumentTypeError as fault:
        parser.error(str(fault))


def options_from(given: dict[str, Any], environment: Mapping[str, str] = os.environ) -> Options:
    """Return the options that were `given`, and what `environment` says beside them.

    Raises:
        argparse.ArgumentTypeError: a word is none, or two say different things.
    """
    return Options(**_from_environment(environment, given) | _merged(_hub(given.pop("hub", "")), given))


def hub_options(hub: str, **given: Any) -> Options:
    """Return options for a program, which says all of it; what is None or empty is left out.

    Raises:
        Misuse: a word is none.
    """
    words = {"hub": hub} | given
    try:
        return options_from({key: value for key, value in words.items() if value not in (None, "")}, {})
    except argparse.ArgumentTypeError as fault:
        raise Misuse(str(fault)) from fault


def make_parser(prog: str) -> Parser:
    """Return the parser of the client's command line; a man page and completions are made of it, too."""
    parser = Parser(
        prog=prog,
        description="Join a Chatterbox hub and talk.",
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    add = parser.add_argument
    add("hub", nargs="?", metavar="HUB", help=f"where the hub is (default: {HOST}:{PORT})")
    add("port", nargs="?", type=port, metavar="PORT", help="its port, where HUB names none")
    add("--name", type=name, help="the name to be called by (default: what the hub gives or asks for)")
    add("--ask-name", action="store_true", help="ask for the name before connecting, on a terminal")
    add("--room", type=room, help="the room to talk in (default: lobby)")
    add("--linger", type=seconds, metavar="SECONDS", help=_LINGER)
    add("--wait", type=seconds, metavar="SECONDS", help=_WAIT)
    add("--retry", type=seconds, metavar="SECONDS", help=RETRY_HELP)
    add("--json", action="store_true", help="one JSON object per event on stdout; objects or plain lines on stdin")
    add("--quiet", action="store_true", help="in pipes: no notices on stderr, only what went wrong")
    add("--plain", action="store_true", help="no colours, no moving cursor: each line is written once")
    add("--no-history", action="store_false", dest="history", help="keep no record of what was typed here")
    add("--log", metavar="FILE", help="write what is shown on the terminal to FILE as well, with dates")
    add("--live", action="store_true", help="show words while they are typed: yours to others with --live, and theirs")
    add("--bare", action="store_true", help=_BARE)
    add("-h", "--help", action=_Help, help="-h is short, --help has examples and explains HUB")
    add("--version", action=_Version, help="print the versions of Chatterbox, Python and Twisted")
    return parser


_BARE = "join a classroom socket program, which is no hub (docs/classroom.md); with --live, one that takes single keys"
_LINGER = (
    "how long to listen on after the end of stdin; 0: hear nothing, and leave when the other end has everything "
    "(default: until the other end is done, too)"
)
_WAIT = "how long to wait for somebody who listens; then status 4 (default: for ever)"
RETRY_HELP = f"how long to try again without a link (default: 0 for the first one, then {RETRY:.0f})"

# -- words ----------------------------------------------------------------------------------------------------


def port(word: str) -> int:
    """Return the port that `word` is."""
    if not re.fullmatch("[0-9]{1,5}", word) or not 0 < int(word) < 65536:
        raise argparse.ArgumentTypeError(f"{word!r} is no port, 1 to 65535")
    return int(word)


def name(word: str) -> str:
    """Return the name that `word` stands for."""
    found, fault = read_name(word, Limits().max_name)
    _faultless(word, fault)
    return found


def room(word: str) -> str:
    """Return `word` if it can be a room."""
    return _faultless(word, room_fault(word, Limits().max_room))


def _faultless(word: str, fault: str) -> str:
    if fault:
        raise argparse.ArgumentTypeError(f"{word!r}: {fault}")
    return word


def seconds(word: str) -> float:
    """Return the time that `word` is."""
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not (number >= 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"{word!r} is no number of seconds")
    return number


# -- the hub --------------------------------------------------------------------------------------------------

_ENDPOINT = re.compile("(?:tcp|unix|tls|ssl):.|[a-z][a-z0-9]*:[^0-9/][^:]*[:=]")
_PLACE = re.compile(r"(?P<place>(?:tcp|tls):(?!\d+(?:/|$))[^:/=]+)(?P<port>:[^:/=]*)?(?:/(?P<room>.*))?", re.DOTALL)
"""An endpoint that is written as a place, which may lack its port or have a room."""
_HUB = re.compile(r"(?P<host>\[[^\s\]/]+\]|[^\s:/\[\]]+)(?::(?P<port>[^:/]*))?(?:/(?P<room>.*))?", re.DOTALL)


def _hub(word: str) -> dict[str, Any]:
    """Return what `word` says of host, port and room, or the endpoint that it is; only what it says is in there."""
    word = word.removeprefix("//")  # so that a host may be called like a command
    if not word:
        return {}
    if "://" in word:
        raise argparse.ArgumentTypeError(f"{word!r} is a web address: write HOST:PORT/ROOM, or tls:HOST:PORT/ROOM")
    if _is_ipv6(word):
        return {"host": word}
    if found := _PLACE.fullmatch(word):
        said: dict[str, Any] = {"description": found["place"] + (found["port"] or f":{PORT}")}
        return said if found["room"] is None else said | {"room": room(found["room"])}
    if _ENDPOINT.match(word):
        return {"description": word}
    found = _HUB.fullmatch(word)
    if not found or (found["host"][0] == "[" and not _is_ipv6(found["host"][1:-1])):
        raise argparse.ArgumentTypeError(f"{word!r} is no hub: use HOST, HOST:PORT, HOST:PORT/ROOM or an endpoint")
    said = {"host": found["host"].strip("[]")}
    if found["port"] is not None:
        said["port"] = port(found["port"])
    if found["room"] is not None:
        said["room"] = room(found["room"])
    return said


def _from_environment(environment: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the environment says; its hub only where none was `given`."""
    said: dict[str, Any] = {}
    for key, read in (("hub", _hub), ("room", room), ("name", name)):
        word = environment.get(f"CHATTERBOX_{key.upper()}")
        if word and key not in given and not (key == "hub" and "port" in given):
            try:
                said |= read(word) if read is _hub else {key: read(word)}
            except argparse.ArgumentTypeError as fault:
                raise argparse.ArgumentTypeError(f"CHATTERBOX_{key.upper()}: {fault}") from None
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
