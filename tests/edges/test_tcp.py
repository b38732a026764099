"""A connection becomes a peer: packets, half-closes, telnet, TLS, and proxies."""

from __future__ import annotations

import json
import socket
import time
import timeit
import tracemalloc
from functools import partial
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import error
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.testing import StringTransport
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from chatterbox.connections.slow import PULSE
from chatterbox.edges.proxy import ProxiedFactory
from chatterbox.edges.tcp import ChatProtocol
from chatterbox.log import Log as HubLog
from tests.harness.inputs import PROPERTY
from tests.harness.memory import HubOnAClock


class Packets(SynchronousTestCase):
    """Lines stay whole, whatever the packets."""

    @given(st.lists(st.text("abc/\u00e9 ", max_size=9), min_size=1), st.lists(st.integers(0, 200), max_size=9))
    @PROPERTY
    def test_cuts_change_nothing(self, lines: list[str], cuts: list[int]) -> None:
        """Cut anywhere, with CRLF or LF, what was said arrives line for line."""
        data = "".join(f"{line}\r\n" if len(line) % 2 else f"{line}\n" for line in lines).encode()
        edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        hub = HubOnAClock()
        a, b = hub.nc("start"), hub.nc()
        a.sends(*(data[start:end] for start, end in zip(edges, edges[1:])))
        self.assertEqual(b.lines()[1:], [line[1:] if line.startswith("//") else line for line in lines])

    def test_two_lines_in_one_packet(self) -> None:
        """`a\\nb\\n` is two messages, `he` + `llo\\n` is one (001-4)."""
        hub = HubOnAClock("ports")
        a, b = hub.connects(port=1), hub.nc()
        a.sends(b"a\nb\n", b"he", b"llo\n")
        self.assertEqual(b.lines(), ["1: a", "1: b", "1: hello"])

    def test_f1_newlines_cost_linear_time(self) -> None:
        """256 KiB of bare newlines in one call take far less than the 16 times of a quadratic way (F1; Twisted #6356)."""
        self.assertTrue(any(_is_linear(tries) for tries in (5, 10, 20, 40)))

    def test_a_line_in_a_thousand_packets(self) -> None:
        """A byte at a time is a line at the end."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc()
        a.sends(*(b"x" for _ in range(1000)), b"\n")
        self.assertEqual(b.heard(), b"x" * 1000 + b"\n")


def _is_linear(tries: int) -> bool:
    """Return whether four times the newlines took less than ten times as long, each the best of so many tries."""
    times = []
    for size in (64 * 1024, 256 * 1024):
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc()
        read = partial(a.line.protocol.dataReceived, b"\n" * size)
        times.append(min(timeit.repeat(read, number=1, repeat=tries, timer=time.process_time)))
        assert len(b.heard()) == tries * size
    return times[1] < 10 * times[0]


class HalfClose(SynchronousTestCase):
    """`nc -N` closes its sending half at the end of its input, and goes on hearing (F7)."""

    def test_f7_the_answer_is_heard(self) -> None:
        """`printf 'hi\\n' | nc -N hub` sees the answer."""
        hub = HubOnAClock()
        b = hub.nc()
        a = hub.connects().sends(b"hi\n").finishes()
        b.says("hello")
        self.assertIn("hello", a.lines())

    def test_f7_an_unterminated_last_line_is_a_line(self) -> None:
        """At a clean end, half or whole."""
        for end in ("finish", "close"):
            hub = HubOnAClock()
            a, b = hub.nc(), hub.nc()
            a.sends(b"one\ntwo")
            self.assertEqual(b.heard(), b"one\n")
            a.finishes() if end == "finish" else a.line.close(error.ConnectionDone)
            self.assertEqual(b.lines()[0], "two")

    def test_a_link_that_breaks_after_the_end(self) -> None:
        """Nothing is read from who has finished; the system is asked for it, and its seat is free (Linux)."""
        hub = HubOnAClock()
        a = hub.nc("hi").finishes()
        hub.wait(PULSE)
        self.assertEqual(a.closed, "")
        a.line.is_broken = True
        hub.wait(PULSE)
        self.assertEqual((a.closed, hub.leftovers()), ("aborted", []))

    def test_a_reset_in_the_middle_of_a_line(self) -> None:
        """Half a line that was cut is not said."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc()
        a.sends(b"one\ntw").cut()
        self.assertEqual(b.lines(), ["one", "-!- your partner left (lost)"])

    def test_an_end_behind_a_hold(self) -> None:
        """What was sent before the end is said before it, though it had to wait."""
        hub = HubOnAClock(limits={"high_water": 100}, buffer=10)
        a, b = hub.nc(), hub.nc().stops_reading()
        for at in range(9):
            a.says(f"{at}" * 50)
        a.sends(b"last").finishes()
        self.assertFalse(a.line.reading)
        self.assertEqual(b.reads().lines()[-2:], ["last", "-!- your partner has finished"])

    def test_the_last_bytes_of_the_hub_may_close_first(self) -> None:
        """Twisted says when our own half is closed; nothing follows from it."""
        hub = HubOnAClock()
        a = hub.nc()
        a.line.protocol.writeConnectionLost()
        self.assertEqual(a.closed, "")


