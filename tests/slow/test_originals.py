"""`chatterbox --bare`: the bundled client at the servers that people wrote for the five exercises."""

from __future__ import annotations

import signal
from itertools import permutations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.bare import ASKED, SILENT
from tests.harness.originals import BROADCAST, CHATROOM, DUET, KEYS, ORDER, RELAY, SILENT_SERVER, Original
from tests.harness.terminals import client


class Pipes(SynchronousTestCase):
    """The client between programs, at each of the five."""

    def test_relay(self) -> None:
        """000: messages reach the other end, one by one and without newlines; /quit needs no terminal: a signal ends it."""
        with Original(RELAY) as server:
            ann, bob = server.client(), server.client()
            server.program.hears("two are here")
            ann.says("hello", "again")
            bob.hears("hello", "again")
            bob.says("grüße")
            ann.hears("grüße")
            ann.process.send_signal(signal.SIGTERM)
            server.program.hears("somebody has left")
            self.assertEqual(ann.wait(), 128 + signal.SIGTERM)
            self.assertEqual(bob.wait(), 1)

    def test_chatroom(self) -> None:
        """001: NICK is answered with the name, lines go out behind it, and what comes is shown as it came."""
        with Original(CHATROOM) as server:
            ann = server.client("--name", "ann")
            ann.hears("ann joined!", "Connected to server!")
            bob = server.client("--name", "bob")
            bob.hears("bob joined!", "Connected to server!")
            ann.hears("bob joined!")
            bob.says("hello")
            ann.hears("bob: hello")
            bob.process.send_signal(signal.SIGINT)
            ann.hears("bob left!")
            self.assertTrue(bob.is_quiet(0))

    def test_order(self) -> None:
        """002: the confirmation, one message, the verdict, status 0; the server sees its messages whole."""
        with Original(ORDER) as server:
            x = server.client()
            server.program.skips("Accepted first connection, calling it client X")
            y = server.client()
            x.hears("Client X has connected.")
            y.hears("Client Y has connected.")
            x.says("Alice")
            y.says("Bob")
            (verdict,) = {end.line() for end in (x, y)}
            self.assertIn(verdict, {f"{a} received before {b}" for a, b in permutations(["X: Alice", "Y: Bob"])})
            self.assertEqual([end.wait() for end in (x, y)], [0, 0])
            server.program.skips("Done.")

    def test_duet(self) -> None:
        """002, extra credit: what is said comes back labelled; `Bye` ends both with status 0."""
        with Original(DUET) as server:
            x = server.client()
            y = server.client()
            names = {end: end.line().split()[1] for end in (x, y)}
            for end, name in names.items():
                end.says("hi")
                for other in names:
                    other.hears(f"{name}: hi")
            x.says("Bye")
            for end in names:
                end.hears(f"{names[x]}: Bye")
                self.assertEqual(end.wait(), 0)

    def test_broadcast(self) -> None:
        """003: messages come behind ports; `exit` reaches the server as its own word, and it hangs up: status 0."""
        with Original(BROADCAST) as server:
            ann, bob = server.client(), server.client()
            server.awaits("[NEW CONNECTION]", 2)
            ann.says("Hello, everyone!")
            self.assertRegex(bob.line(), r"^\d+: Hello, everyone!$")
            self.assertRegex(server.program.line(), r"^\[\('127.0.0.1', \d+\)\] Relaying message: \d+: Hello, everyone!$")
            ann.says("EXIT ")
            self.assertEqual(ann.rest(), b"")
            self.assertRegex(server.program.line(), r"Sent exit command\.$")
            self.assertRegex(server.program.line(), r"^\[DISCONNECTED\] .* has been removed\.$")
            self.assertEqual(ann.wait(), 0)
            self.assertTrue(bob.is_quiet())

    def test_keys(self) -> None:
        """004: with --live a line has its newline, both ways; the server takes the next client."""
        with Original(KEYS) as server:
            for visit in ("one", "two"):
                ann = server.client("--live")
                self.assertRegex(server.program.line(), "^connected by ")
                ann.says(f"hello {visit}")
                server.program.hears(f"hello {visit}")
                server.program.says("and back")
                ann.hears("and back")
                ann.process.send_signal(signal.SIGINT)
                server.program.hears("disconnected")


class Terminals(SynchronousTestCase):
    """The client on a terminal."""

    def test_a_silent_server(self) -> None:
        """It says that it is connected, and what it waits for; /quit leaves with status 0."""
        with Original(SILENT_SERVER) as server, client("--bare", "127.0.0.1", server.port) as ann:
            ann.until(SILENT[:40])
            ann.until("connected")
            ann.type("/quit\r")
            self.assertEqual(ann.wait(), 0)

    def test_chatroom(self) -> None:
        """001: it asks its person for the name, and shows an own line once."""
        with Original(CHATROOM) as server, client("--bare", "127.0.0.1", server.port) as ann:
            ann.until(ASKED)
            ann.until("Your name:")
            ann.type("ann\r")
            ann.until("Connected to server!")
            bob = server.client("--name", "bob")
            bob.skips("Connected to server!")
            ann.until("bob joined!")
            ann.type("hello\r")
            bob.skips("ann: hello")
            bob.says("hi")
            ann.until("bob: hi")
            self.assertEqual(ann.text().count("ann: hello"), 1)
            ann.type("/quit\r")
            self.assertEqual(ann.wait(), 0)
            bob.skips("ann left!")

    def test_order(self) -> None:
        """002: the question comes after the confirmation, the verdict ends it, status 0."""
        question = "Enter a message to send to the server:"
        with Original(ORDER) as server, client("--bare", "127.0.0.1", server.port) as x:
            x.until(SILENT[:40])
            y = server.client()
            x.until("Client X has connected.")
            x.until(question)
            x.type("Alice\r")
            x.until(f"{question} Alice")
            y.says("Bob")
            x.until("X: Alice received before Y: Bob")
            self.assertEqual(x.wait(), 0)

    def test_broadcast(self) -> None:
        """003: own lines stand as typed, and `exit` leaves with the document's last line and status 0."""
        with Original(BROADCAST) as server, client("--bare", "127.0.0.1", server.port) as ann:
            ann.until(SILENT[:40])
            bob = server.client()
            server.awaits("[NEW CONNECTION]", 2)
            ann.type("Hello, everyone!\r")
            self.assertRegex(bob.line(), r"^\d+: Hello, everyone!$")
            bob.says("Hey!")
            ann.until(": Hey!")
            self.assertIn("Hello, everyone!", ann.rows())
            ann.type("exit\r")
            self.assertEqual(ann.wait(), 0)
            self.assertEqual(ann.rows()[-1], "Disconnected from server")
            self.assertTrue(bob.is_quiet())

    def test_keys(self) -> None:
        """004: each key is at the server before the next one, and so is a correction."""
        with Original(KEYS) as server, client("--bare", "--live", "127.0.0.1", server.port) as ann:
            ann.until(SILENT[:40])
            server.program.line()
            for key in "abc":
                ann.type(key)
                self.assertEqual(server.program.chunk(), key.encode())
            ann.type("\x7f")
            self.assertEqual(server.program.chunk(), b"\b \b")
            ann.type("\r")
            self.assertEqual(server.program.chunk(), b"\n")
            server.program.says("from the server")
            ann.until("server: from the server")
