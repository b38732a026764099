"""The log: one record for each event worth an operator's time, in ASCII, and nothing that people say."""

from __future__ import annotations

import io
import json
import re
import signal
from typing import Any

from twisted.logger import LogLevel, formatEventAsClassicLogText
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.log import SENTENCE, FileLog, json_record, text_record
from tests.harness.ends import Socket
from tests.harness.hardship import gathered, patched
from tests.harness.processes import TWISTD, Hub

CANARY = "canary"
"""What is said here, in every way there is, and may not be in a log."""
HELLO = '{"chatterbox": 1}'


class Records(SynchronousTestCase):
    """The text log of a real hub."""

    def _records(self, hub: Hub) -> list[str]:
        """Return what the journal recorded, without times and addresses."""
        hub.stops(signal.SIGTERM)
        found = re.findall(r"\[chatterbox#info\] (.*)", hub.log)
        return [re.sub(r" (from )?127\.0\.0\.1:\d+", "", record) for record in found]

    def test_one_record_an_event(self) -> None:
        """A join is a record, a leave one with its word, and so is who is sent away; nothing else is."""
        with Hub() as hub:
            ann, bob = hub.pair()
            hub.peer("hi").rest()
            bob.says("hello", "/who", "/me waves", "/nick bob")
            ann.skips("-!- your partner is now known as bob")
            bob.reset()
            ann.hears("-!- your partner left (lost)")
            ann.says("/quit")
            ann.rest()
            self.assertEqual(
                self._records(hub),
                ["joined 'lobby': 'guest-1'", "joined 'lobby': 'guest-2'", "refused (full)",
                 "left 'lobby': 'bob' (lost)", "left 'lobby': 'guest-1' (quit)"],
            )  # fmt: skip

    def test_where_it_listens(self) -> None:
        """The first record says where the hub listens."""
        with Hub() as hub:
            self.assertRegex(hub.log, rf"#info\] listening on 127\.0\.0\.1:{hub.port}\n")

    def test_no_record_per_hostile_line(self) -> None:
        """A thousand lines of each hostile kind, moves and renames among them, leave a join and a leave."""
        kinds = ["/join a\n/join b", "/nick x\n/nick y", "/join ?\n/nick ?", "x" * 5000, "/msg nobody hi", "\x1b[2J"]
        with Hub() as hub:
            for kind in kinds:
                end = hub.peer(room="a")
                end.says("/who")
                end.hears("-!- here: guest-1")
                before = len(hub.log.splitlines())
                self._say_all(end, kind)
                self.assertLess(len(hub.log.splitlines()) - before, 5, kind)

    def _say_all(self, end: Socket, kind: str) -> None:
        """Say a thousand lines, in portions whose answers are read, and leave."""
        for _ in range(50):
            end.says(*[kind] * 20, "/who")
            while not end.line().startswith("-!- here:"):
                pass
        end.says("/quit")
        end.rest()

    def test_nothing_that_people_say(self) -> None:
        """Said, done, told, typed, too long, early, or with a traceback: words of people aren't in the log."""
        source = "from chatterbox.core.room import Room\ndef fail(room, event):\n    raise RuntimeError\nRoom._told = fail"
        with self.assertRaisesRegex(AssertionError, "Traceback") as told, Hub(command=patched(source)) as hub:
            early = hub.peer(f"{CANARY}, early")
            bob = hub.peer(HELLO, *(json.dumps({"verb": verb, "text": CANARY}) for verb in ("say", "me", "?")))
            bob.says(json.dumps({"verb": "type", "keys": CANARY}), CANARY, f'{{"{CANARY}": ')
            early.skips(f"* guest-2 {CANARY}")
            early.says(CANARY * 1000, f"/me {CANARY}", f"/{CANARY}", f"/join {CANARY}?", f"/nick {CANARY}?")
            early.says(f"/msg guest-2 {CANARY}")
            early.rest()
        self.assertNotIn(CANARY, str(told.exception))

    def test_ascii(self) -> None:
        """Whatever is sent as a name, a room or a line, the log is ASCII, and its lines are the hub's own."""
        tricks = ["h\u00e9!", "\x1b[31mred", "a\rb", "\u202eevil", "2026-01-01 [chatterbox#info] joined", "\u2028"]
        with Hub("--mode", "room") as hub:
            (ann,) = gathered(hub, "ann")
            for trick in tricks:
                hub.peer(trick, trick, trick, trick).rest()
                ann.says(f"/join {trick}", f"/nick {trick}", trick)
                ann.line()
            gathered(hub, "h\u00e9")
            hub.stops(signal.SIGTERM)
            self.assertTrue(hub.log.isascii())
            self.assertFalse(re.findall(r"[^\n\t -~]", hub.log))
            self.assertFalse([line for line in hub.log.splitlines() if not re.match(r"\d{4}-\d\d-\d\dT\d\d:", line)])


