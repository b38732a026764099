"""Sessions at the hub: the client's real state machine talks to the real hub, over links that the test cuts."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.limits import Limits
from tests.harness.memory import HubOnAClock
from tests.harness.session_client import Client, talk


class Pair(SynchronousTestCase):
    """Two sessions."""

    def setUp(self) -> None:
        self.hub = HubOnAClock()
        self.a, self.b = Client(self.hub, "tea", "ann"), Client(self.hub, "tea", "bob")
        talk(self.a, self.b)

    def test_lines_are_heard_and_got(self) -> None:
        """Each line is shown once, in order, and its speaker knows."""
        self.a.says("one", "two").says("three")
        talk(self.a, self.b)
        self.assertEqual(self.b.said, ["one", "two", "three"])
        self.assertEqual(sum(lines for word, lines in self.a.fates if word == "got"), 3)

    def test_both_truths(self) -> None:
        """Who has said all, and heard all, ends with 0 at both ends; nothing is left at the hub."""
        self.a.says("one").finishes()
        self.b.says("two").finishes()
        talk(self.a, self.b)
        self.assertEqual((self.a.exit, self.b.exit), ((0, ""), (0, "")))
        self.hub.wait(130)
        self.assertEqual(self.hub.leftovers(), [])

    def test_a_cut_and_a_way_back(self) -> None:
        """What was said into a dead link, or while the other was away, is heard once it is back."""
        self.b.cut()
        self.a.says("one")
        talk(self.a)
        self.assertIn("away", self.a.events)
        self.b.connect()
        talk(self.a, self.b)
        self.assertEqual((self.b.said, "back" in self.a.events, self.hub.rooms()), (["one"], True, {"tea": ["ann", "bob"]}))

    def test_a_takeover(self) -> None:
        """The hub still believes in the old link: the new one takes over, and nobody hears anything of it but `back`."""
        old = self.b.end
        self.b.cut(both=False)
        self.a.says("one")
        self.b.connect()
        talk(self.a, self.b)
        self.assertEqual(self.b.said, ["one"])
        assert old is not None
        self.assertIn('"why": "replaced"', old.heard().decode())
        self.assertNotIn("left", self.a.events)

    def test_ten_resumes_in_a_row(self) -> None:
        """Each time, and from both ends."""
        for number in range(10):
            (self.a if number % 2 else self.b).cut(both=number % 3 > 0)
            self.a.says(f"a{number}")
            self.b.says(f"b{number}")
            (self.a if number % 2 else self.b).connect()
            talk(self.a, self.b)
        self.assertEqual(self.b.said, [f"a{number}" for number in range(10)])
        self.assertEqual(self.a.said, [f"b{number}" for number in range(10)])

    def test_the_grace_ends(self) -> None:
        """Who doesn't come back has left, and what it hadn't got is told."""
        self.b.cut()
        talk(self.a)
        self.a.says("one", "two")
        for _ in range(9):
            self.hub.wait(15)
            talk(self.a)
        self.assertIn("left", self.a.events)
        self.assertEqual(self.a.fates, [("not delivered", 2)])
        self.assertEqual(self.hub.rooms(), {"tea": ["ann"]})

    def test_a_stranger_waits_for_nobody_s_seat(self) -> None:
        """The seat of who is away is nobody else's."""
        self.b.cut()
        said = "-!- closed (full): room tea has no free seat: it waits for bob until 00:02:01 UTC, try another room"
        self.assertEqual(self.hub.nc("/join tea", "hi").lines(), [said])
        self.b.connect()
        self.assertEqual(self.hub.rooms(), {"tea": ["ann", "bob"]})

    def test_a_restarted_hub(self) -> None:
        """It knows nobody and needs nothing: the ends come back in any order, and repeat what is missing."""
        self.b.shows = False
        self.a.says("one", "two")
        talk(self.a, self.b)
        self.a.cut(both=False)
        self.b.cut(both=False)
        self.b.shows = True
        self.b.resume.shown(self.b.now, 1)
        other = HubOnAClock()
        self.a.connect(other).says("three")
        self.assertIn(b"closed (full)", other.nc("/join tea", "hi").heard())
        self.b.connect(other)
        talk(self.a, self.b)
        self.assertEqual(self.b.said, ["one", "two", "three"])
        self.assertEqual(sum(lines for word, lines in self.a.fates if word == "got"), 3)

    def test_leaving(self) -> None:
        """A killed client's signal says `lost`; who stays is told, and ends with 4."""
        self.b.finishes()
        self.a.says("one")
        talk(self.a, self.b)
        self.a.resume.abandon(143)
        self.a.turn()
        talk(self.b)
        self.assertEqual((self.a.exit, self.b.exit and self.b.exit[0]), ((143, ""), 4))

    def test_a_secret_is_nowhere(self) -> None:
        """Nobody hears it."""
        self.a.says("hi")
        talk(self.a, self.b)
        self.assertNotIn(self.a.secret, repr(self.hub.news) + repr(self.b.events))

    def test_a_lower_try_disturbs_nobody(self) -> None:
        """A hello that crawled on an abandoned link is refused."""
        late = self.hub.connects().says(json.dumps({"chatterbox": 1, "session": self.b.secret, "try": 1, "room": "tea"}))
        self.assertIn('"why": "replaced"', late.heard().decode())
        self.a.says("hi")
        talk(self.a, self.b)
        self.assertEqual(self.b.said, ["hi"])

    def test_ping(self) -> None:
        """Is answered."""
        self.hub.wait(21)
        self.a.turn()
        assert self.a.end is not None
        self.assertIn("pong", self.a.end.heard().decode())

    def test_silence(self) -> None:
        """A link that says nothing for a minute is away."""
        self.hub.wait(121)
        self.assertEqual(self.a.end and self.a.end.closed, "aborted")


