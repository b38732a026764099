"""What one person types and says, on its way to the hub."""

from __future__ import annotations

from chatterbox.client.terminal import outbox
from chatterbox.client.terminal.outbox import Outbox
from tests.harness.chats import ChatCase
from tests.harness.played import WELCOME


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
        """A draft or a line of keys that a lost link swallowed is sent whole to the next one."""
        self.welcome("talk")
        self.person.typing("hel")
        self.chat.cut("it broke")
        self.enter("hello")
        self.person.typing("the")
        self.take()
        self.chat.heard(WELCOME | {"mode": "talk"})
        self.person.typing("ther")
        self.assertEqual(self.keys(), ["hello\n", "ther"])


class Waiting(ChatCase):
    """Lines that can't be sent yet."""

    def test_kept(self) -> None:
        """What is said without a link waits, is counted, and is sent in order at the next welcome."""
        self.chat.cut("it broke")
        self.enter("one")
        self.enter("/me two")
        self.assertEqual(self.enter("/who"), ["-!- not connected"])
        self.assertIn(" · 2 unsent", self.chat.status(80))
        self.chat.heard(WELCOME)
        self.assertEqual(self.take(), [{"verb": "say", "text": "one"}, {"verb": "me", "text": "two"}])
        self.assertNotIn("unsent", self.chat.status(80))

    def test_flow(self) -> None:
        """A link that takes no more for now makes lines wait, and order is kept when it goes on."""
        sent: list[dict[str, object]] = []
        box = Outbox(sent.append)
        box.flow(True)
        box.post({"verb": "say", "text": "1"})
        box.flow(False)
        box.post({"verb": "say", "text": "2"})
        box.post({"verb": "say", "text": "3"})
        self.assertEqual(len(sent), 1)
        box.flow(True)
        self.assertEqual([verb["text"] for verb in sent], ["1", "2", "3"])

    def test_bound(self) -> None:
        """What waits is bounded: at the limit it is kept, one character more stays in the editor."""
        self.chat.cut("it broke")
        self.assertTrue(self.person.enter_all(["x" * 4096] * (outbox.UNSENT_LIMIT // 4096 - 1) + ["x" * 4095]))
        self.assertFalse(self.person.enter("no"))
        self.assertTrue(self.person.enter("x"))
        self.assertFalse(self.person.enter_all(["y"]))
