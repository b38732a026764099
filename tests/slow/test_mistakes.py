"""Mistakes that people make at a command line: each is one sentence on stderr and its exit status, and no traceback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE
from tests.harness.piped import client
from tests.harness.processes import Hub, environment, free_port
from tests.harness.terminals import SHELL, Tty, settings
from tests.harness.terminals import client as terminal

LONG = "x" * 150
AGAIN = "; see chatterbox"
"""How a sentence about usage ends."""

JOINING: tuple[tuple[str, int, str], ...] = (
    # places
    ("127.0.0.1:1", 1, "cannot reach 127.0.0.1:1: connection refused; is a hub running there?"),
    ("127.0.0.1:99999", 2, "'99999' is no port, 1 to 65535"),
    ("127.0.0.1:abc", 2, "'abc' is no port, 1 to 65535"),
    ("127.0.0.1 abc", 2, "argument PORT: 'abc' is no port"),
    ("HUB 7802", 2, "two ports were given, "),
    ("HUB/tea --room milk", 2, "two rooms were given, tea and milk"),
    ("tcp:HUB 7802", 2, "says its own port, 7802 is too much"),
    ("http://HUB/tea", 2, "is a web address: write HOST:PORT/ROOM"),
    ("host.invalid", 1, "cannot reach host.invalid:5000: no such host; is the name right?"),
    ("foo:bar:baz", 2, "is no client endpoint: use tcp:HOST:PORT, tls:HOST:PORT or unix:PATH"),
    ("ssl:HUB", 2, "would not check the hub's certificate: use tls:HOST:PORT"),
    ("tls:HUB", 1, "it speaks no TLS; try it without tls:"),
    ("tls:localhost:1:trustRoots=/nowhere", 2, "names a file that can't be read: No such file or directory"),
    ("tls:localhost:1:bogus=1", 2, "is no client endpoint"),
    ("unix:nowhere.sock", 1, "cannot reach unix:nowhere.sock: No such file or directory"),
    (f"unix:{LONG}", 1, "the path is too long, at most "),
    ("--bare 127.0.0.1:1", 1, "connection refused; is a hub running there?"),
    # words
    ("HUB --name a/b", 2, "argument --name: 'a/b': a name is made of letters, digits, _ and -"),
    ("HUB --name server", 2, "server is a reserved name"),
    ("HUB --name ", 2, "a name has at least one character"),
    ("HUB --room a/b", 2, "a room's name is 1 to 64 of A-Z a-z 0-9 . _ and -"),
    ("HUB --wait never", 2, "'never' is no number of seconds"),
    ("HUB --linger -1", 2, "'-1' is no number of seconds"),
    ("HUB --nmae ann", 2, "no option --nmae, did you mean --name?"),
    ("HUB --log x", 2, "--log is for a terminal; in a pipe put `| tee FILE` behind it"),
    ("HUB --ask-name", 2, "--ask-name is for a terminal; in a pipe give --name"),
    ("srve", 2, "srve: did you mean serve? A host of that name is //srve"),
    ("help", 2, "help: did you mean --help?"),
    # what doesn't come
    ("HUB/e --wait 0", 4, "nobody came to hear it"),
    ("--bare HUB --wait 0", 4, "nobody came to hear it"),
    ("recv HUB/a -n 2 --wait 0.1", 4, "0 of 2 lines came in 0.1 s"),
    ("recv HUB/b --wait 0.1", 4, "0 lines came in 0.1 s"),
    ("ask HUB/c hi --wait 0.1", 4, "not delivered: nobody took it in time"),
    ("send HUB/d hi --wait 0.1", 4, "not delivered: nobody took it in time"),
    ("send", 2, "which hub?"),
    ("recv HUB extra", 2, "recv says nothing: 'extra' is too much"),
    ("recv HUB -n 0", 2, "'0' is no number of lines"),
    ("ask HUB", 2, "ask what?"),
    ("send 127.0.0.1:1 hi", 1, "cannot reach 127.0.0.1:1: connection refused"),
    ("ask foo:bar:baz hi", 2, "is no client endpoint"),
)
"""What is typed behind `chatterbox`, with `HUB` for one that runs; its status; and a part of its sentence."""

SERVING: tuple[tuple[str, int, str], ...] = (
    ("PORT", 1, "can't listen on *:PORT: Address already in use; choose another place with --port"),
    ("99999", 2, "port 99999 is above 65535"),
    ("x", 2, "port x is neither a number from 0 to 65535 nor an endpoint string"),
    ("--local 0 1", 2, "1 is too much: another port is --port 1"),
    ("--local 0 --web", 2, "--web stands behind the port 0: write the port first, or last"),
    ("0 --mode party", 2, "--mode party: choose pair, room, ports, order, duet or talk"),
    ("0 --label hat", 2, "--label hat: choose none, nick, letter, port or address"),
    ("0 --mdoe pair", 2, "no option --mdoe, did you mean --mode?"),
    ("0 --seats two", 2, "--seats two is no number from 0 up"),
    ("0 --web-host x", 2, "--web-host goes with --web"),
    ("0 --engine foo", 2, "--engine: it begins with none of redis:// rediss:// valkey:// redis+unix://"),
    ("--port foo:1", 1, "--port foo:1 is no place to listen"),
    ("--port tcp:x", 1, "x is no port number from 0 to 65535"),
    ("--port tls:1:privateKey=k.pem", 1, "tls: is what people join with; a hub says ssl:PORT:privateKey=KEY.pem"),
    ("--port ssl:0:privateKey=no.pem:certKey=no.pem", 1, "is no place to listen: No such file or directory"),
    ("--port tcp:0:interface=192.0.2.1", 1, "can't listen on 192.0.2.1:0: Cannot assign requested address"),
    ("--port unix:/nowhere/chat.sock", 1, "can't listen on /nowhere/chat.sock: No such file or directory"),
    (f"--port unix:{LONG}", 1, "its path has 150 bytes, and the system takes "),
)
"""The same behind `chatterbox serve`; `PORT` is taken."""

NOW = """
import os, signal, sys
class Now:
    def find_spec(self, name, *_):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)
