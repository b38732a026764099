"""Connections are accepted a few in one turn; each counts from that moment, whether it is ready or not."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any
from unittest.mock import Mock

from twisted.internet import error, tcp
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import alsoProvides

from chatterbox.core.events import Refused
from chatterbox.edges.proxy import ProxiedFactory
from chatterbox.edges.sockets import ACCEPTS_A_TURN, TCPTransport, send_at_once
from chatterbox.limits import Limits
from tests.harness.browsers import HubForBrowsers, reply_of, request
from tests.harness.memory import READ, End, FakeTransport, HubOnAClock

MAX = Limits().max_unready
V1 = b"PROXY TCP4 203.0.113.7 10.0.0.1 1111 5000\r\n"


class Port:
    """A port of a hub, behind TLS, a proxy or both.

    Args:
        limits: those of the hub which are not the default.
        is_encrypted: whether TLS is spoken there.
        is_proxied: whether a header comes first.
    """

    def __init__(self, limits: dict[str, Any], is_encrypted: bool = False, is_proxied: bool = False) -> None:
        self.hub = HubOnAClock("ports", limits)
        self._is_encrypted = is_encrypted
        patience = self.hub.limits.join_patience
        proxied: Any = ProxiedFactory(self.hub.factory, self.hub.clock, patience)
        self._factory = proxied if is_proxied else self.hub.factory

    def accepts(self, host: str = "127.0.0.1") -> End:
        """Return a new connection of which nothing has come yet."""
        transport = FakeTransport(self.hub.clock, host, 5, READ)
        if self._is_encrypted:
            alsoProvides(transport, ISSLTransport)
        end = End(self.hub.clock, self._factory, transport)
        self.hub.clock.advance(0)
        return end

    @property
    def counted(self) -> int:
        """How many the limits count as open."""
        return len(self.hub.admission.entries.open)


TLS = partial(Port, is_encrypted=True)
PROXY = partial(Port, is_proxied=True)
BOTH = partial(Port, is_encrypted=True, is_proxied=True)


class Unready(SynchronousTestCase):
    """Whose handshake, header or request has no end yet."""

    def test_as_many_as_the_limit(self) -> None:
        """256 wait beside each other; with the 257th the oldest is aborted, and no other."""
        for kind in (TLS, PROXY, BOTH):
            port = kind({})
            ends = [port.accepts() for _ in range(MAX)]
            self.assertEqual({end.closed for end in ends}, {""})
            ends.append(port.accepts())
            self.assertEqual([end.closed for end in ends], ["aborted"] + [""] * MAX)
            self.assertEqual(port.counted, MAX)

    def test_who_is_ready_is_not_aborted(self) -> None:
        """Who has done what was waited for stays, however many come behind it."""
        for kind in (TLS, PROXY, BOTH):
            port = kind({"max_unready": 2})
            first = port.accepts()
            first.sends(b"hello\n" if kind is TLS else V1 + b"hello\n")
            others = [port.accepts() for _ in range(3)]
            self.assertEqual([end.closed for end in (first, *others)], ["", "aborted", "", ""])

    def test_who_goes_is_forgotten(self) -> None:
        """An unready one that is gone leaves nothing behind."""
        for kind in (TLS, PROXY, BOTH):
            port = kind({"max_unready": 1})
            for _ in range(3):
                port.accepts().cut()
            end = port.accepts()
            self.assertEqual((end.closed, port.counted), ("", 1))
            end.line.close(error.ConnectionDone)
            self.assertEqual((port.counted, port.hub.admission.entries.unready, port.hub.leftovers()), (0, {}, []))

    def test_http_heads(self) -> None:
        """A browser whose head has no end yet waits as one of the unready ones; with its end, and others, it doesn't."""
        hub = HubForBrowsers(limits={"max_unready": 2})
        head = request()
        whole = hub.browser("/")
        halves = [hub.asks(head[:-2]) for _ in range(3)]
        self.assertEqual([end.closed for end in (whole.end, *halves)], ["", "aborted", "", ""])
        halves[1].sends(head[-2:])
        self.assertEqual(reply_of(halves[1]).status, 200)
        hub.asks(head[:-2])
        self.assertEqual([halves[2].closed, len(hub.admission.entries.unready)], ["", 2])
        halves[2].cut()
        self.assertEqual(len(hub.admission.entries.unready), 1)

    def test_a_hub_that_stops(self) -> None:
        """Waits for nobody who isn't ready, and lets nobody in; who can be told is told."""
        for kind in (TLS, PROXY, BOTH):
            port = kind({})
            end = port.accepts()
            port.hub.nc().stops_reading().line.write(b"x")
            gone: list[bool] = []
            port.hub.admission.stop(partial(gone.append, True))
            late = port.accepts()
            self.assertEqual((end.closed, late.closed), ("aborted", "done" if kind is PROXY else "aborted"))
            if kind is PROXY:
                self.assertEqual(late.lines(), ["-!- closed (shutdown): the hub is shutting down"])
            port.hub.wait(port.hub.limits.close_patience)
            self.assertEqual((gone, port.hub.leftovers(), port.counted), ([True], [], 0))


