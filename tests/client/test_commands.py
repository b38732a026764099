"""Lines that begin with a slash, and what Tab makes of a beginning."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.terminal import commands
from chatterbox.client.terminal.editor import KEYS
from chatterbox.limits import Limits
from chatterbox.wire.reading import TextReader
from chatterbox.wire.verbs import VERBS, Command
from tests.harness.inputs import PROPERTY


class Commands(SynchronousTestCase):
    """Lines that begin with a slash."""

    def test_known(self) -> None:
        """Known words are commands, in any case, with their arguments; `//` says a slash."""
        for line, command in (
            ("hi /quit", Command("say", ("hi /quit",))),
            ("/quit", Command("quit")),
            ("/QUIT ", Command("quit")),
            ("/msg bob  hi there ", Command("msg", ("bob", "hi there"))),
            ("/join\ttea", Command("join", ("tea",))),
            ("/join \t tea\t", Command("join", ("tea",))),
            ("/msg\tbob\thi there", Command("msg", ("bob", "hi there"))),
            ("/quit\t", Command("quit")),
            ("/me", commands.Mistake("usage: /me TEXT")),
            ("/msg bob", commands.Mistake("usage: /msg NAME TEXT")),
            ("//quit", Command("say", ("/quit",))),
            ("///x", Command("say", ("//x",))),
        ):
            self.assertEqual(commands.read(line), command, line)

    def test_unknown(self) -> None:
        """Unknown words are caught, with the nearest known one and how to say it anyway."""
        for line, near in (("/quti", "/quit"), ("/hlep me", "/help"), ("/ig bob", "/ignore")):
            mistake = commands.read(line)
            self.assertIsInstance(mistake, commands.Mistake)
            self.assertIn(f"did you mean {near}?", mistake[0])
            self.assertIn(f" To send it as text: /{line.split()[0]}", mistake[0])
        for line, said in (
            ("/usr/bin", "unknown command /usr/bin. To send it as text: //usr/bin"),
            ("/usr/bin -x", "unknown command /usr/bin. To send it as text: //usr/bin …"),
            ("/names", "unknown command /names: did you mean /who? To send it as text: //names"),
        ):
            self.assertEqual(commands.read(line), commands.Mistake(said))

    def test_words_of_other_programs(self) -> None:
        """What irssi and others call a command is answered with what it is called here."""
        for line, near in (("/exit", "quit"), ("/list", "who"), ("/part", "quit"), ("/query", "msg"), ("/?", "help")):
            self.assertIn(f"did you mean /{near}?", commands.read(line)[0])
        for word, verb in commands.ELSEWHERE.items():
            self.assertNotIn(word, commands.COMMANDS)
            self.assertIn(verb, commands.COMMANDS)

    def test_optional(self) -> None:
        """Some commands may stand alone."""
        for line, command in (
            ("/help", Command("help", ("",))),
            ("/help nick", Command("help", ("nick",))),
            ("/ignore ", Command("ignore", ("",))),
            ("/log", Command("log", ("",))),
            ("/log a file", Command("log", ("a file",))),
        ):
            self.assertEqual(commands.read(line), command)
        self.assertIsInstance(commands.read("/"), commands.Mistake)

    def test_farewells(self) -> None:
        """The hub's own closing words are said, also with a slash."""
        self.assertEqual(commands.read("/bye", ["/bye"]), Command("say", ("/bye",)))
        self.assertEqual(commands.read("/quit", ["/quit"]), Command("quit"))

    def test_help(self) -> None:
        """/help has a row for every command, the hub's and the client's own, and for the keys."""
        rows = "\n".join(commands.help_about(75, KEYS))
        for verb in VERBS.keys() | commands.OWN.keys():
            self.assertIn(f"/{verb}", rows)
        for key in KEYS:
            self.assertIn(key.usage, rows)

    def test_help_fits(self) -> None:
        """Its rows fit any terminal and break no word."""
        words = set(" ".join(commands.help_about(200, KEYS)).split())
        for columns in range(30, 100):
            rows = commands.help_about(columns, KEYS)
            self.assertLessEqual(max(map(len, rows)), columns)
            self.assertEqual(set(" ".join(rows).split()), words)

    def test_help_about(self) -> None:
        """/help NAME is about that command, with its slash or without; about another word it helps as well."""
        for about in ("nick", "/nick", "NICK"):
            self.assertEqual(commands.help_about(75, KEYS, about), ["/nick NAME  take another name"])
        self.assertEqual(commands.help_about(75, KEYS, "exit"), ["unknown command /exit: did you mean /quit?"])

    def test_completion(self) -> None:
        """Tab completes commands, names, and what a command takes."""
        names = ["ann", "Bob", "bert", "Zoë", "山田"]
        for before, words in (
            ("/he", ["/help "]),
            ("/m", ["/me ", "/msg "]),
            ("//he", []),
            ("b", ["Bob: ", "bert: "]),
            ("hi b", ["Bob ", "bert "]),
            ("/msg ", ["ann ", "Bob ", "bert ", "Zoë ", "山田 "]),
            ("ZOE\u0308", ["Zoë: "]),
            ("hi 山", ["山田 "]),
            ("/ignore A", ["ann "]),
            ("/msg\t", ["ann ", "Bob ", "bert ", "Zoë ", "山田 "]),
            ("/msg  \tb", ["Bob ", "bert "]),
            ("/bell m", ["mention"]),
            ("hi ", []),
            ("", []),
        ):
            self.assertEqual(commands.complete(before, names).words, words, before)
        self.assertEqual(commands.complete("hi be", names).length, 2)

    @PROPERTY
    @given(
        st.sampled_from(["join", "nick", "me", "msg", "quit", "who"]),
        st.lists(st.sampled_from([" ", "\t", "tea", "\xa0", "\u3000", "x"])).map("".join),
    )
    def test_arguments_are_those_that_the_hub_would_read(self, verb: str, rest: str) -> None:
        """Whatever stands between the words of a command, the client reads the same command as the hub."""
        here = commands.read(f"/{verb}{rest}")
        (there,) = TextReader(Limits()).read(f"/{verb}{rest}\n".encode())
        if isinstance(here, Command):
            self.assertEqual(there, here)
        elif "usage" in here.text and isinstance(there, Command):
            self.assertLess(len(there.args), len(VERBS[verb].keys))
        else:
            self.assertIsInstance(there, bytes)

    @PROPERTY
    @given(st.text())
    def test_any_line(self, line: str) -> None:
        """No line raises, and one without a slash in front is said as it stands."""
        command = commands.read(line)
        if not line.startswith("/"):
            self.assertEqual(command, Command("say", (line,)))
        commands.complete(line, ["ann"])
