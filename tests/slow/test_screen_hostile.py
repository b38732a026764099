"""The client on a real terminal: hostile lines, and many lines."""

from __future__ import annotations

import random
import re

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.played import played_hub
from tests.harness.processes import is_idle, threads, until
from tests.harness.terminals import Emulator, Tty, client

KNOWN = [
    *("\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b[c", "\x1b[6n", "\x9b2J", "\x9d0;owned\x9c", "\x1b[?1003h"),
    *("\x1b[?1049h", "\x85forged: hi", "\u2028forged: hi", "\rforged: hi", "over\b\b\b\bwritten", "\x1bc"),
    *("\x1b(0lqqk", "\x0e\x0f", "\x1b[31m red", "\u202egnorw", "\u2066\u2067", "\x1bP$q q\x1b\\", "\x00\x07\x7f"),
    *("\ud800", "-!- bob left (quit)", "\t\ttab", "日本語" * 60, "e\u0301" * 80),
]
PIECES = [
    *("\x1b[", "\x9b", "\x1b]", "\x07", "\r", "\n", "\x0b", "\x85", "\u2028", "\u202e"),
    *("?25l", "6n", "2J", "H", ";", "m", "x", "日", "🙂", "\u0301"),
]


class Strangers(SynchronousTestCase):
    """hostile.md F9 and F10: what other people send can do nothing to the terminal."""

    OURS = re.compile(
        rb"\x1b\[(?:[0-9;]*m|[0-9]*[ABCDJK]"  # colours, moves, erasing
        rb"|\?(?:7|12|25|2004)[hl]|\?1l)"  # the editor's own modes
    )
    DANGEROUS = re.compile("[\x00-\x06\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

    def test_hostile_lines(self) -> None:
        """Hundreds of hostile lines, names and room names leave the terminal as it was, each on rows of its own."""
        lines = hostile_lines(300)
        with played_hub() as played, client("127.0.0.1", played.port, columns=100) as tty:
            played.welcome(room="tea\x1b]0;owned\x07\x9b2J")
            tty.until("with bob")
            tty.type("half")
            tty.until("> half")
            for number, line in enumerate(lines):
                played.said(f"{number}<{line}>", name=("bob", f"b{line[:8]}b")[number % 2])
                if number % 10 == 0:
                    kinds = ({"event": "notice"}, {"event": "told", "from": line}, {"event": "did", "from": line})
                    played.say(*({**kind, "text": line} for kind in kinds))
                    played.say(
                        {"event": "joined", "name": line[:20]}, {"event": "left", "name": line[:20], "why": line}
                    )
            played.said("the end")
            tty.until("bob: the end")
            tty.settle()
            self.judge(tty, "> half")
            rows = tty.rows()
            for number in range(len(lines)):
                self.assertEqual(sum(bool(re.match(rf"b.*: {number}<", row)) for row in rows), 1, lines[number])

    def judge(self, tty: Tty, prompt: str) -> None:
        """Judge by the bytes and by an emulator: no sequence but ours, no answer, no mode, no title, no lost prompt."""
        rest = self.OURS.sub(b"", tty.raw)
        self.assertNotIn(b"\x1b", rest)
        self.assertIsNone(self.DANGEROUS.search(rest.decode()))
        self.assertEqual(tty.screen.answers, [])
        self.assertEqual(tty.screen.title, "")
        self.assertFalse(tty.screen.cursor.hidden)
        self.assertLessEqual(tty.screen.mode, Emulator(10, 10).mode | {2004 << 5, 12 << 5})
        self.assertEqual(tty.typed_row(), prompt)

    def test_hostile_drafts(self) -> None:
        """Keys are clean as well, in the row where a draft is seen and in the lines they make."""
        with played_hub() as played, client("127.0.0.1", played.port, columns=60) as tty:
            played.welcome("talk")
            tty.until("with bob")
            for line in hostile_lines(40):
                played.say({"event": "typed", "from": "bob", "keys": line + "\x15" + line})
                played.say({"event": "typed", "from": line, "keys": line + "\n"})
            played.say({"event": "typed", "from": "bob", "keys": "\x15the end"})
            tty.until("\nthe end\n")
            tty.settle()
            self.judge(tty, ">")


def hostile_lines(count: int) -> list[str]:
    """Return lines that would do something to a terminal: the known ones, and generated ones."""
    dice = random.Random(1)
    return KNOWN + ["".join(dice.choices(PIECES, k=dice.randrange(1, 30))) for _ in range(count - len(KNOWN))]


class Load(SynchronousTestCase):
    """Many lines at once."""

    def test_flood(self) -> None:
        """20,000 lines at once all arrive, in order, and the prompt lives in between."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            total = 20_000
            lines = [f"line {number} of a flood" for number in range(total)]
            tty.type("ali")
            for start in range(0, total, 1000):
                played.said(*lines[start : start + 1000])
                while tty.look():
                    pass
                if start == total // 2:
                    tty.type("ve\r")
            tty.until(lambda: f"line {total - 1} of".encode() in tty.raw)  # a terminal that nobody reads stops the client
            self.assertEqual(played.hear()["text"], "alive")
            seen = [int(word) for word in tty.raw.decode().split("line ")[1:] for word in [word.split()[0]]]
            self.assertEqual(seen, list(range(total)))

    def test_one_thread(self) -> None:
        """004-9: no thread is spawned, and an idle client comes to cost nothing worth measuring (000-11)."""
        with played_hub() as played, client("127.0.0.1", played.port) as tty:
            played.welcome()
            tty.until("with bob")
            tty.type("/h\t\x15")
            tty.settle()
            self.assertEqual(threads(tty.pid), 1)
            until(lambda: is_idle(tty.pid))