class Full(SynchronousTestCase):
    """Limits count the unready as well."""

    def test_a_full_hub(self) -> None:
        """With 3 connections of which none is ready, a fourth is refused; when one is gone, the next isn't."""
        for kind in (TLS, PROXY, BOTH):
            port = kind({"max_peers": 3})
            first, *_ = [port.accepts() for _ in range(3)]
            fourth = port.accepts()
            self.assertEqual(fourth.closed, "done" if kind is PROXY else "aborted")
            self.assertEqual(fourth.lines(), ["-!- closed (full): hub is full"] if kind is PROXY else [])
            self.assertEqual([news.why for news in port.hub.ends_of(Refused)], ["full"])
            first.cut()
            self.assertEqual((port.accepts().closed, port.counted), ("", 3))

    def test_a_source(self) -> None:
        """An address is counted at accept where it is known then: its third handshake of two is aborted."""
        port = TLS({"per_source": 2})
        ends = [port.accepts("192.0.2.1") for _ in range(3)]
        self.assertEqual([end.closed for end in (*ends, port.accepts("192.0.2.2"))], ["", "", "aborted", ""])
        ends[0].cut()
        self.assertEqual(port.accepts("192.0.2.1").closed, "")

    def test_a_source_behind_a_proxy(self) -> None:
        """It is counted when the header has told it, and not before: all come from the proxy's address."""
        port = PROXY({"per_source": 2})
        ends = [port.accepts("192.0.2.1") for _ in range(3)]
        self.assertEqual({end.closed for end in ends}, {""})
        for end in ends:
            end.sends(V1)
        self.assertEqual([end.closed for end in ends], ["", "", "done"])
        self.assertEqual(ends[2].lines(), ["-!- closed (full): 2 connections from your address are open already"])

    def test_a_slow_header_leaves_less_time(self) -> None:
        """Behind a proxy, too, the seconds before joining count from accept."""
        hub = HubOnAClock("room")
        factory: Any = ProxiedFactory(hub.factory, hub.clock, hub.limits.join_patience)
        end = End(hub.clock, factory, FakeTransport(hub.clock, "10.0.0.1", 5, READ))
        hub.wait(10)
        end.sends(V1)
        hub.wait(4.9)
        self.assertEqual(end.closed, "")
        hub.wait(0.2)
        self.assertIn("-!- closed (idle): no name within 15 s", end.lines())


class Accepting(SynchronousTestCase):
    """B12: a burst of connections."""

    def test_a_few_in_one_turn(self) -> None:
        """Of 40 that wait, 16 are accepted in one call, 16 in the next and 8 in the last, however long it goes on."""
        port, made = self._port(lambda number: Protocol())
        self._connect(port, 40)
        counts = []
        for _ in range(3):
            before = len(made)
            port.doRead()
            counts.append(len(made) - before)
        self.assertEqual(counts, [ACCEPTS_A_TURN, ACCEPTS_A_TURN, 8])
        self.assertIsInstance(made[0].transport, TCPTransport)

    def test_one_that_fails(self) -> None:
        """What goes wrong with one connection is logged, and the others are accepted; for who gets none it is closed."""

        def protocol(number: int) -> Protocol | None:
            if number == 1:
                raise RuntimeError("for a test")
            return Protocol() if number != 2 else None

        port, made = self._port(protocol)
        ends = self._connect(port, 4)
        port.doRead()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(len(made), 2)
        self.assertEqual(ends[2].recv(1), b"")

    def test_too_many_files(self) -> None:
        """Where the system gives no connection, Twisted's own way is gone."""
        port, made = self._port(lambda number: Protocol())
        self._connect(port, 1)
        refuse = Mock(side_effect=OSError(errno.ENOBUFS, "for a test"))
        link, port.socket = port.socket, Mock(accept=refuse, _accept=refuse)
        port.doRead()
        port.socket = link
        self.assertEqual(made, [])
        port.doRead()
        self.assertEqual(len(made), 1)

    def test_names_in_complaints(self) -> None:
        """Twisted's log tells connections apart: by protocol, number and the host of the other end."""
        port, made = self._port(lambda number: Protocol())
        self._connect(port, 2)
        port.doRead()
        for number, transport in enumerate(str(one.transport) for one in made):
            self.assertEqual(transport, f"<Protocol,{number},127.0.0.1>")

    def _port(self, protocol: Callable[[int], Protocol | None]) -> tuple[tcp.Port, list[Protocol]]:
        """Return a port, and those of its protocols that have a connection; `protocol` makes them by number."""
        numbers = count()
        made: list[Protocol] = []

        class Made(Factory):
            def buildProtocol(self, addr: object) -> Protocol | None:
                found = protocol(next(numbers))
                if found:
                    made.append(found)
                return found

        port = tcp.Port(0, Made(), 64, "127.0.0.1", MemoryReactorClock())
        port.startListening()
        self.addCleanup(port.socket.close)
        self.addCleanup(lambda: [one.transport.getHandle().close() for one in made])  # type: ignore[union-attr]
        return send_at_once(port), made

    def _connect(self, port: tcp.Port, number: int) -> list[socket.socket]:
        """Connect so many to `port`."""
        ends = [socket.create_connection(("127.0.0.1", port.getHost().port)) for _ in range(number)]
        for end in ends:
            self.addCleanup(end.close)
        return ends
