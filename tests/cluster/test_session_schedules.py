"""Sessions over three machines while the engine and the machines fail: every line is heard once, and both ends know it."""

from __future__ import annotations

import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.cluster.test_simulation import ANYTHING
from tests.harness.machines import Machines, small_windows
from tests.harness.nodes import Node
from tests.harness.session_client import Client

ROOMS = "abc"


class Guest(Client):
    """One session, which comes back through any machine; its clock is nobody else's."""

    def __init__(self, world: Machines, room: str, name: str) -> None:
        self.world = world
        self.at: Node = world.random.choice(self.open())
        self.heard: list[str] = []
        self.number = 0
        self.due = 0.0
        super().__init__(self.at.hub, room, name)

    @property
    def now(self) -> float:
        """Time passes as at the machine where most has."""
        return max(node.clock.seconds() for node in self.world.nodes)

    def open(self) -> list[Node]:
        """Return the machines that take somebody in."""
        return [node for node in self.world.nodes if not (node.is_dead or node.is_frozen)]

    def lives(self) -> None:
        """Lose a link that is broken, make one that is wanted, and hear what has come."""
        if self.end and (self.at.is_dead or self.end.closed):
            if not self.at.is_dead:
                self.turn()
            self.cut(both=False)
            self.due = self.now + 0.5
        if self.end is None and self.exit is None and self.now >= self.due and (machines := self.open()):
            self.at = self.world.random.choice(machines)
            self.due = self.now + 0.5
            self.connect(self.at.hub)
        elif not self.at.is_frozen:
            self.turn()

    def speaks(self) -> None:
        """Say some lines."""
        for _ in range(self.world.random.choice((1, 1, 3, 20))):
            self.says(f"{self.name} {self.number} ".ljust(self.world.random.choice((10, 300)), "."))
            self.number += 1

    @property
    def name(self) -> str:
        """What it wants to be called."""
        return self.resume._want_name or self.resume.name


def play(seed: int) -> Machines:
    """Play one schedule."""
    with small_windows():
        world = Machines(seed)
        chance = world.random
        world.run(2)
        pairs = []
        for room in ROOMS:
            pair = Guest(world, room, f"{room}1"), Guest(world, room, f"{room}2")
            pairs.append(pair)
            _go_on(world, pair, 1.0)
        everybody = [guest for pair in pairs for guest in pair]
        for _ in range(200):
            guest = chance.choice(everybody)
            if chance.random() < 0.3:
                guest.speaks()
            elif chance.random() < 0.05 and guest.end:
                guest.cut(both=chance.random() < 0.7)
                guest.due = guest.now + chance.choice((0.0, 0.5, 3.0))
            world.step(0.06, ANYTHING)
            for each in everybody:
                each.lives()
        for _ in range(4):
            world.heal()
            _go_on(world, everybody, 8.0)
        for pair in pairs:
            _check(*pair)
            _check(*pair[::-1])
        return world


def _go_on(world: Machines, guests: tuple[Guest, ...] | list[Guest], seconds: float) -> None:
    for _ in range(round(seconds / 0.1)):
        for guest in guests:
            guest.lives()
        world.run(0.1, 0.05)


def _check(one: Guest, other: Guest) -> None:
    """`one` has heard all that `other` said, once and in order, and `other` knows it."""
    assert one.exit is None, f"{one.name} ended: {one.exit}"
    heard = [int(line.split()[1]) for line in one.said]
    assert heard == list(range(other.number)), f"{one.name} heard {heard} of {other.number} of {other.name}"
    assert one.missed == 0, f"{one.name} missed {one.missed}"
    lost = [fate for fate in other.fates if fate[0] != "got"]
    assert not lost and other.resume.outbox.empty, f"{other.name} was told {lost}"


class Schedules(SynchronousTestCase):
    """Some schedules, each by its seed."""

    def test_anything(self) -> None:
        """Whatever fails, and however often a link is cut, no session loses, doubles or misses a line."""
        for seed in (0, 1, 2, 3, 34, 36, 51, 64, 122, 127, 139, 1155):
            try:
                play(seed)
            except Exception as fault:
                raise AssertionError(f"{seed}: {type(fault).__name__} {fault}") from fault


def main(first: str, last: str) -> None:
    """Play the schedules of some seeds, and print what fails."""
    failed = []
    for seed in range(int(first), int(last)):
        try:
            play(seed)
        except Exception as fault:
            failed.append(seed)
            print(f"{seed}: {type(fault).__name__} {str(fault)[:300]}", flush=True)
    print(f"{first} to {last}: {len(failed)} failed {failed}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
