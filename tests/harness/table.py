"""A table is a hub in memory, people at terminals around it, and their clock: whole runs of the client, with no process.

The test kills the hub, starts another, and makes links break; what each person sees is kept as rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

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
