"""What people on several machines hear when an engine or a machine fails: the table of `docs/cluster.md`."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.harness.cluster import BACK, CUT_OFF, DOWN, GONE_ON, Clustered
from tests.harness.ends import Socket
from tests.harness.hardship import WallClock
from tests.harness.processes import Hub, environment, until

PERHAPS = "-!- perhaps not delivered: the last line ({} bytes were never acknowledged)"


class EngineFails(Clustered):
    """The engine fails: who shares a room with another machine is told, and nothing is lost."""

    def _waits_and_goes_on(self, one: Socket, other: Socket) -> None:
        for end in (one, other):
            end.hears(DOWN)
        one.says("said meanwhile")
        other.says("said meanwhile, too")
        self.mend()
        for end, said in ((other, "said meanwhile"), (one, "said meanwhile, too")):
            self.assertEqual({end.line(), end.line()}, {BACK, said})  # a frozen engine hands on first what it was asked
        self.talk(one, other)

    def mend(self) -> None:
        """Mend the engine."""
        self.redis.start()

    def test_killed_with_all_it_knew(self) -> None:
        """An engine that is killed and comes back empty: told, waits, goes on."""
        ends = self.pair(self.hub("a"), self.hub("b"))
        self.talk(*ends)
        self.redis.kill()
        self._waits_and_goes_on(*ends)

    def test_frozen(self) -> None:
        """An engine that stops answering: told within 2 s, waits, goes on."""
        ends = self.pair(self.hub("a"), self.hub("b"))
        self.redis.freeze()
        self.mend = self.redis.thaw  # type: ignore[method-assign]  # this engine is mended otherwise
        self._waits_and_goes_on(*ends)

    def test_flushed(self) -> None:
        """An engine that forgets everything while all are connected: nobody hears of it, and nothing is lost."""
        one, other = self.pair(self.hub("a"), self.hub("b"))
        for at in range(20):
            one.says(f"line {at}")
            if at % 5 == 0:
                self.redis.says("flushall")
        other.hears(*(f"line {at}" for at in range(20)))
        self.talk(one, other)

    def test_connections_are_cut(self) -> None:
        """An engine that cuts all connections: told, and goes on at once."""
        ends = self.pair(self.hub("a"), self.hub("b"))
        self.redis.says("client", "kill", "type", "normal")
        for end in ends:
            end.hears(DOWN, BACK)
        self.talk(*ends)

    def test_two_of_one_machine(self) -> None:
        """Two who sit at one machine don't hear of any of it."""
        hub = self.hub("a")
        ends = self.pair(hub, hub)
        self.redis.freeze()
        self.talk(*ends)
        time.sleep(2.5)  # what is proved is that nothing comes: the machine gives the engine up after 1.5 s
        self.talk(*ends)
        self.redis.kill()
        self.redis.start()
        self.talk(*ends)

    def test_a_newcomer(self) -> None:
        """Without the engine a newcomer waits, and is told so after a while; a room that lives here takes people in."""
        hub = self.hub("a")
        one = hub.peer(room="tea")
        until(lambda: self.owner("tea"))
        self.redis.kill()
        stranger = hub.peer(room="milk")
        two = hub.peer(room="tea")
        one.hears("-!- your partner joined")
        self.talk(one, two)
        self.assertIn(b"closed (lost): ", stranger.rest())


class Replica(Clustered):
    """An engine that takes no writes."""

    def test_a_replica(self) -> None:
        """A hub waits for an engine that only reads, and says so once; it is connected when that takes writes again."""
        hub, other = self.hub("a"), self.hub("b")
        ends = self.pair(hub, other)
        self.redis.says("replicaof", "127.0.0.1", "9")
        for end in ends:
            end.hears(DOWN)
        time.sleep(4)  # what is proved is that nothing more is logged, at whatever pace it is tried
        self.assertEqual((hub.log.count("can't be used"), hub.log.count("connected to")), (1, 1))
        self.redis.says("replicaof", "no", "one")
        for end in ends:
            end.hears(BACK)
        self.talk(*ends)
        self.assertEqual((hub.log.count("can't be used"), hub.log.count("connected to")), (1, 2))


