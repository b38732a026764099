"""One end, from its first byte to its last."""

from __future__ import annotations

from twisted.internet import error
from twisted.trial.unittest import SynchronousTestCase

from tests.harness.memory import HubOnAClock, returns_within


class Landing(SynchronousTestCase):
    """For 100 ms a new connection may say where it wants to be, unheard by anyone."""

    def test_a_hub_is_quiet(self) -> None:
        """No byte goes to a new connection until there is something it must hear."""
        hub = HubOnAClock()
        a = hub.nc()
        hub.wait(60)
        self.assertEqual(a.heard(), b"")

    def test_join_and_nick_take_effect_before_the_seat(self) -> None:
        """Unanswered, and the lobby hears of nothing."""
        hub = HubOnAClock()
        lobby = hub.nc()
        a = hub.nc("/join tea", "/nick ann", "hi")
        self.assertEqual((a.heard(), lobby.heard()), (b"", b""))
        self.assertEqual(hub.rooms(), {"lobby": ["guest-1"], "tea": ["ann"]})

    def test_in_pieces(self) -> None:
        """Commands that come in packets of their own are as good."""
        hub = HubOnAClock()
        hub.connects().sends(b"/joi", b"n te", b"a\r\n", b"/nick ann\n", b"hi\n")
        self.assertEqual(hub.rooms(), {"tea": ["ann"]})

    def test_all_in_one_packet(self) -> None:
        """Who comes, takes a name, speaks and goes in one packet was there, and all of it is heard."""
        hub = HubOnAClock()
        a = hub.nc("/join tea")
        hub.connects().says("/join tea", "/nick ann", "hi", "/quit")
        self.assertEqual(a.lines(), ["-!- your partner joined", "hi", "-!- your partner left (quit)"])
        self.assertEqual(hub.rooms(), {"tea": ["guest-1"]})

    def test_a_refused_room_closes(self) -> None:
        """A program that can't be where it wants to be is not put elsewhere."""
        hub = HubOnAClock()
        a = hub.nc("/join a b")
        self.assertEqual(a.lines(), ["-!- closed (kicked): a room's name is 1 to 64 of A-Z a-z 0-9 . _ and -"])
        b = hub.json(room="a b")
        self.assertEqual([event["why"] for event in b.events()], ["kicked"])
        self.assertEqual(hub.rooms(), {})

    def test_a_refused_name_is_answered(self) -> None:
        """And the peer is seated under another."""
        hub = HubOnAClock()
        a = hub.nc("/nick server")
        self.assertEqual(a.lines(), ["-!- server is a reserved name"])
        self.assertEqual(hub.rooms(), {"lobby": ["guest-1"]})

    def test_anything_else_is_conversation(self) -> None:
        """A command without its argument, another command, an empty line: the peer sits, and is answered there."""
        for line in ("/join", "/who", "", "{}"):
            hub = HubOnAClock()
            hub.connects().says(line)
            self.assertEqual(list(hub.rooms()), ["lobby"], line)

    def test_leaving_before_a_seat(self) -> None:
        """Nobody hears of it."""
        hub = HubOnAClock()
        lobby = hub.nc()
        hub.connects().cut()
        hub.connects().says("/quit")
        hub.wait(1)
        self.assertNotIn(b"guest", lobby.heard())
        self.assertEqual(len(hub.admission.connections), 1)

    def test_finishing_before_a_seat(self) -> None:
        """`nc -N </dev/null` sits down, and has finished: who comes is told so."""
        hub = HubOnAClock()
        a, b = hub.connects().finishes(), hub.nc()
        self.assertEqual(b.lines(), ["-!- your partner has finished"])
        b.says("hi")
        self.assertEqual(a.lines()[-1], "hi")

    def test_finishing_before_a_move(self) -> None:
        """`/done`, then `/join` to somebody who has finished, too: nobody has anything to say, and both end."""
        hub = HubOnAClock()
        a, b, c = hub.nc("/join tea", "note").finishes(), hub.nc("/join pub"), hub.nc("/join pub")
        b.says("/done")
        self.assertEqual(c.lines()[-1], "-!- your partner has finished")
        b.says("/join tea")
        hub.wait(1)
        self.assertEqual(b.lines()[-3:], ["-!- you are in tea now", "note", "-!- closed (quit)"])
        self.assertEqual((a.lines()[-1], hub.rooms()), ("-!- closed (quit)", {"pub": ["guest-2"]}))