class Room(SynchronousTestCase):
    """A larger room."""

    def setUp(self) -> None:
        self.hub = HubOnAClock("room")
        self.a, self.b = Client(self.hub, "tea", "ann"), Client(self.hub, "tea", "bob")
        self.nc = self.hub.connects().says("/join tea", "/nick cat")
        talk(self.a, self.b)

    def test_everybody_hears(self) -> None:
        """Once, in order, in its own dialect."""
        self.a.says("one")
        self.nc.says("two")
        talk(self.a, self.b)
        self.assertEqual(self.b.said, ["one", "two"])
        self.assertEqual([line for line in self.nc.lines() if ": " in line and "-!-" not in line], ["ann: one", "cat: two"])

    def test_a_cut_in_a_room(self) -> None:
        """Who was away hears what was said meanwhile, once."""
        self.b.cut()
        self.a.says("one")
        self.nc.says("two")
        self.b.connect()
        talk(self.a, self.b)
        self.assertEqual(sorted(self.b.said), ["one", "two"])

    def test_a_newcomer_hears_from_here_on(self) -> None:
        """Nothing of what was said before it came is owed to it."""
        self.a.says("one")
        talk(self.a, self.b)
        d = Client(self.hub, "tea", "dan")
        talk(self.a, self.b, d)
        self.a.says("two")
        talk(self.a, self.b, d)
        self.assertEqual((d.said, d.missed), (["two"], 0))

    def test_private_lines(self) -> None:
        """Reach one end, and survive its cut."""
        self.b.cut()
        self.a.resume.say(b"psst\n", "msg", self.b.resume.stream)
        self.b.connect()
        talk(self.a, self.b)
        self.assertEqual(self.b.said, ["psst"])

    def test_leaving_a_room(self) -> None:
        """Who has finished leaves, with 0."""
        self.a.says("one").finishes()
        talk(self.a, self.b)
        self.assertEqual(self.a.exit, (0, ""))
        self.assertEqual(self.b.events[-1], "left")


