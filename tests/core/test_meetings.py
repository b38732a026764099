"""Meetings: how many plain members meet a session in one turn, in which order, and who meets it before its turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.core.meetings import MEETINGS_A_TURN, Meetings


class Someone:
    """A member that notes what happens to it."""

    def __init__(self, session: bool = False) -> None:
        self.session = session
        self.seen: list[tuple[str, Any]] = []
        self.is_stalled = False

    def meet(self, other: Any) -> None:
        """Meet it."""
        self.seen.append(("met", other))

    def part(self, other: Any, why: str) -> None:
        """Part from it."""
        self.seen.append((why, other))

    def stall(self) -> None:
        """Wait."""
        self.is_stalled = True

    def go_on(self) -> None:
        """Wait no longer."""
        self.is_stalled = False


class Rounds(SynchronousTestCase):
    """One session comes to a room of many, or goes."""

    def setUp(self) -> None:
        self.later: list[Callable[[], None]] = []
        self.meetings = Meetings(self.later.append)
        self.ann: Any = Someone(session=True)

    def crowd(self, size: int) -> list[Any]:
        """Return so many plain members."""
        return [Someone() for _ in range(size)]

    def turn(self) -> None:
        """Let what is to come in the next turn happen."""
        calls, self.later[:] = tuple(self.later), []
        for call in calls:
            call()

    def met(self, members: list[Any]) -> int:
        """Return how many have seen something."""
        return sum(bool(member.seen) for member in members)

    def test_max_and_one_more(self) -> None:
        """As many as in one turn meet it at once; of one more as many in the next turn, the last in the one after."""
        few, many = self.crowd(MEETINGS_A_TURN), self.crowd(MEETINGS_A_TURN + 1)
        self.meetings.begin(self.ann, few)
        self.assertEqual((self.met(few), self.later, self.ann.is_stalled), (MEETINGS_A_TURN, [], False))
        self.meetings.begin(self.ann, many)
        counts = [(self.met(many), self.ann.is_stalled)]
        for _ in range(2):
            self.turn()
            counts.append((self.met(many), self.ann.is_stalled))
        self.assertEqual(counts, [(0, True), (MEETINGS_A_TURN, True), (MEETINGS_A_TURN + 1, False)])
        self.assertEqual((self.later, self.meetings.rounds), ([], []))

    def test_sessions_meet_nobody(self) -> None:
        """They number their lines themselves."""
        eve: Any = Someone(session=True)
        self.meetings.begin(self.ann, [self.ann, eve])
        self.assertEqual((eve.seen, self.ann.seen), ([], []))

    def test_a_plain_one_among_sessions(self) -> None:
        """It meets as many as in one turn at once, since it hears from then on, and the others in turns; it waits."""
        for size in (MEETINGS_A_TURN, MEETINGS_A_TURN + 1, 2 * MEETINGS_A_TURN + 1):
            bob: Any = Someone()
            sessions: list[Any] = [Someone(session=True) for _ in range(size)]
            self.meetings.begin(bob, [bob, *sessions])
            counts = [len(bob.seen)]
            while self.later:
                self.assertTrue(bob.is_stalled)
                self.turn()
                counts.append(len(bob.seen))
            self.assertEqual(counts, [*range(MEETINGS_A_TURN, size, MEETINGS_A_TURN), size])
            self.assertEqual((bob.seen, bob.is_stalled), ([("met", session) for session in sessions], False))
            self.assertEqual((self.met(sessions), self.meetings.rounds), (0, []))

    def test_who_speaks_first(self) -> None:
        """Meets all that it has yet to meet, in order, and once; the others wait for their turns."""
        eve: Any = Someone(session=True)
        members = self.crowd(200)
        self.meetings.begin(self.ann, members)
        self.meetings.begin(eve, members)
        self.meetings.begin(self.ann, members, "lost")
        last = members[-1]
        self.meetings.hold(last)
        self.assertEqual(last.seen, [("met", self.ann), ("met", eve), ("lost", self.ann)])
        self.assertEqual(self.met(members), 1)
        while self.later:
            self.turn()
        self.assertEqual({tuple(member.seen) for member in members}, {tuple(last.seen)})

    def test_who_leaves(self) -> None:
        """Meets nobody any more."""
        members = self.crowd(200)
        self.meetings.begin(self.ann, members)
        for member in members[100:]:
            self.meetings.forget(member)
        while self.later:
            self.turn()
        self.assertEqual(self.met(members), 100)

    def test_a_session_that_leaves_because_of_another(self) -> None:
        """It isn't met any more, also in the turn in which it would have been."""
        bob: Any = Someone()
        sessions: list[Any] = [Someone(session=True) for _ in range(3)]
        bob.meet = lambda other: (bob.seen.append(other), self.meetings.forget(sessions[1]))
        self.meetings.begin(bob, sessions)
        self.assertEqual((bob.seen, self.meetings.rounds), ([sessions[0], sessions[2]], []))

    def test_a_fault(self) -> None:
        """One meeting that fails is told, and the others are held."""
        members = self.crowd(200)
        members[3].meet = lambda _: 1 / 0
        self.meetings.begin(self.ann, members)
        self.assertRaises(ZeroDivisionError, self.turn)
        while self.later:
            self.turn()
        self.assertEqual((self.met(members), self.ann.is_stalled), (199, False))
