"""Whoever speaks another protocol never comes to a room."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.memory import HubOnAClock


class Strangers(SynchronousTestCase):
    """Who speaks another protocol is answered in it, or in one sentence, joins nothing and reaches nobody."""

    def setUp(self) -> None:
        """Somebody waits for a partner."""
        self.hub = HubOnAClock()
        self.waiting = self.hub.nc()

    def stranger(self, *packets: bytes) -> bytes:
        """Return what a stranger hears, who must be hung up on and must not have been heard."""
        end = self.hub.connects().sends(*packets)
        self.hub.wait(1)
        self.assertEqual((end.closed, self.waiting.heard()), ("done", b""))
        return end.heard()

    def test_http(self) -> None:
        """Any web page can POST to a port: it gets 400 and a close, in one packet or in many."""
        request = b"POST /chat?x=1 HTTP/1.1\r\nHost: hub\r\n\r\n/join tea\nevil\n"
        self.assertTrue(self.stranger(request).startswith(b"HTTP/1.1 400 "))
        self.assertTrue(
            self.stranger(*(request[at : at + 1] for at in range(len(request)))).startswith(b"HTTP/1.1 400 ")
        )

    def test_http_among_keys(self) -> None:
        """In mode `talk` as well, also where the request's line is longer than a packet, or than one turn's portion."""
        self.hub = HubOnAClock("talk")
        self.waiting = self.hub.nc()
        for packet, size in ((1460, 1500), (1460, 60_000), (65536, 5000)):
            request = b"POST /" + b"a" * size + b" HTTP/1.1\r\nHost: hub\r\n\r\nevil\n"
            heard = self.stranger(*(request[at : at + packet] for at in range(0, len(request), packet)))
            self.assertTrue(heard.startswith(b"HTTP/1.1 400 "), (packet, size))

    def test_keys_that_look_like_more(self) -> None:
        """What begins like a request or a hello and is none is typed, with the keys behind it, when its line ends."""
        for begun in (b"GET " + b"x" * 40, b"{"):
            hub = HubOnAClock("talk")
            watcher, typist = hub.nc(), hub.connects()
            typist.sends(begun)
            hub.wait(1)
            typist.sends(b"y\nab", b"c")
            self.assertEqual(watcher.heard().split(b"\r\n")[-2:], [begun + b"y", b"abc"])

    def test_http_of_other_kinds(self) -> None:
        """Methods with a hyphen, and the preface of HTTP/2."""
        for request in (b"M-SEARCH * HTTP/1.1\r\n\r\nevil\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
            self.assertTrue(self.stranger(request).startswith(b"HTTP/1.1 400 "), request)

    def test_tls(self) -> None:
        """A TLS hello on the plain port gets one sentence."""
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200))
        sentence = b"-!- closed (kicked): this port speaks plain text, not TLS\n"
        self.assertEqual(self.stranger(hello), sentence)
        self.assertEqual(self.stranger(b"\x16", b"\x03"), sentence)

    def test_people_may_talk_about_http(self) -> None:
        """Only the first line is looked at, and only if it is a request line."""
        a = self.hub.nc("GET / HTTP/2.0", "GET / HTTP/1.1", "get / HTTP/1.1")
        self.assertEqual((a.closed, len(self.waiting.lines())), ("", 4))
