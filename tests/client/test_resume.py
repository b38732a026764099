"""A client's session: the vectors that every client passes, and what can't be said in them."""

from __future__ import annotations

import random

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.outputs import Fate, Show
from chatterbox.client.patience import LAST_PAUSE, LEAST_PAUSE, Patience
from chatterbox.client.resume import Resume
from tests.harness.session_vectors import load, replay

STREAMS = {name: name * 16 for name in "abc"}


def welcome(*others: str, seats: int | None = 2) -> dict[str, object]:
    """Return the welcome of a room where these are."""
    ends = [{"name": name, "stream": STREAMS[name], "session": True, "away": False} for name in others]
    return {
        "event": "welcome",
        "room": "tea",
        "name": "ann",
        "seats": seats,
        "stream": STREAMS["a"],
        "grace": 120,
        "ends": ends,
    }


def session(limit: int = 256 * 1024) -> Resume:
    """Return a session that sits in a pair with b."""
    made = Resume("0" * 32, Patience(lambda: 1.0, None, None), "tea", "ann", limit=limit)
    made.hello(0)
    made.heard(welcome("b"), 0)
    made.take()
    return made


class Vectors(SynchronousTestCase):
    """`tests/wire/session_vectors.json`, which the browser's page runs, too."""

    def test_every_vector_holds(self) -> None:
        """Each call leads to these outputs, in this order, and to no others."""
        for vector in load():
            for (call, expected), found in zip(vector["steps"], replay(vector)):
                self.assertEqual(found, expected, f"{vector['title']}: {call}")

    def test_no_output_shows_the_secret(self) -> None:
        """It stands in the hello alone."""
        for vector in load():
            outputs = [output for step in replay(vector) for output in step if output[0] != "hello"]
            self.assertNotIn("0123456789abcdef0123456789abcdef", repr(outputs), vector["title"])


class Bounds(SynchronousTestCase):
    """Both directions are bounded."""

    def test_is_full_until_the_other_end_has_got_enough(self) -> None:
        """At 256 KiB nothing more may be said; a got makes room."""
        ours = session()
        ours.say(b"x" * (256 * 1024 - 130) + b"\n")
        self.assertFalse(ours.full)
        ours.say(b"\n")
        self.assertTrue(ours.full)
        ours.heard({"event": "got", "stream": STREAMS["b"], "n": 1}, 1)
        self.assertFalse(ours.full)

    def test_is_full_before_its_first_welcome_and_on_its_way(self) -> None:
        """Nobody knows yet to whom it would speak."""
        ours = Resume("0" * 32, Patience(lambda: 1.0), "tea")
        self.assertTrue(ours.full)
        ours = session()
        ours.join("den", 1)
        self.assertTrue(ours.full)

    def test_does_not_read_nor_ping_with_too_much_unshown(self) -> None:
        """At 256 KiB that wait to be shown, 128 bytes for each object, the link isn't read; its silence says nothing."""
        ours = session()
        text = "x" * (256 * 1024 - 130)
        ours.heard({"event": "said", "from": "bob", "stream": STREAMS["b"], "n": 1, "gap": 0, "text": text}, 1)
        self.assertTrue(ours.reading)
        ours.heard({"event": "said", "from": "bob", "stream": STREAMS["b"], "n": 2, "text": ""}, 1)
        self.assertFalse(ours.reading)
        ours.take()
        ours.tick(500)
        self.assertEqual(ours.take(), [])
        ours.shown(500, idle=True)
        self.assertTrue(ours.reading)
        ours.take()
        ours.tick(519)
        self.assertEqual(ours.take(), [])
        self.assertLessEqual(ours.due or 0, 520)

    def test_one_got_for_two_large_blocks_of_a_pair(self) -> None:
        """In a larger room a speaker waits at 64 KiB for the first got, so there it is said after 32."""
        for seats, size, said in ((2, 200_000, [0, 1]), (None, 32 * 1024, [1, 1]), (None, 32 * 1000, [0, 1])):
            ours = session()
            ours.heard(welcome("b", seats=seats), 1)
            gots = []
            for n in (1, 2):
                block = b"x" * (size - 1) + b"\n"
                ours.heard({"event": "said", "from": "bob", "stream": STREAMS["b"], "n": n, "gap": 0, "lines": 1}, 2, block)
                ours.take()
                ours.shown(2)
                gots.append(len(ours.take()))
            self.assertEqual(gots, said)

    def test_is_due_for_nothing_when_it_is_over(self) -> None:
        """No timer is left."""
        ours = session()
        self.assertEqual(ours.due, 20)
        ours.heard({"event": "closed", "why": "kicked"}, 1)
        self.assertIsNone(ours.due)
        ours.take()
        ours.heard(welcome("b"), 2)
        ours.tick(99)
        self.assertEqual(ours.take(), [])


