"""Who leaves a pair waits a moment for the other end to take what was said, and is told what isn't taken."""

from __future__ import annotations

import json

from twisted.internet import error
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.parting import LOOK
from chatterbox.limits import Limits
from tests.connections.test_crowds import said, session
from tests.harness.memory import End, HubOnAClock
from tests.harness.session_client import Client, talk

PERHAPS = "-!- perhaps not delivered: the last line (4 bytes were never acknowledged)"
UNSURE = "-!- perhaps not delivered: the last line"
CLOSED = "-!- closed (quit)"
PATIENCE = Limits().parting_patience


class BesidePlain(SynchronousTestCase):
    """Two plain peers, one of whom takes nothing."""

    def setUp(self) -> None:
        self.hub = HubOnAClock()
        self.a, self.b = self.hub.nc(), self.hub.nc()
        self.a.heard()
        self.b.stops_reading()

    def test_its_bound(self) -> None:
        """`/quit` waits for two seconds and no longer; then what wasn't acknowledged is told, before the last word."""
        self.a.says("one", "/quit")
        self.hub.wait(PATIENCE - LOOK)
        self.assertEqual((self.a.lines(), self.hub.rooms()), ([], {"lobby": ["guest-1", "guest-2"]}))
        self.hub.wait(2 * LOOK)
        self.assertEqual(self.a.lines(), [PERHAPS, CLOSED])
        self.assertEqual(self.b.reads().lines(), ["one", "-!- your partner left (quit)"])

    def test_it_is_taken_in_time(self) -> None:
        """Then nothing is told, and `/quit` is obeyed."""
        self.a.says("one", "/quit")
        self.hub.wait(1)
        self.b.reads()
        self.hub.wait(LOOK)
        self.assertEqual(self.a.lines(), [CLOSED])

    def test_nothing_is_owed(self) -> None:
        """Who has said nothing, or nothing that isn't taken, leaves at once."""
        self.b.reads()
        self.a.says("one", "/quit")
        self.assertEqual(self.a.lines(), [CLOSED])
        a = self.hub.nc()
        self.b.stops_reading()
        a.says("/quit")
        self.assertEqual(a.lines(), [CLOSED])

    def test_it_leaves_meanwhile(self) -> None:
        """Whoever waits for one that is lost then is told so, once, and leaves."""
        self.a.says("one", "/quit")
        self.hub.wait(1)
        self.b.cut()
        self.hub.wait(LOOK)
        self.assertEqual(self.a.lines(), ["-!- your partner left (lost)", PERHAPS, CLOSED])

    def test_a_second_one_waits_as_well(self) -> None:
        """What comes behind a `/quit` is read by nobody, however long that waits."""
        self.a.says("one", "/quit", "two", "/quit")
        self.hub.wait(PATIENCE + LOOK)
        self.assertEqual(self.a.lines(), [PERHAPS, CLOSED])
        self.assertEqual(self.b.reads().lines(), ["one", "-!- your partner left (quit)"])

    def test_its_link_ends_meanwhile(self) -> None:
        """One that closes everything behind its `/quit` is gone at once: there is nobody to be told."""
        for reason in (error.ConnectionDone, error.ConnectionLost):
            hub = HubOnAClock()
            a, b = hub.nc(), hub.nc().stops_reading()
            a.says("one", "/quit")
            a.line.close(reason)
            hub.wait(LOOK)
            self.assertEqual(hub.rooms(), {"lobby": ["guest-2"]})
            self.assertIn(b"one\n", b.reads().heard())

    def test_json(self) -> None:
        """A JSON peer without a session is told in its own words."""
        hub = HubOnAClock()
        a, b = hub.json(name="ann"), hub.nc()
        b.stops_reading()
        a.heard()
        a.asks("say", text="one")
        a.asks("quit")
        hub.wait(PATIENCE + LOOK)
        told = [{key: value for key, value in event.items() if key != "time"} for event in a.events()]
        undelivered = {"event": "undelivered", "name": "guest-1", "lines": 1, "sure": False, "why": "left", "bytes": 4}
        self.assertEqual(told, [undelivered, {"event": "closed", "why": "quit"}])

    def test_to_another_room(self) -> None:
        """`/join` waits, too; what isn't taken by then is told, once: where it sits then nobody else could tell it."""
        self.a.says("one", "/join pub")
        self.hub.wait(PATIENCE - LOOK)
        self.assertEqual(self.a.lines(), [])
        self.hub.wait(2 * LOOK)
        self.assertEqual(self.a.lines(), [PERHAPS, "-!- you are in pub now"])
        self.b.cut()
        self.assertEqual(self.a.lines(), [])

    def test_it_waits_anew(self) -> None:
        """One that is refused another room, or has come there, waits as long for its `/quit`."""
        self.hub.nc("/join pub"), self.hub.nc("/join pub")
        for going in ("/join pub", "/join tea"):
            self.a.says("one", going)
            self.hub.wait(PATIENCE + LOOK)
            self.assertIn("room pub has no free seat" if going == "/join pub" else "you are in tea now", self.a.lines()[-1])
            self.b.reads().stops_reading()
        b = self.hub.nc("/join tea").stops_reading()
        self.a.says("two", "/quit")
        self.hub.wait(PATIENCE - LOOK)
        self.assertEqual(self.a.lines(), ["-!- your partner joined"])
        b.reads()
        self.hub.wait(LOOK)
        self.assertEqual(self.a.lines(), [CLOSED])

    def test_who_is_hung_up_on(self) -> None:
        """Whatever the hub has against one of a pair: it is told what the other end has perhaps not heard."""
        self.a.says("one")
        self.a.sends(b"x" * (self.hub.limits.flood + 1))
        self.assertEqual([line[:38] for line in self.a.lines()], [PERHAPS[:38], "-!- closed (flood): more than 65536 by"])

    def test_other_modes(self) -> None:
        """In a larger room, and where a farewell ends both, nobody waits, and the script is all that is heard."""
        for mode, word in (("room", "/quit"), ("ports", "exit"), ("duet", "Bye"), ("duet", "/quit")):
            hub = HubOnAClock(mode, asks_name=False)
            a, b = hub.nc(), hub.nc().stops_reading()
            a.says("one", f"/msg {b.peer.name} psst").heard()
            a.says(word)
            self.assertEqual([line for line in a.lines() if "delivered" in line], [], mode)
            self.assertEqual(a.closed or hub.rooms().get("lobby"), "done" if a.closed else [b.peer.name], mode)


