"""What an inbox takes, misses and acknowledges; and that outbox and inbox together lose nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.wire.inbox import LAZY_BYTES, MOST_HEARD, Got, Heard, Inbox
from chatterbox.wire.numbered import MOST, Numbered, from_event, from_verb, to_event, to_verb
from chatterbox.wire.numbering import REMEMBERED, Outbox


class AnInbox(SynchronousTestCase):
    """last + 1, or a gap; everything else is ignored."""

    def setUp(self) -> None:
        self.box = Inbox()

    def hear(self, n: int, block: bytes = b"x\n", gap: int | None = None, stream: str = "a", **other: bool) -> Heard | None:
        thing = Numbered("say", n, block, block.count(b"\n"), gap=gap, **other)
        return self.box.hear(stream, thing, 0)

    def test_takes_the_next_line_only(self) -> None:
        """A number ahead without a gap waits for its repeat."""
        self.assertIsNone(self.hear(2))
        self.assertTrue(self.hear(1, gap=0))
        self.assertIsNone(self.hear(3))
        self.assertTrue(self.hear(2))

    def test_takes_the_new_part_of_a_block_that_overlaps(self) -> None:
        """Known lines are cut off its front."""
        self.hear(1, b"1\n2\n", 0)
        self.assertEqual(self.hear(1, b"1\n2\n3\n", 0), Heard(Numbered("say", 3, b"3\n")))

    def test_counts_what_was_given_up(self) -> None:
        """No more than its speaker gave up, and no more than it lacks."""
        self.hear(1, gap=0)
        heard = self.hear(5, gap=2)
        self.assertEqual(heard and heard.missed, 2)
        heard = self.hear(7, gap=99)
        self.assertEqual(heard and heard.missed, 1)
        heard = self.hear(9, b"", gap=3)
        self.assertEqual(heard, Heard(Numbered("say", 9, lines=0, gap=3), 1))
        self.assertTrue(self.hear(9))

    def test_a_newcomer_misses_nothing(self) -> None:
        """Where the count is, is where it begins."""
        self.assertIsNone(self.hear(58, b"", gap=0))
        heard = self.hear(58)
        self.assertEqual(heard and heard.missed, 0)

    def test_a_line_that_the_hub_dropped_is_missed(self) -> None:
        """It takes its number, so that the next one is heard."""
        self.hear(1, gap=0)
        heard = self.box.hear("a", Numbered("missing", 2, lines=2), 0)
        self.assertEqual(heard and heard.missed, 2)
        self.assertTrue(self.hear(4))

    def test_got_means_shown_and_answers_every_repeat(self) -> None:
        """Nothing is acknowledged before it is shown; a repeat of what is shown is, again."""
        self.hear(1, b"1\n2\n", 0)
        self.assertEqual(self.box.gots(9, idle=True), [])
        self.box.shown("a", 1, False, 2, 0)
        self.assertEqual(self.box.gots(9, idle=True), [Got("a", 1)])
        self.assertIsNone(self.hear(1, b"1\n2\n", 0))
        self.assertEqual(self.box.gots(9, idle=True), [Got("a", 1)])
        self.assertEqual(self.box.gots(9, idle=True), [])

    def test_shown_beyond_what_was_heard_is_no_acknowledgement(self) -> None:
        """A forgotten stream has nothing to acknowledge."""
        self.hear(1, gap=0)
        self.box.shown("a", 2, False, 2, 0)
        self.box.shown("z", 2, False, 2, 0)
        self.assertEqual(self.box.gots(9), [])

    def test_got_is_lazy(self) -> None:
        """It waits for 100 ms, or 128 KiB, or for the end of what is to be read."""
        self.hear(1, b"1\n2\n3\n", 0)
        self.box.shown("a", 1, False, 2, 5.0)
        self.assertAlmostEqual(self.box.due or 0, 5.1)
        self.assertEqual(self.box.gots(5.05), [])
        self.assertEqual(self.box.gots(5.1), [Got("a", 1)])
        self.assertIsNone(self.box.due)
        self.box.shown("a", 2, False, LAZY_BYTES - 1, 6)
        self.assertEqual(self.box.gots(6), [])
        self.box.shown("a", 3, False, 1, 6)
        self.assertEqual(self.box.gots(6), [Got("a", 3)])

    def test_one_got_for_two_large_blocks(self) -> None:
        """Where two things are asked for at least, `got` waits for the second one, or for 100 ms."""
        self.hear(1, b"1\n2\n3\n4\n", 0)
        self.box.shown("a", 1, False, 2 * LAZY_BYTES, 5.0)
        self.assertEqual(self.box.gots(5.0, least=2), [])
        self.box.shown("a", 2, False, 1, 5.0)
        self.assertEqual(self.box.gots(5.0, least=2), [Got("a", 2)])
        self.box.shown("a", 3, False, 2 * LAZY_BYTES, 6.0)
        self.assertEqual((self.box.gots(6.05, least=2), self.box.gots(6.1, least=2)), ([], [Got("a", 3)]))
        self.box.shown("a", 4, False, 2 * LAZY_BYTES, 7.0)
        self.assertEqual(self.box.gots(7.0, least=2), [])
        self.assertEqual(self.box.gots(7.0), [Got("a", 4)])

    def test_private_lines_are_counted_apart(self) -> None:
        """Room line 1 and private line 1 are two lines."""
        self.assertTrue(self.hear(1, gap=0))
        self.assertTrue(self.hear(1, gap=0, private=True))

    def test_everyone_who_is_here(self) -> None:
        """Of a thousand who have spoken each one's next line is heard, and a repeat is heard by nobody."""
        for number in range(1000):
            self.assertTrue(self.hear(1, gap=0, stream=f"a{number}"))
        for number in range(1000):
            self.assertIsNone(self.hear(1, gap=0, stream=f"a{number}"))
            self.assertTrue(self.hear(2, stream=f"a{number}"))

    def test_remembers_64_streams_that_have_left(self) -> None:
        """The one that left longest ago is forgotten, and begins at its gap again; its `got` is no longer owed."""
        for number in range(REMEMBERED + 1):
            self.hear(1, gap=0, stream=f"a{number}")
            self.box.shown(f"a{number}", 1, False, 2, 0)
        for number in range(REMEMBERED + 1):
            self.box.part(f"a{number}")
        self.assertNotIn(Got("a0", 1), self.box.gots(9))
        self.assertIsNone(self.hear(1, gap=0, stream="a1"))
        self.assertTrue(self.hear(1, gap=0, stream="a0"))

    def test_who_never_leaves(self) -> None:
        """A hub that makes up speakers fills no memory: beyond the bound the first of them counts as one who has left."""
        for number in range(MOST_HEARD + REMEMBERED + 2):
            self.hear(1, gap=0, stream=f"a{number}")
        self.assertIsNone(self.hear(1, gap=0, stream=f"a{REMEMBERED + 1}"))
        self.assertTrue(self.hear(1, gap=0, stream="a1"))


