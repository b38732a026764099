"""How a hub starts: what it says, whom it lets in, and that nothing a dead one left behind keeps it from it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE, Socket
from tests.harness.processes import ROOT, SERVE, TWISTD, UNDER_TWISTD, Hub, environment, free_port, threads, until
from tests.harness.terminals import Tty


class Process:
    """A hub that may not start, or warns, which `Hub` refuses; it ends with its test."""

    def __init__(self, *command: str, place: str = "", stdin: int = subprocess.DEVNULL) -> None:
        self._own = tempfile.TemporaryDirectory()
        self.place = place or self._own.name
        env = environment(XDG_STATE_HOME=self.place)
        with open(Path(self._own.name, "out"), "wb") as out, open(Path(self._own.name, "err"), "wb") as err:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=out, stderr=err, cwd=self.place, env=env)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        self._own.cleanup()

    @property
    def out(self) -> str:
        """All that it has written to stdout."""
        return Path(self._own.name, "out").read_text()

    @property
    def err(self) -> str:
        """All that it has written to stderr."""
        return Path(self._own.name, "err").read_text()

    def says(self, text: str) -> None:
        """Wait until `text` is in what it has written."""
        until(lambda: text in self.out + self.err or self.process.poll() is not None)
        assert text in self.out + self.err, self.out + self.err

    def ends(self) -> tuple[int, str]:
        """Wait for its end; return its status and what it wrote to stderr."""
        return self.process.wait(DEADLINE), self.err


class Places(SynchronousTestCase):
    """Where a hub listens."""

    def test_a_number_is_both_families(self) -> None:
        """C15: `nc ::1 5000` and `nc 127.0.0.1 5000` meet, and IPv4 is shown as IPv4 in label, log and console."""
        port = free_port()
        with Process(*SERVE, str(port), "--mode=ports", "--label=address", "--console", stdin=subprocess.PIPE) as hub:
            hub.says(f"listening on *:{port}")
            ends = [socket.create_connection((host, port), DEADLINE) for host in ("127.0.0.1", "::1")]
            names = [f"127.0.0.1:{ends[0].getsockname()[1]}", f"[::1]:{ends[1].getsockname()[1]}"]
            for end, name in zip(ends, names):
                end.sendall(b"hello\n")
                hub.says(f"joined 'lobby': '{name}' from {name}")
                hub.says(f"Relaying message: {name}: hello")
            self.assertIn(f"{names[1]}: hello\n".encode(), ends[0].recv(1000))
            self.assertIn("('127.0.0.1', ", hub.out)
            self.assertNotIn("ffff", hub.out + hub.err)
            for end in ends:
                end.close()

    def test_local(self) -> None:
        """`--local` is this machine alone, in both families, at one port; the hub says so, and how to join."""
        with Process(*SERVE, "--local", "0") as hub:
            hub.says("Other machines can't join.")
            found = re.search(r"Ready\. To join from this machine: (.*) (127\.0\.0\.1:(\d+))\n", hub.out)
            assert found
            for host in ("127.0.0.1", "::1"):
                socket.create_connection((host, int(found[3])), DEADLINE).close()
            self.assertEqual(hub.err.count("listening on 127.0.0.1:") + hub.err.count("listening on [::1]:"), 2)
            self.assertNotIn("in clear", hub.out + hub.err)

    def test_ready(self) -> None:
        """A person reads how to join and who can; the log stays a log, and Twisted's chatter isn't in it."""
        port = free_port()
        with Process(*SERVE, str(port)) as hub:
            hub.says("Other machines can join, too")
            self.assertIn(f"chatterbox HOST:{port} (text travels in clear)\n", hub.out)
            self.assertRegex(hub.err, r"\A(\S+ \[chatterbox\S* .*\n)+\Z")
            self.assertNotIn("starting on", hub.err)

    def test_what_cannot_be(self) -> None:
        """C5 and its like: one sentence on stderr, status 1, and nothing is left behind."""
        with tempfile.TemporaryDirectory() as place, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            Path(place, "file").write_text("precious")
            for where, why in (
                (f"unix:{'x' * 150}", "its path has 150 bytes, and the system takes 107"),
                ("unix:nowhere/chat.sock", "No such file or directory"),
                ("unix:file", "something else has that name"),
                ("unix:.", "something else has that name"),
                (f"{port}", f"*:{port}: Address already in use"),
                (f"tcp:{port}:interface=127.0.0.1", f"127.0.0.1:{port}: Address already in use"),
                ("tcp:1:interface=192.0.2.1", "192.0.2.1:1: Cannot assign requested address"),
            ):
                with Process(*SERVE, where, place=place) as hub:
                    status, err = hub.ends()
                self.assertEqual((status, err.count("\n")), (1, 1), (where, err))
                self.assertIn(why, err)
            self.assertEqual(os.listdir(place), ["file"])


class Again(SynchronousTestCase):
    """After any death."""

    def test_a_unix_socket(self) -> None:
        """C6, C7: killed, a hub leaves its socket, which is its owner's alone; the next one takes its place."""
        with tempfile.TemporaryDirectory() as place:
            path = Path(place, "chat.sock")
            for command in (SERVE, SERVE, UNDER_TWISTD):
                with Process(*command, "unix:chat.sock", place=place) as hub:
                    hub.says("listening on chat.sock")
                    self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
                    with Process(*SERVE, "unix:chat.sock", place=place) as other:
                        self.assertEqual(other.ends()[0], 1)
                    with socket.socket(socket.AF_UNIX) as end:
                        end.connect(os.path.relpath(path) if len(str(path)) > 100 else str(path))
                        end.sendall(b"/who\n")
                        self.assertEqual(end.recv(100), b"-!- here: guest-1\n")
                self.assertTrue(path.is_socket())

    def test_a_pidfile_with_its_own_number(self) -> None:
        """C7: process 1 of a container finds a pidfile that says 1; so does any number that is no twistd's."""
        source = "import os; open('twistd.pid', 'w').write(str({})); from twisted.scripts.twistd import run; run()"
        sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            for number in ("os.getpid()", str(sleeper.pid)):
                command = [sys.executable, "-c", source.format(number), "-n", "chatterbox", "--port"]
                with Process(*command, "tcp:0:interface=127.0.0.1") as hub:
                    hub.says("listening on")
                    self.assertEqual(Path(hub.place, "twistd.pid").read_text(), str(hub.process.pid))
        finally:
            sleeper.communicate(b"\n")

    def test_another_twistd(self) -> None:
        """A pidfile of one that runs is respected."""
        command = [*TWISTD, "-n", "chatterbox", "--port", "tcp:0:interface=127.0.0.1"]
        with Process(*command) as hub:
            hub.says("listening on")
            with Process(*command, place=hub.place) as other:
                status, err = other.ends()
            self.assertEqual(status, 1)
            self.assertIn("Another twistd server is running", err)


