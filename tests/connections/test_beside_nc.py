"""A session beside a plain peer: the hub numbers, keeps and acknowledges in the place of who can't."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections import glances
from tests.harness.memory import HubOnAClock
from tests.harness.session_client import Client, talk


class BesideNc(SynchronousTestCase):
    """A session and a plain peer."""

    def setUp(self) -> None:
        self.hub = HubOnAClock()

    def test_session_first(self) -> None:
        """Lines go both ways; the session's are got when the peer's machine has them."""
        a = Client(self.hub, "tea", "ann").says("early")
        nc = self.hub.nc("/join tea", "hi")
        talk(a)
        a.says("one")
        nc.says("two")
        talk(a)
        self.assertEqual(nc.lines(), ["early", "one"])
        self.assertEqual(a.said, ["hi", "two"])
        self.assertEqual(sum(lines for word, lines in a.fates if word == "got"), 2)

    def test_nc_first(self) -> None:
        """What it said early is held and delivered."""
        nc = self.hub.nc("/join tea", "one", "two")
        a = Client(self.hub, "tea", "ann")
        talk(a)
        self.assertEqual(a.said, ["one", "two"])
        a.cut()
        nc.says("three")
        self.assertEqual(nc.lines()[-1], "-!- your partner is away (link lost), what you say is kept")
        a.connect()
        talk(a)
        self.assertEqual((a.said, nc.lines()), (["one", "two", "three"], ["-!- your partner is back"]))

    def test_a_private_line_to_itself(self) -> None:
        """It is heard, beside a session, after one and beside nobody, and none is told that it wasn't delivered."""
        for mode in ("pair", "room"):
            for hello, ask in (("/nick zoe", "/msg zoe psst"), ('{"chatterbox": 1, "name": "zoe"}', "")):
                hub = HubOnAClock(mode)
                nc = hub.nc(hello)
                ask = ask or json.dumps({"verb": "msg", "to": "zoe", "text": "psst"})
                nc.says(ask)
                a = Client(hub, "lobby", "ann")
                nc.says(ask)
                a.finishes()
                talk(a)
                nc.says(ask)
                heard = nc.heard().decode()
                self.assertEqual((heard.count("psst"), heard.count("delivered"), a.said), (3, 0, []), f"{mode} {hello}")

    def test_a_private_line_to_itself_and_no_reader(self) -> None:
        """Who takes nothing, and ends, isn't told that it has perhaps not heard itself."""
        hub = HubOnAClock()
        nc, other = hub.nc("/nick zoe"), hub.nc()
        nc.stops_reading().says("/msg zoe psst", "/done")
        other.says("/done")
        hub.wait(1)
        heard = nc.reads().heard().decode()
        self.assertEqual((heard.count("psst"), heard.count("delivered"), heard.count("closed (quit)")), (1, 0, 1))

    def test_nobody_was_there(self) -> None:
        """What it says after a session has left, and nobody comes to hear, is told with that reason when it goes."""
        for going, last in (("/quit", "-!- closed (quit)"), ("/join pub", "-!- you are in pub now")):
            hub = HubOnAClock()
            a = Client(hub, "lobby", "ann")
            nc = hub.nc()
            a.resume.abandon(143)
            a.turn()
            nc.heard()
            nc.says("one", "two", going)
            self.assertEqual(nc.lines(), ["-!- not delivered: 2 lines (nobody was there)", last])

    def test_a_lost_session_is_told(self) -> None:
        """What nc said and nobody got is told when the grace is over."""
        nc = self.hub.nc("/join tea")
        a = Client(self.hub, "tea", "ann")
        talk(a)
        a.cut()
        nc.says("one", "two")
        nc.lines()
        self.hub.wait(121)
        heard = nc.lines()
        self.assertIn("-!- your partner left (lost)", heard)
        self.assertTrue(any("not delivered" in line and "2 lines" in line for line in heard), heard)

    def test_an_nc_that_had_finished(self) -> None:
        """With nothing to say (`nc -N HUB </dev/null`), few lines, and many: the session hears them, then so, and ends with 0."""
        for said in ([], ["one", "two"], ["many"] * 3000):
            for hello, finish in (("/join tea", None), ('{"chatterbox": 1, "room": "tea"}', '{"verb": "done"}')):
                hub = HubOnAClock()
                texts = [json.dumps({"verb": "say", "text": text}) for text in said] if finish else said
                nc = hub.nc(hello, *texts)
                hub.wait(1)
                nc.says(finish) if finish else nc.finishes()
                hub.wait(1)
                a = Client(hub, "tea", "ann").says("mine")
                talk(a)
                a.finishes()
                talk(a)
                self.assertEqual((a.said, a.exit), (said, (0, "")))
                self.assertIn("mine", nc.heard().decode())

    def test_an_nc_that_listens_for_long(self) -> None:
        """Who has finished and is got keeps its seat for as long as the other end has something to say."""
        hub = HubOnAClock()
        a = Client(hub, "tea", "ann")
        nc = hub.nc("/join tea", "all").finishes()
        talk(a)
        for number in range(30):
            hub.wait(hub.limits.grace / 10)
            a.says(f"line {number}")
            talk(a)
        self.assertEqual([line for line in nc.lines() if line.startswith("line")], [f"line {at}" for at in range(30)])
        self.assertFalse(nc.closed)

    def test_much_for_an_nc(self) -> None:
        """In a pair the speaker of much hears with each block that the one before is got, not with the next look."""
        self.patch(glances, "GLANCE", 3600)
        a, _ = Client(self.hub, "tea", "ann"), self.hub.nc("/join tea")
        talk(a)
        for _ in range(4):
            a.says("x" * 4000, *["y" * 4000] * 4)
            talk(a)
        self.assertGreaterEqual(sum(lines for word, lines in a.fates if word == "got"), 15)

    def test_a_finished_nc_waits_for_its_last_line(self) -> None:
        """`printf hi | nc -N` to an away session keeps its seat until the session has it."""
        a = Client(self.hub, "tea", "ann")
        nc = self.hub.nc("/join tea")
        talk(a)
        a.cut()
        nc.says("last").finishes()
        self.assertEqual(nc.closed, "")
        a.connect()
        talk(a)
        self.assertEqual(a.said, ["last"])
        a.finishes()
        talk(a)
        self.hub.wait(1)
        self.assertEqual((nc.closed, a.exit and a.exit[0]), ("done", 0))

    def test_quit_right_after_hearing(self) -> None:
        """What nc's machine has by the time of its `/quit` is got, and the session ends well."""
        nc = self.hub.nc("/join tea")
        a = Client(self.hub, "tea", "ann")
        talk(a)
        a.says("one").finishes()
        nc.says("/quit")
        talk(a)
        self.assertEqual((a.fates, a.exit and a.exit[0]), ([("got", 1)], 0))

    def test_nc_goes_to_another_room(self) -> None:
        """It is told what of its lines the session had not got."""
        nc = self.hub.nc("/join tea")
        a = Client(self.hub, "tea", "ann")
        talk(a)
        a.cut()
        nc.says("one", "two").says("/join pub")
        told = [line for line in nc.lines() if "not delivered" in line]
        self.assertEqual(len(told), 1)
        self.assertIn("2 lines", told[0])

    def test_nc_comes_again(self) -> None:
        """It goes to another room and comes back: its lines are heard, once, and so are those of the session."""
        for mode in ("pair", "room"):
            hub = HubOnAClock(mode)
            a, nc = Client(hub, "tea", "ann"), hub.nc("/join tea", "/nick bob")
            talk(a)
            for said in ("one", "two", "three"):
                nc.says(said, said)
                a.says(f"<{said}>")
                a.cut()
                nc.says("/join pub", "/join tea")
                a.connect()
                talk(a)
            nc.says("four")
            talk(a)
            self.assertEqual(a.said, ["one", "one", "two", "two", "three", "three", "four"])
            heard = nc.heard().decode()
            self.assertEqual([heard.count(f"<{said}>") for said in ("one", "two", "three")], [1, 1, 1])

    def test_a_lost_nc(self) -> None:
        """The session is told what it had not got, and it isn't given to the next one."""
        a = Client(self.hub, "tea", "ann")
        nc = self.hub.nc("/join tea").stops_reading()
        talk(a)
        a.says("x" * 100)
        nc.cut()
        talk(a)
        self.assertIn("left", a.events)
        self.assertEqual(a.fates[-1][0], "perhaps not delivered")
        self.assertEqual(self.hub.nc("/join tea").heard(), b"")


