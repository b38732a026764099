"""Payloads between two nodes come once, in order, and are said again until they are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.cluster.engine import FENCED
from chatterbox.cluster.links import MOST_PATIENT, PATIENT, TICK, Links


class End:
    """One node: what it posts waits in `posts`, and what it takes is noted."""

    def __init__(self, name: str) -> None:
        self.clock = Clock()
        self.posts: list[list[tuple[str, bytes]]] = []
        self.took: list[tuple[str, bytes, int, bytes]] = []
        self.cut: list[str] = []
        self.completed = self.fenced = 0
        self.answer: str | None = "OK"
        self.links = Links(name, self, self.clock.callLater, self)  # type: ignore[arg-type]  # posts are all it does

    def post(self, node: str, payloads: Sequence[tuple[str, bytes]], then: Callable[[Any], None]) -> None:
        self.posts.append(list(payloads))
        then(self.answer)

    def take(self, node: str, kind: bytes, channel: int, data: bytes) -> None:
        self.took.append((node, kind, channel, data))

    def cut_off(self, node: str) -> None:
        self.cut.append(node)

    def complete(self) -> None:
        self.completed += 1

    def is_fenced(self) -> None:
        self.fenced += 1

    def said(self, node: str) -> list[bytes]:
        """Return the payloads for `node` that were posted since this was last asked."""
        self.clock.advance(0.1)
        posts, self.posts = self.posts, []
        return [payload for post in posts for to, payload in post if to == node]


class LinksOfTwo(SynchronousTestCase):
    """Two nodes, and what is said between them."""

    def setUp(self) -> None:
        self.a, self.b = End("a.1"), End("b.1")
        self.a.links.is_up()
        self.b.links.is_up()

    def _say(self, *words: bytes) -> list[bytes]:
        for word in words:
            self.a.links.send("b.1", b"D", 1, word)
            self.a.links.flush()
        return self.a.said("b.1")

    def _give(self, end: End, payloads: list[bytes]) -> None:
        for payload in payloads:
            end.links.heard(payload)

    def _heard(self) -> list[bytes]:
        return [data for _, _, _, data in self.b.took]

    def test_a_turn_is_one_post(self) -> None:
        """All that is said in one turn, to whomever, is one post, which the hearer completes before."""
        self.a.links.send("b.1", b"D", 1, b"one")
        self.a.links.send("c.1", b"D", 2, b"two")
        self.a.links.send("b.1", b"F", 1)
        self.a.clock.advance(0)
        self.assertEqual([[to for to, _ in post] for post in self.a.posts], [["b.1", "c.1"]])
        self.assertEqual(self.a.completed, 1)
        self._give(self.b, [self.a.posts[0][0][1]])
        self.assertEqual(self.b.took, [("a.1", b"D", 1, b"one"), ("a.1", b"F", 1, b"")])

    def test_once_and_in_order(self) -> None:
        """A payload that comes again, or before its time, is not taken."""
        one, two, three = self._say(b"one", b"two", b"three")
        self._give(self.b, [one, one, three, two, one, three])
        self.assertEqual(self._heard(), [b"one", b"two", b"three"])
        self.assertEqual(self.b.links.gaps, 3)

    def test_kept_until_acknowledged(self) -> None:
        """What the other has is forgotten here, and isn't said again."""
        self._give(self.b, self._say(b"one", b"two"))
        self.assertGreater(self.a.links.kept, 0)
        self._give(self.a, self.b.said("a.1"))
        self.assertEqual(self.a.links.kept, 0)
        self.a.clock.advance(TICK)
        self.assertEqual((self.a.said("b.1"), self.a.clock.getDelayedCalls()), ([], []))

    def test_repeated_in_time(self) -> None:
        """What was lost without a word is said again after two seconds, then more and more seldom."""
        self._say(b"one")
        when = []
        for tick in range(1, 2 * MOST_PATIENT + 10):
            self.a.clock.advance(TICK)
            when += [tick] * len(self.a.said("b.1"))
        self.assertEqual(when[:4], [PATIENT, PATIENT + 4, PATIENT + 12, PATIENT + 28])

    def test_repeated_on_return(self) -> None:
        """When the engine can be reached again, everything kept is said again at once, in the same posts."""
        self.a.links.send("b.1", b"D", 1, b"one")
        self.a.links.send("c.1", b"D", 1, b"two")
        self.a.links.flush()
        before, self.a.posts = self.a.posts, []
        self.a.links.is_down()
        self.a.links.send("b.1", b"D", 1, b"three")
        self.a.clock.advance(60)
        self.assertEqual(self.a.posts, [])
        self.a.links.is_up()
        self.a.clock.advance(0)
        self.assertEqual(self.a.posts[0], before[0])
        self._give(self.b, self.a.said("b.1"))
        self.assertEqual(self._heard(), [b"one", b"three"])

    def test_the_same_bytes_for_many(self) -> None:
        """Who hears the same bytes in one turn costs them once, and each channel's order is kept."""
        data, other = b"x" * 1000, b"y"
        for channel in range(100):
            self.a.links.send("b.1", b"d", channel, data)
        self.a.links.send("b.1", b"d", 7, other)
        self.a.links.send("b.1", b"d", 7, other)
        (payload,) = self.a.said("b.1")
        self.assertLess(len(payload), 1600)
        self._give(self.b, [payload])
        self.assertEqual(self.b.took[:100], [("a.1", b"d", channel, data) for channel in range(100)])
        self.assertEqual(self.b.took[100:], [("a.1", b"d", 7, other)] * 2)

    def test_who_was_buried_is_told(self) -> None:
        """A node that was taken for dead and still speaks is not heard, but told; then both begin anew."""
        self._give(self.b, self._say(b"one"))
        self.b.said("a.1")
        self.b.links.bury("a.1")
        late = self._say(b"late")
        self._give(self.b, late)
        self._give(self.a, self.b.said("a.1"))
        self.assertEqual((self.a.cut, self._heard()), (["b.1"], [b"one"]))
        self.assertEqual(self.a.links.kept, 0)
        self._give(self.b, [*self._say(b"anew"), *late])
        self.assertEqual(self._heard(), [b"one", b"anew"])

    def test_who_had_said_nothing_and_was_buried(self) -> None:
        """A node that was taken for dead before anything of it was heard is told so, too, and heard when it begins anew."""
        early = self._say(b"early")
        self.b.links.send("a.1", b"d", 1, b"to nobody")
        self.b.said("a.1")
        self.b.links.bury("a.1")
        self._give(self.b, early)
        self._give(self.a, self.b.said("a.1"))
        self.assertEqual((self.a.cut, self._heard()), (["b.1"], []))
        self._give(self.b, [*self._say(b"anew"), *early])
        self.assertEqual(self._heard(), [b"anew"])

    def test_who_buried_us_and_begins_anew(self) -> None:
        """A payload of a younger link says that its sender took us for dead: nothing older counts."""
        self._give(self.b, self._say(b"one"))
        self._give(self.a, self.b.said("a.1"))
        self.a.links.bury("b.1")
        self._give(self.b, self._say(b"anew"))
        self.assertEqual((self.b.cut, self._heard()), (["a.1"], [b"one", b"anew"]))

    def test_a_fence(self) -> None:
        """An engine that refuses a post is believed: the hearer asks why."""
        self.a.answer = FENCED
        self._say(b"one")
        self.assertEqual(self.a.fenced, 1)

    def test_noise(self) -> None:
        """What is no payload of this version, or cut short, changes nothing and raises nothing."""
        (one,) = self._say(b"one")
        self._give(self.b, [b"", b"noise", b"\x02" + one[1:], b"\x01" + b"\xff" * 80, one[:40]])
        self.assertEqual(self.b.took, [])
        self._give(self.b, [one])
        self.assertEqual(self._heard(), [b"one"])
