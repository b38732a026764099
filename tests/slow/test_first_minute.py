"""The first minute of somebody who has cloned this: `make serve` in one terminal, `make chat` in another.

Nothing is installed here: the virtual environment is there already, and its Python is the one that runs the tests.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE
from tests.harness.processes import ROOT, environment


class Make(SynchronousTestCase):
    """The Makefile's commands for users."""

    def setUp(self) -> None:
        """Make a checkout in which everything is installed."""
        self.place = Path(mkdtemp())
        self.addCleanup(shutil.rmtree, self.place)
        for name in ("Makefile", "setup.cfg", "pyproject.toml"):
            shutil.copy(ROOT / name, self.place)
        python = self.place / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        (self.place / ".venv" / "made").touch()

    def make(self, *words: str) -> subprocess.Popen[str]:
        """Type a command; it is ended after the test, with all that it has started."""
        pipe = subprocess.PIPE
        started = subprocess.Popen(
            ["make", *words], cwd=self.place, env=environment(), stdin=pipe, stdout=pipe, stderr=pipe, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.addCleanup(self._end, started)
        return started

    def _end(self, started: subprocess.Popen[str]) -> None:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
        started.wait(DEADLINE)
        for file in (started.stdin, started.stdout, started.stderr):
            assert file
            file.close()

    def _ready(self, hub: subprocess.Popen[str]) -> tuple[str, str]:
        assert hub.stdout
        return hub.stdout.readline(), hub.stdout.readline()

    def test_serve_and_chat(self) -> None:
        """The hub is for this machine and says how to join it; that command, as it stands, joins."""
        how, who = self._ready(self.make("serve", "PORT=0"))
        self.assertEqual(who, "Other machines can't join.\n")
        found = re.fullmatch(r"Ready\. To join from this machine: make (chat HUB=127\.0\.0\.1:\d+)\n", how)
        assert found, how
        ann, bob = (self.make(*found[1].split()) for _ in range(2))
        assert ann.stdin and bob.stdin and bob.stdout
        ann.stdin.write("hello\n")
        ann.stdin.close()
        self.assertEqual(bob.stdout.readline(), "hello\n")
        bob.stdin.close()
        self.assertEqual((ann.wait(DEADLINE), bob.wait(DEADLINE)), (0, 0))

    def test_open_to_others(self) -> None:
        """OPEN=yes says plainly that other machines can join, and that text travels in clear."""
        _, who = self._ready(self.make("serve", "PORT=0", "OPEN=yes"))
        self.assertRegex(who, r"^Other machines can join, too: make chat HUB=HOST:\d+ \(text travels in clear\)\n$")
