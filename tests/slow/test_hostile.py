"""What strangers and partners send to a hub: real processes, real sockets, and a pair who notices nothing."""

from __future__ import annotations

import json
import ssl
import subprocess
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE, End, Socket
from tests.harness.hardship import GROWTH, MIB, gathered, memory, talk
from tests.harness.processes import Hub
from tests.harness.terminals import Tty

FULL = b"-!- closed (full): room lobby has no free seat, try another room\n"
HELLO = '{"chatterbox": 1}'


class Thirds(SynchronousTestCase):
    """A third peer never receives a byte of the conversation, in any state."""

    def test_whatever_the_third_does(self) -> None:
        """A third that talks, asks, greets in JSON or takes a name hears that the room is full; the pair hears nothing."""
        with Hub() as hub:
            ann, bob = hub.pair()
            for lines in ([], ["hello?"], ["/who"], ["/msg guest-1 hi"], ["/nick ann", "hi"], ["/join lobby", "hi"]):
                self.assertEqual(hub.peer(*lines).rest(), FULL, lines)
            closed = json.loads(hub.peer(HELLO, '{"verb": "who"}').rest())
            self.assertEqual((closed["event"], closed["why"]), ("closed", "full"))
            talk(ann, bob)

    def test_whatever_the_pair_does(self) -> None:
        """Amid half a line, a draft, a backlog, or behind a half-closed end: the third hears none of it."""
        with Hub() as hub:
            ann = hub.peer(HELLO)
            ann.line()
            bob = hub.peer()
            ann.line()
            bob.send(b"half a ")
            ann.says('{"verb": "type", "keys": "secret"}')
            self.assertEqual(hub.peer("hi").rest(), FULL)
            bob.send(b"line\n")
            self.assertIn("half a line", ann.line())
            while bob.sends_some(b"secret\n" * 8192):
                pass
            self.assertEqual(hub.peer("hi").rest(), FULL)
            ann.chunk()
            bob.finish()
            self.assertEqual(hub.peer("hi").rest(), FULL)

    def test_the_seat_of_one_who_has_finished(self) -> None:
        """Who has closed its sending half and was spoken to keeps its seat from a third."""
        with Hub() as hub:
            ann, bob = hub.pair()
            ann.finish()
            bob.hears("-!- your partner has finished")
            bob.says("you still listen?")
            ann.hears("you still listen?")
            self.assertEqual(hub.peer("hi").rest(), FULL)
            bob.says("good")
            ann.hears("-!- somebody asks for a seat", "good")


class Names(SynchronousTestCase):
    """Names, and coming and going, at the worst moment."""

    def test_double_names(self) -> None:
        """Of twenty who want one name at once, whatever its case, one has it and each other is told."""
        with Hub("--mode", "room") as hub:
            ends = [Socket(hub.port) for _ in range(20)]
            for number, end in enumerate(ends):
                end.says("ANN" if number % 2 else "ann")
            heard = [end.line() for end in ends]
            self.assertEqual(sum("you are" in line for line in heard), 1, heard)
            self.assertEqual(sum("is taken" in line for line in heard), 19, heard)
            for end in ends:
                end.close()

    def test_joins_and_leaves_in_one_packet(self) -> None:
        """A hundred moves and a farewell in one packet: who stays hears of as many joins as leaves."""
        with Hub() as hub:
            ann = hub.peer(room="tea")
            ann.says("/who")
            ann.skips("-!- here: guest-1")
            mover = hub.peer("/who")
            mover.hears("-!- here: guest-1")
            mover.says(*["/join tea", "/join milk"] * 50, "/join tea", "/quit")
            mover.rest()
            ann.says("/who")
            heard: list[str] = []
            while heard[-1:] != ["-!- here: guest-1"]:
                heard.append(ann.line())
            self.assertEqual(heard.count("-!- your partner joined"), 51)
            self.assertEqual(heard.count("-!- your partner left (moved)"), 50)
            self.assertEqual(heard.count("-!- your partner left (quit)"), 1)


class Cuts(SynchronousTestCase):
    """Links that end in the middle of something."""

    def test_a_reset_in_the_middle_of_a_line(self) -> None:
        """A line that a reset cuts is never heard; the next partner talks as if nothing had been."""
        with Hub() as hub:
            ann, bob = hub.pair()
            for _ in range(20):
                bob.send(b"whole\nhal")
                ann.hears("whole")
                bob.reset()
                ann.hears("-!- your partner left (lost)")
                bob = hub.peer()
                ann.hears("-!- your partner joined")
            talk(ann, bob)


