"""The client in pipes as a process: real pipes, files, signals and sockets, against a played hub and a real one."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from typing import Any
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE
from tests.harness.piped import BOB, Hub, client, run, status_of
from tests.harness.processes import CLIENT, free_port, until

MIB = 1024 * 1024
SMALL = 80 * MIB
"""Bytes that a process of python and twisted may take; it is 45 to 60."""


def _is_full(pipe: int) -> bool:
    """Return whether a pipe has no room."""
    return not select.select([], [pipe], [], 0)[1]


class InPipes(SynchronousTestCase):
    """What a shell sees."""

    def test_the_answer_after_the_end_of_stdin(self) -> None:
        """`echo hi | client` hears what is said after `hi`, and ends with status 0 when both have ended (F7)."""
        with Hub() as hub, client(hub.address, "--name", "ann", "--room", "tea") as process:
            process.stdin.write(b"/quit\nhi")
            process.stdin.close()
            hello = hub.accept()
            self.assertEqual((hello["room"], hello["name"]), ("tea", "ann"))
            self.assertEqual("\n".join(verb.get("text", "") for verb in hub.hear_until("done")).strip(), "/quit\nhi")
            hub.bob(1, "hello\n-!- x")
            hub.ends(3, 2)
            self.assertEqual(process.wait(DEADLINE), 0)
            self.assertEqual(process.stdout.read(), b"hello\n-!- x\n")
            self.assertEqual(process.stderr.read(), b"-!- your partner has finished\n")

    def test_stdin_and_stdout_are_files(self) -> None:
        """A regular file and /dev/null are stdin like any other, and a file is a stdout (epoll knows neither)."""
        text = b"".join(b"line %d\n" % number for number in range(10_000))
        for given in (text, b""):
            with Hub() as hub, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as stdin:
                stdin.write(given)
                stdin.seek(0)
                with client(hub.address, stdin=stdin if given else subprocess.DEVNULL, stdout=out) as process:
                    hub.accept()
                    said = "".join(verb["text"] + "\n" for verb in hub.hear_until("done")[:-1])
                    self.assertEqual(said.encode(), given)
                    hub.bob(1, text.decode()[:-1])
                    hub.ends(10_001, given.count(b"\n"))
                    self.assertEqual(process.wait(DEADLINE), 0)
                out.seek(0)
                self.assertEqual(out.read(), text)

    def test_files_are_left_as_they_are(self) -> None:
        """Stdin, stdout and stderr, which other processes share, stay blocking, also when the client is killed (C11)."""
        with Hub() as hub:
            (reading, typing), (hearing, writing) = os.pipe(), os.pipe()
            try:
                with client(hub.address, stdin=reading, stdout=writing, stderr=writing) as process:
                    hub.accept()
                    hub.says({"event": "notice", "text": "soon"})
                    hub.bob(1, "hello")
                    heard = b""
                    while heard.count(b"\n") != 2:
                        heard += os.read(hearing, 99)
                    self.assertTrue(os.get_blocking(reading) and os.get_blocking(writing))
                    process.kill()
                    process.wait(DEADLINE)
                self.assertTrue(os.get_blocking(reading) and os.get_blocking(writing))
            finally:
                for file in (reading, typing, hearing, writing):
                    os.close(file)

    def test_notices_wait(self) -> None:
        """Notices that meet a full pipe wait for its reader, and none is thrown away (C22)."""
        count = 20_000
        with Hub() as hub, client(hub.address, stderr=subprocess.STDOUT) as process:
            hub.accept()
            notices = [{"event": "notice", "text": f"notice {n}"} for n in range(count)]
            sender = threading.Thread(target=hub.says, args=notices)
            sender.start()
            until(lambda: select.select([process.stdout], [], [])[0])
            process.stdin.close()
            heard = b""
            while heard.count(b"\n") < count:
                heard += process.stdout.read(65536)
            sender.join()
            self.assertEqual(heard.splitlines(), [b"-!- notice %d" % n for n in range(count)])

    def test_a_signal_while_notices_wait(self) -> None:
        """One signal ends a client whose stderr nobody reads, also behind a hub that has more and more to tell."""
        for number in (signal.SIGINT, signal.SIGTERM):
            reading, writing = os.pipe()
            try:
                with Hub() as hub, client(hub.address, stderr=writing) as process:
                    hub.accept()
                    hub.says(*[{"event": "notice", "text": "x" * 1000}] * 200)
                    until(partial(_is_full, writing))
                    process.send_signal(number)
                    self.assertEqual(process.wait(DEADLINE), 128 + number)
            finally:
                os.close(reading)
                os.close(writing)

    def test_one_thread_and_no_line_editor(self) -> None:
        """For an address no thread is started, and what only a terminal needs isn't imported."""
        with Hub() as hub, client(hub.address) as process:
            hub.accept()
            self.assertEqual(status_of(process, "Threads"), 1)
        heavy = (
            "prompt_toolkit chatterbox.client.terminal.app twisted.internet.asyncioreactor twisted.application.internet"
        )
        script = (
            "import sys; from chatterbox.client.__main__ import main; main(['127.0.0.1:1']);"
            f"print([name for name in '{heavy}'.split() if name in sys.modules])"
        )
        _, out, _ = run(command=[sys.executable, "-c", script], stdin=subprocess.DEVNULL)
        self.assertEqual(out, b"[]\n")

    def test_a_person_with_a_redirected_stdout_can_quit(self) -> None:
        """With stdin a terminal `/quit` leaves, and is not said."""
        keyboard, terminal = pty.openpty()
        try:
            with Hub() as hub, client(hub.address, stdin=terminal) as process:
                hub.accept()
                os.write(keyboard, b"hi\n/quit\n")
                self.assertEqual(hub.hear()["text"], "hi")
                hub.says({"event": "got", "stream": BOB, "n": 1})
                hub.hear_until("quit")
                hub.close()
                self.assertEqual(process.wait(DEADLINE), 0)
            self.assertTrue(os.get_blocking(terminal))
        finally:
            os.close(keyboard)
            os.close(terminal)


