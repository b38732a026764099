"""The client on a real terminal: how it ends, and what the terminal is left as."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.played import played_hub
from tests.harness.terminals import client, client_pid, hub, settings, shell

SESSION = {
    "stream": "a" * 16,
    "grace": 120,
    "max_line": 4096,
    "ends": [{"name": "bob", "stream": "b" * 16, "session": True, "away": False}],
}
"""What a welcome has for a session."""


class Endings(SynchronousTestCase):
    """004-5: whatever ends it, the terminal is as it was, and the status says how it was."""

    def ends(self, how: str, status: int) -> str:
        """Let a client end, see that its terminal is itself again, and return what is on it."""
        with played_hub() as played, shell("127.0.0.1", played.port, "--no-history") as tty:
            pid = client_pid(tty)
            played.welcome()
            tty.until("with bob")
            tty.type("half")
            tty.until("> half")
            if how.startswith("SIG"):
                os.kill(pid, signal.Signals[how])
            elif how == "kicked":
                played.say({"event": "closed", "why": "kicked", "text": "enough"})
            elif how == "bye":
                played.say({"event": "closed", "why": "bye", "text": "bob left (quit)"})
            else:
                tty.type(how)
            if how not in ("kicked", "bye"):
                self.assertEqual(played.hear()["verb"], "quit")
            played.hang_up()
            self.assertEqual(tty.wait(), 0)
            self.assertIn(f"status={status}", tty.text())
            before, after = settings(tty)
            self.assertEqual(before, after)
            self.assertNotIn("> half", tty.text())
            self.assertTrue(tty.raw.rfind(b"\x1b[?2004l") > tty.raw.rfind(b"\x1b[?2004h"))
            self.assertFalse(tty.screen.cursor.hidden)
            return tty.text()

    def test_quit(self) -> None:
        """/quit: status 0."""
        self.ends("\x15/quit\r", 0)

    def test_end_of_input(self) -> None:
        """^D on an empty line: status 0."""
        self.ends("\x15\x04", 0)

    def test_interrupts(self) -> None:
        """^C twice: status 0."""
        self.ends("\x03\x03", 0)

    def test_terminated(self) -> None:
        """SIGTERM: status 143."""
        self.ends("SIGTERM", 143)

    def test_interrupted_from_outside(self) -> None:
        """SIGINT from somewhere else is an interrupt too: status 0."""
        self.ends("SIGINT", 0)

    def test_kicked(self) -> None:
        """A refusal is final: its sentence, and status 3."""
        self.assertIn("closed (kicked): enough", self.ends("kicked", 3))

    def test_partner_ended_it(self) -> None:
        """The conversation's own end is a clean one."""
        self.assertIn("bob left (quit)", self.ends("bye", 0))

    def test_unreachable(self) -> None:
        """000-9: no hub: one line on stderr, status 1."""
        with shell("127.0.0.1", 1) as tty:
            client_pid(tty)
            self.assertEqual(tty.wait(), 0)
            self.assertIn("status=1", tty.text())
            (before, after) = settings(tty)
            self.assertEqual(before, after)
            said = [row for row in tty.rows() if "connection refused" in row]
            self.assertEqual(len(said), 1)
            self.assertEqual(tty.raw.count(b"\n"), 5)

    def test_refused(self) -> None:
        """A third in a room for two hears so, and its status is 3."""
        with hub() as port, client("127.0.0.1", port) as one, client("127.0.0.1", port) as two:
            one.until("with guest-")
            two.until("with guest-")
            with client("127.0.0.1", port) as third:
                self.assertEqual(third.wait(), 3)
                self.assertIn("closed (full)", third.text())

    def test_a_fault_of_our_own(self) -> None:
        """An exception ends it with a sentence and a traceback, after the terminal is itself again."""
        faulty = """if True:
            import sys
            from chatterbox.client.terminal.chat import Chat
            from chatterbox.client.__main__ import main
            Chat._heard_joined = lambda *_: 1 // 0
            sys.exit(main())
        """
        command = [sys.executable, "-c", faulty]
        with played_hub() as played, shell("127.0.0.1", played.port, command=command) as tty:
            client_pid(tty)
            played.welcome()
            tty.until("with bob")
            tty.type("half")
            tty.until("> half")
            played.say({"event": "joined", "name": "carl"})
            played.hang_up()
            self.assertEqual(tty.wait(), 0)
            self.assertIn("status=70", tty.text())
            self.assertIn("a fault of this program: ZeroDivisionError", tty.text())
            before, after = settings(tty)
            self.assertEqual(before, after)


