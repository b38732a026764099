"""How many connections an address may make, and whose address it is behind a proxy."""

from __future__ import annotations

import re
import time

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.sources import RATE_WINDOW, Sources, source_of
from chatterbox.limits import Limits
from tests.harness.processes import Hub, Socket, until

HOME = "203.0.113.7"
NAME_WANTED = "-!- which name do you take?"


class Addresses(SynchronousTestCase):
    """What counts as one source."""

    def test_sources(self) -> None:
        """IPv4 counts by address, IPv6 by /64, a mapped address as the IPv4 one that it is."""
        self.assertEqual(source_of(HOME), HOME)
        self.assertEqual(source_of(f"::ffff:{HOME}"), HOME)
        self.assertEqual(source_of("2001:db8:1:2::1"), source_of("2001:db8:1:2:ffff::%eth0"))
        self.assertNotEqual(source_of("2001:db8:1:2::1"), source_of("2001:db8:1:3::1"))

    def test_this_machine_is_no_source(self) -> None:
        """Loopback and unix sockets, and what is no address at all, are never counted."""
        for host in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "", "/run/chat.sock", "localhost"):
            self.assertEqual(source_of(host), "", host)


class Counting(SynchronousTestCase):
    """Max, and max + 1."""

    def test_at_once(self) -> None:
        """The third of at most two is refused, until one has gone; another address is another matter."""
        sources = Sources(Limits(per_source=2))
        self.assertEqual([sources.admit(HOME, 0) for _ in range(2)], ["", ""])
        fault = sources.admit(HOME, 0)
        self.assertEqual(fault, "2 connections from your address are open already")
        self.assertEqual(sources.admit("203.0.113.8", 0), "")
        sources.release(HOME)
        self.assertNotEqual(sources.admit(HOME, 0), "")
        sources.release(HOME)
        sources.release(HOME)
        self.assertEqual(sources.admit(HOME, 0), "")

    def test_in_ten_minutes(self) -> None:
        """The third of two in ten minutes is refused, though none is open; when they are over it is not."""
        sources = Sources(Limits(per_source_rate=2))
        for _ in range(2):
            self.assertEqual(sources.admit(HOME, 5), "")
            sources.release(HOME)
        fault = sources.admit(HOME, 5 + RATE_WINDOW - 1)
        self.assertEqual(fault, "2 connections from your address in ten minutes are enough")
        sources.release(HOME)
        self.assertEqual(sources.admit(HOME, 5 + RATE_WINDOW), "")

    def test_loopback_is_free(self) -> None:
        """No limit counts for this very machine."""
        sources = Sources(Limits(per_source=1, per_source_rate=1))
        self.assertEqual({sources.admit("127.0.0.1", 0) for _ in range(100)}, {""})

    def test_the_table_is_bounded(self) -> None:
        """Of more addresses than the table holds, the longest unseen is forgotten, and a late release is no error."""
        sources = Sources(Limits(per_source=1, max_sources=3))
        hosts = [f"198.51.100.{number}" for number in range(4)]
        for host in hosts:
            self.assertEqual(sources.admit(host, 0), "")
        self.assertEqual([bool(sources.admit(host, 0)) for host in hosts[1:]], [True] * 3)
        self.assertEqual(sources.admit(hosts[0], 0), "")
        for host in hosts * 3:
            sources.release(host)
        self.assertEqual({sources.admit(host, 0) for host in hosts}, {""})


class BehindAProxy(SynchronousTestCase):
    """F4: at a `haproxy:` port, the header says whose connection it is, and limits count that."""

    def setUp(self) -> None:
        """A proxied port, on which one address may have two connections; nothing of it is a fault to log."""
        self.hub = Hub("--port", "haproxy:tcp:0:interface=127.0.0.1", "--mode", "room", "--per-source", "2")
        self.addCleanup(self.hub.__exit__, None, None)
        until(lambda: self.hub.log.count("listening on") == 2)
        plain, proxied = re.findall(r"listening on 127\.0\.0\.1:(\d+)", self.hub.log)
        self.assertEqual(int(plain), self.hub.port)
        self.port = int(proxied)

    def _connect(self, *header: bytes, seconds: float = 0) -> Socket:
        """Return an end whose proxy sends `header` in these pieces, so far apart."""
        end = Socket(self.port)
        self.addCleanup(end.close)
        for piece in header:
            end.send(piece)
            time.sleep(seconds)
        return end

    def _is_let_in(self, end: Socket) -> bool:
        heard = end.line()
        self.assertIn(heard, (NAME_WANTED, "-!- closed (full): 2 connections from your address are open already"))
        return heard == NAME_WANTED

    def test_f4_the_limit_counts_the_real_address(self) -> None:
        """Two of one address are let in and its third is not; another address is, over the same proxy."""
        mine = b"PROXY TCP4 203.0.113.7 10.0.0.1 1111 2222\r\n"
        other = b"PROXY TCP4 203.0.113.8 10.0.0.1 1111 2222\r\n"
        let_in = [self._is_let_in(self._connect(header)) for header in (mine, mine, mine, other)]
        self.assertEqual(let_in, [True, True, False, True])
        self.assertIn("refused 203.0.113.7:1111 (full)", self.hub.log)

    def test_f4_a_header_in_pieces_counts_its_source(self) -> None:
        """A header that comes in pieces, and slowly, is a header still."""
        pieces = b"PROXY TC", b"P4 203.0.113.9 10.0.", b"0.1 1111 22", b"22\r\n"
        let_in = [self._is_let_in(self._connect(*pieces, seconds=seconds)) for seconds in (0.1, 0, 0.1)]
        self.assertEqual(let_in, [True, True, False])

    def test_f4_version_2(self) -> None:
        """The binary header does the same."""
        start = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
        addresses = bytes([203, 0, 113, 9, 10, 0, 0, 1]) + (1111).to_bytes(2, "big") + (2222).to_bytes(2, "big")
        let_in = [self._is_let_in(self._connect(start + addresses)) for _ in range(3)]
        self.assertEqual(let_in, [True, True, False])

    def test_a_forged_header_is_no_address(self) -> None:
        """Control characters in a header reach neither the log nor, as a label, anybody."""
        end = self._connect(b"PROXY TCP4 \x1b[2Jboo 10.0.0.1 1 2\r\n")
        end.says("ann")
        heard = end.chunk()
        self.assertNotIn(b"\x1b", heard)
        self.assertNotIn("\x1b", self.hub.log)

    def test_no_header(self) -> None:
        """Who comes to that port without a header is hung up on, and joins nothing."""
        end = self._connect(b"hello\nis anybody here?\n" + b"x" * 200)
        self.assertEqual(end.rest(), b"")
        self.assertNotIn("joined", self.hub.log)
