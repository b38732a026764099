"""What is looked at byte by byte, or comes in many pieces, is taken in portions: one a turn."""

from __future__ import annotations

from unittest import mock

from twisted.internet import error
from twisted.internet.interfaces import ISSLTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import alsoProvides

from chatterbox.connections.inlet import Inlet
from chatterbox.edges.tcp import SMALL_READ
from chatterbox.edges.telnet import Telnet
from tests.harness.memory import READ, End, FakeTransport, HubOnAClock

NOISE = b"\xff\xf1\xff\xfb\x01"
FLOOD = (NOISE * READ)[: READ - 20] + b"\xff\xf1\nthe last line\n"


def encrypted(hub: HubOnAClock) -> End:
    """Return an end whose TLS handshake is done."""
    transport = FakeTransport(hub.clock, "127.0.0.1", 7)
    alsoProvides(transport, ISSLTransport)
    end = End(hub.clock, hub.factory, transport)
    transport.protocol.handshakeCompleted()
    hub.wait(1)
    return end


class Portions(SynchronousTestCase):
    """64 KiB at once."""

    def test_b8_telnet_from_the_first_read_on(self) -> None:
        """No call strips more than 4 KiB; the first read is no exception; reading waits, and all of it arrives."""
        hub = HubOnAClock()
        partner, flooder = hub.nc(), hub.connects()
        with mock.patch.object(Telnet, "strip", autospec=True, side_effect=Telnet.strip) as strip:
            flooder.line.send(FLOOD)
            self.assertEqual((strip.call_count, flooder.line.reading), (1, False))
            hub.wait(1)
        self.assertLessEqual(max(len(call.args[1]) for call in strip.call_args_list), SMALL_READ)
        self.assertTrue(flooder.line.reading)
        self.assertEqual(partner.lines()[-1], "the last line")

    def test_keys(self) -> None:
        """Keys are looked at one by one, also those that TLS hands over in large pieces."""
        hub = HubOnAClock("talk")
        watcher = hub.nc()
        typist = encrypted(hub)
        with mock.patch.object(Inlet, "receive", autospec=True, side_effect=Inlet.receive) as receive:
            typist.line.send(b"x\n" * 16_000)
            self.assertEqual(receive.call_count, 1)
            self.assertFalse(typist.connection.inlet.waits)
            hub.wait(1)
        self.assertLessEqual(max(len(call.args[1]) for call in receive.call_args_list), SMALL_READ)
        self.assertEqual(watcher.heard().count(b"x\r\n"), 16_000)

    def test_character_mode(self) -> None:
        """CR NUL alone shows a telnet client: its lines end (C12)."""
        hub = HubOnAClock()
        partner, typist = hub.nc(), hub.nc()
        typist.sends(b"one\r\0two\r\0")
        self.assertEqual(partner.lines()[-2:], ["one", "two"])

    def test_a_clean_end_behind_a_flood(self) -> None:
        """The rest is still said, in portions, and only then its speaker leaves; a reset leaves it unsaid."""
        for reason, left in ((error.ConnectionDone, "quit"), (error.ConnectionLost, "lost")):
            hub = HubOnAClock()
            partner, flooder = hub.nc(), hub.nc()
            with mock.patch.object(Telnet, "strip", autospec=True, side_effect=Telnet.strip) as strip:
                flooder.line.send(FLOOD)
                flooder.line.close(reason)
                self.assertEqual(strip.call_count, 1)
                hub.wait(10)
            heard = partner.lines()
            self.assertEqual("the last line" in heard, left == "quit")
            self.assertEqual(heard[-1], f"-!- your partner left ({left})")
            partner.cut()
            self.assertEqual(hub.leftovers(), [])

    def test_a_half_closed_flood(self) -> None:
        """Who has finished behind its flood is taken to have finished when all of it is said."""
        hub = HubOnAClock()
        partner, flooder = hub.nc(), hub.nc()
        flooder.line.send(FLOOD)
        flooder.finishes()
        hub.wait(1)
        self.assertEqual(partner.lines()[-2:], ["the last line", "-!- your partner has finished"])

    def test_who_is_hung_up_on_meanwhile(self) -> None:
        """Says nothing more of what waits."""
        hub = HubOnAClock()
        partner, flooder = hub.nc(), hub.nc()
        flooder.line.send(b"/quit\n" + FLOOD)
        hub.wait(1)
        self.assertEqual(partner.lines()[-1], "-!- your partner left (quit)")

    def test_b4_many_records_in_one_turn(self) -> None:
        """TLS hands over one record after the other in one call: one is taken, the rest waits for the next turn."""
        hub = HubOnAClock()
        partner = hub.nc()
        speaker = encrypted(hub)
        with mock.patch.object(Inlet, "receive", autospec=True, side_effect=Inlet.receive) as receive:
            for number in range(100):
                speaker.line.protocol.dataReceived(b"%d\n" % number)
            self.assertEqual((receive.call_count, speaker.line.reading), (1, False))
            hub.wait(0)
            self.assertEqual(receive.call_count, 2)
        self.assertEqual(partner.lines()[-100:], [f"{number}" for number in range(100)])
        self.assertTrue(speaker.line.reading)
