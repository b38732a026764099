"""Last words: nobody is hung up on, left, or not heard without being told."""

from __future__ import annotations

from twisted.internet import error
from twisted.trial.unittest import SynchronousTestCase

from tests.harness.memory import HubOnAClock

KNOCK = "-!- somebody asks for a seat"
LOST = ["-!- your partner left (lost)", "-!- perhaps not delivered: the last line (4 bytes were never acknowledged)"]


class Closed(SynchronousTestCase):
    """The hub's last word."""

    def test_it_is_said_whatever_the_end(self) -> None:
        """After `/quit`, a farewell, and when both have finished, in text and in JSON."""
        for mode, word, why in (("pair", "/quit", "quit"), ("ports", "exit", "quit"), ("duet", "Bye", "bye")):
            hub = HubOnAClock(mode)
            a, b = hub.nc(), hub.json()
            b.asks("say", text=word) if word != "/quit" else b.asks("quit")
            self.assertEqual(b.events()[-1], {"event": "closed", "why": why}, mode)
            if a.closed:
                self.assertEqual(a.lines()[-1], f"-!- closed ({why}): Y said Bye")
            else:
                a.says(word)
                self.assertEqual(a.lines()[-1], f"-!- closed ({why})")

    def test_both_have_finished(self) -> None:
        """Each is told that it is over."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.json()
        a.finishes()
        b.finishes()
        self.assertEqual((a.lines()[-1], b.events()[-1]), ("-!- closed (quit)", {"event": "closed", "why": "quit"}))

    def test_alone(self) -> None:
        """Also where nobody else is there, or ever was."""
        hub = HubOnAClock("room")
        self.assertEqual(hub.nc("/quit").lines()[-1], "-!- closed (quit)")
        self.assertEqual(hub.nc("ann").finishes().lines()[-1], "-!- closed (quit)")

    def test_not_to_programs_of_an_exercise(self) -> None:
        """Keys of mode `talk` and bare peers hear what their exercise's server would say."""
        hub = HubOnAClock("talk")
        self.assertEqual(hub.nc().sends(b"\x03").heard(), b"")
        a = HubOnAClock("ports", bare=True)
        end = a.connects()
        a.wait(1)
        end.sends(b"exit")
        a.wait(1)
        self.assertEqual(end.heard(), b"exit")


class Leaving(SynchronousTestCase):
    """Who sat with one who is gone."""

    def setUp(self) -> None:
        """Two talk."""
        self.hub = HubOnAClock()
        self.a, self.b = self.hub.nc(), self.hub.nc()
        self.a.heard()

    def test_a_listener_is_told(self) -> None:
        """Who has finished and only listens hears why nothing more comes (A2 of nobody: `nc -N` that waits)."""
        self.a.finishes()
        self.b.cut()
        self.assertEqual(self.a.lines(), ["-!- your partner left (lost)", "-!- closed (quit)"])

    def test_a_listener_that_is_lost_is_told_of(self) -> None:
        """Also who had finished: the other end speaks to nobody else."""
        self.b.finishes()
        self.b.cut()
        self.assertEqual(self.a.lines(), ["-!- your partner has finished", "-!- your partner left (lost)"])

    def test_a_killed_program_that_looks_as_if_it_had_finished(self) -> None:
        """Its reset is noticed soon, its speaker told of both, and what it says then is for the next one (A5)."""
        self.b.leaves()
        self.a.says("one")
        self.hub.wait(0.1)
        self.assertEqual(self.a.lines(), ["-!- your partner has finished", *LOST])
        self.a.says("two")
        self.assertEqual(self.hub.nc().lines(), ["two"])

    def test_a_second_block_waits_for_a_look(self) -> None:
        """However soon it comes, it doesn't leave for one who is known to be gone (A5)."""
        self.b.leaves()
        self.a.says("one").says("two")
        self.assertEqual(self.a.lines()[1:], LOST)
        self.assertEqual(self.hub.nc().lines(), ["two"])

    def test_one_block_and_the_end(self) -> None:
        """`echo one | nc -N` to one who is gone: it is told before it ends."""
        self.b.leaves()
        self.a.says("one").finishes()
        self.assertEqual(self.a.closed, "")
        self.hub.wait(0.1)
        self.assertEqual(self.a.lines()[1:], [*LOST, "-!- closed (quit)"])

    def test_what_was_read_is_not_said_again(self) -> None:
        """A listener that has taken a line and is reset then: once heard, and the next partner hears nothing (A7)."""
        self.b.finishes()
        self.a.says("one")
        self.b.cut()
        self.assertEqual(self.a.lines()[-1], "-!- your partner left (lost)")
        self.assertEqual(self.hub.nc().lines(), [])