class Endings(SynchronousTestCase):
    """How a process ends: its status, and at most one line of its own."""

    def test_without_a_hub(self) -> None:
        """One line that says what happened, to what, and what now; status 1 (000-9)."""
        port = free_port()
        status, out, err = run("127.0.0.1", port)
        self.assertEqual((status, out), (1, b""))
        self.assertRegex(err, rf"\Achatterbox: cannot reach 127.0.0.1:{port}: connection refused; [^\n]+\n\Z")

    def test_closed_from_the_start(self) -> None:
        """`<&-` and `>&-` are one line and status 2; with `2>&-` nothing goes where it doesn't belong."""
        for redirection, status, lines in (("<&-", 2, 1), (">&-", 2, 1), ("2>&-", 1, 0)):
            shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", *CLIENT]
            got, out, err = run("127.0.0.1:1", command=shell)
            self.assertEqual((got, out, err.count("\n")), (status, b"", lines), err)

    def test_stdout_closed_by_its_reader(self) -> None:
        """`client | head -1` ends quietly with status 0, though stdin and the hub go on."""
        with Hub() as hub, client(hub.address) as process:
            hub.accept()
            hub.bob(1, "one")
            self.assertEqual(process.stdout.read(4), b"one\n")
            process.stdout.close()
            self.assertEqual(hub.hear_until("quit")[-1], {"verb": "quit", "why": "lost", "got": {BOB: 1}})
            hub.close()
            self.assertEqual(process.wait(DEADLINE), 0)
            self.assertEqual(process.stderr.read(), b"")

    def test_a_full_disk(self) -> None:
        """What can't be written is no clean end."""
        if not os.path.exists("/dev/full"):
            raise SkipTest("no /dev/full here")
        with Hub() as hub, open("/dev/full", "wb") as full, client(hub.address, stdout=full) as process:
            hub.accept()
            hub.bob(1, "one")
            hub.hear_until("quit")
            hub.close()
            self.assertEqual(process.wait(DEADLINE), 1)
            self.assertRegex(process.stderr.read(), rb"\Achatterbox: stdout takes no more[^\n]*\n\Z")

    def test_signals(self) -> None:
        """^C is status 130 and SIGTERM 143, without a word, and the partner is told that this end is lost."""
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            for stdin in (subprocess.PIPE, subprocess.DEVNULL):
                with Hub() as hub, client(hub.address, "--name", "ann", stdin=stdin) as process:
                    hub.accept()
                    hub.bob(1, "one")
                    hub.hear_until("got")
                    process.send_signal(number)
                    self.assertEqual(hub.hear_until("quit")[-1]["why"], "lost")
                    hub.close()
                    self.assertEqual(process.wait(DEADLINE), status)
                    self.assertEqual(process.stderr.read(), b"")

    def test_a_lost_link(self) -> None:
        """A hub that hangs up or breaks, and doesn't come back in time, is status 1, after stdin's end as well (A1)."""
        for ending in (Hub.reset, lambda hub: hub.link.close()):
            for stdin in (subprocess.PIPE, subprocess.DEVNULL):
                with Hub() as hub, client(hub.address, "--retry", "0", stdin=stdin) as process:
                    hub.accept()
                    hub.bob(1, "one")
                    hub.hear_until("got")
                    ending(hub)
                    self.assertEqual(process.wait(DEADLINE), 1)
                    self.assertRegex(process.stderr.read(), rb"\Achatterbox: the link to [^\n]* is lost: [^\n]*\n\Z")

    def test_a_port_that_speaks_tls(self) -> None:
        """What a TLS server answers to plain text is told for what it is (A2)."""
        with Hub() as hub:

            def answer() -> None:
                link, _ = hub._listener.accept()
                link.recv(99)
                link.sendall(b"\x15\x03\x03\x00\x02\x02\x46")
                link.shutdown(socket.SHUT_WR)
                link.recv(99)
                link.close()

            server = threading.Thread(target=answer)
            server.start()
            status, _, err = run(hub.address, say=b"hi\n")
            server.join()
            self.assertEqual(status, 1)
            self.assertIn("it speaks TLS: try tls:HOST:PORT", err)


