"""The benchmarks measure what they say: every line is checked, and a damaged one is a failure and no figure."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from functools import partial
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import compare, traffic, turns
from benchmarks.fuzz_ends import BareEnd, End, numbered
from benchmarks.fuzz_scheduled import MAX_LINE, Fault, PlainEnd, Record, SessionEnd
from benchmarks.lines import Check, Damage, stream
from benchmarks.load import WORKS
from benchmarks.relays import Relay
from benchmarks.scale import Scale
from benchmarks.soak_fuzz import KINDS, Talk
from chatterbox.client.outputs import Fate
from chatterbox.wire.numbering import GOT, UNSENT, UNSURE, Outcome
from tests.harness.memory import HubOnAClock


class CheckTest(SynchronousTestCase):
    """A check takes a stream as it was said, and nothing else."""

    def test_takes_the_stream_in_any_chunks(self) -> None:
        """Labelled lines are counted, however they are cut, and beyond the period too."""
        data, period = stream(64, b"ann: ")
        check = Check(64, b"ann: ")
        for _ in range(2):
            for at in range(0, period, 100_001):
                check.take(data[at : min(at + 100_001, period)])
        self.assertEqual(check.lines, 2 * period // 69)

    def test_refuses_what_was_not_said(self) -> None:
        """A lost, a repeated, a moved and a changed line are each seen."""
        lines = stream(64)[0][: 64 * 9].splitlines(keepends=True)
        one, two, three = lines[:3]
        for bad in ([one, three], [one, one], [two, one], [one, two.replace(b"~", b"-")]):
            self.assertRaises(Damage, Check(64).take, b"".join(bad))

    def test_takes_labels_out_of_chunks(self) -> None:
        """A relay that labels what it happened to read is checked for the lines alone, if a label is cut as well."""
        check = Check(64, b"<user5> ", loose=True)
        text = stream(64)[0]
        for part in (b"<user5> " + text[:100] + b"<use", b"r5> " + text[100:128]):
            check.take(part)
        self.assertEqual(check.lines, 2)

    def test_other_languages_are_whole_characters(self) -> None:
        """Every line of Chinese and of French is text, has its size, and is taken by the check of the same language."""
        for text in ("zh", "fr"):
            for size in (16, 63, 64, 65):
                lines = stream(size, text=text)[0][: size * 9]
                self.assertEqual([len(line) + 1 for line in lines.decode().encode().split(b"\n")[:-1]], [size] * 9)
                self.assertFalse(lines.isascii() and size > 16)
                Check(size, text=text).take(lines)
                self.assertRaises(
                    Damage, Check(size, text="fr" if text == "zh" else "zh").take, stream(64, text=text)[0][:640]
                )


class Fuzzed(SynchronousTestCase):
    """What judges a fuzzed conversation sees each kind of fault."""

    def judged(self, *heard: str, said: int = 3, told: int = 0) -> str:
        """Return what is said of one who has heard these lines of another."""
        talk = Talk(KINDS["pair"], "1", "tea", ())
        speaker, hearer = (End(name, Random(1), "tea") for name in ("a1x0", "b1x0"))
        speaker.said, speaker.told, speaker.ended, hearer.ended = said, told, "clean", "clean"
        talk.ends = [speaker, hearer]
        hearer.take("".join(f"{line}\n" for line in heard).encode())
        talk._judge(talk.ends)
        return " ".join(talk.faults)

    def test_each_fault(self) -> None:
        """A line that is doubled, moved, torn or missing is a fault; one that was told of is none."""
        one, two, three = (numbered("a1x0", at, "hello") for at in (1, 2, 3))
        self.assertEqual(self.judged(one, "-!- b1x0 joined", f"a1x0: {two}", three), "")
        self.assertIn("doubled", self.judged(one, two, two, three))
        self.assertIn("reordered", self.judged(two, one, three))
        self.assertIn("torn", self.judged(one, two[:9] + two[10:], three))
        self.assertIn("1 lines lost unsaid of 3", self.judged(one, three))
        self.assertEqual(self.judged(one, three, told=1), "")

    def test_messages_that_stick_together(self) -> None:
        """A bare program that reads late takes a word and two messages at once: both are heard, and neither is torn."""
        late = BareEnd("a1x0", Random(1), "tea")
        late.hello()
        late.take(("joined" + numbered("b1x0", 1, "hello") + "b1x0: " + numbered("b1x0", 2, "hello")).encode())
        self.assertEqual((dict(late.heard), late.torn), ({"b1x0": [1, 2]}, []))


class Scheduled(SynchronousTestCase):
    """What judges a schedule sees each kind of fault."""

    def setUp(self) -> None:
        """A session speaks, in a pair."""
        self.record = Record(is_pair=True)
        self.end = SessionEnd(HubOnAClock(limits={"max_line": MAX_LINE}), 1, "tea", self.record)
        self.line = self.record.line(1)
        self.end.speak([self.line])

    def test_lines_are_heard_once_and_in_order(self) -> None:
        """A line that is heard twice, or after a later one, is a fault; a speaker's own echo is none."""
        two, three = self.record.line(1), self.record.line(1)
        for text in (self.line, three, b"-!- s1 tells you: " + self.record.line(1)):
            self.record.hears(2, text)
        self.record.hears(1, self.line)
        for text in (two, three):
            self.assertRaises(Fault, self.record.hears, 2, text)

    def test_fates(self) -> None:
        """A line has one fate: none, another one, one that isn't so, and a status that hides it are faults."""
        self.assertRaisesRegex(Fault, "has no fate", self.end.judge)
        self.end._do_one(Fate(Outcome(GOT, 0, 1)))
        self.assertRaisesRegex(Fault, "nobody has heard it", self.end.judge)
        self.record.hears(2, self.line)
        self.end.judge()
        self.assertRaisesRegex(Fault, "twice", self.end._do_one, Fate(Outcome(UNSURE, 0, 1)))
        self.end._fates[0] = UNSENT
        self.assertRaisesRegex(Fault, "not delivered, and somebody", self.end.judge)
        self.end._fates[0], self.end.exit = UNSURE, (0, "")
        self.assertRaisesRegex(Fault, "the status is 0", self.end.judge)

    def test_a_plain_peer(self) -> None:
        """It is told of what nobody has heard, or that is a fault."""
        for is_json in (False, True):
            plain = PlainEnd(HubOnAClock(), 3, "tea", self.record, is_json)
            plain.speak([self.record.line(3)])
            plain.why = "quit"
            self.assertRaisesRegex(Fault, "lost 1 lines", plain.judge)
            plain.why = ""
            plain.asks("quit")
            plain.judge()


