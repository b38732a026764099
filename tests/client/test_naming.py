"""Names that are asked for, and those that a hub gives instead: the person and the program are told."""

from __future__ import annotations

from chatterbox.client.pipes.wording import JsonWording, TextWording, Worded
from tests.harness.chats import ChatCase
from tests.harness.played import WELCOME


class OnTheScreen(ChatCase):
    """A person, who sees their name only in the status row otherwise."""

    def test_a_taken_name(self) -> None:
        """Where `--name ann` is taken it is said once, at the start."""
        self.begin("ann")
        self.assertEqual(
            self.welcomed(name="ann-2"),
            ["-!- the name ann is taken: you are ann-2", "-!- you are ann-2 in lobby, with bob (/help)"],
        )
        self.cut()
        self.assertEqual(self.welcomed(name="ann-2"), ["-!- connected again"])

    def test_later(self) -> None:
        """It is also said in another room, and at a hub that was restarted."""
        self.assertEqual(
            self.welcomed(room="tea", name="ann-2"),
            ["-!- the name ann is taken: you are ann-2", "-!- now in tea: with bob"],
        )
        self.cut()
        self.assertEqual(
            self.welcomed(room="tea", name="ann-3")[:1], ["-!- the name ann-2 is taken: you are ann-3"]
        )

    def test_names_that_are_given(self) -> None:
        """In a mode that gives names, `--name` is said to be of no use; who asked for none hears nothing."""
        self.begin("ann")
        self.courier.numbered = False
        rows = self.welcomed(mode="ports", name="51839", label="port")
        self.assertEqual(rows[1:], ["-!- names are given in this mode: you are 51839"])
        self.begin()
        self.assertEqual(self.welcomed(mode="ports", name="51839", label="port"), rows[:1])

    def test_nobody_to_ignore(self) -> None:
        """`/ignore` says where nobody has the name yet; a server that tells no names can't have anybody ignored."""
        self.assertEqual(self.enter("/ignore bob"), ["-!- bob is ignored; /ignore again to hear them"])
        self.assertEqual(
            self.enter("/ignore zed"),
            ["-!- nobody else here is called zed; whoever takes that name is ignored, /ignore again undoes it"],
        )
        self.hear("joined", name="Zed")
        self.assertEqual(self.hear("said", **{"from": "Zed", "text": "hi"}), [])
        self.assertEqual(self.enter("/ignore zed"), ["-!- zed is heard again"])
        self.begin()
        self.courier.numbered = False
        self.welcomed(mode="bare", label="port")
        self.assertEqual(
            self.enter("/ignore zed"), ["-!- this server doesn't tell who says what: nobody can be ignored"]
        )


class InPipes(ChatCase):
    """A program: stderr says it, and JSON has the name in the welcome."""

    def test_a_taken_name(self) -> None:
        """It is said once, however often the hub says welcome; a name that is had, or none yet, is no news."""
        told = Worded(b"", b"-!- the name ann is taken: you are ann-2\n")
        wording = TextWording("ann")
        for name, worded in (("", Worded()), ("ann", Worded()), ("ann-2", told), ("ann-2", Worded()), ("ann", Worded())):
            self.assertEqual(wording.event(WELCOME | {"name": name}, None), worded)
        self.assertEqual(TextWording().event(WELCOME, None), Worded())
        self.assertEqual(JsonWording().event(WELCOME, None).status, b"")
