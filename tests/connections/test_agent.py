"""The agent of a plain peer: it numbers, keeps, repeats and acknowledges in its place."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.agent import Agent
from chatterbox.wire.inbox import Got
from chatterbox.wire.numbered import Numbered
from chatterbox.wire.numbering import AGENT_LIMIT, Outcome


class AnAgent(SynchronousTestCase):
    """One plain peer, one session beside it."""

    def setUp(self) -> None:
        self.agent = Agent("p")
        self.agent.outbox.meet("s")
        self.agent.drain()

    def test_numbers_and_keeps_what_its_peer_says(self) -> None:
        """Lines are kept until they are got, and repeated when the session is back."""
        self.agent.say(b"one\n")
        self.agent.outbox.away("s")
        self.agent.say(b"two\n")
        self.assertEqual(self.agent.drain()[0], [Numbered("say", 1, b"one\n", 1, "s", 0)])
        self.agent.outbox.meet("s")
        self.assertEqual(self.agent.drain()[0], [Numbered("say", 1, b"one\ntwo\n", 2, "s", 0)])

    def test_tells_what_was_not_delivered(self) -> None:
        """Counted, for the peer's notice."""
        self.agent.say(b"one\ntwo\n")
        self.agent.outbox.left("s", 1)
        self.assertEqual(self.agent.drain()[1], [Outcome("got", 0, 1), Outcome("perhaps not delivered", 1, 1)])

    def test_is_full_at_64_kib(self) -> None:
        """Then its peer isn't read, until some of it is got."""
        self.agent.say(b"x" * (AGENT_LIMIT - 130) + b"\n")
        self.assertFalse(self.agent.full)
        self.agent.say(b"\n")
        self.assertTrue(self.agent.full)
        self.agent.outbox.got("s", 1)
        self.assertFalse(self.agent.full)

    def test_a_fin_is_the_numbered_last_word(self) -> None:
        """The seat stays until that is got."""
        self.agent.say(b"one\n")
        self.agent.finish()
        self.agent.finish()
        self.assertEqual(self.agent.drain()[0], [Numbered("say", 1, b"one\n", 1, "s", 0), Numbered("done", 2, b"", 1, "s")])
        self.agent.outbox.got("s", 1)
        self.assertFalse(self.agent.over)
        self.agent.outbox.got("s", 2)
        self.assertTrue(self.agent.over)

    def test_acknowledges_what_its_peers_machine_has_taken(self) -> None:
        """Not what is written; by bytes."""
        self.assertEqual(self.agent.hear("s", Numbered("say", 1, b"abc\n", 1, "p", 0), 0).thing.lines, 1)
        self.agent.wrote(4)
        self.assertEqual(self.agent.hear("s", Numbered("say", 2, b"de\n", 1, "p"), 0).thing.lines, 1)
        self.agent.wrote(7)
        self.agent.taken(3, 1)
        self.assertEqual(self.agent.gots(9), [])
        self.agent.taken(6, 1)
        self.assertEqual(self.agent.gots(1.05), [])
        self.assertEqual(self.agent.gots(1.1), [Got("s", 1)])
        self.assertTrue(self.agent.unacknowledged)
        self.agent.taken(7, 2)
        self.assertEqual(self.agent.gots(2, idle=True), [Got("s", 2)])
        self.assertFalse(self.agent.unacknowledged)

    def test_writes_nothing_twice(self) -> None:
        """A repeat is acknowledged again, and not written; what the hub dropped has nothing to write."""
        thing = Numbered("say", 1, b"abc\n", 1, "p", 0)
        self.agent.hear("s", thing, 0)
        self.agent.wrote(4)
        self.agent.taken(4, 0)
        self.agent.gots(9)
        self.assertEqual(self.agent.hear("s", thing, 10).thing.lines, 0)
        self.assertEqual(self.agent.gots(11), [Got("s", 1)])
        heard = self.agent.hear("s", Numbered("missing", 2), 12)
        self.assertEqual((heard.thing.lines, heard.missed), (0, 1))
        self.assertEqual(self.agent.gots(13), [Got("s", 2)])

    def test_knows_when_the_other_end_has_finished(self) -> None:
        """Its last word counts when all before it is taken."""
        self.agent.hear("s", Numbered("say", 1, b"abc\n", 1, "p", 0), 0)
        self.agent.wrote(4)
        self.agent.hear("s", Numbered("done", 2), 0)
        self.agent.wrote(4)
        self.assertFalse(self.agent.hearing.all_of("s"))
        self.agent.taken(4, 0)
        self.assertTrue(self.agent.hearing.all_of("s"))
