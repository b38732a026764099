"""Copies and numbers: what an outbox sends, keeps, repeats and tells."""

from __future__ import annotations

from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.wire.lane import BLOCK_COST, LARGEST_SAY, Lane
from chatterbox.wire.numbered import Numbered
from chatterbox.wire.numbering import REMEMBERED, Outbox, Outcome


def outbox(partner: str = "b", limit: int = 1000) -> Outbox:
    """Return the outbox of a pair whose partner is there, with a link."""
    box = Outbox(limit)
    box.welcome([(partner, True)] if partner else [])
    box.drain()
    return box


class AnOutboxOfAPair(SynchronousTestCase):
    """One partner, one count."""

    def test_the_first_line_is_number_one_and_says_the_gap(self) -> None:
        """The first say after meeting somebody carries a gap, the next one doesn't."""
        box = outbox()
        box.say(b"one\ntwo\n")
        box.say(b"three\n")
        sends, outcomes = box.drain()
        self.assertEqual(sends, [Numbered("say", 1, b"one\ntwo\n", 2, "b", 0), Numbered("say", 3, b"three\n", 1, "b")])
        self.assertEqual(outcomes, [])

    def test_what_is_got_is_forgotten_and_told(self) -> None:
        """A cumulative got releases lines, also within a block."""
        box = outbox()
        box.say(b"one\ntwo\n")
        box.got("b", 1)
        self.assertEqual(box.drain()[1], [Outcome("got", 0, 1)])
        self.assertFalse(box.settled)
        box.got("b", 2)
        self.assertEqual(box.drain()[1], [Outcome("got", 1, 1)])
        self.assertTrue(box.settled)
        self.assertEqual(box.size, 0)

    def test_a_wrong_got_says_nothing(self) -> None:
        """Numbers that were never sent, old ones and those of strangers are ignored."""
        box = outbox()
        box.say(b"one\n")
        for stream, n, private in (("b", 2, False), ("b", 0, False), ("c", 1, False), ("b", 1, True)):
            box.got(stream, n, private)
        self.assertEqual(box.drain()[1], [])
        self.assertFalse(box.settled)

    def test_repeats_at_the_welcome_and_when_the_partner_is_back(self) -> None:
        """What isn't got is sent again, joined, with its gap: at a welcome and at `back`, and not at `away`."""
        box = outbox()
        box.say(b"one\n")
        box.say(b"two\n")
        box.got("b", 1)
        box.lost()
        box.say(b"three\n")
        box.drain()
        again = [Numbered("say", 2, b"two\nthree\n", 2, "b", 0)]
        box.welcome([("b", True)])
        self.assertEqual(box.drain()[0], again)
        box.away("b")
        box.say(b"four\n")
        self.assertEqual(box.drain()[0], [])
        box.meet("b", True)
        self.assertEqual(box.drain()[0], [Numbered("say", 2, b"two\nthree\nfour\n", 3, "b", 0)])

    def test_a_half_got_block_is_repeated_in_part(self) -> None:
        """A repeat begins after the last line that was got."""
        box = outbox()
        box.say(b"one\ntwo\n\nfour\n")
        box.got("b", 2)
        box.drain()
        box.meet("b")
        self.assertEqual(box.drain()[0], [Numbered("say", 3, b"\nfour\n", 2, "b", 0)])

    def test_deeds_and_the_end_are_repeated_alone(self) -> None:
        """Only plain lines are joined; done takes the last number."""
        box = outbox()
        box.say(b"one\n")
        box.say(b"waves\n", "me")
        box.say(b"two\n")
        box.finish()
        box.drain()
        box.meet("b")
        self.assertEqual([(t.kind, t.n, t.gap) for t in box.drain()[0]], [("say", 1, 0), ("me", 2, None), ("say", 3, None), ("done", 4, None)])
        box.got("b", 3)
        self.assertTrue(box.settled)
        self.assertFalse(box.empty)
        box.got("b", 4)
        self.assertTrue(box.empty)

    def test_a_repeat_is_cut_into_bearable_says(self) -> None:
        """Many blocks become few says, none larger than the bound."""
        box = outbox(limit=1 << 20)
        for _ in range(40):
            box.say(b"x" * 9999 + b"\n")
        box.drain()
        box.meet("b")
        sends = box.drain()[0]
        self.assertEqual(len(sends), 7)
        self.assertLessEqual(max(len(t.block) for t in sends), LARGEST_SAY)
        self.assertEqual(sum(t.lines for t in sends), 40)

    def test_who_speaks_alone_keeps_the_lines(self) -> None:
        """Lines are addressed to whoever comes; their numbers are theirs."""
        box = outbox("")
        box.say(b"one\n")
        box.finish()
        self.assertEqual(box.drain(), ([], []))
        box.meet("c")
        self.assertEqual(box.drain()[0], [Numbered("say", 1, b"one\n", 1, "c", 0), Numbered("done", 2, b"", 1, "c")])

    def test_what_a_leaver_has_not_got_is_told_at_once(self) -> None:
        """Sent lines are perhaps not delivered, others not; and what it had got counts."""
        box = outbox()
        box.say(b"one\ntwo\n")
        box.away("b")
        box.say(b"three\n")
        box.left("b", got=1)
        self.assertEqual(box.drain()[1], [Outcome("got", 0, 1), Outcome("perhaps not delivered", 1, 1), Outcome("not delivered", 2, 1)])
        self.assertEqual((box.partner, box.size), ("", 0))

    def test_a_stream_met_again_goes_on_where_its_count_was(self) -> None:
        """Count and got are kept: the hearer knows which numbers are old, and how many it missed."""
        box = outbox()
        box.say(b"1\n2\n3\n")
        box.got("b", 1)
        box.meet("c")
        box.say(b"x\n")
        box.left("c")
        box.meet("b")
        box.drain()
        box.say(b"4\n")
        self.assertEqual(box.drain()[0], [Numbered("say", 4, b"4\n", 1, "b", 2)])

    def test_a_partner_missing_in_the_welcome_has_left(self) -> None:
        """In a pair the welcome's ends are the truth."""
        box = outbox()
        box.say(b"one\n")
        box.drain()
        box.lost()
        self.assertEqual(box.welcome([("c", False)]), [])
        self.assertEqual(box.drain(), ([], [Outcome("perhaps not delivered", 0, 1)]))
        self.assertEqual(box.partner, "c")

    def test_is_full_at_its_limit_in_bytes_and_objects(self) -> None:
        """The bound counts text and blocks: it is met at the limit and not before."""
        box = outbox(limit=BLOCK_COST + 10)
        box.say(b"x" * 8 + b"\n")
        self.assertFalse(box.full)
        box = outbox(limit=BLOCK_COST + 10)
        box.say(b"x" * 9 + b"\n")
        self.assertTrue(box.full)
        box = outbox("", limit=10 * (BLOCK_COST + 1))
        for count in range(10):
            self.assertFalse(box.full, count)
            box.say(b"\n")
        self.assertTrue(box.full)

    def test_a_forgotten_stream_starts_beyond_all_old_numbers(self) -> None:
        """Whoever met more partners than it remembers uses no number twice."""
        box = outbox("b0")
        box.say(b"x\n" * 9)
        for number in range(1, REMEMBERED + 2):
            box.meet(f"b{number}")
            box.say(b"y\n")
        box.meet("b0")
        box.drain()
        box.say(b"z\n")
        self.assertEqual(box.drain()[0][0].n, 10)

    def test_moving_settles_what_was_said(self) -> None:
        """Nothing that was said in one room is heard in the next."""
        box = outbox("")
        box.say(b"hello?\n")
        box.moved(pair=True)
        box.meet("c")
        self.assertEqual(box.drain(), ([], [Outcome("not delivered", 0, 1)]))
        self.assertEqual(box.size, 0)

    def test_a_private_line_in_a_pair_is_one_of_its_lines(self) -> None:
        """It goes to the partner in order; to anybody else it isn't delivered."""
        box = outbox()
        box.say(b"psst\n", "msg", "b")
        box.say(b"psst\n", "msg", "c")
        self.assertEqual(box.drain(), ([Numbered("msg", 1, b"psst\n", 1, "b", 0)], [Outcome("not delivered", 1, 1)]))


