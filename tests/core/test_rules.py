"""The modes with a rule of their own: who was first, two until one says Bye, and two key by key."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.memory import End, HubOnAClock

CONFIRMED = [b"Client X has connected.\n", b"Client Y has connected.\n"]
VERDICT = b"X: Alice received before Y: Bob\n"


def screen(keys: bytes) -> list[str]:
    """Return the rows that a terminal shows of `keys`."""
    rows = [""]
    for key in keys.decode().replace("\b \b", "\b"):
        if key == "\n":
            rows.append("")
        elif key == "\b":
            rows[-1] = rows[-1][:-1]
        elif key != "\r":
            rows[-1] += key
    return rows


def told(hub: HubOnAClock) -> list[str]:
    """Return what the hub narrated, word by word."""
    return hub.stories()


class Order(SynchronousTestCase):
    """A race."""

    def setUp(self) -> None:
        """Make a hub for races."""
        self.hub = HubOnAClock("order")

    def racers(self) -> tuple[End, End]:
        """Return X and Y, who have heard that they are connected."""
        x = self.hub.nc()
        self.assertEqual(x.heard(), b"")
        y = self.hub.nc()
        self.assertEqual([x.heard(), y.heard()], CONFIRMED)
        return x, y

    def test_each_hears_of_itself_when_both_are_there(self) -> None:
        """X gets no byte until Y is accepted, then each hears of itself and of nothing else (002-1)."""
        self.racers()
        self.assertEqual(told(self.hub), ["joined", "joined", "ready"])

    def test_arrival_decides(self) -> None:
        """Both hear the same verdict, and both are told to close and are closed (002-4, 002-5)."""
        x, y = self.racers()
        x.says("Alice")
        self.assertEqual((x.heard(), y.heard()), (b"", b""))
        y.says("Bob")
        for end in (x, y):
            self.assertEqual(end.heard(), VERDICT + b"-!- closed (bye): that was the verdict\n")
            self.assertEqual(end.closed, "done")
        self.assertEqual(told(self.hub)[-4:], ["closing", "left", "left", "done"])

    def test_not_the_order_of_connecting(self) -> None:
        """Y may be first."""
        x, y = self.racers()
        y.says("Bob")
        x.says("Alice")
        self.assertTrue(x.heard().startswith(b"Y: Bob received before X: Alice\n"))

    def test_one_message_from_both(self) -> None:
        """Two lines from X alone don't finish, and its first one counts (002-3)."""
        x, y = self.racers()
        x.says("Alice", "again").says("and again")
        self.assertEqual(y.heard(), b"")
        y.says("Bob", "late")
        self.assertTrue(y.heard().startswith(VERDICT))

    def test_early_lines_count_in_order_of_arrival(self) -> None:
        """What X sent early is not lost and not judged early (002-2)."""
        x = self.hub.nc("Alice")
        y = self.hub.nc()
        self.assertEqual((x.heard(), y.heard()), (CONFIRMED[0], CONFIRMED[1]))
        y.says("Bob")
        self.assertTrue(x.heard().startswith(VERDICT))

    def test_who_connected_first_is_x_though_the_other_spoke_first(self) -> None:
        """Within the handshake, too: X is who was accepted first, and the other's word arrived first."""
        x, y = self.hub.connects(), self.hub.connects()
        y.says("Bob")
        self.assertEqual([x.heard(), y.heard()], CONFIRMED)
        x.says("Alice")
        self.assertTrue(x.heard().startswith(b"Y: Bob received before X: Alice\n"))

    def test_a_thousand_races(self) -> None:
        """One identical verdict each, by order of arrival, and nothing is left (002-4)."""
        random = Random(2)
        for at in range(1000):
            ends = [self.hub.connects(), self.hub.connects()]
            self.hub.wait(0.1)
            first = random.randrange(2)
            for which in (first, 1 - first):
                ends[which].says(f"{'XY'[which]}{at}")
            names = "XY"[first], "YX"[first]
            verdict = "{0}: {0}{2} received before {1}: {1}{2}".format(*names, at)
            for which, end in enumerate(ends):
                self.assertEqual(end.lines()[:2], [CONFIRMED[which].decode().strip(), verdict])
        self.hub.wait(10)
        self.assertEqual(self.hub.leftovers(), [])

    def test_one_leaves_before_speaking(self) -> None:
        """The other is told, nothing hangs, and the next two race (002-6)."""
        for leave in (End.cut, End.leaves, lambda end: end.says("/quit")):
            x, y = self.racers()
            leave(x)
            self.assertEqual(y.heard(), b"-!- closed (bye): Client X left before sending a message\n")
            self.assertEqual(y.closed, "done")

    def test_who_has_spoken_may_go(self) -> None:
        """Its message counts; the other's completes the race."""
        x, y = self.racers()
        x.says("Alice").cut()
        self.assertEqual((y.heard(), y.closed), (b"", ""))
        y.says("Bob")
        self.assertTrue(y.heard().startswith(VERDICT))

    def test_a_finished_racer_keeps_its_seat(self) -> None:
        """`printf 'Alice\\n' | nc -N` waits for the verdict, and no third takes its place."""
        x, y = self.racers()
        x.says("Alice").finishes()
        self.assertIn(b"closed (full)", self.hub.nc("Carol").heard())
        y.says("Bob")
        self.assertTrue(x.heard().startswith(VERDICT))
        self.assertTrue(y.heard().startswith(VERDICT))

    def test_finishing_before_speaking_is_leaving(self) -> None:
        """Who will never speak ends the race."""
        x, y = self.racers()
        x.finishes()
        self.assertIn(b"Client X left before sending a message", y.heard())

    def test_a_finished_early_bird_waits(self) -> None:
        """Who spoke before anybody came, and has finished, is told the verdict."""
        x = self.hub.nc("Alice").finishes()
        y = self.hub.nc("Bob")
        for end, confirmed in zip((x, y), CONFIRMED):
            self.assertTrue(end.heard().startswith(confirmed + VERDICT))

    def test_an_early_bird_that_leaves_is_forgotten(self) -> None:
        """The next two race each other."""
        self.hub.nc("Eve").cut()
        x, y = self.racers()
        x.says("Alice")
        y.says("Bob")
        self.assertTrue(x.heard().startswith(VERDICT))

    def test_a_race_takes_nobody_in(self) -> None:
        """Where one has spoken and left, its seat stays taken until the verdict."""
        x, y = self.racers()
        x.says("Alice").cut()
        self.assertIn(b"closed (full)", self.hub.nc().heard())
        self.assertEqual(y.heard(), b"")

    def test_three_race(self) -> None:
        """With `--seats 3` each one's first message counts as its own, the early ones too."""
        hub = HubOnAClock("order", seats=3)
        ends = [hub.nc("Alice"), hub.nc("Bob"), hub.nc()]
        ends[2].says("Carol")
        for end in ends:
            self.assertIn(b"X: Alice received before Y: Bob received before Z: Carol\n", end.heard())

    def test_three_race_though_one_leaves_before(self) -> None:
        """What the others have said early still counts, and the newcomer's letter is no old one's place (C10)."""
        hub = HubOnAClock("order", seats=3)
        x, y = hub.nc("Alice"), hub.nc("Bob")
        x.cut()
        hub.nc("Carol")
        z = hub.nc("Dan")
        for end in (y, z):
            self.assertIn(b"Y: Bob received before X: Carol received before Z: Dan\n", end.heard())
            self.assertEqual(end.closed, "done")

    def test_the_names_are_given(self) -> None:
        """A letter is no name to be changed."""
        x, _ = self.racers()
        x.says("/nick ann", "/who")
        self.assertEqual(x.lines(), ["-!- names are given in this mode, not taken", "-!- here: X, Y"])

    def test_json_hears_notices(self) -> None:
        """In JSON the confirmation and the verdict are notices."""
        x, y = self.hub.json(), self.hub.json()
        x.asks("say", text="Alice")
        y.asks("say", text="Bob")
        texts = [event["text"] for event in x.events() if event["event"] == "notice"]
        self.assertEqual(texts, ["Client X has connected.", VERDICT.decode().strip()])

    def test_a_bare_race_goes_by_first_bytes(self) -> None:
        """A message arrives with its first byte; its end is 50 ms of silence (seeds, `--bare`, 4)."""
        hub = HubOnAClock("order", bare=True)
        x, y = hub.connects(), hub.connects()
        hub.wait(1)
        self.assertEqual([x.heard(), y.heard()], [line.strip() for line in CONFIRMED])
        y.sends(b"B")
        x.sends(b"Alice")
        y.sends(b"ob")
        hub.wait(1)
        self.assertEqual(x.heard(), b"Y: Bob received before X: AliceBye")
        self.assertEqual((x.closed, y.closed), ("aborted", "aborted"))


