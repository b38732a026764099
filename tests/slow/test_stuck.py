"""Nothing that the hub writes to can hold it up: an unread log, an unread console, a stopped terminal, a full disk."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE, Socket
from tests.harness.hardship import MIB, memory
from tests.harness.processes import SERVE, UNDER_TWISTD, environment, free_port, is_listening, until
from tests.harness.terminals import Tty

PATIENCE = 5
"""Seconds for which a hub waits for who doesn't take what was said (`Limits.close_patience`)."""


def reached(port: int) -> Socket:
    """Return an end at a hub that is about to listen."""
    ends: list[Socket] = []

    def connects() -> bool:
        try:
            ends.append(Socket(port))
        except OSError:
            return False
        return True

    until(connects)
    return ends[0]


def seated(port: int) -> Socket:
    """Return an end that sits in the lobby, and knows it."""
    end = reached(port)
    end.says("/who")
    end.line()
    return end


class Case(SynchronousTestCase):
    """A test whose hub writes to a pipe that nobody reads."""

    def setUp(self) -> None:
        """Make the pipe."""
        self.reads, self.writes = os.pipe()
        self.addCleanup(os.close, self.reads)
        self.addCleanup(os.close, self.writes)

    @contextmanager
    def _hub(self, *command: str, log: int | None = None) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        """Yield a hub that writes to the pipe, and its port."""
        port = free_port()
        place = tempfile.TemporaryDirectory()
        hub = subprocess.Popen(
            [*command, f"tcp:{port}:interface=127.0.0.1", "--mode=room"] if "--console" not in command
            else [*command, "--port", f"tcp:{port}:interface=127.0.0.1"],
            stdin=subprocess.PIPE, stdout=self.writes, stderr=self.writes if log is None else log,
            cwd=place.name, env=environment(XDG_STATE_HOME=place.name),
        )  # fmt: skip
        try:
            yield hub, port
        finally:
            hub.kill()
            assert hub.stdin
            hub.stdin.close()
            hub.wait()
            place.cleanup()

    def _read(self) -> str:
        """Return all that is in the pipe, and what comes within a moment."""
        os.set_blocking(self.reads, False)
        heard, quiet = b"", 0
        while quiet < 25:
            try:
                heard += os.read(self.reads, 65536)
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.02)
        return heard.decode()

    def _seconds_to_end(self, hub: subprocess.Popen[bytes]) -> float:
        """Send SIGTERM, and return how long the hub takes to end with status 0."""
        before = time.monotonic()
        hub.send_signal(signal.SIGTERM)
        self.assertEqual(hub.wait(DEADLINE), 0)
        return time.monotonic() - before


class Logs(Case):
    """B1: the log's pipe is full."""

    def _fill(self, port: int) -> None:
        """Make 1,600 connections, with a join and a leave each: more records than wait anywhere."""
        for _ in range(1600):
            with socket.create_connection(("127.0.0.1", port), DEADLINE) as end:
                end.sendall(b"/join %s\n/nick %s\n" % (b"r" * 60, b"n" * 20))
                end.recv(4096)

    def test_talk_goes_on(self) -> None:
        """Everyone is served, the pipe stays as it was for others, records are dropped and counted, SIGTERM ends it."""
        for command in (SERVE, [*SERVE, "--log-json"], UNDER_TWISTD):
            words = [*command[:-1], "--log-json", "--port"] if "--log-json" in command else list(command)
            with self._hub(*words) as (hub, port):
                ann = reached(port)
                ann.says("/nick ann")
                ann.skips("-!- you are ann in lobby; here: ann")
                self._fill(port)
                ann.says("still here")
                ann.skips("ann: still here")
                self.assertTrue(os.get_blocking(self.writes))
                log = self._read()
                self.assertTrue("dropped: what they were written to took no more" in log, len(log))
                ann.says("/quit")
                ann.rest()
                self.assertTrue("'ann'" in self._read())
                ann.close()
                self._fill(port)
                self.assertLess(self._seconds_to_end(hub), PATIENCE)
                self._read()


