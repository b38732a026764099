"""A session in a larger room costs what its hearers cost: who is there numbers nothing for those who need no numbers."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.connection import Connection
from chatterbox.connections.desk import Desk
from chatterbox.connections.glances import WORK_A_TURN, WORK_OF_ONE, Glances
from chatterbox.connections.inlet import Inlet
from chatterbox.connections.slow import PULSE
from chatterbox.connections.stand_in import StandIn
from chatterbox.core.audience import Audience
from chatterbox.core.events import Gone
from chatterbox.core.meetings import MEETINGS_A_TURN, Meetings
from chatterbox.core.peer import Peer
from chatterbox.wire.reading import TextReader
from chatterbox.wire.speaking import PORTION
from tests.harness.memory import End, HubOnAClock


def session(hub: HubOnAClock, number: int, **more: object) -> End:
    """Return a session that has a seat."""
    hello = {"chatterbox": 1, "session": f"{number:032x}", "try": 1, "name": f"s{number}"} | more
    return hub.connects().says(json.dumps(hello))


def session_hello(number: int) -> bytes:
    """Return the hello of a session, as it travels."""
    return json.dumps({"chatterbox": 1, "session": f"{number:032x}", "try": 1, "name": f"s{number}"}).encode() + b"\n"


def plain(hub: HubOnAClock, *names: str) -> list[End]:
    """Return text peers that have a seat."""
    ends = [hub.connects().says(f"/nick {name}") for name in names]
    hub.wait(1)
    return ends


def said(end: End) -> list[Any]:
    """Return what `end`, which speaks JSON, has heard others say and do."""
    return [(event["from"], event["text"], event.get("n")) for event in end.events() if event["event"] in ("said", "did", "told") and "own" not in event]


class Meeting(SynchronousTestCase):
    """Coming and going."""

    def test_each_meets_the_session_and_no_other(self) -> None:
        """Among 100 plain peers the first session is met by 100; they say nothing of counts that haven't begun."""
        hub = HubOnAClock("room")
        ends = plain(hub, *(f"n{at}" for at in range(100)))
        with mock.patch.object(StandIn, "meet", autospec=True, side_effect=StandIn.meet) as meet:
            ann = session(hub, 1)
            self.assertEqual(meet.call_count, 100)
            self.assertEqual([event["event"] for event in ann.events()], ["welcome"])
            plain(hub, "late")
            self.assertEqual(meet.call_count, 101)
        with mock.patch.object(Connection, "part", autospec=True, side_effect=Connection.part) as part:
            ends[0].cut()
            self.assertEqual(part.call_count, 0)

    def test_a_portion_a_turn(self) -> None:
        """Of 150 plain peers some meet a session in each turn; what it says is heard, once they have, by each once."""
        hub = HubOnAClock("room")
        ends = plain(hub, *(f"n{at}" for at in range(150)))
        ann = hub.connects()
        counts: list[int] = []
        real = Meetings._some

        def some(meetings: Meetings, *args: Any) -> None:
            before = meet.call_count
            real(meetings, *args)
            counts.append(meet.call_count - before)

        with (
            mock.patch.object(StandIn, "meet", autospec=True, side_effect=StandIn.meet) as meet,
            mock.patch.object(Meetings, "_some", some),
        ):
            ann.line.send(session_hello(1) + b'{"verb": "say", "n": 1, "text": "hi"}\n')
            self.assertEqual(counts, [])
            hub.wait(1)
        self.assertEqual(counts, [MEETINGS_A_TURN, MEETINGS_A_TURN, 150 - 2 * MEETINGS_A_TURN])
        self.assertEqual([end.lines().count("s1: hi") for end in ends], [1] * 150)

    def test_who_speaks_before_its_turn(self) -> None:
        """A plain peer that speaks to a session before its turn has come is heard, and told of nothing undelivered."""
        hub = HubOnAClock("room")
        ends = plain(hub, *(f"n{at}" for at in range(150)))
        ann = hub.connects()
        ann.line.send(session_hello(1))
        ends[149].line.send(b"one\n/me waves\n/msg s1 psst\n")
        hub.wait(1)
        self.assertEqual(said(ann), [("n149", "one", 1), ("n149", "waves", 2), ("n149", "psst", 1)])
        ann.asks("got", to=ends[149].peer.stream, n=2)
        ann.line.send(b'{"verb": "quit", "got": {}}\n')
        ends[149].line.send(b"two\n")
        hub.wait(1)
        self.assertEqual([line for line in ends[149].lines() if "deliver" in line], ["-!- perhaps not delivered: the last line"])
        self.assertIn("n149: two", ends[0].lines())

    def test_a_storm_of_moves(self) -> None:
        """A session that goes to and fro waits for those whom it leaves and meets: nothing is gathered without bound."""
        hub = HubOnAClock("room")
        plain(hub, *(f"n{at}" for at in range(150)))
        ann = hub.connects()
        ann.line.send(session_hello(1) + b'{"verb": "join", "room": "tea"}\n{"verb": "join", "room": "lobby"}\n' * 20)
        counts: list[int] = []
        real = Meetings.begin

        def begin(meetings: Meetings, *args: Any) -> None:
            real(meetings, *args)
            counts.append(len(meetings.rounds))

        with mock.patch.object(Meetings, "begin", begin):
            hub.wait(1)
        self.assertEqual((len(counts), max(counts)), (80, 1))
        self.assertEqual(len(hub.rooms()["lobby"]), 151)

    def test_what_is_said(self) -> None:
        """Plain peers hear each other as ever, sessions in numbers, each once; nobody is told of anything undelivered."""
        hub = HubOnAClock("room")
        bob, eve = plain(hub, "bob", "eve")
        ann = session(hub, 1)
        for end in (bob, eve, ann):
            end.heard()
        bob.says("one", "/me waves", "/msg eve psst", "/msg s1 hush", "two")
        self.assertEqual(eve.lines(), ["bob: one", "* bob waves", "-!- bob tells you: psst", "bob: two"])
        self.assertEqual(bob.lines(), ["bob: one", "* bob waves", "bob: two"])
        self.assertEqual(
            said(ann), [("bob", "one", 1), ("bob", "waves", 2), ("bob", "hush", 1), ("bob", "two", 3)]
        )
        ann.asks("say", n=1, text="three\nfour")
        self.assertEqual((bob.lines(), eve.lines()), (["s1: three", "s1: four"],) * 2)
        late = session(hub, 2)
        late.heard()
        bob.says("five")
        self.assertEqual((said(late), said(ann)), ([("bob", "five", 4)],) * 2)

    def test_what_has_no_number(self) -> None:
        """A session's `say`, `me`, `msg` or `done` without `n` is answered with a fault, and nobody hears it; a farewell is one."""
        for mode in ("room", "pair", "ports"):
            hub = HubOnAClock(mode)
            ann, bob = session(hub, 1), hub.nc()
            for end in (ann, bob):
                end.heard()
            hub.wait(1)
            for verb in ("say", "me", "msg", "done"):
                ann.heard()
                ann.asks(verb, text="one\ntwo", to="bob")
                self.assertEqual([event.get("code") for event in ann.events()], ["verb"], verb)
            ann.asks("say", text="\n" * 190_000)
            self.assertEqual([event.get("code") for event in ann.events()], ["verb"])
            self.assertEqual(bob.lines(), [])
            if mode == "ports":
                ann.asks("say", text="exit")
                self.assertEqual(ann.events()[-1]["event"], "closed")

    def test_without_the_session(self) -> None:
        """When the last session has left, plain peers hear each other on, and are told of nothing undelivered."""
        hub = HubOnAClock("room")
        bob, eve = plain(hub, "bob", "eve")
        ann = session(hub, 1)
        bob.says("hello")
        ann.asks("quit", got={})
        for end in (bob, eve):
            end.heard()
        bob.says("one", "/me waves", "/msg eve psst")
        self.assertEqual(eve.lines(), ["bob: one", "* bob waves", "-!- bob tells you: psst"])
        self.assertEqual(bob.lines(), ["bob: one", "* bob waves"])

    def test_who_comes_back(self) -> None:
        """A session that was away hears what plain peers said meanwhile, in order, and once."""
        hub = HubOnAClock("room")
        bob, eve = plain(hub, "bob", "eve")
        ann = session(hub, 1)
        bob.says("one")
        self.assertEqual(said(ann), [("bob", "one", 1)])
        ann.asks("got", to=bob.peer.stream, n=1)
        ann.cut()
        bob.says("two")
        eve.says("three")
        ann = session(hub, 1, **{"try": 2})
        self.assertEqual(sorted(said(ann)), [("bob", "two", 2), ("eve", "three", 1)])
        bob.says("four")
        self.assertEqual(said(ann), [("bob", "four", 3)])


