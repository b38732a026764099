"""`docs/seeds.md` names the test or play that shows each check: all of them exist, and no check is without one."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.pages import exists

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "seeds.md"
EXERCISES = ("000", "001", "002", "003", "004", "bare", "original")


class Page(SynchronousTestCase):
    """The page and the tests."""

    def test_every_check_is_shown(self) -> None:
        """The checks of each exercise are counted without a gap, and each row names tests or plays that are there."""
        rows = re.findall(r"(?m)^\| (\w+)-(\d+) \|.*\| (.*) \|$", PAGE.read_text())
        for exercise in EXERCISES:
            numbers = [int(number) for name, number, _ in rows if name == exercise]
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)) or [1], exercise)
        for name, number, shown in rows:
            self.assertTrue(all(map(_exists, re.findall(r"`(.*?)`", shown) or [""])), f"{name}-{number}: {shown}")


def _exists(name: str) -> bool:
    """Return whether there is a play, or a test in a file, of this name."""
    file, _, test = name.partition(".")
    if test == "play":
        return (TESTS / "plays" / name).exists()
    return exists(file, test)