class Consoles(Case):
    """B2: nobody reads the console."""

    def _stuff(self, port: int) -> Socket:
        """Return an end that has said all that anybody takes."""
        end = reached(port)
        while end.sends_some(b"much to be read\n" * 4096):
            pass
        return end

    def test_bounded(self) -> None:
        """It holds its partner up as any slow reader does, and not the hub; nothing grows; SIGTERM ends it in 5 s."""
        with open(os.devnull, "wb") as log, self._hub(*SERVE, "--console", log=log.fileno()) as (hub, port):
            end = reached(port)
            before = memory(hub.pid)
            end.close()
            end = self._stuff(port)
            self.assertLess(memory(hub.pid) - before, 4 * MIB)
            other = reached(port)
            other.says("/join tea", "/who")
            other.hears("-!- here: guest-1")
            other.close()
            self.assertLess(self._seconds_to_end(hub), PATIENCE + 3)
            end.close()

    def test_twice(self) -> None:
        """A second SIGTERM ends it at once."""
        with open(os.devnull, "wb") as log, self._hub(*SERVE, "--console", log=log.fileno()) as (hub, port):
            end = self._stuff(port)
            hub.send_signal(signal.SIGTERM)
            until(lambda: not is_listening(port))
            self.assertLess(self._seconds_to_end(hub), PATIENCE - 1)
            end.close()

    def test_narration(self) -> None:
        """What a script says to nobody is dropped and counted; talk goes on."""
        command = [*SERVE, "--console", "--mode=ports"]
        with open(os.devnull, "wb") as log, self._hub(*command, log=log.fileno()) as (hub, port):
            ann, bob = seated(port), seated(port)
            for _ in range(500):
                ann.says(*["a line that the console shows, too"] * 20)
                bob.lines(20)
            shown = self._read()
            found = re.findall(r"^-!- (\d+) lines were not shown", shown, re.MULTILINE)
            self.assertTrue(found)
            self.assertEqual(shown.count("Relaying message") + sum(map(int, found)), 10_000)
            ann.close()
            bob.close()


class Terminals(SynchronousTestCase):
    """^S on the hub's own terminal."""

    def test_a_stopped_terminal(self) -> None:
        """Peers talk on while it is stopped, what was dropped is counted after ^Q, and SIGTERM ends it meanwhile."""
        port = free_port()
        tty = Tty([*SERVE, f"tcp:{port}:interface=127.0.0.1", "--console", "--mode=ports"])
        ann, bob = seated(port), seated(port)
        tty.type("\x13")
        for _ in range(400):
            ann.says(*["a line that the console shows, too"] * 20)
            bob.lines(20)
        tty.type("\x11")
        tty.until("lines were not shown")
        tty.type("\x13")
        ann.says(*["again"] * 1000)
        bob.lines(1000)
        os.kill(tty.pid, signal.SIGTERM)
        self.assertEqual(tty.wait(), 0)
        for end in (ann, bob):
            end.close()


class Disks(SynchronousTestCase):
    """A disk without space."""

    def test_a_full_disk(self) -> None:
        """A log on it costs records, and nothing else."""
        port = free_port()
        with open("/dev/full", "wb") as full, tempfile.TemporaryDirectory() as place:
            env = environment(XDG_STATE_HOME=place)
            hub = subprocess.Popen([*SERVE, f"tcp:{port}:interface=127.0.0.1"], stdout=full, stderr=full, cwd=place, env=env)
            ann, bob = reached(port), reached(port)
            ann.says("hello")
            bob.hears("hello")
            for end in (ann, bob):
                end.close()
            hub.send_signal(signal.SIGTERM)
            self.assertEqual(hub.wait(DEADLINE), 0)
            self.assertEqual(list(Path(place).iterdir()), [])