class Bounds(SynchronousTestCase):
    """Nothing that a hub or a pipe does makes the client grow."""

    def test_a_hub_without_newlines(self) -> None:
        """A hub that sends 100 MB without a newline is left long before, with one line and status 1."""
        with Hub() as hub, client(hub.address) as process:
            hub.accept()
            with contextlib.suppress(OSError):
                for _ in range(100):
                    hub.link.sendall(bytes(MIB))
                self.fail("it took it all")
            self.assertEqual(process.wait(DEADLINE), 1)
            self.assertRegex(process.stderr.read(), rb"\Achatterbox: [^\n]* without end[^\n]*\n\Z")

    def test_a_slow_reader(self) -> None:
        """`client | slow` stops reading from the hub: what it doesn't pass on waits at the sender."""
        with Hub() as hub, client(hub.address) as process:
            hub.accept()
            said = [{"event": "said", "from": "bob", "stream": BOB, "n": n, "gap": 0, "text": "x" * 4000} for n in range(1, 20_000)]
            hub.link.setblocking(False)
            taken = 0
            with contextlib.suppress(BlockingIOError):
                while taken < len(said):
                    hub.says(said[taken])
                    taken += 1
                    time.sleep(0.0001)  # so that the client may read: how much it takes is what is measured
            self.assertLess(taken * 4000, 32 * MIB)
            self.assertLess(status_of(process, "VmHWM") * 1024, SMALL)

    def test_a_slow_hub(self) -> None:
        """`cat huge | client` stops reading stdin while the hub takes nothing."""
        with Hub() as hub, client(hub.address) as process:
            hub.accept()
            self.assertLess(_fill(process.stdin), 32 * MIB)
            self.assertLess(status_of(process, "VmHWM") * 1024, SMALL)


def _fill(file: Any) -> int:
    """Write lines until nothing was taken for half a second, or 64 MiB; return the bytes that were."""
    os.set_blocking(file.fileno(), False)
    block, taken, silent = (b"x" * 1023 + b"\n") * 64, 0, 0
    while silent < 5 and taken < 64 * MIB:
        try:
            taken, silent = taken + os.write(file.fileno(), block), 0
        except BlockingIOError:
            silent += 1
            time.sleep(0.1)
    return taken