class Leaving(SynchronousTestCase):
    """Who says goodbye beside a session hears of what nobody got."""

    def test_to_one_who_is_away(self) -> None:
        """What was said to a session that has lost its link is given up with its speaker's seat, and that is told."""
        for is_first in (True, False):
            hub = HubOnAClock("pair")
            ann = session(hub, 1)
            bob = hub.nc() if is_first else None
            ann.cut()
            bob = bob or hub.nc()
            bob.says("one", "two").heard()
            bob.says("/quit")
            self.assertEqual(bob.lines(), ["-!- not delivered: 2 lines (you left)", "-!- closed (quit)"])

    def test_to_nobody(self) -> None:
        """The same holds for lines that wait for the next partner, when a session has left."""
        hub = HubOnAClock("pair")
        ann, bob = session(hub, 1), hub.nc()
        ann.asks("quit", got={})
        bob.says("one").heard()
        bob.says("/quit")
        self.assertEqual(bob.lines(), ["-!- not delivered: 1 line (nobody was there)", "-!- closed (quit)"])


class Ending(SynchronousTestCase):
    """Many who go at once."""

    def test_graces_that_end_together(self) -> None:
        """Of 40 sessions whose grace ends in one moment a share of hearers is told in one turn, and all are gone at once."""
        hub = HubOnAClock("room", {"hearers_a_turn": 100})
        ends = [session(hub, at, grace=5) for at in range(1, 41)]
        counts: list[int] = []
        real = Desk._expire

        def expire(desk: Desk) -> None:
            before = len(hub.ends_of(Gone))
            real(desk)
            counts.append(len(hub.ends_of(Gone)) - before)

        with mock.patch.object(Desk, "_expire", expire):
            for end in ends:
                end.cut()
            self.assertEqual(len(hub.rooms()["lobby"]), 40)
            hub.wait(5)
        self.assertEqual((sum(counts), hub.rooms()), (40, {}))
        self.assertEqual(counts[:2], [3, 3])
        self.assertEqual(hub.admission.desk._sessions.due, None)

    def test_a_room_that_ends_together(self) -> None:
        """Where one's leaving ends the stay of 100, as many as a share are hung up on in a turn, and all of them are."""
        hub = HubOnAClock("room", ends_together=True)
        ends = plain(hub, *(f"n{at}" for at in range(100)))
        counts: list[int] = []
        real = Audience._end_some

        def end_some(audience: Audience, *args: Any) -> None:
            before = len(hub.ends_of(Gone))
            real(audience, *args)
            counts.append(len(hub.ends_of(Gone)) - before)

        with mock.patch.object(Audience, "_end_some", end_some):
            ends[0].cut()
            hub.wait(1)
        self.assertLessEqual(max(counts), 32)
        self.assertEqual((len(hub.ends_of(Gone)), hub.rooms()), (100, {}))
        self.assertEqual({end.lines()[-1] for end in ends[1:]}, {"-!- closed (bye): n0 left (lost)"})


