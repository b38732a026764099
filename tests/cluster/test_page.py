"""`docs/cluster.md` says what the code says."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.cluster.claims import SILENT
from chatterbox.cluster.engine import PATIENCE
from chatterbox.cluster.homes import BACK, CUT_OFF, DOWN, GONE_ON
from tests.harness.processes import ROOT


class Page(SynchronousTestCase):
    """What an operator reads about faults is what people hear."""

    page = (ROOT / "docs" / "cluster.md").read_text()

    def test_sentences(self) -> None:
        """Each sentence that people may hear is there, word by word."""
        for sentence in (DOWN, CUT_OFF, GONE_ON):
            self.assertIn(sentence, self.page)
        self.assertIn("is back", BACK)
        self.assertIn("can't be reached", SILENT)

    def test_numbers(self) -> None:
        """The patience is the default that the page names."""
        self.assertIn(f"default {PATIENCE:g}", self.page)
