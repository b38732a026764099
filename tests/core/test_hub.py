"""The hub: rooms that come and go, seats, names that are taken, and the end of it all."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.core.events import Gone, Refused, Staged
from tests.harness.memory import CLOSINGS, FakeTransport, HubOnAClock


class Rooms(SynchronousTestCase):
    """A room is made when somebody first joins it, and gone when the last one leaves."""

    def test_a_room_comes_and_goes(self) -> None:
        """Nothing is left of a room, a peer or a timer when nobody is there."""
        hub = HubOnAClock()
        a, b = hub.nc("/join tea"), hub.nc("/join tea", "hi")
        self.assertEqual(hub.rooms(), {"tea": ["guest-1", "guest-2"]})
        a.says("/quit")
        b.cut()
        self.assertEqual(hub.rooms(), {})
        self.assertEqual(hub.leftovers(), [])

    def test_many_pairs_on_one_hub(self) -> None:
        """A two-seat hub serves any number of pairs, each apart from all others."""
        hub = HubOnAClock()
        pairs = [(hub.nc(f"/join r{at}"), hub.nc(f"/join r{at}")) for at in range(50)]
        for at, (a, _) in enumerate(pairs):
            a.says(f"in r{at}")
        self.assertEqual([b.lines() for _, b in pairs], [[f"in r{at}"] for at in range(50)])

    def test_a_refused_move_costs_a_listener_nothing(self) -> None:
        """A name that is taken is looked at before a listener gives up its seat."""
        hub = HubOnAClock()
        ann, _ = hub.nc("/nick ann"), hub.nc("/nick bob")
        ann.finishes()
        other = hub.nc("/join tea", "/nick bob").says("/join lobby")
        self.assertEqual(other.lines(), ["-!- not moved: the name bob is taken"])
        self.assertEqual((ann.closed, hub.rooms()["lobby"]), ("", ["ann", "bob"]))

    def test_moving(self) -> None:
        """Who moves leaves one room and joins the other, as anybody who leaves and joins."""
        hub = HubOnAClock()
        a, b, c = hub.nc(), hub.nc(), hub.nc("/join tea")
        a.heard()
        b.says("/join tea", "hi")
        self.assertEqual(a.lines(), ["-!- your partner left (moved)"])
        self.assertEqual(b.lines(), ["-!- you are in tea now"])
        self.assertEqual(c.lines(), ["-!- your partner joined", "hi"])

    def test_where_somebody_went(self) -> None:
        """A program is told which room it was, of a plain peer and of a session; of one that left, none."""
        hub = HubOnAClock("room")
        one = hub.json(name="one")
        for number, more in enumerate(({}, {"session": "0" * 32, "try": 1})):
            hub.json(name=f"n{number}", **more).asks("join", room="tea").asks("quit")
            left = [event for event in one.events() if event["event"] == "left"][-1]
            self.assertEqual((left["why"], left["to"]), ("moved", "tea"))
        hub.json(name="two").asks("quit")
        self.assertNotIn("to", one.events()[-1])

    def test_a_move_is_told_before_what_is_heard_there(self) -> None:
        """First where one is, then what was said there for a partner."""
        hub = HubOnAClock()
        hub.nc("/join tea", "one", "two")
        a = hub.nc("hi").says("/join tea")
        lost = "-!- not delivered: 1 line (nobody was there)"
        self.assertEqual(a.lines(), [lost, "-!- you are in tea now", "one", "two"])

    def test_a_refused_move_changes_nothing(self) -> None:
        """A full room, a taken name, a name that is none: who asks stays where it is, and is told why."""
        hub = HubOnAClock()
        a = hub.nc("/nick ann")
        hub.nc("/join tea")
        hub.nc("/join tea")
        hub.nc("/join pub", "/nick ANN")
        a.says("/join tea", "/join pub", "/join a b", "/join", "/join lobby")
        self.assertEqual(
            a.lines(),
            [
                "-!- not moved: room tea has no free seat",
                "-!- not moved: the name ann is taken: ANN is here, and case makes no difference",
                "-!- a room's name is 1 to 64 of A-Z a-z 0-9 . _ and -",
                "-!- use it so: /join ROOM",
            ],
        )
        self.assertEqual(hub.rooms()["lobby"], ["ann"])

    def test_a_json_move_is_a_welcome(self) -> None:
        """At the hello and after every join."""
        hub = HubOnAClock()
        a = hub.json(name="ann", room="tea").asks("join", room="pub")
        self.assertEqual(
            [(event["event"], event["room"]) for event in a.events()], [("welcome", "tea"), ("welcome", "pub")]
        )

    def test_a_move_that_waited_for_the_partners_end(self) -> None:
        """A `/join` among what was read while its speaker was held is obeyed, and leaves no trace behind."""
        hub = HubOnAClock(limits={"high_water": 100}, buffer=50)
        b, a = hub.nc(), hub.nc()
        b.stops_reading()
        a.says(*["y" * 30] * 20, "/who", *["y" * 30] * 20, "/who", "/join tea", "z")
        self.assertFalse(a.line.reading)
        b.cut()
        hub.wait(1)
        self.assertEqual(hub.rooms(), {"tea": ["guest-1"]})
        self.assertEqual(hub.nc("/join tea").heard(), b"z\n")

    def test_a_move_away_from_early_lines(self) -> None:
        """What was held for a partner is forgotten with its speaker, and the room with it."""
        hub = HubOnAClock()
        hub.nc("one", "/join tea", "two")
        self.assertEqual(hub.nc().heard(), b"")
        self.assertEqual(hub.nc("/join tea").heard(), b"two\n")

    def test_a_move_out_of_a_duet_ends_it(self) -> None:
        """Where two end together, who moves away has left."""
        hub = HubOnAClock("duet")
        x, y = hub.nc(), hub.nc()
        x.says("/join tea")
        self.assertEqual((y.lines()[-1], y.closed), ("-!- closed (bye): X left (moved)", "done"))
        self.assertEqual(hub.rooms(), {"tea": ["X"]})


class Names(SynchronousTestCase):
    """Unique in the room, whatever the case."""

    def test_guests_have_numbers(self) -> None:
        """Who asks for no name is a guest; the number is one that nobody in the room has."""
        hub = HubOnAClock("ports", label="none")
        hub.nc("/nick guest-2")
        a = hub.nc()
        hub.nc()
        self.assertEqual(len({name.casefold() for name in hub.rooms()["lobby"]}), 3)
        a.says("/nick ann")
        self.assertIn("ann", hub.rooms()["lobby"])

    def test_a_taken_name(self) -> None:
        """At the door it closes, later it is refused; one's own in another case isn't taken."""
        hub = HubOnAClock("ports", label="none")
        ann = hub.nc("/nick ann")
        other = hub.connects().says("/nick ANN")
        hub.wait(1)
        self.assertEqual(other.lines(), ["-!- the name ANN is taken: ann is here, and case makes no difference"])
        late = hub.nc("hello", "/nick Ann")
        self.assertEqual(late.lines(), ["-!- the name Ann is taken: ann is here, and case makes no difference"])
        ann.says("/nick Ann", "/nick Ann")
        self.assertEqual(ann.lines()[-1], "-!- you are now known as Ann")
        self.assertEqual(hub.rooms()["lobby"][0], "Ann")

    def test_two_who_land_with_one_name(self) -> None:
        """The one who sits first has it."""
        hub = HubOnAClock("room")
        one, two = hub.connects().says("/nick ann"), hub.connects().says("/nick ann")
        hub.wait(1)
        self.assertEqual((one.closed, two.closed), ("", "done"))
        self.assertEqual(two.lines(), ["-!- closed (kicked): the name ann is taken"])
        self.assertEqual(hub.rooms(), {"lobby": ["ann"]})

    def test_a_name_is_free_again(self) -> None:
        """After its bearer left, or took another."""
        hub = HubOnAClock("room")
        watch = hub.nc("watch")
        ann = hub.nc("ann").says("/nick eve")
        self.assertEqual(hub.nc("ann").closed, "")
        ann.cut()
        watch.says("/nick eve")
        self.assertEqual(hub.rooms(), {"lobby": ["eve", "ann"]})

    def test_given_names_repeat(self) -> None:
        """Letters in a room of more than the alphabet's go on with numbers."""
        hub = HubOnAClock("ports", label="letter")
        for _ in range(28):
            hub.nc()
        names = hub.rooms()["lobby"]
        self.assertEqual("".join(names[:26]), "XYZABCDEFGHIJKLMNOPQRSTUVW")
        self.assertEqual(len(set(names)), 28)


