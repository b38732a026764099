"""Runs of the client at a terminal, with a real hub in memory: whole conversations over links that the test cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.options import Options
from chatterbox.client.terminal.interactive import InteractiveRun
from chatterbox.client.terminal.rows import PLAIN
from tests.harness.memory import End, HubOnAClock


class Wire(StringTransport):
    """A link to the hub in memory."""

    def __init__(self, end: End) -> None:
        super().__init__()
        self.end = end
        self.connection: Any = None

    def write(self, data: bytes) -> None:
        """Send at once."""
        self.end.sends(data)

    def unregisterProducer(self) -> None:
        """Forget the producer, however often."""
        self.producer = None

    def abortConnection(self) -> None:
        """Cut the link, which both sides hear of."""
        self.end.cut()
        self.lose()

    def lose(self, why: type[Exception] = ConnectionLost) -> None:
        """Let the client hear that the link is gone."""
        connection, self.connection = self.connection, None
        if connection:
            connection.connectionLost(Failure(why()))


@dataclass(frozen=True, slots=True)
class At(Options):
    """Options that lead to a hub in memory."""

    way: Any = None

    def endpoint(self, reactor: Any) -> Any:
        """Return the way that was given."""
        return self.way


class Table:
    """A hub that can be killed and started again, people who sit at it, and their clock."""

    def __init__(self, mode: str = "pair", **more: Any) -> None:
        self.clock = Clock()
        self.hub: HubOnAClock | None = HubOnAClock(mode, **more)
        self.seats: list[Seat] = []

    def sit(self, name: str, **more: Any) -> Seat:
        """Return a person who was welcomed."""
        seat = Seat(self, name, **more)
        self.seats.append(seat)
        self.settle()
        return seat

    def settle(self, seconds: float = 0.7) -> None:
        """Let everybody hear and answer until all is quiet."""
        steps = max(12, int(2 * seconds))
        for _ in range(steps):
            for seat in self.seats:
                seat.hears()
            if self.hub:
                self.hub.wait(seconds / steps)
            self.clock.advance(seconds / steps)

    def kill_hub(self) -> None:
        """Let the hub be gone, without a word."""
        self.hub = None
        for seat in self.seats:
            if seat.wire:
                seat.wire.lose()

    def start_hub(self, mode: str = "pair", **more: Any) -> None:
        """Start one that knows nobody."""
        self.hub = HubOnAClock(mode, **more)


@dataclass(slots=True, eq=False)
class Seat:
    """A person at a terminal: a run, its display, its reactor, and the way to the hub."""

    table: Table
    name: str
    live: bool = False
    run: InteractiveRun = None  # type: ignore[assignment]
    wire: Wire | None = None
    screen: str = ""
    stopped: bool = False

    look = PLAIN
    echoes = False
    keys = ()

    def __post_init__(self) -> None:
        """Sit down."""
        options = At(name=self.name, live=self.live, way=self)
        self.run = InteractiveRun(self, options, lambda run: self)
        self.run._session.start()

    # -- the display

    def columns(self) -> int:
        """As many as a wide screen has."""
        return 200

    def clear(self) -> None:
        """Empty the screen."""
        self.screen = ""

    def open(self) -> None:
        """Begin."""

    def write(self, text: str) -> None:
        """Remember."""
        self.screen += text

    def refresh(self) -> None:
        """Nothing is drawn."""

    def draft(self) -> str:
        """Nothing is typed."""
        return ""

    def close(self) -> None:
        """End."""

    # -- the reactor

    def seconds(self) -> float:
        """One clock is everybody's."""
        return self.table.clock.seconds()

    def callLater(self, *args: Any) -> Any:
        """Call later, by that clock."""
        return self.table.clock.callLater(*args)

    def stop(self) -> None:
        """Take note that it is over, and close as a reactor does then."""
        self.stopped = True
        self.table.clock.callLater(0, self.run._close)

    # -- the endpoint

    def connect(self, factory: Any) -> Deferred[Any]:
        """Connect to the hub, if there is one."""
        result: Deferred[Any] = Deferred()
        if self.table.hub is None:
            result.errback(Failure(ConnectionRefusedError()))
            return result
        self.wire = Wire(self.table.hub.connects())
        self.wire.connection = factory.buildProtocol(None)
        self.wire.connection.makeConnection(self.wire)
        result.callback(self.wire.connection)
        return result

    # -- what a test does

    def types(self, *lines: str) -> None:
        """Enter lines."""
        for line in lines:
            self.run.entered(line)

    def hears(self) -> None:
        """Take what came."""
        wire = self.wire
        if wire and wire.connection and (data := wire.end.heard()):
            wire.connection.dataReceived(data)
        if wire and wire.connection and wire.end.closed:
            wire.lose(ConnectionDone)

    def dies(self) -> None:
        """Lose the link, and all that could make another."""
        self.table.seats.remove(self)
        self.table = Table()
        self.table.hub = None
        if self.wire:
            self.wire.end.cut()
            self.wire.lose()

    def rows(self) -> list[str]:
        """Return what was shown since this was last asked."""
        shown, self.screen = self.screen, ""
        return shown.replace("\a", "").splitlines()

    def status(self) -> str:
        """Return the status row."""
        return self.run.chat.status(200)


