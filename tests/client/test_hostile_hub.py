"""A hostile hub makes a client neither slow nor large: its work is linear in what comes, and all that it keeps has a bound."""

from __future__ import annotations

import gc
import types
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.terminal.commands import complete
from chatterbox.client.terminal.history import KEPT, FileHistory
from chatterbox.wire.inbox import MOST_HEARD
from chatterbox.wire.numbered import LONGEST
from tests.client.test_session import Played
from tests.harness.chats import ChatCase
from tests.wire.test_linear import MOST, growth

NAME_SIZE = 8
"""Bytes of input that count for one name: the larger input of `growth` has 4,096."""


def event(kind: str, number: int, **more: object) -> dict[str, object]:
    """Return an event about the end of that number."""
    return {"event": kind, "name": f"n{number}", "stream": f"{number:016x}", "session": True, "away": False, **more}


def room() -> Played:
    """Return a session in a larger room."""
    played = Played()
    played.welcomes(seats=None)
    return played


def come(count: int) -> Played:
    """Return a session in a room into which so many have come, each told in an object."""
    played = room()
    played.says(*(event("joined", at) for at in range(count)))
    return played


def come_and_go(count: int) -> None:
    """Let so many come and leave, while a line of this end waits for all of them."""
    played = come(count)
    played.session.say(b"hi\n")
    played.says(*(event("left", at, why="quit", got=0) for at in range(count)))


def get(count: int) -> None:
    """Let so many get a line, one behind the other."""
    played = come(count)
    played.session.say(b"one\n")
    played.says(*(event("got", at, n=1) for at in range(count)))


def speak(count: int) -> None:
    """Let so many say a line each, which is shown."""
    played = come(count)
    for at in range(count):
        played.says(event("said", at, n=1, text="hi", **{"from": f"n{at}"}))
        played.session.shown()


STORMS: dict[str, Callable[[int], object]] = {"come": come, "come and go": come_and_go, "get": get, "speak": speak}


class Linear(SynchronousTestCase):
    """Eight times as much of it takes about eight times as long (processor time, the best of several)."""

    def test_a_session(self) -> None:
        """Whatever it hears of how many others, also while a line of its own is on its way to all of them."""
        for name, storm in STORMS.items():
            grown = growth(lambda block, storm=storm: storm(len(block) // NAME_SIZE), b"x")  # type: ignore[misc]
            self.assertLess(grown, MOST, name)

    def test_completions(self) -> None:
        """What Tab offers is looked for once in each name."""
        names = [f"n{at}" for at in range(4096)]
        self.assertEqual(len(complete("n1", names).words), len([name for name in names if name.startswith("n1")]))
        grown = growth(lambda block: complete("n", [f"n{at}" for at in range(len(block))]), b"x")
        self.assertLess(grown, MOST)

    def test_history(self) -> None:
        """A file of any number of lines is read once; no more than 1,000 of them are kept, the newest first."""
        history = FileHistory(Path(self.mktemp()))

        def read(block: bytes) -> None:
            history._path.write_bytes(b"line\n" * len(block))
            self.assertEqual(len(list(history.load_history_strings())), min(KEPT, len(block)))

        self.assertLess(growth(read, b"x"), MOST)


class Bounded(SynchronousTestCase):
    """What a session keeps of whom the hub names."""

    def test_max_and_one_more(self) -> None:
        """Of 4,097 who join the last is nobody; when somebody leaves there is a place again."""
        played = come(MOST_HEARD + 1)
        ends = played.session.company.ends
        self.assertEqual((len(ends), f"{MOST_HEARD:016x}" in ends), (MOST_HEARD, False))
        played.says(event("left", 0, why="quit", got=0), event("joined", MOST_HEARD))
        self.assertEqual((len(ends), f"{MOST_HEARD:016x}" in ends), (MOST_HEARD, True))

    def test_welcomes_that_name_others_each_time(self) -> None:
        """Those whom the last ones named are forgotten, the oldest first."""
        played = room()
        for first in range(0, 3 * MOST_HEARD, 1000):
            rows = [event("", at) for at in range(first, first + 1000)]
            played.says({"event": "welcome", "room": "tea", "name": "ann", "seats": None, "stream": "a" * 16, "grace": 1e9, "ends": rows})
        self.assertEqual(len(played.session.company.ends), MOST_HEARD)
        self.assertIn(f"{first + 999:016x}", played.session.company.ends)

    def test_long_names(self) -> None:
        """A name and a stream are kept as far as any hub of ours would give them."""
        played = room()
        played.says(event("joined", 1, name="x" * 10_000, stream="y" * 10_000))
        [(stream, end)] = played.session.company.ends.items()
        self.assertEqual((len(stream), len(end.name)), (LONGEST, LONGEST))
        played.says({"event": "renamed", "stream": stream, "name": "x", "to": "z" * 10_000})
        self.assertEqual(len(end.name), LONGEST)

    def test_objects_that_wait_to_be_shown(self) -> None:
        """Empty lines count as what their objects take: after some 6,000 of them (768 KiB) the link isn't read."""
        played = room()
        for n in range(1, 10_000):
            played.says(event("said", 1, n=n, text="", **{"from": "n1"}))
            if played.wire.producerState == "paused":
                break
        self.assertLess(n, 6150)

    def test_all_that_it_keeps(self) -> None:
        """Twice as much of everything that a hub may say leaves no more objects behind."""

        def storm(size: int) -> int:
            played = come(size)
            played.session.say(b"hi\n")
            for at in range(size):
                played.says(
                    event("said", at, n=9, gap=3, text="hi", **{"from": f"n{at}"}),
                    event("got", at, n=1),
                    event("away", at),
                    event("renamed", at, to=f"m{at}"),
                )
                played.session.shown()
                played.shown.clear()
                played.lost_lines.clear()
                played.wire.clear()
            played.says(*(event("left", at, why="quit", finished=True, got=1) for at in range(size)))
            played.shown.clear()
            return reachable(played.session)

        self.assertLess(storm(2 * MOST_HEARD), 1.2 * storm(MOST_HEARD))


def reachable(start: object) -> int:
    """Return how many objects are reached from `start`, leaving out classes, modules and functions."""
    seen, waiting = {id(start)}, [start]
    while waiting:
        for found in gc.get_referents(waiting.pop()):
            if id(found) not in seen and not isinstance(found, type | types.ModuleType | types.FunctionType):
                seen.add(id(found))
                waiting.append(found)
    return len(seen)


class Terminal(ChatCase):
    """What a chat keeps of what the hub says."""

    def test_all_that_it_keeps(self) -> None:
        """Twice as much leaves no more objects behind."""

        def storm(size: int) -> int:
            self.welcome("room")
            for at in range(size):
                self.hear("joined", name=f"n{at}")
                self.hear("said", **{"from": f"n{at}", "text": "hi"})
                self.hear("told", **{"from": f"n{at}", "text": "hi"})
                self.hear("finished", name=f"n{at}")
                self.hear("away", name=f"n{at}")
                self.hear("typed", **{"from": f"n{at}", "keys": "x"})
                self.hear("renamed", name=f"n{at}", to="m" * 5000 + f"{at}")
                self.hear("error", code="name", text=f"not {at}")
                self.out.rows.clear()
                self.out.kinds.clear()
            return reachable(self.chat)

        self.assertLess(storm(16_000), 1.2 * storm(10_000))
