"""What the client says on stderr when something went wrong, and what it leaves out when it shall be quiet."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.connection import HubLink
from chatterbox.client.failures import fault_in, has_names, unreachable
from chatterbox.client.pipes.run import quietly
from tests.harness.certificates import certificate


class Quiet(SynchronousTestCase):
    """--quiet."""

    def test_only_faults(self) -> None:
        """Notices are left out, but for the hub's refusal and what this client itself has to say."""
        told: list[bytes] = []
        tell = quietly(told.append)
        tell(b"-!- bob joined\n-!- bob left (quit)\n")
        tell(b"-!- bob joined\n-!- closed (full): room lobby has no free seat\n")
        tell(b"-!- closed (bye): so\n-!- closed (quit): so\n")
        tell(b"chatterbox: the link is lost\n")
        self.assertEqual(told, [b"-!- closed (full): room lobby has no free seat\n", b"chatterbox: the link is lost\n"])


class Unreachable(SynchronousTestCase):
    """There never was a link."""

    def test_what_happened_to_what_and_what_now(self) -> None:
        """One line: what happened, to which hub, what to look at."""
        for fault, words in [
            (error.ConnectionRefusedError(), "connection refused; is a hub running there?"),
            (error.TimeoutError(), "no answer; is a hub running there?"),
            (error.DNSLookupError("x"), "no such host; is the name right?"),
            (error.ConnectionDone(), "the hub closed the connection; it may be a TLS port: try tls:example:5000"),
            (error.ConnectError(2, "x"), "No such file or directory; is a hub running there?"),
            (OSError(13, "x"), "Permission denied; is a hub running there?"),
            (ValueError("bad \x1b host"), "bad  host"),
            (RuntimeError(), "no reason is known"),
            (
                SSL.Error([("SSL routines", "", "certificate verify failed")]),
                "its certificate is not trusted; "
                "trust your own one with tls:HOST:PORT:trustRoots=FOLDER, see docs/running.md",
            ),
            (SSL.Error([("SSL routines", "", "wrong version number")]), "it speaks no TLS; try it without tls:"),
            (SSL.Error([("SSL routines", "", "no shared cipher")]), "the encrypted link failed (no shared cipher)"),
            (SSL.ZeroReturnError(), "the encrypted link failed"),
            (VerificationError([]), "its certificate is for another name; use the name that it was made for"),
        ]:
            self.assertEqual(unreachable("example:5000", Failure(fault)), f"cannot reach example:5000: {words}")


class Certificates(SynchronousTestCase):
    """Twisted goes on where it can't read the names in a certificate: the link doesn't."""

    def test_names(self) -> None:
        """A name that can be checked is one; none, and what is no name of a host, aren't."""
        self.assertTrue(has_names(certificate(x509.DNSName("localhost"))))
        self.assertFalse(has_names(certificate()))
        self.assertFalse(has_names(certificate(x509.DNSName("127.0.0.1"))))

    def test_a_link(self) -> None:
        """A link to whoever shows a certificate without a name is cut before anything is heard; its fault says why."""
        for shown, is_refused in ((certificate(), True), (certificate(x509.DNSName("localhost")), False)):
            wire: Any = StringTransport()
            wire.getPeerCertificate = lambda shown=shown: shown
            wire.abortConnection = wire.loseConnection
            link = HubLink(self)  # type: ignore[arg-type]
            link.makeConnection(wire)
            link.handshakeCompleted()
            self.assertEqual((wire.disconnecting, "names no host" in link.fault), (is_refused, is_refused))

    def link_made(self, link: HubLink) -> None:
        """Say nothing."""

    def test_what_twisted_logs(self) -> None:
        """What Twisted logs of such a certificate is no fault of this program; everything else with a failure is."""
        failure = Failure(ValueError())
        self.assertIs(fault_in({"log_failure": failure, "log_namespace": "twisted"}), failure)
        self.assertIsNone(fault_in({"log_failure": failure, "log_namespace": "twisted.internet._sslverify"}))
        self.assertIsNone(fault_in({"log_namespace": "twisted"}))
