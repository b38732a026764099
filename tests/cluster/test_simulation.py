"""Conversations over three machines while the engine forgets, freezes and fails over, and machines stop and die."""

from __future__ import annotations

import re
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.machines import Machines
from tests.harness.nodes import Person

LINE = re.compile(rb"^(p\d+) (\d+) ", re.M)
NOTICE = re.compile(rb"^-!- (welcome|joined|left|closed) ?([^ \n]*)", re.M)


def heard(person: Person) -> list[tuple[str, int]]:
    """Return speaker and number of each line that somebody heard."""
    return [(name.decode(), int(number)) for name, number in LINE.findall(person.taken)]


def company(person: Person) -> set[str]:
    """Return who is with somebody, by all that it was told."""
    here: set[str] = set()
    for kind, what in NOTICE.findall(person.taken):
        if kind == b"welcome":
            here = {name for name in what.decode().split(",") if name}
        elif kind == b"joined":
            here.add(what.decode())
        elif kind == b"left":
            here.discard(what.decode())
    return here


def check_order(person: Person) -> None:
    """Nobody hears a line twice, or out of order, or with a hole before it."""
    last: dict[str, int] = {}
    for name, number in heard(person):
        assert number == last.get(name, -1) + 1, f"{person.name} heard {number} of {name} after {last.get(name, -1)}"
        last[name] = number


def pairs(seed: int, fault: float = 0.04, steps: int = 300) -> Machines:
    """Play one schedule of three pairs on three machines, and check all that is promised."""
    world = Machines(seed)
    for _ in range(world.random.choice((0, 100))):
        world.run(0.02)
    for room in ("a", "b", "c"):
        for _ in range(2):
            world.join(room)
    for _ in range(steps):
        world.step(fault)
        for person in world.people:
            check_order(person)
    world.heal()
    world.run(60, 0.1)
    for room, members in world.rooms.items():
        check_pair(world, *members)
    for person in world.people:
        if world.lives(person):
            person.leaves()
    world.run(5, 0.1)
    for node in world.nodes:
        if not node.is_dead:
            assert node.leftovers() == [], f"{node.name} holds {node.leftovers()}"
            answers: list[object] = []
            node.cluster.leave(answers.append)
            world.flow()
            assert answers == ["1"], answers
            assert node.clock.getDelayedCalls() == [], node.clock.getDelayedCalls()
    assert not world.engine.memory.rooms or any(node.is_dead for node in world.nodes), world.engine.memory.rooms
    return world


def check_pair(world: Machines, one: Person, two: Person) -> None:
    """Both are there and have heard everything, or who is left knows it."""
    for person, other in ((one, two), (two, one)):
        check_order(person)
        if not world.lives(person):
            assert world.node_of(person).is_dead or b"-!- closed" in person.taken, f"{person.name} was told nothing"
        elif world.lives(other):
            assert company(person) == {other.name}, f"{person.name} believes to be with {company(person)}"
            last = max((number for name, number in heard(person) if name == other.name), default=-1)
            assert last == other.said - 1, f"{person.name} heard {last + 1} of {other.said} from {other.name}"
        else:
            assert company(person) == set(), f"{person.name} believes to be with {company(person)}"


class Simulation(SynchronousTestCase):
    """Many schedules, each by its seed."""

    def test_pairs(self) -> None:
        """Nobody loses, doubles or misses a line without being told, whatever fails; and nothing is left behind."""
        for seed in range(100):
            try:
                pairs(seed)
            except BaseException as fault:
                raise AssertionError(f"seed {seed}: {fault}") from fault


def main(first: int, last: int) -> None:
    """Play many seeds: `python -m tests.cluster.test_simulation 0 1000`."""
    failed = lines = faults = lived = 0
    for seed in range(first, last):
        try:
            world = pairs(seed)
            lines += sum(len(heard(person)) for person in world.people)
            faults += world.faults
            lived += sum(b"-!- closed" not in person.taken for person in world.people)
        except Exception as fault:
            failed += 1
            print(f"seed {seed}: {type(fault).__name__} {fault}", flush=True)
    print(f"{last - first} schedules, {failed} failed: {lines} lines, {faults} faults, {lived} never let go")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
