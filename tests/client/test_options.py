"""The client's command line: which words are a hub, a room and a name, and which are none."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import replace
from typing import Any

from twisted.internet import endpoints
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.__main__ import main
from chatterbox.client.options import CONNECT_PATIENCE, UNIX_PATH, Misuse, Options, parse


def refusal(*words: str) -> tuple[Any, str]:
    """Return the exit status and what stderr says where `words` are bad usage (or a question)."""
    out = io.StringIO()
    with contextlib.redirect_stderr(out), contextlib.redirect_stdout(out):
        try:
            parse(words, "chatterbox", {})
        except SystemExit as ended:
            return ended.code, out.getvalue()
    raise AssertionError(f"{words} are good usage")


class Words(SynchronousTestCase):
    """What can be said on the command line."""

    def test_nothing_is_the_hub_next_door(self) -> None:
        """Without a word the hub is 127.0.0.1:5000, in no special room, by no special name."""
        options = parse([])
        self.assertEqual(options, Options())
        self.assertEqual(options.hub, "127.0.0.1:5000")

    def test_ways_to_write_a_hub(self) -> None:
        """HOST, HOST:PORT, HOST:PORT/ROOM, HOST/ROOM, IPv6 with and without brackets, and two words (004-2)."""
        for words, hub, room in [
            ("example.org", "example.org:5000", ""),
            ("example.org:7", "example.org:7", ""),
            ("example.org 7", "example.org:7", ""),
            ("example.org:7 7", "example.org:7", ""),
            ("example.org:7/tea", "example.org:7", "tea"),
            ("example.org/tea", "example.org:5000", "tea"),
            ("example.org/tea 7", "example.org:7", "tea"),
            ("example.org --room tea", "example.org:5000", "tea"),
            ("::1", "[::1]:5000", ""),
            ("::1 7", "[::1]:7", ""),
            ("[::1]", "[::1]:5000", ""),
            ("[::1]:7/tea", "[::1]:7", "tea"),
            ("fe80::1%eth0", "[fe80::1%eth0]:5000", ""),
        ]:
            options = parse(words.split())
            self.assertEqual((options.hub, options.room), (hub, room), words)

    def test_endpoint_strings_stand_as_they_are(self) -> None:
        """Twisted's own strings, also of a plug-in's kind, are not taken apart."""
        for word in (
            "unix:chat.sock",
            "unix:/run/chat/box.sock",
            "tcp:example.org:7",
            "tls:example.org:7",
            "onion:x:80",
        ):
            options = parse([word])
            self.assertEqual((options.description, options.hub, options.room), (word, word, ""))

    def test_flags(self) -> None:
        """Each flag has its place among the options."""
        words = "--name ann --room tea --linger 1.5 --json --quiet --plain --no-history --live --log chat.log"
        flags = Options(name="ann", room="tea", linger=1.5, json=True, quiet=True, plain=True, history=False, live=True)
        self.assertEqual(parse(words.split()), replace(flags, log="chat.log"))

    def test_environment(self) -> None:
        """What the command line doesn't say, the environment may; what it says counts."""
        said = {"CHATTERBOX_HUB": "example.org:7/tea", "CHATTERBOX_NAME": "ann"}
        for words, more, hub, room, name in [
            ("", {}, "example.org:7", "tea", "ann"),
            ("", {"CHATTERBOX_ROOM": "ale"}, "example.org:7", "ale", "ann"),
            ("--room ale --name bob", {}, "example.org:7", "ale", "bob"),
            ("other", {}, "other:5000", "", "ann"),
            ("other/ale", {"CHATTERBOX_ROOM": "tea"}, "other:5000", "ale", "ann"),
            ("other", {"CHATTERBOX_ROOM": "ale", "CHATTERBOX_NAME": ""}, "other:5000", "ale", ""),
            ("", {"CHATTERBOX_HUB": "unix:x"}, "unix:x", "", "ann"),
        ]:
            options = parse(words.split(), environment=said | more)
            self.assertEqual((options.hub, options.room, options.name), (hub, room, name), words)

    def test_bad_environment(self) -> None:
        """A bad word in the environment is refused under its name there."""
        out = io.StringIO()
        with contextlib.redirect_stderr(out), self.assertRaises(SystemExit) as ended:
            parse([], "chatterbox", {"CHATTERBOX_NAME": "a b"})
        self.assertEqual(ended.exception.code, 2)
        self.assertIn("CHATTERBOX_NAME: 'a b': a name is", out.getvalue())

    def test_bad_usage_is_one_sentence_and_status_2(self) -> None:
        """What can't be obeyed is said in one line that names it, with status 2."""
        for words, named in [
            ("h 65536", "65536"),
            ("h 0", "'0'"),
            ("h x", "'x'"),
            ("h:x", "'x'"),
            ("h:", "''"),
            ("h:5 6", "5 and 6"),
            ("h 5 6", "6"),
            ("h/", "a room's name"),
            ("h/a/b", "a room's name"),
            ("h --room a,b", "a room's name"),
            ("h/tea --room ale", "tea and ale"),
            ("--name server", "reserved"),
            ("--name a,b", "a name is made of"),
            ("--name \u0430nn", "letters of one script"),
            ("--linger -1", "'-1'"),
            ("--linger nan", "'nan'"),
            ("--linger inf", "'inf'"),
            ("[x]:5", "no hub"),
            ("https://h:5/tea", "is a web address"),
            ("::x", "no hub"),
            ("unix:chat.sock 5", "its own port"),
            ("--nonsense", "no option --nonsense;"),
            ("--wiat 3 h:5", "no option --wiat, did you mean --wait?"),
            ("h --nmae=ann", "no option --nmae, did you mean --name?"),
            ("--hist", "--hist"),
        ]:
            status, said = refusal(*words.split())
            self.assertEqual(status, 2, words)
            self.assertEqual(said.count("\n"), 1, said)
            self.assertIn(named, said)
            self.assertTrue(said.startswith("chatterbox: ") and said.endswith("see chatterbox --help\n"), said)

    def test_nothing_that_was_typed_reaches_the_terminal_raw(self) -> None:
        """A word with an escape sequence in it is refused without repeating that."""
        for word in ("h\x1b[2J:x y", "a b\x1b[2J"):
            self.assertNotIn("\x1b", refusal(word)[1])

    def test_help(self) -> None:
        """-h and --help name the environment and every exit status, and end with 0; the long one begins with examples."""
        for option in ("-h", "--help"):
            status, said = refusal(option)
            self.assertEqual(status, 0)
            for number in ("0", "1", "2", "3", "130", "143"):
                self.assertRegex(said, rf"(?m)^  {number} +\w")
            for name in ("HUB", "ROOM", "NAME"):
                self.assertIn(f"CHATTERBOX_{name}", said)
            self.assertEqual("examples:" in said, option == "--help")
        self.assertLess(said.index("examples:"), said.index("options:"))

    def test_version(self) -> None:
        """--version prints the versions of all that runs."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), self.assertRaises(SystemExit) as ended:
            parse(["--version"], "chatterbox", {})
        self.assertEqual(ended.exception.code, 0)
        self.assertRegex(out.getvalue(), r"^chatterbox \d+\.\d+\S* \(Python 3\.\d+\.\S+, Twisted \d+\.\d+\S*\)\n$")


class WaysToTheHub(SynchronousTestCase):
    """The endpoint that the words stand for."""

    def test_an_address_needs_no_resolver(self) -> None:
        """For an address the connection is tried at once: no name is looked up, and so no thread started."""
        for host in ("127.0.0.1", "::1"):
            reactor = MemoryReactorClock()
            parse([host, "7"]).endpoint(reactor).connect(None)  # type: ignore[arg-type]  # never used
            (attempt,) = reactor.tcpClients
            self.assertEqual((attempt[0], attempt[1], attempt[3]), (host, 7, CONNECT_PATIENCE))

    def test_a_name_is_looked_up(self) -> None:
        """A host name goes to the endpoint that tries all of its addresses."""
        self.assertIsInstance(parse(["example.org"]).endpoint(MemoryReactorClock()), endpoints.HostnameEndpoint)

    def test_an_endpoint_string_is_twisteds(self) -> None:
        """A string is handed to twisted."""
        self.assertIsInstance(parse(["unix:x"]).endpoint(MemoryReactorClock()), endpoints.UNIXClientEndpoint)

    def test_a_path_that_no_system_takes(self) -> None:
        """A unix socket's path that is too long is a hub that can't be reached: one sentence, and status 1 (C5)."""
        for word in ("unix:" + "x" * (UNIX_PATH + 1), "unix:path=" + "x" * (UNIX_PATH + 1)):
            failed = parse([word]).endpoint(MemoryReactorClock()).connect(None)  # type: ignore[arg-type]  # never used
            self.assertIn("too long", str(self.failureResultOf(failed).value))
        fits = parse(["unix:" + "x" * UNIX_PATH]).endpoint(MemoryReactorClock())
        self.assertIsInstance(fits, endpoints.UNIXClientEndpoint)

    def test_a_bad_endpoint_string_is_misuse(self) -> None:
        """Whatever twisted can't parse is one sentence, not a traceback, and status 2."""
        for word in ("tcp:h:x", "tcp:5000", "nonsense:x:1", "tls:h:1:trustRoots=/nowhere:extra", "tls:h:1:x=2"):
            with self.assertRaises(Misuse) as caught:
                parse([word]).endpoint(MemoryReactorClock())
            self.assertIn(word, str(caught.exception))
            self.assertNotIn("(", str(caught.exception))

    def test_a_certificate_is_checked_or_it_is_misuse(self) -> None:
        """`ssl:` would take any, and a file of `tls:` that can't be read is named: one sentence, and status 2."""
        for word, said in (
            ("ssl:h:1", "would not check the hub's certificate: use tls:HOST:PORT"),
            ("tls:h:1:trustRoots=/nowhere", "names a file that can't be read: No such file or directory"),
            ("tls:h:1:certificate=/nowhere", "names a file that can't be read: No such file or directory"),
        ):
            with self.assertRaises(Misuse) as caught:
                parse([word]).endpoint(MemoryReactorClock())
            self.assertEqual(str(caught.exception), f"{word!r} {said}")

    def test_an_endpoint_as_a_place(self) -> None:
        """`tls:` and `tcp:` stand before a place as people write it: its port may be missing, and a room may follow."""
        for word, description, room in (
            ("tls:h", "tls:h:5000", ""),
            ("tls:h:1", "tls:h:1", ""),
            ("tls:h/tea", "tls:h:5000", "tea"),
            ("tcp:h:1/tea", "tcp:h:1", "tea"),
            ("tls:h:1:trustRoots=/etc/x", "tls:h:1:trustRoots=/etc/x", ""),
            ("unix:a/b", "unix:a/b", ""),
        ):
            found = parse([word])
            self.assertEqual((found.description, found.room), (description, room), word)

    def test_main_tells_misuse(self) -> None:
        """`main` turns it into a line on stderr and status 2; so it does where stdin is closed."""
        for argv, stdin, said in [
            (["nonsense:x:1"], io.StringIO(), "is no client endpoint"),
            ([], None, "closed"),
            (["--log", "x"], io.StringIO(), "tee"),
        ]:
            err = io.StringIO()
            self.patch(sys, "stdin", stdin)
            with contextlib.redirect_stderr(err):
                self.assertEqual(main(argv, "chatterbox"), 2)
            self.assertRegex(err.getvalue(), rf"\Achatterbox: [^\n]*{said}[^\n]*\n\Z")
