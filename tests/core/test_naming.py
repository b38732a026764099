"""Names at the hub: how they come, whom they stand for, who can't have one, and what others see."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.memory import HubOnAClock

JOSE, DECOMPOSED = "José", "Jose\u0301"
CYRILLIC = "сор"


class Naming(SynchronousTestCase):
    """In a room that asks for names."""

    def setUp(self) -> None:
        self.hub = HubOnAClock("room")

    def test_all_hear_the_composed_name(self) -> None:
        """However it comes: as an answer, with `/nick`, or in the hello of JSON and of a session."""
        ann = self.hub.nc("ann")
        ann.lines()
        one = self.hub.nc(DECOMPOSED, "hola")
        self.assertEqual(one.lines()[0], f"-!- you are {JOSE} in lobby; here: ann, {JOSE}")
        self.assertEqual(ann.lines(), [f"-!- {JOSE} joined", f"{JOSE}: hola"])
        one.says("/nick Ｚｏｅ\u0308")
        self.assertEqual(ann.lines(), [f"-!- {JOSE} is now known as Zoë"])
        two, three = self.hub.json(name=DECOMPOSED), self.hub.json(name="ｋａｒｌ", session="0" * 32, **{"try": 1})
        self.assertEqual([two.events()[0]["name"], three.events()[0]["name"]], [JOSE, "karl"])

    def test_who_is_spoken_to(self) -> None:
        """`/msg` finds a name however it is spelled, and nobody by the looks of one."""
        jose, cop = self.hub.nc(JOSE), self.hub.nc(CYRILLIC)
        ann = self.hub.nc("ann")
        jose.lines(), cop.lines(), ann.lines()
        ann.says("/msg JOSE\u0301 psst", f"/msg {CYRILLIC.upper()} hm", "/msg cop no")
        self.assertEqual(jose.lines(), ["-!- ann tells you: psst"])
        self.assertEqual(cop.lines(), ["-!- ann tells you: hm"])
        self.assertEqual(ann.lines(), ["-!- nobody here is called cop"])

    def test_taken_by_its_looks(self) -> None:
        """It is refused, and said why: at the door, later, to a text peer, in JSON, and where one moves to."""
        self.hub.nc(CYRILLIC)
        looks = "the name cop is taken: it looks like сор"
        self.assertEqual(self.hub.nc("cop").lines(), [f"-!- {looks}; which name do you take?"])
        self.assertEqual(self.hub.json(name="cop").events()[0]["text"], looks)
        ann = self.hub.nc("ann", "/nick cop", "/join tea", "/nick cop", "/join lobby")
        self.assertEqual(ann.lines()[1:2], [f"-!- {looks}"])
        self.assertEqual(ann.lines() or ann.peer.room.name, "tea")

    def test_a_session_is_called_something_like_it(self) -> None:
        """Its name has a number then, and is cut where it would be too long."""
        self.hub.nc(CYRILLIC)
        names = []
        for secret, name in enumerate(("cop", "漢" * 24, "漢" * 24)):
            end = self.hub.json(name=name, session=f"{secret:032x}", **{"try": 1})
            names.append(end.events()[0]["name"])
        self.assertEqual(names, ["cop-2", "漢" * 24, "漢" * 22 + "-2"])

    def test_one_s_own_looks_are_free(self) -> None:
        """A name may be changed to one that looks like it, unless it looks like somebody else's, too."""
        vova, bova = self.hub.nc("Вова"), self.hub.nc("BOBA")
        vova.says("/nick ВОВА", "/nick вова")
        self.assertIn("-!- the name ВОВА is taken: it looks like BOBA", vova.lines())
        self.assertEqual(self.hub.rooms(), {"lobby": ["вова", "BOBA"]})
        bova.cut()
        vova.says("/nick BOBA", "/nick ВОВА")
        self.assertEqual(self.hub.rooms(), {"lobby": ["ВОВА"]})
        vova.cut()
        self.assertEqual(self.hub.leftovers(), [])

    def test_a_free_name_is_free(self) -> None:
        """Who leaves or takes another name leaves nothing behind: neither the name nor its looks."""
        first = self.hub.nc(CYRILLIC)
        first.says("/nick ann")
        self.hub.nc("cop").cut()
        self.assertEqual(self.hub.nc(CYRILLIC).lines()[0], f"-!- you are {CYRILLIC} in lobby; here: ann, {CYRILLIC}")

    def test_no_name(self) -> None:
        """What is none is refused in one sentence, also what can't be encoded; a session goes by another."""
        sentence = "a name is made of letters, digits, _ and -"
        ann = self.hub.nc("ann", "/nick \u3164", "/nick a\u0336")
        self.assertEqual(ann.lines()[1:], [f"-!- {sentence}"] * 2)
        end = self.hub.json(name="\ud800", session="0" * 32, **{"try": 1})
        events = end.events()
        self.assertEqual((events[0]["event"], events[0]["text"]), ("error", sentence))
        self.assertEqual(events[1]["name"], "guest-1")
