"""A session's link that says nothing for a minute is cut; one timer looks at all of them."""

from __future__ import annotations

import json
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.connection import Connection
from chatterbox.connections.silence import CUTS_A_TURN, LOOKS_A_TURN, Silence
from tests.harness.memory import End, HubOnAClock

PATIENCE = 60.0


def session(hub: HubOnAClock, number: int, tries: int = 1) -> End:
    """Return a session that has a seat in a room with one other."""
    return hub.json(session=f"{number:032x}", room=f"r{number // 2}", **{"try": tries})


class Silences(SynchronousTestCase):
    """Who is cut, and when."""

    def setUp(self) -> None:
        """Start a hub."""
        self.hub = HubOnAClock()

    def test_who_speaks_and_who_doesnt(self) -> None:
        """A ping is enough to be kept; who says nothing is cut after a minute, and not before, whoever else speaks."""
        speaker, silent = session(self.hub, 1), session(self.hub, 2)
        for _ in range(5):
            self.assertEqual((speaker.closed, silent.closed), ("", ""))
            speaker.asks("ping")
            self.hub.wait(PATIENCE / 5)
        self.assertEqual((speaker.closed, silent.closed), ("", "aborted"))
        self.hub.wait(PATIENCE - 1)
        self.assertEqual(speaker.closed, "")
        self.hub.wait(PATIENCE + 1)
        self.assertEqual(speaker.closed, "aborted")

    def test_a_new_link(self) -> None:
        """It has a minute of its own, however long the one before was silent."""
        session(self.hub, 1)
        self.hub.wait(PATIENCE - 1)
        back = session(self.hub, 1, 2)
        self.hub.wait(PATIENCE - 1)
        self.assertEqual(back.closed, "")
        self.hub.wait(1)
        self.assertEqual(back.closed, "aborted")

    def looks(self, count: int, speakers: int) -> list[tuple[int, int]]:
        """Return how many of `count` sessions were looked at and cut in each turn; the first `speakers` have spoken."""
        turns = []
        look, watch, cut = Silence._look, Silence.watch, Connection.break_off

        def counted(silence: Silence) -> None:
            before = watched.call_count, cuts.call_count
            look(silence)
            turns.append((watched.call_count - before[0], cuts.call_count - before[1]))

        with (
            mock.patch.object(Silence, "watch", autospec=True, side_effect=watch) as watched,
            mock.patch.object(Connection, "break_off", autospec=True, side_effect=cut) as cuts,
            mock.patch.object(Silence, "_look", counted),
        ):
            ends = [session(self.hub, number) for number in range(count)]
            self.hub.wait(1)
            self.assertEqual(len(self.hub.clock.getDelayedCalls()), 1)
            for end in ends[:speakers]:
                end.asks("ping")
            self.hub.wait(PATIENCE - 1)
        self.assertEqual([end.closed for end in ends], [""] * speakers + ["aborted"] * (count - speakers))
        return turns

    def test_many(self) -> None:
        """They cost one timer; of those who are silent a few are cut in a turn, and the others in turns that follow."""
        self.assertEqual(self.looks(2 * CUTS_A_TURN + 1, 0), [(CUTS_A_TURN, CUTS_A_TURN)] * 2 + [(1, 1)])

    def test_a_turn(self) -> None:
        """In one turn no more are looked at than a turn is for; nobody is forgotten for that."""
        self.assertEqual(self.looks(LOOKS_A_TURN + 1, LOOKS_A_TURN), [(LOOKS_A_TURN, 0), (1, 1)])

    def test_a_fault(self) -> None:
        """Where one can't be cut, that is told, and the others are looked at still."""
        session(self.hub, 1)
        other = session(self.hub, 3)
        with mock.patch.object(Connection, "break_off", side_effect=ZeroDivisionError):
            self.assertRaises(ZeroDivisionError, self.hub.wait, PATIENCE)
        self.hub.wait(0)
        self.assertEqual(other.closed, "aborted")

    def test_nobody_is_left(self) -> None:
        """With the last session its timer is gone, however it left: by a quit, or when nobody came back in time."""
        leaver, lost = session(self.hub, 1), session(self.hub, 3)
        leaver.asks("quit", got={})
        lost.cut()
        self.hub.wait(130)
        self.assertEqual(self.hub.leftovers(), [])
        session(self.hub, 5).asks("quit", got={})
        self.hub.wait(10)
        self.assertEqual(self.hub.leftovers(), [])


class Welcomes(SynchronousTestCase):
    """What a session is told when it comes."""

    def test_each_is_whole(self) -> None:
        """A second room, and a second link, have a welcome like the first; what was said in one is not kept for them."""
        hub = HubOnAClock()
        end = session(hub, 1)
        end.asks("join", room="tea")
        again = session(hub, 1, 2)
        events = [*end.events(), *again.events()]
        welcomes = [event for event in events if event["event"] == "welcome"]
        keys = {"stream", "grace", "max_line", "echo", "ends"}
        self.assertEqual([keys - event.keys() for event in welcomes], [set()] * 3, json.dumps(welcomes))
        self.assertEqual(again.peer.extras, {})