class TelnetClients(SynchronousTestCase):
    """telnet mixes commands into the text (F8)."""

    def test_f8_control_c(self) -> None:
        """It is answered, so that telnet goes on showing what comes, and the partner hears text only."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc()
        a.heard()
        a.sends(b"he\xff", b"\xf4\xff\xfd", b"\x06llo\r\n")
        self.assertEqual((a.heard(), b.heard()), (b"\xff\xfc\x06", b"hello\n"))

    def test_latin_1(self) -> None:
        """A stray 0xFF is no telnet: it becomes U+FFFD, and the line's end stands."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc()
        a.sends(b"a\xff\nb\n")
        self.assertEqual(b.lines(), ["a\ufffd", "b"])

    def test_an_answer_to_who_is_gone(self) -> None:
        """Nothing is written behind the last word."""
        a = HubOnAClock().nc().says("/quit")
        a.sends(b"\xff\xfd\x06")
        self.assertEqual(a.heard(), b"-!- closed (quit)\n")

    def test_after_lines_without_any(self) -> None:
        """A command, or the CR NUL of its character mode, is one also behind lines that had none, and cut in two."""
        for packets, heard in (
            ([b"\xff\xfd\x06hello\r\n"], "hello"),
            ([b"one\n\xff", b"\xfd\x06two\n"], "one two"),
            ([b"one\r\0two\r\n"], "one two"),
        ):
            hub = HubOnAClock()
            ann, bob = hub.nc("hi"), hub.nc("ho")
            ann.says("as ever")
            bob.heard()
            self.assertEqual(" ".join(ann.sends(*packets) and bob.lines()), heard)