class Stopping(SynchronousTestCase):
    """Tell everyone, send what was accepted, cut the rest."""

    def test_everyone_is_told(self) -> None:
        """Those in rooms, those who land, those asked for a name; then the hub is gone."""
        hub = HubOnAClock("room")
        ends = [hub.nc("ann"), hub.nc(), hub.connects(), hub.json(name="prog")]
        gone: list[bool] = []
        for end in ends:
            end.heard()
        hub.admission.stop(lambda: gone.append(True))
        for end in ends[:3]:
            self.assertEqual(end.lines(), ["-!- closed (shutdown): the hub is shutting down"])
        self.assertEqual(ends[3].events(), [{"event": "closed", "why": "shutdown", "text": "the hub is shutting down"}])
        self.assertEqual((gone, hub.leftovers()), ([True], []))

    def test_nobody_is_told_of_the_others(self) -> None:
        """Everyone leaves at once: their leaving is no news."""
        hub = HubOnAClock("room")
        ann = hub.nc("ann")
        hub.nc("bob")
        ann.heard()
        hub.admission.stop(lambda: None)
        self.assertEqual(ann.lines(), ["-!- closed (shutdown): the hub is shutting down"])

    def test_who_comes_meanwhile(self) -> None:
        """Is told, too, and not waited for: a handshake may take until then."""
        hub = HubOnAClock()
        a, _ = hub.nc(), hub.nc().stops_reading()
        a.says("x" * 4000)
        gone: list[bool] = []
        hub.admission.stop(lambda: gone.append(True))
        late = hub.connects()
        hub.wait(hub.limits.close_patience)
        self.assertEqual((late.lines(), gone), (["-!- closed (shutdown): the hub is shutting down"], [True]))

    def test_an_empty_hub_is_gone_at_once(self) -> None:
        """Nobody is waited for."""
        gone: list[bool] = []
        HubOnAClock().admission.stop(lambda: gone.append(True))
        self.assertEqual(gone, [True])

    def test_what_was_accepted_is_sent(self) -> None:
        """A reader who needs a moment gets all, and the hub waits for that."""
        hub, gone = HubOnAClock(buffer=10), list[bool]()
        a, b = hub.nc(), hub.nc()
        b.stops_reading()
        a.says(*["x" * 99] * 9)
        hub.admission.stop(lambda: gone.append(True))
        self.assertEqual(gone, [])
        b.reads()
        self.assertEqual(b.lines(), [*["x" * 99] * 9, "-!- closed (shutdown): the hub is shutting down"])
        self.assertEqual((gone, b.closed), ([True], "done"))

    def test_f2_who_doesnt_read_is_cut(self) -> None:
        """`loseConnection` to a peer that doesn't read never closes: after 5 s it is aborted (F2)."""
        hub, gone = HubOnAClock(buffer=10), list[bool]()
        a, b = hub.nc(), hub.nc()
        b.stops_reading()
        a.says(*["x" * 99] * 9)
        hub.admission.stop(lambda: gone.append(True))
        hub.wait(4.9)
        self.assertEqual((gone, b.closed), ([], ""))
        hub.wait(0.2)
        self.assertEqual((gone, b.closed), ([True], "aborted"))
        self.assertEqual(hub.leftovers(), [])

    def test_cutting_all(self) -> None:
        """A second signal doesn't wait."""
        hub, gone = HubOnAClock(), list[bool]()
        a = hub.nc().stops_reading()
        hub.admission.stop(lambda: gone.append(True))
        hub.admission.abort()
        hub.wait(0)
        self.assertEqual((gone, a.closed), ([True], "aborted"))

    def test_once(self) -> None:
        """With `--once` the end of the first shared room is told as the end of the hub's work, an unshared one's isn't."""
        hub = HubOnAClock("order", once=True)
        hub.nc().cut()
        self.assertNotIn(Staged("over"), hub.news)
        x, y = hub.nc("Alice"), hub.nc("Bob")
        self.assertEqual((x.closed, y.closed, hub.news[-1]), ("done", "done", Staged("over")))


