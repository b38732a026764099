"""Machines are nodes on one fake engine, each with a clock of its own, and the people there; a seed says what happens.

The schedule is adversarial: commands, answers and inboxes move one by one in any order between the nodes, and between
any two of them the engine may forget, freeze, lose its tail or its connections, and a node may freeze or die.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from chatterbox.cluster import channel, confirmations, visit
from tests.harness.engine import FakeEngine
from tests.harness.nodes import Node, Person

SMALL: dict[str, Any] = {"high_water": 2048, "max_pair_queue": 1 << 20, "max_queue": 1 << 20, "max_held": 2048}
"""Limits that short conversations meet, and beside them the cluster's windows."""
WINDOWS = ((visit, "WINDOW", 4096), (channel, "WINDOW", 4096), (confirmations, "CREDIT", 1024))


@contextmanager
def small_windows() -> Iterator[None]:
    """Let every window be small."""
    before = [getattr(module, name) for module, name, _ in WINDOWS]
    for module, name, size in WINDOWS:
        setattr(module, name, size)
    try:
        yield
    finally:
        for (module, name, _), size in zip(WINDOWS, before):
            setattr(module, name, size)


class Machines:
    """Several nodes, and all that is promised of them.

    Args:
        seed: chooses everything.
        seats: of each room; 0: any number.
        nodes: how many.
    """

    def __init__(self, seed: int, seats: int = 2, nodes: int = 3) -> None:
        self.random = random.Random(seed)
        self.seats = seats
        self.engine = FakeEngine()
        self._fresh = count(seed << 8)
        self._names = count()
        self.nodes = [self._new_node(f"n{at}") for at in range(nodes)]
        self.people: list[Person] = []
        self.rooms: dict[str, list[Person]] = {}
        self.strangers: set[str] = set()
        self.hosts: set[str] = set()
        """Who opened a room, said nothing, and left it to others."""
        self.faults = 0
        self._flowed = 0.0
        self._forgotten: set[Node] = set()
        """Who has said something that the engine forgot, and is to say again."""

    def _new_node(self, name: str) -> Node:
        return Node(self.engine, name, lambda: f"{next(self._fresh):08x}", "pair" if self.seats else "room", SMALL, 64)

    def join(self, room: str) -> Person:
        """Let somebody come to a room, at some node that works, or will."""
        living = [node for node in self.nodes if not node.is_dead]
        node = self.random.choice([node for node in living if not node.is_frozen] or living)
        person = Person(node, f"p{next(self._names)}", room, self.random.random() < 0.7)
        self.people.append(person)
        self.rooms.setdefault(room, []).append(person)
        return person

    def pair(self, room: str, may_kill: bool = False) -> None:
        """Let two come to a room; perhaps it lives on a third node, where somebody was who has left."""
        if all(node.is_dead or node.is_frozen for node in self.nodes):
            return
        self.rooms.pop(room, None)
        host = self.join(room) if self.random.random() < 0.5 else None
        if host:
            self.run(0.1)
            self.rooms[room].remove(host)
        one = self.join(room)
        if host:
            self.run(0.1)
            if self.lives(host):
                host.leaves()
            self.run(0.1)
            if host.end.closed:
                self.hosts.add(host.name)
                one.hosts = 1
        if host and self.random.random() < 0.5:
            one.says(3)
            self.run(0.1)
            if may_kill:
                self.kill_owner()
        two = self.join(room)
        one.partner, two.partner = two.name, one.name

    def lives(self, person: Person) -> bool:
        """Whether somebody can still do anything."""
        return not (person.closed or person.witness.is_closed or person.node.is_dead or person.node.is_frozen)

    def is_over(self, room: str) -> bool:
        """Whether nobody of those who came to a room can still be there."""
        return all(
            person.closed or person.witness.is_closed or person.node.is_dead for person in self.rooms.get(room, ())
        )

    # -- one thing after another -------------------------------------------------------------------------------

    def move(self, times: int) -> None:
        """Let some commands, answers and entries through, in any order between the nodes."""
        for _ in range(times):
            node = self.random.choice(self.nodes)
            if node.is_frozen or node.is_dead:
                continue
            node.clock.advance(0)
            self.random.choice((node.wire.ask, node.wire.answer, node.wire.read))()

    def run(self, seconds: float, step: float = 0.02) -> None:
        """Let everything happen that is due, for some time."""
        for _ in range(round(seconds / step)):
            for node in self.nodes:
                node.connect()
                node.pass_time(step)
            self.flow()

    def flow(self) -> None:
        """Let all through that waits."""
        self._flowed = self.nodes[-1].clock.seconds()
        for _ in range(10_000):
            moved = False
            for node in self.nodes:
                if not (node.is_frozen or node.is_dead):
                    moved |= node.wire.ask() | node.wire.answer() | node.wire.read()
                    node.clock.advance(0)
            if not moved:
                return
        raise AssertionError("the nodes never stop talking")

    def flow_in_time(self) -> None:
        """Let nothing wait for so long that somebody comes too late."""
        if self.nodes[-1].clock.seconds() - self._flowed > 0.3:
            self.flow()

    def step(self, fault: float, faults: list[str], stops_reading: bool = True) -> None:
        """Do one thing, behind one of the faults with that probability."""
        chance = self.random
        if chance.random() < fault:
            self.faults += 1
            for _ in range(chance.randrange(4)):
                self.say()
            self.move(chance.randrange(30))
            getattr(self, chance.choice(faults))()
        chance.choices(
            (self.say, self._move_some, self.flow, self._pass_time, self._connect_one, self._turn),
            (25, 30, 5, 30, 5, 5 * stops_reading),
        )[0]()

    def _move_some(self) -> None:
        self.move(self.random.choice((1, 5, 20)))

    def _pass_time(self) -> None:
        seconds = self.random.choice((0.0, 0.0, 0.005, 0.02, 0.1, 0.3))
        for node in self.nodes:
            node.pass_time(seconds)

    def _connect_one(self) -> None:
        self.random.choice(self.nodes).connect()

    def _turn(self) -> None:
        """Somebody leaves, or begins or stops to read."""
        if people := [person for person in self.people if self.lives(person)]:
            person = self.random.choice(people)
            if self.random.random() < 0.05:
                person.leaves(self.random.choice(("quit", "lost")))
            else:
                person.reads(not person.is_reading)

    def look(self) -> None:
        """Follow what everybody heard, and how much is on its way."""
        for node in self.nodes:
            for here in node.cluster.channels.values():
                assert here.on_their_way <= channel.WINDOW + 64 * 1024, "a window is overrun by more than one write"
        for person in self.people:
            person.witness.look(person.taken)
        speakers = {person.name: person.witness for person in self.people}
        for person in self.people:
            assert not (hole := person.witness.hole(speakers)), hole

    def say(self) -> None:
        """Let somebody say something."""
        if people := [person for person in self.people if self.lives(person)]:
            chance = self.random
            lines = chance.choice((1, 1, 3, 10, 100 if self.seats else 10))
            chance.choice(people).says(lines, chance.choice((20, 20, 20, 300)))

    # -- what may go wrong -------------------------------------------------------------------------------------

    def cut(self) -> None:
        """One node loses its connections."""
        node = self.random.choice(self.nodes)
        if not (node.is_dead or node.is_frozen):
            node.wire.cut(self.random.randrange(4))

    def cut_all(self) -> None:
        """The engine restarts, and knows what it knew."""
        for node in self.nodes:
            node.was_cut |= node.is_frozen
            if not (node.is_dead or node.is_frozen):
                node.wire.cut(self.random.randrange(4))

    def flush(self) -> None:
        """The engine forgets everything, and no connection breaks."""
        self._forget()

    def wipe(self) -> None:
        """The engine restarts, and knows nothing."""
        self.cut_all()
        self._forget()

    def lose_tail(self) -> None:
        """A replica takes over, which has not seen the last commands."""
        self.cut_all()
        commands = self.random.randrange(1, 20)
        self._forget(commands)

    def _forget(self, commands: int = 0) -> None:
        """Let the engine forget what the last commands did, or everything, unless that are a dead machine's last words.

        Neither they nor the words of one that dies, or is taken for dead, before it has said them again are promised to
        be heard.
        """
        living = {node.cluster.roster.me: node for node in self.nodes if not node.is_dead}
        words = [entry for node in living.values() for entry in node.wire.unread if isinstance(entry, bytes)]
        speakers = {word[1:33].rstrip(b"\0").decode() for word in words}
        may_speak = living.keys() & self.engine.memory.nodes.keys()
        if commands:  # whoever isn't in the table of the same epoch any more takes itself for dead
            later = self.engine.before(commands)
            may_speak -= {me for me in may_speak if living[me].cluster.roster.epoch == later.epoch} - later.nodes.keys()
        if speakers | {node.cluster.roster.me for node in self._forgotten if not node.is_dead} <= may_speak:
            self._forgotten |= {living[speaker] for speaker in speakers}
            self.engine.lose_tail(commands) if commands else self.engine.forget()

    def freeze_engine(self) -> None:
        """The engine stops answering, or goes on."""
        self.engine.is_frozen = not self.engine.is_frozen

    def thaw_engine(self) -> None:
        """The engine goes on."""
        self.engine.is_frozen = False

    def connect(self) -> None:
        """Every node reaches the engine, if it can be reached."""
        for node in self.nodes:
            node.connect()

    def stranger(self) -> None:
        """Somebody tries to come to a room whose seats are taken."""
        rooms = [room for room, members in self.rooms.items() if all(self.lives(member) for member in members)]
        if rooms and any(not (node.is_dead or node.is_frozen) for node in self.nodes):
            room = self.random.choice(rooms)
            self.strangers.add(self.join(room).name)
            self.rooms[room].pop()

    def kill_room(self, room: str) -> None:
        """The owner of a room dies."""
        owner = self.engine.memory.rooms.get(room)
        for node in self.nodes:
            if node.cluster.roster.me == owner and not node.is_dead:
                self._kill(node)

    def freeze(self) -> None:
        """A node stops, or goes on."""
        node = self.random.choice(self.nodes)
        if node.is_frozen:
            node.thaw()
        else:
            node.is_frozen = True

    def part(self) -> None:
        """A node can't reach the engine, or can again."""
        node = self.random.choice(self.nodes)
        node.is_partitioned = not node.is_partitioned
        if node.is_partitioned and not (node.is_dead or node.is_frozen):
            node.wire.cut(self.random.randrange(4))

    def kill(self) -> None:
        """A node dies, and perhaps is started again."""
        self._kill(self.random.choice([node for node in self.nodes if not node.is_dead]))

    def _kill(self, node: Node) -> None:
        if self._owes_words(node):
            return
        node.die(self.random.randrange(4))
        if self.random.random() < 0.5 or all(node.is_dead for node in self.nodes):
            self.nodes.append(self._new_node(node.name))

    def _owes_words(self, node: Node) -> bool:
        """Whether it has not said again yet what the engine forgot, or that it took somebody for dead who lives."""
        if not node.cluster.links.kept:
            self._forgotten.discard(node)
        return node in self._forgotten or any(self._is_untold(other, node) for other in self.nodes)

    def _is_untold(self, node: Node, other: Node) -> bool:
        """Whether `node` lives, and doesn't know that `other` took it for dead, since the engine forgot that."""
        memory, mine, theirs = self.engine.memory, node.cluster, other.cluster
        is_forgotten = mine.roster.me in memory.nodes or mine.roster.epoch != memory.epoch
        buried, link = theirs.links._buried.get(mine.roster.me), mine.links._links.get(theirs.roster.me)
        return not node.is_dead and is_forgotten and bool(buried and link) and not 0 < buried[0] < link.birth

    def kill_owner(self) -> None:
        """The owner of a room dies, if both who are in it are elsewhere."""
        owners = {channel.opening.room: node for node in self.nodes for channel in node.cluster.channels.values()}
        alone = {room: node for room, node in owners.items() if not (node.is_dead or list(node.local.locals(room)))}
        if alone:
            room = self.random.choice(list(alone))
            self._stall([person for person in self.rooms.get(room, ()) if self.lives(person)])
            self._kill(alone[room])

    def _stall(self, people: list[Person]) -> None:
        """Let one of them say much that another doesn't take."""
        if len(people) == 2 and self.random.random() < 0.5:
            people[1].reads(False)
            for _ in range(4):
                people[0].says(10, 300)
                self.flow()
                self._pass_time()

    def evict(self) -> None:
        """Somebody takes a living node for dead."""
        owing = {node.cluster.roster.me for node in self.nodes if self._owes_words(node)}
        if others := [node for node in self.engine.memory.nodes if node not in owing]:
            self.engine.run("evict", self.random.choice(others), "*")

    def heal(self) -> None:
        """All that can be mended is mended."""
        self.engine.is_frozen = False
        for node in self.nodes:
            node.is_partitioned = False
            node.thaw()
        for person in self.people:
            if self.lives(person) and not person.is_reading:
                person.reads(True)
