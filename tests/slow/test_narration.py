"""A mode with a script narrates by itself: `chatterbox serve` without `--console`, in a pipe and on a terminal."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.processes import SERVE, Hub, free_port
from tests.harness.terminals import Tty

RACE = [
    "The server is waiting to receive two connections....",
    "Accepted first connection, calling it client X",
    "Accepted second connection, calling it client Y",
    "Waiting to receive messages from client X and client Y....",
    "Waiting a bit for clients to close their connections",
    "Done.",
]
"""The document's own lines (seed 002)."""


class Narration(SynchronousTestCase):
    """What stands on the hub's stdout."""

    def test_the_documents_lines(self) -> None:
        """003-5: the lines of seed 003, and nothing else."""
        with Hub("--mode", "ports") as hub:
            ann, bob = hub.peer(), hub.peer()
            hub.prints("[NEW CONNECTION]", 2)
            ann.says("Hello, everyone!")
            bob.hears(f"{ann.port}: Hello, everyone!")
            ann.says("exit")
            hub.prints("[DISCONNECTED]")
            who = f"('127.0.0.1', {ann.port})"
            heard = [
                f"[LISTENING] Server is listening on 127.0.0.1:{hub.port}",
                f"[NEW CONNECTION] {who} connected.",
                f"[NEW CONNECTION] ('127.0.0.1', {bob.port}) connected.",
                f"[{who}] Relaying message: {ann.port}: Hello, everyone!",
                f"[{who}] Sent exit command.",
                f"[DISCONNECTED] {who} has been removed.",
            ]
            self.assertEqual(sorted(hub.console), sorted(heard))

    def test_a_race(self) -> None:
        """002-1: the lines of seed 002, to the last one; without --once it says again that it waits."""
        for once in (True, False):
            with Hub("--mode", "order", *(["--once"] * once)) as hub:
                hub.peer("Alice")
                hub.peer("Bob")
                if once:
                    self.assertEqual(hub.wait(), 0)
                else:
                    hub.prints(RACE[0], 2)
                self.assertEqual(hub.console, RACE if once else [*RACE, RACE[0]])

    def test_a_duet(self) -> None:
        """002-8: likewise in its extra credit."""
        with Hub("--mode", "duet") as hub:
            hub.peer("hello")
            hub.peer("Bye")
            hub.prints(RACE[0], 2)
            self.assertEqual(hub.console, [*RACE, RACE[0]])

    def test_on_a_terminal(self) -> None:
        """With --local there is one first line, with 127.0.0.1, for both address families; the log isn't in between."""
        for mode, console, first in (
            ("ports", False, "[LISTENING] Server is listening on 127.0.0.1:{}"),
            ("ports", True, "[LISTENING] Server is listening on 127.0.0.1:{}"),
            ("pair", True, "listening on 127.0.0.1:{}"),
        ):
            port = str(free_port())
            tty = Tty([*SERVE, port, "--mode", mode, "--local", *(["--console"] * console)])
            try:
                tty.until(first.format(port))
                self.assertEqual(tty.settle(), [first.format(port)])
            finally:
                tty.close()

    def test_how_to_join(self) -> None:
        """Where the document's first line names no place, the terminal says how to join, too."""
        port = str(free_port())
        tty = Tty([*SERVE, port, "--mode", "order", "--local"])
        try:
            tty.until(RACE[0])
            self.assertIn(f"127.0.0.1:{port}", tty.text())
            self.assertIn(RACE[0], tty.rows())
        finally:
            tty.close()