class Endings(SynchronousTestCase):
    """Every ending has one word of a closed set."""

    def test_the_words(self) -> None:
        """Each way to end says its word, to who is ended and to who stays, and to the log."""
        hub = HubOnAClock("room", {"max_queue": 1000, "close_patience": 1.0}, seats=9, buffer=0)
        watch = hub.nc("watch")
        hub.nc("a").says("/quit")
        hub.nc("b").cut()
        hub.nc("c").sends(b"x" * 70_000)
        hub.nc("d").stops_reading()
        for _ in range(3):
            watch.says("x" * 999)
        hub.wait(2)
        left = [line.rpartition("(")[2].rstrip(")") for line in watch.lines() if " left " in line]
        self.assertEqual(left, ["quit", "lost", "flood", "slow"])
        self.assertEqual([gone.why for gone in hub.ends_of(Gone)], left)
        self.assertLessEqual(set(left), CLOSINGS)

    def test_who_never_sat_is_recorded_too(self) -> None:
        """A third, and one without a name, are told to the log with their word."""
        hub = HubOnAClock("room", seats=1)
        hub.nc("ann")
        hub.nc("bob")
        hub.nc()
        hub.wait(20)
        self.assertEqual([refused.why for refused in hub.ends_of(Refused)], ["full", "idle"])


