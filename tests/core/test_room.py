"""A room: who hears what, what is held for a partner, and who waits for whom."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.core.events import Address, Began, Did, Finished, Left, Parted, Renamed, Said, Told, Typed
from tests.harness.memory import HubOnAClock


class Pair(SynchronousTestCase):
    """Two seats, verbatim, and no line lost."""

    def setUp(self) -> None:
        """Make a hub for pairs."""
        self.hub = HubOnAClock("pair")

    def test_lines_reach_the_other_end_at_once(self) -> None:
        """In each direction, while the other is silent, and nobody hears its own (000-4)."""
        a, b = self.hub.nc(), self.hub.nc()
        a.heard()
        a.says("hi", "there")
        self.assertEqual((a.heard(), b.heard()), (b"", b"hi\nthere\n"))
        b.says("hello")
        self.assertEqual((a.heard(), b.heard()), (b"hello\n", b""))

    def test_early_lines_are_delivered_first(self) -> None:
        """Who is alone is not disconnected, hears nothing, and its partner gets its lines first, in order (000-3)."""
        a = self.hub.nc("one", "two")
        self.assertEqual((a.heard(), a.closed), (b"", ""))
        b = self.hub.connects().says("three")
        self.assertEqual(b.heard(), b"one\ntwo\n")
        self.assertEqual(a.heard(), b"-!- your partner joined\nthree\n")

    def test_a_fault_in_one_event_costs_no_other(self) -> None:
        """Where a rule raises, the events that wait still happen, and then the fault is told."""
        a, b = self.hub.nc(), self.hub.nc()
        [room] = self.hub.hub.rooms.values()

        def fail(event: Typed) -> None:
            b.peer.end("quit")
            raise ValueError("for a test")

        room._typed = fail  # type: ignore[method-assign]
        self.assertRaises(ValueError, room.apply, Typed(a.peer, b"x"))
        self.assertEqual((self.hub.rooms(), a.lines()[-1]), ({"lobby": ["guest-1"]}, "-!- your partner left (quit)"))

    def test_a_third_hears_one_notice(self) -> None:
        """It is hung up on, hears nothing of the two, and they hear nothing of it (000-2)."""
        a, b = self.hub.nc(), self.hub.nc()
        a.heard()
        c = self.hub.nc("secret?")
        a.says("secret")
        self.assertEqual(c.heard(), b"-!- closed (full): room lobby has no free seat, try another room\n")
        self.assertEqual((c.closed, a.heard(), b.heard()), ("done", b"", b"secret\n"))

    def test_the_one_who_stays_is_told_and_gets_a_new_partner(self) -> None:
        """However the other leaves, one notice says so, and the next one pairs (000-6)."""
        a = self.hub.nc()
        for end, word in ((lambda b: b.says("/quit"), "quit"), (lambda b: b.cut(), "lost")):
            b = self.hub.nc()
            a.heard()
            end(b)
            self.assertEqual(a.lines(), [f"-!- your partner left ({word})"])
        c = self.hub.nc()
        a.says("again")
        self.assertEqual(c.heard(), b"again\n")

    def test_what_was_said_to_a_partner_is_not_said_again(self) -> None:
        """A new partner hears what is said from then on."""
        a, b = self.hub.nc(), self.hub.nc()
        a.says("one")
        b.says("/quit")
        a.says("two")
        self.assertEqual(self.hub.nc().heard(), b"two\n")

    def test_finishing_is_told_and_goes_on_hearing(self) -> None:
        """`nc -N` hears until the other end has finished, too; then both are done, and told so."""
        a, b = self.hub.nc(), self.hub.nc()
        a.says("question").finishes()
        self.assertEqual(b.heard(), b"question\n-!- your partner has finished\n")
        b.says("answer").finishes()
        self.assertEqual(a.heard(), b"-!- your partner joined\nanswer\n-!- closed (quit)\n")
        self.assertEqual((b.heard(), a.closed, b.closed), (b"-!- closed (quit)\n", "done", "done"))

    def test_finishing_ends_with_the_partner(self) -> None:
        """Who has finished has nobody to listen to once the other is gone; it is told of that, and that it ends."""
        a, b = self.hub.nc(), self.hub.nc()
        a.finishes()
        b.says("bye", "/quit")
        self.assertEqual(
            (a.lines()[1:], a.closed), (["bye", "-!- your partner left (quit)", "-!- closed (quit)"], "done")
        )
        self.assertEqual(b.lines(), ["-!- your partner has finished", "-!- closed (quit)"])

    def test_finishing_alone_waits_for_a_partner(self) -> None:
        """`printf 'one\\n' | nc -N` is delivered though nobody was there, and that it has finished is told behind it."""
        a = self.hub.nc("one").finishes()
        self.assertEqual(a.closed, "")
        b = self.hub.nc()
        self.assertEqual(b.lines(), ["one", "-!- your partner has finished"])
        b.says("thanks")
        self.assertEqual(a.lines(), ["-!- your partner joined", "thanks"])

    def test_a_thousand_lines_both_ways(self) -> None:
        """Each side gets exactly the other's 1,000, in order (000-4)."""
        a, b = self.hub.nc(), self.hub.nc()
        a.heard()
        for at in range(0, 1000, 10):
            a.says(*(f"a{n}" for n in range(at, at + 10)))
            b.says(*(f"b{n}" for n in range(at, at + 10)))
        self.assertEqual(b.lines(), [f"a{n}" for n in range(1000)])
        self.assertEqual(a.lines(), [f"b{n}" for n in range(1000)])

    def test_drafts_are_for_json_partners(self) -> None:
        """Keys reach a JSON partner as keys, a text partner not at all, and never who typed them."""
        a, b = self.hub.json(name="ann"), self.hub.json()
        a.events()
        a.asks("type", keys="he\bi")
        self.assertEqual(b.events()[1:], [{"event": "typed", "from": "ann", "keys": "he\bi"}])
        b.asks("quit")
        c = self.hub.nc()
        a.asks("type", keys="x")
        self.assertEqual(c.heard(), b"")
        self.assertNotIn("typed", json.dumps(a.events()))
        c.says("/quit")
        d = self.hub.json()
        a.asks("type", keys="y\x03")
        self.assertEqual(([event["keys"] for event in d.events()[1:]], a.closed), (["y"], ""))

    def test_early_lines_of_who_has_finished(self) -> None:
        """`seq 5000 | nc -N`: all are heard, whoever knocks meanwhile, and then that it has finished."""
        for meanwhile in ("a third knocks", "its partner finishes"):
            hub = HubOnAClock()
            numbers = [*map(str, range(5000))]
            hub.nc(*numbers).finishes()
            b, c = hub.connects(), hub.connects()
            b.line.send(b'{"chatterbox": 1}\n')
            c.line.send(b"hi\n") if meanwhile == "a third knocks" else b.line.finish()
            hub.wait(1)
            said = "\n".join(event["text"] for event in b.events() if event["event"] == "said")
            self.assertEqual(said.split("\n"), numbers, meanwhile)

    def test_a_long_draft_is_a_turn(self) -> None:
        """Each key is looked at, so after a pasted draft everybody else has a turn."""
        a, b = self.hub.json(), self.hub.json()
        a.line.send(b'{"verb": "type", "keys": "%s"}\n' % (b"x" * 300) * 9)
        self.assertEqual(b.line.taken.count(b"typed"), 1)
        self.hub.wait(1)
        self.assertEqual(b.heard().count(b"typed"), 9)