class Held(SynchronousTestCase):
    """Who isn't read for a while."""

    def test_a_link_that_breaks_while_it_is_held(self) -> None:
        """So is one that isn't read, since much is held for a partner to come: it keeps no seat for ever."""
        for session in (False, True):
            hub = HubOnAClock()
            if session:
                hello = {"chatterbox": 1, "session": "0" * 32, "try": 1}
                partner = hub.connects().says(json.dumps(hello))
            a = hub.nc()
            if session:
                partner.asks("quit", got={})
            a.line.send(b"x" * 999 + b"\n" + b"hello\n" * 50_000)
            hub.wait(1)
            self.assertFalse(a.line.reading)
            hub.wait(PULSE)
            self.assertEqual(a.closed, "")
            a.line.is_broken = True
            hub.wait(PULSE)
            self.assertEqual((a.closed, hub.leftovers()), ("aborted", []))


class Turns(SynchronousTestCase):
    """One call."""

    def test_what_many_sessions_hear(self) -> None:
        """A line to 50 sessions, and the leaving of one, are rendered once, and not for each."""
        hub = HubOnAClock("room")
        ends = [session(hub, at) for at in range(1, 52)]
        hub.wait(1)
        dialect = ends[0].peer.dialect
        with mock.patch.object(type(dialect), "_written", autospec=True, side_effect=type(dialect)._written) as written:
            ends[0].asks("say", n=1, text="hello")
            self.assertEqual(written.call_count, 1)
            ends[1].asks("quit", got={})
            self.assertLessEqual(written.call_count, 4)
        self.assertEqual({said(end)[0] for end in ends[2:]}, {("s1", "hello", 1)})

    def test_what_many_plain_peers_hear(self) -> None:
        """A session's line and deed to 100 of them are rendered once, and looked at in one timer, not in one for each."""
        hub = HubOnAClock("room")
        ends = plain(hub, *(f"n{at}" for at in range(100)))
        ann = session(hub, 1)
        hub.wait(1)
        dialect, before = type(ends[0].peer.dialect), len(hub.clock.getDelayedCalls())
        with mock.patch.object(dialect, "said", autospec=True, side_effect=dialect.said) as rendered:
            ann.line.send(b'{"verb": "say", "n": 1, "text": "hello"}\n')
            self.assertEqual((rendered.call_count, len(hub.clock.getDelayedCalls()) - before), (1, 1))
        with mock.patch.object(dialect, "message", autospec=True, side_effect=dialect.message) as rendered:
            ann.line.send(b'{"verb": "me", "n": 2, "text": "waves"}\n')
            self.assertEqual(rendered.call_count, 1)
        self.assertEqual({tuple(end.lines()[-2:]) for end in ends}, {("s1: hello", "* s1 waves")})

    def test_many_who_have_taken_much(self) -> None:
        """What 50 peers have taken of 100 lines is looked at a share a turn, and each of them tells, once, that it has all."""
        hub = HubOnAClock("room")
        ends = plain(hub, *(f"n{at}" for at in range(50)))
        ann = session(hub, 1)
        hub.wait(1)
        ann.heard()
        for at in range(1, 101):
            ann.line.send(json.dumps({"verb": "say", "n": at, "text": "x"}).encode() + b"\n")
        works: list[int] = []
        look, glance = Glances._look, StandIn.glance

        def looking(glances: Glances) -> None:
            works.append(0)
            look(glances)

        def glancing(stand_in: StandIn, most: int) -> int:
            count = glance(stand_in, most)
            works[-1] += count + WORK_OF_ONE
            return count

        with mock.patch.object(Glances, "_look", looking), mock.patch.object(StandIn, "glance", glancing):
            hub.wait(1)
        self.assertLessEqual(max(works), WORK_A_TURN + WORK_OF_ONE)
        self.assertGreater(sum(works), 50 * 100)
        gots = [event for event in ann.events() if event["event"] == "got"]
        self.assertEqual({end.peer.stream for end in ends}, {got["stream"] for got in gots if got["n"] == 100})

    def test_no_piece_more_than_fits(self) -> None:
        """A second piece that would reach beyond the share of a turn waits for the next one."""
        hub = HubOnAClock("room", {"hearers_a_turn": 5})
        ends = plain(hub, "n0", "n1", "n2")
        with mock.patch.object(Peer, "tell", autospec=True, side_effect=Peer.tell) as tell:
            ends[0].line.send(b"/me a\n/me b\n/me c\n")
            self.assertEqual(tell.call_count, 1)
        hub.wait(1)
        self.assertEqual(ends[1].lines()[-3:], ["* n0 a", "* n0 b", "* n0 c"])

    def test_newlines_of_a_session(self) -> None:
        """Where a line may be a farewell, 64 KiB of newlines in one `say` are read 16 KiB a turn, and all are said."""
        hub = HubOnAClock("ports")
        ann, bob = session(hub, 1), hub.nc()
        hub.wait(1)
        bob.heard()
        reads: list[list[int]] = [[]]

        def read(reader: TextReader, block: bytes) -> Any:
            reads[-1].append(len(block))
            return real(reader, block)

        real, go_on = TextReader.read_said, Inlet._go_on

        def counting(inlet: Inlet) -> None:
            reads.append([])
            go_on(inlet)

        with mock.patch.object(TextReader, "read_said", read), mock.patch.object(Inlet, "_go_on", counting):
            ann.line.send(json.dumps({"verb": "say", "n": 1, "text": "\n" * (64 * 1024 - 1)}).encode() + b"\n")
            hub.wait(1)
        self.assertEqual((max(map(sum, reads)), sum(map(sum, reads))), (PORTION, 64 * 1024))
        self.assertEqual(bob.heard().count(b"\n"), 64 * 1024)

    def test_keys_that_gather(self) -> None:
        """Keys without a newline that come while a partner takes nothing are read 4 KiB a turn, too, when it does."""
        hub = HubOnAClock("talk")
        typist, watcher = hub.nc(), hub.nc()
        hub.wait(1)
        watcher.heard()
        typist.connection.inlet.hold("room")
        typist.line.protocol.dataReceived(b"x" * 40_000)
        hub.wait(1)
        with mock.patch.object(Inlet, "_first_portion", autospec=True, side_effect=Inlet._first_portion) as first:
            typist.connection.inlet.release("room")
            hub.wait(1)
            self.assertGreaterEqual(first.call_count, 9)
        self.assertFalse(typist.connection.inlet.waits)
