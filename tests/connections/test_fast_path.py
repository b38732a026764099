"""The fast path: what goes past the room is heard as if it had gone through it."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections import connection
from chatterbox.connections.fast_path import FastPath
from chatterbox.core.modes import MODES
from chatterbox.limits import Limits
from chatterbox.wire.reading import Reader, TextReader
from tests.harness.inputs import FRAGMENTS, HOSTILE, PROPERTY
from tests.harness.memory import End, HubOnAClock

WORDS = ("hi", "", "日本語 ça va", "why not!", "-!- forged", "  -!- forged", "//twice", "x" * 5000, "tab\there")
COMMANDS = ("/nick bob", "/join pub", "/join tea", "/me waves", "/msg bob hi", "/who", "/done", "/quit", "/nothing")
HELLO = json.dumps({"chatterbox": 1})
SESSION = json.dumps({"chatterbox": 1, "session": "0" * 32, "try": 1})
NEWCOMERS = ("/join tea", "hello", HELLO, "")
ACTS = ("says", "says", "says", "sends", "commands", "packets", "finishes", "cut", "stops_reading", "reads")
ACTS += ("waits", "comes", "session")
COLUMNS: tuple[dict[str, Any], ...] = ({}, {"farewell": ("/quit", "bye")}, {"label": "nick"}, {"echo": True})
Act = tuple[str, int, int]


def is_fast(end: End) -> bool:
    """Return whether what `end` says may go past the room."""
    return isinstance(end.connection.reader, FastPath)


def play(acts: list[Act], hub: HubOnAClock) -> list[bytes]:
    """Return what each end heard after each of `acts` at `hub`: word, who, and which."""
    ends, heard = [hub.nc("/join tea"), hub.nc("/join tea")], list[bytes]()
    for word, who, which in acts:
        end = ends[who % len(ends)]
        if word == "comes":
            ends.append(hub.nc(*filter(None, [NEWCOMERS[which % len(NEWCOMERS)]])))
        elif word == "session":
            ends.append(hub.connects().says(SESSION))
        elif word == "waits":
            hub.wait((0, 0.1, 3, 70)[which % 4])
        elif not end.closed:
            _act(end, word, which)
        heard += [end.heard() for end in ends]
    hub.wait(200)
    return [*heard, *(end.heard() for end in ends), *(end.closed.encode() for end in ends)]


def _act(end: End, word: str, which: int) -> None:
    if word == "sends":
        end.sends(FRAGMENTS[which % len(FRAGMENTS)])
    elif word == "says":
        end.says(WORDS[which % len(WORDS)], *WORDS[: which % 3])
    elif word == "commands":
        end.says(COMMANDS[which % len(COMMANDS)])
    elif word == "packets":
        end.sends(b"one\ntw", b"o\n", b"three\n")
    elif word in ("finishes", "cut", "stops_reading", "reads"):
        getattr(end, word)()


def the_room(reader: Reader, *_: object) -> Reader:
    """Return `reader` without a fast path."""
    return reader


class SameWords(SynchronousTestCase):
    """A hub with fast paths beside one whose rooms are asked for every line."""

    @given(
        st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 4), st.integers(0, 99)), max_size=30),
        st.sampled_from(({}, {}, *COLUMNS)),
        st.sampled_from(({}, {"rate": 5.0, "burst": 3}, {"max_line": 9})),
    )
    @example([("says", 0, 0), ("comes", 0, 0), ("cut", 1, 0), ("says", 0, 0), ("comes", 0, 1), ("says", 0, 0)], {}, {})
    @PROPERTY
    def test_whatever_happens(self, acts: list[Act], columns: dict[str, Any], limits: dict[str, Any]) -> None:
        """All hear the same bytes at the same moments, and end in the same way."""
        fast = play(acts, HubOnAClock(limits=limits, **columns))
        with patch.object(connection, "with_fast_path", the_room):
            self.assertEqual(fast, play(acts, HubOnAClock(limits=limits, **columns)))

    @given(HOSTILE)
    @PROPERTY
    def test_whatever_is_said(self, said: bytes) -> None:
        """Bytes such as strangers send are cleaned as they are in a room."""
        heard = []
        for has_path in (True, False):
            with patch.object(connection, "with_fast_path", connection.with_fast_path if has_path else the_room):
                hub = HubOnAClock()
                ann, bob = hub.nc("hi"), hub.nc("ho")
                ann.sends(said, b"\n", b"and on\n")
                heard.append((ann.heard(), bob.heard()))
        self.assertEqual(*heard)


class Open(SynchronousTestCase):
    """When it is open."""

    def test_between_two_who_speak_text(self) -> None:
        """It is open both ways when both are there and one has spoken, and a line asks half as many functions."""
        hub = HubOnAClock()
        ann = hub.nc("hi")
        self.assertFalse(is_fast(ann))
        bob = hub.nc("ho")
        self.assertTrue(is_fast(ann) and is_fast(bob))
        ann.heard()
        bob.says("here")
        self.assertEqual(ann.lines(), ["here"])

    def test_not_before_a_line(self) -> None:
        """Two who have only come have none, and cost none; the first line opens it both ways, and so does the next."""
        hub = HubOnAClock()
        ann, bob = hub.nc("/join tea"), hub.nc("/join tea")
        for name in ("ann", "rose"):
            self.assertFalse(is_fast(ann) or is_fast(bob))
            ann.says("hi")
            self.assertTrue(is_fast(ann) and is_fast(bob))
            ann.says(f"/nick {name}")
        self.assertEqual(bob.heard().count(b"hi\n"), 2)

    def test_no_longer_than_both_are_there(self) -> None:
        """Who is left, and who goes to another room, asks the room again; the next partner is heard by another path."""
        hub = HubOnAClock()
        ann, bob = hub.nc("hi"), hub.nc("ho")
        bob.says("/join pub")
        self.assertFalse(is_fast(ann) or is_fast(bob))
        cat = hub.nc("hey")
        self.assertTrue(is_fast(ann) and is_fast(cat))
        for end in (ann, bob, cat):
            end.heard()
        ann.says("who is it?")
        self.assertEqual((bob.lines(), cat.lines()), ([], ["who is it?"]))

    def test_not_beside_one_who_hears_otherwise(self) -> None:
        """A program that hears objects hears objects, and its lines are read as such."""
        hub = HubOnAClock()
        ann, bob = hub.json(name="ann"), hub.nc("ho")
        ann.heard()
        bob.says("hi")
        self.assertEqual([event["text"] for event in ann.events()], ["hi"])
        self.assertFalse(is_fast(ann))

    def test_not_where_lines_are_numbered(self) -> None:
        """Beside a session, and where one has been, each line has its number and its fate."""
        hub = HubOnAClock()
        ann, bob = hub.nc("hi"), hub.connects().says(SESSION)
        self.assertFalse(is_fast(ann))
        bob.asks("quit")
        cat = hub.nc("hey")
        self.assertFalse(is_fast(ann) or is_fast(cat))

    def test_not_where_one_has_finished(self) -> None:
        """Who has finished listens on, and may be gone: that is looked at for every line."""
        hub = HubOnAClock()
        ann, bob = hub.nc("hi"), hub.nc("ho")
        bob.finishes()
        self.assertFalse(is_fast(ann))

    def test_only_in_modes_that_change_nothing(self) -> None:
        """Of the modes it is `pair` alone, and not with a label, an echo or a script that tells of lines."""
        self.assertEqual([mode.name for mode in MODES.values() if mode.is_verbatim], ["pair"])
        for columns in ({"label": "nick"}, {"echo": True}, {"script": {"said": "{text}"}}):
            hub = HubOnAClock(**columns)
            self.assertFalse(is_fast(hub.nc("hi")) or is_fast(hub.nc("ho")), columns)

    def test_not_for_farewells(self) -> None:
        """Where a word may end a stay each line is looked at."""
        self.assertTrue(TextReader(Limits(), ("/quit",)).passes(b"bye\n"))
        self.assertFalse(TextReader(Limits(), ("/quit", "bye")).passes(b"bye\n"))

    def test_for_blocks_as_well(self) -> None:
        """As many lines as a read brings take it together, and cleaned; of one that is too long the room's reader knows."""
        hub = HubOnAClock()
        ann, bob = hub.nc("hi"), hub.nc("ho")
        ann.says("so far")
        path = ann.connection.reader
        assert isinstance(path, FastPath)
        bob.heard()
        self.assertEqual((tuple(path.read(b"a\rb\n" * 9000)), bob.heard()), ((), b"ab\n" * 9000))
        pieces = tuple(path.read(b"ok\n" + b"x" * (hub.limits.max_line + 1) + b"\n"))
        self.assertEqual((pieces[0], len(pieces), bob.heard()), (b"ok\n", 2, b""))

    def test_not_after_done(self) -> None:
        """Who has said `/done` says nothing more, also while what it said before waits."""
        hub = HubOnAClock()
        ann, bob = hub.nc("hi"), hub.nc("ho")
        ann.heard(), bob.heard()
        ann.says("/done").says("no more")
        self.assertNotIn("no more", bob.lines())
        self.assertIn("-!- you have said /done: nothing more is sent", ann.lines())

    def test_not_for_one_who_is_hung_up_on(self) -> None:
        """Nobody hears it, and it isn't read for ever: a flood behind its last word is worth nobody's time."""
        hub = HubOnAClock()
        ann, bob = hub.nc("hi"), hub.nc("ho")
        ann.says("so far")
        bob.heard()
        ann.stops_reading()
        ann.peer.end("kicked", "enough")
        for _ in range(hub.limits.flood // 1000 + 1):
            ann.says("x" * 999)
        self.assertEqual(bob.lines(), ["-!- your partner left (kicked)"])
        self.assertFalse(ann.line.reading)
