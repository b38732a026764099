"""The plays over two and three machines: whoever comes next comes to the next machine, and hears what the play says.

The first of each conversation comes to the first machine, since the console tells of the rooms that live there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.handshake import LATE
from chatterbox.edges.console import Console
from chatterbox.options import Options
from chatterbox.service import ENDED
from tests.harness.fleet import Fleet
from tests.harness.memory import End
from tests.harness.nodes import Node
from tests.harness.plays import PLAYS, MemoryStage, Play, Terminal


class TwoMachines(MemoryStage):
    """Hubs on clocks, with one engine; the console is at the first."""

    machines = 2

    def __init__(self, *options: str) -> None:
        chosen = Options()
        chosen.parseOptions(options)
        columns = asdict(chosen["row"])
        mode, limits, bare = columns.pop("name"), asdict(chosen["limits"]), bool(chosen["bare"])
        self._fleet = Fleet(self.machines, mode, limits, bare, **columns)
        self.nodes = self._fleet.nodes
        self._where: dict[End, Node] = {}
        self._is_stopped = False
        self._terminal = Terminal()
        self._console = Console(self.nodes[0].hub.admission, self._stop)
        self.nodes[0].hub.observers.append(self._console.narrator)
        if chosen["console"]:
            self._console.makeConnection(self._terminal)
            self._console.narrator.begin(["127.0.0.1:12345"])
            self.wait(0.2)

    def _stop(self) -> None:
        self._is_stopped = True
        for node in self.nodes:
            node.hub.admission.stop(lambda: None, *ENDED)

    def connect(self, port: int) -> End:
        here = [end for end in self._where if not end.closed]
        node = self.nodes[len(here) % len(self.nodes)]
        end = node.hub.connects(port=port)
        self._where[end] = node
        self.wait(LATE + 0.2)  # while a hello may come, what a guest takes isn't taken, and who leaves waits for that
        return end

    def wait(self, seconds: float) -> None:
        self._fleet.wait(seconds)


class ThreeMachines(TwoMachines):
    """One more."""

    machines = 3


class PlaysOverMachines(SynchronousTestCase):
    """Each file in `tests/plays` is two tests."""


def _test(path: Path, stage: type[TwoMachines]) -> Callable[[PlaysOverMachines], None]:
    def test(self: PlaysOverMachines) -> None:
        Play(path).run(stage)
        self.assertEqual(self.flushLoggedErrors(), [])

    test.__doc__ = f"The play {path.stem} goes as written over {stage.machines} machines."
    return test


for _path in PLAYS:
    for _stage in (TwoMachines, ThreeMachines):
        _name = f"test_{_path.stem.replace('-', '_')}_over_{_stage.machines}"
        setattr(PlaysOverMachines, _name, _test(_path, _stage))
