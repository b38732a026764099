"""The roster is who is alive: each node counts beats in the engine's table, and each watches the others' counts.

No clock is compared with another, and none with the engine's: a node is evicted when so many of *my* beats in a row
were answered without its count having moved. So an outage of the engine, or of this node, evicts nobody. The roster
knows nodes. It does not know rooms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from .engine import BEAT, PATIENCE, Beat, Delayed, Engine, Later

MAX_NAME = 23
"""Bytes of a node's name: with a dot and eight hex digits it fills the 32 of a payload's sender."""
GRACE_BEATS = 4
"""Beats of some node (1.5 s) that prove to a new one that the engine has not just forgotten everything."""


class Watcher(Protocol):
    """Who is told how this node fares."""

    def unregistered(self) -> None:
        """This node is not in the table: until it is, no room is to be asked for."""

    def registered(self, is_new_epoch: bool, is_young: bool) -> None:
        """This node is in the table, for the first time since the engine was reached; what waits for it may go on.

        Args:
            is_new_epoch: the engine has forgotten all it knew.
            is_young: some owners of rooms may not be back in the table yet.
        """

    def fenced(self) -> None:
        """The others took this node for dead and went on: `me` is another one from now on."""

    def replaced(self) -> None:
        """Another node runs under the same name, and has evicted this one."""

    def known_nodes(self) -> Iterable[str]:
        """Return the nodes that matter here, even if they are not in the table."""


class Roster:
    """This node's beats and its sight of the others'.

    Args:
        name: what the operator calls this node.
        engine: whom to ask.
        later: call a function after so many seconds.
        fresh: returns eight random hex digits.
        watcher: told what follows.
        patience: seconds without a beat after which a node is evicted.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        later: Later,
        fresh: Callable[[], str],
        watcher: Watcher,
        patience: float = PATIENCE,
    ) -> None:
        self._name = name
        self._engine = engine
        self._later = later
        self._fresh = fresh
        self._watcher = watcher
        self._most_missed = max(2, round(patience / BEAT))
        self._was: set[str] = set()
        """Every node that this process has been, or has taken over from."""
        self.me = self._new_me()
        self.epoch = ""
        self.nodes: dict[str, int] = {}
        """Beats of each node in the table, as of the last answer."""
        self._unmoved: dict[str, int] = {}
        """Answers in a row that showed no beat of a node."""
        self._is_in = False
        """Whether this node has entered the table, in this epoch."""
        self._is_told = False
        """Whether the watcher was told so, since the engine can be reached."""
        self._is_asking = self._is_up = self._is_leaving = False
        self._timer: Delayed | None = None
        self._namesakes: dict[str, int] = {}
        """Beats of unknown nodes with this one's name, while this one is not in the table."""
        self._judgement: Delayed | None = None
        """When they are taken for dead, unless they beat."""

    def _new_me(self) -> str:
        me = f"{self._name}.{self._fresh()}"
        self._was.add(me)
        return me

    # -- the engine comes and goes -----------------------------------------------------------------------------

    def is_up(self) -> None:
        """The engine can be reached: beat, and read what the others have said."""
        self._is_up = True
        self._is_told = False
        self._unmoved.clear()
        self._engine.listen(self.me)
        self.beat()

    def is_down(self) -> None:
        """The engine can't be reached, and nothing can be learned of anybody."""
        self._is_up = self._is_asking = False
        self._stop_timer()
        self._forget_namesakes()

    def leave(self, then: Callable[[str | None], None]) -> None:
        """Evict this node itself, so that the others need no patience; not to be undone."""
        self._is_leaving = True
        self._stop_timer()
        self._forget_namesakes()
        if self._is_up and self._is_in:
            self._engine.evict(self.me, "*", then)
        else:
            then(None)

    # -- beating -----------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Count one beat now, unless one is on its way."""
        if self._is_up and not self._is_asking and not self._is_leaving:
            self._is_asking = True
            self._stop_timer()
            may_enter = not (self._is_in or self._namesakes)
            self._engine.beat(self.me, may_enter, self._fresh(), self._answered)

    def _answered(self, beat: Beat | None) -> None:
        self._is_asking = False
        if beat is None or self._is_leaving or not self._is_up:
            return
        if beat.is_fenced:
            self._outside(beat)
        else:
            self._inside(beat)
            self._timer = self._later(BEAT, self._next)

    def _next(self) -> None:
        self._timer = None
        self.beat()

    def _outside(self, beat: Beat) -> None:
        """This node is not in the table: either the engine has forgotten it, or the others have evicted it."""
        self._is_in = False
        self._watcher.unregistered()
        if self.epoch and beat.epoch == self.epoch:
            names = {node: n for node, n in beat.nodes.items() if self._is_namesake(node) and node not in self._was}
            if names:
                self._watch_namesakes(names)
                return
            self.me = self._new_me()
            self._is_told = False
            self._watcher.fenced()
            self._engine.listen(self.me)
        self.beat()

    def _watch_namesakes(self, names: dict[str, int]) -> None:
        """Find out by its beats whether another node has this one's name: an engine may name one that is long dead."""
        if any(self._namesakes.get(node, count) != count for node, count in names.items()):
            self._forget_namesakes()
            self._watcher.replaced()
            return
        self._namesakes |= names
        self._judgement = self._judgement or self._later(self._most_missed * BEAT, self._take_for_dead)
        self._timer = self._later(BEAT, self._next)

    def _take_for_dead(self) -> None:
        self._judgement = None
        self._was |= self._namesakes.keys()
        self._forget_namesakes()
        self.beat()

    def _forget_namesakes(self) -> None:
        self._namesakes.clear()
        if self._judgement:
            self._judgement.cancel()
            self._judgement = None

    def _inside(self, beat: Beat) -> None:
        self._forget_namesakes()
        is_new_epoch = bool(self.epoch) and beat.epoch != self.epoch
        is_first = not self._is_in
        is_young = is_new_epoch or (not self.epoch and all(count < GRACE_BEATS for count in beat.nodes.values()))
        self._is_in = True
        if is_new_epoch:
            self._unmoved.clear()
            self._engine.listen(self.me)
        self._look(beat.nodes)
        self.epoch, self.nodes = beat.epoch, beat.nodes
        if is_first:
            self._evict_predecessors()
        if is_new_epoch or not self._is_told:
            self._is_told = True
            self._watcher.registered(is_new_epoch, is_young)

    def _is_namesake(self, node: str) -> bool:
        return node != self.me and node.rpartition(".")[0] == self._name

    def _evict_predecessors(self) -> None:
        """Who had this node's name before has ended, or was this process."""
        for node, count in self.nodes.items():
            if self._is_namesake(node):
                self._was.add(node)
                self._engine.evict(node, str(count), _ignore)

    def _look(self, nodes: dict[str, int]) -> None:
        """Evict who has not beaten for as many of my own answered beats as make up the patience."""
        before, self._unmoved = self._unmoved, {}
        for node in {*nodes, *self._watcher.known_nodes()} - {self.me}:
            missed = before.get(node, 0) + 1 if self.nodes.get(node) == nodes.get(node) else 0
            if missed >= self._most_missed:
                self._engine.evict(node, str(nodes.get(node, "")), _ignore)
            else:
                self._unmoved[node] = missed

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def _ignore(answer: str | None) -> None:
    """The inboxes tell what came of it."""