class Link(SynchronousTestCase):
    """A hub that goes away, and comes back."""

    def test_lost_and_back(self) -> None:
        """A lost link says so, keeps what is typed and entered, and says when it is back; order is kept."""
        with played_hub() as played, client("127.0.0.1", played.port, "--name", "ann") as tty:
            first = played.welcome(**SESSION)
            tty.until("with bob")
            tty.type("ha")
            tty.until("> ha")
            played.hang_up()
            tty.until("link lost")
            tty.until("> ha")
            tty.type("lf\rmore\rdraft")
            tty.until("2 unsent")
            again = played.welcome(**SESSION)
            self.assertEqual((again["session"], again["name"]), (first["session"], "ann"))
            self.assertEqual(played.hear()["text"], "half\nmore")
            tty.until("connected again")
            tty.settle()
            self.assertEqual(tty.typed_row(), "> draft")
            self.assertEqual([row for row in tty.rows() if row.startswith("you: ")], ["you: half", "you: more"])

    def test_full_when_back(self) -> None:
        """A refusal after a lost link is final as well, and what was not delivered is given back."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome(**SESSION)
            tty.until("with bob")
            played.hang_up()
            tty.until("link lost")
            tty.type("precious\r")
            tty.until("1 unsent")
            played.accept()
            played.say({"event": "closed", "why": "full", "text": "no seat is free"})
            self.assertEqual(tty.wait(), 3)
            self.assertEqual(
                tty.rows()[-2:], ["-!- not delivered: precious", "chatterbox: closed (full): no seat is free"]
            )


class Plain(SynchronousTestCase):
    """TERM=dumb, --plain and NO_COLOR."""

    def test_no_escapes(self) -> None:
        """With --plain and with TERM=dumb not one escape byte reaches the terminal."""
        for args, env in ((["--plain"], {}), ([], {"TERM": "dumb"})):
            with played_hub() as played, client("127.0.0.1", played.port, *args, **env) as tty:
                played.welcome()
                tty.until("with bob")
                played.said("hi \x1b[31mann\x9b5m")
                tty.until("bob: hi [31mann5m")
                tty.type("hello\r")
                self.assertEqual(played.hear()["text"], "hello")
                tty.type("\x04")
                self.assertEqual(played.hear(), {"verb": "quit"})
                played.hang_up()
                self.assertEqual(tty.wait(), 0)
                self.assertNotIn(b"\x1b", tty.raw)

    def test_rows_are_never_rewritten(self) -> None:
        """An incoming line starts a row of its own, and what is half typed is shown again below it, whole (B9)."""
        with played_hub() as played, client("127.0.0.1", played.port, "--plain") as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("half ty")
            tty.until("half ty")
            played.said("line in the middle")
            tty.until("bob: line in the middle\nhalf ty")
            tty.type("ped\x1b[A\x7fé\r")
            self.assertEqual(played.hear()["text"], "half typeé")
            tty.type("/foo\r")
            tty.until("unknown command /foo")
            tty.type("gone\x15next one\x17\x12")
            tty.until("gone\nnext\nnext")
            tty.type("\r")
            self.assertEqual(played.hear()["text"], "next ")
            self.assertEqual(tty.rows()[1:5], ["half ty", "bob: line in the middle", "half typeé", "/foo"])
            for row in ("A", "B"):
                self.assertNotIn(f"\x1b[{row}".encode(), tty.raw)

    def test_suspended(self) -> None:
        """While it is stopped the terminal is the shell's; when it goes on, what was half typed is shown again."""
        with played_hub() as played, client("127.0.0.1", played.port, "--plain") as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("half")
            tty.until("\nhalf")
            tty.type("\x1a")
            tty.until(lambda: Path(f"/proc/{tty.pid}/stat").read_text().split()[2] == "T")
            os.kill(tty.pid, signal.SIGCONT)
            tty.until("\nhalf\nhalf")
            tty.type(" a line\r")
            self.assertEqual(played.hear()["text"], "half a line")

    def test_plain_settings(self) -> None:
        """The plain display leaves the terminal as it was, too."""
        with played_hub() as played, shell("127.0.0.1", played.port, "--plain") as tty:
            pid = client_pid(tty)
            played.welcome()
            tty.until("with bob")
            os.kill(pid, signal.SIGTERM)
            self.assertEqual(played.hear()["verb"], "quit")
            played.hang_up()
            self.assertEqual(tty.wait(), 0)
            self.assertIn("status=143", tty.text())
            before, after = settings(tty)
            self.assertEqual(before, after)

    def test_order_question(self) -> None:
        """002-7 holds on a plain display, which shows what is typed once."""
        with played_hub() as played, client("127.0.0.1", played.port, "--plain") as tty:
            played.welcome("order", name="X", label="letter", here=["X"])
            played.say({"event": "notice", "text": "Client X has connected."})
            tty.until("Enter a message to send to the server:")
            tty.type("Alice\r")
            self.assertEqual(played.hear()["text"], "Alice")
            played.say({"event": "notice", "text": "X: Alice received before Y: Bob"})
            played.hang_up()
            self.assertEqual(tty.wait(), 0)
            self.assertEqual(
                tty.rows(),
                [
                    "Client X has connected.",
                    "Enter a message to send to the server: Alice",
                    "X: Alice received before Y: Bob",
                ],
            )

    def test_no_color(self) -> None:
        """NO_COLOR takes the colours, and only those."""
        with played_hub() as played, client("127.0.0.1", played.port, NO_COLOR="1") as tty:
            played.welcome()
            tty.until("with bob")
            played.said("hi")
            tty.until("bob: hi")
            self.assertNotRegex(tty.raw, rb"\x1b\[[0-9;]*\b(3[0-8]|9[0-7])m")
            tty.type("\x04")