class Hello(SynchronousTestCase):
    """A first line that is a JSON object with the key `chatterbox` makes a JSON peer."""

    def test_welcome(self) -> None:
        """It says where the peer is, who it is, and how one leaves."""
        a = HubOnAClock("ports").json(room="tea")
        [welcome] = a.events()
        self.assertEqual(
            welcome,
            {
                "event": "welcome",
                "chatterbox": 1,
                "room": "tea",
                "mode": "ports",
                "name": "50001",
                "seats": None,
                "label": "port",
                "farewell": ["/quit", "exit"],
                "here": ["50001"],
            },
        )

    def test_only_the_first_line(self) -> None:
        """Later a hello is a line as any."""
        hub = HubOnAClock()
        a, b = hub.nc("hi"), hub.nc()
        a.says('{"chatterbox": 1}')
        self.assertEqual(b.lines()[-1], '{"chatterbox": 1}')
        self.assertEqual(hub.json().says("{}").events()[0]["event"], "closed")

    def test_a_hello_with_odd_fields(self) -> None:
        """A name or a room that is no string is refused as a verb's would be, and counts as not given."""
        hub = HubOnAClock()
        a = hub.json(name=None, room=["tea"])
        faults = [event["text"] for event in a.events() if event["event"] == "error"]
        self.assertEqual(faults, ["room in the hello is no string", "name in the hello is no string"])
        self.assertEqual(hub.rooms(), {"lobby": ["guest-1"]})

    def test_an_odd_hello(self) -> None:
        """Rooms and names that are no strings are refused or taken as text, and nothing raises."""
        for room, name in ((5, 7), (None, None), ([], {}), ("\x1b", "\u2028"), ({"a": 1}, [])):
            hub = HubOnAClock()
            hub.json(room=room).cut()
            hub.json(name=name).cut()
            hub.json(room="tea", name=name).cut()
            self.assertEqual(hub.leftovers(), [])

    def test_a_name_is_asked_for(self) -> None:
        """Where the hello has none, or a bad one: an error with code `name`, answered by the verb nick (protocol, 4)."""
        hub = HubOnAClock("room")
        for hello in ({}, {"name": "no good"}):
            a = hub.json(**hello)
            self.assertEqual({(event["event"], event["code"]) for event in a.events()}, {("error", "name")})
            a.asks("nick", name="ann")
            self.assertEqual([event["name"] for event in a.events()], ["ann"])
            a.cut()

    def test_three_bad_answers(self) -> None:
        """The third failure closes, `kicked`."""
        a = HubOnAClock("room").json()
        for name in ("a b", "you", ""):
            a.asks("nick", name=name)
        self.assertEqual(a.events()[-1]["why"], "kicked")

    def test_unknown_verbs_dont_close(self) -> None:
        """An error object each, and the conversation goes on."""
        hub = HubOnAClock()
        a, b = hub.json(), hub.nc()
        a.events()
        a.asks("dance").says("nonsense").asks("say", text="hi")
        self.assertEqual([event["code"] for event in a.events() if event["event"] == "error"], ["verb", "json"])
        self.assertEqual(b.heard(), b"hi\n")


