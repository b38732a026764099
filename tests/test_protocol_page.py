"""The protocol's page is the specification: a client written from it alone, with socket and json, gets along."""

from __future__ import annotations

import json
import re
import socket

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.wire.dialects import _SENTENCES
from chatterbox.wire.verbs import JSON_VERBS, VERBS
from tests.harness.processes import ROOT, Hub

PAGE = (ROOT / "docs" / "protocol.md").read_text()


class Stranger:
    """A client that knows what the page says: lines over a socket."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.lines = self.socket.makefile("rb")

    def send(self, line: str) -> None:
        self.socket.sendall(line.encode() + b"\n")

    def hear(self) -> str:
        return self.lines.readline().decode().removesuffix("\n")


class PageTest(SynchronousTestCase):
    """What the page says is so."""

    def test_the_example_conversations(self) -> None:
        """Each of the page's examples goes as written between two strangers on one hub."""
        examples = re.findall(r"```conversation\n(.*?)```", PAGE, re.DOTALL)
        self.assertEqual(len(examples), 2)
        for example in examples:
            self._play(example)

    def _play(self, example: str) -> None:
        strangers: dict[str, Stranger] = {}
        with Hub() as hub:
            for line in example.splitlines():
                who, direction, text = re.match(r"(\w) ([<>]) (.*)", line).groups()  # type: ignore[union-attr]  # or the page is wrong
                if who not in strangers:
                    strangers[who] = Stranger(hub.port)
                if direction == ">":
                    strangers[who].send(text)
                else:
                    self._heard(strangers[who].hear(), text)
            for stranger in strangers.values():
                stranger.lines.close()
                stranger.socket.close()

    def _heard(self, heard: str, text: str) -> None:
        if text.startswith('{"event"'):
            event = json.loads(heard)
            self.assertRegex(event.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertRegex(event.pop("stream", "0" * 16), r"^[0-9a-f]{16}$")
            self.assertEqual(event, json.loads(text))
        else:
            self.assertEqual(heard, text)

    def test_every_verb_is_in_the_table(self) -> None:
        """The page's table of verbs is the code's table of verbs, with the same usage."""
        section = PAGE[PAGE.index("## 5.") : PAGE.index("## 6.")]
        rows = re.findall(r"^\| (\w+) \| (.+?) \| `(\{.*?\})` \|", section, re.MULTILINE)
        self.assertEqual({verb for verb, _, _ in rows}, set(JSON_VERBS))
        for verb, text, sent in rows:
            self.assertEqual(set(json.loads(sent)), {"verb", *JSON_VERBS[verb]})
            if verb in VERBS:
                self.assertEqual(text.strip("`").split()[0], VERBS[verb].usage.split()[0])

    def test_every_event_is_in_the_table(self) -> None:
        """The page's table of events names every event that a text peer can be told."""
        section = PAGE[PAGE.index("## 6.") : PAGE.index("## 7.")]
        named = set(re.findall(r"^\| (\w+) \|", section, re.MULTILINE))
        self.assertEqual({kind.split()[0] for kind in _SENTENCES} - named, set())
