"""A fake engine is a dictionary with inboxes, which forgets, freezes and loses whatever a test wants it to.

`FakeEngine` does each command as a whole, as the scripts of `edges/redis.py` do. A `Wire` is one node's connection to
it: what is asked waits there until the test lets it through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from chatterbox.cluster.engine import FENCED, ORPHAN_BEATS, ORPHANED, Beat, Ears


class Memory:
    """All that an engine knows."""

    def __init__(self) -> None:
        self.epoch = ""
        self.nodes: dict[str, int] = {}
        self.rooms: dict[str, str] = {}
        self.inboxes: dict[str, list[tuple[int, bytes | str]]] = {}
        """By node: numbered payloads, and the names of the dead."""
        self.orphans: dict[str, int] = {}
        """Beats for which a dead node's rooms are remembered."""
        self.serial = 0

    def copy(self) -> Memory:
        """Return all of it as it is now."""
        copy = Memory()
        copy.epoch, copy.serial = self.epoch, self.serial
        copy.nodes, copy.rooms, copy.orphans = dict(self.nodes), dict(self.rooms), dict(self.orphans)
        copy.inboxes = {node: list(inbox) for node, inbox in self.inboxes.items()}
        return copy


class FakeEngine:
    """The engine, and how it may fail."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.is_frozen = False
        self.evictions = 0
        self._before: deque[Memory] = deque(maxlen=20)
        """What it knew before each of the last commands."""

    def forget(self) -> None:
        """Lose everything."""
        self.memory = Memory()
        self._before.clear()

    def before(self, commands: int) -> Memory:
        """Return what it knew before the last commands, as far as that is kept."""
        kept = min(commands, len(self._before))
        return self._before[-kept] if kept else self.memory

    def lose_tail(self, commands: int) -> None:
        """Lose what the last commands did, as a fail-over to a replica does."""
        for _ in range(min(commands, len(self._before))):
            self.memory = self._before.pop()
        self._before.clear()

    def run(self, command: str, *words: Any) -> Any:
        """Do one command as a whole."""
        self._before.append(self.memory.copy())
        return getattr(self, f"_{command}")(self.memory, *words)

    def _beat(self, memory: Memory, node: str, is_first: bool, epoch: str) -> Beat:
        if is_first:
            memory.nodes.setdefault(node, 0)
        if node not in memory.nodes:
            return Beat(True, memory.epoch, dict(memory.nodes))
        memory.epoch = memory.epoch or epoch
        memory.nodes[node] += 1
        for dead in tuple(memory.orphans):
            memory.orphans[dead] -= 1
            if memory.orphans[dead] <= 0:
                del memory.orphans[dead]
                memory.rooms = {room: owner for room, owner in memory.rooms.items() if owner != dead}
        return Beat(False, memory.epoch, dict(memory.nodes))

    def _claim(self, memory: Memory, node: str, room: str, is_newcomer: bool) -> str:
        if node not in memory.nodes:
            return FENCED
        owner = memory.rooms.get(room, "")
        if owner in memory.nodes:
            return owner
        if owner and is_newcomer:
            return ORPHANED
        memory.rooms[room] = node
        return node

    def _release(self, memory: Memory, node: str, room: str) -> str:
        if memory.rooms.get(room) == node:
            del memory.rooms[room]
        return "OK"

    def _evict(self, memory: Memory, node: str, beats: str) -> str:
        if beats not in ("*", str(memory.nodes.get(node, ""))):
            return "0"
        memory.nodes.pop(node, None)
        memory.inboxes.pop(node, None)
        if node in memory.rooms.values():
            memory.orphans[node] = ORPHAN_BEATS * len(memory.nodes)
        self.evictions += 1
        for other in memory.nodes:
            self._put(memory, other, node)
        return "1"

    def _post(self, memory: Memory, node: str, payloads: Sequence[tuple[str, bytes]]) -> str:
        if node not in memory.nodes:
            return FENCED
        for to, payload in payloads:
            if to in memory.nodes:
                self._put(memory, to, payload)
        return "OK"

    def _put(self, memory: Memory, node: str, what: bytes | str) -> None:
        memory.serial += 1
        memory.inboxes.setdefault(node, []).append((memory.serial, what))


class Wire:
    """One node's connection to the engine; it does nothing by itself."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.ears: Ears
        self.is_up = False
        self.commands: deque[tuple[tuple[Any, ...], Callable[[Any], None]]] = deque()
        """What was asked and has not reached the engine."""
        self.replies: deque[tuple[Any, Callable[[Any], None]]] = deque()
        """What was answered and has not reached the node."""
        self._node = ""
        self._cursor = 0

    # -- as the node sees it -----------------------------------------------------------------------------------

    def beat(self, node: str, is_first: bool, epoch: str, then: Callable[[Beat | None], None]) -> None:
        """See `Engine`."""
        self._ask(then, "beat", node, is_first, epoch)

    def claim(self, node: str, room: str, is_newcomer: bool, then: Callable[[str | None], None]) -> None:
        """See `Engine`."""
        self._ask(then, "claim", node, room, is_newcomer)

    def release(self, node: str, room: str, then: Callable[[str | None], None]) -> None:
        """See `Engine`."""
        self._ask(then, "release", node, room)

    def evict(self, node: str, beats: str, then: Callable[[str | None], None]) -> None:
        """See `Engine`."""
        self._ask(then, "evict", node, beats)

    def post(self, node: str, payloads: Sequence[tuple[str, bytes]], then: Callable[[str | None], None]) -> None:
        """See `Engine`."""
        self._ask(then, "post", node, tuple(payloads))

    def listen(self, node: str) -> None:
        """See `Engine`."""
        self._node, self._cursor = node, 0

    def _ask(self, then: Callable[[Any], None], *command: Any) -> None:
        assert self.is_up, f"asked {command[0]} of an engine that can't be reached"
        self.commands.append((command, then))

    # -- what a test lets happen -------------------------------------------------------------------------------

    def connect(self) -> None:
        """Reach the engine."""
        if not self.is_up:
            self.is_up = True
            self.ears.is_up()

    def cut(self, arrived: int = 0) -> None:
        """Lose the connection; the first `arrived` of what was asked has still reached the engine."""
        if not self.is_up:
            return
        self.is_up = False
        waiting = [then for _, then in self.replies] + [then for _, then in self.commands]
        for command, _ in list(self.commands)[:arrived]:
            self.engine.run(*command)
        self.commands.clear()
        self.replies.clear()
        for then in waiting:
            then(None)
        self.ears.is_down()

    def ask(self) -> bool:
        """Let one command reach the engine; return whether there was one."""
        if self.engine.is_frozen or not self.commands:
            return False
        command, then = self.commands.popleft()
        if command[0] == "beat":
            self._trim()
        self.replies.append((self.engine.run(*command), then))
        return True

    def answer(self) -> bool:
        """Let one answer reach the node; return whether there was one."""
        if not self.replies:
            return False
        reply, then = self.replies.popleft()
        then(reply)
        return True

    @property
    def unread(self) -> list[bytes | str]:
        """What is in the node's inbox that it hasn't read."""
        inbox = self.engine.memory.inboxes.get(self._node, [])
        return [what for serial, what in inbox if serial > self._cursor]

    def read(self) -> bool:
        """Let the node read one entry of its inbox; return whether there was one."""
        if self.engine.is_frozen or not self.is_up:
            return False
        for serial, what in self.engine.memory.inboxes.get(self._node, ()):
            if serial > self._cursor:
                self._cursor = serial
                if isinstance(what, bytes):
                    self.ears.heard(what)
                else:
                    self.ears.died(what)
                return True
        return False

    def _trim(self) -> None:
        """Drop what the node has read, as a beat does."""
        inbox = self.engine.memory.inboxes.get(self._node)
        if inbox:
            inbox[:] = [entry for entry in inbox if entry[0] > self._cursor]
