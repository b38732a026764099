"""A session's link, with a hub that is played in memory: what travels, what is told, and when it tries again."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.crowd import CROWD_PATIENCE
from chatterbox.client.patience import Patience
from chatterbox.client.resume import Resume
from chatterbox.client.session import FAREWELL_PATIENCE, LOOK, Session, make_resume
from tests.harness.memory_hub import BOB, MemoryHub


class Played(MemoryHub):
    """A session, its owner and its hub in one."""

    def __init__(self, resume: Resume | None = None) -> None:
        super().__init__()
        self.clock = Clock()
        self.ahead = 1000.0
        self.shown: list[Any] = []
        self.outcomes: list[tuple[str, int, int]] = []
        self.lost_lines: list[int] = []
        self.pauses: list[tuple[float, str]] = []
        self.ready = 0
        self.end: list[tuple[int, str]] = []
        resume = resume or Resume("0" * 32, Patience(lambda: 1.0, 0.0, 120.0), "tea", "ann")
        self.session = Session(self.clock, self, resume, self, "example:5000", lambda: self.clock.seconds() + self.ahead)
        self.session.start()

    def show(self, event: Any, thing: Any) -> None:
        """Remember."""
        self.shown.append(event["event"] if thing is None else (event["text"] if thing.block else event["event"]))

    def told(self, outcome: Any) -> None:
        """Remember."""
        self.outcomes.append(tuple(outcome))

    def missed(self, missed: Any) -> None:
        """Remember."""
        self.lost_lines.append(missed.lines)

    def waits(self, seconds: float, why: str) -> None:
        """Remember."""
        self.pauses.append((round(seconds, 3), why))

    def go_on(self) -> None:
        """Remember."""
        self.ready += 1

    def over(self, status: int, why: str) -> None:
        """Remember."""
        self.end.append((status, why))


class Links(SynchronousTestCase):
    """From link to link."""

    def test_hello_and_lines(self) -> None:
        """The hello is said first; once welcome, lines go out, and what becomes of them is told."""
        played = Played()
        [hello] = played.hears()
        self.assertEqual((hello["session"], hello["try"], hello["room"], hello["name"]), ("0" * 32, 1, "tea", "ann"))
        self.assertTrue(played.session.full)
        played.welcomes("bob")
        self.assertEqual((played.session.full, played.ready, played.shown), (False, 1, ["welcome"]))
        self.assertEqual(played.session.say(b"one\ntwo\n"), 0)
        self.assertEqual(played.hears(), [{"verb": "say", "to": BOB, "n": 1, "gap": 0, "text": "one\ntwo"}])
        played.says({"event": "got", "stream": BOB, "n": 2})
        self.assertEqual(played.outcomes, [("got", 0, 2)])

    def test_what_is_heard_is_acknowledged_when_shown(self) -> None:
        """Not before: at once if nothing more waits, else lazily."""
        played = Played()
        played.welcomes("bob")
        played.hears()
        played.says({"event": "said", "from": "bob", "stream": BOB, "n": 1, "gap": 0, "text": "hi"})
        self.assertEqual((played.shown[1:], played.hears()), (["hi"], []))
        played.session.shown(1)
        self.assertEqual(played.hears(), [])
        played.clock.advance(0.2)
        self.assertEqual(played.hears(), [{"verb": "got", "to": BOB, "n": 1}])
        played.says({"event": "said", "from": "bob", "stream": BOB, "n": 2, "text": "hi"})
        played.session.shown(1, idle=True)
        self.assertEqual(played.hears(), [{"verb": "got", "to": BOB, "n": 2}])

    def test_comes_back(self) -> None:
        """A lost link is made again after a pause, and what isn't got is repeated."""
        played = Played()
        played.welcomes("bob")
        played.session.say(b"one\n")
        played.cuts()
        self.assertEqual(played.pauses, [(0.2, "the connection broke")])
        self.assertEqual(len(played.wires), 1)
        played.clock.advance(0.2)
        [hello] = played.hears()
        self.assertEqual((hello["try"], hello["with"]), (2, BOB))
        played.welcomes("bob")
        self.assertEqual(played.hears(), [{"verb": "say", "to": BOB, "n": 1, "gap": 0, "text": "one"}])
        self.assertEqual(played.outcomes, [])

    def test_a_hub_that_missed_the_hello(self) -> None:
        """It took the link for a plain peer's, and speaks text: that link is lost, and another one is made."""
        played = Played()
        played.welcomes("bob")
        played.cuts()
        played.clock.advance(1)
        played.wire.connection.dataReceived(b"what bob says\n")
        self.assertTrue(played.wire.aborted)
        played.clock.advance(1)
        self.assertEqual((len(played.wires), played.end), (3, []))
        self.assertEqual(played.hears()[0]["try"], 3)

    def test_ten_times(self) -> None:
        """It recovers as often as it must, refusals in between."""
        played = Played()
        for number in range(10):
            played.welcomes("bob")
            played.refuse = [ConnectionRefusedError()] * (number % 3)
            played.cuts(ConnectionDone())
            played.clock.pump([0.1] * 20)
            self.assertEqual(len(played.wires), number + 2)
        self.assertEqual(played.end, [])

    def test_silence_and_sleep(self) -> None:
        """A silent hub is asked, then left for a new link; after a machine's sleep it is asked at once."""
        played = Played()
        played.welcomes("bob")
        played.hears()
        played.clock.pump([1] * 21)
        self.assertEqual(played.hears(), [{"verb": "ping"}])
        played.says({"event": "pong"})
        played.ahead += 3600
        played.clock.advance(LOOK)
        self.assertEqual(played.hears(), [{"verb": "ping"}])
        wire = played.wire
        played.clock.pump([1] * 6)
        self.assertTrue(wire.aborted)
        self.assertEqual((len(played.wires), played.pauses[-1][1]), (2, "the hub says nothing"))

    def test_reads_only_what_can_be_shown(self) -> None:
        """With too much undisplayed, or while its owner holds it, the link isn't read."""
        played = Played()
        played.welcomes("bob")
        text = "\n".join(["x" * 4000] * 200)
        played.says({"event": "said", "from": "bob", "stream": BOB, "n": 1, "gap": 0, "text": text})
        self.assertEqual(played.wire.producerState, "paused")
        played.session.shown(1)
        self.assertEqual(played.wire.producerState, "producing")
        played.session.hold("stderr")
        self.assertEqual(played.wire.producerState, "paused")
        played.session.release("stderr")
        self.assertEqual(played.wire.producerState, "producing")

    def test_who_does_not_read_does_not_ping(self) -> None:
        """Held by its owner for minutes, it asks the hub for nothing; then it waits its time again."""
        played = Played()
        played.welcomes("bob")
        played.hears()
        played.session.hold("stderr")
        played.clock.pump([1] * 100)
        self.assertEqual((played.hears(), len(played.wires)), ([], 1))
        played.session.release("stderr")
        played.clock.pump([1] * 19)
        self.assertEqual(played.hears(), [])
        played.clock.pump([1] * 2)
        self.assertEqual(played.hears(), [{"verb": "ping"}])

    def test_a_crowd_is_waited_for_but_not_for_ever(self) -> None:
        """In a larger room a speaker of much waits for the fastest hearer, and goes on when even that one hangs."""
        played = Played()
        played.welcomes("bob", "cy", seats=None)
        for _ in range(40):
            if not played.session.full:
                played.session.say(b"x" * 4000 + b"\n")
        self.assertTrue(played.session.full)
        played.says({"event": "got", "stream": BOB, "n": 10})
        self.assertFalse(played.session.full)
        self.assertEqual(played.ready, 2)
        while not played.session.full:
            played.session.say(b"x" * 4000 + b"\n")
        self.assertTrue(played.session.full)
        played.clock.pump([1] * int(CROWD_PATIENCE + 1))
        self.assertFalse(played.session.full)
        self.assertEqual(played.ready, 3)

    def test_nobody_can_guess_a_secret(self) -> None:
        """Each conversation has a new one, of 128 bits."""
        secrets = {make_resume().hello(0)["session"] for _ in range(3)}
        self.assertEqual([len(str(secret)) for secret in secrets], [32] * 3)

    def test_a_seat_is_kept_as_long_as_its_end_tries(self) -> None:
        """The hello asks for the grace that `--retry` means, unless that is the hub's own, or something else is asked for."""
        for later, more, grace in ((5.0, {}, 5.0), (0.0, {}, 0.0), (120.0, {}, None), (None, {}, None), (5.0, {"grace": 2.0}, 2.0)):
            hello = make_resume(later=later, options=dict(more)).hello(0)
            self.assertEqual(hello.get("grace"), grace)


