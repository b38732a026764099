"""The service is a hub with its doors open: command-line options become limits, a mode, ports and a console.

This is the only file that knows all the others.
"""

from __future__ import annotations

import gc
import os
import re
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from twisted.application import strports
from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.stdio import StandardIO
from twisted.logger import Logger
from twisted.python import usage
from zope.interface import implementer

from . import __version__
from .console import Console
from .hub import Hub
from .journal import report
from .limits import PUBLIC, Limits
from .modes import LABELS, MODES, Mode, table
from .protocol import ChatFactory
from .transport import make_prompt

BACKLOG = 1024
"""Connections the system keeps for us until we accept them; with Twisted's 50 some of 500 at once wait a second."""
SPARE_FILES = 64
"""Open files kept for other things than connections."""

log = Logger()


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
            raise usage.UsageError("--log-json is for chatterbox serve; twistd: --logger chatterbox.journal.log_json")
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


class CannotStart(SystemExit, Exception):
    """The hub can't start, for the reason in one sentence.

    twistd takes any Exception for a failed start, removes its pidfile and tells the parent of a daemon; as a
    SystemExit with a text it then ends the process with status 1 and that one line on stderr.
    """


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


@implementer(IStreamServerEndpoint)
class _Door:
    """An endpoint whose connections send at once, and that says where it listens."""

    def __init__(self, endpoint: IStreamServerEndpoint, is_clear: bool, opened: Callable[[Any, bool], None]) -> None:
        self._endpoint = endpoint
        self._is_clear = is_clear
        self._opened = opened

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen."""

        def listening(port: Any) -> Any:
            self._opened(port.getHost(), self._is_clear)
            return make_prompt(port)

        return self._endpoint.listen(factory).addCallback(listening)


class HubService(MultiService):
    """The hub, while it runs: its ports are children, and stopping it drains it.

    Args:
        reactor: whose time and signals count.
        options: what the operator asked for.
    """

    def __init__(self, reactor: Any, options: Options) -> None:
        super().__init__()
        self._reactor = reactor
        self._places: list[tuple[str, object]] = []
        self._is_ending = False
        limits: Limits = options["limits"]
        if not limits.max_peers:
            limits = replace(limits, max_peers=raise_open_files())
        mode, bare = options["row"], bool(options["bare"])
        self.hub = Hub(reactor.callLater, reactor.seconds, mode, limits, bare, self.narrate, report)
        self._public = bool(options["public"])
        self.console = Console(self.hub, self.end) if options["console"] else None
        for text in options["endpoints"]:
            self._add_port(text)

    def _add_port(self, text: str) -> None:
        try:
            port = strports.service(text, ChatFactory(self.hub, self._reactor), reactor=self._reactor)
        except ImportError:
            raise CannotStart(f"chatterbox: --port {text} needs TLS: pip install 'chatterbox[tls]'") from None
        except Exception as fault:  # whatever an endpoint's parser trips over
            raise CannotStart(f"chatterbox: --port {text} is no endpoint: {fault}") from None
        port.endpoint = _Door(port.endpoint, not re.match("(haproxy:)?(ssl|tls):", text), self._opened)
        port.setServiceParent(self)

    def _opened(self, host: Any, is_clear: bool) -> None:
        """Log where the hub listens, and whether words can be read on their way there."""
        where, port = getattr(host, "host", ""), getattr(host, "port", "")
        self._places.append((where, port))
        log.info("listening on {place}", place=f"{where}:{port}" if where else os.fsdecode(host.name))
        if is_clear and where and not where.startswith(("127.", "::1")):
            log.warn("text travels in clear beyond this machine; see docs/security.md")

    def narrate(self, kind: str, *facts: Any) -> None:
        """Tell the console what happens, and end with the first conversation where that was asked."""
        if self.console:
            self.console.narrate(kind, *facts)
        if kind == "over":
            self._reactor.callLater(0, self.end)

    def privilegedStartService(self) -> None:
        """Open the doors.

        Raises:
            CannotStart: an address is in use, or can't be had.
        """
        try:
            super().privilegedStartService()
        except CannotListenError as fault:
            place = f"{fault.interface or '*'}:{fault.port}" if isinstance(fault.port, int) else str(fault.port)
            reason = getattr(fault.socketError, "strerror", None) or fault.socketError
            raise CannotStart(f"chatterbox: can't listen on {place}: {reason}; choose another with --port") from None
        except (OSError, ValueError) as fault:
            raise CannotStart(f"chatterbox: can't listen: {fault}; choose another place with --port") from None

    def startService(self) -> None:
        """Begin; the console shows the hub's first words."""
        super().startService()
        gc.freeze()  # what is loaded by now stays: looking through it cost 11 ms now and then
        if self._public:
            limits = ", ".join(f"{key} {getattr(self.hub.limits, key):g}" for key in PUBLIC)
            log.info("public: {limits}", limits=limits)
        self._reactor.callWhenRunning(self._listen_to_signals)
        if self.console:
            try:
                StandardIO(self.console)
            except OSError as fault:
                raise CannotStart(f"chatterbox: no terminal for --console: {fault}; start without it") from None
            self.console.begin(self._places)

    def _listen_to_signals(self) -> None:
        """SIGTERM and ^C end a hub with status 0 (hostile.md), also under twistd, which would end by the signal."""
        signal.signal(signal.SIGHUP, _nothing)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self._reactor.callFromThread(self._asked_to_end, number))

    def _asked_to_end(self, number: int) -> None:
        """Whoever asks again doesn't wait for those who are still to be served."""
        log.info("received {signal}", signal=signal.Signals(number).name)
        if self._is_ending:
            self.hub.cut()
        self.end()

    def end(self) -> None:
        """Stop the reactor, and with it this service, once."""
        if not self._is_ending:
            self._is_ending = True
            self._reactor.stop()

    def stopService(self) -> Deferred[Any]:
        """Stop listening, tell everyone, send what was accepted, and wait for that a bounded time."""
        if self.console:
            self.console.restore()
        closed = super().stopService()
        gone: Deferred[None] = Deferred()
        self.hub.stop(lambda: gone.callback(None))
        return DeferredList([closed, gone])


def _nothing(*_: object) -> None:
    """A hub has nothing to reload; without this a SIGHUP would end it."""


def raise_open_files() -> int:
    """Raise this process's soft limit on open files to the hard one; return how many connections that leaves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    except (ValueError, OSError):
        pass  # the soft limit stands: some systems don't give what they call the hard one
    return max(1, soft - SPARE_FILES)


def makeService(options: Options) -> IService:
    """Return the service that `twistd chatterbox` runs."""
    from twisted.internet import reactor as installed  # importing it installs one, and twistd may want another

    reactor = cast(Any, installed)
    # Twisted's timers follow the wall clock, and a step of an hour would fire every one of them (hostile.md, F6).
    reactor.seconds = time.monotonic
    return HubService(reactor, options)