class Asked(SynchronousTestCase):
    """A text peer of mode `room` is asked for its name, and its next line is that (001-2)."""

    def setUp(self) -> None:
        """Make a hub that asks."""
        self.hub = HubOnAClock("room")

    def test_question_and_answer(self) -> None:
        """The answer is greeted with where and with whom it is."""
        a = self.hub.nc()
        self.assertEqual(a.heard(), b"-!- which name do you take?\n")
        a.says("ann\r", "hi")
        self.assertEqual(a.heard(), b"-!- you are ann in lobby; here: ann\nann: hi\n")

    def test_an_answer_that_is_there_already(self) -> None:
        """A program that says its name at once isn't asked."""
        self.assertEqual(self.hub.nc("ann").lines()[0], "-!- you are ann in lobby; here: ann")
        self.assertEqual(self.hub.nc("/nick bob").lines()[0], "-!- you are bob in lobby; here: ann, bob")

    def test_each_fault_is_said(self) -> None:
        """Empty, too long, of other characters, with spaces at the ends, with controls, taken, reserved (001-6)."""
        self.hub.nc("ann")
        for name, fault in {
            "": "a name has at least one character",
            "x" * 25: "a name has at most 24 characters",
            " eve": "a name is made of letters, digits, _ and -",
            "e\x07ve": "control characters make no name",
            "e\u202eve": "control characters make no name",
            "Ann": "the name Ann is taken: ann is here, and case makes no difference",
            "SYSTEM": "SYSTEM is a reserved name",
        }.items():
            self.assertEqual(self.hub.nc(name).lines(), [f"-!- {fault}; which name do you take?"])

    def test_what_may_be_said_instead(self) -> None:
        """`/nick`, `/join` and `/quit` are obeyed, a line that is too long is answered as anywhere."""
        a = self.hub.nc("/join tea", "/nick ann")
        self.assertEqual(self.hub.rooms(), {"tea": ["ann"]})
        a.cut()
        b = self.hub.nc()
        b.says("/join pub", "/nick", "/nick you", "/quit")
        self.assertEqual((len(b.lines()), b.closed), (4, "done"))
        self.assertEqual(self.hub.leftovers(), [])

    def test_nobody_hears_of_the_unnamed(self) -> None:
        """Neither that they are here, nor what they answer, nor that they go."""
        ann = self.hub.nc("ann")
        ann.heard()
        self.hub.nc("no name").says("/who").cut()
        self.assertEqual(ann.heard(), b"")

    def test_who_doesnt_read_the_question(self) -> None:
        """Is waited for as long as for any answer."""
        hub = HubOnAClock("room", {"high_water": 50, "bad_names": 9}, buffer=0)
        a = hub.nc().stops_reading()
        for _ in range(3):
            a.says("bad name")
        a.reads().says("ann")
        self.assertEqual(hub.rooms(), {"lobby": ["ann"]})

    def test_finishing_without_a_name(self) -> None:
        """Who will never answer is let go."""
        self.assertEqual(self.hub.nc().finishes().closed, "done")


class Commands(SynchronousTestCase):
    """What a peer can ask of the hub."""

    def test_help(self) -> None:
        """Every command on a line of its own."""
        lines = HubOnAClock().nc("hi").says("/help").lines()
        self.assertEqual([line.split()[1] for line in lines][:3], ["/quit", "/done", "/help"])

    def test_done(self) -> None:
        """`/done` is a closed sending half for who can't close one: it listens on, and says no more (TLS)."""
        hub = HubOnAClock()
        a, b = hub.nc("hi", "/done", "lost"), hub.nc()
        self.assertEqual(b.lines(), ["hi", "-!- your partner has finished"])
        b.says("ho")
        self.assertEqual([line for line in a.lines() if not line.startswith("-!-")], ["ho"])
        b.says("/done")
        self.assertEqual((a.closed, b.closed), ("done", "done"))

    def test_after_done_one_may_still_ask_and_leave(self) -> None:
        """Behind `/done` nothing is said, commands are obeyed; so `/quit` is read (text and JSON)."""
        for end in (lambda hub: hub.nc("/done"), lambda hub: hub.json().asks("done")):
            hub = HubOnAClock()
            other, a = hub.nc(), end(hub)
            a.lines()
            said = a.says("x") if a.peer.dialect.framed and not a.peer.dialect.expands else a.asks("say", text="x")
            self.assertIn("you have said /done", said.lines()[-1])
            self.assertEqual(other.lines()[-1], "-!- your partner has finished")
            if a.peer.dialect.expands:
                a.asks("quit")
            else:
                a.says("/quit")
            self.assertEqual(a.closed, "done")

    def test_usage(self) -> None:
        """A command without its arguments is answered with how to use it."""
        a = HubOnAClock().nc("hi").says("/nick", "/msg bob", "/me")
        usages = ["/nick NAME", "/msg NAME TEXT", "/me TEXT"]
        self.assertEqual(a.lines(), [f"-!- use it so: {usage}" for usage in usages])

    def test_who_in_json(self) -> None:
        """The room and its names."""
        a = HubOnAClock().json(name="ann").asks("who")
        self.assertEqual(a.events()[-1], {"event": "here", "room": "lobby", "names": ["ann"]})

    def test_nobody_to_tell(self) -> None:
        """An error with code `who`."""
        a = HubOnAClock().json().asks("msg", to="x\x1by" * 30, text="psst")
        self.assertEqual(a.events()[-1]["code"], "who")

    def test_who_doesnt_read_the_answers_is_not_read(self) -> None:
        """A flood of questions waits for its answers to be taken: the queue stays bounded."""
        hub = HubOnAClock(limits={"high_water": 1000}, buffer=10)
        a = hub.nc("hi").stops_reading()
        for _ in range(100):
            a.says(*["/help"] * 100)
        self.assertLess(a.connection.outlet.queued, 2000)
        self.assertFalse(a.line.reading)
        a.reads()
        hub.wait(1)
        self.assertEqual(a.heard().count(b"/who"), 10_000)
        self.assertTrue(a.line.reading)

    def test_a_turn_is_short(self) -> None:
        """After so many commands everybody else has a turn."""
        hub = HubOnAClock()
        a = hub.nc("hi")
        a.line.send(b"/who\n" * 1000)
        self.assertEqual(a.line.taken.count(b"here"), hub.limits.pieces_a_turn)
        self.assertEqual(len(a.lines()), 1000)