class Pressure(SynchronousTestCase):
    """The protocol is the producer of its own transport."""

    def test_the_producer(self) -> None:
        """It is registered as a streaming one, pauses what is written, and reading is paused through the transport."""
        hub = HubOnAClock(limits={"high_water": 10})
        transports = [StringTransport(), StringTransport()]
        protocols = [hub.factory.buildProtocol(None) for _ in transports]
        for protocol, transport in zip(protocols, transports):
            protocol.makeConnection(transport)
            self.assertIs(transport.producer, protocol)
            self.assertTrue(transport.streaming)
        hub.wait(1)
        protocols[1].pauseProducing()
        protocols[0].dataReceived(b"hello out there\n")
        self.assertEqual((transports[1].value(), transports[0].producerState), (b"", "paused"))
        protocols[1].resumeProducing()
        hub.wait(0)
        self.assertEqual((transports[1].value(), transports[0].producerState), (b"hello out there\n", "producing"))
        protocols[0].stopProducing()

    def test_without_tcp_info(self) -> None:
        """Where the system can't tell what was taken, only the transport's asking for more counts."""
        for transport in (StringTransport, TLSTransport):
            self.check_without_tcp_info(transport)

    def check_without_tcp_info(self, transport: type[StringTransport]) -> None:
        """Let one of a pair take nothing."""
        hub = HubOnAClock(limits={"high_water": 10, "pair_patience": 5.0})
        protocols = [hub.factory.buildProtocol(None) for _ in range(2)]
        for protocol in protocols:
            protocol.makeConnection(transport(lenient=True))
            if transport is TLSTransport:
                protocol.handshakeCompleted()
        hub.wait(1)
        protocols[1].pauseProducing()
        protocols[0].dataReceived(b"hello out there\n")
        hub.wait(6)
        self.assertEqual(protocols[1].connection.peer.gone, "slow")

    def test_what_comes_after_the_hang_up_is_not_kept(self) -> None:
        """One who goes on sending when it was hung up on costs no memory."""
        hub = HubOnAClock()
        a = hub.nc().stops_reading()
        a.line.write(b"x")
        a.says("/quit")
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for data in (b"x" * 65_536, b"y" * 65_535 + b"\n"):
            a.sends(*[data] * 50)
            self.assertLess(tracemalloc.get_traced_memory()[0], 1_000_000)
        self.assertEqual(a.closed, "")


class Socket(socket.socket):
    """A TCP socket without a system behind it, that notes its options."""

    def __init__(self) -> None:
        self.options: dict[int, object] = {}

    def setsockopt(self, level: int, option: int, value: object) -> None:  # type: ignore[override]  # no overloads
        """Note it."""
        self.options[option] = value

    def getsockopt(self, level: int, option: int, size: int = 0) -> int:  # type: ignore[override]  # no overloads
        """Say that nothing is set."""
        return 0


class TLSTransport(StringTransport):
    """A transport that looks like TLS."""

    def __init__(self, lenient: bool = False) -> None:
        super().__init__(lenient=lenient)
        directlyProvides(self, ISSLTransport)
        self.socket = Socket()

    def getHandle(self) -> Socket:
        """Return its socket."""
        return self.socket


