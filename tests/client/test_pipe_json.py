"""The client in pipes with `--json`: what a program sees that speaks JSON through it."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.memory_hub import BOB
from tests.harness.piping import Played


class InJson(SynchronousTestCase):
    """What a program sees that speaks JSON through it."""

    def out(self, played: Played) -> list[Any]:
        """Return the objects on stdout."""
        return [json.loads(line) for line in played.files.value().splitlines()]

    def test_events(self) -> None:
        """One object a line, each line with its number, outcomes and lost links; nothing on stderr, and no secret."""
        played = Played(json=True)
        played.welcomes("bob")
        played.types(b'{"verb": "say", "text": "a\\nb"}\nplain\n')
        played.got(2)
        played.bob(1, "hi\nthere", gap=0, time="2026-11-25T21:00:00Z")
        played.cuts()
        events = self.out(played)
        self.assertEqual([event["event"] for event in events], ["welcome", "outcome", "said", "said", "lost"])
        self.assertEqual(events[1], {"event": "outcome", "word": "got", "first": 0, "lines": 2})
        self.assertEqual([(event["n"], event["text"], event["time"][:4]) for event in events[2:4]], [(1, "hi", "2026"), (2, "there", "2026")])
        self.assertNotIn(b"5" * 32, played.files.value() + played.told)

    def test_verbs(self) -> None:
        """Verbs of the protocol do what they do in it; numbers and acknowledgements are the client's own."""
        played = Played(json=True)
        played.welcomes("bob")
        played.hears()
        for sent in (
            {"verb": "me", "text": "waves", "n": 7},
            {"verb": "msg", "to": "BOB", "text": "psst"},
            {"verb": "got", "to": BOB, "n": 9},
            {"verb": "who", "n": 3},
            {"verb": "nick", "name": "anna"},
            {"verb": "msg", "to": "nobody", "text": "psst"},
        ):
            played.types(json.dumps(sent).encode() + b"\n")
        self.assertEqual(
            played.hears(),
            [
                {"verb": "me", "to": BOB, "n": 1, "gap": 0, "text": "waves"},
                {"verb": "msg", "to": BOB, "n": 2, "text": "psst"},
                {"verb": "who"},
                {"verb": "nick", "name": "anna"},
                {"verb": "msg", "to": "nobody", "text": "psst"},
            ],
        )
        played.got(2)
        played.types(b'{"verb": "done"}\n')
        self.assertEqual(played.verbs, ["done"])
        played.types(b'{"verb": "quit"}\n')

    def test_quit(self) -> None:
        """It leaves when all is got, and status 0 says so."""
        played = Played(json=True)
        played.welcomes("bob")
        played.types(b'{"verb": "say", "text": "hi"}\n{"verb": "quit"}\n{"verb": "say", "text": "no"}\n')
        played.got(1)
        self.assertEqual(played.verbs, ["hello", "say", "done", "quit"])
        played.hangs_up()
        self.assertEqual(played.all_gone(), 0)

    def test_a_program_decides_itself_what_a_loss_means(self) -> None:
        """It is told, and goes on; the status says in the end that something was lost."""
        played = Played(json=True)
        played.welcomes("bob")
        played.types(b"one\n")
        played.left()
        self.assertIsNone(played.pipe.status)
        self.assertEqual(self.out(played)[-1]["word"], "perhaps not delivered")
        played.types(b'{"verb": "quit"}\n')
        played.hangs_up()
        self.assertEqual(played.all_gone(), 4)

    def test_a_hostile_hub_writes_no_controls(self) -> None:
        """Whatever is in an event, what is printed is text."""
        played = Played(json=True)
        played.welcomes("bob", room="\x1b[31mtea", mode=["\x07x"])
        played.says({"event": "no\u2028tice", "te\x1bxt": "\x1b]0;x\x07", "n": [1, {"a": "\x9b"}]})
        self.assertNotRegex(played.files.value().decode() + played.told.decode(), "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]")
        self.assertNotIn(b"\\u001b", played.files.value())
