"""A seat is asked for: where the room lives may be told late, never, or out of order, and the asker may be gone by then."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.core.events import Refused
from chatterbox.core.seating import Home
from tests.harness.memory import HubOnAClock


class SlowHomes:
    """Homes that answer when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Callable[[Home], None]]] = []
        self.cancelled: list[str] = []
        self.released: list[str] = []

    def find(self, room: str, then: Callable[[Home], None]) -> Callable[[], None]:
        """Note the question."""
        self.asked.append((room, then))
        return lambda: self.cancelled.append(room)

    def release(self, room: str) -> None:
        """Note that nobody needs `room` here any more."""
        self.released.append(room)

    def answer(self, at: int = 0, home: Home = Home()) -> None:
        """Answer one question."""
        self.asked.pop(at)[1](home)


class Unheard(SynchronousTestCase):
    """Who doesn't listen, and speaks to nobody who does."""

    def test_what_waits_for_a_reader(self) -> None:
        """A second one is refused, is not knocked for, and hears nothing; a reader has the first's lines."""
        hub = HubOnAClock()
        first = hub.json(room="tea", listens=False)
        first.asks("say", text="one")
        first.finishes()
        before = len(first.events())
        second = hub.json(room="tea", listens=False)
        text = "nobody in room tea listens, try another room"
        self.assertEqual(second.events(), [{"event": "closed", "why": "full", "text": text}])
        self.assertEqual((before, first.events()), (1, []))
        self.assertEqual(hub.nc("/join tea").lines(), ["one", "-!- your partner has finished"])

    def test_beside_somebody(self) -> None:
        """Where somebody listens it sits down; who listens sits down anywhere."""
        hub = HubOnAClock()
        ann = hub.nc("/join tea")
        hub.json(room="tea", listens=False).asks("say", text="one")
        self.assertEqual(ann.lines(), ["-!- your partner joined", "one"])


class Seating(SynchronousTestCase):
    """Between asking and sitting."""

    def setUp(self) -> None:
        self.homes = SlowHomes()
        self.hub = HubOnAClock(homes=self.homes)

    def test_a_late_answer(self) -> None:
        """What is said meanwhile isn't read, and is the first that is heard once there is a seat."""
        a = self.hub.nc("one").says("two")
        self.assertEqual((a.line.reading, self.hub.rooms()), (False, {}))
        self.hub.wait(5)
        self.homes.answer()
        b = self.hub.nc()
        self.homes.answer()
        self.assertEqual((b.heard(), a.line.reading), (b"one\ntwo\n", True))

    def test_answers_out_of_order(self) -> None:
        """Who is answered first sits first."""
        a, b = self.hub.nc("/nick ann"), self.hub.nc("/nick bob")
        self.homes.answer(1)
        self.homes.answer(0)
        self.assertEqual(self.hub.rooms(), {"lobby": ["bob", "ann"]})
        self.assertEqual((a.closed, b.closed), ("", ""))

    def test_no_answer(self) -> None:
        """After ten seconds the newcomer is told to try again, the question is cancelled and nothing is left."""
        a = self.hub.nc("hi")
        self.hub.wait(self.hub.limits.seek_patience - 1)
        self.assertEqual(a.closed, "")
        self.hub.wait(1)
        self.assertEqual(a.lines(), ["-!- closed (lost): nothing tells where this room lives; try again"])
        self.assertEqual((self.homes.cancelled, self.hub.ends_of(Refused)[-1].why), (["lobby"], "lost"))
        self.hub.wait(6)
        self.assertEqual(self.hub.leftovers(), [])

    def test_a_fault(self) -> None:
        """A home that can't be reached is said in its own words."""
        a = self.hub.nc("hi")
        self.homes.answer(home=Home(fault="the engine can't be reached"))
        self.assertEqual(a.lines(), ["-!- closed (lost): the engine can't be reached"])

    def test_gone_before_the_answer(self) -> None:
        """Who is cut off while it asks is forgotten, and the question with it."""
        a = self.hub.nc("hi").cut()
        self.assertEqual((a.closed, self.homes.cancelled), ("lost", ["lobby"]))
        self.hub.wait(20)
        self.assertEqual(self.hub.leftovers(), [])

    def test_an_answer_after_all_is_not_heard(self) -> None:
        """An answer that comes although its question was cancelled seats nobody."""
        self.hub.nc("hi").cut()
        self.homes.answer()
        self.assertEqual(self.hub.rooms(), {})

    def test_finished_before_the_answer(self) -> None:
        """`printf hi | nc -N` is not hung up on before its seat; its line waits, and it listens on."""
        a = self.hub.nc("hi").finishes()
        self.assertEqual(a.closed, "")
        self.homes.answer()
        b = self.hub.nc()
        self.homes.answer()
        self.assertEqual(b.lines(), ["hi", "-!- your partner has finished"])
        b.says("yo")
        self.assertEqual(a.lines()[-1], "yo")

    def test_a_clean_end_before_the_answer(self) -> None:
        """What was said before a clean end is heard, though its speaker is gone when the answer comes."""
        b = self.hub.nc()
        self.homes.answer()
        a = self.hub.nc("hi")
        a.connection.lost("quit")
        self.homes.answer()
        self.hub.wait(1)
        self.assertEqual(b.lines(), ["-!- your partner joined", "hi", "-!- your partner left (quit)"])
        self.assertEqual(self.hub.rooms(), {"lobby": ["guest-1"]})

    def test_a_move_waits(self) -> None:
        """Who asks for another room sits in its own until the answer comes, and isn't read meanwhile."""
        a, b = self.hub.nc(), self.hub.nc()
        self.homes.answer()
        self.homes.answer()
        a.says("/join tea").says("hi")
        b.says("still there?")
        self.assertEqual(a.lines()[-1], "still there?")
        self.homes.answer()
        self.hub.wait(1)
        self.assertEqual(self.hub.rooms(), {"lobby": ["guest-2"], "tea": ["guest-1"]})
        self.assertEqual((a.lines(), b.lines()[-1]), (["-!- you are in tea now"], "-!- your partner left (moved)"))

    def test_a_move_without_an_answer(self) -> None:
        """It is refused in one sentence, and its speaker goes on where it sits."""
        a, b = self.hub.nc(), self.hub.nc()
        self.homes.answer()
        self.homes.answer()
        a.says("/join tea").says("hi")
        self.hub.wait(self.hub.limits.seek_patience)
        self.assertEqual(a.lines()[-1], "-!- not moved: nothing tells where this room lives; try again")
        self.assertEqual(b.lines()[-1], "hi")

    def test_no_name_in_time_while_asking(self) -> None:
        """The time for a name is over with the name; from then on the time for the answer counts."""
        hub = HubOnAClock("room", homes=self.homes)
        a = hub.connects()
        hub.wait(14)
        a.says("ann")
        hub.wait(5)
        self.assertEqual(a.closed, "")
        self.homes.answer()
        self.assertEqual(hub.rooms(), {"lobby": ["ann"]})

    def test_a_room_is_released(self) -> None:
        """With its last member, and where nobody could sit down in it after all."""
        self.hub.nc("/join tea")
        self.homes.answer()
        a = self.hub.nc("/join pub")
        self.homes.answer()
        a.says("/quit")
        self.assertEqual(self.homes.released, ["pub"])

    def test_stopping_while_asking(self) -> None:
        """A hub that stops tells who still asks, and cancels the question."""
        a = self.hub.nc("hi")
        self.hub.admission.stop(lambda: None)
        self.assertIn(b"closed (shutdown)", a.heard())
        self.assertEqual(self.homes.cancelled, ["lobby"])
