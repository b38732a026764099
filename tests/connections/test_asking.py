"""A hello that asks: in a mode of names a person without a good one hears so in place of getting another."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.desk import SUGGESTIONS
from tests.harness.memory import End, HubOnAClock

QUESTION = "which name do you take?"


def hello(hub: HubOnAClock, number: int = 1, **more: object) -> End:
    """Return a new end that has said a session's hello, and asks."""
    return hub.json(**{"session": f"{number:032x}", "try": 1, "asks": True} | more)


class Asking(SynchronousTestCase):
    """Docs/protocol.md, section 9."""

    def setUp(self) -> None:
        self.hub = HubOnAClock("room")
        hello(self.hub, 200, name="bob", room="tea")

    def asked(self, **more: object) -> list[str]:
        """Return what a hello is answered, where that is no welcome; nobody sits down for it."""
        before = self.hub.rooms()
        end = hello(self.hub, **more)  # type: ignore[arg-type]  # keys of a hello
        *errors, closed = end.events()
        self.assertEqual((errors[-1]["code"], errors[-1]["asks"], closed["why"]), ("name", True, "quit"))
        self.hub.wait(10)
        self.assertEqual((self.hub.rooms(), end.closed), (before, "done"))
        return [error["text"] for error in errors]

    def test_no_name(self) -> None:
        """Without a name, or with one that can't be one, the question is the answer."""
        self.assertEqual(self.asked(room="tea"), [QUESTION])
        self.assertEqual(self.asked(name="a b"), ["a name is made of letters, digits, _ and -", QUESTION])

    def test_a_taken_name(self) -> None:
        """It is refused with the reason, and a free one; in another room it is free itself."""
        self.assertEqual(self.asked(name="bob", room="tea"), ["the name bob is taken; bob-2 is free"])
        hello(self.hub, 2, name="bob-2", room="tea")
        self.assertIn("; BOB-3 is free", self.asked(name="BOB", room="tea")[0])
        self.assertEqual(hello(self.hub, 3, name="bob", room="other").events()[0]["name"], "bob")

    def test_suggestions_are_bounded(self) -> None:
        """So many names are tried, and no more."""
        for number in range(2, SUGGESTIONS + 1):
            hello(self.hub, number, name=f"bob-{number}", room="tea")
        self.assertIn(f"; bob-{SUGGESTIONS + 1} is free", self.asked(number=99, name="bob", room="tea")[0])
        hello(self.hub, 100, name=f"bob-{SUGGESTIONS + 1}", room="tea")
        self.assertEqual(self.asked(number=99, name="bob", room="tea"), ["the name bob is taken"])

    def test_then_with_a_name(self) -> None:
        """The same session comes again with a name, and sits down."""
        self.asked(room="tea")
        self.assertEqual(hello(self.hub, room="tea", name="ann", **{"try": 2}).events()[0]["name"], "ann")

    def test_a_session_that_comes_back(self) -> None:
        """Its own seat has its name: that is no other one's, and it isn't asked."""
        again = hello(self.hub, 200, name="bob", room="tea", **{"try": 2})
        self.assertEqual(again.events()[0]["event"], "welcome")

    def test_where_no_names_are_asked_for(self) -> None:
        """In other modes, and without the key, a name is given as ever; a bad room is refused before that."""
        hub = HubOnAClock("pair")
        self.assertEqual(hello(hub).events()[0]["name"], "guest-1")
        self.assertEqual(hello(self.hub, 2, name="bob", room="tea", asks=False).events()[0]["name"], "bob-2")
        self.assertEqual(hello(self.hub, 3, room="a b").events()[-1]["why"], "kicked")
