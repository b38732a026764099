"""The client in pipes as a process: real pipes, files, signals and sockets, against a played hub and a real one."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE
from tests.harness.processes import CLIENT, environment, free_port, until
from tests.harness.terminals import hub

MIB = 1024 * 1024
SMALL = 80 * MIB
"""Bytes that a process of python and twisted may take; it is 45 to 60."""


@contextlib.contextmanager
def client(*args: object, command: list[str] = CLIENT, **kwargs: Any) -> Iterator[Any]:
    """Run the client as a Popen, with pipes where `kwargs` say nothing else."""
    files = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | kwargs
    process = subprocess.Popen([*command, *map(str, args)], env=environment(), bufsize=0, **files)
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE)
        for file in (process.stdin, process.stdout, process.stderr):
            if file:
                file.close()


def run(*args: object, say: bytes = b"", **kwargs: Any) -> tuple[int, bytes, str]:
    """Run the client to its end; return its status, stdout and stderr."""
    with client(*args, **kwargs) as process:
        out, err = process.communicate(say or None, timeout=DEADLINE)
        return process.returncode, out, (err or b"").decode()


class Hub:
    """A hub on the loopback that a test plays, in bytes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE)
        self.address = "{}:{}".format(*self._listener.getsockname())
        self.link = socket.socket()

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()
        self._listener.close()

    def accept(self) -> None:
        """Take a client, if it hasn't been taken."""
        self.link, _ = self._listener.accept()
        self.link.settimeout(DEADLINE)

    def hear(self) -> bytes:
        """Return all that the client says until it closes its sending half."""
        return b"".join(iter(lambda: self.link.recv(65536), b""))

    def hear_line(self) -> bytes:
        """Return the next line, which comes alone."""
        heard = b""
        while not heard.endswith(b"\n"):
            heard += self.link.recv(65536)
        return heard

    def reset(self) -> None:
        """Break the connection."""
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.link.close()


def status_of(process: Any, key: str) -> int:
    """Return a number of Linux's /proc/PID/status, where there is one."""
    path = Path(f"/proc/{process.pid}/status")
    if not path.exists():
        raise SkipTest("only Linux tells")
    return int(path.read_text().partition(f"{key}:")[2].split()[0])


class InPipes(SynchronousTestCase):
    """What a shell sees."""

    def test_the_answer_after_the_end_of_stdin(self) -> None:
        """`echo hi | client` hears what is said after `hi`, and ends with status 0 when the hub does (F7)."""
        with Hub() as hub, client(hub.address, "--name", "ann", "--room", "tea") as process:
            hub.accept()
            process.stdin.write(b"/quit\nhi")
            process.stdin.close()
            self.assertEqual(hub.hear(), b"/join tea\n/nick ann\n//quit\nhi\n")
            hub.link.sendall(b"-!- bob joined\nhello\n -!- x\n")
            hub.link.close()
            self.assertEqual(process.wait(DEADLINE), 0)
            self.assertEqual(process.stdout.read(), b"hello\n-!- x\n")
            self.assertEqual(process.stderr.read(), b"-!- bob joined\n")

    def test_stdin_and_stdout_are_files(self) -> None:
        """A regular file and /dev/null are stdin like any other, and a file is a stdout (epoll knows neither)."""
        text = b"".join(b"line %d\n" % number for number in range(50_000))
        for given, heard in ((text, text), (b"", b"")):
            with Hub() as hub, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as stdin:
                stdin.write(given)
                stdin.seek(0)
                with client(hub.address, stdin=stdin if given else subprocess.DEVNULL, stdout=out) as process:
                    hub.accept()
                    self.assertEqual(hub.hear(), heard)
                    hub.link.sendall(text)
                    hub.link.close()
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
                    hub.link.sendall(b"-!- bob joined\nhello\n")
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
            sender = threading.Thread(
                target=hub.link.sendall, args=(b"".join(b"-!- notice %d\n" % n for n in range(count)),)
            )
            sender.start()
            until(lambda: select.select([process.stdout], [], [])[0])
            process.stdin.close()
            heard = b""
            while heard.count(b"\n") < count:
                heard += process.stdout.read(65536)
            sender.join()
            self.assertEqual(heard.splitlines(), [b"-!- notice %d" % n for n in range(count)])

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
                self.assertEqual(hub.hear(), b"hi\n/quit\n")
                hub.link.close()
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
            hub.link.sendall(b"one\n")
            self.assertEqual(process.stdout.read(4), b"one\n")
            process.stdout.close()
            self.assertEqual(process.wait(DEADLINE), 0)
            self.assertEqual(process.stderr.read(), b"")

    def test_a_full_disk(self) -> None:
        """What can't be written is no clean end."""
        if not os.path.exists("/dev/full"):
            raise SkipTest("no /dev/full here")
        with Hub() as hub, open("/dev/full", "wb") as full, client(hub.address, stdout=full) as process:
            hub.accept()
            hub.link.sendall(b"one\n")
            self.assertEqual(process.wait(DEADLINE), 1)
            self.assertRegex(process.stderr.read(), rb"\Achatterbox: stdout takes no more[^\n]*\n\Z")

    def test_signals(self) -> None:
        """^C is status 130 and SIGTERM 143, without a word, whatever waits."""
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with Hub() as hub, client(hub.address, "--name", "ann") as process:
                hub.accept()
                hub.hear_line()
                process.send_signal(number)
                self.assertEqual(process.wait(DEADLINE), status)
                self.assertEqual(process.stderr.read(), b"")

    def test_a_signal_after_the_end(self) -> None:
        """Who has finished and is ended tells the hub by a reset, since its FIN is long sent (Linux)."""
        if not hasattr(socket, "TCP_INFO"):
            raise SkipTest("no TCP_INFO here")
        with Hub() as hub, client(hub.address, stdin=subprocess.DEVNULL) as process:
            hub.accept()
            while hub.link.recv(100):
                pass
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(DEADLINE), 130)
            until(lambda: hub.link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7)

    def test_a_lost_link(self) -> None:
        """A hub that hangs up or breaks before the end of stdin is one line and status 1."""
        for ending in (Hub.reset, lambda hub: hub.link.close()):
            with Hub() as hub, client(hub.address, "--name", "ann") as process:
                hub.accept()
                hub.hear_line()
                ending(hub)
                self.assertEqual(process.wait(DEADLINE), 1)
                self.assertRegex(process.stderr.read(), rb"\Achatterbox: the link to [^\n]* is lost: [^\n]*\n\Z")


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
            taken = _fill(hub.link)
            self.assertLess(taken, 32 * MIB)
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