class Conversations(SynchronousTestCase):
    """People at terminals, and what each of them sees."""

    def sit(self, *names: str, mode: str = "pair", **more: Any) -> Any:
        """Return a table, and people at it who have looked at their greetings."""
        table = Table(mode, **more)
        seats = [table.sit(name) for name in names]
        for seat in seats:
            seat.rows()
        return table, *seats

    def test_there_and_back(self) -> None:
        """Lines are heard once, in order, both ways, and are got: nothing is unsent, and /quit ends with 0."""
        table, ann, bob = self.sit("ann", "bob")
        ann.types("one", "/me waves", "/msg bob psst")
        bob.types("two")
        table.settle()
        self.assertEqual(bob.rows(), ["you: two", "ann: one", "* ann waves", "-!- ann tells you: psst"])
        self.assertEqual(ann.rows()[-1], "bob: two")
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob")
        ann.types("/quit")
        table.settle()
        self.assertEqual(bob.rows(), ["-!- ann left (quit)"])
        self.assertEqual((ann.run.status, ann.stopped), (0, True))

    def test_a_cut_link(self) -> None:
        """What is said over a cut is counted and arrives once; the own ghost is taken over, and all say so (A9)."""
        table, ann, bob = self.sit("ann", "bob")
        ann.types("before")
        ann.wire.lose()  # at this side only: the hub takes the old link for alive
        ann.types("after")
        self.assertIn(" · 2 unsent · ", ann.status())
        table.settle()
        self.assertEqual(ann.rows()[-1], "-!- connected again")
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob")
        self.assertEqual(bob.rows(), ["ann: before", "ann: after"])

    def test_away_and_back(self) -> None:
        """A partner whose link is cut is away, what is said then is unsent, and it is heard when they are back."""
        table, ann, bob = self.sit("ann", "bob")
        hub, table.hub = table.hub, None
        bob.wire.abortConnection()
        hub.wait(0.1)
        ann.hears()
        ann.types("still there?")
        self.assertEqual(ann.status(), "connected · ann · 1 unsent · lobby · bob is away")
        table.hub = hub
        table.settle(5)
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob")
        self.assertEqual(
            ann.rows(),
            ["-!- bob is away (link lost), what you say is kept", "you: still there?", "-!- bob is back"],
        )
        self.assertEqual(bob.rows()[-1], "ann: still there?")

    def test_a_killed_hub(self) -> None:
        """Ten restarts of the hub, with lines said before, during and after: each is heard once, in order."""
        table, ann, bob = self.sit("ann", "bob")
        for number in range(10):
            ann.types(f"{number} a")
            bob.types(f"{number} x")
            table.kill_hub()
            ann.types(f"{number} b")
            table.settle(0.3)
            table.start_hub()
            table.settle(10)
            ann.types(f"{number} c")
            table.settle()
        said = [row for row in bob.rows() if row.startswith("ann: ")]
        self.assertEqual(said, [f"ann: {number} {part}" for number in range(10) for part in "abc"])
        self.assertEqual([r for r in ann.rows() if r.startswith("bob: ")], [f"bob: {number} x" for number in range(10)])
        self.assertEqual(ann.status(), "connected · ann · lobby · with bob")

    def test_a_lost_partner(self) -> None:
        """A partner who doesn't come back was lost: the line itself is told to be not delivered, and isn't handed on."""
        table, ann, bob = self.sit("ann", "bob")
        bob.dies()
        table.settle()
        ann.types("are you there?")
        table.settle(130)
        self.assertEqual(ann.rows()[-2:], ["-!- bob left (lost)", "-!- not delivered: are you there?"])
        self.assertEqual(ann.status(), "connected · ann · lobby · waiting for a partner (bob was lost)")
        carl = table.sit("carl")
        self.assertEqual(carl.rows(), ["-!- you are carl in lobby, with ann (/help)"])

    def test_said_to_nobody(self) -> None:
        """Lines to nobody wait for whoever comes; who goes to another room is told that they weren't delivered (A12)."""
        table, ann = self.sit("ann")
        ann.types("hello?", "/me waves")
        self.assertEqual(ann.status(), "connected · ann · 2 unsent · lobby · waiting for a partner")
        ann.types("/join tea")
        table.settle()
        self.assertEqual(
            ann.rows()[2:],
            ["-!- not delivered: hello?", "-!- not delivered: waves", "-!- now in tea: waiting for a partner"],
        )
        ann.types("in tea", "/join lobby", "/quit")
        table.settle()
        self.assertEqual(ann.rows()[-1], "-!- not delivered: in tea")
        self.assertEqual(ann.run.status, 4)

    def test_a_killed_netcat(self) -> None:
        """A5: the partner's `nc` is killed: every line it didn't take is marked, and the next one hears none of them."""
        table, ann = self.sit("ann")
        nc = table.hub.nc()
        table.settle()
        nc.line.is_gone = True
        nc.finishes()
        table.settle()
        self.assertEqual(ann.status(), "connected · ann · lobby · guest-1 has finished")
        ann.types("one")
        table.settle(1)
        ann.types("two")
        table.settle(3)
        rows = ann.rows()
        self.assertIn("-!- guest-1 left (lost)", rows)
        self.assertEqual([row for row in rows if "delivered: one" in row or "delivered: two" in row].__len__(), 2, rows)
        bob = table.sit("bob")
        self.assertEqual([row for row in bob.rows() if row.startswith("ann: ")], [])

    def test_many(self) -> None:
        """In a larger room names, private lines, drafts of several, and a taken name work over sessions as well."""
        table, ann, bob, carl = self.sit("ann", "bob", "carl", mode="room")
        carl.types("/nick dora", "hi all")
        ann.types("/msg bob psst", "/live")
        bob.run._session.send({"verb": "type", "keys": "hel"})
        carl.run._session.send({"verb": "type", "keys": "yes"})
        table.settle()
        self.assertEqual(
            {name: draft.text for name, draft in ann.run.chat.drafts.items()}, {"bob": "hel", "dora": "yes"}
        )
        self.assertEqual(bob.rows(), ["-!- carl is now known as dora", "dora: hi all", "-!- ann tells you: psst"])
        self.assertNotIn("psst", carl.screen)
        self.assertEqual(carl.rows(), ["carl: hi all", "-!- you are now known as dora"])
        ann.wire.abortConnection()
        table.settle(0)
        self.assertEqual(bob.status(), "connected · bob · lobby · with dora, ann is away")

    def test_both_have_finished(self) -> None:
        """When both have said /done and all is got, both end with 0."""
        table, ann, bob = self.sit("ann", "bob")
        ann.types("one", "/done")
        table.settle()
        self.assertEqual(bob.status(), "connected · bob · lobby · ann has finished")
        bob.types("two", "/done")
        table.settle()
        self.assertEqual((ann.run.status, bob.run.status), (0, 0))
        self.assertIn("bob: two", ann.rows())

    def test_asked_for_a_name(self) -> None:
        """In a room of names a person without one is asked until they have one; after a cut nobody is asked again."""
        table = Table("room")
        ann = table.sit("")
        self.assertEqual(ann.status(), "choose a name · guest-1 · lobby · nobody else yet")
        ann.types("a b")
        table.settle()
        self.assertEqual(ann.status()[:13], "choose a name")
        ann.types("ann")
        table.settle()
        self.assertEqual(ann.rows()[-1], "-!- you are now known as ann")
        ann.wire.abortConnection()
        table.settle(5)
        self.assertEqual(ann.status(), "connected · ann · lobby · nobody else yet")

    def test_modes_without_sessions(self) -> None:
        """Where the mode has no sessions a lost link is the end, with status 1; lines go as they always did."""
        for mode in ("talk", "duet"):
            table, ann, bob = self.sit("ann", "bob", mode=mode)
            ann.types("hello")
            table.settle()
            self.assertIn(": hello", bob.rows()[-1])
            ann.wire.lose()
            table.settle()
            self.assertEqual((ann.run.status, "is lost" in ann.run.why), (1, True))

    def test_nothing_is_got_that_isnt_drawn(self) -> None:
        """A terminal that is stopped gets nothing: the other's line is unsent until it goes on."""
        table, ann, bob = self.sit("ann", "bob")
        bob.run.hold(True)
        ann.types("look")
        table.settle()
        ann.wire.lose()
        self.assertIn("1 unsent", ann.status())
        self.assertEqual(bob.rows(), [])
        table.settle()
        bob.run.hold(False)
        table.settle()
        self.assertEqual(bob.rows(), ["ann: look"])
        self.assertNotIn("unsent", ann.status())

    def test_a_signal(self) -> None:
        """A signal leaves as lost, at once, and says what isn't delivered."""
        table, ann, bob = self.sit("ann", "bob")
        bob.run.hold(True)
        ann.types("look")
        table.settle()
        ann.run._signalled(15)
        table.settle()
        self.assertEqual(ann.run.status, 143)
        self.assertEqual(ann.rows()[-1], "-!- perhaps not delivered: look")
        bob.run.hold(False)
        table.settle()
        self.assertEqual(bob.rows(), ["ann: look", "-!- ann left (lost)"])