class OtherProtocols(SynchronousTestCase):
    """Who speaks something else joins nothing and reaches nobody."""

    def setUp(self) -> None:
        """One waits for a partner."""
        self.hub = Hub()
        self.addCleanup(self.hub.__exit__, None, None)
        self.waiting = self.hub.peer("/who")
        self.waiting.hears("-!- here: guest-1")
        self.addCleanup(self._a_partner_comes)

    def _a_partner_comes(self) -> None:
        """Prove that a partner who comes now is the first that anybody hears of."""
        self.assertTrue(self.waiting.is_quiet())
        partner = self.hub.peer("hello")
        self.waiting.hears("-!- your partner joined", "hello")
        talk(self.waiting, partner)

    def test_a_web_page_posts(self) -> None:
        """A POST, in one packet or in pieces, is answered 400 and closed, and its body is nobody's line."""
        post = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 16\r\n\r\n/join lobby\nhey\n"
        for cut in (len(post), 1, 9, 16, 40):
            end = Socket(self.hub.port)
            end.send(post[:cut])
            end.send(post[cut:])
            self.assertEqual(end.rest().partition(b"\r\n")[0], b"HTTP/1.1 400 Bad Request", cut)

    def test_a_browser(self) -> None:
        """What a real HTTP client gets is status 400, at once."""
        command = ["curl", "-s", "-o", "-", "-w", "%{http_code}", "-d", "hi\nthere", f"127.0.0.1:{self.hub.port}"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=DEADLINE)
        except FileNotFoundError:
            raise SkipTest("no curl here") from None
        self.assertEqual(done.stdout, b"400")

    def test_tls(self) -> None:
        """A TLS hello on the plain port is answered with one sentence and a close."""
        received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ssl.create_default_context().wrap_bio(received, sent, server_hostname="localhost")
        self.assertRaises(ssl.SSLWantReadError, tls.do_handshake)  # first, since who says nothing for long takes a seat
        end = Socket(self.hub.port)
        end.send(sent.read())
        received.write(end.rest())
        self.assertRaises(ssl.SSLError, tls.do_handshake)
        end = Socket(self.hub.port)
        end.send(b"\x16\x03\x01\x02\x00\x01")
        self.assertEqual(end.rest(), b"-!- closed (kicked): this port speaks plain text, not TLS\n")


class Floods(SynchronousTestCase):
    """Much of what nobody wants."""

    def test_f8_interrupt_of_a_real_telnet(self) -> None:
        """F8: ^C in telnet reaches nobody, and telnet goes on to show what comes."""
        with Hub() as hub:
            bob = hub.peer("/who")
            bob.hears("-!- here: guest-1")
            try:
                telnet = Tty(["telnet", "127.0.0.1", str(hub.port)])
            except Exception as fault:
                raise SkipTest(f"no telnet here: {fault}") from None
            self.addCleanup(telnet.close)
            bob.hears("-!- your partner joined")
            telnet.type("hello\r")
            bob.hears("hello")
            telnet.type("\x03")
            telnet.type("again\r")
            bob.hears("again")
            bob.says("I hear you")
            telnet.until("I hear you")

    def test_iac(self) -> None:
        """8 MiB of telnet commands, asking for answers that are never read: nobody waits, nothing grows."""
        with Hub() as hub:
            ann, bob = hub.pair()
            before = memory(hub.pid)
            flooder = hub.peer(room="flood")
            for flood in (b"\xff\xfd\x06", b"\xff\xff", b"\xff\xfa" + b"x" * 100, b"\xff"):
                data = flood * (MIB // len(flood))
                for _ in range(2):
                    while data and not flooder.is_over and (sent := _pushed(flooder, data)):
                        data = data[sent:]
                talk(ann, bob)
            self.assertLess(memory(hub.pid) - before, 2 * GROWTH)

    def test_bytes_without_newline(self) -> None:
        """More than 64 KiB of a line end the connection with the word `flood`, and the partner hears none of it."""
        with Hub() as hub:
            ann, bob = hub.pair()
            _pushed(bob, b"x" * MIB)
            self.assertIn(b"closed (flood)", bob.rest())
            ann.hears("-!- your partner left (flood)")

    def test_f1_bare_newlines(self) -> None:
        """F1: 256 KiB of bare newlines arrive, each a line, while others are answered."""
        with Hub() as hub:
            ann, bob = hub.pair()
            one, other = hub.pair("elsewhere")
            bob.send(b"\n" * 262_144)
            talk(one, other)
            heard = b""
            while len(heard) < 262_144:
                heard += ann.chunk()
            self.assertEqual(heard, b"\n" * 262_144)

    def test_json_bombs(self) -> None:
        """Objects nested thousands deep, and numbers of thousands of digits, are an error each, and no hang-up.

        A hello of that kind is one in part (docs/protocol.md, section 2): its end is told so, and nobody else hears of it.
        """
        with Hub() as hub:
            ann = hub.peer(HELLO)
            ann.line()
            for bomb in ("[" * 20_000, '{"a":' * 4000, '{"verb": "say", "text": ' + "[" * 20_000, "9" * 20_000):
                ann.says(bomb)
                self.assertIn('"code": "json"', ann.line())
            stranger = hub.peer('{"chatterbox": ' + "[" * 3000)
            self.assertIn(b'"why": "lost", "text": "that is the beginning of a hello"', stranger.rest())
            hub.peer("hello").says("bob speaks")
            self.assertIn('"event": "joined"', ann.line())
            self.assertIn('"text": "hello"', ann.line())

    def test_f5_format_strings(self) -> None:
        """F5: what looks like a format is text in a line, no name, and nothing at all in the log."""
        tricks = ["{log_source.secret}", "%s%n%(name)s", "{0.__class__}", "{room!r}", "\\N{BELL}", "$(id)`id`"]
        with Hub("--mode", "room") as hub:
            ann, bob = gathered(hub, "ann", "bob")
            bob.says(*tricks)
            ann.hears(*(f"bob: {trick}" for trick in tricks))
            for trick in tricks[:3]:
                mallory = hub.peer("/who", trick)
                self.assertIn(b"which name do you take?", mallory.chunk())
                bob.says(f"/nick {trick}", f"/join {trick}")
            bob.says("done")
            ann.hears("bob: done")
            for trick in tricks:
                self.assertNotIn(trick, hub.log)


def _pushed(end: End, data: bytes) -> int:
    """Return how many bytes were taken of one who may be hung up on."""
    try:
        return end.sends_some(data)
    except (BrokenPipeError, ConnectionResetError):
        end.is_over = True
        return 0