moment = sys.argv.pop(1)
sys.meta_path.insert(0, Now())
from chatterbox.cli import main
sys.exit(main())
"""
"""Runs `chatterbox`, and presses ^C when it imports a module."""


def run(*words: str, out: int = subprocess.PIPE) -> tuple[int, str]:
    """Run `chatterbox` without a terminal; return its status, and what it says on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "chatterbox", *words],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.PIPE,
        timeout=DEADLINE,
        cwd=tempfile.gettempdir(),
    )
    return done.returncode, done.stderr.decode()


class Mistakes(SynchronousTestCase):
    """Each with its sentence."""

    def try_all(self, mistakes: list[tuple[list[str], int, str]]) -> None:
        """Make each mistake; look at what is said."""
        with ThreadPoolExecutor(2) as at_once:
            found = list(at_once.map(lambda mistake: run(*mistake[0]), mistakes))
        for (words, status, sentence), (ended, said) in zip(mistakes, found):
            mine = [line for line in said.splitlines() if line.startswith("chatterbox")]
            self.assertEqual((ended, len(mine)), (status, 1), f"{words}: {said}")
            self.assertIn(sentence, mine[0], words)
            self.assertNotIn("Traceback", said, words)
            self.assertEqual(mine[0].count(AGAIN), AGAIN in mine[0], words)

    def test_joining(self) -> None:
        """Wrong places, words and options, and what doesn't come."""
        with Hub() as hub:
            place = f"127.0.0.1:{hub.port}"
            self.try_all([(typed.replace("HUB", place).split(" "), *rest) for typed, *rest in JOINING])  # type: ignore[misc]

    def test_serving(self) -> None:
        """Ports that are taken or none, endpoints that lead nowhere, options that say too much."""
        with Hub() as hub:
            port = str(hub.port)
            self.try_all(
                [
                    (["serve", *typed.replace("PORT", port).split(" ")], status, sentence.replace("PORT", port) if "*:" in sentence else sentence)
                    for typed, status, sentence in SERVING
                ]
            )

    def test_a_stdout_that_takes_nothing(self) -> None:
        """Help and versions that can't be printed are status 1; a reader who had enough is none."""
        with open("/dev/full", "wb") as full:
            for words in (["--help"], ["--version"], ["serve", "--help"], ["serve", "--version"], ["recv", "--help"]):
                status, said = run(*words, out=full.fileno())
                self.assertEqual((status, said), (1, "chatterbox: stdout takes no more: No space left on device\n"), words)
        reading, writing = os.pipe()
        os.close(reading)
        self.assertEqual(run("serve", "--help", out=writing), (0, ""))
        os.close(writing)

    def test_a_disk_that_is_full(self) -> None:
        """`recv` that can't print says so once, with status 1."""
        with Hub() as hub, open("/dev/full", "wb") as full:
            place = f"127.0.0.1:{hub.port}"
            with client("recv", place, command=[sys.executable, "-m", "chatterbox"], stdout=full) as hears:
                run("send", place, "hi")
                self.assertEqual(hears.wait(DEADLINE), 1)
                self.assertEqual(hears.stderr.read(), b"chatterbox: stdout takes no more, is the disk full?\n")


class Interrupts(SynchronousTestCase):
    """^C while a command still gets ready."""

    def test_in_its_first_moments(self) -> None:
        """It ends without a word, whatever is being imported, and whichever command it is."""
        place = f"127.0.0.1:{free_port()}"
        for moment, *words in (
            ("argparse", place),
            ("twisted.internet", place),
            ("twisted.internet", "send", place, "hi"),
            ("chatterbox.options", "serve", "0", "--local"),
            ("chatterbox.service", "serve", "0", "--local"),
        ):
            done = subprocess.run(
                [sys.executable, "-c", NOW, moment, *words], env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE
            )
            self.assertEqual((done.returncode, done.stderr), (-signal.SIGINT, b""), (moment, words))

    def test_on_a_terminal(self) -> None:
        """The terminal is given back as it was, also where its settings are changed already."""
        for moment in ("argparse", "prompt_toolkit", "twisted.internet.asyncioreactor"):
            command = [sys.executable, "-c", NOW, moment, f"127.0.0.1:{free_port()}"]
            tty = Tty(["/bin/sh", "-c", SHELL, "sh", *command])
            self.addCleanup(tty.close)
            self.assertEqual(tty.wait(), 0)
            self.assertIn("status=130", tty.text(), moment)
            self.assertNotIn("Traceback", tty.text(), moment)
            before, after = settings(tty)
            self.assertEqual(before, after, moment)


class Silence(SynchronousTestCase):
    """A place where somebody listens, and says nothing."""

    def test_connecting(self) -> None:
        """A person is told what is waited for, and ^C leaves with status 0."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            place = f"127.0.0.1:{silent.getsockname()[1]}"
            with terminal(place) as tty:
                tty.until(f"-!- connecting to {place}; ^C leaves")
                tty.type("\x03")
                self.assertEqual(tty.wait(), 0)