class Encrypted(SynchronousTestCase):
    """Over TLS a connection is of use after its handshake."""

    def connect(self, hub: HubOnAClock) -> tuple[ChatProtocol, TLSTransport]:
        """Return a protocol on a transport that looks like TLS."""
        transport = TLSTransport()
        protocol = hub.factory.buildProtocol(None)
        protocol.makeConnection(transport)
        return protocol, transport

    def test_after_the_handshake(self) -> None:
        """Nobody has arrived before."""
        hub = HubOnAClock()
        protocol, _ = self.connect(hub)
        hub.wait(1)
        self.assertEqual(hub.leftovers()[:1], hub.clock.getDelayedCalls())
        protocol.handshakeCompleted()
        hub.wait(1)
        self.assertEqual(hub.rooms(), {"lobby": ["guest-1"]})
        protocol.connectionLost(Failure(error.ConnectionDone()))
        self.assertEqual(hub.leftovers(), [])

    def test_a_handshake_that_never_ends(self) -> None:
        """Is cut after 15 s, and nothing is left of it."""
        hub = HubOnAClock()
        protocol, transport = self.connect(hub)
        hub.wait(14.9)
        self.assertFalse(transport.disconnected)
        hub.wait(0.2)
        self.assertTrue(transport.disconnected)
        protocol.connectionLost(Failure(error.ConnectionAborted()))
        self.assertEqual(hub.leftovers(), [])

    def test_dead_peers_are_found_by_the_system(self) -> None:
        """Small lines leave at once, and keepalive asks after 60 s, four times 15 s apart."""
        _, transport = self.connect(HubOnAClock())
        options = {"TCP_NODELAY": 1, "SO_KEEPALIVE": 1, "TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
        for name, value in {**options, "TCP_USER_TIMEOUT": 60_000}.items():
            if hasattr(socket, name):
                self.assertEqual(transport.socket.options[getattr(socket, name)], value, name)

    def test_a_handshake_that_breaks(self) -> None:
        """A client that goes away in the middle leaves nothing."""
        hub = HubOnAClock()
        protocol, _ = self.connect(hub)
        protocol.connectionLost(Failure(error.ConnectionLost()))
        self.assertEqual(hub.leftovers(), [])

    def test_seconds_before_joining_count_from_accept(self) -> None:
        """A slow handshake leaves less time for the name."""
        hub = HubOnAClock("room")
        protocol, transport = self.connect(hub)
        hub.wait(10)
        protocol.handshakeCompleted()
        hub.wait(4.9)
        self.assertEqual(protocol.connection.peer.gone, "")
        hub.wait(0.2)
        self.assertEqual(protocol.connection.peer.gone, "idle")


class BehindAProxy(SynchronousTestCase):
    """With `haproxy:` the header says whose connection it is."""

    def test_f4_the_address_is_the_headers(self) -> None:
        """Names and per-source limits go by the address in the header, not by the proxy's (F4)."""
        self.hub = HubOnAClock("ports", {"per_source": 1}, label="address")
        heard = []
        for port in (1, 2):
            protocol, transport = self.connect()
            protocol.dataReceived(b"PROXY TCP4 192.0.2.7 10.0.0.1 %d 5000\r\nhi\n" % port)
            heard.append(transport.value())
        self.assertEqual(self.hub.rooms(), {"lobby": ["192.0.2.7:1"]})
        self.assertEqual(heard[0], b"")
        self.assertIn(b"1 connections from your address", heard[1])

    def test_a_header_and_no_more(self) -> None:
        """Who says nothing behind its header is there, too."""
        self.hub = HubOnAClock("ports", label="address")
        self.connect()[0].dataReceived(b"PROXY TCP4 192.0.2.7 10.0.0.1 1 5000\r\n")
        self.hub.wait(1)
        self.assertEqual(self.hub.rooms(), {"lobby": ["192.0.2.7:1"]})

    def test_no_header(self) -> None:
        """A connection that doesn't say whose it is is cut after 15 s, and never was anybody's."""
        self.hub = HubOnAClock("ports")
        protocol, transport = self.connect()
        self.hub.wait(14.8)
        self.assertFalse(transport.disconnected)
        self.hub.wait(0.5)
        self.assertTrue(transport.disconnected)
        protocol.connectionLost(Failure(error.ConnectionAborted()))
        self.assertEqual(self.hub.leftovers(), [])

    def connect(self) -> tuple[Any, StringTransport]:
        """Return a connection as the proxy's endpoint makes it, and its transport."""
        factory: Any = ProxiedFactory(self.hub.factory, self.hub.clock, self.hub.limits.join_patience)
        protocol, transport = factory.buildProtocol(None), StringTransport(lenient=True)
        protocol.makeConnection(transport)
        return protocol, transport


class Log(SynchronousTestCase):
    """What people say is never logged, and what they choose is never a format (F5)."""

    def test_f5_no_text_and_no_formats(self) -> None:
        """Joins and leaves are recorded with their names as data; what was said, asked and refused isn't."""
        events: list[LogEvent] = []
        observer = cast(ILogObserver, events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        hub = HubOnAClock("room")
        hub.observers.append(HubLog())
        evil = "{log_source.secret} %s \x1b[2J secret"
        hub.nc("ann", evil).says(f"/me {evil}", f"/msg ann {evil}", f"/nick {evil}", f"/join {evil}", "/quit")
        hub.nc(evil).says("/nick bob").cut()
        hub.connects().says(json.dumps({"chatterbox": 1, "name": evil, "room": evil}))
        texts = [formatEvent(event) for event in events]
        self.assertEqual(len(texts), 5)
        self.assertNotIn("secret", repr(events))
        self.assertTrue(all(text.isascii() and text.isprintable() for text in texts))
