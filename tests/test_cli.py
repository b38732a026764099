"""The `chatterbox` command: `serve` runs a hub, anything else joins one."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

import chatterbox
from chatterbox import cli, service
from chatterbox.client import __main__ as client
from chatterbox.client import options, shots
from chatterbox.options import ServeOptions
from tests.harness.processes import SERVE, Hub
from tests.harness.terminals import DEADLINE, environment


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run `chatterbox serve` with `words` to its end."""
    with tempfile.TemporaryDirectory() as place:
        env = environment(XDG_STATE_HOME=place)
        return subprocess.run([*SERVE, *words], capture_output=True, text=True, timeout=DEADLINE, cwd=place, env=env)


class Command(SynchronousTestCase):
    """Which word does what."""

    def test_anything_but_serve_joins(self) -> None:
        """`chatterbox HUB`, `chatterbox join HUB` and `chatterbox` alone are the client, which gets the other words."""
        for words, rest in ((["hub:1"], ["hub:1"]), (["join", "hub:1"], ["hub:1"]), ([], [])):
            with mock.patch.object(client, "main", return_value=3) as main:
                self.assertEqual(cli.main(words), 3)
            self.assertEqual(main.call_args.args[0], rest)

    def test_words_of_the_shell(self) -> None:
        """Without arguments it takes those of the process."""
        with mock.patch.object(sys, "argv", ["chatterbox", "serve", "5000"]), mock.patch.object(cli, "serve") as serve:
            cli.main()
        serve.assert_called_once_with(["5000"])

    def test_one_shots(self) -> None:
        """`send`, `recv` and `ask` get the other words; a host of that name is written `//send`."""
        for verb in ("send", "recv", "ask"):
            with mock.patch.object(client, "shoot", return_value=4) as shoot:
                self.assertEqual(cli.main([verb, "hub", "hi"]), 4)
            shoot.assert_called_once_with(verb, ["hub", "hi"])
        with mock.patch.object(client, "main", return_value=0) as main:
            cli.main(["//send"])
        self.assertEqual(main.call_args.args[0], ["//send"])

    def test_did_you_mean(self) -> None:
        """A word that is nearly a command is no host: one sentence, and status 2."""
        commands = (("srve", "serve"), ("sevre", "serve"), ("server", "serve"), ("sent", "send"), ("aks", "ask"))
        for word, meant in (*commands, ("help", "--help"), ("version", "--version")):
            with contextlib.redirect_stderr(io.StringIO()) as err:
                self.assertEqual(cli.main([word]), 2)
            self.assertEqual(err.getvalue(), f"chatterbox: {word}: did you mean {meant}? A host of that name is //{word}\n")
        for host in ("hub", "localhost", "task", "desk", "send.example.org", "serve:5000", "//srve", "re"):
            with mock.patch.object(client, "main", return_value=0) as main:
                self.assertEqual(cli.main([host]), 0, host)
            self.assertEqual(main.call_args.args[0], [host])

    def test_wrong_usage(self) -> None:
        """Wrong usage is one line on stderr and status 2, with no reactor begun."""
        for words in (["--port", "x"], ["65536"], ["--mode", "party"], ["--nonsense"], ["1", "2", "3"]):
            begun = mock.patch.object(service, "makeService", side_effect=AssertionError("it begins"))
            with begun, contextlib.redirect_stderr(io.StringIO()) as err:
                self.assertEqual(cli.main(["serve", *words]), 2, words)
            self.assertEqual(err.getvalue().count("\n"), 1, err.getvalue())
            self.assertIn("chatterbox serve --help", err.getvalue())


class Shots(SynchronousTestCase):
    """`send`, `recv` and `ask` as a shell runs them."""

    def test_a_hub_that_is_none(self) -> None:
        """What Twisted can't make a way of is one sentence that names the command, and status 2."""
        for verb, words in (("send", ["hi"]), ("send", ["--leave", "hi"]), ("send", []), ("recv", []), ("ask", ["hi"])):
            for hub in ("ssl:h:1", "tls:h:1:trustRoots=/nowhere", "nonsense:x:1"):
                command = [sys.executable, "-m", "chatterbox", verb, hub, *words]
                done = subprocess.run(command, capture_output=True, text=True, input="", timeout=DEADLINE, env=environment())
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertTrue(done.stderr.startswith(f"chatterbox {verb}: {hub!r} "), done.stderr)


class Help(SynchronousTestCase):
    """What `--help` tells of an option."""

    def test_every_default(self) -> None:
        """Each option of the hub that takes one word, and each of the client that takes a number, tells its default."""
        for name, _, default, about in ServeOptions.optParameters:
            self.assertTrue(default is not None or "[default: " in about, name)
        for parser in (options.make_parser("chatterbox"), *map(shots.make_parser, shots.SHOTS)):
            for action in parser._actions:
                if action.metavar in ("SECONDS", "N"):
                    self.assertIn("(default: ", str(action.help), action.option_strings)


class Process(SynchronousTestCase):
    """`chatterbox serve` as people start it."""

    def test_help_and_version(self) -> None:
        """`--help` shows every option and the table of modes, `--version` the version; status 0."""
        told = run("--help")
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        for word in ("--port", "--public", "--max-line", "--log-json", "pair", "duet"):
            self.assertIn(word, told.stdout)
        told = run("--version")
        self.assertEqual((told.returncode, told.stdout), (0, f"{chatterbox.versions()}\n"))

    def test_cannot_start(self) -> None:
        """What can't be listened on is one line on stderr and status 1."""
        with Hub() as hub:
            for words in ([f"tcp:{hub.port}:interface=127.0.0.1"], ["tpc:5000"], ["unix:/nowhere/at/all/chat.sock"]):
                told = run(*words)
                self.assertEqual((told.returncode, told.stdout), (1, ""), words)
                fault = [line for line in told.stderr.splitlines() if line.startswith("chatterbox: ")]
                self.assertEqual(len(fault), 1, told.stderr)
                self.assertNotIn("Traceback", told.stderr)

    def test_the_port_as_a_plain_word(self) -> None:
        """`chatterbox serve PORT --option` takes both: the hubs of these tests are started so."""
        with Hub("--mode", "room") as hub:
            hub.peer().hears("-!- which name do you take?")