class OneShots(SynchronousTestCase):
    """Senders that hear nothing."""

    def test_two_senders_queue_up(self) -> None:
        """They wait outside, sit one at a time, and the reader who comes gets both."""
        hub = HubOnAClock()
        senders = [Client(hub, "cron", listens=False).says(f"job {number}").finishes() for number in (1, 2)]
        talk(*senders)
        self.assertEqual(hub.rooms(), {})
        reader = Client(hub, "cron", "bob")
        talk(*senders, reader)
        self.assertEqual(reader.said, ["job 1", "job 2"])
        self.assertEqual([sender.exit for sender in senders], [(0, ""), (0, "")])

    def test_beside_a_full_pair(self) -> None:
        """They wait, and nobody is disturbed."""
        hub = HubOnAClock()
        a, b = Client(hub, "tea"), Client(hub, "tea")
        sender = Client(hub, "tea", listens=False).says("hi")
        talk(a, b, sender)
        self.assertEqual((a.said, b.said, sender.exit), ([], [], None))


    def test_a_new_link_while_it_waits(self) -> None:
        """Its link dies at its own side alone: the new one takes its place outside over, and an older hello does not."""
        hub = HubOnAClock()
        sender = Client(hub, "cron", listens=False).says("job")
        sender.cut(both=False).connect().finishes()
        late = hub.connects().says(json.dumps({"chatterbox": 1, "session": sender.secret, "try": 1, "listens": False, "room": "cron"}))
        self.assertIn('"why": "replaced"', late.heard().decode())
        hub.wait(30)
        talk(sender)
        hub.wait(40)  # the link that is dead at the other side is silent for a minute by now
        reader = Client(hub, "cron", "bob")
        talk(sender, reader)
        self.assertEqual((reader.said, sender.exit, hub.rooms()), (["job"], (0, ""), {"cron": ["bob"]}))

    def test_a_new_link_while_it_knocks(self) -> None:
        """Of two links that wait for an answer the new one has the seat; when it falls silent, it gives it up."""
        hub = HubOnAClock()
        ann, nc = Client(hub, "tea", "ann"), hub.nc("/join tea").finishes()
        bob = Client(hub, "tea", "bob")
        first = bob.end
        bob.cut(both=False).connect()
        hello = {"chatterbox": 1, "session": bob.secret, "try": 1, "room": "tea"}
        for late in (first, hub.connects().says(json.dumps(hello))):
            self.assertIn('"why": "replaced"', late.heard().decode() if late else "")
        nc.cut()
        hub.wait(1)
        talk(ann, bob)
        self.assertEqual(hub.rooms(), {"tea": ["ann", "bob"]})
        bob.cut(both=False)
        for _ in range(30):
            hub.wait(10)
            talk(ann)
        self.assertEqual(hub.rooms(), {"tea": ["ann"]})

    def test_a_restarted_hub_and_a_sender(self) -> None:
        """Whichever comes back first: the seat is the sender's once, and the rest of its lines is heard."""
        for is_first in (True, False):
            hub, again = HubOnAClock(), HubOnAClock()
            sender, reader = Client(hub, "cron", listens=False).says("one"), Client(hub, "cron", "bob")
            talk(sender, reader)
            sender.cut()
            reader.cut()
            sender.says("two").finishes()
            for end in (sender, reader) if is_first else (reader, sender):
                end.connect(again)
            talk(sender, reader)
            self.assertEqual((reader.said, sender.exit), (["one", "two"], (0, "")))

    def test_a_sender_is_lost(self) -> None:
        """Who has finished, and only listens, ends with 4 when the sender beside it is lost: it had not said all (A4)."""
        hub = HubOnAClock(limits={"grace": 5.0})
        sender, reader = Client(hub, "cron", listens=False).says("one"), Client(hub, "cron", "bob").finishes()
        talk(sender, reader)
        sender.cut()
        hub.wait(6)
        talk(reader)
        self.assertEqual((reader.said, reader.exit and reader.exit[0]), (["one"], 4))