class Undelivered(SynchronousTestCase):
    """What was said to a partner who turns out to be gone."""

    def setUp(self) -> None:
        """Two talk, with small buffers."""
        self.hub = HubOnAClock(limits={"high_water": 1000}, buffer=100)
        self.a, self.b = self.hub.nc(), self.hub.nc()
        self.a.heard()

    def test_lines_that_never_left(self) -> None:
        """Those in the queue are not delivered, those in the system perhaps not, and nobody else hears them."""
        self.b.stops_reading()
        for _ in range(5):
            self.a.says("x" * 59)
        self.b.cut()
        self.assertEqual(
            self.a.lines(),
            [
                "-!- your partner left (lost)",
                "-!- perhaps not delivered: the last 2 lines (120 bytes were never acknowledged)",
                "-!- not delivered: 3 lines (your partner was lost)",
            ],
        )
        self.assertEqual(self.hub.nc().lines(), [])

    def test_json(self) -> None:
        """The same as events."""
        c = self.hub.json(room="tea")
        d = self.hub.json(room="tea", name="dan")
        d.stops_reading()
        for _ in range(5):
            c.asks("say", text="y" * 9)
        d.cut()
        told = {"event": "undelivered", "name": "dan", "why": "lost"}
        perhaps, sure = c.events()[-2:]
        self.assertEqual(perhaps, told | {"lines": perhaps["lines"], "sure": False, "bytes": perhaps["bytes"]})
        self.assertEqual(sure, told | {"lines": 5 - perhaps["lines"], "sure": True})

    def test_a_pipe(self) -> None:
        """A partner dies in the middle of much: a stranger hears none of it, and every line is told of (A6)."""
        self.b.stops_reading()
        for _ in range(10):
            self.a.line.send(b"1234567\n" * 8192)
        self.b.reads(800)
        self.b.cut()
        stranger = self.hub.nc()
        self.hub.wait(1)
        self.assertEqual(stranger.heard(), b"")
        told = [line for line in self.a.lines() if "delivered" in line]
        counts = [int(word) for line in told for word in line.split("(")[0].split() if word.isdigit()]
        self.assertEqual(sum(counts), 10 * 8192 - 100)
        self.a.says("hello")
        self.assertEqual(stranger.heard(), b"hello\n")

    def test_whoever_leaves_first(self) -> None:
        """Lines to one who has quit, and whose link dies before they are there, are told of when it dies."""
        self.b.stops_reading()
        self.a.says("one")
        self.b.says("/quit")
        self.assertEqual(self.a.lines(), ["-!- your partner left (quit)"])
        self.b.cut()
        self.assertEqual(self.a.lines(), ["-!- perhaps not delivered: the last line (4 bytes were never acknowledged)"])

    def test_whoever_ends_before_that_is_known(self) -> None:
        """One who finishes or quits while its last partner has yet to take something is told before its last word."""
        perhaps = "-!- perhaps not delivered: the last line (4 bytes were never acknowledged)"
        for going in ("/quit", "/join pub"):
            for ending in ("FIN", "/done", "/quit"):
                hub = HubOnAClock()
                a, b = hub.nc(), hub.nc()
                a.heard()
                b.stops_reading()
                a.says("one")
                b.says(going)
                left = f"-!- your partner left ({'quit' if going == '/quit' else 'moved'})"
                self.assertEqual(a.lines(), [left])
                a.finishes() if ending == "FIN" else a.says(ending)
                self.assertEqual(a.lines(), [perhaps, "-!- closed (quit)"], f"{going} {ending}")

    def test_one_who_has_finished_and_is_left_behind(self) -> None:
        """Its partner goes to another room, or finishes too and takes nothing: it is told before its last word."""
        perhaps = "-!- perhaps not delivered: the last line (4 bytes were never acknowledged)"
        for going, news in (("/join pub", ["-!- your partner left (moved)"]), ("/done", [])):
            for first in (True, False):
                hub = HubOnAClock()
                a, b = hub.nc(), hub.nc()
                a.heard()
                b.stops_reading()
                a.says("one")
                for end in (a, b) if first else (b, a):
                    end.says("/done" if end is a else going)
                hub.wait(1)
                told = [line for line in a.lines() if "finished" not in line]
                self.assertEqual(told, [*news, perhaps, "-!- closed (quit)"], f"{going} {first}")

    def test_nobody_is_told_of_what_has_arrived(self) -> None:
        """Whoever reads on, and then goes, leaves nothing to tell."""
        for going in ("/quit", "/join pub", "/done"):
            hub = HubOnAClock()
            a, b = hub.nc(), hub.nc()
            b.stops_reading()
            a.says("one")
            b.says(going)
            b.reads()
            a.says("/done")
            hub.wait(1)
            self.assertNotIn("delivered", a.heard().decode())

    def test_a_private_line_in_a_larger_room(self) -> None:
        """It is accounted for as in a pair; what is said to all isn't."""
        hub = HubOnAClock("room")
        ann, bob = hub.nc("ann"), hub.nc("bob")
        bob.stops_reading()
        ann.says("to all", "/msg bob psst")
        ann.heard()
        bob.cut()
        size = len("-!- ann tells you: psst\n")
        self.assertEqual(
            ann.lines(),
            [
                "-!- bob left (lost)",
                f"-!- perhaps not delivered: the last line ({size} bytes were never acknowledged)",
            ],
        )

    def test_much_is_held_by_one_who_has_finished(self) -> None:
        """A FIN or `/done` behind more than a turn's share of held lines: who comes hears all of them, and no word is refused."""
        for hello in ("", '{"chatterbox": 1}'):
            for ending in ("FIN", '{"verb": "done"}' if hello else "/done"):
                hub = HubOnAClock()
                ann = hub.nc(*filter(None, [hello]))
                ann.says(*['{"verb": "say", "text": "many"}' if hello else "many"] * 3000)
                ann.finishes() if ending == "FIN" else ann.says(ending)
                hub.wait(1)
                bob = hub.json(name="bob")
                hub.wait(1)
                self.assertEqual([event["text"] for event in bob.events() if event["event"] == "said"], ["many"] * 3000)
                self.assertNotIn("nothing more is sent", ann.heard().decode())
                if ending != "FIN":
                    ann.says('{"verb": "say", "text": "late"}' if hello else "late")
                    self.assertIn("nothing more is sent", ann.heard().decode())
                    self.assertEqual(bob.lines(), [])

    def test_a_newcomer_that_is_gone_already(self) -> None:
        """It has finished, and a reset has come that nobody saw: what one who has finished left for somebody stays held."""
        ann = self.hub.nc("/join tea", "one", "two")
        ann.finishes()
        ghost = self.hub.nc("/join pub", "/done")
        ghost.line.is_broken = True
        ghost.says("/join tea")
        self.hub.wait(1)
        self.assertEqual(ann.lines(), ["-!- your partner joined", "-!- your partner left (lost)"])
        self.assertEqual(self.hub.nc("/join tea").lines(), ["one", "two", "-!- your partner has finished"])

    def test_held_lines_that_are_given_up(self) -> None:
        """`hello?` is held, then `/join`, `/quit` or the hub's end: its speaker hears that nobody heard it (A12)."""
        told = "-!- not delivered: 2 lines (nobody was there)"
        a = self.hub.nc("/join tea", "hello?", "anybody?", "/join pub")
        self.assertEqual(a.lines(), [told, "-!- you are in pub now"])
        a.says("hello?", "anybody?", "/quit")
        self.assertEqual(a.lines(), [told, "-!- closed (quit)"])
        a = self.hub.json(room="tea")
        a.asks("say", text="hello?")
        a.events()
        self.hub.admission.stop(lambda: None)
        self.assertEqual(a.events()[0], {"event": "undelivered", "lines": 1, "sure": True, "why": "alone"})

    def test_a_deed_before_anybody_is_there(self) -> None:
        """`/me waves` to nobody is told of (A12)."""
        a = self.hub.nc("/join tea", "/me waves")
        self.assertEqual(a.lines(), ["-!- not delivered: 1 line (nobody was there)"])

    def test_keys_before_anybody_is_there(self) -> None:
        """In mode `talk` they are held, and heard first (A12)."""
        hub = HubOnAClock("talk")
        hub.nc().sends(b"hel", b"lo\n", b"wor")
        self.assertEqual(hub.nc().heard(), b"hello\r\nwor")


