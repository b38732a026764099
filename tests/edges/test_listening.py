"""Where a hub listens: a number is both address families, a unix socket is its owner's, and what can't be is said."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import twisted.test
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chatterbox.edges import listening
from chatterbox.edges.listening import Place, opener, place_in, place_of, ready, reason_of


@contextmanager
def without(missing: int) -> Iterator[None]:
    """Let this machine lack an address family."""
    real = socket.socket

    def create(family: int, *kind: int) -> socket.socket:
        if family == missing:
            raise OSError(errno.EAFNOSUPPORT, "no such family")
        return real(family, *kind)

    with mock.patch.object(listening.socket, "socket", create):
        yield


class Numbers(SynchronousTestCase):
    """The sockets behind a port number."""

    def test_both_families(self) -> None:
        """One socket takes both; who comes by IPv4 is known by an IPv4 address."""
        with listening._dual_socket(0) as both:
            both.setblocking(True)
            number = both.getsockname()[1]
            for host in ("127.0.0.1", "::1"):
                with socket.create_connection((host, number)):
                    both.accept()[0].close()

    def test_without_ipv6(self) -> None:
        """A machine without IPv6 listens for IPv4 alone."""
        with without(socket.AF_INET6), listening._dual_socket(0) as only:
            self.assertEqual(only.family, socket.AF_INET)
            with socket.create_connection(only.getsockname()):
                pass

    def test_local(self) -> None:
        """`--local` is 127.0.0.1 and ::1, at one port, be it a free one; where there is one family only, that."""
        for families in (socket.AF_INET, socket.AF_INET6), (socket.AF_INET,), (socket.AF_INET6,):
            with contextlib.ExitStack() as stack:
                for family in {socket.AF_INET, socket.AF_INET6} - set(families):
                    stack.enter_context(without(family))
                sockets = listening._local_sockets(0)
            hosts = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
            self.assertEqual([sock.getsockname()[0] for sock in sockets], [hosts[family] for family in families])
            self.assertEqual(len({sock.getsockname()[1] for sock in sockets}), 1)
            for sock in sockets:
                sock.close()

    def test_a_local_port_that_is_half_taken(self) -> None:
        """One of the two taken: another free port is tried, but none for a number that was asked for."""
        with socket.socket(socket.AF_INET6) as other:
            other.bind(("::1", 0))
            other.listen()
            number = other.getsockname()[1]
            fault = self.assertRaises(CannotListenError, listening._local_sockets, number)
            self.assertEqual((place_in(fault), reason_of(fault)), (f"[::1]:{number}", "Address already in use"))
            real = listening._listening

            def first_is_taken(family: int, host: str, port: int, v6_only: bool = True) -> socket.socket:
                taken.append(port)
                return real(family, host, number if len(taken) == 2 else port, v6_only)

            taken: list[int] = []
            with mock.patch.object(listening, "_listening", first_is_taken):
                sockets = listening._local_sockets(0)
            self.assertEqual(len(taken), 4)
            for sock in sockets:
                sock.close()

    def test_taken(self) -> None:
        """A number that somebody has, in one family or both, is refused with place and reason."""
        for host in ("127.0.0.1", "::"):
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as other:
                other.bind((host, 0))
                other.listen()
                number = other.getsockname()[1]
                fault = self.assertRaises(CannotListenError, listening._dual_socket, number)
                self.assertEqual((place_in(fault), reason_of(fault)), (f"*:{number}", "Address already in use"))


class Encrypted(TestCase):
    """TLS ports."""

    def _port(self, typed: str) -> IListeningPort:
        pem = Path(twisted.test.__file__).with_name("server.pem")
        opened = opener(reactor, typed.format(f"ssl:0:privateKey={pem}"), False, 15.0)
        port = self.successResultOf(opened(Factory.forProtocol(Protocol)))[0]
        self.addCleanup(port.stopListening)
        return port

    def test_both_families(self) -> None:
        """Without an interface they take both, also behind a proxy; with one, that; without IPv6, IPv4 alone."""
        for typed, host in (("{}", "*"), ("haproxy:{}", "*"), ("{}:interface=127.0.0.1", "127.0.0.1")):
            self.assertEqual(place_of(self._port(typed))[0], host)
        with without(socket.AF_INET6):
            self.assertEqual(place_of(self._port("{}"))[0], "0.0.0.0")


class UnixSockets(TestCase):
    """Files that are sockets."""

    def setUp(self) -> None:
        """Stand in a folder of its own, whose path is short."""
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(place.name)

    def _opens(self, typed: str) -> Deferred[list[IListeningPort]]:
        return opener(reactor, typed, False, 15.0)(Factory.forProtocol(Protocol))

    def _fault(self, typed: str) -> str:
        fault = self.failureResultOf(self._opens(typed), CannotListenError).value
        return f"{place_in(fault)}: {reason_of(fault)}"

    def _closes(self, ports: list[IListeningPort]) -> None:
        for port in ports:
            self.addCleanup(port.stopListening)

    def test_modes(self) -> None:
        """It is the owner's alone, whatever the umask, unless a mode is named."""
        for umask in (0o000, 0o022, 0o077):
            for more, mode in (("", 0o600), (":mode=660", 0o660), (":mode=666:backlog=5", 0o666)):
                path = f"{umask}{mode}"
                before = os.umask(umask)
                try:
                    self._closes(self.successResultOf(self._opens(f"unix:{path}{more}")))
                finally:
                    os.umask(before)
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), mode, (umask, more))

    def test_a_leftover(self) -> None:
        """What a dead hub left behind is taken away; where somebody listens, or it is another file, it is not."""
        path = "leftover.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        ports = self.successResultOf(self._opens(f"unix:{path}"))
        self._closes(ports)
        self.assertEqual(place_of(ports[0]), (path, 0))
        self.assertEqual(self._fault(f"unix:{path}"), f"{path}: somebody listens there")
        self.assertEqual(self._fault(f"unix:address={path}:mode=660"), f"{path}: somebody listens there")
        Path("file").write_text("precious")
        Path("dangling").symlink_to("nowhere")
        for other in ("file", "dangling", "."):
            self.assertEqual(self._fault(f"unix:{other}"), f"{other}: something else has that name")
        self.assertEqual(Path("file").read_text(), "precious")

    def test_paths(self) -> None:
        """One without its folder, and one that is too long by a byte, are refused; colons may be escaped."""
        self.assertEqual(self._fault("unix:nowhere/chat.sock"), "nowhere/chat.sock: No such file or directory")
        longest = "x" * listening.LONGEST_PATH
        self._closes(self.successResultOf(self._opens(f"unix:{longest}")))
        self.assertIn("its path has 108 bytes, and the system takes 107", self._fault(f"unix:{longest}x"))
        self._closes(self.successResultOf(self._opens("unix:a\\:b")))
        self.assertTrue(Path("a:b").is_socket())

    def test_behind_a_proxy(self) -> None:
        """`haproxy:` may stand before a number and a unix socket, too."""
        self._closes(self.successResultOf(self._opens("haproxy:unix:proxied.sock")))
        self.assertEqual(stat.S_IMODE(os.stat("proxied.sock").st_mode), 0o600)
        self._closes(self.successResultOf(opener(reactor, "haproxy:0", True, 15.0)(Factory.forProtocol(Protocol))))


