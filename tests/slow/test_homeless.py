"""C4: a user without a name and without a home, as containers have them: everything starts, and says nothing of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE
from tests.harness.played import played_hub
from tests.harness.processes import environment
from tests.harness.terminals import Tty

NAMELESS = """
import os, pwd, runpy, sys
def nobody(*_):
    raise KeyError("no such user")
pwd.getpwuid = pwd.getpwnam = nobody
for key in ("HOME", "USER", "LOGNAME", "XDG_STATE_HOME"):
    os.environ.pop(key, None)
sys.argv[0] = "chatterbox"
runpy.run_module("chatterbox", run_name="__main__", alter_sys=False)
"""
"""Runs `chatterbox` as a user that the system knows nothing of."""


def homeless(*words: object) -> Sequence[str]:
    """Return the command that runs `chatterbox` so."""
    return [sys.executable, "-c", NAMELESS, *map(str, words)]


class Homeless(SynchronousTestCase):
    """Each thing that somebody may run in a container."""

    def test_c4_a_terminal(self) -> None:
        """The client starts without a history file; Up still brings back what was entered in this run."""
        with played_hub() as played:
            tty = Tty(homeless("127.0.0.1", played.port))
            self.addCleanup(tty.close)
            played.welcome()
            tty.until("with bob")
            tty.type("hello\r")
            self.assertEqual(played.hear()["text"], "hello")
            tty.until(lambda: tty.typed_row() == ">")
            tty.settle()
            tty.type("\x1b[A")
            tty.until(lambda: tty.typed_row() == "> hello")
            tty.type("\x15/log ~/x\r")
            tty.until("can't log to ~/x: No such file or directory")
            tty.type("/quit\r")
            self.assertEqual(played.hear()["verb"], "quit")
            played.hang_up()
            self.assertEqual(tty.wait(), 0)
            self.assertNotIn("Traceback", tty.text())

    def test_c4_a_hub_and_pipes(self) -> None:
        """A hub serves, and a command and a pipe talk through it, with not a word too much."""
        hub = subprocess.Popen(
            homeless("serve", "0", "--local"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.addCleanup(hub.wait)
        self.addCleanup(hub.kill)
        assert hub.stdout and hub.stderr
        while b"chatterbox 127.0.0.1:" not in (line := hub.stdout.readline()):
            self.assertTrue(line, hub.poll())
        where = line.split(b"chatterbox ")[1].split()[0].decode()
        hears = subprocess.Popen(
            homeless("recv", where, "-n", "1"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.addCleanup(hears.kill)
        says = subprocess.run(homeless("send", where, "hello"), env=environment(), capture_output=True, timeout=DEADLINE)
        self.assertEqual((says.returncode, says.stdout, says.stderr), (0, b"", b""))
        self.assertEqual(hears.communicate(timeout=DEADLINE), (b"hello\n", b""))
        alone = homeless(where, "--linger", "0", "--wait", "0")
        pipe = subprocess.run(alone, input=b"", env=environment(), capture_output=True, timeout=DEADLINE)
        self.assertEqual((pipe.stdout, b"Traceback" in pipe.stderr), (b"", False), pipe)
        hub.terminate()
        self.assertNotIn(b"Traceback", hub.communicate(timeout=DEADLINE)[1])
        self.assertEqual(hub.returncode, 0)