class Knocking(SynchronousTestCase):
    """Who listens keeps its seat; who is gone doesn't (A8)."""

    def setUp(self) -> None:
        """One talks, one has asked and waits."""
        self.hub = HubOnAClock()
        self.a, self.b = self.hub.nc(), self.hub.nc("question")
        self.a.heard()

    def test_who_listens_keeps_its_seat(self) -> None:
        """It hears one notice, the newcomer that it is full, and the answer reaches who asked."""
        self.b.finishes()
        c = self.hub.connects().says("me?")
        self.assertEqual(c.heard(), b"")
        self.hub.wait(0.1)
        self.assertEqual(c.lines(), ["-!- closed (full): room lobby has no free seat, try another room"])
        self.a.says("answer")
        self.assertEqual(self.b.lines(), [KNOCK, "answer"])
        self.assertEqual(self.a.lines(), ["-!- your partner has finished"])

    def test_who_is_gone_doesnt(self) -> None:
        """A reset is the answer, the other is told, and the newcomer sits."""
        self.b.leaves()
        c = self.hub.nc("hi")
        self.hub.wait(0.1)
        self.assertEqual(self.a.lines(), ["-!- your partner has finished", LOST[0], "-!- your partner joined", "hi"])
        self.a.says("you")
        self.assertEqual(c.lines(), ["you"])

    def test_who_is_known_to_be_gone(self) -> None:
        """Nobody waits for an answer that is there already."""
        self.b.leaves()
        self.a.says("one")
        self.assertEqual(self.hub.connects().says('{"chatterbox": 1}').events()[0]["here"], ["guest-1", "guest-3"])

    def test_a_move_knocks_too(self) -> None:
        """Who wants to come from another room waits in its own seat meanwhile."""
        self.b.leaves()
        c = self.hub.nc("/join tea").says("/join lobby", "hi")
        self.hub.wait(0.2)
        self.assertEqual(c.lines(), ["-!- you are in lobby now"])
        self.assertEqual(self.a.lines()[-1], "hi")

    def test_a_newcomer_that_leaves_meanwhile(self) -> None:
        """Its question is forgotten, and nothing is left of it."""
        self.b.finishes()
        for end in (lambda c: c.cut(), lambda c: c.line.close(error.ConnectionDone), lambda c: c.finishes()):
            c = self.hub.nc("hi")
            end(c)
            self.hub.wait(10)
        self.a.cut()
        self.b.cut()
        self.hub.wait(10)
        self.assertEqual(self.hub.leftovers(), [])

    def test_keys_and_bare_programs_are_not_asked(self) -> None:
        """They hear no notices: a newcomer is told at once that the room is full."""
        for hub in (HubOnAClock("talk"), HubOnAClock(bare=True)):
            a, b = hub.connects(), hub.connects()
            hub.wait(0.2)
            b.finishes()
            b.heard()
            c = hub.connects()
            hub.wait(0.15)
            self.assertEqual((b.heard(), bool(c.peer.gone), a.closed), (b"", True, ""))


class BehindARefusal(SynchronousTestCase):
    """What came in the packet of a refused hello keeps no connection alive."""

    def test_a_refused_hello_with_more_behind_it(self) -> None:
        """It is closed and forgotten when its link is gone, so that a hub that stops doesn't wait for it."""
        hub = HubOnAClock()
        hub.nc("one")
        hub.nc("two")
        third = hub.connects().says('{"chatterbox": 1}', '{"verb": "who"}')
        self.assertIn("full", third.heard().decode())
        hub.wait(6)
        self.assertEqual(len(hub.admission.connections), 2)
