"""What an engine's URL says, and how a connection to it ends."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from OpenSSL import SSL
from service_identity import VerificationError
from service_identity.exceptions import IPAddressMismatch
from service_identity.hazmat import IPAddress_ID
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.edges.engine_url import password_of, place_of
from chatterbox.edges.resp import SILENT, UNREAD, Resp
from tests.harness.certificates import certificate


class Places(SynchronousTestCase):
    """URLs of engines, and the password that is in none."""

    def test_urls(self) -> None:
        """Host, port, database, user, prefix and patience have defaults, or what the URL says."""
        place = place_of("redis://engine")
        self.assertEqual(place, ("redis", "engine", 6379, "", 0, "{cb1}:", 3.0))
        place = place_of("rediss://hub@[::1]:7000/2?patience=5&prefix=team")
        self.assertEqual(place, ("rediss", "::1", 7000, "hub", 2, "{team1}:", 5.0))
        self.assertEqual(place_of("redis+unix:///run/redis.sock?db=3")[1:5], ("/run/redis.sock", 6379, "", 3))
        self.assertEqual(place_of("valkey://10.0.0.7:6380").port, 6380)

    def test_urls_that_can_not_be_right(self) -> None:
        """Each is refused with a sentence that says what to change."""
        for url, word in (
            ("http://engine", "redis://"),
            ("redis://hub:secret@engine", "CHATTERBOX_ENGINE_PASSWORD"),
            ("redis://engine/zero", "database"),
            ("redis://engine:99999", "Port"),
            ("redis://engine?patience=0.5", "patience"),
            ("redis://engine?patience=soon", "soon"),
            ("redis://engine?patiense=3", "patiense"),
        ):
            with self.assertRaises(ValueError) as caught:
                place_of(url)
            self.assertIn(word, str(caught.exception), url)
            self.assertNotIn("secret", str(caught.exception))

    def test_the_password(self) -> None:
        """The environment has it, or systemd's credentials."""
        self.assertEqual(password_of({}), "")
        self.assertEqual(password_of({"CHATTERBOX_ENGINE_PASSWORD": "a b"}), "a b")
        with TemporaryDirectory() as folder:
            Path(folder, "engine-password").write_text("c d\n")
            self.assertEqual(password_of({"CREDENTIALS_DIRECTORY": folder}), "c d")


