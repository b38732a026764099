"""Conversations over three machines while the engine forgets, freezes and fails over, and machines stop and die."""

from __future__ import annotations

import sys
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.machines import Machines, small_windows
from tests.harness.nodes import Person

ENGINE = ["cut", "cut", "cut_all", "flush", "wipe", "freeze_engine", "thaw_engine"]
"""What may happen to an engine, and mustn't let anybody go."""
DEATHS = ["kill", "kill_owner", "kill_owner"]
ANYTHING = [*ENGINE, *DEATHS, "lose_tail", "freeze", "freeze", "part", "part", "evict", "heal"]


def pairs(seed: int, faults: list[str], often: float = 0.06, steps: int = 300) -> Machines:
    """Play one schedule of pairs on three machines, and check all that is promised."""
    world = Machines(seed)
    is_kind = faults is not ANYTHING
    if is_kind or seed % 2:
        world.run(2)
    for _ in range(steps):
        free = [room for room in "abcde" if world.is_over(room)]
        if len(free) > 2:
            world.pair(world.random.choice(free), "kill" in faults)
        if is_kind:
            world.connect()
            world.flow_in_time()
            if world.random.random() < 0.02:
                world.stranger()
        world.step(often, faults)
        world.look()
    world.heal()
    world.run(60, 0.1)
    world.look()
    for members in world.rooms.values():
        check_pair(world, *members)
    check_nothing_is_left(world)
    return world


def check_pair(world: Machines, one: Person, two: Person) -> None:
    """Both are there and have heard everything, or who is left knows it."""
    for person, other in ((one, two), (two, one)):
        witness = person.witness
        is_lenient = other.was_left or other.witness.met - world.hosts > {person.name}
        missed = witness.first.get(other.name, 0) * world.lives(other)
        assert not missed or is_lenient, f"{person.name} missed {missed} of {other.name}, who doesn't know it"
        company = witness.company - world.strangers
        if not world.lives(person):
            reads_nothing = person.end.closed == "aborted" and not person.is_reading
            was_told = witness.is_closed or person.has_left or person.node.is_dead or reads_nothing
            assert was_told, f"{person.name} was told nothing"
        elif world.lives(other):
            assert not person.speaks_json or company == {other.name}, f"{person.name} believes to be with {company}"
            heard = witness.last.get(other.name, -1) + 1
            assert heard == other.said or is_lenient, f"{person.name} heard {heard} of {other.said} from {other.name}"
        else:
            assert not company, f"{person.name} believes to be with {company}"
            has_met = other.name in witness.last
            assert not has_met or witness.lefts, f"{person.name} wasn't told that {other.name} is gone"


def check_nobody_is_let_go(world: Machines) -> None:
    """Who had a seat and whose machine lives was not hung up on."""
    for person in world.people:
        let_go = person.witness.is_seated and person.witness.is_closed and not person.has_left
        assert not let_go, f"{person.name} was let go: {person.taken[-90:]!r}"


def check_nothing_is_left(world: Machines) -> None:
    """When all have gone and every node has left, nobody holds anything, and no timer runs."""
    for person in world.people:
        if not person.end.closed and not person.node.is_dead:
            person.leaves("lost")
    world.run(10, 0.1)
    for node in world.nodes:
        if not node.is_dead:
            assert node.leftovers() == [], f"{node.name} holds {node.leftovers()}"
            answers: list[object] = []
            node.cluster.leave(answers.append)
            world.flow()
            assert answers == ["1"], answers
            assert node.clock.getDelayedCalls() == [], node.clock.getDelayedCalls()
    memory = world.engine.memory
    memory.rooms = {room: owner for room, owner in memory.rooms.items() if owner not in memory.orphans}
    assert not (memory.rooms or memory.nodes or memory.inboxes), f"the engine holds {memory.__dict__}"


def anything(seed: int) -> Machines:
    """Whatever may fail fails, also at once."""
    with small_windows():
        return pairs(seed, ANYTHING)