class Duet(SynchronousTestCase):
    """Two, until one says Bye."""

    def setUp(self) -> None:
        """Connect two."""
        self.hub = HubOnAClock("duet")
        self.x, self.y = self.hub.nc("early"), self.hub.nc()

    def test_confirmed_and_early_lines(self) -> None:
        """Each hears of itself; then both hear what was said early."""
        self.assertEqual(self.x.lines(), ["Client X has connected.", "X: early"])
        self.assertEqual(self.y.lines(), ["Client Y has connected.", "X: early"])

    def test_each_sees_both(self) -> None:
        """Every line is relayed and shown to both, labelled, once (002-8)."""
        for end in (self.x, self.y):
            end.heard()
        self.x.says("hi")
        self.y.says("Bye bye", "bye")
        for end in (self.x, self.y):
            self.assertEqual(end.lines(), ["X: hi", "Y: Bye bye", "Y: bye"])

    def test_bye_is_relayed_and_ends_both(self) -> None:
        """`Bye` from either, and nothing behind it counts (002-8)."""
        self.y.heard()
        self.x.says("so", "Bye", "more")
        self.assertEqual(self.y.lines(), ["X: so", "X: Bye", "-!- closed (bye): X said Bye"])
        self.assertEqual((self.x.closed, self.y.closed), ("done", "done"))

    def test_leaving_ends_both(self) -> None:
        """Who is left alone is told why it ends."""
        self.y.heard()
        self.x.cut()
        self.assertEqual((self.y.lines(), self.y.closed), (["-!- closed (bye): X left (lost)"], "done"))
        self.assertEqual(told(self.hub)[-3:], ["closing", "left", "done"])

    def test_finishing_ends_both(self) -> None:
        """Where two end together, a closed half is an end."""
        self.x.finishes()
        self.assertEqual((self.x.closed, self.y.closed), ("done", "done"))

    def test_the_hub_is_free_for_the_next_two(self) -> None:
        """A new X and a new Y."""
        self.x.says("Bye")
        x, y = self.hub.nc(), self.hub.nc()
        self.assertEqual([x.heard(), y.heard()], CONFIRMED)