class ANumberedThing(SynchronousTestCase):
    """Its two JSON forms."""

    def test_comes_back_from_both_forms(self) -> None:
        """What is said is what is heard."""
        things = [
            Numbered("say", 1, b"a\nb\n", 2, "b", 0),
            Numbered("say", 4, b"\n", 1),
            Numbered("say", 4, b"", 0, "b", 3),
            Numbered("me", 7, b"waves\n", 1, "b"),
            Numbered("msg", 1, b"psst\n", 1, "b", 0, True),
            Numbered("done", 9, b"", 1, "b"),
        ]
        for thing in things:
            self.assertEqual(from_verb(to_verb(thing)), thing)
            self.assertEqual(from_event(to_event(thing, "ann", "a")), thing._replace(to=""))
        missing = Numbered("missing", 3, lines=2)
        self.assertEqual(from_event(to_event(missing, "ann", "a")), missing)
        self.assertIsNone(from_verb(to_verb(missing)))

    def test_a_hub_says_how_many_lines_a_block_is(self) -> None:
        """Who hears it counts them where the number is none, or more than the block has bytes."""
        thing = Numbered("say", 1, b"a\nb\n", 2, "b", 0)
        event = to_event(thing, "ann", "a", behind=True)
        self.assertEqual((event["bytes"], event["lines"], "text" in event), (4, 2, False))
        for lines, counted in ((2, 2), (1, 1), (4, 4), (5, 2), (0, 2), (-1, 2), (1.0, 2), ("2", 2), (True, 2), (None, 2)):
            heard = from_event(event | {"lines": lines}, thing.block)
            self.assertEqual(heard and heard.lines, counted, lines)
        said = from_verb(to_verb(thing, behind=True) | {"lines": 1}, thing.block)  # a speaker may lie: the hub counts
        self.assertEqual(said and said.lines, 2)

    def test_what_is_no_number_is_nothing(self) -> None:
        """Whatever a stranger sends is taken as it should be, or not at all."""
        for n in (0, -1, 1.0, "1", True, None, MOST + 1, [], {}):
            self.assertIsNone(from_verb({"verb": "say", "n": n, "text": "x"}), n)
        for gap in (-1, "0", True, MOST + 1):
            self.assertIsNone(from_verb({"verb": "say", "n": 1, "gap": gap, "text": "x"}), gap)
        self.assertIsNone(from_verb({"verb": "say", "n": 1, "to": 7}))
        self.assertIsNone(from_verb({"verb": "me", "n": 1, "text": "a\nb"}))
        self.assertIsNone(from_verb({"verb": ["say"], "n": 1}))
        self.assertIsNone(from_event({"event": "joined", "n": 1}))
        self.assertEqual(from_verb({"verb": "say", "n": MOST, "text": 3}), Numbered("say", MOST, b"", 0))


