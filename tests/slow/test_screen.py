"""The client on a real terminal: what a person sees of a conversation, mode by mode."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.played import played_hub
from tests.harness.terminals import client, hub


class Conversation(SynchronousTestCase):
    """Two people, each at a terminal, and a real hub between them."""

    def test_three_terminals(self) -> None:
        """000-10: what is typed in one client's terminal appears in the other's, both ways, and /quit is told."""
        with hub() as port, client("127.0.0.1", port, "--name", "ann") as ann:
            ann.until("waiting for a partner")
            with client("127.0.0.1", port, "--name", "bob") as bob:
                ann.until("bob joined")
                ann.type("hello bob\r")
                bob.until("ann: hello bob")
                bob.type("hello ann\r")
                ann.until("bob: hello ann")
                self.assertIn("you: hello bob", ann.text())
                bob.type("/quit\r")
                self.assertEqual(bob.wait(), 0)
                ann.until("bob left (quit)")
                self.assertNotIn("/quit", "\n".join(row for row in ann.rows() if "bob" in row))

    def test_a_line_while_typing(self) -> None:
        """000-8: a line that arrives while `hel` is half typed is whole on its own row, and `hel` is still there."""
        for columns, rows in ((80, 24), (40, 10)):
            with played_hub() as played, client("127.0.0.1", played.port, columns=columns, rows=rows) as tty:
                played.welcome()
                tty.until("with bob")
                tty.type("hel")
                tty.until("> hel")
                played.said("are you there?")
                tty.until("bob: are you there?")
                tty.settle()
                self.assertIn("bob: are you there?", tty.rows())
                self.assertEqual(tty.typed_row(), "> hel")
                self.assertEqual(tty.screen.cursor.x, 5)

    def test_wide_and_wrapped(self) -> None:
        """A draft of wide characters, emoji and combining marks that wraps stays whole under arriving lines."""
        draft = "日本語とemoji 🙂 und e\u0301tude, " * 3 + "Ende"
        with played_hub() as played, client("127.0.0.1", played.port, columns=40, rows=10) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type(draft)
            tty.until("Ende")
            before = tty.settle()[-4:]
            for number in range(20):
                played.said(f"漢字の行 {number}")
            tty.until("漢字の行 19")
            after = tty.settle()[-4:]
            self.assertEqual(before, after)
            tty.type("\r")
            self.assertEqual(played.hear(), {"verb": "say", "text": draft})

    def test_during_completion_and_search(self) -> None:
        """A line that arrives while Tab or ^R are at work leaves them at work."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("first line\r")
            played.hear()
            tty.type("/\t")
            tty.until("/ignore")
            played.said("one")
            tty.until("bob: one")
            tty.until("/ignore")
            tty.type("\x15\x12fir")
            tty.until("I-search backward: fir")
            played.said("two")
            tty.until("bob: two")
            tty.until("I-search backward: fir")
            tty.type("\r\r")
            self.assertEqual(played.hear()["text"], "first line")

    def test_resize(self) -> None:
        """The prompt follows the window, and what was half typed is still there."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("half typed")
            tty.until("> half typed")
            for columns, rows in ((40, 10), (100, 30), (60, 12)):
                tty.resize(columns, rows)
                os.kill(tty.pid, signal.SIGWINCH)
                played.said(f"at {columns}")
                tty.until(f"bob: at {columns}")
                tty.settle()
                self.assertEqual(tty.typed_row(), "> half typed")


class Words(SynchronousTestCase):
    """Each classroom system's own words on its person's screen."""

    def test_ports(self) -> None:
        """003-2: the first line, own lines plainly, others' by port; `exit` ends it with the document's words."""
        with hub("--mode", "ports") as port, client("127.0.0.1", port) as one, client("127.0.0.1", port) as two:
            for tty in (one, two):
                tty.until("connected · ")
                self.assertEqual(tty.rows()[0], "Connected to chat server. Type 'exit' to leave.")
            one.type("Hello, everyone!\r")
            two.until(": Hello, everyone!")
            self.assertRegex(two.rows()[1], r"^[0-9]+: Hello, everyone!$")
            two.type("exit\r")
            self.assertEqual(two.wait(), 0)
            self.assertEqual(two.rows()[2:], ["exit", "Disconnected from server"])
            one.type("still here\r")
            one.until("still here")
            self.assertEqual(one.settle()[1:3], ["Hello, everyone!", "still here"])
            self.assertNotIn("exit", "\n".join(one.rows()[1:]))

    def test_order(self) -> None:
        """002-7: no prompt before the confirmation, then the question, the verdict, and status 0."""
        ask = "Enter a message to send to the server: "
        with hub("--mode", "order") as port, client("127.0.0.1", port) as one:
            one.until("waiting for a partner")
            self.assertNotIn("Enter a message", one.text())
            self.assertNotIn(">", one.text())
            with client("127.0.0.1", port) as two:
                for tty, name in ((one, "X"), (two, "Y")):
                    tty.until(ask.strip())
                    self.assertEqual(tty.rows()[0], f"Client {name} has connected.")
                one.type("Alice\r")
                one.until(lambda: one.rows()[1] == ask + "Alice")
                two.type("Bob\r")
                for tty, own in ((one, "Alice"), (two, "Bob")):
                    self.assertEqual(tty.wait(), 0)
                    self.assertEqual(tty.rows()[1:], [ask + own, "X: Alice received before Y: Bob"])

    def test_duet(self) -> None:
        """002-8: each shows what it receives and what it sent, labelled, once; `Bye` ends both with status 0."""
        with hub("--mode", "duet") as port, client("127.0.0.1", port) as one:
            one.until("waiting for a partner")
            with client("127.0.0.1", port) as two:
                one.until("Client X has connected.")
                one.type("Good day\r")
                two.until("X: Good day")
                two.type("Bye bye\r")
                one.until("Y: Bye bye")
                one.type("Bye\r")
                for tty in (one, two):
                    self.assertEqual(tty.wait(), 0)
                    self.assertEqual(tty.rows()[1:], ["X: Good day", "Y: Bye bye", "X: Bye"])

    def test_room(self) -> None:
        """001-2, 001-3: the person is asked once for a name; an own line is shown once, under it."""
        with hub("--mode", "room") as port, client("127.0.0.1", port) as ann:
            ann.until("Your name:")
            ann.type("a b\r")
            ann.until("a name is made of")
            ann.type("ann\r")
            ann.until("you are ann in lobby")
            with client("127.0.0.1", port, "--name", "bob") as bob:
                bob.until("with ann")
                ann.until("bob joined")
                ann.type("hello\r")
                bob.until("ann: hello")
                ann.settle()
                self.assertEqual([row for row in ann.rows() if "hello" in row], ["ann: hello"])

    def test_talk(self) -> None:
        """004-4: each key is seen before Enter, in both directions; in a pane each, or in one row on a low screen."""
        with hub("--mode", "talk") as port, client("127.0.0.1", port, "--name", "ann") as ann:
            ann.until("waiting for a partner")
            with client("127.0.0.1", port, "--name", "bob", rows=10) as bob:
                ann.until("bob joined")
                ann.type("hel")
                bob.until("ann … hel")
                ann.type("\x7f\x7fi")
                bob.until("ann … hi")
                bob.type("日本")
                ann.until(
                    lambda: "\n".join(ann.rows()[2:]).startswith(
                        f"── bob {'─' * 72}\n日本\n\n\n── ann {'─' * 72}\n> hi"
                    )
                )
                ann.type("\x15")
                bob.until(lambda: "ann …" not in bob.text())
                ann.type("done\r")
                bob.until("ann: done")
                bob.settle()
                self.assertNotIn("ann …", bob.text())


class LiveTyping(SynchronousTestCase):
    """Words as they are typed."""

    def test_pair(self) -> None:
        """With --live at both ends the other's draft is seen in a row of its own, and the line is the record."""
        with hub() as port, client("127.0.0.1", port, "--live", "--name", "ann") as ann:
            ann.until("waiting for a partner")
            with client("127.0.0.1", port, "--name", "bob") as bob:
                ann.until("bob joined")
                bob.type("/live\r")
                bob.until("live typing is on")
                ann.type("hello")
                bob.until("ann … hello")
                bob.type("me too")
                ann.until("bob … me too")
                ann.type("\r")
                bob.until("ann: hello")
                bob.settle()
                self.assertNotIn("ann …", bob.text())
                self.assertEqual(bob.typed_row(), "> me too")

    def test_raw_netcat(self) -> None:
        """004-4: in mode `talk` somebody with a raw `nc` sees each key, and is seen, key by key."""
        with hub("--mode", "talk") as port, socket.create_connection(("127.0.0.1", port)) as raw:
            raw.settimeout(30)
            raw.sendall(b"x\x7f")
            with client("127.0.0.1", port, "--name", "ann") as ann:
                ann.until("with guest-1")
                heard = b""
                ann.type("hel")
                while not heard.endswith(b"hel"):
                    heard += raw.recv(1)
                ann.type("\x7fy\r")
                while not heard.endswith(b"y\r\n"):
                    heard += raw.recv(1)
                self.assertTrue(heard.endswith(b"hel\b \by\r\n"), heard)
                raw.sendall("日本\x7f".encode()[:7])
                ann.until("\n日\n")
                raw.sendall(b"\r")
                ann.until("guest-1: 日")

    def test_pace(self) -> None:
        """At most twenty updates a second are on the wire, however fast somebody types."""
        with played_hub() as played, client("127.0.0.1", played.port, "--live") as tty:
            played.welcome()
            tty.until("with bob")
            began = time.monotonic()
            for _ in range(100):
                tty.type("x")
                time.sleep(0.005)
            updates, typed = 0, ""
            while len(typed) < 100:
                typed += played.hear()["keys"]
                updates += 1
            self.assertEqual(typed, "x" * 100)
            self.assertLessEqual(updates, 20 * (time.monotonic() - began) + 2)