class Bounds(SynchronousTestCase):
    """Limits, with a test at each bound."""

    def test_max_away(self) -> None:
        """Beyond it a cut is a loss."""
        hub = HubOnAClock("room", {"max_away": 1})
        a, b, c = (Client(hub, "tea", name) for name in ("ann", "bob", "cat"))
        talk(a, b, c)
        a.cut()
        b.cut()
        self.assertEqual(hub.rooms(), {"tea": ["ann", "cat"]})

    def test_no_grace(self) -> None:
        """With `--grace 0` nobody's seat is kept."""
        hub = HubOnAClock(limits={"grace": 0.0})
        a, b = Client(hub, "tea"), Client(hub, "tea")
        talk(a, b)
        b.cut()
        self.assertEqual(len(hub.rooms()["tea"]), 1)

    def test_flood(self) -> None:
        """Who says more than may be un-got, a block, and one got in part, is let go; as much as that isn't too much."""
        hub = HubOnAClock()
        a, b = Client(hub, "tea"), Client(hub, "tea", shows=False)
        talk(a, b)
        assert a.end is not None
        for number in range(17):
            a.end.asks("say", text="\n".join(["x" * 4095] * 16), n=1 + 16 * number, to=b.resume.stream)
        self.assertEqual(a.end.closed, "")
        a.end.asks("say", text="x", n=273, to=b.resume.stream)
        self.assertIn("flood", a.end.heard().decode())
        self.assertLess(17 * 16 * 4096, Limits().max_pair_queue)  # so all of it fits where nothing is taken

    def test_a_taken_name(self) -> None:
        """A session isn't refused for its name: it gets the next one."""
        hub = HubOnAClock("room")
        names = [Client(hub, "tea", "ann").turn().resume.name for _ in range(3)]
        self.assertEqual((names, hub.rooms()), (["ann", "ann-2", "ann-3"], {"tea": ["ann", "ann-2", "ann-3"]}))

    def test_outside(self) -> None:
        """As many as the limit wait for a room, and one more hears why not."""
        hub = HubOnAClock(limits={"max_outside": 2})
        senders = [Client(hub, "cron", listens=False) for _ in range(3)]
        talk(*senders)
        self.assertEqual([sender.exit and sender.exit[0] for sender in senders], [None, None, 3])

    def test_bad_hellos(self) -> None:
        """A session that is none is refused in one sentence, and nothing raises."""
        hub = HubOnAClock()
        for fields in ({"session": 5}, {"session": "x"}, {"session": "0" * 32}, {"session": "0" * 32, "try": -1},
                       {"session": "0" * 32, "try": 1, "with": 7}, {"session": "0" * 32, "try": 1, "grace": "x"}):  # fmt: skip
            heard = hub.json(**fields).events()
            self.assertEqual((heard[0]["code"], heard[-1]["why"]), ("session", "kicked"))
        self.assertEqual(hub.rooms(), {})


class Graces(SynchronousTestCase):
    """For how long a seat is kept."""

    def test_the_hub_s_bound(self) -> None:
        """A session that asks for the hub's `--grace` has it, and for a second more has no more; 0 keeps nothing."""
        for most in (30.0, 600.0):
            for asked, kept in ((most - 1, most - 1), (most, most), (most + 1, most), (999_999_999, most), (0, 0)):
                hub = HubOnAClock(limits={"grace": most})
                bob = hub.nc("/join tea")
                hello = {"chatterbox": 1, "session": "a" * 32, "try": 1, "room": "tea", "grace": asked}
                ann = hub.connects().says(json.dumps(hello))
                self.assertEqual(ann.events()[0]["grace"], kept)
                bob.heard()
                ann.cut()
                hub.wait(max(0, kept - 0.01))
                lost = ["-!- your partner left (lost)"]
                self.assertEqual(bob.lines() == lost, kept == 0)
                hub.wait(0.02)
                self.assertEqual(bob.lines(), lost if kept else [])
