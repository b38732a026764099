"""The words of `send`, `recv` and `ask`."""

from __future__ import annotations

import contextlib
import io
import os
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.naming import Names
from chatterbox.client.options import Misuse, hub_options
from chatterbox.client.shots import WAIT, parse


def refusal(verb: str, *argv: str) -> str:
    """Return the sentence with which `argv` is refused."""
    with contextlib.redirect_stderr(io.StringIO()) as err, contextlib.suppress(SystemExit):
        parse(verb, argv)
        raise AssertionError("not refused")
    return err.getvalue()


class Words(SynchronousTestCase):
    """What a command line asks for."""

    def setUp(self) -> None:
        """Forget the environment's own hub."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CHATTERBOX_")}
        patched = mock.patch.dict(os.environ, kept, clear=True)
        patched.start()
        self.addCleanup(patched.stop)

    def test_hub_and_text(self) -> None:
        """The first word is the hub, the others are one line; without any, stdin is said."""
        shot = parse("send", ["host:7/tea", "two", "words", "--name", "ann"])
        self.assertEqual((shot.options.hub, shot.options.room, shot.options.name), ("host:7", "tea", "ann"))
        self.assertEqual((shot.text, shot.options.wait, shot.leave), ("two words", WAIT, False))
        self.assertIsNone(parse("send", ["host", "--leave"]).text)

    def test_hub_of_the_environment(self) -> None:
        """Where it names the hub words are text, and so they are with --hub."""
        with mock.patch.dict(os.environ, CHATTERBOX_HUB="host:7/tea", CHATTERBOX_NAME="bob"):
            shot = parse("ask", ["what", "now"])
            self.assertEqual((shot.options.hub, shot.options.room, shot.options.name), ("host:7", "tea", "bob"))
            self.assertEqual(shot.text, "what now")
            self.assertEqual(parse("ask", ["--hub", "other", "what"]).options.hub, "other:5000")

    def test_what_is_typed_counts_more_than_the_environment(self) -> None:
        """A hub that is named is that hub, also where the environment names another."""
        with mock.patch.dict(os.environ, CHATTERBOX_HUB="host:7/tea"):
            self.assertEqual(parse("recv", ["other:8/pub"]).options.hub, "other:8")
            shot = parse("send", ["other:8", "hi"])
            self.assertEqual((shot.options.hub, shot.text), ("other:8", "hi"))
            self.assertIn("which hub?", refusal("recv", ""))

    def test_recv(self) -> None:
        """It waits for ever where nothing else is said, and for no more lines than it is told."""
        shot = parse("recv", ["host", "-n", "3", "--exec", "cat", "--retry", "5"])
        self.assertEqual((shot.count, shot.command, shot.options.wait, shot.options.patience), (3, "cat", None, (5, 5)))
        self.assertEqual(parse("recv", ["host"]).options.patience, (0, 120))

    def test_misuse(self) -> None:
        """One sentence says what is wrong."""
        for verb, argv, words in (
            ("send", [], "which hub?"),
            ("send", ["", "hi"], "which hub?"),
            ("recv", ["--hub", ""], "which hub?"),
            ("ask", ["host"], "ask what?"),
            ("recv", ["host", "x"], "'x' is too much"),
            ("recv", ["host", "-n", "0"], "'0' is no number of lines"),
            ("send", ["host", "--wait", "x"], "'x' is no number of seconds"),
            ("send", ["h:x", "hi"], "'x' is no port"),
            ("send", ["host", "--linger", "3", "hi"], "no option --linger"),
            ("ask", ["--wiat", "3", "host", "hi"], "did you mean --wait?"),
        ):
            said = refusal(verb, *argv)
            self.assertIn(words, said)
            self.assertEqual(said.count("\n"), 1)

    def test_text_that_looks_like_an_option(self) -> None:
        """Behind `--` it is text."""
        self.assertEqual(parse("send", ["host", "--", "--wiat", "hi"]).text, "--wiat hi")

    def test_a_host_that_is_called_like_a_command(self) -> None:
        """It is written with two slashes."""
        self.assertEqual(parse("send", ["//serve:7", "hi"]).options.hub, "serve:7")

    def test_options_of_a_program(self) -> None:
        """A program says all of it, whatever the environment is; a bad word is `Misuse`."""
        with mock.patch.dict(os.environ, CHATTERBOX_ROOM="tea"):
            self.assertEqual(hub_options("host:7", room="", name="ann", retry=None).room, "")
        with self.assertRaises(Misuse):
            hub_options("host/a b")


class Wishes(SynchronousTestCase):
    """Names that are made up."""

    def test_names(self) -> None:
        """A taken name gets a number, within a name's length; without a wish it is a guest's."""
        names = Names("ann")
        self.assertEqual([names.next(), names.next()], ["ann-2", "ann-3"])
        self.assertEqual(Names("x" * 24).next(), "x" * 22 + "-2")
        self.assertEqual(Names("", lambda most: most - 1).next(), "guest-10000")