class Leaving(SynchronousTestCase):
    """To go, with the status that is true."""

    def test_without_a_link(self) -> None:
        """Its time is over while the link is lost: what isn't got is told, and it is no success."""
        for lines, status in ((b"", 0), (b"one\n", 4)):
            made = session()
            made.say(lines) if lines else None
            made.lost(1)
            made.leave(1, wait=5)
            made.tick(6)
            self.assertEqual(made.status, status)
            self.assertEqual([output.outcome.word for output in made.take() if isinstance(output, Fate)], ["perhaps not delivered"] * bool(lines))


class AHostileHub(SynchronousTestCase):
    """Whatever a hub sends, nothing raises, and nothing grows."""

    def test_nonsense_is_survived(self) -> None:
        """Keys that are missing or of another kind, for every event."""
        chance = random.Random(7)
        values = [None, True, -1, 0, 1, 3, 2**60, "", "x", STREAMS["b"], [], [7], {}, {"stream": 7}, 1.5]
        keys = (
            "room name seats stream grace ends n gap got to text lines private left own code max_line finished".split()
        )
        kinds = (
            "welcome joined back away left got pong said did told finished missing renamed error notice what".split()
        )
        for _ in range(300):
            ours = session()
            for _ in range(12):
                event: dict[str, object] = {key: chance.choice(values) for key in keys if chance.random() < 0.5}
                ours.heard(event | {"event": chance.choice([*kinds, 7, None])}, 1)
                ours.shown(1)
                if not ours.full:
                    ours.say(b"hi\n")
                ours.take()

    def test_streams_without_end_leave_nothing_behind(self) -> None:
        """60,000 who come and speak are one partner at a time, and 64 counts."""
        ours = session()
        for number in range(2000):
            ours.heard({"event": "joined", "name": "x", "stream": f"{number:016}"}, 1)
            ours.heard({"event": "said", "from": "x", "stream": f"{number:016}", "n": 1, "gap": 0, "text": "hi"}, 1)
            ours.say(b"hi\n")
            ours.shown(1)
            ours.take()
        self.assertEqual(len(ours.company.ends), 1)
        self.assertLessEqual(len(ours.outbox._counts), 64)


class Hearing(SynchronousTestCase):
    """What is shown in a room that changes."""

    def test_events_without_numbers_are_shown_as_they_are(self) -> None:
        """The hub's own notices, and lines of a console that has no stream."""
        ours = session()
        for event in ({"event": "notice", "text": "hi"}, {"event": "said", "from": "server", "text": "hi"}):
            ours.heard(event, 1)
            self.assertEqual(ours.take(), [Show(event)])


class PatienceItself(SynchronousTestCase):
    """Pauses and their chance."""

    def test_pauses_grow_and_are_spread(self) -> None:
        """From a fraction of a second to ten, wherever chance falls between."""
        for chance in (0.0, 0.5, 1.0):
            patience = Patience(lambda chance=chance: chance, None, None)
            pauses = [patience.lost(0) or 0 for _ in range(40)]
            self.assertEqual(pauses, sorted(pauses))
            self.assertGreaterEqual(pauses[0], LEAST_PAUSE)
            self.assertLessEqual(pauses[-1], LAST_PAUSE)

    def test_the_last_attempt_is_made_at_the_end_of_the_time(self) -> None:
        """A pause that would go beyond it is shorter."""
        patience = Patience(lambda: 1.0, first=1.0)
        self.assertAlmostEqual(patience.lost(0) or 0, 0.2)
        self.assertAlmostEqual(patience.lost(0.9) or 0, 0.1)
        self.assertIsNone(patience.lost(1.0))