class Connections(SynchronousTestCase):
    """One connection to an engine that answers, errs, or is silent."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.lost = 0
        self.errors: list[str] = []
        self.answers: list[Any] = []
        self.made = Resp(self.clock, self._lost, self.errors.append)
        self.transport = StringTransport()
        self.made.makeConnection(self.transport)

    def _lost(self, why: str) -> None:
        self.lost += 1
        self.why = why

    def _ask(self, *words: str) -> None:
        self.made.ask(words, self.answers.append)

    def test_a_certificate_without_a_name(self) -> None:
        """Whoever shows one gets no password: the connection is ended at the end of the handshake, and says why."""
        for shown, errors in ((certificate(x509.DNSName("localhost")), 0), (certificate(), 1)):
            self.transport.getPeerCertificate = lambda shown=shown: shown  # type: ignore[attr-defined]  # as through TLS
            self.made.handshakeCompleted()
            self.assertEqual((len(self.errors), self.lost), (errors, errors))

    def test_answers_come_in_order(self) -> None:
        """Commands are sent at once, and answered in order, however the bytes are cut."""
        self._ask("GET", "a")
        self._ask("GET", "b")
        self.assertEqual(self.transport.value(), b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n")
        self.made.dataReceived(b"$1\r\n1\r")
        self.made.dataReceived(b"\n$2\r\n22\r\n")
        self.assertEqual(self.answers, [b"1", b"22"])

    def test_an_answer_that_nobody_waits_for(self) -> None:
        """It is read with one that is awaited, or when many are unread: by itself it wakes nobody."""
        self.made.ask(("POST",), self.answers.append, is_awaited=False)
        self.assertEqual(self.transport.producerState, "paused")
        self._ask("GET", "a")
        self.assertEqual(self.transport.producerState, "producing")
        self.made.dataReceived(b"+OK\r\n")
        self.assertEqual(self.transport.producerState, "producing")
        self.made.dataReceived(b"+1\r\n")
        self.assertEqual((self.answers, self.transport.producerState), ([b"OK", b"1"], "paused"))
        for _ in range(UNREAD):
            self.made.ask(("POST",), self.answers.append, is_awaited=False)
        self.assertEqual(self.transport.producerState, "paused")
        self.made.ask(("POST",), self.answers.append, is_awaited=False)
        self.assertEqual(self.transport.producerState, "producing")

    def test_an_answer_that_nobody_waited_for_in_time(self) -> None:
        """Before a connection is taken for silent what has come is read: only one without an answer is ended."""
        self.made.ask(("POST",), self.answers.append, is_awaited=False)

        def has_come() -> None:
            if self.transport.producerState == "producing":
                self.made.dataReceived(b"+OK\r\n")

        self.clock.callLater(SILENT, has_come)  # between the look at what has come and the one behind it
        self.clock.advance(SILENT)
        self.assertEqual((self.lost, self.answers, self.transport.producerState), (0, [b"OK"], "paused"))
        self.made.ask(("POST",), self.answers.append, is_awaited=False)
        self.clock.pump([SILENT, 0])
        self.assertEqual((self.lost, self.answers), (1, [b"OK", None]))

    def test_silence_ends_it(self) -> None:
        """An answer that doesn't come in time ends the connection, and every answer that is awaited is None."""
        self._ask("GET", "a")
        self._ask("GET", "b")
        self.clock.pump([SILENT - 0.1, 0.05])
        self.assertEqual(self.lost, 0)
        self.clock.pump([0.1, 0])
        self.assertEqual((self.lost, self.answers), (1, [None, None]))
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_silence_when_nothing_is_asked(self) -> None:
        """Nobody has to answer what was not asked."""
        self.clock.advance(SILENT * 3)
        self.assertEqual((self.lost, self.clock.getDelayedCalls()), (0, []))

    def test_errors(self) -> None:
        """An error answers None to who asked, and is told: LOADING, READONLY, NOSCRIPT are all the same here."""
        self._ask("EVALSHA", "x", "0")
        self._ask("PING")
        self.made.dataReceived(b"-LOADING Redis is loading the dataset in memory\r\n+PONG\r\n")
        self.assertEqual(self.answers, [None, b"PONG"])
        self.assertEqual(self.errors, ["LOADING Redis is loading the dataset in memory"])

    def test_what_is_no_redis(self) -> None:
        """Bytes that are no answer are told as an error."""
        self._ask("PING")
        self.made.dataReceived(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.assertIn("no Redis", self.errors[0])

    def test_why_it_is_lost(self) -> None:
        """Whoever shows a certificate that nobody vouches for is left, and the operator reads why."""
        self.made.connectionLost(Failure(SSL.Error([("SSL routines", "", "certificate verify failed")])))
        self.assertEqual((self.lost, self.why), (1, "certificate verify failed"))

    def test_a_certificate_for_another_name(self) -> None:
        """Whoever shows one is left, and the operator reads why: for an address there is no list of OpenSSL's errors."""
        mismatch = IPAddressMismatch(mismatched_id=IPAddress_ID("127.0.0.1"))
        self.made.connectionLost(Failure(VerificationError(errors=[mismatch])))
        self.assertEqual((self.lost, self.why), (1, "its certificate is for another name"))

    def test_what_is_asked_too_late(self) -> None:
        """Who asks a lost connection is answered None, in a turn of its own."""
        self.made.connectionLost()
        self.made.connectionLost()
        self._ask("PING")
        self.assertEqual(self.answers, [])
        self.clock.advance(0)
        self.assertEqual((self.answers, self.lost), ([None], 1))