class Containers(SynchronousTestCase):
    """The recipe in `docs/running.md`: the hub is process 1, and nothing is beside it."""

    def _container(self, *command: str, place: str) -> Process:
        words = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]
        words += [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        try:
            subprocess.run([*words, "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            raise SkipTest("no namespaces for processes here") from None
        return Process(*words, *command, place=place)

    def _signal(self, container: Process, number: int) -> None:
        """Send a signal to process 1, which is `unshare`'s child."""
        pid = container.process.pid
        os.kill(int(Path(f"/proc/{pid}/task/{pid}/children").read_text()), number)

    def test_the_recipe(self) -> None:
        """Its command serves, starts again after SIGKILL in the same folder, and ends at SIGTERM with status 0."""
        (words,) = re.findall(r"^CMD (\[.*\])$", (ROOT / "docs" / "running.md").read_text(), re.MULTILINE)
        name, serve, _ = json.loads(words)
        self.assertEqual((name, serve), ("chatterbox", "serve"))
        with tempfile.TemporaryDirectory() as place:
            for command in ([*SERVE, "unix:chat.sock"], [*TWISTD, "-n", "chatterbox", "--port", "unix:chat.sock"]):
                for number in (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM):
                    with self._container(*command, place=place) as hub:
                        hub.says("listening on chat.sock")
                        self._signal(hub, number)
                        status, _ = hub.ends()
                        self.assertEqual(status == 0, number == signal.SIGTERM, hub.err)
                        self.assertEqual(Path(place, "chat.sock").exists(), number == signal.SIGKILL)


class FirstSignals(SynchronousTestCase):
    """C8: a hub that has said where it listens can be told to end."""

    def test_a_signal_at_once(self) -> None:
        """SIGTERM and SIGINT with the announcement, and some milliseconds later: status 0, each time."""
        for command in (SERVE, UNDER_TWISTD):
            for number, pause in ((signal.SIGTERM, 0.0), (signal.SIGINT, 0.0), (signal.SIGTERM, 0.003), (signal.SIGTERM, 0.01)):
                reads, writes = os.pipe()
                env = environment()
                with tempfile.TemporaryDirectory() as place:
                    hub = subprocess.Popen(
                        [*command, "tcp:0:interface=127.0.0.1"], stdin=subprocess.DEVNULL, stdout=writes, stderr=writes,
                        cwd=place, env=env,
                    )  # fmt: skip
                    os.close(writes)
                    heard = b""
                    while b"listening on" not in heard:
                        data = os.read(reads, 65536)
                        assert data, heard
                        heard += data
                    time.sleep(pause)
                    hub.send_signal(number)
                    self.assertEqual(hub.wait(DEADLINE), 0, (command, number, pause))
                    os.close(reads)


class Consoles(SynchronousTestCase):
    """`--console`."""

    def test_stdin_at_its_end(self) -> None:
        """C9: `serve --console </dev/null` keeps no seat of the pair."""
        with Process(*SERVE, "tcp:0:interface=127.0.0.1", "--console") as hub:
            hub.says("listening on")
            hub.says("left 'lobby': 'server'")
            found = re.search(r"127\.0\.0\.1:(\d+)", hub.err)
            assert found
            ann, bob = Socket(int(found[1])), Socket(int(found[1]))
            ann.says("hello")
            bob.hears("hello")
            ann.close()
            bob.close()

    @contextmanager
    def _terminal(self, *options: str) -> Iterator[Tty]:
        tty = Tty([*SERVE, "tcp:0:interface=127.0.0.1", "--console", *options])
        try:
            yield tty
        finally:
            tty.close()

    def test_the_screen_is_for_talk(self) -> None:
        """N5: on a terminal the log says its warnings only, and each thing is said once."""
        with self._terminal("--mode", "room") as tty:
            tty.until("listening on")
            found = re.search(r"127\.0\.0\.1:(\d+)", tty.text())
            assert found
            ann = Socket(int(found[1]))
            ann.says("/nick ann", "hi")
            tty.until("ann: hi")
            self.assertEqual(tty.text().count("listening on"), 1)
            self.assertNotIn("joined 'lobby'", tty.text())
            ann.close()

    def test_one_screen_stays_blocking(self) -> None:
        """Programs that share the terminal find it as it was: O_NONBLOCK isn't set on it."""
        with self._terminal() as tty:
            tty.until("listening on")
            for fd in range(3):
                (flags,) = re.findall(r"flags:\s+(\d+)", Path(f"/proc/{tty.pid}/fdinfo/{fd}").read_text())
                self.assertFalse(int(flags, 8) & os.O_NONBLOCK)

    def test_threads(self) -> None:
        """004: no thread is spawned, whatever waits to be written."""
        with Hub("--console") as hub:
            hub.pair("tea")
            self.assertEqual(threads(hub.pid), 1)
