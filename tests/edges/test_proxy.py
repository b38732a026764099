"""A proxy's header says whose connection it is, or it is none; behind it everything works as without it."""

from __future__ import annotations

import socket
import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress, ISSLTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import alsoProvides

from chatterbox.edges.proxy import Header, ProxiedFactory, read_header
from chatterbox.edges.sockets import address_of
from tests.harness.inputs import HOSTILE, PROPERTY
from tests.harness.memory import READ, End, FakeTransport, HubOnAClock

V1 = b"PROXY TCP4 203.0.113.7 10.0.0.1 1111 2222\r\n"
PREFIX = b"\r\n\r\n\0\r\nQUIT\n"


def version_2(command: int, family: int, addresses: bytes) -> bytes:
    """Return a binary header."""
    return PREFIX + struct.pack("!BBH", command, family, len(addresses)) + addresses


IPV4 = socket.inet_aton("203.0.113.7") + socket.inet_aton("10.0.0.1") + struct.pack("!HH", 1111, 2222)
IPV6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7") * 2 + struct.pack("!HH", 1111, 2222)
HEADERS: list[tuple[bytes, IAddress | None]] = [
    (V1, IPv4Address("TCP", "203.0.113.7", 1111)),
    (b"PROXY TCP6 2001:db8::7 ::1 1111 2222\r\n", IPv6Address("TCP", "2001:db8::7", 1111)),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
    (version_2(0x21, 0x11, IPV4), IPv4Address("TCP", "203.0.113.7", 1111)),
    (version_2(0x21, 0x11, IPV4 + b"\x04\x00\x02ok"), IPv4Address("TCP", "203.0.113.7", 1111)),
    (version_2(0x21, 0x21, IPV6), IPv6Address("TCP", "2001:db8::7", 1111)),
    (version_2(0x20, 0x11, IPV4), None),
    (version_2(0x20, 0x00, b""), None),
    (version_2(0x21, 0x31, b"x" * 216), None),
]
FORGED = [
    *(b"PROXY TCP4 203.0.113.7 10.0.0.1 1111\r\n", b"PROXY TCP4 a b -5 1\r\n", b"PROXY TCP4 a b 1111111 1\r\n"),
    *(b"PROXY TCP4 a b \xd9\xa1 1\r\n", b"PROXY UDP4 a b 1 2\r\n", b"PROXY " + b"x" * 102, b"GET / HTTP/1.1\r\n", b"\n"),
    *(V1[:-2] + b"\n", b"PROXY\r\n", version_2(0x21, 0x11, IPV4[:8]), version_2(0x21, 0x21, IPV4), version_2(0x22, 0x11, IPV4)),
    *(version_2(0x11, 0x11, IPV4), version_2(0x21, 0x11, IPV4 + b"x" * 4097), PREFIX[:-1] + b"x"),
]


class Reading(SynchronousTestCase):
    """`read_header` is pure."""

    def test_headers(self) -> None:
        """Each header says whose connection it is, with anything behind it."""
        for data, source in HEADERS:
            for behind in (b"", b"hi\n", b"\r\n", V1):
                self.assertEqual(read_header(data + behind), Header(source, len(data)), data)

    def test_in_pieces(self) -> None:
        """What is the beginning of a header is waited for."""
        for data, _ in HEADERS:
            for cut in range(len(data)):
                self.assertIsNone(read_header(data[:cut]), data[:cut])

    def test_forged(self) -> None:
        """What can't become a header is refused."""
        for data in FORGED:
            with self.assertRaises(ValueError, msg=data):
                read_header(data)

    @given(st.sampled_from([V1, b"PROXY TCP6 ", PREFIX + b"\x21", b"PROXY TCP4 "]), HOSTILE, st.binary(max_size=200))
    @PROPERTY
    def test_nothing_else_is_raised(self, start: bytes, hostile: bytes, rest: bytes) -> None:
        """Whatever comes: a header, more to wait for, or a ValueError."""
        for data in (start + hostile + rest, hostile + rest, start[:-3] + hostile + b" " + rest + b" 1 1\r\n"):
            try:
                header = read_header(data)
            except ValueError:
                continue
            self.assertTrue(header is None or 0 < header.size <= len(data))
            if header and header.source:
                host, port = address_of(header.source)
                self.assertRegex(host, r"\A[0-9A-Za-z.:%_-]+\Z")
                self.assertTrue(0 <= port < 65536)


