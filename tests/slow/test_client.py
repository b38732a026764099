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

from benchmarks import soak_sessions
from tests.harness.ends import DEADLINE
from tests.harness.processes import CLIENT, environment, free_port, until
from tests.harness.terminals import hub

MIB = 1024 * 1024
BOB = "b" * 16
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
    """A hub on the loopback that a test plays: sessions in a pair, where bob sits."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE)
        self.address = "{}:{}".format(*self._listener.getsockname())
        self.link = socket.socket()
        self._heard = b""

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()
        self._listener.close()

    def accept(self) -> dict[str, Any]:
        """Take a client, and welcome it; return its hello."""
        self.link, _ = self._listener.accept()
        self.link.settimeout(DEADLINE)
        self._heard = b""
        hello = self.hear()
        bob = {"name": "bob", "stream": BOB, "session": True, "away": False}
        self.says({"event": "welcome", "room": "tea", "mode": "pair", "name": "ann", "seats": 2, "stream": "a" * 16, "max_line": 4096, "ends": [bob]})
        return hello

    def hear(self) -> dict[str, Any]:
        """Return the next object that the client sends."""
        while b"\n" not in self._heard:
            data = self.link.recv(65536)
            assert data, "it hung up"
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        return json.loads(line)

    def hear_until(self, verb: str) -> list[dict[str, Any]]:
        """Return what the client sends up to this verb."""
        heard = [self.hear()]
        while heard[-1]["verb"] != verb:
            heard.append(self.hear())
        return heard

    def says(self, *events: dict[str, Any]) -> None:
        """Send objects."""
        self.link.sendall(b"".join(json.dumps(event).encode() + b"\n" for event in events))

    def bob(self, n: int, text: str) -> None:
        """Let bob say lines from number n on."""
        self.says({"event": "said", "from": "bob", "stream": BOB, "n": n, "gap": 0, "text": text})

    def ends(self, n: int, got: int) -> None:
        """Let bob have got so many lines and finish with number n; then close as a hub does."""
        self.says({"event": "got", "stream": BOB, "n": got}, {"event": "finished", "name": "bob", "stream": BOB, "n": n, "gap": 0})
        self.hear_until("quit")
        self.close()

    def close(self) -> None:
        """Say the last word, and hang up."""
        self.says({"event": "closed", "why": "quit"})
        self.link.close()

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
                    time.sleep(0.0001)
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
                while said["event"] != "said":
                    said = json.loads(ann.stdout.readline())
                self.assertEqual((said["event"], said["text"]), ("said", "ü"))
                ann.stdin.write(b'{"verb": "quit"}\n')
                self.assertEqual([ann.wait(DEADLINE), bob.wait(DEADLINE)], [0, 0])

    def test_linger_0_loses_nothing(self) -> None:
        """With --linger 0 the client leaves by itself, and the partner has every line."""
        text = _hard_text(3)
        with hub() as port, client(f"127.0.0.1:{port}", stdin=subprocess.DEVNULL) as bob:
            got: list[bytes] = []
            reader = threading.Thread(target=lambda: got.append(bob.stdout.read()))
            reader.start()
            status, _, err = run(f"127.0.0.1:{port}", "--linger", 0, say=text)
            self.assertEqual(status, 0, err)
            self.assertEqual(bob.wait(DEADLINE), 0)
            reader.join()
            self.assertTrue(got == [text])

    def test_a_killed_hub(self) -> None:
        """Two pipes swap files while the hub is killed with -9, links are cut and clients stopped (docs/client.md)."""
        self.assertEqual(soak_sessions.swap(soak_sessions.QUICK, 1), "")

    def test_a_killed_end(self) -> None:
        """Where one end dies in the middle, the other's status is 4, and what it has is the beginning (A4)."""
        self.assertEqual(soak_sessions.one_end_dies(2, 1), "")


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
