"""Seed 004, stdin and a socket, key by key: the hub's terminal is an end. `docs/seeds.md` names the rest."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.core.modes import MODES
from tests.harness.ends import DEADLINE, Socket
from tests.harness.processes import SERVE, TWISTD, Hub, environment, threads
from tests.harness.terminals import Tty, client, client_pid, settings, shell

ANY_PORT = "tcp:0:interface=127.0.0.1"
KEYS = 20
"""Keys typed one after the other, each when the one before was seen."""


class Starting(SynchronousTestCase):
    """One word on the command line."""

    def test_ports(self) -> None:
        """004-1: `serve PORT` waits there; 0 takes a free one and says which."""
        with Hub() as hub, Hub(port=0) as other:
            self.assertNotEqual(hub.port, other.port)
            ann, bob = hub.peer("hi"), hub.peer("hello")
            bob.hears("hi")
            ann.hears("-!- your partner joined", "hello")

    def test_no_port(self) -> None:
        """004-1: 65536 and `x` give a line on how it is used, and a status that is not 0."""
        with tempfile.TemporaryDirectory() as place:
            for port in ("65536", "x"):
                for command in ([*SERVE, port], [*TWISTD, "-n", "chatterbox", "--port", port]):
                    run = subprocess.run(
                        command, capture_output=True, text=True, cwd=place, timeout=DEADLINE,
                        env=environment(XDG_STATE_HOME=place),
                    )  # fmt: skip
                    self.assertNotEqual(run.returncode, 0)
                    self.assertRegex(run.stdout + run.stderr, f"port {port} is [^\n]*65535")
                    self.assertNotIn("Traceback", run.stderr)


class Terminals(SynchronousTestCase):
    """The hub on one terminal, a client on another."""

    def test_the_manual_checklist(self) -> None:
        """004-2, 004-3, 004-9: the document's checklist; the client comes back and talks; no threads."""
        with console() as (server, port):
            for visit in (1, 2):
                with client("127.0.0.1", port, "--name", "ann") as ann:
                    shows(server, "-!- your partner joined", visit)
                    ann.until("with server")
                    ann.type(f"from the client, visit {visit}\r")
                    server.until(f"from the client, visit {visit}")
                    server.type(f"from the server, visit {visit}\r")
                    ann.until(f"from the server, visit {visit}")
                    self.assertEqual((threads(server.pid), threads(ann.pid)), (1, 1))
                    ann.type("\x03")
                    self.assertEqual(ann.wait(), 0)
                    shows(server, "-!- your partner left (quit)", visit)
            server.type("/quit\r")
            self.assertEqual(server.wait(), 0)

    def test_keys_at_the_console(self) -> None:
        """004-4: each key typed at the hub is at the other end before the next one, once, and the reverse."""
        with console("--mode", "talk") as (server, port):
            peer = Socket(port)
            server.until("-!- your partner joined")
            for _ in range(KEYS):
                server.type("k")
                self.assertEqual(peer.chunk(), b"k")
            for n in range(KEYS):
                peer.send(b"p")
                server.until("k" * KEYS + "p" * (n + 1))
            self.assertEqual(server.settle()[-1], "k" * KEYS + "p" * KEYS)
            server.type("\x7f" * KEYS)
            erased = b""
            while len(erased) < 3 * KEYS:
                erased += peer.chunk()
            self.assertEqual(erased, b"\b \b" * KEYS)
            peer.close()

    def test_keys_at_the_client(self) -> None:
        """004-4: a key typed at the bundled client is at the other end before the next one, and not echoed."""
        with Hub("--mode", "talk") as hub, client("127.0.0.1", hub.port, "--name", "ann") as ann:
            ann.until("waiting for a partner")
            peer = hub.peer()
            ann.until("joined")
            for _ in range(KEYS):
                ann.type("k")
                self.assertEqual(peer.chunk(), b"k")
            self.assertTrue(peer.is_quiet())
            ann.until(lambda: ann.typed_row() == "> " + "k" * KEYS)

    def test_settings_at_the_console(self) -> None:
        """004-5: the hub's own terminal is as it was after /quit, SIGINT and SIGTERM."""
        for mode in ("pair", "talk"):
            for how in ("/quit\r", "SIGINT", "SIGTERM"):
                options = (ANY_PORT, "--console", "--mode", mode)
                with shell(*options, command=SERVE) as tty:
                    pid = client_pid(tty)
                    tty.until("listening on 127.0.0.1:")
                    os.kill(pid, signal.Signals[how]) if how.startswith("SIG") else tty.type(how)
                    self.assertEqual(tty.wait(), 0)
                    self.assertIn("status=0", tty.text())
                    before, after = settings(tty)
                    self.assertEqual(before, after, (mode, how))