class AfterAnother(SynchronousTestCase):
    """A partner has left and has yet to take something; another one has come since, and left, too."""

    def test_both_are_accounted_for(self) -> None:
        """Of each it is told once, whatever the second one was, however it went, and whatever the speaker speaks."""
        for is_json in (False, True):
            for second in ("text", "json", "session"):
                for going in ("quit", "join", "cut"):
                    for ending in ("finish", "done", "quit"):
                        told = self._told(is_json, second, going, ending)
                        self.assertEqual(told, [(1, 4)], f"{is_json} {second} {going} {ending}")

    def _told(self, is_json: bool, second: str, going: str, ending: str) -> list[tuple[int, int]]:
        """Return of how many lines, and bytes, one is told that the first partner has not acknowledged."""
        hub = HubOnAClock(limits={"grace": 0.0})
        a = hub.json(name="ann") if is_json else hub.nc("/nick ann")
        b = hub.nc().stops_reading()
        a.asks("say", text="one") if is_json else a.says("one")
        b.says("/quit")
        c = session(hub, 1) if second == "session" else hub.json() if second == "json" else hub.nc()
        if going == "cut":
            c.cut()
        elif second == "text":
            c.says("/quit" if going == "quit" else "/join pub")
        else:
            c.asks(going, room="pub")
        if ending == "finish":
            a.finishes()
        else:
            a.asks(ending) if is_json else a.says(f"/{ending}")
        hub.wait(LOOK)
        self.assertEqual(a.closed, "done")
        heard = a.heard().decode()
        b.cut()
        if not is_json:
            return [(1, 4)] * heard.count(PERHAPS + "\n")
        events = [json.loads(line) for line in heard.splitlines()]
        return [(event["lines"], event["bytes"]) for event in events if event["event"] == "undelivered"]

    def test_each_of_them(self) -> None:
        """Where neither has taken anything, it is told of both, and of neither again when their links die."""
        hub = HubOnAClock()
        a = hub.nc()
        others = [hub.nc().stops_reading()]
        a.says("one")
        others[0].says("/quit")
        others.append(hub.nc().stops_reading())
        a.says("six")
        others[1].says("/quit")
        others.append(hub.nc().stops_reading())
        a.says("ten", "/quit")
        others[2].cut()
        hub.wait(LOOK)
        for end in others:
            end.cut()
        self.assertEqual(
            [line for line in a.lines() if "joined" not in line and "left" not in line], [PERHAPS] * 3 + [CLOSED]
        )

    def test_one_that_goes_twice(self) -> None:
        """Nothing is told of one that comes back and goes again while it may still take what was said."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc().stops_reading()
        a.says("one")
        for room in ("pub", "lobby", "pub"):
            b.says(f"/join {room}")
        b.reads()
        a.says("/quit")
        self.assertNotIn("delivered", a.heard().decode())

    def test_one_on_a_machine_that_died(self) -> None:
        """The one before it is told of all the same."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc().stops_reading()
        a.says("one")
        b.says("/quit")
        a.peer.miss("zoe", "lost")
        a.says("/quit")
        self.assertEqual(a.lines()[-2:], [PERHAPS, CLOSED])

    def test_one_that_is_back(self) -> None:
        """Its word is that the speaker has left, and not the one for which it had gone itself."""
        hub = HubOnAClock()
        a, b = hub.json(name="ann"), hub.nc().stops_reading()
        a.asks("say", text="one")
        b.says("/join pub").says("/join lobby")
        a.asks("quit")
        hub.wait(PATIENCE + LOOK)
        self.assertEqual([event["why"] for event in a.events() if event["event"] == "undelivered"], ["left"])


