"""What one person types and says, on its way to the hub."""

from __future__ import annotations

from chatterbox.client.terminal.chat import QUOTED
from chatterbox.client.terminal.voice import UNSENT_LIMIT
from chatterbox.wire.numbering import UNSENT, UNSURE
from tests.harness.chats import BOB, ChatCase


class Typing(ChatCase):
    """Live typing (docs/protocol.md, section 7)."""

    def keys(self) -> list[object]:
        """Return the keys that were sent."""
        return [verb.get("keys") for verb in self.take()]

    def test_off(self) -> None:
        """Nothing is sent and nothing is shown until the person wants it."""
        self.person.typing("hel")
        self.hear("typed", **{"from": "bob", "keys": "hel"})
        self.assertEqual((self.take(), self.chat.drafts), ([], {}))

    def test_live(self) -> None:
        """A draft goes out as it changes; the line that is said is the record and ends it, at both ends."""
        self.enter("/live")
        for draft in ("h", "hel", "he", "help"):
            self.person.typing(draft)
        self.assertEqual(self.keys(), ["h", "el", "\b", "lp"])
        self.enter("help!")
        self.person.typing("")
        self.assertEqual(self.take(), [{"verb": "say", "text": "help!"}])
        self.hear("typed", **{"from": "bob", "keys": "on my"})
        self.assertEqual(self.chat.drafts["bob"].text, "on my")
        self.hear("typed", **{"from": "bob", "keys": "\x15"})
        self.assertEqual(self.chat.drafts, {})
        self.hear("typed", **{"from": "bob", "keys": "on my way"})
        self.assertEqual(self.hear("said", **{"from": "bob", "text": "on my way"}), ["bob: on my way"])
        self.assertEqual(self.chat.drafts, {})

    def test_commands_are_not_shown(self) -> None:
        """000-7: a slash word is never seen by the partner; a doubled slash is seen as the one it says."""
        self.enter("/live")
        for draft in ("/", "/q", "/quit", "", "//us", "hey", "/hey"):
            self.person.typing(draft)
        self.assertEqual(self.keys(), ["/us", "\x15hey", "\x15"])

    def test_off_again(self) -> None:
        """Switching it off takes the draft back."""
        self.enter("/live")
        self.person.typing("hel")
        self.enter("/live")
        self.assertEqual(self.keys(), ["hel", "\x15"])
        self.person.typing("hello")
        self.assertEqual(self.keys(), [])

    def test_for_many(self) -> None:
        """Live typing is for rooms as well; in mode `talk` there is nothing to switch."""
        self.welcome("room", seats=None, label="nick")
        self.assertEqual(self.enter("/live"), ["-!- live typing is on, with everybody who has it on too"])
        self.person.typing("hel")
        self.assertEqual(self.keys(), ["hel"])
        self.hear("typed", **{"from": "bob", "keys": "me"})
        self.hear("typed", **{"from": "carl", "keys": "too"})
        self.assertEqual({name: draft.text for name, draft in self.chat.drafts.items()}, {"bob": "me", "carl": "too"})
        self.welcome("talk")
        self.assertEqual(self.enter("/live"), ["-!- live typing is always on in this mode"])

    def test_talk(self) -> None:
        """In mode `talk` it is on by itself, and a line is the rest of its keys."""
        self.welcome("talk")
        self.person.typing("hel")
        self.assertEqual(self.enter("hello"), ["you: hello"])
        self.enter("pasted at once")
        self.assertEqual(self.keys(), ["hel", "lo\n", "pasted at once\n"])
        self.assertEqual(self.hear("typed", **{"from": "bob", "keys": "hi\nthe"}), ["bob: hi"])
        self.assertEqual(self.chat.drafts["bob"].text, "the")

    def test_whole_from_the_first(self) -> None:
        """Live typing that begins in the middle of somebody's draft shows the whole of it, under a new name, too."""
        self.hear("typed", **{"from": "bob", "keys": "I am typ"})
        self.hear("renamed", name="bob", to="rob")
        self.enter("/live")
        self.hear("typed", **{"from": "rob", "keys": "ing now"})
        self.assertEqual(self.chat.drafts["rob"].text, "I am typing now")

    def test_newcomer(self) -> None:
        """Somebody who joins in mid-draft gets the whole draft with the next key."""
        self.welcome("talk")
        self.person.typing("hel")
        self.hear("left", name="bob", why="quit")
        self.hear("joined", name="carl")
        self.person.typing("hell")
        self.assertEqual(self.keys(), ["hel", "hell"])

    def test_lost_link(self) -> None:
        """A draft that a lost link swallowed is sent whole on the next one."""
        self.enter("/live")
        self.person.typing("hel")
        self.cut()
        self.person.typing("hell")
        self.assertEqual(self.keys(), ["hel"])
        self.welcomed()
        self.person.typing("hello")
        self.assertEqual(self.keys(), ["hello"])

    def test_back(self) -> None:
        """Who comes back gets the whole draft with the next key."""
        self.enter("/live")
        self.person.typing("hel")
        self.hear("back", name="bob")
        self.person.typing("hell")
        self.assertEqual(self.keys(), ["hel", "hell"])


