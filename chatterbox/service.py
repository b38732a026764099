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
from secrets import token_hex
from typing import Any, cast

from twisted.application import strports
from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.stdio import StandardIO
from twisted.logger import Logger
from zope.interface import implementer

from .connections.admission import Admission
from .core.events import News, Staged
from .core.hub import Hub
from .edges.console import Console
from .edges.sockets import send_at_once
from .edges.tcp import ChatFactory
from .limits import PUBLIC, Limits
from .log import Log
from .options import Options as Options  # the plugin looks for it here

SPARE_FILES = 64
"""Open files kept for other things than connections."""

log = Logger()


class CannotStart(SystemExit, Exception):
    """The hub can't start, for the reason in one sentence.

    twistd takes any Exception for a failed start, removes its pidfile and tells the parent of a daemon; as a
    SystemExit with a text it then ends the process with status 1 and that one line on stderr.
    """


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
            return send_at_once(port)

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
        self.hub = Hub(mode, limits, [Log()])
        self.admission = Admission(self.hub, reactor.callLater, reactor.seconds, bare, lambda: token_hex(8), time.time)
        self._public = bool(options["public"])
        self.console = Console(self.admission, self.end) if options["console"] else None
        if self.console:
            self.hub.observers.append(self.console)
        if mode.once:
            self.hub.observers.append(self)
        for text in options["endpoints"]:
            self._add_port(text)

    def _add_port(self, text: str) -> None:
        try:
            port = strports.service(text, ChatFactory(self.admission, self._reactor), reactor=self._reactor)
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

    def happened(self, news: News) -> None:
        """End with the first conversation (`--once`)."""
        if isinstance(news, Staged) and news.point == "over":
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
            self.admission.abort()
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
        self.admission.stop(lambda: gone.callback(None))
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
