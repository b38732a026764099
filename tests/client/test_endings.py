"""How a conversation ends, as one client knows it: words, statuses, and what a person is told."""

from __future__ import annotations

from chatterbox.client.terminal.manner import is_farewell
from chatterbox.client.terminal.person import LEAVE_PATIENCE
from chatterbox.wire.numbering import UNSENT, UNSURE
from tests.harness.chats import BOB, ChatCase


class Endings(ChatCase):
    """How a conversation ends."""

    def test_verdict(self) -> None:
        """The status is the session's own, with the hub's sentence where it refused; a wish of one's own needs none."""
        self.hear("closed", why="kicked", text="sorry")
        self.assertEqual(self.chat.verdict(3, "kicked"), (3, "closed (kicked): sorry"))
        self.assertEqual(self.chat.verdict(1, "the link is lost"), (1, "the link is lost"))
        self.assertEqual(self.chat.verdict(0, "quit"), (0, ""))
        self.assertEqual(self.chat.verdict(4, ""), (4, "the other end left before all was said and got"))
        self.assertEqual(self.hear("closed", why="bye", text="bob left (quit)"), ["-!- bob left (quit)"])

    def test_cut(self) -> None:
        """A cut is told once, with the hub's own reason where it gave one, and the status says what comes next."""
        self.hear("closed", why="shutdown", text="back soon")
        self.assertEqual(self.cut(), ["-!- link lost (back soon): trying again; what you type is kept"])
        self.assertEqual(self.chat.status(80), "lost, retry in 2 s · ann · lobby")
        self.chat.waits(0.2, "connection refused")
        self.assertEqual(self.chat.status(80), "lost, trying again · ann · lobby")
        self.assertEqual(len(self.out.rows), 1)

    def test_farewells(self) -> None:
        """A word in lower case counts in any case, another one literally (seeds 002 and 003)."""
        words = ["/quit", "exit", "Bye"]
        for line in ("exit", " Exit ", "Bye"):
            self.assertTrue(is_farewell(line, words), line)
        for line in ("exit strategy?", "bye", "Bye bye", " Bye"):
            self.assertFalse(is_farewell(line, words), line)

    def test_a_farewell(self) -> None:
        """A farewell goes out without a number, as nobody is to get it; without a link it is an own leaving."""
        self.welcome("ports", label="port", farewell=["/quit", "exit"], seats=None)
        self.enter(" EXIT ")
        self.assertEqual(self.take(), [{"verb": "say", "text": " EXIT "}])
        self.assertEqual(self.chat.verdict(4, "quit"), (0, ""))
        self.enter("still here")
        self.assertEqual(self.chat.verdict(1, "it broke"), (1, "it broke"))
        self.cut()
        self.enter("exit")
        self.assertEqual(self.take()[-1], {"verb": "quit", "wait": 0.0})

    def test_quit(self) -> None:
        """/quit waits for who is here, for nobody else, and the second time not at all; nothing is said after it."""
        self.enter("/quit")
        self.assertEqual(self.take(), [{"verb": "quit", "wait": LEAVE_PATIENCE}])
        self.assertEqual(self.chat.status(80), "leaving · ann · lobby · with bob")
        self.assertFalse(self.person.enter("more"))
        self.enter("/quit")
        self.assertEqual(self.take(), [{"verb": "quit", "why": "lost"}])
        for change in (self.cut, lambda: self.courier.company.away({"stream": BOB})):
            self.welcome()
            change()
            self.enter("/quit")
            self.assertEqual(self.take(), [{"verb": "quit", "wait": 0.0}])

    def test_status_of_leaving(self) -> None:
        """Who leaves with all got ends with 0, whatever was told before; with a line that isn't got, with 4."""
        self.enter("one")
        self.told(0, 1, UNSENT)
        self.enter("/quit")
        self.assertEqual(self.chat.verdict(4, "quit"), (0, ""))
        self.assertEqual(self.chat.verdict(0, "quit"), (0, ""))
        self.welcome()
        self.enter("one")
        self.enter("/quit")
        self.assertEqual(self.told(0, 1, UNSURE), ["-!- perhaps not delivered: one"])
        self.assertEqual(self.chat.verdict(0, "quit"), (4, ""))