class Ends(SynchronousTestCase):
    """How it ends."""

    def test_the_hub_hangs_up_first(self) -> None:
        """At the end the hub has a moment to close; then the owner is told, once."""
        for late in (False, True):
            played = Played()
            played.welcomes()
            played.hears()
            played.session.abandon(143)
            self.assertEqual(played.hears(), [{"verb": "quit", "why": "lost", "got": {}}])
            self.assertEqual(played.end, [])
            if late:
                played.clock.advance(FAREWELL_PATIENCE)
                self.assertTrue(played.wire.aborted)
            else:
                played.cuts(ConnectionDone())
            self.assertEqual(played.end, [(143, "")])
            self.assertEqual(played.clock.getDelayedCalls(), [])

    def test_no_hub_there(self) -> None:
        """Without a first welcome it doesn't try again, and says what it can about why."""
        for data, reason, why in (
            (b"", ConnectionDone(), "cannot reach example:5000: the hub closed the connection; it may be a TLS port: try tls:example:5000"),
            (b"\x15\x03\x03\x00\x02\x02\x46", ConnectionDone(), "cannot reach example:5000: it speaks TLS: try tls:HOST:PORT"),
            (b"", ConnectionLost(), "cannot reach example:5000: the connection broke; is a hub running there?"),
            (b"-!- your partner joined\n", ConnectionLost(), "cannot reach example:5000: the connection broke; is a hub running there?"),
            (b"SSH-2.0-\x1b[31mx\n", None, "that is no Chatterbox hub: it says 'SSH-2.0-[31mx'"),
        ):
            played = Played()
            played.wire.connection.dataReceived(data)
            if reason:
                played.cuts(reason)
            self.assertEqual(played.end, [(1, why)])

    def test_a_hub_that_says_why(self) -> None:
        """Where the hub takes nobody in for now, its own reason is told, and nothing is guessed."""
        played = Played()
        played.says({"event": "closed", "why": "lost", "text": "the engine can't be reached; try again"})
        played.cuts(ConnectionDone())
        self.assertEqual(played.end, [(1, "cannot reach example:5000: the engine can't be reached; try again")])

    def test_a_hub_that_says_nothing(self) -> None:
        """It is given up after the patience for a welcome."""
        played = Played()
        played.clock.pump([1] * 21)
        self.assertEqual(played.end, [(1, "cannot reach example:5000: the hub says nothing; is a hub running there?")])

    def test_lost_for_good(self) -> None:
        """After two minutes of attempts it ends with status 1 and a sentence; what was said is told."""
        played = Played()
        played.welcomes("bob")
        played.session.say(b"one\n")
        played.refuse = [ConnectionRefusedError()] * 500
        played.cuts()
        played.clock.pump([0.5] * 260)
        self.assertEqual(played.end, [(1, "the link to example:5000 is lost: connection refused")])
        self.assertEqual(played.outcomes, [("perhaps not delivered", 0, 1)])

    def test_refused(self) -> None:
        """A final word of the hub ends it."""
        played = Played()
        played.says({"event": "closed", "why": "full", "text": "no seat"})
        played.cuts(ConnectionDone())
        self.assertEqual((played.shown, played.end), (["closed"], [(3, "full")]))

    def test_questions_for_a_name(self) -> None:
        """Before the welcome a name answers the hub's question, and the next hello asks for it."""
        played = Played()
        played.hears()
        played.says({"event": "error", "code": "name", "text": "which name do you take?"})
        played.session.answer("ann-2")
        self.assertEqual(played.hears(), [{"verb": "nick", "name": "ann-2"}])
        self.assertFalse(played.session.send({"verb": "who"}))
        played.welcomes(name="ann-2")
        self.assertTrue(played.session.send({"verb": "who"}))
        played.cuts()
        played.clock.advance(1)
        self.assertEqual(played.hears()[0]["name"], "ann-2")

    def test_another_hub_without_sessions(self) -> None:
        """A hub that knows none, in place of one that did, can't go on with the conversation: that is told."""
        played = Played()
        played.welcomes("bob")
        played.session.say(b"one\n")
        played.cuts()
        played.clock.advance(1)
        played.welcomes(stream=None)
        played.cuts(ConnectionDone())
        self.assertEqual((played.outcomes, played.end), ([("perhaps not delivered", 0, 1)], [(1, "")]))


