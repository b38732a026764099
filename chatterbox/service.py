"""The service is a hub that runs: command-line options become limits, a mode, ports and a console.

This is the only file that knows all the others.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure

from .connections.admission import Admission
from .core.events import Happening, Joined, Left, Member, News, Site
from .core.hub import Hub
from .core.seating import Here
from .edges.console import Console, missed
from .edges.listening import Opener, Place, opener, place_in, place_of, reason_of
from .edges.narrator import Narrator
from .edges.stdio import Stdio
from .edges.tcp import ChatFactory, Web
from .limits import PUBLIC, Limits
from .log import STDOUT, Log, text_file
from .memory import settle
from .options import Options as Options  # the plugin looks for it here

if TYPE_CHECKING:
    from .edges.engine import EngineService

ENDINGS = (signal.SIGTERM, signal.SIGINT)
"""What ends a hub, twice: at once."""
STOPPED = "shutdown", "the hub is shutting down"
ENDED = "ended", "the operator has ended this hub"
"""The last word to everybody, and its sentence: of a hub that may be started again, and of one that won't be."""
YOUNG = 7000, -1, 10
"""After how many new objects Python looks for circles of garbage among them; what is in use is old then (-1), and the
old ones are looked at after ten such looks, if they are a quarter more. By default it looks after each 700, and again
after ten times 700, so that what stays (27 objects for each connection) is looked at twice."""
SPARE_FILES = 64
"""Open files kept for other things than connections."""

log = Logger()


class CannotStart(SystemExit, Exception):
    """The hub can't start, for the reason in one sentence.

    twistd takes any Exception for a failed start, removes its pidfile and tells the parent of a daemon; as a
    SystemExit with a text it then ends the process with status 1 and that one line on stderr.
    """


