"""What a browser may ask for over a WebSocket, and no more: sizes, numbers, time, and what it doesn't read."""

from __future__ import annotations

import json
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase
from websockets.frames import Opcode

from chatterbox.core.peer import Peer
from chatterbox.edges.websocket import FRAMES_A_TURN, MAX_FRAGMENTS
from tests.harness.browsers import HOST, UPGRADE, HubForBrowsers, frame, request

SAID = {"event": "said", "from": "guest-1", "text": "hi"}


class Bounds(SynchronousTestCase):
    """What a stranger sends, and what one doesn't read."""

    def setUp(self) -> None:
        self.hub = HubForBrowsers()
        self.browser = self.hub.browser("/tea", name="ann")
        self.browser.heard()

    def refused(self, why: str, code: int) -> None:
        """See that the hub said why, and closed with `code`."""
        self.assertEqual((self.browser.heard()[-1]["why"], self.browser.code), (why, code))

    def test_message(self) -> None:
        """A message of the limit's size is a line, one byte more is 1009, whole or in frames; none of it is kept."""
        most = self.hub.limits.flood
        self.browser.sends(b'"' + b"x" * (most - 2) + b'"')
        self.assertEqual((self.browser.heard()[-1]["event"], self.browser.closed), ("error", ""))
        self.browser.sends(b"x" * (most - 1), fin=False).sends(b"xx", Opcode.CONT)
        self.refused("flood", 1009)

    def test_an_announced_message(self) -> None:
        """50 MB are refused by their header."""
        self.browser.end.sends(
            frame(b"x" * 70_000)[:1] + b"\xff" + (50_000_000).to_bytes(8, "big") + b"mask" + b"x" * 9
        )
        self.refused("flood", 1009)

    def test_fragments(self) -> None:
        """A message has at most so many frames, also empty ones (GHSA-96hv-2xvq-fx4p)."""
        for _ in range(2):
            self.browser.sends(b"{", fin=False)
            for number in range(MAX_FRAGMENTS - 1):
                self.browser.sends(b"}" if number == 5 else b"", Opcode.CONT, fin=number == MAX_FRAGMENTS - 2)
        self.assertEqual([event["code"] for event in self.browser.heard()], ["verb", "verb"])
        self.browser.sends(b"", fin=False)
        self.browser.end.sends(frame(b"", Opcode.CONT, fin=False) * MAX_FRAGMENTS)
        self.refused("flood", 1009)

    def test_a_turn(self) -> None:
        """64 KiB of small frames are parsed in many turns, and nothing more is read meanwhile."""
        line = self.browser.end.line
        line.send(frame(b"", Opcode.PING) * 10_000)
        self.assertFalse(line.reading)
        self.assertLess(len(line.taken), 2 * FRAMES_A_TURN * len(b"\x8a\0"))
        self.browser.heard()
        self.assertEqual((len(self.browser.pongs), line.reading), (10_000, True))

    def test_a_turn_of_messages(self) -> None:
        """Many small messages of one read have one share of a turn together, and all are heard, in order."""
        hub = HubForBrowsers("ports", {"hearers_a_turn": 20})
        hearers = [hub.nc() for _ in range(9)]
        browser = hub.browser("/lobby", name="ann")
        hub.wait(1)
        messages = [json.dumps({"verb": "say", "text": f"{at}"}).encode() for at in range(100)]
        with mock.patch.object(Peer, "hear", autospec=True, side_effect=Peer.hear) as hear:
            browser.end.line.send(b"".join(map(frame, messages)))
            self.assertLessEqual(hear.call_count, 20)
        hub.wait(1)
        self.assertEqual([line.split()[-1] for line in hearers[0].lines()[-100:]], [f"{at}" for at in range(100)])

    def test_what_stands_before_a_fault_is_said(self) -> None:
        """Messages before one that ends the connection are heard, though they came in one read."""
        hub = HubForBrowsers()
        nc, browser = hub.nc("/join lobby"), hub.browser("/lobby", name="ann")
        nc.heard()
        last = frame(b'{"verb": "say", "text": "last"}')
        browser.end.sends(last + last + frame(b"x", Opcode.BINARY))
        self.assertEqual(nc.lines(), ["last", "last", "-!- your partner left (kicked)"])

    def test_pings_of_one_who_reads_nothing(self) -> None:
        """Only the last one is answered (RFC 6455, 5.5.3): no buffer grows."""
        browser, line = self.browser, self.browser.end.stops_reading().line
        while not self.browser.end.connection.outlet.paused:
            browser.sends(b"x" * 125, Opcode.PING)
        waiting = len(line.waiting)
        for number in range(300):
            browser.sends(b"%d" % number, Opcode.PING)
        self.assertEqual(len(line.waiting), waiting)
        browser.end.reads()
        browser.asks("who")
        browser.heard()
        self.assertEqual(browser.pongs[-1], b"299")

    def test_back_pressure(self) -> None:
        """A browser that reads nothing makes its partner wait, and hears all when it reads again, in order."""
        nc = self.hub.nc("/join tea")
        self.browser.end.stops_reading()
        lines = [f"{number} " + "x" * 2000 for number in range(300)]
        nc.sends(*(f"{line}\n".encode() for line in lines))
        self.assertFalse(nc.line.reading)
        self.assertLess(len(self.browser.end.line.waiting), 500_000)
        self.browser.end.reads()
        self.hub.wait(1)
        said = [event["text"] for event in self.browser.heard() if event["event"] == "said"]
        self.assertEqual(said, lines)

    def test_a_slow_one_is_let_go(self) -> None:
        """In a larger room nobody waits for it: it is let go as slow, and 1008."""
        hub = HubForBrowsers("room")
        browser, nc = hub.browser("/tea", name="ann", room="tea"), hub.nc("/nick bob", "/join tea")
        browser.end.stops_reading()
        for _ in range(40):
            nc.says("x" * 4000, "y" * 4000)
            hub.wait(1)
        self.assertEqual(browser.end.peer.gone, "slow")
        hub.wait(6)
        self.assertEqual((browser.closed, nc.closed), ("aborted", ""))

    def test_close_codes(self) -> None:
        """Full is 1013, a shutdown 1001, each behind the word and its sentence."""
        self.hub.nc("/join tea")
        third = self.hub.browser("/tea", name="cy")
        self.assertEqual((third.heard()[-1]["why"], third.code, third.closed), ("full", 1013, "done"))
        self.hub.admission.stop(lambda: None)
        self.refused("shutdown", 1001)

    def test_a_hub_that_stops(self) -> None:
        """Who is only half in is let go at once."""
        half = [self.hub.asks(b"GET / HTTP/1.1\r\n"), self.hub.browser("/tea").end]
        self.hub.admission.stop(lambda: None)
        self.hub.wait(0)
        self.assertEqual([end.closed for end in half], ["done", "done"])

    def test_counts(self) -> None:
        """A browser is one connection of its address, from its first byte to its last."""
        hub = HubForBrowsers(limits={"per_source": 2, "max_peers": 3, "per_source_rate": 4})
        ends = [hub.connects(host="9.9.9.9").sends(request("/tea", "GET", HOST, **UPGRADE)) for _ in range(3)]
        self.assertEqual([end.heard()[:12] for end in ends[:2]], [b"HTTP/1.1 101"] * 2)
        self.assertIn(b"(full)", ends[2].heard())
        ends[0].cut()
        again = hub.connects(host="9.9.9.9").sends(request("/tea"))
        self.assertIn(b"HTTP/1.1 200", again.heard())
        self.assertEqual(len(hub.admission.connections), 1)