class Determinism(SynchronousTestCase):
    """A room changes in one place."""

    def test_events_of_the_gone_change_nothing(self) -> None:
        """What was on its way when its speaker left is heard by nobody, in any mode."""
        for mode in ("pair", "room", "order", "duet", "talk"):
            hub = HubOnAClock(mode, seats=3, asks_name=False)
            a, b = hub.nc(), hub.nc()
            [room] = hub.hub.rooms.values()
            ghost = b.peer
            b.cut()
            a.heard()
            for event in (
                Began(ghost),
                Said(ghost, b"boo\n"),
                Typed(ghost, b"boo"),
                Did(ghost, "boo"),
                Told(ghost, a.peer, "boo"),
                Told(a.peer, ghost, "boo"),
                Renamed(ghost, "boo"),
                Parted(ghost, "boo"),
                Finished(ghost),
                Left(ghost, "quit"),
            ):
                room.apply(event)
            self.assertEqual((a.heard(), hub.rooms()), (b"", {"lobby": [a.peer.name]} if not a.closed else {}))

    def test_the_same_events_make_the_same_room(self) -> None:
        """Two hubs that are told the same in the same order say the same."""
        heard = []
        for _ in range(2):
            hub = HubOnAClock("room")
            ends = [hub.nc(name) for name in ("ann", "bob", "eve")]
            ends[0].says("one", "/nick zoe", "two")
            ends[1].cut()
            ends[2].says("/me waves", "/join tea", "/join lobby")
            heard.append([end.heard() for end in ends])
        self.assertEqual(*heard)