class Paced(SynchronousTestCase):
    """Two programs that know no newline, and take 50 ms for each message."""

    def test_nothing_vanishes_at_the_end(self) -> None:
        """300 lines and `Bye`: the sender waits, and each of them is heard (A15)."""
        for size in (1, 4000):
            hub = HubOnAClock("duet", bare=True)
            x, y = hub.nc(), hub.connects()
            hub.wait(1)
            y.heard()
            x.says(*[str(at).zfill(size) for at in range(300)], "Bye")
            hub.wait(100)
            heard = y.heard()
            self.assertEqual(heard.count(b"X: "), 301)
            self.assertTrue(heard.endswith(b"X: ByeBye"), heard[-20:])


class Talk(SynchronousTestCase):
    """Two, key by key."""

    def test_keys_reach_the_partner_before_enter(self) -> None:
        """As typed, in both directions, with no echo, and backspaces take back what was typed (004-4)."""
        hub = HubOnAClock("talk")
        a, b = hub.nc(), hub.nc()
        a.heard()
        a.sends(b"h", b"e", b"\x7f", b"i")
        self.assertEqual((b.heard(), a.heard()), (b"he\b \bi", b""))
        b.sends(b"\xc3", b"\xa9\r")
        self.assertEqual(a.heard(), "\u00e9\r\n".encode())

    def test_escape_and_enter(self) -> None:
        """An ESC that begins nothing is removed, and takes nothing with it."""
        hub = HubOnAClock("talk")
        a, b = hub.nc(), hub.nc()
        a.sends(b"abc\x1b\n", b"hello\n")
        self.assertEqual(b.heard(), b"abc\r\nhello\r\n")

    def test_quit_and_control_c(self) -> None:
        """A raw terminal sends ^C as data; `/quit` is heard as it is typed, and then it ends."""
        hub = HubOnAClock("talk")
        for bye in (b"x\x03", b"/quit\r"):
            a, b = hub.nc(), hub.nc()
            a.sends(bye)
            self.assertEqual(a.closed, "done")
            self.assertTrue(b.heard().endswith(b"\r\n-!- your partner left (quit)\r\n"))
            b.cut()

    def test_nobody_forges_the_hubs_word(self) -> None:
        """A row that begins as a notice gets one space in front, however it is typed (C1)."""
        hub = HubOnAClock("talk")
        a, b = hub.nc(), hub.nc()
        for keys in (
            [b"hi\n-!- closed (kicked): go away\n"],
            [b"x\n", b"-", b"!", b"-", b" closed"],
            [b"\n-x\x7f!-- x"],
        ):
            a.sends(*keys)
            rows = screen(b.heard())
            self.assertEqual([row for row in rows if row.startswith("-!-")], [], keys)
            self.assertIn(" -!-", "".join(rows))
            a.sends(b"\n")

    def test_a_draft_and_a_line_forge_nothing(self) -> None:
        """A JSON end types half of it, and says the rest: what it typed is taken back (C1)."""
        hub = HubOnAClock("talk")
        a, b = hub.json(), hub.nc()
        a.asks("type", keys="-!").asks("say", text="- closed (kicked): go away")
        self.assertEqual(screen(b.heard())[0], "- closed (kicked): go away")

    def test_a_json_end_types(self) -> None:
        """In mode talk `type` is the conversation, and keys come as objects."""
        hub = HubOnAClock("talk")
        a, b = hub.json(name="ann"), hub.nc()
        a.asks("type", keys="hi\n")
        self.assertEqual(b.heard(), b"hi\r\n")
        b.sends(b"yo")
        self.assertEqual(a.events()[-1], {"event": "typed", "from": "guest-1", "keys": "yo"})