def engine_fails(seed: int) -> Machines:
    """Only the engine fails: nobody is let go, and no machine is taken for dead."""
    world = pairs(seed, ENGINE)
    check_nobody_is_let_go(world)
    assert world.engine.evictions == 3, "a machine was taken for dead"
    return world


def machines_die(seed: int) -> Machines:
    """Machines die: nobody on another one is let go."""
    with small_windows():
        world = pairs(seed, DEATHS)
    check_nobody_is_let_go(world)
    return world


def many(seed: int) -> Machines:
    """A larger room whose owner dies: all hear the same, in one order, and without a hole."""
    world = Machines(seed, seats=0)
    world.run(2)
    for _ in range(9):
        world.join("a")
    world.run(0.2)
    for _ in range(150):
        world.connect()
        if world.random.random() < 0.02 and not any(node.is_dead for node in world.nodes):
            world.kill_room("a")
            world.run(0.5)
        world.step(0.0, [], stops_reading=False)
        world.look()
    world.run(20, 0.1)
    world.look()
    check_one_order(world)
    check_nothing_is_left(world)
    return world


def check_one_order(world: Machines) -> None:
    """All who are there have heard the same lines of each other, in the same order."""
    there = [person for person in world.people if world.lives(person)]
    for person in there:
        company = {other.name for other in there} - {person.name}
        assert not person.speaks_json or person.witness.company == company, f"{person.witness.company} of {company}"
        for other in there:
            heard = person.witness.last.get(other.name, -1) + 1
            assert other is person or heard == other.said, f"{person.name} heard {heard} of {other.said} of {other.name}"
    for person in there:
        for other in there:
            both = {person.name, other.name}
            mine = [line for line in person.witness.order if line[0] not in both]
            theirs = [line for line in other.witness.order if line[0] not in both]
            shared = set(mine) & set(theirs)
            assert [x for x in mine if x in shared] == [x for x in theirs if x in shared], "two orders"


KINDS: dict[str, Callable[[int], Machines]] = {
    "anything": anything,
    "engine_fails": engine_fails,
    "machines_die": machines_die,
    "many": many,
}


class Simulation(SynchronousTestCase):
    """Many schedules, each by its seed; a hundred quick ones of all kinds."""

    def _play(self, kind: str, seeds: int) -> None:
        for seed in range(seeds):
            try:
                KINDS[kind](seed)
            except BaseException as fault:
                raise AssertionError(f"{kind} {seed}: {fault}") from fault

    def test_anything(self) -> None:
        """Nobody loses, doubles or misses a line without being told, whatever fails; and nothing is left behind."""
        self._play("anything", 40)

    def test_the_engine_fails(self) -> None:
        """Nobody is let go because an engine forgot, froze or went away, and no machine is taken for dead."""
        self._play("engine_fails", 20)

    def test_machines_die(self) -> None:
        """Nobody is let go because another machine died, be it the owner of the room; strangers get no seat."""
        self._play("machines_die", 20)

    def test_many(self) -> None:
        """In a larger room all hear the same lines in the same order, also if its owner dies."""
        self._play("many", 20)


def main(kind: str, first: str, last: str) -> None:
    """Play many seeds: `python -m tests.cluster.test_simulation anything 0 1000`."""
    failed = lines = faults = ends = let_go = 0
    for seed in range(int(first), int(last)):
        try:
            world = KINDS[kind](seed)
            lines += sum(len(person.witness.order) for person in world.people)
            ends += len(world.people)
            faults += world.faults
            let_go += sum(person.witness.is_closed for person in world.people)
        except Exception as fault:
            failed += 1
            print(f"{kind} {seed}: {type(fault).__name__} {fault}", flush=True)
    print(f"{kind}, {first} to {last}: {failed} failed; {ends} ends, {let_go} let go, {lines} lines, {faults} faults")


def first_failure(seeds: int) -> str:
    """Return the first failure of all kinds of schedules, each with so many seeds; nothing if there is none."""
    for seed in range(seeds):
        for kind, play in KINDS.items():
            try:
                play(seed)
            except Exception as fault:
                return f"{kind} {seed}: {type(fault).__name__} {fault}"[:150]
    return ""


if __name__ == "__main__":
    main(*sys.argv[1:4])
