"""What one call may cause where sessions are: a plain peer among many of them, and a session's line to many."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any
from unittest import mock

from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.stand_in import StandIn
from chatterbox.core.events import Said
from chatterbox.core.meetings import MEETINGS_A_TURN, Meetings
from chatterbox.core.peer import Peer
from chatterbox.wire.lane import Lane
from tests.connections.test_crowds import plain, said, session
from tests.harness.memory import End, HubOnAClock


def say(number: int, text: str = "hello") -> bytes:
    """Return a session's line, as it travels."""
    return json.dumps({"verb": "say", "n": number, "text": text}).encode() + b"\n"


class Comers(SynchronousTestCase):
    """A plain peer comes to a room of 150 sessions, or leaves it."""

    def setUp(self) -> None:
        self.hub = HubOnAClock("room")
        self.sessions = [session(self.hub, at) for at in range(1, 151)]
        self.hub.wait(1)

    def test_a_portion_a_turn(self) -> None:
        """It meets 64 sessions in the call that seats it and 64 in each turn; each session then hears it, once."""
        counts: list[int] = []
        real = Meetings._some

        def some(meetings: Meetings, *args: Any) -> None:
            before = meet.call_count
            real(meetings, *args)
            counts.append(meet.call_count - before)

        bob = self.hub.connects()
        with (
            mock.patch.object(StandIn, "meet", autospec=True, side_effect=StandIn.meet) as meet,
            mock.patch.object(Meetings, "_some", some),
        ):
            bob.line.send(b"/nick bob\nhi\n")
            self.hub.wait(1)
        self.assertEqual(counts, [MEETINGS_A_TURN, MEETINGS_A_TURN, 150 - 2 * MEETINGS_A_TURN])
        self.assertEqual([said(end) for end in self.sessions], [[("bob", "hi", 1)]] * 150)

    def comes(self, meanwhile: Callable[[End], object]) -> End:
        """Let bob come, and let something happen when he has met the first sessions."""
        bob, real = self.hub.connects(), Meetings._some
        calls = 0

        def some(meetings: Meetings, *args: Any) -> None:
            nonlocal calls
            real(meetings, *args)
            calls += 1
            if calls == 1:
                self.assertEqual(self.met(bob), MEETINGS_A_TURN)
                meanwhile(bob)

        with mock.patch.object(Meetings, "_some", some):
            bob.line.send(b"/nick bob\n")
            self.hub.wait(1)
        return bob

    def met(self, bob: End) -> int:
        """Return how many sessions bob speaks to in numbers."""
        return len(bob.connection.stand_in._agent.outbox._everyone.ends)

    def test_what_is_said_meanwhile(self) -> None:
        """It hears each session from the moment on in which it sits, also one that it has yet to meet."""
        first, last = self.sessions[0].line.protocol, self.sessions[149].line.protocol
        bob = self.comes(lambda _: (first.dataReceived(say(1, "first")), last.dataReceived(say(1, "last"))))
        self.assertEqual(bob.lines()[-2:], ["s1: first", "s150: last"])

    def test_who_is_made_to_speak_meanwhile(self) -> None:
        """It meets all the others first, so that nobody misses the line."""
        self.comes(lambda bob: bob.peer.room.apply(Said(bob.peer, b"hi\n")))
        self.assertEqual([said(end) for end in self.sessions], [[("bob", "hi", 1)]] * 150)

    def test_one_that_leaves_meanwhile(self) -> None:
        """It doesn't meet a session that is gone by then: nothing is kept for that one."""
        bob = self.comes(lambda _: self.sessions[149].line.protocol.dataReceived(b'{"verb": "quit", "got": {}}\n'))
        self.assertEqual(self.met(bob), 149)

    def test_it_leaves_meanwhile(self) -> None:
        """Of one that is gone before its turns are over nothing is left."""
        with mock.patch.object(Peer, "meet", autospec=True, side_effect=Peer.meet) as meet:
            self.comes(lambda bob: bob.line.close(ConnectionLost))
        self.assertEqual(meet.call_count, MEETINGS_A_TURN)
        self.assertEqual(self.hub.hub.rooms["lobby"].audience.meetings.rounds, [])

    def test_it_moves(self) -> None:
        """Who leaves them for another room is told what nobody got, and the others are looked through once."""
        (bob,) = plain(self.hub, "bob")
        bob.says("one", "two")
        bob.heard()
        for number, end in enumerate(self.sessions[:100]):
            end.asks("got", to=bob.peer.stream, n=1 + number % 2)
        with mock.patch.object(Lane, "_count", autospec=True, side_effect=Lane._count) as count:
            bob.says("/join tea")
            self.assertLessEqual(count.call_count, 3)
        self.assertEqual([line for line in bob.lines() if "deliver" in line], [])
        self.assertEqual(self.sessions[0].events()[-1]["why"], "moved")