class AtARealHub(SynchronousTestCase):
    """The client, and the hub of this very checkout."""

    def test_text_both_ways_at_once(self) -> None:
        """Two clients pump text at each other: each gets exactly what the other was given, and both end with 0."""
        texts = [_hard_text(seed) for seed in (1, 2)]
        got: dict[int, tuple[int, bytes, str]] = {}
        with hub() as port:

            def pump(end: int) -> None:
                got[end] = run(f"127.0.0.1:{port}", say=texts[end])

            threads = [threading.Thread(target=pump, args=(end,)) for end in (0, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(2 * DEADLINE)
        self.assertEqual([got[end][0] for end in (0, 1)], [0, 0], [got[end][2] for end in (0, 1)])
        self.assertTrue(got[0][1] == texts[1] and got[1][1] == texts[0])

    def test_a_third_is_refused(self) -> None:
        """A full room is a notice on stderr and status 3, also while stdin pours."""
        with hub() as port, contextlib.ExitStack() as seats:
            for _ in range(2):
                seat = seats.enter_context(socket.create_connection(("127.0.0.1", port), DEADLINE))
                seat.sendall(b"/who\n")
                self.assertIn(b"here: ", seat.recv(65536))
            for say in (b"", b"hi\n", b"a line\n" * MIB):
                status, out, err = run(f"127.0.0.1:{port}", say=say)
                self.assertEqual((status, out), (3, b""))
                self.assertRegex(err, r"\A-!- closed \(full\): [^\n]*\n\Z")

    def test_json_and_text_meet(self) -> None:
        """With --json every line of stdout is an object of the protocol, and what is said meets a text peer."""
        with hub() as port, client(f"127.0.0.1:{port}/tea", "--json", "--name", "ann") as ann:
            welcome = json.loads(ann.stdout.readline())
            self.assertEqual((welcome["event"], welcome["room"], welcome["name"]), ("welcome", "tea", "ann"))
            with client(f"127.0.0.1:{port}/tea") as bob:
                self.assertEqual(json.loads(ann.stdout.readline())["event"], "joined")
                ann.stdin.write(b'{"verb": "say", "text": "h\\u00e9"}\n/quit\n')
                self.assertEqual(bob.stdout.readline() + bob.stdout.readline(), "hé\n/quit\n".encode())
                bob.stdin.write("ü".encode())
                bob.stdin.close()
                said = json.loads(ann.stdout.readline())
                self.assertEqual((said["event"], said["text"]), ("said", "ü"))
                ann.stdin.write(b'{"verb": "quit"}\n')
                self.assertEqual([ann.wait(DEADLINE), bob.wait(DEADLINE)], [0, 0])

    def test_linger_0_loses_nothing(self) -> None:
        """With --linger 0 the client leaves by itself, and the partner has every line."""
        text = _hard_text(3)
        with hub() as port, client(f"127.0.0.1:{port}") as bob:
            status, _, err = run(f"127.0.0.1:{port}", "--linger", 0, say=text)
            self.assertEqual(status, 0, err)
            out, _ = bob.communicate(timeout=DEADLINE)
            self.assertTrue(out == text)


def _hard_text(seed: int) -> bytes:
    """Return about 2 MB of lines of all lengths up to the limit, some of them meant to be taken for something else."""
    chance = random.Random(seed)
    hard = [
        "",
        "/quit",
        "//",
        "-!- closed (full): no",
        "  -!- x",
        '{"chatterbox": 1}',
        "日本語 é",
        "\t",
        "GET / HTTP/1.1",
    ]
    lines = ['{"chatterbox": 1}'] if seed == 1 else ["GET / HTTP/1.1"]
    for _ in range(30_000):
        lines.append(chance.choice(hard) if chance.random() < 0.2 else "x" * min(4000, int(chance.paretovariate(0.7))))
    return "".join(line + "\n" for line in lines).encode()
