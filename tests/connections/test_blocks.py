"""Blocks at the hub: who has asked says and hears lines behind their object, and everybody else hears what it ever did."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.limits import Limits
from tests.harness.memory import End, HubOnAClock
from tests.harness.session_client import Client, talk

HELLO = {"chatterbox": 1, "session": "0" * 32, "try": 1, "room": "tea", "name": "ann", "blocks": True}
LINES = b'one\n{"verb": "quit"}\n-!- two\n'


class WhoAsks(SynchronousTestCase):
    """Each of two asks for blocks, or doesn't."""

    def setUp(self) -> None:
        self.hub = HubOnAClock()

    def test_every_pair(self) -> None:
        """The lines are the same, and only who has asked gets them as a block."""
        for number, (asks, other) in enumerate(((True, True), (True, False), (False, True))):
            a, b = (Client(self.hub, f"tea{number}", name, blocks=blocks) for name, blocks in (("ann", asks), ("bob", other)))
            talk(a, b)
            a.says(*LINES.decode().split("\n")[:-1])
            b.says("three")
            talk(a, b)
            self.assertEqual((b.said, a.said), (LINES.decode().split("\n")[:-1], ["three"]))
            self.assertEqual((a.blocks, b.blocks), (int(asks), int(other)))
            self.assertEqual(sum(lines for word, lines in a.fates if word == "got"), 3)

    def test_a_cut_in_a_block(self) -> None:
        """At each byte of it: the hub says nothing of what isn't whole, and the repeat is heard once."""
        a, b = (Client(self.hub, "tea", name, blocks=True) for name in ("ann", "bob"))
        talk(a, b)
        size = len(json.dumps({"verb": "say", "to": "0" * 16, "n": 1, "bytes": 10})) + 11
        for number in range(size):
            say, end = [], a.end
            assert end is not None
            end.sends, kept = (lambda *data, say=say, end=end: say.extend(data) or end), end.sends  # type: ignore[method-assign,misc]  # nothing leaves
            a.says(f"line {number:4}")
            end.sends = kept  # type: ignore[method-assign]  # from here on it does
            [data] = say
            end.sends(data[:number])
            a.cut().connect()
            talk(a, b)
        self.assertEqual(b.said, [f"line {number:4}" for number in range(size)])

    def test_a_hub_that_confirms_nothing(self) -> None:
        """Who has asked and isn't answered speaks as ever."""
        a = Client(self.hub, "tea", "ann", blocks=True)
        a.resume._says_blocks = False
        b = Client(self.hub, "tea", "bob")
        talk(a, b)
        a.says("one", "two")
        talk(a, b)
        self.assertEqual(b.said, ["one", "two"])

    def test_plain_peers(self) -> None:
        """nc and plain JSON hear what they ever did; a notice can't be forged in a block either."""
        nc = self.hub.connects().says("/join tea")
        a = Client(self.hub, "tea", "ann", blocks=True)
        talk(a)
        nc.heard()
        a.says(*LINES.decode().split("\n")[:-1])
        talk(a)
        self.assertEqual(nc.heard(), b'one\n{"verb": "quit"}\n -!- two\n')
        nc.says("hi", "there")
        talk(a)
        self.assertEqual((a.said, a.blocks), (["hi", "there"], 1))


class Strangers(SynchronousTestCase):
    """Whoever writes blocks by hand."""

    def setUp(self) -> None:
        self.hub = HubOnAClock(limits={"max_line": 100})
        self.bob = self.hub.connects().says("/join tea")
        self.hub.wait(1)

    def stranger(self, **more: object) -> End:
        end = self.hub.connects().says(json.dumps(HELLO | more))
        self.welcome = end.events()[0]
        self.bob.heard()
        return end

    def test_the_welcome_says_so(self) -> None:
        """Only to who has asked, with `true` and nothing else."""
        self.stranger()
        self.assertIs(self.welcome["blocks"], True)
        for number, asked in enumerate((False, 1, "true", None)):
            self.stranger(blocks=asked, session=f"{number + 1:032}", room=f"r{number}")
            self.assertNotIn("blocks", self.welcome)

    def test_who_has_not_asked(self) -> None:
        """A block of its is no block: the verb is refused, and what follows is read as ever."""
        end = self.stranger(blocks=False)
        end.sends(json.dumps({"verb": "say", "n": 1, "bytes": 3}).encode() + b"\nhi\n")
        self.assertEqual([event.get("code") for event in end.events()], ["json"])
        self.assertEqual(self.bob.heard(), b"")

    def test_last_words(self) -> None:
        """Where the size makes no sense, is too large, or the end is missing, the link is closed with a word."""
        most = Limits(max_line=100).max_session_json
        for size, why in ((0, "kicked"), ("3", "kicked"), (most + 1, "flood"), (2, "kicked")):
            hub = self.hub = HubOnAClock(limits={"max_line": 100})
            self.bob = hub.connects()
            end = self.stranger()
            end.sends(json.dumps({"verb": "say", "n": 1, "bytes": size}).encode() + b'\nhi\n{"verb": "who"}\n')
            closed = end.events()[-1]
            self.assertEqual((closed["event"], closed["why"]), ("closed", why), size)
            hub.wait(700)
            self.bob.cut()
            hub.wait(1)
            self.assertEqual(hub.leftovers(), [])

    def test_what_may_be_held(self) -> None:
        """A block that doesn't end holds no more than an object that doesn't end: together they have one bound."""
        most = Limits(max_line=100).max_session_json
        end = self.stranger()
        end.sends(json.dumps({"verb": "say", "n": 1, "bytes": most}).encode() + b"\n" + b"x\n" * 20_000)
        end.sends(b"y" * (most - 40_000))
        self.assertEqual(end.events(), [])
        end.sends(b"y")
        self.assertEqual(end.events()[-1]["why"], "flood")

    def test_a_block_that_never_ends(self) -> None:
        """What has come of it is nobody's: its speaker is away, and then has left."""
        end = self.stranger()
        end.sends(json.dumps({"verb": "say", "n": 1, "bytes": 1000}).encode() + b"\nhi\n")
        self.hub.wait(61)
        self.hub.wait(61)  # it is looked at once a minute
        self.assertEqual(self.bob.lines(), ["-!- your partner is away (link lost), what you say is kept"])
        self.assertEqual(end.closed, "aborted")