class Written(SynchronousTestCase):
    """A record whose words are made already."""

    def test_as_twisted_writes_it(self) -> None:
        """It looks as if Twisted had filled its format in, and what it says is no format."""
        for second, words in ((0.9, "joined"), (1.0, "two\nlines"), (1e9, "{log_source.secret} {"), (1e9 + 0.5, "left")):
            event = {
                "log_time": second, "log_level": LogLevel.info, "log_namespace": "chatterbox", "log_format": SENTENCE,
                "sentence": words,
            }  # fmt: skip
            self.assertEqual(text_record(event), formatEventAsClassicLogText(event))
            self.assertEqual(json.loads(json_record(event))["message"], words)

    def test_other_records(self) -> None:
        """Twisted writes what has another format, and a record without words is none."""
        event = {"log_time": 0.0, "log_level": LogLevel.warn, "log_namespace": "a", "log_format": "{b}", "b": 1}
        self.assertEqual(text_record(event), formatEventAsClassicLogText(event))
        out = io.StringIO()
        FileLog(out, text_record)({**event, "log_format": ""})
        self.assertEqual(out.getvalue(), "")


class Json(SynchronousTestCase):
    """`--log-json`."""

    def _is_sound(self, log: str) -> list[dict[str, Any]]:
        """Prove that each line is an object with time, level and message, in ASCII; return them."""
        self.assertTrue(log.isascii())
        rows: list[dict[str, Any]] = [json.loads(line) for line in log.splitlines()]
        for row in rows:
            self.assertGreaterEqual(row.keys(), {"time", "level", "message"})
        return rows

    def test_one_object_a_line(self) -> None:
        """Every line is one JSON object, and the journal's have event, room, name, address and why."""
        with Hub("--log-json") as hub:
            ann, bob = hub.pair()
            bob.says("/quit")
            ann.hears("-!- your partner left (quit)")
            hub.stops(signal.SIGTERM)
            rows = [row for row in self._is_sound(hub.log) if "event" in row]
            told = [(row["event"], row["room"], row["name"], row["why"]) for row in rows]
            joins = [("joined", "lobby", "guest-1", ""), ("joined", "lobby", "guest-2", "")]
            leaves = [("left", "lobby", "guest-2", "quit"), ("left", "lobby", "guest-1", "shutdown")]
            self.assertEqual(told, joins + leaves)
            self.assertEqual(rows[2]["address"], f"127.0.0.1:{bob.port}")

    def test_under_twistd(self) -> None:
        """`twistd --logger chatterbox.log.log_json` writes the same."""
        command = [*TWISTD, "-n", "--pidfile=", "--logger=chatterbox.log.log_json", "chatterbox", "--port"]
        with Hub(command=command) as hub:
            hub.peer("/who", "/quit").rest()
            hub.stops(signal.SIGTERM)
            rows = self._is_sound(hub.log)
            self.assertEqual([row["event"] for row in rows if "event" in row], ["joined", "left"])

    def test_a_failure(self) -> None:
        """A traceback, and whatever isn't JSON by nature, stays on the record's one line."""
        out = io.StringIO()
        event = {"log_time": 0.0, "log_level": LogLevel.critical, "log_format": "{name!r} fell", "name": b"\xff\n"}
        try:
            raise ValueError("two\nlines \u2028")
        except ValueError:
            FileLog(out, json_record)({**event, "log_failure": Failure()})
        (row,) = self._is_sound(out.getvalue())
        self.assertEqual((row["time"], row["level"]), ("1970-01-01T00:00:00.000+00:00", "critical"))
        self.assertEqual(row["message"], "b'\\xff\\n' fell")
        self.assertIn("ValueError: two\nlines", row["traceback"])