class Waiting(ChatCase):
    """Lines that can't be said yet, and lines that nobody has got."""

    def test_unsent(self) -> None:
        """Lines are unsent while there is no link, or nobody here, until they are got; then nothing is counted."""
        self.enter("zero")
        self.assertNotIn("unsent", self.chat.status(80))
        self.cut()
        self.enter("one")
        self.enter("/me two")
        self.assertEqual(self.enter("/who"), ["-!- not connected"])
        self.assertIn(" · 3 unsent · ", self.chat.status(80))
        self.told(0, 1)
        self.assertIn(" · 2 unsent · ", self.chat.status(80))
        self.welcomed()
        self.assertNotIn("unsent", self.chat.status(80))
        self.courier.company.away({"stream": BOB})
        self.assertIn(" · 2 unsent · ", self.chat.status(80))
        self.told(1, 2)
        self.assertNotIn("unsent", self.chat.status(80))

    def test_full(self) -> None:
        """What the session doesn't take waits, is counted, and is said in order when it takes more."""
        self.courier.full = True
        for line in ("one", "/me two", "/msg bob three"):
            self.enter(line)
        self.assertEqual(self.take(), [])
        self.assertIn(" · 3 unsent · ", self.chat.status(80))
        self.courier.full = False
        self.chat.voice.go_on()
        self.assertEqual(
            [(verb["verb"], verb["text"]) for verb in self.take()], [("say", "one"), ("me", "two"), ("msg", "three")]
        )

    def test_bound(self) -> None:
        """What waits is bounded: at the limit it is kept, one character more stays in the editor."""
        self.courier.full = True
        self.assertTrue(self.person.enter_all(["x" * 4096] * (UNSENT_LIMIT // 4096 - 1) + ["x" * 4095]))
        self.assertFalse(self.person.enter("no"))
        self.assertTrue(self.person.enter("x"))
        self.assertFalse(self.person.enter_all(["y"]))

    def test_not_delivered(self) -> None:
        """A line that nobody got is quoted where its fate is known, in words for either certainty."""
        for line in ("one", "/me two", "three"):
            self.enter(line)
        self.assertEqual(self.told(0, 1), [])
        self.assertEqual(self.told(1, 1, UNSURE), ["-!- perhaps not delivered: two"])
        self.assertEqual(self.told(2, 1, UNSENT), ["-!- not delivered: three"])

    def test_many_not_delivered(self) -> None:
        """Of many lines the first are quoted and the rest are counted; who leaves is given all of them back."""
        lines = [f"line {number}" for number in range(QUOTED + 2)]
        self.person.enter_all(lines)
        rows = self.told(0, len(lines), UNSENT)
        self.assertEqual((len(rows), rows[-1]), (QUOTED + 1, "-!- not delivered: 2 more lines"))
        self.courier.full = True
        self.out.rows.clear()
        self.person.enter_all(lines)
        self.enter("/quit")
        self.assertEqual(self.out.rows[-len(lines) :], [f"-!- not delivered: {line}" for line in lines])
