"""`--ask-name`: the person is asked before there is a link."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.options import CLEAN
from chatterbox.client.terminal.asking import QUESTION, ask_name


class Asking(SynchronousTestCase):
    """One question."""

    def test_until_it_is_a_name(self) -> None:
        """What can't be a name is refused with the reason; spaces around one are nobody's."""
        answers, asked, told = ["", "a b", " ann "], [], []

        def ask(question: str) -> str:
            asked.append(question)
            return answers.pop(0)

        self.assertEqual(ask_name(ask, told.append), "ann")
        self.assertEqual((asked, len(told)), ([QUESTION] * 3, 2))

    def test_leaving(self) -> None:
        """^C and ^D leave with status 0, as from an empty line."""
        for fault in (EOFError, KeyboardInterrupt):

            def ask(question: str, fault: type[BaseException] = fault) -> str:
                raise fault

            self.assertEqual(self.assertRaises(SystemExit, ask_name, ask).code, CLEAN)