class Fingers(SynchronousTestCase):
    """What keys do."""

    def test_paste(self) -> None:
        """A paste of several lines is asked about, and goes as N lines, as one, or nowhere."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            tty.paste("one\ntwo\x1b[31m\rthree\n")
            tty.until("Paste of 3 lines: [S]end all 3, [J]oin to one, [Esc] drop?")
            tty.type("x\x1b")
            tty.until(lambda: "Paste of" not in tty.text())
            tty.paste("one\ntwo\x1b[31m\rthree\n")
            tty.until("Paste of 3 lines")
            tty.type("j")
            tty.until("> one two[31m three")
            tty.type("\x15so: ")
            tty.paste("one\r\n/quit\r\nthree")
            tty.until("Paste of 3 lines")
            tty.type("s")
            self.assertEqual([played.hear()["text"] for _ in range(3)], ["so: one", "/quit", "three"])
            tty.type("/msg bob ")
            tty.paste("for\nyou")
            tty.until("Paste of 2 lines")
            tty.type("s")
            tty.until("> /msg bob for you")
            tty.type("\r")
            self.assertEqual(played.hear()["verb"], "msg")
            tty.paste("single\n")
            tty.until("> single")
            tty.type("\r")
            self.assertEqual(played.hear()["text"], "single")

    def test_history(self) -> None:
        """What was entered is there again in the next run, in a file that nobody else can read."""
        with tempfile.TemporaryDirectory() as state, played_hub() as played:
            for line in ("the first", "the second"):
                with client("127.0.0.1", played.port, XDG_STATE_HOME=state) as tty:
                    played.welcome()
                    tty.until("with bob")
                    tty.type(f"{line}\r")
                    self.assertEqual(played.hear()["text"], line)
                    tty.type("\x04")
                    self.assertEqual(tty.wait(), 0)
            (file,) = (Path(state) / "chatterbox").iterdir()
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            with client("127.0.0.1", played.port, XDG_STATE_HOME=state) as tty:
                played.welcome()
                tty.until("with bob")
                tty.type("\x1b[A\x1b[A")
                tty.until("> the first")
            with client("127.0.0.1", played.port, "--no-history", XDG_STATE_HOME=state) as tty:
                played.welcome()
                tty.until("with bob")
                tty.type("\x1b[Anothing\r")
                self.assertEqual(played.hear()["text"], "nothing")
            self.assertEqual(file.read_text(), "the first\nthe second\n")

    def test_mistyped_command(self) -> None:
        """An unknown slash word is never sent; what was meant is named, the line is empty, and Up brings it back."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("/quti\r")
            tty.until("did you mean /quit?")
            tty.until(lambda: tty.typed_row() == ">")
            tty.type("next\r")
            self.assertEqual(played.hear()["text"], "next")
            tty.until(lambda: "you: next" in tty.text() and tty.typed_row() == ">")  # Up knows lines once it is drawn
            tty.type("\x1b[A\x1b[A")
            tty.until(lambda: tty.typed_row() == "> /quti")
            tty.type("\x15//quti\r")
            self.assertEqual(played.hear()["text"], "/quti")

    def test_a_line_that_is_too_long(self) -> None:
        """It stays in the editor, to be shortened there, and its length is said."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("x" * 4097 + "\r")
            tty.until("-!- not sent: 4097 bytes, at most 4096")
            tty.type("\x7f\r")
            self.assertEqual(played.hear()["text"], "x" * 4096)

    def test_page_keys(self) -> None:
        """PgUp and PgDn leave the line as it is."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("old\r")
            self.assertEqual(played.hear()["text"], "old")
            tty.type("new\x1b[5~\x1b[6~er\r")
            self.assertEqual(played.hear()["text"], "newer")

    def test_help_on_a_narrow_terminal(self) -> None:
        """At 40 columns no row of /help is wrapped by the terminal, and the status shows link and name."""
        with played_hub() as played, client("127.0.0.1", played.port, columns=40, rows=10) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("/help\r")
            tty.until("^Z  suspend")
            tty.until("connected · ann · lobby · with bob")
            rows = tty.settle()
            begun = next(n for n, row in enumerate(rows) if "/quit  leave" in row)
            for row in rows[begun : next(n for n, row in enumerate(rows) if "^Z" in row)]:
                self.assertTrue(row.startswith("-!- "), row)

    def test_clear_and_log(self) -> None:
        """/log writes what is shown, clean and dated, for its owner only; /clear empties the screen."""
        with tempfile.TemporaryDirectory() as place, played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type(f"/log {place}/chat\r")
            tty.until("logged to ")
            played.said("one\x1b[2J\x9b31m")
            tty.until("bob: one")
            tty.type("two\r")
            tty.until("you: two")
            tty.type("/clear\r")
            tty.until(lambda: "you: two" not in "".join(tty.screen.display))
            tty.type("/log off\r")
            tty.until("no longer logged")
            file = Path(place) / "chat"
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            date = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d "
            rows = file.read_text().splitlines()
            self.assertRegex(rows[-2], rf"^{date}bob: one\[2J31m$")
            self.assertRegex(rows[-1], rf"^{date}you: two$")

    def test_interrupts(self) -> None:
        """^C on a line with words clears it; on an empty line it leaves with status 0."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("· with bob")
            tty.type("never mind")
            tty.until("> never mind")
            tty.type("\x03")
            tty.until(lambda: tty.typed_row() == ">")
            tty.type("a\x03\x03")
            self.assertEqual(played.hear(), {"verb": "quit"})
            played.hang_up()
            self.assertEqual(tty.wait(), 0)