class Several(SynchronousTestCase):
    """What a hub for one terminal and one client has to learn."""

    def test_no_terminal(self) -> None:
        """004-6: where the client's stdin is no terminal, it speaks lines in mode `talk` too."""
        with Hub("--mode", "talk") as hub:
            peer = hub.peer()
            pipe = hub.program("client", "ein Brötchen, bitte")
            heard = b""
            while not heard.endswith(b"bitte\r\n"):
                heard += peer.chunk()
            self.assertEqual(heard, "\r\n-!- your partner joined\r\nein Brötchen, bitte\r\n".encode())
            peer.send("kömmt".encode()[:2])
            peer.send("kömmt\r".encode()[2:])
            self.assertEqual(pipe.line().rstrip("\r"), "kömmt")
            self.assertEqual(threads(pipe.process.pid), 1)

    def test_kill_one_of_five(self) -> None:
        """004-7: one of five is killed in mid-broadcast: the others hear all, the log has its leave only."""
        with Hub("--seats", "5") as hub:
            ends = [hub.program("nc") for _ in range(4)]
            speaker = hub.peer()
            hub.logs(" joined ", 5)
            lines = [f"line {n}" for n in range(400)]
            for n, line in enumerate(lines):
                speaker.says(line)
                if n == 200:
                    ends[2].process.kill()
            for end in (*ends[:2], ends[3]):
                self.assertEqual([line for line in iter(end.line, lines[-1]) if line in lines], lines[:-1])
            hub.logs(" left ")
            told = re.findall(r"\[chatterbox#\w+\] (\w+)", hub.log)
            self.assertEqual(told, ["joined"] * 5 + ["left"])


class Stopping(SynchronousTestCase):
    """The operator has had enough."""

    def test_signals(self) -> None:
        """004-8: SIGINT and SIGTERM tell every peer, close every socket, free the port at once; status 0."""
        port = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            with Hub(port=port) as hub:
                port = hub.port
                ann, bob = hub.pair()
                self.assertEqual(hub.stops(number), 0)
                socket.create_server(("127.0.0.1", port)).close()
                for end in (ann, bob):
                    end.hears("-!- closed (shutdown): the hub is shutting down")
                    self.assertEqual(end.rest(), b"")

    def test_quit_at_the_console(self) -> None:
        """004-8: /quit on the hub's stdin closes every client, in every mode, with status 0."""
        for mode in MODES:
            seats = 1 if mode in ("pair", "talk") else 2
            with Hub("--console", "--mode", mode) as hub:
                ends = [hub.peer(f"/nick n{n}") for n in range(seats)]
                hub.logs(" from 127.0.0.1:", seats)
                hub.types("/quit")
                self.assertEqual(hub.wait(), 0)
                for end in ends:
                    self.assertIn(b"-!- closed (ended): the operator has ended this hub", end.rest())

    def test_the_client_ends_as_well(self) -> None:
        """004-8: an operator's /quit is final: the bundled client ends with status 0, in pipes and on a terminal."""
        for mode in ("pair", "talk"):
            with Hub("--console", "--mode", mode) as hub, client("127.0.0.1", hub.port, "--name", "ann") as ann:
                ann.until("with server")
                hub.types("/quit")
                self.assertEqual((ann.wait(), hub.wait()), (0, 0))
                self.assertIn("the operator has ended this hub", ann.text())
            with Hub("--console", "--mode", mode) as hub:
                pipe = hub.program("client", "hello")
                hub.prints("hello")
                hub.types("/quit")
                self.assertEqual((pipe.wait(), hub.wait()), (0, 0))


@contextmanager
def console(*options: str) -> Iterator[tuple[Tty, int]]:
    """Run a hub whose console is a terminal; give that and the port."""
    server = Tty([*SERVE, ANY_PORT, "--console", *options])
    try:
        server.until("listening on 127.0.0.1:")
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", server.text())
        assert found
        yield server, int(found[1])
    finally:
        server.close()


def shows(tty: Tty, text: str, count: int) -> None:
    """Wait until `text` is on the terminal so many times."""
    tty.until(lambda: tty.text().count(text) == count)
