"""What a program reads of the hub's events, beside what whole conversations show (`test_pipe`)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.pipes.wording import JsonWording, TextWording, Worded
from tests.harness.played import WELCOME

OWN = {"event": "said", "from": "X", "text": "mine", "own": True}


class Words(SynchronousTestCase):
    """One event after another."""

    def test_an_echo(self) -> None:
        """An own line that the hub sends back is shown, as the mode shows it, where the session hasn't shown it itself."""
        for stream, out in (({}, b"X: mine\n"), ({"stream": "a" * 16, "echo": True}, b"")):
            for wording in (TextWording(), JsonWording()):
                wording.event(WELCOME | {"mode": "duet", "label": "letter"} | stream, None)
                shown = wording.event(OWN, None).out
                self.assertEqual(shown if isinstance(wording, TextWording) else bool(shown), out if isinstance(wording, TextWording) else bool(out))

    def test_counts_and_reasons(self) -> None:
        """One line is no lines, and a reason that isn't told leaves no colon behind."""
        for lines, words in ((1, b"1 line"), (2, b"2 lines"), ("x", b"some lines")):
            told = TextWording().event({"event": "undelivered", "lines": lines, "sure": True}, None)
            self.assertEqual(told, Worded(b"", b"-!- not delivered: " + words + b"\n"))
        self.assertEqual(TextWording().event({"event": "closed", "why": "bye"}, None).status, b"-!- closed (bye)\n")
        told = TextWording().event({"event": "closed", "why": "full", "text": "no seat"}, None)
        self.assertEqual(told.status, b"-!- closed (full): no seat\n")