class Hearers(SynchronousTestCase):
    """A session says a line to many plain peers."""

    def ends(self, size: int) -> tuple[HubOnAClock, list[End], End]:
        """Return so many plain peers, and a session that has spoken to them."""
        hub = HubOnAClock("room")
        ends = plain(hub, *(f"n{at}" for at in range(size)))
        ann = session(hub, 1)
        hub.wait(1)
        ann.line.send(say(1))
        hub.wait(1)
        return hub, ends, ann

    def test_calls(self) -> None:
        """A hearer more is at most nine calls more, the transport's among them."""
        counts = []
        for size in (50, 150):
            _, _, ann = self.ends(size)
            calls = 0

            def count(frame: FrameType, event: str, _: Any) -> None:
                nonlocal calls
                calls += event == "call" and "chatterbox" in frame.f_code.co_filename

            block, receive = say(2), ann.line.protocol.dataReceived
            sys.setprofile(count)
            try:
                receive(block)
            finally:
                sys.setprofile(None)
            counts.append(calls)
        self.assertLessEqual((counts[1] - counts[0]) / 100, 9)

    def test_objects(self) -> None:
        """Nothing is kept for a hearer that a garbage collector looks at."""
        hub, ends, ann = self.ends(150)
        for end in ends:
            end.line.write = lambda _: None
        blocks = [say(2), say(3)]
        gc.collect()
        before = len(gc.get_objects())
        for block in blocks:
            ann.line.protocol.dataReceived(block)
        self.assertLess(len(gc.get_objects()) - before, 75)

    def test_what_its_dialect_has_no_words_for(self) -> None:
        """It counts as heard, though nothing is written, and so does what comes behind it."""
        hub, (bob, *_), ann = self.ends(2)
        ann.heard()
        with mock.patch.object(type(bob.peer.dialect), "message", return_value=b""):
            ann.asks("me", n=2, text="waves")
        ann.asks("say", n=3, text="hello")
        hub.wait(1)
        gots = [event["n"] for event in ann.events() if event["event"] == "got" and event["stream"] == bob.peer.stream]
        self.assertEqual((gots[-1], bob.lines()[-1]), (3, "s1: hello"))

    def test_one_that_is_let_go_as_it_hears(self) -> None:
        """Nobody looks at what the machine of one has taken that hears too much, and is hung up on for that."""
        hub = HubOnAClock("room", {"max_queue": 1000}, buffer=10)
        bob, eve = plain(hub, "bob", "eve")
        ann = session(hub, 1)
        hub.wait(1)
        bob.stops_reading()
        eve.says("hello out there")
        self.assertTrue(bob.connection.outlet.paused)
        ann.line.protocol.dataReceived(say(1, "x" * 2000))
        self.assertEqual((bob.peer.gone, eve.peer.gone), ("slow", ""))
        self.assertEqual(sum(len(round_.waiting) for round_ in hub.admission.glances._rounds), 1)