class WithoutSessions(SynchronousTestCase):
    """A hub that knows no sessions."""

    def old(self, **more: Any) -> Played:
        """Return a session with such a hub."""
        played = Played()
        played.hears()
        played.says({"event": "welcome", "room": "tea", "mode": "pair", "name": "ann", "seats": 2, "here": ["ann"]} | more)
        return played

    def test_lines_go_out_once(self) -> None:
        """Without numbers, in objects that any hub takes, and not while the system takes nothing."""
        played = self.old()
        self.assertFalse(played.session.numbered)
        played.session.say(b"one\ntwo\n")
        self.assertEqual(played.hears(), [{"verb": "say", "text": "one\ntwo"}])
        played.session.say(b"x" * 4000 + b"\n" + b"y" * 4000 + b"\n" + b"z" * 4000 + b"\n")
        self.assertEqual([len(verb["text"]) for verb in played.hears()], [8001, 4000])
        played.wire.producer.pauseProducing()
        self.assertTrue(played.session.full)
        played.wire.producer.resumeProducing()
        self.assertEqual((played.session.full, played.ready), (False, 2))

    def test_in_talk_lines_are_typed(self) -> None:
        """They go out as keys."""
        played = self.old(mode="talk")
        played.session.say(b"/etc\n\n")
        self.assertEqual(played.hears(), [{"verb": "type", "keys": "/etc\n"}, {"verb": "type", "keys": "\n"}])

    def test_statuses(self) -> None:
        """The word with which the hub closes counts; a partner that left unfinished, or a lost link, is no success."""
        for events, cut, status in (
            ([{"event": "closed", "why": "quit"}], ConnectionDone(), 0),
            ([{"event": "closed", "why": "kicked"}], ConnectionDone(), 3),
            ([{"event": "closed", "why": "shutdown"}], ConnectionDone(), 1),
            ([{"event": "left", "why": "lost"}, {"event": "closed", "why": "quit"}], ConnectionDone(), 4),
            ([{"event": "finished"}, {"event": "left", "why": "quit"}, {"event": "closed", "why": "quit"}], ConnectionDone(), 0),
            ([], ConnectionDone(), 0),
            ([], ConnectionLost(), 1),
        ):
            played = self.old()
            played.session.finish()
            self.assertEqual(played.hears(), [{"verb": "done"}])
            played.says(*events)
            played.cuts(cut)
            self.assertEqual(played.end[0][0], status, events)

    def test_a_hub_of_today_says_a_last_word(self) -> None:
        """Where the welcome says `max_line`, a link that closes without a word is lost."""
        played = self.old(max_line=10)
        played.session.say(b"ok\nthis is too long\nok\n")
        self.assertEqual([verb["text"] for verb in played.hears()], ["ok", "ok"])
        self.assertEqual(played.outcomes, [("not delivered", 1, 1)])
        played.session.finish()
        played.cuts(ConnectionDone())
        self.assertEqual(played.end, [(1, "the link to example:5000 is lost: the hub closed the connection")])

    def test_before_the_end_of_ones_own_words(self) -> None:
        """A hub that hangs up then is lost."""
        played = self.old()
        played.cuts(ConnectionDone())
        self.assertEqual(played.end[0][0], 1)

    def test_leaving(self) -> None:
        """Who wants to leave says so, and does, whatever the hub does."""
        played = self.old()
        played.session.leave()
        self.assertEqual(played.hears(), [{"verb": "quit"}])
        played.clock.pump([1] * 7)
        self.assertEqual(played.end, [(0, "")])