class Many(SynchronousTestCase):
    """A room of names."""

    def setUp(self) -> None:
        """Seat three."""
        self.hub = HubOnAClock("room")
        self.ann, self.bob, self.eve = (self.hub.nc(name) for name in ("ann", "bob", "eve"))
        for end in (self.ann, self.bob, self.eve):
            end.heard()

    def heard(self) -> list[list[str]]:
        """Return what each of the three heard."""
        return [end.lines() for end in (self.ann, self.bob, self.eve)]

    def test_everyone_hears_ann_included(self) -> None:
        """`hello` from ann reaches every connected client as `ann: hello` (001-3)."""
        self.ann.says("hello", "all")
        self.assertEqual(self.heard(), [["ann: hello", "ann: all"]] * 3)

    def test_joins_leaves_and_renames_are_told_to_the_others(self) -> None:
        """Not to the person, but for its new name (001-7)."""
        self.hub.nc("zoe").says("/quit")
        self.bob.says("/nick rob")
        told = ["-!- zoe joined", "-!- zoe left (quit)"]
        renamed = ["-!- bob is now known as rob"]
        self.assertEqual(self.heard(), [told + renamed, [*told, "-!- you are now known as rob"], told + renamed])
        self.bob.says("hi")
        self.assertEqual(self.heard(), [["rob: hi"]] * 3)

    def test_who_is_here_is_exact(self) -> None:
        """In order of joining, after joins, crashes, quits and renames (001-5)."""
        self.hub.nc("zoe")
        self.ann.cut()
        self.eve.says("/quit")
        self.bob.says("/nick rob")
        self.bob.heard()
        self.bob.says("/who")
        self.assertEqual(self.bob.heard(), b"-!- here: rob, zoe\n")

    def test_what_people_do(self) -> None:
        """`/me` is seen by all, who does it included."""
        self.ann.says("/me waves")
        self.assertEqual(self.heard(), [["* ann waves"]] * 3)

    def test_what_is_told_to_one(self) -> None:
        """`/msg` is heard by that one only; who isn't here can't be told."""
        self.ann.says("/msg BOB psst", "/msg zoe hey")
        self.assertEqual(self.heard(), [["-!- nobody here is called zoe"], ["-!- ann tells you: psst"], []])

    def test_finishing_is_leaving(self) -> None:
        """In a larger room nobody waits for who has closed its half."""
        self.ann.says("last").finishes()
        self.assertEqual(self.ann.closed, "done")
        self.assertEqual(self.bob.lines(), ["ann: last", "-!- ann left (quit)"])

    def test_one_peers_error_leaves_the_others_untouched(self) -> None:
        """A reset in the middle of a broadcast costs one seat (001-4, 004-7)."""
        self.bob.line.is_gone = True
        self.ann.says("one", "two")
        self.hub.wait(0)
        self.assertEqual(self.eve.lines(), ["ann: one", "ann: two", "-!- bob left (lost)"])

    def test_a_non_reader_stops_nobody(self) -> None:
        """Nobody waits for who doesn't read: the speaker is read on, and the others hear at once."""
        self.eve.stops_reading()
        for _ in range(3):
            self.ann.says("x" * 4000)
        self.assertTrue(self.ann.line.reading)
        self.assertEqual(len(self.bob.lines()), 3)

    def test_json_and_text_share_a_room(self) -> None:
        """The same conversation, each in its own way; JSON marks its hearer's own lines."""
        program = self.hub.json(name="prog")
        program.events()
        self.ann.says("hi")
        program.asks("say", text="-!- hello\nyou")
        self.assertEqual(self.ann.lines()[1:], ["ann: hi", "prog: -!- hello", "prog: you"])
        said = {"event": "said", "from": "prog"}
        self.assertEqual(
            program.events(),
            [
                {"event": "said", "from": "ann", "text": "hi"},
                {**said, "text": "-!- hello", "own": True},
                {**said, "text": "you", "own": True},
            ],
        )


