"""Sessions under simulation: real ends and real seats, links that are cut, hubs that are killed; all from a seed.

`python -m tests.harness.session_world runs N [FIRST]` plays N seeds from FIRST, pairs and larger rooms in turn, and says
which promises were broken; `show SEED` plays one aloud.
"""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import NamedTuple

from chatterbox.wire.lane import BLOCK_COST

from .session_checks import check_pair, check_room
from .session_ends import PlainEnd, SessionEnd
from .session_hub import Hub
from .session_links import Clock

LIMIT = 8 * (BLOCK_COST + 4)
"""Bytes that an end keeps: eight lines."""
QUIET = 250.0
"""From here on nothing is done to anybody: the world must come to rest."""
END = 500.0


class Line(NamedTuple):
    """Who said a line, in which life of the hub, and how."""

    end: SessionEnd | PlainEnd
    life: int
    kind: str


class Act(NamedTuple):
    """Something that happens to somebody."""

    at: float
    what: str
    who: str
    chance: int


class World:
    """One run."""

    def __init__(self, seed: int, seats: int, verbose: bool = False) -> None:
        self.clock = Clock(seed, verbose)
        self.seed = seed
        self.seats = seats
        self.limit = LIMIT
        self.lives = 1
        self.ends: list[SessionEnd | PlainEnd] = []
        self.named: dict[str, SessionEnd | PlainEnd] = {}
        self.lines: dict[int, Line] = {}
        self.sent_to: dict[int, set[str]] = defaultdict(set)
        self.displays: dict[SessionEnd | PlainEnd, list[tuple[str, int]]] = defaultdict(list)
        self.connects: list[float] = []
        self.cloned = self.thirds = False
        self.tells_limit = seed % 11 > 0
        """Whether welcomes tell how long a line may be."""
        self.closing: set[str] = set()
        self.acts: list[Act] = []
        self.hub = Hub(self, seats)

    def new_line(self, end: SessionEnd | PlainEnd, kind: str) -> int:
        """Count a line that is said."""
        uid = len(self.lines) + 1
        self.lines[uid] = Line(end, self.lives, kind)
        self.clock.log(end.key, "SAYS", uid, kind)
        return uid

    def shown(self, end: SessionEnd | PlainEnd, stream: str, uid: int) -> None:
        """A line is displayed somewhere."""
        self.displays[end].append((stream, uid))
        self.clock.log(end.key, "SHOWS", uid)

    def kill(self, chance: random.Random) -> None:
        """Kill the hub, and start another."""
        if not self.hub.dead:
            self.hub.kill()
            self.clock.later(chance.choice((0.1, 3, 20)), self.restart)

    def restart(self) -> None:
        self.lives += 1
        self.hub = Hub(self, self.seats)


def _say(end: SessionEnd | PlainEnd, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 2, 3, 12))):
        what = "say" if end.plain else chance.choices(("say", "me", "msg", "long"), (40, 2, 3, 0.3))[0]
        count = 1 if chance.random() < 0.8 else 3
        end.order((what, chance.randrange(8) if what == "msg" else 1 if what == "me" else count))


def _third(world: World, chance: random.Random) -> None:
    """Somebody else wants a seat, and goes after a while."""
    world.thirds = True
    key = f"third{len(world.ends)}"
    room, kind = chance.choice("AAB"), chance.choice(("plain", "plain", "session", "session", "sender"))
    end: SessionEnd | PlainEnd
    end = PlainEnd(world, key, room) if kind == "plain" else SessionEnd(world, key, room, listens=kind != "sender")
    if kind == "sender":
        end.order(("say", 2), ("done", 0))
    elif chance.random() < 0.5:
        end.order(("say", 1))
    world.clock.later(chance.choice((3, 20, 60)), lambda: end.alive and end.die())


def act_on(world: World, act: Act) -> None:
    """Let one thing happen."""
    chance, what = random.Random(act.chance), act.what
    world.clock.log("ACT", what, act.who)
    end = world.named.get(act.who)
    if what == "kill":
        world.kill(chance)
    elif what == "third":
        _third(world, chance)
    elif end is None or not end.alive:
        return
    elif what == "say" and act.who not in world.closing:
        _say(end, chance)
    elif what == "cut" and end.link:
        end.link.cut()
    elif what == "freeze" and end.link:
        end.link.freeze(chance.uniform(1, 80))
    elif what == "die":
        end.die()
    elif what == "done" and act.who not in world.closing:
        world.closing.add(act.who)
        end.order(("done", 0))
    elif isinstance(end, SessionEnd):
        _act_on_session(world, end, act, chance)


def _act_on_session(world: World, end: SessionEnd, act: Act, chance: random.Random) -> None:
    what = act.what
    if what == "stall":
        end.stall(chance.choice((1, 5, 30)))
    elif what == "stop":
        end.sleep(chance.choice((1, 30, 90)), whole=chance.random() < 0.5)
    elif what == "clone":
        world.cloned = True
        end.clone()
    elif act.who in world.closing:
        return
    elif what == "join":
        end.order(("join", chance.choice("AB")))
    elif what == "nick":
        end.order(("nick", chance.choice(("ann", "bob", "eve", end.key))))
    elif what == "quit":
        world.closing.add(act.who)
        end.order(("leave", 30.0))


