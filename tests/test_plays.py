"""The plays: transcripts that read like the classroom documents, run in memory, over real sockets and by browsers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.plays import PLAYS, MemoryStage, Play, SocketStage
from tests.harness.plays_in_browsers import UNLIKE, BrowserStage

STAGES: dict[str, type[MemoryStage] | type[SocketStage]] = {
    "in memory": MemoryStage,
    "over sockets": SocketStage,
    "by browsers": BrowserStage,
}


class PlaysTest(SynchronousTestCase):
    """Each file in `tests/plays` is a test on each stage; browsers have those that are not `UNLIKE` them."""

    def test_what_is_unlike_browsers(self) -> None:
        """Each play that browsers have no part in is there, and says why."""
        self.assertLessEqual(set(UNLIKE), {path.stem for path in PLAYS})


def _test(path: Path, stage: str) -> Callable[[PlaysTest], None]:
    def test(self: PlaysTest) -> None:
        Play(path).run(STAGES[stage])
        self.assertEqual(self.flushLoggedErrors(), [])

    test.__doc__ = f"The play {path.stem} goes as written, {stage}."
    return test


for _path in PLAYS:
    for _stage in STAGES:
        if _stage != "by browsers" or _path.stem not in UNLIKE:
            _name = f"test_{_path.stem.replace('-', '_')}_{_stage.replace('over', 'on').replace(' ', '_')}"
            setattr(PlaysTest, _name, _test(_path, _stage))
