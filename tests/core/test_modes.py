"""The table of modes; that it is the README's is `test_readme`'s."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.core.modes import LABELS, MODES, table
from chatterbox.core.rules import RULES


class Table(SynchronousTestCase):
    """Six rows, and no server of their own."""

    def test_every_row_names_what_there_is(self) -> None:
        """Labels and rules are of the closed sets, and a row stands under its own name."""
        for name, mode in MODES.items():
            self.assertEqual(name, mode.name)
            self.assertIn(mode.label, LABELS)
            self.assertIn(mode.rule, RULES)

    def test_help_shows_every_row(self) -> None:
        """`--help` shows a line for each mode, under one for the columns, in columns that line up."""
        head, *rows = table().splitlines()
        self.assertEqual([row.split()[0] for row in rows], list(MODES))
        self.assertEqual(
            {row.index(str(mode.seats or "any"), 10) for row, mode in zip(rows, MODES.values())}, {head.index("seats")}
        )
        self.assertIn("Bye", rows[list(MODES).index("duet")])