class Ports(SynchronousTestCase):
    """A broadcast by source port."""

    def test_to_all_others_with_the_port(self) -> None:
        """A line from port 51839 reaches all other clients as `51839: …`; the sender gets nothing back (003-1)."""
        hub = HubOnAClock("ports")
        ends = [hub.connects(port=port) for port in (51839, 51840, 51841)]
        hub.wait(1)
        ends[0].says("Hello, everyone!")
        self.assertEqual([end.heard() for end in ends], [b"", *[b"51839: Hello, everyone!\n"] * 2])

    def test_many_lines_and_a_command(self) -> None:
        """A block of many lines is said in portions; what is behind them comes after the last."""
        hub = HubOnAClock("ports")
        a, b = hub.connects(port=1), hub.nc()
        a.line.protocol.dataReceived(b"x\n" * 3000 + b"/me waves\nlast\n")
        hub.wait(1)
        self.assertEqual(b.lines(), [*["1: x"] * 3000, "* 1 waves", "1: last"])

    def test_twenty_join_ten_leave(self) -> None:
        """A broadcast reaches exactly nine others (003-4), and `exit` isn't heard by them (003-3)."""
        hub = HubOnAClock("ports")
        ends = [hub.nc() for _ in range(20)]
        for end in ends[10:]:
            end.says(" EXIT ")
        ends[0].says("one", "exit strategy?")
        heard = [end.lines() for end in ends]
        told = ["-!- closed (quit)"]
        self.assertEqual(heard, [[], *[["50001: one", "50001: exit strategy?"]] * 9, *[told] * 10])
        self.assertEqual({end.closed for end in ends[10:]}, {"done"})

    def test_the_same_port_twice(self) -> None:
        """Two machines may have the same source port: the second one's name has a number."""
        hub = HubOnAClock("ports")
        hub.connects("10.0.0.1", 5).says("a")
        hub.connects("10.0.0.2", 5).says("b")
        self.assertEqual([name[0] for name in hub.rooms()["lobby"]], ["5", "5"])
        self.assertEqual(len(set(hub.rooms()["lobby"])), 2)

    def test_addresses_as_labels(self) -> None:
        """`--label address` names everyone by host and port."""
        hub = HubOnAClock("ports", label="address")
        hub.connects("10.0.0.1", 5).says("a")
        self.assertEqual(hub.rooms(), {"lobby": ["10.0.0.1:5"]})

    def test_without_a_port(self) -> None:
        """A unix socket has none: such a peer is a guest."""
        hub = HubOnAClock("ports")
        end = hub.connects()
        end.peer.address = Address()
        hub.wait(1)
        self.assertEqual(hub.rooms(), {"lobby": ["guest-1"]})