class HarnessTest(SynchronousTestCase):
    """What needs no hub in a process; whether the others run is seen where somebody measures."""

    def test_the_table(self) -> None:
        """A cell is median, spread and ratio to the base of its row; a relay without any figure has no column."""
        figures = {("a", "chatterbox"): [30.0, 10.0, 20.0], ("a", "socat"): [4000.0, 40.0, 400.0], ("b", "ncat"): [0.5]}
        self.assertEqual(
            compare.table({"a": ("lines", "a second"), "b": ("more", "MB/s")}, figures).split("\n"),
            [
                "| work | chatterbox | socat | ncat |",
                "|---|---|---|---|",
                "| lines, a second | 20.0 [10.0 – 30.0] (0.05 ×) | 400 [40.0 – 4,000] (1.00 ×) | – |",
                "| more, MB/s | – | – | 0.5 (1.00 ×) |",
            ],
        )

    def test_says_what_failed(self) -> None:
        """A relay that doesn't start is a fault, told with its reason, and has no figure."""
        broken = Relay("broken", "{python} -c raise(SystemExit('no'))", {"pair": ""})
        figures, faults = compare.measure({"pingpong": WORKS["pingpong"]}, [broken], 1, 0.05)
        self.assertEqual(figures, {})
        self.assertRegex(faults[0], "ping-pong, median, broken: broken didn't start: no")

    def test_nobody_is_left(self) -> None:
        """Peers who come and go in all the ways there are leave no map with an entry in it."""
        (figure,) = traffic.cycles_in_memory(Scale(cycles=500))
        self.assertIn("0 entries left", figure.seen)


class TurnsTest(SynchronousTestCase):
    """The longest turns are measured on the hub as it is: its transport has what the hub asks of one."""

    def test_rooms_of_all_dialects(self) -> None:
        """Some of the rows take some time, also those in which sessions hear."""
        rows: list[Callable[[turns.Size], float]] = [turns.meeting, turns.leaves, turns.stop]
        rows += [partial(turns.flood, *turns.INPUTS[name]) for name in ("a session's lines", "`/msg`", "WebSocket `say`")]
        for measure in rows:
            for size in ("5:text+json+session+websocket", "20:session"):
                self.assertGreater(measure(turns.size_of(size)), 0)

    def test_a_room_is_as_it_was_asked_for(self) -> None:
        """It has as many members as that, who speak what they should; nobody speaks what no hub knows."""
        _, factory, ends = turns.crowd("room", size := turns.size_of("40:websocket+session"))
        self.assertEqual([end.connection.peer.session for end in ends], [False, True] * 20)
        self.assertEqual({len(end.connection.peer.room.members) for end in ends}, {40})
        self.assertEqual(str(size), "40:websocket+session")
        self.assertRaises(ArgumentTypeError, turns.size_of, "3:klingon")