class AnOutboxOfARoom(SynchronousTestCase):
    """Many ends, one count, a pointer for each."""

    def setUp(self) -> None:
        self.box = Outbox(1000, pair=False)
        self.box.welcome([("b", True), ("c", False)])

    def test_each_end_hears_where_the_count_is(self) -> None:
        """Who is here gets "from here on"; what is said goes to everyone once."""
        self.box.say(b"one\n")
        self.assertEqual(self.box.drain()[0], [Numbered("say", 1, b"", 0, "b", 0), Numbered("say", 1, b"one\n", 1)])
        self.box.meet("d")
        self.assertEqual(self.box.drain()[0], [Numbered("say", 2, b"", 0, "d", 0)])

    def test_a_line_is_kept_until_all_who_were_there_have_got_it(self) -> None:
        """A newcomer is owed nothing; who is away is waited for."""
        self.box.say(b"one\n")
        self.box.meet("d")
        self.box.got("b", 1)
        self.assertFalse(self.box.settled)
        self.box.drain()
        self.box.meet("c")
        self.assertEqual(self.box.drain()[0], [Numbered("say", 1, b"one\n", 1, "c", 0)])
        self.box.got("c", 1)
        self.assertEqual(self.box.drain()[1], [Outcome("got", 0, 1)])
        self.assertTrue(self.box.settled)

    def test_who_leaves_is_not_waited_for(self) -> None:
        """A line that one of them has got counts as got; one that nobody has is told."""
        self.box.say(b"one\ntwo\n")
        self.box.got("b", 1)
        self.box.left("c")
        self.box.left("b")
        self.assertEqual(self.box.drain()[1], [Outcome("got", 0, 1), Outcome("perhaps not delivered", 1, 1)])

    def test_a_got_of_who_came_later_says_nothing_of_earlier_lines(self) -> None:
        """What was never owed to an end isn't got by it."""
        self.box.say(b"one\n")
        self.box.left("c")
        self.box.meet("d")
        self.box.say(b"two\n")
        self.box.got("d", 2)
        self.box.left("b")
        self.assertEqual(self.box.drain()[1], [Outcome("perhaps not delivered", 0, 1), Outcome("got", 1, 1)])

    def test_past_the_bound_the_oldest_are_given_up_and_counted(self) -> None:
        """Nobody waits; who was away hears how many it missed, and the speaker is told."""
        for number in range(20):
            self.box.say(b"%d\n" % number)
            self.box.got("b", number + 1)
        self.assertFalse(self.box.full)
        self.assertLessEqual(self.box.size, 1000)
        _, outcomes = self.box.drain()
        self.assertEqual(outcomes, [Outcome("perhaps not delivered", 0, 13)])
        self.box.meet("c")
        sends = self.box.drain()[0]
        self.assertEqual([(t.n, t.lines, t.gap) for t in sends], [(14, 7, 13)])

    def test_many_that_are_given_up_are_looked_for_once(self) -> None:
        """A block that takes the place of a hundred costs one look at each count, the largest first, and one at its ends."""
        box = Outbox(200 * (BLOCK_COST + 2), pair=False)
        box.welcome([(f"e{at}", True) for at in range(50)])
        for at in range(50):
            box.say(b"p\n", "msg", f"e{at}")
        for _ in range(150):
            box.say(b"x\n")
        box.drain()
        with mock.patch.object(Lane, "_count", autospec=True, side_effect=Lane._count) as count:
            box.say(b"y" * (100 * (BLOCK_COST + 2) - BLOCK_COST - 1) + b"\n")
        self.assertEqual(count.call_count, 1)
        self.assertEqual(box.drain()[1], [Outcome("perhaps not delivered", 50, 100)])
        self.assertEqual(box.size, 200 * (BLOCK_COST + 2))

    def test_private_lines_are_given_up_too(self) -> None:
        """Where the largest count has nothing more to give, the next one does; as many as must go, and no more."""
        box = Outbox(4 * (BLOCK_COST + 2), pair=False)
        box.welcome([("b", True)])
        for _ in range(4):
            box.say(b"p\n", "msg", "b")
        box.say(b"x\n")
        box.say(b"y\n")
        self.assertEqual(box.drain()[1], [Outcome("perhaps not delivered", 0, 2)])

    def test_who_goes_to_another_room_looks_at_its_ends_once(self) -> None:
        """What somebody has got is told as got, what nobody has as perhaps not delivered, also of those that were dropped."""
        box = Outbox(10_000, pair=False)
        box.welcome([(f"e{at}", True) for at in range(50)])
        for _ in range(60):
            box.say(b"x\n")
        for at in range(50):
            box.got(f"e{at}", at + 1)
        box.dropped(3)
        box.drain()
        with mock.patch.object(Lane, "_count", autospec=True, side_effect=Lane._count) as count:
            box.moved(pair=False)
        self.assertEqual(count.call_count, 1)
        told = [Outcome("got", 1, 1), Outcome("not delivered", 2, 1), Outcome("got", 3, 47), Outcome("perhaps not delivered", 50, 10)]
        self.assertEqual(box.drain()[1], told)
        self.assertTrue(box.empty)

    def test_the_newest_block_is_never_given_up(self) -> None:
        """One block larger than the bound is kept, alone."""
        self.box.say(b"small\n")
        self.box.say(b"x" * 2000 + b"\n")
        self.box.drain()
        self.box.meet("c")
        self.assertEqual([(t.n, t.gap) for t in self.box.drain()[0]], [(2, 1)])

    def test_who_is_missing_in_a_welcome_is_kept(self) -> None:
        """After a restart the others come later, and are owed what they were."""
        self.box.say(b"one\n")
        self.box.lost()
        self.assertEqual(self.box.welcome([("c", True)]), ["b"])
        self.box.drain()
        self.box.meet("b")
        self.assertEqual(self.box.drain()[0], [Numbered("say", 1, b"one\n", 1, "b", 0)])

    def test_nobody_there_is_told_at_once(self) -> None:
        """A room's lines are for those present."""
        box = Outbox(1000, pair=False)
        box.welcome([])
        box.say(b"hello?\n")
        self.assertEqual(box.drain(), ([], [Outcome("not delivered", 0, 1)]))

    def test_private_lines_have_their_own_count(self) -> None:
        """Room lines and private ones are numbered, acknowledged and repeated apart."""
        self.box.say(b"all\n")
        self.box.drain()
        self.box.say(b"psst\n", "msg", "b")
        self.assertEqual(self.box.drain()[0], [Numbered("msg", 1, b"psst\n", 1, "b", 0, True)])
        self.box.got("b", 1)
        self.box.drain()
        self.box.meet("b")
        self.assertEqual(self.box.drain()[0], [Numbered("say", 2, b"", 0, "b", 0), Numbered("msg", 1, b"psst\n", 1, "b", 0, True)])
        self.box.got("b", 1, private=True)
        self.assertEqual(self.box.drain()[1], [Outcome("got", 1, 1)])

    def test_a_private_line_to_nobody_is_not_delivered(self) -> None:
        """It isn't kept for who may come."""
        self.box.say(b"psst\n", "msg", "x")
        self.assertEqual(self.box.drain()[1], [Outcome("not delivered", 0, 1)])

    def test_a_hub_that_changes_its_mode_reuses_no_number(self) -> None:
        """From a room to a pair and back, counts only grow."""
        self.box.say(b"one\ntwo\n")
        self.box.moved(pair=True)
        self.box.meet("b")
        self.box.say(b"three\n")
        self.assertEqual(self.box.drain()[0][-1], Numbered("say", 3, b"three\n", 1, "b", 0))
        self.box.moved(pair=False)
        self.box.meet("b")
        self.assertEqual(self.box.drain()[0][-1].n, 4)