def plan(seed: int, seats: int) -> list[Act]:
    """Return what happens in a run: some of it anywhere, some of it biased to the moments that hurt."""
    chance = random.Random(seed * 7 + 1)
    acts: list[tuple[float, str, str]] = []
    whom: Callable[[], str] = lambda: chance.choice("ab" if seats == 2 else "abcde")  # noqa: E731  # one expression
    kinds = {"say": 40, "cut": 22, "kill": 9, "stall": 5, "freeze": 5, "stop": 3, "join": 5, "nick": 2, "quit": 1, "done": 3, "die": 2, "third": 6}
    if seats > 2:
        kinds |= {"join": 2, "third": 0, "done": 0, "say": 60}
    for _ in range(chance.randint(4, 22 if seats == 2 else 40)):
        what = chance.choices(list(kinds), list(kinds.values()))[0]
        at = chance.uniform(0, 100) if chance.random() < 0.5 else 20 + chance.uniform(0, 3)
        acts.append((at, what, whom()))
    acts += _biased(chance, seats, whom)
    return sorted(Act(at, what, who, chance.randint(1, 1 << 20)) for at, what, who in acts)


def _biased(chance: random.Random, seats: int, whom: Callable[[], str]) -> list[tuple[float, str, str]]:
    """Return what is biased to the close, to a move or a leaving, to a restart, and to ends that stand still."""
    acts: list[tuple[float, str, str]] = []
    for what in ("join", "quit"):
        if chance.random() < 0.08:
            at = chance.uniform(10, 90)
            acts += [(at, what, "b"), (at + chance.uniform(0, 0.5), chance.choice(("kill", "cut")), whom())]
            acts += [(at + chance.uniform(0, 3), "say", "a"), (at + 8, "join", "b")]
    if chance.random() < 0.1:  # a stalled reader whose link is cut while its stdout takes nothing
        at = chance.uniform(10, 60)
        acts += [(at, "stall", "b"), (at + 1, "say", "a"), (at + 1, chance.choice(("quit", "cut", "join")), "b")]
    return acts if seats > 2 else acts + _biased_in_pairs(chance, whom)


def _biased_in_pairs(chance: random.Random, whom: Callable[[], str]) -> list[tuple[float, str, str]]:
    acts: list[tuple[float, str, str]] = []
    if chance.random() < 0.4:
        acts += [(105, "done", "a"), (105, "done", "b")]
        if chance.random() < 0.5:
            acts += [(105 + chance.uniform(0, 1.2), "cut", whom()) for _ in range(2)]
        if chance.random() < 0.1:
            acts.append((105 + chance.uniform(0, 1.2), "kill", "a"))
    if chance.random() < 0.15:
        at = chance.uniform(10, 60)
        acts += [(at, "kill", "a"), (at + chance.choice((0.2, 4, 21)), "third", "a"), (at + chance.uniform(0, 9), "kill", "a")]
    if chance.random() < 0.15:
        at = chance.uniform(10, 60)
        acts += [(at, "freeze", "a"), (at + 0.1, "say", "a"), (at + 0.2, chance.choice(("join", "quit", "die")), "b")]
        acts.append((at + chance.choice((0.5, 3, 20, 62)), "third", "a"))
    if chance.random() < 0.05:
        acts.append((50, "clone", "a"))
    return acts


def play(seed: int, acts: list[Act] | None = None, verbose: bool = False) -> World:
    """Play one seed: a larger room where it divides by three, else a pair; return the world, with what is bad."""
    seats = 5 if seed % 3 == 0 else 2
    world = World(seed, seats, verbose)
    world.acts = plan(seed, seats) if acts is None else acts

    def come(key: str, plain: bool) -> None:
        world.named[key] = PlainEnd(world, key, "A") if plain else SessionEnd(world, key, "A")

    if seats == 2:
        come("a", plain=False)
        world.clock.later(0.5, come, "b", seed % 7 == 2)
    else:
        for number, key in enumerate("abcde"):
            world.clock.later((0, 0.5, 1, 30, 2)[number], come, key, key == "e" and seed % 2 == 0)
    for act in world.acts:
        world.clock.later(act.at + 2, act_on, world, act)
    world.clock.run(END)
    if len([at for at in world.connects if at > QUIET]) > 4:
        world.clock.fail("resumes never end")
    if not world.cloned:
        (check_pair if seats == 2 else check_room)(world)
    return world


def shrink(seed: int) -> list[Act]:
    """Return the fewest acts with which the first fault of a seed is still there."""
    world = play(seed)
    acts, kind, index = world.acts, world.clock.bad[0], 0
    while index < len(acts):
        fewer = acts[:index] + acts[index + 1 :]
        if kind in play(seed, fewer).clock.bad:
            acts = fewer
        else:
            index += 1
    return acts


def runs(count: int, first: int) -> tuple[Counter[str], dict[str, int], Counter[str]]:
    """Play many seeds; return how often each fault was seen, a seed for each, and what was done."""
    faults: Counter[str] = Counter()
    examples: dict[str, int] = {}
    totals: Counter[str] = Counter()
    for seed in range(first, first + count):
        world = play(seed)
        totals.update(world.clock.counts)
        totals.update({"lines": len(world.lines), "restarts": world.lives - 1, "shown": sum(map(len, world.displays.values()))})
        for fault in world.clock.bad:
            faults[fault] += 1
            best = examples.get(fault)
            if best is None or len(world.acts) < len(plan(best, 5 if best % 3 == 0 else 2)):
                examples[fault] = seed
    return faults, examples, totals


def main(args: list[str]) -> int:
    """Run what the command line asks for; return 1 where a promise was broken."""
    if args[:1] == ["show"]:
        acts = shrink(int(args[1])) if play(int(args[1])).clock.bad else None
        world = play(int(args[1]), acts, verbose=True)
        print(world.clock.bad, *(acts or []), sep="\n")
        return 0
    faults, examples, totals = runs(int(args[1]), int(args[2]) if len(args) > 2 else 0)
    print(dict(totals), "\n", {fault: (number, f"seed {examples[fault]}") for fault, number in faults.items()} or "no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