class Addresses(SynchronousTestCase):
    """What an address says is checked before anybody hears of it."""

    def test_addresses(self) -> None:
        """IPv4 stays IPv4, a zone is a plain word or nothing, and what is no address is called unknown."""
        for host, port, known in (
            ("203.0.113.7", 1, ("203.0.113.7", 1)),
            ("::ffff:203.0.113.7", 1, ("203.0.113.7", 1)),
            ("2001:DB8::7", 65535, ("2001:db8::7", 65535)),
            ("fe80::1%eth0", 1, ("fe80::1%eth0", 1)),
            ("fe80::1%\x1b[2J", 1, ("fe80::1", 1)),
            ("fe80::1%" + "x" * 16, 1, ("fe80::1", 1)),
            ("\x1b[2J", 1, ("unknown", 1)),
            ("::1", 65536, ("::1", 0)),
            ("::1", -1, ("::1", 0)),
        ):
            self.assertEqual(address_of(IPv6Address("TCP", host, port)), known)
        self.assertEqual(address_of(UNIXAddress("\x1b[2J")), ("", 0))


class Passing(SynchronousTestCase):
    """A pair, of whom ann comes over a proxy."""

    def setUp(self) -> None:
        """Seat bob; ann's proxy has connected."""
        self.world = HubOnAClock()
        self.bob = self.world.nc("/who")
        factory: Any = ProxiedFactory(self.world.factory, self.world.clock, self.world.limits.join_patience)
        self.ann = End(self.world.clock, factory, FakeTransport(self.world.clock, "10.0.0.1", 5, READ))

    def test_whose_connection_it_is(self) -> None:
        """The hub knows the address in the header, however the packets cut it, and what stands behind it is said."""
        self.ann.sends(*(V1[at : at + 1] for at in range(len(V1))))
        self.ann.sends(b"hi\n")
        self.world.wait(1)
        self.assertIn("hi", self.bob.lines())
        self.assertEqual(list(self.world.admission.connections)[1].peer.address, ("203.0.113.7", 1111))

    def test_the_end_of_the_others_half(self) -> None:
        """A14: who has asked and closed its half hears the answer."""
        self.ann.sends(V1 + b"anybody?\n").finishes()
        self.world.wait(1)
        self.assertEqual(self.bob.lines()[-2:], ["anybody?", "-!- your partner has finished"])
        self.bob.says("me")
        self.assertIn("me", self.ann.lines())

    def test_a_quiet_peer(self) -> None:
        """C19: who has sent its header and only listens stays, also where the proxy speaks for itself."""
        for header in (V1, b"PROXY UNKNOWN\r\n"):
            self.setUp()
            self.ann.sends(header)
            self.world.wait(100)
            self.bob.says("still there?")
            self.assertIn("still there?", self.ann.lines())

    def test_behind_tls(self) -> None:
        """C19: the quiet stays there, too, and the edge knows that it speaks through TLS."""
        alsoProvides(self.ann.line, ISSLTransport)
        self.ann.sends(V1)
        self.world.wait(100)
        self.bob.says("still there?")
        self.assertIn("still there?", self.ann.lines())
        edge = self.ann.line.protocol._behind  # type: ignore[attr-defined]
        self.assertTrue(ISSLTransport.providedBy(edge.transport))

    def test_no_header(self) -> None:
        """Who sends none, or only its beginning, is nobody, and is cut off: at once, or after 15 s."""
        for pieces, seconds in (((b"hello\n",), 0.0), ((b"",), 15.1), ((V1[:-1],), 15.1)):
            self.setUp()
            self.ann.sends(*pieces)
            self.world.wait(seconds)
            self.assertEqual((self.ann.closed, len(self.world.admission.connections)), ("aborted", 1), pieces)
        self.setUp()
        self.world.wait(5)
        self.ann.finishes()
        self.assertEqual((self.ann.closed, self.world.clock.getDelayedCalls()), ("done", []))

    def test_back_pressure(self) -> None:
        """Who reads nothing holds its partner up, behind a proxy as before one."""
        self.ann.sends(V1)
        self.world.wait(1)
        self.ann.stops_reading()
        for _ in range(30):
            self.bob.sends(b"x" * 4000 + b"\n" + b"y" * 4000 + b"\n", b"z" * 4000 + b"\n" * 1000)
        self.world.wait(1)
        self.assertFalse(self.bob.line.reading)
        self.ann.reads()
        self.world.wait(1)
        self.assertTrue(self.bob.line.reading)