class Readiness(SynchronousTestCase):
    """What a person reads who has started a hub."""

    def test_how_to_join_and_who_can(self) -> None:
        """A command that joins from here, and one from elsewhere where that is possible."""
        for place, here, elsewhere in (
            (Place("5000", "*", 5000), "127.0.0.1:5000", "HOST:5000 (text travels in clear)"),
            (Place("5000", "0.0.0.0", 5000), "127.0.0.1:5000", "HOST:5000 (text travels in clear)"),
            (Place("tcp6:1", "::", 1), "[::1]:1", "HOST:1 (text travels in clear)"),
            (Place("ssl:1:x", "0.0.0.0", 1), "tls:HOST:1", "tls:HOST:1 (encrypted)"),
            (Place("tcp:1:x", "192.0.2.1", 1), "192.0.2.1:1", "HOST:1 (text travels in clear)"),
            (Place("tcp:1:x", "127.0.0.1", 1), "127.0.0.1:1", ""),
            (Place("5000", "::1", 1), "[::1]:1", ""),
            (Place("unix:a", "a", 0), "unix:a", ""),
        ):
            first, *more, second = ready([place], "chatterbox ").splitlines()
            self.assertEqual(more, ["HOST is the name in the hub's certificate."] if place.is_encrypted else [])
            self.assertEqual(first, f"Ready. To join from this machine: chatterbox {here}")
            other = f"Other machines can join, too: chatterbox {elsewhere}" if elsewhere else "Other machines can't join."
            self.assertEqual(second, other)
