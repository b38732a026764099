"""A slow reader in a two-seat room: its partner waits, and nothing is lost or piled up meanwhile."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.memory import HubOnAClock


class Pair(SynchronousTestCase):
    """A slow reader slows its sender, and nobody else."""

    def setUp(self) -> None:
        """Make a pair with small buffers, of which b doesn't read."""
        self.hub = HubOnAClock("pair", {"high_water": 100, "pair_patience": 60.0}, buffer=10)
        self.a, self.b = self.hub.nc(), self.hub.nc().stops_reading()

    def test_the_sender_is_paused_and_resumed(self) -> None:
        """Back-pressure: all that was said arrives once the reader reads."""
        for at in range(9):
            self.a.says(f"{at}" * 50)
        self.assertFalse(self.a.line.reading)
        self.assertTrue(self.a.line.inbox)
        self.b.reads()
        self.assertEqual([line[0] for line in self.b.lines()], list("012345678"))
        self.assertTrue(self.a.line.reading)

    def test_the_other_direction_flows(self) -> None:
        """Who reads slowly can still speak, and be heard."""
        self.a.says(*["x" * 50] * 9)
        self.a.heard()
        self.b.says("still here")
        self.assertEqual(self.a.heard(), b"still here\n")

    def test_a_quit_that_waited_behind_a_slow_reader(self) -> None:
        """A command among lines that were held is obeyed behind them."""
        self.a.says("x" * 50, "/who", "y" * 200, "/who", "z", "/quit")
        self.assertEqual(self.a.closed, "")
        self.b.reads()
        self.assertEqual(self.b.lines(), ["x" * 50, "y" * 200, "z", "-!- your partner left (quit)"])
        self.assertEqual(self.a.closed, "done")

    def test_who_was_held_goes_on_when_the_reader_is_gone(self) -> None:
        """What waited in the connection was said to that one: it is told of; what comes then is for the next partner."""
        self.a.says("x" * 50, "/who", "y" * 200, "/who", "z")
        self.a.says("too early")
        self.b.cut()
        self.hub.wait(1)
        self.a.says("then")
        self.assertEqual(self.hub.nc().lines(), ["then"])
        told = [line for line in self.a.lines() if "delivered" in line]
        self.assertEqual(sum(int(line.split("delivered: ")[1].split()[0].replace("the", "1")) for line in told), 4)

    def test_a_reader_that_is_full_when_it_joins(self) -> None:
        """The end of the wait for a partner isn't the end of the wait for a slow one."""
        hub = HubOnAClock(limits={"high_water": 100, "max_held": 100}, buffer=10)
        a, b = hub.nc("/join tea"), hub.json()
        for _ in range(20):
            a.says("x" * 99)
        b.stops_reading().asks("dance").asks("join", room="tea")
        self.assertFalse(a.line.reading)
        self.assertLess(b.connection.outlet.queued, 1000)
        b.reads()
        self.assertEqual(b.heard().count(b'"said"'), 20)

    def test_who_was_there_before_a_reader_that_is_full(self) -> None:
        """Has to wait, too."""
        tea = self.hub.nc("/join tea")
        self.a.says("x" * 50)
        self.a.says("x" * 150)
        self.b.says("/join tea")
        self.assertEqual((tea.line.reading, self.a.line.reading), (False, True))
        self.b.reads()
        self.assertTrue(tea.line.reading)

    def test_a_newcomer_beside_a_full_reader(self) -> None:
        """Waits as the one before it did."""
        self.a.says("x" * 50)
        self.a.says("x" * 150)
        self.a.cut()
        c = self.hub.nc().says("y")
        self.assertFalse(c.line.reading)
        self.b.reads()
        self.assertTrue(c.line.reading)

    def test_who_is_full_when_it_is_told_that_it_has_moved(self) -> None:
        """The clock runs for it, too, so that nobody waits for ever."""
        while self.b.connection.outlet.queued + len("-!- you are in tea now\n") <= 100:
            self.b.says("/who")
        tea = self.hub.nc("/join tea")
        self.b.says("/join tea")
        self.assertTrue(self.b.peer.full)
        self.hub.wait(61)
        self.assertEqual((self.b.peer.gone, tea.line.reading), ("slow", True))

    def test_a_race_whose_full_reader_leaves(self) -> None:
        """Its rival is read again, and the verdict stands."""
        hub = HubOnAClock("order", {"high_water": 100}, buffer=10)
        x, y = hub.nc(), hub.nc()
        x.says("first")
        x.stops_reading()
        while not x.peer.full:
            x.says("/help")
        x.cut()
        y.says("second")
        self.assertIn("Y: second", y.heard().decode())

    def test_who_doesnt_read_its_own_echo_is_held(self) -> None:
        """Where a mode echoes, who speaks and doesn't read waits for itself."""
        hub = HubOnAClock("duet", {"high_water": 100}, buffer=10)
        a, b = hub.nc(), hub.nc()
        a.stops_reading()
        for _ in range(9):
            a.says("x" * 50)
        self.assertFalse(a.line.reading)
        self.assertLess(a.connection.outlet.queued, 300)
        a.reads()
        self.assertEqual(len(b.lines()), 1 + 9)


class Room(SynchronousTestCase):
    """Where there are more, nobody waits for who reads nothing: it is let go."""

    def test_whoever_pumps_waits_for_who_reads(self) -> None:
        """Not only lines: who floods with anything that others hear is slowed, so that a steady reader stays."""
        for flood in ("y" * 900, "/me " + "y" * 900, "y" * 900 + "\n/who"):
            hub = HubOnAClock("room")
            a, b = hub.nc("/nick a"), hub.nc("/nick b").stops_reading()
            block = (flood + "\n").encode() * (65536 // (len(flood) + 1))
            for _ in range(100):
                if a.line.reading and not a.line.inbox:
                    a.line.send(block)
                b.line.flush(32768)
                a.line.taken.clear()
                hub.wait(0.01)
            self.assertEqual(b.peer.gone, "", flood[:5])

    def test_in_the_middle_of_a_move(self) -> None:
        """Who is let go for the very notice that it has moved is in no room afterwards."""
        hub = HubOnAClock("room", {"high_water": 100, "max_queue": 200}, buffer=10)
        ann, bob = hub.json(name="ann"), hub.nc("/nick bob")
        bob.stops_reading()
        while bob.connection.outlet.queued + len("-!- you are in tea now\n") <= 200:
            ann.asks("say", text="")
        bob.says("/join tea")
        self.assertEqual((bob.peer.gone, bob.peer.room, [*hub.hub.rooms]), ("slow", None, ["lobby"]))