class HubService(Service):
    """The hub, while it runs: starting it opens its ports, and stopping it drains it.

    Args:
        reactor: whose time and signals count.
        options: what the operator asked for.

    Raises:
        CannotStart: a port is none.
    """

    def __init__(self, reactor: Any, options: Options) -> None:
        self._reactor = reactor
        self._is_ending = False
        self.failed = ""
        """Why this hub ends with status 1."""
        self._first: Site | None = None
        """The room of the first conversation."""
        limits: Limits = options["limits"]
        if not limits.max_peers:
            limits = replace(limits, max_peers=raise_open_files())
        mode, bare = options["row"], bool(options["bare"])
        self.engine = self._make_engine(options)
        self.hub = Hub(mode, limits, [Log()], self.engine.homes if self.engine else Here())
        self.admission = Admission(self.hub, reactor.callLater, reactor.seconds, bare, _new_stream, time.time)
        if self.engine:
            self.engine.attach(self.admission)
        web = _web(self.admission, options["web-hosts"]) if options["web"] else None
        self._factory = ChatFactory(self.admission, reactor, web)
        self._public = bool(options["public"])
        self._last_words = STOPPED
        self.console = Console(self.admission, self.quit) if options["console"] else None
        self._narrator: Narrator | None = None
        """What prints what happens, in the words of the mode's exercise."""
        if self.console:
            self._tells(self.console.narrator)
        if mode.once:
            self.hub.observers.append(self)
        self._has_ports = False
        self._openers = [(typed, self._opener(typed, bool(options["local"]))) for typed in options["endpoints"]]
        self._ports: list[IListeningPort] = []
        self.places: list[Place] = []
        """Where the hub listens, since it does."""

    def narrate(self, write: Callable[[bytes], object]) -> None:
        """Print what happens, in the words of the mode's exercise, where no console does."""
        if not self._narrator:
            self._tells(Narrator(self.hub.mode, write))

    def _tells(self, narrator: Narrator) -> None:
        self._narrator = narrator
        self.hub.observers.append(narrator)

    def _make_engine(self, options: Options) -> EngineService | None:
        if not options["engine"]:
            return None
        from .edges.engine import EngineService

        return EngineService(self._reactor, options["engine"], options["node"], self._fail)

    def _fail(self, sentence: str) -> None:
        """End with status 1: waiting would not help."""
        log.critical("{sentence}", sentence=sentence)
        self.failed = sentence
        self.end()

    def _opener(self, typed: str, is_local: bool) -> Opener:
        try:
            return opener(self._reactor, typed, is_local, self.hub.limits.join_patience)
        except ImportError:
            how = "which isn't installed; in a checkout: pip install '.[tls]'"
            raise CannotStart(f"chatterbox: --port {typed} needs TLS, {how}") from None
        except ValueError as fault:
            raise CannotStart(f"chatterbox: --port {typed} is no place to listen: {fault}") from None

    def _opened(self, ports: list[IListeningPort], typed: str) -> None:
        """Log where the hub listens, and whether words can be read on their way there."""
        self._ports += ports
        for place in (Place(typed, *place_of(port)) for port in ports):
            self.places.append(place)
            log.info("listening on {place}", place=place.written)
            if place.is_open and not place.is_encrypted:
                log.warn("text travels in clear beyond this machine; see docs/security.md")

    def happened(self, news: News) -> None:
        """End with the first conversation (`--once`): it begins when two sit in a room, and ends when that is empty.

        A seat that is kept for somebody is nobody. When one leaves, two may have met since it was claimed.
        """
        if not isinstance(news, Happening) or not isinstance(news.event, Joined | Left):
            return
        room, event = news
        if not self._first and _have_met(room, event.peer):
            self._first = room
        if isinstance(event, Left) and room is self._first and not room.members.keys() - {event.peer}:
            self._reactor.callLater(0, self.end)

    def privilegedStartService(self) -> None:
        """Open the ports.

        Raises:
            CannotStart: an address is in use, or can't be had.
        """
        super().privilegedStartService()
        self._has_ports = True
        for typed, opens in self._openers:
            faults: list[str] = []
            opens(self._factory).addCallback(self._opened, typed).addErrback(self._failed, typed, faults)
            if faults:
                raise CannotStart(faults[0])

    def _failed(self, failure: Failure, typed: str, faults: list[str]) -> None:
        """Say why a port isn't open; one that took longer to fail ends the hub."""
        fault = cast(BaseException, failure.value)
        place = place_in(fault) if isinstance(fault, CannotListenError) else typed
        faults.append(f"chatterbox: can't listen on {place}: {reason_of(fault)}; choose another place with --port")
        if self.running:
            log.critical("{fault}", fault=faults[0])
            self.end()

    def startService(self) -> None:
        """Begin; the hub's first words are shown. `python -m twisted` has asked for no ports before, as twistd does."""
        super().startService()
        if not self._has_ports:
            self.privilegedStartService()
        if sys.version_info < (3, 14):  # the collector of later ones looks at a part each time
            gc.set_threshold(*YOUNG)
        settle()
        if self._public:
            limits = ", ".join(f"{key} {getattr(self.hub.limits, key):g}" for key in PUBLIC)
            log.info("public: {limits}", limits=limits)
        self._reactor.callWhenRunning(self._listen_to_signals)
        if self.engine:
            self.engine.startService()
        if self.console:
            Stdio(self.console, self._reactor, missed)
        if self._narrator:
            self._narrator.begin(self._named_places())

    def _named_places(self) -> list[str]:
        """Return one place for each that the operator has named: a number may be two, one for each address family."""
        places: dict[str, str] = {}
        for place in self.places:
            places.setdefault(place.typed, place.written)
        return list(places.values())

    def _listen_to_signals(self) -> None:
        """SIGTERM and ^C end a hub with status 0 (hostile.md), also under twistd, which would end by the signal."""
        signal.signal(signal.SIGHUP, _nothing)
        for number in ENDINGS:
            signal.signal(number, lambda number, _: self._reactor.callFromThread(self._asked_to_end, number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)

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

    def quit(self) -> None:
        """Stop because the operator has said so: nobody need come back, unless other hubs have the rooms as well."""
        if not self.engine:
            self._last_words = ENDED
        self.end()

    def stopService(self) -> Deferred[Any]:
        """Stop listening, tell everyone, send what was accepted, and wait for that a bounded time.

        The other hubs are told first: they tell those who are left there, and go on.
        """
        if self.console:
            self.console.restore()
        super().stopService()
        left = [self.engine.leave()] if self.engine else []
        gone: Deferred[None] = Deferred()
        self.admission.stop(lambda: gone.callback(None), *self._last_words)
        return DeferredList([*(maybeDeferred(port.stopListening) for port in self._ports), *left, gone])


def _have_met(room: Site, peer: Member) -> bool:
    """Return whether `peer`, who comes or goes, has a link, and somebody else in `room` has one."""
    return not peer.away and any(member is not peer and not member.away for member in room.members)


def _new_stream() -> str:
    """Return 16 random hexadecimal digits, which nobody guesses."""
    return os.urandom(8).hex()


def _web(admission: Admission, names: list[str]) -> Web:
    """Return the edge for browsers; it needs a package that not everybody has."""
    try:
        from .edges.websocket import Web as Browsers
    except ImportError:
        raise CannotStart("chatterbox: --web needs websockets; in a checkout: pip install '.[web]'") from None
    return Browsers(admission, names)


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


def prepare(reactor: Any) -> None:
    """Give the reactor a clock that never goes back, and hold back the signals that end a hub until it runs.

    Twisted's timers follow the wall clock, and a step of an hour would fire every one of them (hostile.md, F6). A
    signal that comes before the hub can tell everyone waits for `HubService._listen_to_signals`.
    """
    reactor.seconds = time.monotonic
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)


def makeService(options: Options) -> IService:
    """Return the service that `twistd chatterbox` runs."""
    from twisted.internet import reactor as installed  # importing it installs one, and twistd may want another

    reactor = cast(Any, installed)
    if options.parent and options.parent.get("nodaemon") and not options.parent.get("logger"):
        sys.stdout = cast(Any, text_file(STDOUT))  # twistd is about to make its log of it
    prepare(reactor)
    return HubService(reactor, options)
