"""`docs/seeds.md` names the test or play that shows each check: all of them exist, and no check is without one."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.pages import exists

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "seeds.md"
CHECKS = {"000": 11, "001": 7, "002": 8, "003": 5, "004": 9, "bare": 7}
"""How many checks each exercise has."""


class Page(SynchronousTestCase):
    """The page and the tests."""

    def test_every_check_is_shown(self) -> None:
        """Each check has one row, and each row names tests or plays that are there."""
        rows = re.findall(r"(?m)^\| (\w+-\d+) \|.*\| (.*) \|$", PAGE.read_text())
        self.assertEqual(
            [name for name, _ in rows],
            [f"{seed}-{n}" for seed, count in CHECKS.items() for n in range(1, count + 1)],
        )
        for name, shown in rows:
            self.assertTrue(all(map(_exists, re.findall(r"`(.*?)`", shown) or [""])), f"{name}: {shown}")


def _exists(name: str) -> bool:
    """Return whether there is a play, or a test in a file, of this name."""
    file, _, test = name.partition(".")
    if test == "play":
        return (TESTS / "plays" / name).exists()
    return exists(file, test)
