"""The plays: transcripts that read like the classroom documents, run in memory and over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.plays import PLAYS, MemoryStage, Play, SocketStage


class PlaysTest(SynchronousTestCase):
    """Each file in `tests/plays` is two tests."""


def _test(path: Path, on_sockets: bool) -> Callable[[PlaysTest], None]:
    def test(self: PlaysTest) -> None:
        Play(path).run(SocketStage if on_sockets else MemoryStage)
        self.assertEqual(self.flushLoggedErrors(), [])

    test.__doc__ = f"The play {path.stem} goes as written, {'over sockets' if on_sockets else 'in memory'}."
    return test


for _path in PLAYS:
    for _on_sockets in (False, True):
        _name = f"test_{_path.stem.replace('-', '_')}_{'on_sockets' if _on_sockets else 'in_memory'}"
        setattr(PlaysTest, _name, _test(_path, _on_sockets))