HELLO = json.dumps({"chatterbox": 1, "session": "0123456789abcdef" * 2, "try": 1, "room": "lobby"})


class Late(SynchronousTestCase):
    """A hello behind a lost packet: by then its link has a seat, as a plain peer's."""

    def test_nobody_hears_it(self) -> None:
        """It holds a secret: also where it was cut in two, or off, it is no line, and its link ends."""
        for mode in ("pair", "room"):
            for pieces in ([HELLO + "\n"], [HELLO[:40], HELLO[40:] + "\n"], [HELLO[:60]]):
                hub = HubOnAClock(mode, asks_name=False)
                nc, late = hub.nc("hi"), hub.nc()
                for piece in pieces:
                    late.sends(piece.encode())
                late.finishes()
                self.assertEqual(json.loads(late.lines()[-1])["why"], "lost")  # as who says hello can read it
                self.assertNotIn("chatterbox", nc.heard().decode())
                self.assertEqual(hub.rooms(), {"lobby": ["guest-1"]})

    def test_a_torn_hello_in_time(self) -> None:
        """Its link dies in the middle of the hello: nobody hears the half, and nobody has come."""
        hub = HubOnAClock()
        nc, torn = hub.nc("/who"), hub.connects()
        nc.heard()
        torn.sends(HELLO[:60].encode()).finishes()
        told = json.loads(torn.lines()[-1])
        self.assertEqual((nc.heard(), told["why"], told["text"]), (b"", "lost", "that is the beginning of a hello"))

    def test_other_spellings(self) -> None:
        """JSON in another order, with other spaces, or behind a BOM is a hello, too, and a part of it has a secret in it."""
        sent = json.loads(HELLO)
        turned = json.dumps(dict(reversed(sent.items())))
        spaced = HELLO.replace('{"', '{ "')
        for mode in ("pair", "ports", "duet", "talk"):
            for start in ("", "\ufeff"):
                for whole in (HELLO, turned, spaced):
                    for size in (len(whole) - 1, whole.index(sent["session"]) + 32):
                        hub = HubOnAClock(mode)
                        nc = hub.nc("/who")
                        hub.nc((start + whole)[: len(start) + size]).finishes()
                        hub.connects().sends((start + whole)[: len(start) + size].encode()).finishes()
                        self.assertNotIn(sent["session"].encode(), nc.heard(), (mode, whole))
                    hub = HubOnAClock(mode)
                    nc = hub.nc("/who")
                    self.assertIn("welcome", hub.nc(start + whole).heard().decode(), (mode, start, whole))
                    self.assertNotIn(b"session", nc.heard())

    def test_json_that_is_no_hello(self) -> None:
        """An object that only has such a key, or a line with a brace, is said as any line."""
        for line in ('{"session": "x", "level": "info"}', "{session", '["session"'):
            hub = HubOnAClock()
            nc = hub.nc("/who")
            hub.nc(line)
            self.assertEqual(nc.lines()[-1], line)

    def test_what_was_said_meanwhile(self) -> None:
        """A session's client can't read it as text: its speaker is told, whether that is a session or a plain peer."""
        hub = HubOnAClock()
        a = Client(hub, "", "ann").says("one")
        late = hub.nc()
        talk(a)
        self.assertEqual((late.lines()[-1], a.fates), ("one", []))
        late.says(HELLO)
        talk(a)
        self.assertEqual(a.fates, [("perhaps not delivered", 1)])
        hub = HubOnAClock()
        nc, late = hub.nc("one"), hub.nc()
        late.says(HELLO)
        hub.wait(1)
        self.assertIn("-!- perhaps not delivered: the last line", nc.heard().decode())

    def test_who_only_listens(self) -> None:
        """A silent peer's lines are got when no hello is to be expected any more: after three seconds."""
        hub = HubOnAClock()
        a = Client(hub, "", "ann").says("one")
        hub.nc()
        hub.wait(2.8)
        a.turn()
        self.assertEqual(a.fates, [])
        hub.wait(0.5)
        a.turn()
        self.assertEqual(a.fates, [("got", 1)])
