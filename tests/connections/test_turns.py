"""A turn of one peer is bounded by what it causes: hearers, bytes and objects, not only by how much it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.admission import ENDS_A_TURN
from chatterbox.connections.connection import Connection
from chatterbox.connections.inlet import Inlet
from chatterbox.connections.speech import BYTES_A_HEARER, BYTES_A_TURN, KEYS_A_TURN, LINES_A_HEARER
from chatterbox.core.peer import Peer
from chatterbox.limits import MAX_OBJECTS, Limits
from chatterbox.wire.keys import KeyReader
from chatterbox.wire.speaking import PORTION
from tests.harness.memory import End, HubOnAClock

HEARERS = Limits().hearers_a_turn
STORMS: dict[str, Callable[[int], str]] = {
    "say": lambda at: f"/me\n{at}",
    "me": lambda at: f"/me waves {at}",
    "nick": lambda at: f"/nick ann{at}",
    "msg": lambda at: f"/msg n1 {at}",
    "who": lambda at: "/who",
    "join": lambda at: f"/join {('lobby', 'tea')[at % 2]}",
    "fault": lambda at: "/nick !",
}
JSON_STORMS: dict[str, Callable[[int], dict[str, Any]]] = {
    "say": lambda at: {"verb": "say", "text": f"{at}"},
    "me": lambda at: {"verb": "me", "text": f"waves {at}"},
    "nick": lambda at: {"verb": "nick", "name": f"ann{at}"},
    "type": lambda at: {"verb": "type", "keys": "x"},
    "fault": lambda at: {"verb": "dance"},
}


class Turns:
    """Counts what each call of an inlet causes."""

    def __init__(self, case: SynchronousTestCase) -> None:
        self.calls: list[tuple[int, int]] = []
        """Of each call the writes it caused, and their bytes."""
        self._writes = self._bytes = 0
        hear, receive, go_on = Peer.hear, Inlet.receive, Inlet._go_on
        is_inside = False

        def heard(peer: Peer, data: bytes) -> None:
            self._writes += 1
            self._bytes += len(data)
            hear(peer, data)

        def counting(call: Callable[..., None], *args: Any) -> None:
            nonlocal is_inside
            if is_inside:
                call(*args)
                return
            is_inside, self._writes, self._bytes = True, 0, 0
            call(*args)
            is_inside = False
            self.calls.append((self._writes, self._bytes))

        for owner, name, call in (
            (Peer, "hear", heard),
            (Inlet, "receive", lambda *args: counting(receive, *args)),
            (Inlet, "_go_on", lambda *args: counting(go_on, *args)),
        ):
            patch = mock.patch.object(owner, name, call)
            patch.start()
            case.addCleanup(patch.stop)

    @property
    def most(self) -> int:
        """The most writes of one call."""
        return max(writes for writes, _ in self.calls)

    @property
    def most_bytes(self) -> int:
        """The most bytes of one call."""
        return max(size for _, size in self.calls)


def crowd(hub: HubOnAClock, size: int) -> list[End]:
    """Seat so many in the lobby, all of whom read."""
    ends = [hub.connects().says(f"/nick n{at}") for at in range(size)]
    hub.wait(1)
    return ends


class Hearers(SynchronousTestCase):
    """B3: in a large room one peer's storm is handled piece by piece, so that no call reaches too many."""

    def check(self, storm: bytes, size: int, speaker: Callable[[HubOnAClock], End]) -> None:
        """Let one say `storm` in a room of so many."""
        hub = HubOnAClock("room")
        crowd(hub, size)
        ann = speaker(hub)
        hub.wait(1)
        turns = Turns(self)
        ann.line.send(storm)
        hub.wait(1)
        self.assertLessEqual(turns.most, HEARERS + 2 * size)
        self.assertEqual((ann.connection.inlet.waits, ann.line.reading), (False, True))
        mock.patch.stopall()

    def test_text(self) -> None:
        """In rooms of 100 and of 400, whatever the command."""
        for kind, line in STORMS.items():
            for size in (100, 400):
                with self.subTest(kind=kind, size=size):
                    storm = "".join(f"{line(at)}\n" for at in range(30)).encode()
                    self.check(storm, size, lambda hub: hub.connects().says("/nick ann"))

    def test_json(self) -> None:
        """One object a piece, whatever it is."""
        for kind, fields in JSON_STORMS.items():
            with self.subTest(kind=kind):
                storm = "".join(json.dumps(fields(at)) + "\n" for at in range(30)).encode()
                self.check(storm, 400, lambda hub: hub.json(name="ann"))

    def test_max_and_one_more(self) -> None:
        """So many pieces are handled in one call as reach 320 in all; the next one waits."""
        for size, most in ((HEARERS // 4 - 1, 4), (HEARERS // 4, 5), (HEARERS, 1)):
            hub = HubOnAClock("room")
            crowd(hub, size - 1)
            ann = hub.connects().says("/nick ann")
            hub.wait(1)
            turns = Turns(self)
            ann.line.send(b"/me waves\n" * 9)
            self.assertIn(turns.calls[0][0] // size, (most, most - 1, most + 1))
            self.assertFalse(ann.line.reading)
            mock.patch.stopall()

    def test_a_few(self) -> None:
        """Among a few, 16 pieces are handled at once, and the 17th in the next turn."""
        hub = HubOnAClock("room")
        crowd(hub, 3)
        ann = hub.connects().says("/nick ann")
        hub.wait(1)
        turns = Turns(self)
        ann.line.send(b"/me waves\n" * 16)
        hub.wait(0)
        ann.line.send(b"/me waves\n" * 17)
        hub.wait(0)
        self.assertEqual([writes // 4 for writes, _ in turns.calls if writes], [16, 16, 1])


class Objects(SynchronousTestCase):
    """Where each line becomes an object, lines count."""

    def most_at_once(self, *sent: bytes) -> int:
        """Return how many objects one call has made at most for a program, of what a text peer and another say."""
        hub = HubOnAClock("ports")
        program, speakers = hub.json(), (hub.connects(), hub.json())
        hub.wait(1)
        heard: list[int] = []
        receive, go_on = Inlet.receive, Inlet._go_on

        def counting(call: Callable[..., None], *args: Any) -> None:
            before = program.line.taken.count(b"\n")
            call(*args)
            heard.append(program.line.taken.count(b"\n") - before)

        with (
            mock.patch.object(Inlet, "receive", lambda *args: counting(receive, *args)),
            mock.patch.object(Inlet, "_go_on", lambda *args: counting(go_on, *args)),
        ):
            for speaker, data in zip(speakers, sent):
                speaker.line.send(data)
                hub.wait(1)
        return max(heard)

    def test_max_and_one_more(self) -> None:
        """256 lines are said at once, of 257 the last in the next turn, and of 64 KiB of newlines no more than 256."""
        for lines, most in ((MAX_OBJECTS, MAX_OBJECTS), (MAX_OBJECTS + 1, MAX_OBJECTS), (65_536, MAX_OBJECTS)):
            self.assertEqual(self.most_at_once(b"\n" * lines), most)

    def test_many_lines_in_each_of_many_objects(self) -> None:
        """Lines of several objects count together: two as much as one hearer."""
        say = json.dumps({"verb": "say", "text": "\n" * (MAX_OBJECTS // 2 - 1)}).encode() + b"\n"
        self.assertLessEqual(self.most_at_once(b"", say * 16), LINES_A_HEARER * HEARERS + MAX_OBJECTS // 2)


class Bulk(SynchronousTestCase):
    """Where nobody hears objects, many lines are no reason to pause."""

    def test_a_read_of_a_text_pair(self) -> None:
        """64 KiB of short lines are said in the call that reads them, and the speaker is read on."""
        hub = HubOnAClock()
        hearer, speaker = hub.nc(), hub.nc()
        block = b"line\n" * (64 * 1024 // 5)
        speaker.line.protocol.dataReceived(block)
        self.assertTrue(speaker.line.reading)
        hub.wait(0)
        self.assertTrue(hearer.line.taken.endswith(block))


class Reading(SynchronousTestCase):
    """What takes long to read is said in the turn after that."""

    def test_a_long_object(self) -> None:
        """Of 190,000 newlines in one object of a session nobody hears anything in the call in which it is read."""
        hub = HubOnAClock("ports", label="none")
        hearer = hub.nc("bob")
        speaker = hub.connects().says(json.dumps({"chatterbox": 1, "session": "1" * 32, "try": 1}))
        hub.wait(1)
        hearer.heard()
        turns = Turns(self)
        speaker.line.protocol.dataReceived(json.dumps({"verb": "say", "n": 1, "text": "\n" * 189_999}).encode() + b"\n")
        self.assertEqual(turns.calls, [(0, 0)])
        hub.wait(60)
        self.assertEqual(hearer.heard().count(b"\n"), 190_000)


class Bytes(SynchronousTestCase):
    """What is said at once is less, the more hear it."""

    def test_a_block(self) -> None:
        """64 KiB of lines in a room of 100 are said in portions of 4 MiB written, in order, and all."""
        hub = HubOnAClock("room")
        ends = crowd(hub, 100)
        ends[1].heard()
        turns = Turns(self)
        ends[0].line.send(b"".join(b"%07d %s\n" % (at, b"x" * 90) for at in range(600)))
        hub.wait(1)
        self.assertTrue(0.9 * BYTES_A_TURN <= turns.most_bytes <= 1.2 * BYTES_A_TURN)
        self.assertEqual([line.split()[1] for line in ends[1].lines()], [f"{at:07}" for at in range(600)])

    def test_a_crowd(self) -> None:
        """In a room of 300 each hears 16 KiB at once, and no more: smaller portions would only be more of them."""
        hub = HubOnAClock("room")
        ends = crowd(hub, 300)
        turns = Turns(self)
        ends[0].line.send(b"".join(b"%07d %s\n" % (at, b"x" * 90) for at in range(600)))
        hub.wait(1)
        whole = BYTES_A_HEARER - BYTES_A_HEARER % 99
        self.assertGreaterEqual(turns.most_bytes, 299 * whole)
        self.assertLessEqual(turns.most_bytes, 1.2 * 300 * whole)

    def test_lines_that_may_be_farewells(self) -> None:
        """64 KiB of bare newlines are read 16 KiB a turn where each is looked at, and at once where none is."""
        for mode, most in (("ports", PORTION), ("room", 64 * 1024)):
            hub = HubOnAClock(mode, label="none")
            speaker, hearer = hub.nc("ann"), hub.nc("bob")
            hearer.heard()
            inlet = speaker.connection.inlet
            read = inlet.step = mock.Mock(side_effect=inlet.step)
            speaker.line.send(b"\n" * 64 * 1024)
            hub.wait(1)
            sizes = [len(call.args[0]) for call in read.call_args_list]
            self.assertEqual((max(sizes), sum(sizes)), (most, 64 * 1024))
            self.assertEqual(hearer.heard().count(b"\n"), 64 * 1024)

    def test_a_long_draft(self) -> None:
        """A `type` of 20 KB in many short lines is looked at 4 KiB a turn, and the keys stay in order."""
        hub = HubOnAClock()
        typist, watcher = hub.json(), hub.json()
        hub.wait(1)
        watcher.heard()
        keys = "".join(f"{at}\n" for at in range(4000))
        with mock.patch.object(KeyReader, "read", autospec=True, side_effect=KeyReader.read) as read:
            typist.asks("type", keys=keys)
            hub.wait(1)
        self.assertLessEqual(max(len(call.args[1]) for call in read.call_args_list), KEYS_A_TURN)
        self.assertEqual("".join(event["keys"] for event in watcher.events()), keys)


class Ends(SynchronousTestCase):
    """A hub that stops hangs up on some in each turn."""

    def test_portions(self) -> None:
        """As many as in one turn are told at once, of one more that one in the next, of 1,000 no more than that in any; in 5 s it is over."""
        for size in (ENDS_A_TURN, ENDS_A_TURN + 1, 1000):
            hub = HubOnAClock("ports")
            ends = [hub.connects() for _ in range(size)]
            hub.wait(1)
            gone: list[bool] = []
            with mock.patch.object(Connection, "close", autospec=True, side_effect=Connection.close) as close:
                hub.admission.stop(lambda: gone.append(True))  # noqa: B023  # called in this turn of the loop
                counts = [close.call_count]
                hub.wait(hub.limits.close_patience)
                self.assertEqual(close.call_count, size)
            self.assertEqual(counts, [ENDS_A_TURN])
            self.assertEqual({end.heard() for end in ends}, {b"-!- closed (shutdown): the hub is shutting down\n"})
            self.assertEqual((gone, hub.leftovers()), ([True], []))
