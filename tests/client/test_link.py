"""The JSON connection to a hub, and the way back to it, without a socket; and the history's file."""

from __future__ import annotations

import json
import os
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.link import FAREWELL_PATIENCE, WELCOME_PATIENCE, HubConnection, Link, NotAHub
from chatterbox.client.terminal.history import KEPT, FileHistory, history_path
from chatterbox.client.terminal.interactive import UPDATE_GAP, Coalescer
from chatterbox.wire.lines import Lines

WELCOME = b'{"event": "welcome", "mode": "pair"}\n'


class Ears:
    """Who listens, and remembers."""

    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []
        self.open: list[bool] = []
        self.cuts: list[str] = []
        self.waits: list[float] = []

    def heard(self, event: dict[str, object]) -> None:
        """Remember."""
        self.events.append(event)

    def flow(self, open_: bool) -> None:
        """Remember."""
        self.open.append(open_)

    def cut(self, reason: str) -> None:
        """Remember."""
        self.cuts.append(reason)

    def wait(self, seconds: float) -> None:
        """Remember."""
        self.waits.append(seconds)


class Abortable(StringTransport):
    """A transport that tells its protocol when it is aborted."""

    connection: HubConnection

    def abortConnection(self) -> None:
        """Be gone."""
        self.connection.connectionLost(Failure(ConnectionLost()))


class Connection(SynchronousTestCase):
    """One connection."""

    def setUp(self) -> None:
        """Connect it."""
        self.ears, self.clock, self.transport = Ears(), Clock(), Abortable()
        self.connection = HubConnection({"chatterbox": 1, "name": "ann"}, self.ears, self.clock)
        self.transport.connection = self.connection
        self.connection.makeConnection(self.transport)

    def test_hello(self) -> None:
        """The hello is the first line, and the first of the hub's objects is heard once it is whole."""
        self.assertEqual(json.loads(self.transport.value()), {"chatterbox": 1, "name": "ann"})
        self.connection.dataReceived(WELCOME[:10])
        self.assertNoResult(self.connection.welcomed)
        self.connection.dataReceived(WELCOME[10:] + b'{"event": "notice"}\n')
        self.successResultOf(self.connection.welcomed)
        self.assertEqual([event["event"] for event in self.ears.events], ["welcome", "notice"])

    def test_refused(self) -> None:
        """A connection that is closed before the welcome was none, and what the hub said of it is heard."""
        self.connection.dataReceived(b'{"event": "closed", "why": "full", "text": "no"}\n')
        self.connection.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(self.connection.welcomed, ConnectionDone)
        self.assertEqual((len(self.ears.events), self.ears.cuts), (1, []))

    def test_somebody_else(self) -> None:
        """A port on which somebody else speaks first is no hub, and what it says is quoted clean and short."""
        self.connection.dataReceived(b"SSH-2.0-\x1b[31m" + b"x" * 1000 + b"\n")
        failure = self.failureResultOf(self.connection.welcomed, NotAHub)
        self.assertRegex(str(failure.value), r"^that is no Chatterbox hub: it says 'SSH-2.0-\[31mx{1,60}'$")

    def test_silence(self) -> None:
        """A port on which nobody says anything is no hub either."""
        self.clock.advance(WELCOME_PATIENCE)
        self.failureResultOf(self.connection.welcomed, NotAHub)

    def test_endless_line(self) -> None:
        """A line without end ends the connection, within its bound."""
        self.connection.dataReceived(WELCOME)
        chunk = b"x" * 65536
        for _ in range(Lines.LIMIT // len(chunk) + 1):
            self.assertIsNotNone(self.connection.transport)
            self.connection.dataReceived(chunk)
        self.assertIsNone(self.connection.transport)

    def test_no_objects(self) -> None:
        """Lines that are no objects are passed over once the hub is known to be one."""
        self.connection.dataReceived(WELCOME + b"[]\nnonsense\n\xff\n{}\n")
        self.assertEqual(self.ears.events[1:], [{}])

    def test_flow(self) -> None:
        """A full connection says so, and says when it goes on."""
        self.connection.dataReceived(WELCOME)
        self.assertTrue(self.transport.streaming)
        self.transport.producer.pauseProducing()
        self.transport.producer.resumeProducing()
        self.assertEqual(self.ears.open, [False, True])


class Reconnecting(SynchronousTestCase):
    """The way back."""

    def setUp(self) -> None:
        """Start a link in a reactor without sockets."""
        self.ears, self.reactor = Ears(), MemoryReactorClock()
        endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", 5000)
        self.link = Link(self.reactor, endpoint, lambda: {"room": "tea"}, self.ears)
        self.first = self.link.start()

    def attempt(self) -> tuple[Any, Abortable]:
        """Let the newest attempt succeed as far as TCP is concerned; return its protocol."""
        factory = self.reactor.tcpClients[-1][2]
        protocol = factory.buildProtocol(None)
        transport = Abortable()
        protocol.makeConnection(transport)
        transport.connection = self.link._connection
        return protocol, transport

    def refuse(self) -> None:
        """Let the newest attempt fail."""
        self.reactor.tcpClients[-1][2].clientConnectionFailed(None, Failure(ConnectionLost()))

    def test_first(self) -> None:
        """The first connection counts from the welcome on; a failure before it is the caller's to judge."""
        protocol, transport = self.attempt()
        self.assertEqual(json.loads(transport.value()), {"chatterbox": 1, "room": "tea"})
        self.assertNoResult(self.first)
        protocol.dataReceived(WELCOME)
        self.successResultOf(self.first)

    def test_first_fails(self) -> None:
        """A hub that accepts and hangs up fails the first attempt, without an error in the log."""
        protocol, _ = self.attempt()
        protocol.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(self.first, ConnectionDone)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_growing_pauses(self) -> None:
        """Pauses grow, are random, and begin anew only after a welcome: not for a hub that accepts and hangs up."""
        protocol, _ = self.attempt()
        protocol.dataReceived(WELCOME)
        protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.ears.cuts, ["the hub closed the connection"])
        for _ in range(8):
            attempts = len(self.reactor.tcpClients)
            self.reactor.advance(self.ears.waits[-1])
            self.assertEqual(len(self.reactor.tcpClients), attempts + 1)
            self.attempt()[0].connectionLost(Failure(ConnectionDone()))
        self.assertEqual(len(self.ears.cuts), 1)
        for number, seconds in enumerate(self.ears.waits, 1):
            least = min(0.5 * 1.6**number, 30.0)
            self.assertTrue(least <= seconds <= least + 1, self.ears.waits)
        self.reactor.advance(self.ears.waits[-1])
        self.attempt()[0].dataReceived(WELCOME)
        self.link._connection.connectionLost(Failure(ConnectionDone()))
        self.assertLess(self.ears.waits[-1], 2)

    def test_leave(self) -> None:
        """Leaving waits for the hub to close, and not for long."""
        protocol, _ = self.attempt()
        protocol.dataReceived(WELCOME)
        gone: Deferred[None] = self.link.leave()
        self.assertNoResult(gone)
        self.reactor.advance(FAREWELL_PATIENCE)
        self.successResultOf(gone)

    def test_leave_while_waiting(self) -> None:
        """Leaving between two attempts leaves at once, and nothing is tried again."""
        self.refuse()
        self.failureResultOf(self.first)
        self.successResultOf(self.link.leave())
        self.reactor.advance(100)
        self.assertEqual(len(self.reactor.tcpClients), 1)