class Ends(SynchronousTestCase):
    """However it ends, what was said before is said, and nothing after."""

    def test_quit_is_answered_with_the_last_word(self) -> None:
        """Who asks for the end hears that it is one; what came with the word is not said."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc()
        b.says("so long", "/quit", "never")
        self.assertEqual(a.lines(), ["-!- your partner joined", "so long", "-!- your partner left (quit)"])
        self.assertEqual((b.heard(), b.closed), (b"-!- closed (quit)\n", "done"))

    def test_a_clean_end_behind_many_commands_ends(self) -> None:
        """A connection that ends cleanly while much waits (TLS does) is handled to its last line, and ends."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc()
        a.line.protocol.dataReceived(b"/who\n" * 200 + b"last\n")
        with returns_within(20):
            a.line.close(error.ConnectionDone)
        self.assertEqual(b.lines(), ["last", "-!- your partner left (quit)"])

    def test_a_clean_end_behind_a_slow_reader(self) -> None:
        """What was read and held is said before the end is."""
        hub = HubOnAClock(limits={"high_water": 100}, buffer=10)
        a, b = hub.nc(), hub.nc().stops_reading()
        a.line.protocol.dataReceived((b"x" * 50 + b"\n/who\n") * 20)
        with returns_within(20):
            a.line.close(error.ConnectionDone)
        self.assertEqual(b.reads().lines(), [*["x" * 50] * 20, "-!- your partner left (quit)"])

    def test_what_comes_while_it_is_held_waits(self) -> None:
        """A transport may still hand on what it had (TLS does), and even say that the other end has finished."""
        hub = HubOnAClock(limits={"high_water": 100}, buffer=10)
        a, b = hub.nc(), hub.nc().stops_reading()
        for _ in range(9):
            a.line.protocol.dataReceived(b"x" * 50 + b"\n")
        a.line.protocol.readConnectionLost()
        self.assertEqual(b.reads().lines(), [*["x" * 50] * 9, "-!- your partner has finished"])

    def test_a_broken_link_says_no_more(self) -> None:
        """What was held of one who is lost is not said: nobody knows whether it is whole."""
        hub = HubOnAClock(limits={"high_water": 100}, buffer=10)
        a, b = hub.nc(), hub.nc().stops_reading()
        a.line.protocol.dataReceived((b"x" * 50 + b"\n/who\n") * 20)
        a.cut()
        self.assertEqual(b.reads().lines()[-1], "-!- your partner left (lost)")

    def test_every_hold_ends_with_its_peer(self) -> None:
        """One that is let go while it is held is read again, so that its end is seen."""
        hub = HubOnAClock(limits={"high_water": 100}, buffer=10)
        a, b = hub.nc(), hub.nc().stops_reading()
        a.says("x" * 50, "/who", "x" * 150)
        self.assertFalse(a.line.reading)
        a.peer.end("kicked", "for a test")
        self.assertTrue(a.line.reading)
        a.peer.end("kicked", "for a test")
        self.assertEqual(a.heard().count(b"closed (kicked)"), 1)
        b.cut()

    def test_ends_are_counted_once(self) -> None:
        """A link that breaks after the hub has hung up changes nothing."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.nc()
        b.heard()
        a.peer.end("kicked", "for a test")
        a.cut().connection.lost("lost")
        self.assertEqual(b.lines(), ["-!- your partner left (kicked)"])