class MachinesFail(Clustered):
    """A machine fails: its own people are gone, the others are told, or go on."""

    def test_a_machine_is_killed(self) -> None:
        """Its people's partners hear that they are lost."""
        a, b = self.hub("a"), self.hub("b")
        one, _ = self.pair(a, b)
        b.kill()
        one.hears("-!- your partner left (lost)")

    def test_a_machine_is_killed_with_a_room(self) -> None:
        """Where the room lived there, too, the one who is left hears both, and no stranger hears what it said."""
        a, b = self.hub("a"), self.hub("b")
        one, other = self.pair(a, b)
        one.says("now")
        other.hears("now")  # behind the word that what it said before is handled
        a.kill()
        other.says("are you there?")
        other.hears(GONE_ON, "-!- your partner left (lost)", PERHAPS.format(15))
        third = b.peer(room="tea")
        other.hears("-!- your partner joined")
        self.talk(third, other)

    def test_the_owner_is_killed(self) -> None:
        """Two whose room lived there go on elsewhere, and what they say meanwhile is heard once."""
        a, b, c = self.hub("a"), self.hub("b"), self.hub("c")
        one, other = self.guests(a, b, c)
        self.talk(one, other)
        a.kill()
        one.says("one", "two")
        one.hears(GONE_ON)
        other.hears(GONE_ON)
        heard = [other.line()]
        if heard == ["-!- your partner joined"]:  # it came back first
            heard = [other.line()]
        self.assertEqual([*heard, other.line()], ["one", "two"])
        one.says("three")
        other.hears("three")

    def test_a_partner_s_machine_is_stopped(self) -> None:
        """Whose partner sits at a machine that is told to end hears that it is gone, wherever the room lives."""
        a, b = self.hub("a"), self.hub("b")
        one, other = self.pair(a, b)
        self.assertEqual(a.stops(signal.SIGTERM), 0)
        other.hears(GONE_ON, "-!- your partner left (lost)")
        self.assertIn(b"closed (shutdown)", one.rest())
        a = self.hub("a")
        third = a.peer(room="tea")
        other.hears("-!- your partner joined")
        self.talk(third, other)
        self.assertEqual(a.stops(signal.SIGTERM), 0)
        other.hears("-!- your partner left (lost)")

    def test_the_owner_is_stopped(self) -> None:
        """A machine that is told to end lets the others go on."""
        a, b, c = self.hub("a"), self.hub("b"), self.hub("c")
        one, other = self.guests(a, b, c)
        self.assertEqual(a.stops(signal.SIGTERM), 0)
        one.hears(GONE_ON)
        other.hears(GONE_ON)
        self.assertIn(self.owner("tea"), ("b", "c"))

    def test_a_machine_is_frozen(self) -> None:
        """One that stops for longer than the patience is taken for dead: its people are told so when it goes on."""
        a, b = self.hub("a"), self.hub("b")
        one, other = self.pair(a, b)
        self.freeze(b)
        one.hears("-!- your partner left (lost)")
        self.thaw(b)
        self.assertIn(CUT_OFF.encode(), other.rest())
        third = b.peer(room="tea")
        heard = one.line()
        if heard.startswith("-!- perhaps not delivered"):  # b had yet to confirm its last tenth of a second
            heard = one.line()
        self.assertEqual(heard, "-!- your partner joined")
        self.talk(one, third)

    def test_a_machine_is_frozen_for_a_moment(self) -> None:
        """One that stops for less than the patience loses nothing, and is taken for dead by nobody."""
        a, b = self.hub("a"), self.hub("b")
        one, other = self.pair(a, b)
        self.freeze(b)
        one.says("said meanwhile")
        time.sleep(2.0)  # shorter than the patience of 3 s: what is proved is that nothing comes of it
        self.thaw(b)
        heard = other.line()
        while heard in (DOWN, BACK):
            heard = other.line()
        self.assertEqual(heard, "said meanwhile")
        self.assertNotIn("is gone", a.log + b.log)

    def test_a_clock_that_jumps(self) -> None:
        """A machine whose wall clock jumps an hour, either way, is taken for dead by nobody, and takes nobody for dead."""
        clock = WallClock(Path(self.redis.socket).parent / "clock")
        a = self.hub("a", command=clock.command)
        b = self.hub("b")
        ends = self.pair(a, b)
        for seconds in (3600, -3600, 0):
            clock.jump(seconds)
            self.talk(*ends)
            time.sleep(1.5)  # three beats: what is proved is that nothing comes of it
            self.talk(*ends)
        self.assertEqual((self.count("a"), self.count("b")), (1, 1))
        self.assertNotIn("is gone", a.log + b.log)

    def test_restarted_under_its_name(self) -> None:
        """A machine that is killed and started again takes over from itself: its partners needn't wait."""
        a, b = self.hub("a"), self.hub("b")
        one, _ = self.pair(a, b)
        b.kill()
        self.hub("b")
        one.hears("-!- your partner left (lost)")
        self.assertEqual(self.count("b"), 1)

    def test_two_of_one_name(self) -> None:
        """The older of two hubs with one name ends with status 1, and says why."""
        older, _ = self.hub("same"), self.hub("same")
        self.assertEqual(older.wait(), 1)
        self.assertIn("another hub runs under the name same", older.log)


class Seats(Clustered):
    """Two seats are two seats, on however many machines people ask for them."""

    def test_sixty_at_once(self) -> None:
        """Of sixty who come at once to two machines exactly two sit down, and the others are told."""
        hubs = [self.hub("a"), self.hub("b")]
        for room in ("tea", "milk", "cake"):
            ends = [hubs[at % 2].peer(room=room) for at in range(60)]
            until(lambda: self.owner(room))  # noqa: B023
            full = [end for end in ends if not end.is_quiet(2)]
            told = [end for end in full if "closed (full)" in end.line()]
            self.assertEqual(len(told), 58)
            for end in ends:
                end.close()


class Strangers(Clustered):
    """An engine that doesn't let us in."""

    engine_options = ("--requirepass", "right")

    def test_a_wrong_password(self) -> None:
        """A hub without the password, or with another one, ends with status 1 and one sentence."""
        for password, why in (("", "NOAUTH"), ("wrong", "WRONGPASS")):
            env = environment(**{"CHATTERBOX_ENGINE_PASSWORD": password} if password else {})
            hub = Hub("--engine", self.redis.url, "--node", "a", env=env)
            self.addCleanup(hub.kill)
            self.assertEqual(hub.wait(), 1)
            self.assertEqual(hub.log.count("the engine refuses: "), 1)
            self.assertIn(f"the engine refuses: {why}", hub.log)