class Pacing(SynchronousTestCase):
    """Doing something often enough, and not too often."""

    def test_coalescer(self) -> None:
        """The first poke acts at once, a thousand more within the gap act once, at its end (20 a second, 50 ms)."""
        clock, acts = Clock(), []
        coalescer = Coalescer(clock, UPDATE_GAP, lambda: acts.append(clock.seconds()))
        for _ in range(1000):
            coalescer.poke()
            clock.advance(0.001)
        self.assertLessEqual(acts[0], 0.001)
        self.assertLessEqual(len(acts), 21)
        gaps = [later - earlier for earlier, later in pairwise(acts)]
        self.assertTrue(all(UPDATE_GAP - 0.001 <= gap <= UPDATE_GAP + 0.002 for gap in gaps), gaps)


class Histories(SynchronousTestCase):
    """What was entered, in a file."""

    def setUp(self) -> None:
        """Have a place for it."""
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.path = Path(place.name) / "state" / "chatterbox" / "history"

    def test_round_trip(self) -> None:
        """What was stored is loaded, the newest first; the file is its owner's only."""
        history = FileHistory(self.path)
        for line in ("one", "zwei 日本", "three"):
            history.store_string(line)
        self.assertEqual(list(FileHistory(self.path).load_history_strings()), ["three", "zwei 日本", "one"])
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.path.parent.stat().st_mode & 0o777, 0o700)

    def test_bound(self) -> None:
        """A file that has grown to twice what is kept is cut to that when it is read."""
        history = FileHistory(self.path)
        history.store_string("first")
        self.path.write_text("".join(f"{number}\n" for number in range(2 * KEPT + 1)))
        loaded = list(FileHistory(self.path).load_history_strings())
        self.assertEqual((len(loaded), loaded[0], loaded[-1]), (KEPT, str(2 * KEPT), str(KEPT + 1)))
        self.assertEqual(len(self.path.read_text().splitlines()), KEPT)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)

    def test_nowhere(self) -> None:
        """Where no file can be had, nothing is lost but the file."""
        self.path.parent.parent.mkdir()
        self.path.parent.write_text("a file where a directory should be")
        history = FileHistory(self.path)
        history.append_string("one")
        self.assertEqual(history.get_strings(), ["one"])
        self.assertEqual(list(history.load_history_strings()), [])

    def test_path(self) -> None:
        """Each hub has a file of its own, and no name of a hub leads out of the directory."""
        self.patch(os, "environ", {"XDG_STATE_HOME": "/state"})
        self.assertEqual(history_path("127.0.0.1:5000"), Path("/state/chatterbox/history-127.0.0.1_5000"))
        self.assertEqual(history_path("unix:/../x").parent, history_path("a").parent)

    def test_no_home(self) -> None:
        """Without HOME, and for a user without a name, there is no file, and no fault (C4)."""
        self.patch(os, "environ", {})
        self.patch(os, "getuid", lambda: 4_000_000)
        self.assertIsNone(history_path("a"))
        self.patch(os, "environ", {"XDG_STATE_HOME": "relative"})
        self.assertIsNone(history_path("a"))