class Console(SynchronousTestCase):
    """The hub's own terminal is one more peer, or speaks from outside."""

    def test_the_console_sits(self) -> None:
        """It is seated at once, under a name that nobody else can take, and is a partner as any."""
        hub = HubOnAClock("room")
        transport = FakeTransport(hub.clock, "", 0)
        console = hub.admission.host(transport, "server")
        ann = hub.nc("ann")
        console.receive(b"welcome\n")
        self.assertEqual(ann.lines()[-1], "server: welcome")
        self.assertTrue(transport.taken.endswith(b"-!- ann joined\nserver: welcome\n"))
        console.lost("quit")
        self.assertEqual(ann.lines(), ["-!- server left (quit)"])

    def test_the_console_sits_among_keys(self) -> None:
        """In mode talk it sees keys as they are typed, and its lines look typed."""
        hub = HubOnAClock("talk")
        transport = FakeTransport(hub.clock, "", 0)
        console = hub.admission.host(transport, "server")
        ann = hub.nc().sends(b"he", b"llo")
        console.receive(b"hi\n")
        self.assertTrue(transport.taken.endswith(b"hello"))
        self.assertEqual(ann.heard(), b"hi\r\n")

    def test_announcing(self) -> None:
        """Everyone in every room hears it, each in its dialect."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.json(room="tea")
        b.events()
        hub.hub.announce("server", b"soon\n")
        self.assertEqual(a.heard(), b"server: soon\n")
        self.assertEqual(b.events(), [{"event": "said", "from": "server", "text": "soon"}])


class Once(SynchronousTestCase):
    """When the first conversation is over."""

    def test_strangers_elsewhere_dont_end_it(self) -> None:
        """Only the room in which two met first counts (C2)."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc()
        for _ in range(2):
            hub.nc("/join tea").cut()
        c, d = hub.nc("/join tea"), hub.nc("/join tea")
        c.cut()
        d.cut()
        self.assertNotIn(Staged("over"), hub.news)
        a.cut()
        b.cut()
        self.assertEqual(hub.news.count(Staged("over")), 1)