class LinesOnTheirWay(SynchronousTestCase):
    """Any blocks, any losses, any order of repeats."""

    @given(st.data())
    def test_every_line_is_shown_once_in_order(self, data: st.DataObject) -> None:
        """However lines are split into blocks and links lose their ends, they are shown once, in order, and got."""
        speaker, hearer = Outbox(limit=1 << 20), Inbox()
        speaker.welcome([("b", True)])
        shown: list[bytes] = []
        said = 0
        wire: list[Numbered] = []
        back: list[Got] = []

        def carry(things: int, gots: int) -> None:
            for thing in wire[:things]:
                heard = hearer.hear("a", thing, 0)
                if heard:
                    self.assertEqual(heard.missed, 0)
                    shown.extend(heard.thing.block.splitlines())
                    hearer.shown("a", heard.thing.last, False, 1, 0)
                back.extend(hearer.gots(0, idle=True))
            for got in back[:gots]:
                speaker.got("b", got.n)
            del wire[:things], back[:gots]

        for _ in range(data.draw(st.integers(0, 12))):
            step = data.draw(st.sampled_from(["say", "carry", "cut", "away"]))
            if step == "say":
                count = data.draw(st.integers(1, 5))
                speaker.say(b"".join(b"%d\n" % (said + i) for i in range(count)))
                said += count
            elif step == "carry":
                carry(data.draw(st.integers(0, len(wire))), data.draw(st.integers(0, 5)))
            elif step == "cut":
                speaker.lost()
                carry(data.draw(st.integers(0, len(wire))), data.draw(st.integers(0, 5)))
                wire.clear()
                back.clear()
                speaker.welcome([("b", True)])
            else:
                speaker.away("b")
                speaker.meet("b")
            wire.extend(speaker.drain()[0])
        speaker.meet("b")
        wire.extend(speaker.drain()[0])
        carry(len(wire), 1 << 20)
        self.assertEqual(shown, [b"%d" % number for number in range(said)])
        self.assertTrue(speaker.settled)
        self.assertEqual(speaker.size, 0)
