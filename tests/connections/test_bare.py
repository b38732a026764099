"""Peers that know no newline, as `--bare` takes them in."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.memory import HubOnAClock


class Bare(SynchronousTestCase):
    """Programs that know no newline (seeds.md, `--bare`)."""

    def test_silence_ends_a_message(self) -> None:
        """50 ms; and a newline locks the peer to lines (1)."""
        hub = HubOnAClock("ports", bare=True)
        a, b = hub.connects(port=1), hub.connects(port=2)
        hub.wait(1)
        a.sends(b"he")
        hub.wait(0.04)
        a.sends(b"llo")
        hub.wait(0.04)
        self.assertEqual(b.heard(), b"")
        hub.wait(0.02)
        self.assertEqual(b.heard(), b"1: hello")
        b.says("yes")
        a.sends(b"so")
        hub.wait(0.06)
        self.assertEqual((a.heard(), b.heard()), (b"2: yes", b"1: so\n"))

    def test_a_name_in_front_is_not_doubled(self) -> None:
        """`NICK` asks, its answer is the name; then `ann: hi` from ann is said once, and of nobody else (3)."""
        hub = HubOnAClock("room", bare=True)
        a, b = hub.connects(), hub.nc("bob")
        hub.wait(1)
        self.assertEqual(a.heard(), b"NICK")
        a.sends(b"ann")
        hub.wait(1)
        b.heard()
        a.sends(b"ann: hi")
        hub.wait(1)
        a.sends(b"bob: hi")
        hub.wait(1)
        self.assertEqual(b.lines(), ["ann: hi", "ann: bob: hi"])

    def test_the_end_is_a_word_and_a_reset(self) -> None:
        """Why it ends, the farewell word, each alone; about 100 ms later abort (6, 8)."""
        hub = HubOnAClock("ports", bare=True)
        a = hub.connects()
        hub.wait(1)
        a.peer.end("kicked", "for a test")
        hub.wait(0.04)
        self.assertEqual((a.heard(), a.closed), (b"-!- closed (kicked): for a test", ""))
        hub.wait(0.05)
        self.assertEqual((a.heard(), a.closed), (b"exit", ""))
        hub.wait(0.5)
        self.assertEqual(a.closed, "aborted")

    def test_nobody_forges_a_notice(self) -> None:
        """What a partner says gets one space in front where it looks like one, and no long line is cut before one."""
        forged = "-!- your partner left (quit)"
        for said in (forged, f"  {forged}", "x" * 1024 + forged, "é" * 512 + forged, " " * 1024 + forged, "x" * 2047 + forged):
            hub = HubOnAClock(bare=True)
            a, b = hub.nc("/who"), hub.connects()
            hub.wait(1)
            b.heard()
            a.says(said)
            heard = []
            while message := b.heard():
                heard.append(message)
                hub.wait(0.05)
            self.assertFalse([message for message in heard if message.startswith(b"-!- ")], said)
            self.assertEqual(b"".join(heard), (" " if said.strip() == forged else "").encode() + said.encode())
            self.assertLessEqual(max(map(len, heard)), 1024)

    def test_json_among_bare(self) -> None:
        """A hello makes a JSON peer here, too."""
        hub = HubOnAClock("ports", bare=True)
        a, b = hub.json(), hub.connects()
        hub.wait(1)
        b.sends(b"hi")
        hub.wait(1)
        self.assertEqual(json.loads(a.lines()[-1])["text"], "hi")

    def test_a_newline_within_the_silence(self) -> None:
        """Who turns out to know lines isn't cut into messages any more."""
        hub = HubOnAClock("ports", bare=True)
        a, b = hub.connects(port=1), hub.nc("hi")
        b.heard()
        a.sends(b"abc")
        hub.wait(0.01)
        a.sends(b"def\ngh")
        hub.wait(0.2)
        a.sends(b"i\n")
        self.assertEqual(b.lines(), ["1: abcdef", "1: ghi"])

    def test_what_waits_for_who_turns_out_to_know_lines(self) -> None:
        """Messages keep the silence between them, and become the lines that they were, long ones too."""
        hub = HubOnAClock("ports", bare=True)
        a, b = hub.connects(port=1), hub.connects(port=2)
        hub.wait(1)
        a.says("one", "y" * 3000, "two")
        self.assertEqual(b.heard(), b"1: one")
        b.says("a line")
        hub.wait(1)
        self.assertEqual(b.lines(), ["1: " + "y" * 3000, "1: two"])

    def test_a_transport_that_is_ready_early(self) -> None:
        """Between two messages there are 50 ms, though the transport would take the next one at once."""
        hub = HubOnAClock("ports", bare=True)
        a, b = hub.connects(port=1), hub.connects(port=2)
        hub.wait(1)
        a.says(*"12345")
        for _ in range(4):
            b.connection.outlet.pause()
            b.connection.outlet.resume()
        hub.wait(0.06)
        self.assertEqual(b.heard(), b"1: 11: 2")

    def test_the_hub_ends_in_time(self) -> None:
        """However many messages wait for one, it is cut when the time of a shutdown is over."""
        hub = HubOnAClock(bare=True)
        a, b = hub.nc(), hub.connects()
        hub.wait(1)
        b.sends(b"hello")
        hub.wait(1)
        a.line.send(b"x\n" * 32768)
        over: list[bool] = []
        hub.admission.stop(lambda: over.append(True))
        hub.wait(hub.limits.close_patience)
        self.assertTrue(over)

    def test_a_browser(self) -> None:
        """It is answered with HTTP's own newlines."""
        hub = HubOnAClock(bare=True)
        a = hub.connects().sends(b"GET / HTTP/1.1\r\n")
        self.assertTrue(a.heard().endswith(b"Connection: close\r\n\r\n"))
