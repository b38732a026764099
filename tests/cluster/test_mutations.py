"""Each mutation still has its place in the source: one, or `python -m tests.cluster.mutations` would try nothing."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.cluster.mutations import MUTATIONS, ROOT


class Places(SynchronousTestCase):
    """All of them."""

    def test_each_has_one(self) -> None:
        """What is to be taken away stands there once."""
        lost = {}
        for mutation in MUTATIONS:
            count = (ROOT / "chatterbox/cluster" / f"{mutation.file}.py").read_text().count(mutation.old)
            if count != 1:
                lost[mutation.name] = count
        self.assertEqual(lost, {})
