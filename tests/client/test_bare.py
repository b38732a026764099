"""Bare links: objects on one side, messages of a course's server on the other."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.bare import ASKED, ENDING, KEPT, PAUSE, SILENCE, SILENT, BareLink, link_maker
from chatterbox.client.connection import HubLink
from chatterbox.client.exercise import Exercise
from chatterbox.client.naming import Names
from chatterbox.client.options import Options
from chatterbox.client.patience import HURRY
from chatterbox.client.session import make_resume
from chatterbox.client.unnumbered import Unnumbered
from chatterbox.wire.bare import GAP, LAST_WORD, MAX_MESSAGE
from chatterbox.wire.numbered import Json


class Wire(StringTransport):
    """A link in memory, which knows its halves."""

    half_closed = aborted = False

    def loseWriteConnection(self) -> None:
        """Close the sending half."""
        self.half_closed = True

    def abortConnection(self) -> None:
        """Reset it."""
        self.aborted = True


class Links(SynchronousTestCase):
    """One link, and whoever listens to it."""

    def link(self, name: str = "", **more: Any) -> BareLink:
        """Return a link that is made."""
        self.clock, self.wire = Clock(), Wire()
        self.events: list[Json] = []
        self.flows: list[bool] = []
        link = BareLink(self, self.clock, name, **more)
        link.makeConnection(self.wire)
        return link

    def link_made(self, link: HubLink) -> None:
        """Say hello, as a session does."""
        link.send({"chatterbox": 1, "session": "5" * 32})

    def heard(self, link: HubLink, event: Json, block: bytes) -> None:
        """Keep it."""
        self.events.append(event)

    def heard_all(self) -> None:
        """Wait for nothing."""

    def flow(self, link: HubLink, open_: bool) -> None:
        """Keep it."""
        self.flows.append(open_)

    def link_lost(self, link: HubLink, reason: Failure) -> None:
        """Keep it."""
        self.events.append({"event": "lost"})

    def told(self, *keys: str) -> list[Any]:
        """Return of each event since the last look what it is, or one thing that it says."""
        events, self.events = self.events, []
        return [next((event[key] for key in keys if key in event), event["event"]) for event in events]

    def sent(self) -> bytes:
        """Return what was sent since the last look."""
        data = self.wire.value()
        self.wire.clear()
        return data

    def test_nothing_before_the_server_knows_it(self) -> None:
        """No hello leaves; a server that says nothing is told of after a second, and not one that speaks."""
        link = self.link()
        self.clock.advance(SILENCE)
        self.assertEqual(self.told("text"), ["welcome", SILENT])
        self.assertEqual(self.sent(), b"")
        link = self.link()
        link.dataReceived(b"hi")
        self.clock.advance(SILENCE)
        self.assertEqual(self.told("text"), ["welcome", "hi"])

    def test_messages_go_one_by_one(self) -> None:
        """Each line is a message without a newline, cut where `recv` ends, with silence behind it; a speaker waits."""
        link = self.link()
        link.send({"verb": "say", "text": "one\n" + "é" * 600})
        heard = [self.sent()]
        for _ in range(2):
            self.assertEqual(self.flows[-1], False)
            self.clock.advance(PAUSE)
            heard.append(self.sent())
        self.assertEqual([len(data) for data in heard], [3, MAX_MESSAGE, 1200 - MAX_MESSAGE])
        self.assertEqual(b"".join(heard).decode(), "one" + "é" * 600)
        self.assertEqual(self.flows[-1], True)

    def test_what_one_read_brings(self) -> None:
        """It is one message; lines are lines, and what may go on ends with a silence; a character may be cut."""
        link = self.link()
        link.dataReceived("é".encode()[:1])
        link.dataReceived("é".encode()[1:])
        link.dataReceived(b"x" * MAX_MESSAGE)
        link.dataReceived(b"y")
        link.dataReceived(b"one\r\ntwo\nthr")
        link.dataReceived(b"ee")
        self.clock.advance(GAP)
        texts = [text for text in self.told("text") if text != "welcome"]
        self.assertEqual(texts, ["é", "x" * MAX_MESSAGE + "y", "one", "two", "three"])

    def test_a_name_is_asked_for(self) -> None:
        """`NICK` alone is answered with the name; without one, or where it was refused, the person is asked."""
        link = self.link("ann")
        link.dataReceived(b"NICK")
        self.assertEqual((self.sent(), self.told("asks")), (b"ann", ["welcome"]))
        link.dataReceived(b"NICK")
        self.assertEqual(self.told("asks"), [True])
        link.send({"verb": "nick", "name": "anna"})
        self.clock.advance(PAUSE)
        self.assertEqual((self.sent(), self.told("name")), (b"anna", ["anna"]))
        link.send({"verb": "nick", "name": "other"})
        self.assertEqual(self.told("text"), [KEPT])
        link.send({"verb": "say", "text": "NICK"})
        self.clock.advance(PAUSE)
        link.dataReceived(b"anna: NICKbob: hi")
        self.assertEqual((self.sent(), self.told("text")), (b"anna: NICK", ["bob: hi"]))
        self.link().dataReceived(b"NICK")
        self.assertEqual((self.sent(), self.told("text")), (b"", ["welcome", ASKED]))

    def test_a_pipe_is_asked_for_no_name(self) -> None:
        """It takes its own, and the next one where that is refused."""
        link = self.link("ann", names=Names("ann"))
        link.dataReceived(b"NICK")
        self.clock.advance(PAUSE)
        link.dataReceived(b"NICK")
        self.assertEqual(self.sent(), b"annann-2")

    def test_farewells(self) -> None:
        """`exit` and `Bye` leave as the exercise has them, /quit with that word where it is known, or with none."""
        for said, heard, last, ends in (
            (b"", "Exit ", b"exit", True),
            (b"51839: hi", "exit", b"exit", True),
            (b"hello", "exit", b"exit", False),
            (b"Client X has connected.", "Bye", b"Bye", False),
        ):
            link = self.link()
            if said:
                link.dataReceived(said)
            link.send({"verb": "say", "text": heard})
            self.clock.advance(PAUSE)
            self.assertEqual((self.sent(), self.wire.half_closed), (last, ends), said)
        for said, last in ((b"51839: hi", b"exit"), (b"hello", b""), (b"Client X has connected.X: hi", b"")):
            link = self.link()
            link.dataReceived(said)
            link.send({"verb": "quit"})
            self.clock.advance(PAUSE)
            self.assertEqual((self.sent(), self.wire.half_closed), (last, True), said)
            self.assertEqual(self.told("why")[-1], "quit")

    def test_seed_001_ends_by_a_reset(self) -> None:
        """After an end of file its server would spin."""
        link = self.link("ann")
        link.dataReceived(b"NICK")
        self.clock.advance(PAUSE)
        link.send({"verb": "quit"})
        self.clock.advance(LAST_WORD)
        self.assertEqual((self.wire.half_closed, self.wire.aborted), (False, True))

    def test_the_end_of_an_exercise(self) -> None:
        """After the verdict the link closes in time, or when the server closes it; that is no loss."""
        for closes in (False, True):
            link = self.link()
            link.dataReceived(b"Client X has connected.")
            link.dataReceived(b"Y: b received before X: a")
            if closes:
                link.connectionLost(Failure(ConnectionDone()))
            else:
                self.clock.advance(ENDING)
                self.assertTrue(self.wire.half_closed)
            self.assertIn("bye", self.told("why"))

    def test_keys(self) -> None:
        """Keys leave as they are typed, with corrections as a terminal shows them; what comes is typed."""
        link = self.link(is_keyed=True)
        link.send({"verb": "type", "keys": "ab\bc\n"})
        self.assertEqual(self.sent(), b"ab\b \bc\n")
        link.dataReceived(b"hi\r\n")
        self.assertEqual(self.told("keys"), ["welcome", "hi\n"])

    def test_which_link(self) -> None:
        """Only `--bare` asks for one."""
        self.assertIs(link_maker(Options(), self), HubLink)
        self.assertIsInstance(link_maker(Options(bare=True), self)(self), BareLink)


class Leaving(SynchronousTestCase):
    """The end of a conversation that nobody numbers."""

    def test_what_the_link_still_has(self) -> None:
        """Who leaves waits until all that was said has left; a status 0 before that would not be true."""
        machine = Unnumbered(make_resume())
        machine.heard({"event": "welcome", "mode": "bare", "room": "", "name": ""}, 0)
        machine.flow(False)
        machine.leave(0)
        machine.tick(HURRY + 1)
        self.assertIsNone(machine.status)
        machine.flow(True)
        machine.tick(2 * HURRY + 2)
        self.assertEqual(machine.status, 0)


class Exercises(SynchronousTestCase):
    """What a server's words show."""

    def test_which_it_is(self) -> None:
        """Its first word tells; what nobody knows is relayed."""
        for message, kind in (("12: hi", "ports"), ("Client Y has connected.", "order"), ("hi", "relay")):
            exercise = Exercise()
            exercise.heard(message)
            self.assertEqual(exercise.kind, kind)

    def test_a_duet(self) -> None:
        """What isn't a verdict makes it one, and it ends with `Bye`."""
        exercise = Exercise()
        for message in ("Client X has connected.", "Y: hi"):
            exercise.heard(message)
        self.assertEqual((exercise.farewell, exercise.over), ("Bye", False))
        self.assertEqual([event["text"] for event in exercise.heard("Y: Bye")], ["Y: Bye"])
        self.assertEqual((exercise.over, exercise.heard("Bye")), (True, []))
