"""Admission decides who may come in, and knows every connection from its arrival to its end.

It is the only object that an edge holds. It does not know what connections say, and time is handed to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from itertools import count, islice

from ..core.events import HUB_ENDS, Address, Refused
from ..core.hub import Hub
from ..core.peer import Peer
from ..wire.dialects import make_dialects
from ..wire.numbered import Json
from ..wire.verbs import Piece
from .connection import Connection
from .desk import Desk
from .entries import Entries, Entry
from .glances import Glances
from .outlet import LinkState, Transport
from .row import Row
from .sessions import AWAY_A_SOURCE
from .timers import Later

ENDS_A_TURN = 32
"""Connections ended in one turn when the hub stops: each takes 50 to 100 µs."""


class Admission:
    """Every connection of one hub.

    Args:
        hub: whose rooms they come to.
        later: calls a function after so many seconds, as `reactor.callLater` does.
        now: seconds of a clock that never goes back.
        bare: whether peers are taken for programs that know no newline, until they send one.
        stream: returns 16 random hexadecimal digits; by default they are counted, which is for tests.
        wall: seconds since 1970, as the wall clock has them; without it events have no time.
    """

    def __init__(
        self,
        hub: Hub,
        later: Later,
        now: Callable[[], float],
        bare: bool = False,
        stream: Callable[[], str] | None = None,
        wall: Callable[[], float] | None = None,
    ) -> None:
        mode = hub.mode
        self.hub = hub
        self.later = later
        self.now = now
        self.glances = Glances(later)
        self.silences = Row(later, now, hub.limits.handshake)
        self._wall = wall
        self.dialects = make_dialects(
            hub.limits,
            mode.farewell,
            mode.partner,
            mode.asks_name,
            mode.last_word,
            mode.told,
            self._stamp if wall else None,
        )
        talks = mode.rule == "talk"
        self.first_dialect = self.dialects.keys if talks else self.dialects.bare if bare else self.dialects.text
        """The dialect of who hasn't said otherwise."""
        self.connections: dict[Connection, Entry | None] = {}
        """Everyone who is connected, in order of arrival, and as what it is counted; the console isn't."""
        self.unseated: dict[Connection, None] = {}
        """Those in order of arrival who may still say where they want to be."""
        away_a_source = AWAY_A_SOURCE if hub.limits.per_source else 0
        self.desk = Desk(hub, self.dialects, later, now, self._moment, away_a_source)
        hub.observers.append(self.desk)
        hub.soon = self._soon
        self.take_hello: Callable[[Connection, Json], None] = self.desk.arrive
        """Takes the hello of a session; where rooms may live elsewhere, it may be another hub's desk that knows it."""
        self.stream = stream or _counted()
        self.entries = Entries(hub.limits)
        """Everyone who is accepted, also those who aren't connected in earnest yet."""
        self._when_gone: Callable[[], None] | None = None

    def accept(
        self, address: Address | None, transport: Transport, is_ready: bool = True, hears_why: bool = True
    ) -> Entry:
        """Count a connection that was just accepted; it arrives when it is ready.

        Args:
            address: where the other end is; None where only a proxy's header will tell.
            transport: what carries its bytes.
            is_ready: whether it can arrive now; if not, a handshake or a header is waited for.
            hears_why: whether it can be told now why it is refused; one that can't is aborted.
        """
        entry = self.entries.accept(transport)
        if address is not None:
            entry.comes_from(address, self.now())
        if self._when_gone:
            entry.fault = "the hub is shutting down"
        if entry.fault and not hears_why:
            self.hub.happened(Refused(address or Address(), "shutdown" if self._when_gone else "full"))
            entry.abort()
        elif not (entry.fault or is_ready):
            entry.wait()
        return entry

    def arrive(
        self,
        transport: Transport,
        address: Address = Address(),
        link_state: Callable[[], LinkState] = LinkState,
        waited: float = 0,
        entry: Entry | None = None,
    ) -> Connection:
        """Make a peer of a new connection; it is in no room until its first line, or the end of its handshake.

        Args:
            transport: what carries its bytes.
            address: where the other end is.
            link_state: returns what the system knows of the link.
            waited: seconds since the connection was accepted.
            entry: what it was counted as when it was accepted; by default it is counted now.
        """
        connection = Connection(self, transport, self.first_dialect, address, link_state)
        entry = self.connections[connection] = entry or self.entries.accept(transport)
        entry.is_ready()
        entry.comes_from(address, self.now())
        if self._when_gone:
            connection.peer.end("shutdown", "the hub is shutting down")
        elif entry.fault:
            connection.peer.end("full", entry.fault)
        else:
            self.greet(connection, waited)
        return connection

    def greet(self, connection: Connection, waited: float = 0) -> None:
        """Let a newcomer say where it wants to be."""
        self.unseated[connection] = None
        connection.shake_hands(self.hub.limits.join_patience - waited)

    def replace(self, connection: Connection, transport: Transport, link_state: Callable[[], LinkState]) -> Connection:
        """Put one that speaks JSON in the place of a connection that was taken for another; `greet` it when it speaks.

        It is counted already, and unready until its head has an end (`is_ready`).
        """
        newcomer = Connection(self, transport, self.dialects.json, connection.peer.address, link_state)
        self.unseated.pop(connection, None)
        entry = self.connections[newcomer] = self.connections.pop(connection)
        self.silences.forget(connection)
        connection.timers.cancel_all()
        connection.inlet.shut()
        connection.peer.leave("quit")
        if entry:
            entry.wait()
        return newcomer

    def is_ready(self, connection: Connection) -> None:
        """Take it that the head of a browser's request has come."""
        entry = self.connections.get(connection)
        if entry:
            entry.is_ready()

    def host(self, transport: Transport, name: str) -> Connection:
        """Seat the hub's own console at once, under a name that nobody else can take."""
        dialects = self.dialects
        dialect = dialects.keys if self.first_dialect.by_keys else dialects.text
        connection = Connection(self, transport, dialect)
        connection.reader = dialects.text.reader()
        connection.peer.wanted_name = name
        self.connections[connection] = None
        self.hub.seat(connection.peer)
        return connection

    def seat(self, connection: Connection) -> None:
        """Ask for the seat that a newcomer wants; where letters are given, those who came before it sit down first."""
        if self.hub.mode.label == "letter":
            for earlier in tuple(self.unseated):
                if earlier is connection:
                    break
                earlier.settle()
        self.unseated.pop(connection, None)
        if not (connection.peer.gone or connection.peer.room):
            self.hub.seat(connection.peer)

    def _soon(self, call: Callable[[], None]) -> None:
        self.later(0, call)

    def _stamp(self) -> str:
        """Return the time of now (RFC 3339, UTC)."""
        return self._at(0).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _moment(self, seconds: float) -> str:
        return f"{self._at(seconds):%H:%M:%S} UTC"

    def _at(self, seconds: float) -> datetime:
        return datetime.fromtimestamp((self._wall() if self._wall else self.now()) + seconds, timezone.utc)

    # -- sessions, which the desk knows ------------------------------------------------------------------------

    def open_session(self, connection: Connection, sent: Json) -> bool:
        """Bring a session to its seat; return False where this hub has none."""
        if self.desk.is_open:
            self.unseated.pop(connection, None)
            self.take_hello(connection, sent)
        return self.desk.is_open

    def seated(self, connection: Connection) -> None:
        """Prepare the welcome of a peer that has a seat now."""
        if connection.peer.session:
            self.desk.seated(connection)

    def cut(self, connection: Connection) -> None:
        """Keep the seat of a session whose link is gone."""
        self.desk.cut(connection)

    def handle(self, connection: Connection, piece: Piece) -> None:
        """Do what only a session asks."""
        self.desk.handle(connection, piece)

    def got(self, peer: Peer, to: str, n: int, private: bool = False) -> None:
        """Pass on that `peer` has got the lines of the end `to` up to `n`."""
        self.desk.got(peer, to, n, private)

    # -- the end -----------------------------------------------------------------------------------------------

    def ended(self, connection: Connection) -> None:
        """Take note that a connection is hung up on; the log hears of one that never had a seat."""
        self.unseated.pop(connection, None)
        why = connection.peer.gone
        if connection.peer.session:
            self.desk.forget(connection.peer, why)
        if not connection.was_seated and why != "quit" and why not in HUB_ENDS:
            self.hub.happened(Refused(connection.peer.address, why))

    def closed(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        if connection not in self.connections:
            return
        entry = self.connections.pop(connection)
        if entry:
            entry.leave()
        self.silences.forget(connection)
        connection.timers.cancel_all()
        self._look_if_gone()

    def stop(
        self, when_gone: Callable[[], None], why: str = "shutdown", text: str = "the hub is shutting down"
    ) -> None:
        """Tell everyone and hang up; what was accepted is sent first, and who doesn't take it is cut in time."""
        self._when_gone = when_gone
        for entry in self.entries.unready.keys() - self.connections.values():
            entry.abort()
        self._end_some(iter(tuple(self.connections)), why, text)

    def _end_some(self, ending: Iterator[Connection], why: str, text: str) -> None:
        """Hang up on some of those who are left, and on the others in turns of their own."""
        some = list(islice(ending, ENDS_A_TURN))
        for connection in some:
            connection.peer.end(why, text)
        if len(some) == ENDS_A_TURN:
            self.later(0, lambda: self._end_some(ending, why, text))
        self._look_if_gone()

    def abort(self) -> None:
        """End every connection now."""
        for entry in tuple(self.entries.unready):
            entry.abort()
        for connection in tuple(self.connections):
            connection.abort()

    def _look_if_gone(self) -> None:
        if self._when_gone and not self.connections:
            when_gone, self._when_gone = self._when_gone, None
            when_gone()


def _counted() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{next(numbers):016x}"