class BesideASession(SynchronousTestCase):
    """A plain peer beside a session."""

    def pair(self) -> tuple[HubOnAClock, End, End]:
        """Return a hub, a session and a plain peer."""
        hub = HubOnAClock()
        ann, bob = session(hub, 1), hub.nc()
        bob.heard()
        return hub, ann, bob

    def test_got_in_time(self) -> None:
        """`/quit` is obeyed when the session has shown the last line, and nothing is told."""
        hub, ann, bob = self.pair()
        bob.says("one", "/quit")
        hub.wait(0.5)
        self.assertEqual((bob.lines(), said(ann)), ([], [("guest-1", "one", 1)]))
        ann.asks("got", to=bob.peer.stream, n=1)
        hub.wait(LOOK)
        self.assertEqual(bob.lines(), [CLOSED])

    def test_a_link_that_is_dead(self) -> None:
        """A session that has shown nothing by then, and may be gone, has perhaps not heard it."""
        hub, ann, bob = self.pair()
        bob.says("one", "/quit")
        hub.wait(PATIENCE - LOOK)
        self.assertEqual(bob.lines(), [])
        hub.wait(2 * LOOK)
        self.assertEqual(bob.lines(), [UNSURE, CLOSED])

    def test_the_link_is_lost_meanwhile(self) -> None:
        """Nobody is waited for that is away: what it hasn't got is told."""
        hub, ann, bob = self.pair()
        bob.says("one", "/quit")
        ann.cut()
        hub.wait(LOOK)
        self.assertEqual(bob.lines(), ["-!- your partner is away (link lost), what you say is kept", UNSURE, CLOSED])

    def test_to_another_room(self) -> None:
        """Who goes on is told the same before it is there; of what is shown in time nothing."""
        hub, ann, bob = self.pair()
        bob.says("one", "/join pub")
        hub.wait(PATIENCE + LOOK)
        self.assertEqual(bob.lines(), [UNSURE, "-!- you are in pub now"])
        hub = HubOnAClock()
        client, bob = Client(hub), hub.nc()
        bob.says("one", "/join pub")
        talk(client)
        self.assertEqual((bob.lines()[-1], client.said), ("-!- you are in pub now", ["one"]))

    def test_the_hub_s_own_end(self) -> None:
        """A hub that is shut down tells a plain peer what a session hadn't got by then."""
        hub, ann, bob = self.pair()
        bob.says("one")
        hub.admission.stop(lambda: None)
        self.assertEqual([line[:24] for line in bob.lines()], [UNSURE[:24], "-!- closed (shutdown): t"])
