"""A peer is one end of a conversation: it has a name, says lines, hears lines, and can be hung up on.

It lands, perhaps is asked for its name, takes a seat, talks, and ends; each of these is a method that eats what was
received. A peer does not know what carries its bytes, nor who else hears them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from .bare import LAST_WORD, Pacer
from .dialects import Dialect, Event, help_text, sentence
from .keys import KeyReader
from .limits import Throttle
from .outlet import Outlet, Transport
from .room import Began, Did, Finished, Parted, Renamed, Room, Said, Told, Typed
from .wire import VERBS, Command, Fault, Piece, Reader, Typing, clean, clean_text, hello, name_fault, room_fault

if TYPE_CHECKING:
    from .hub import Hub

LOBBY = "lobby"


class Delayed(Protocol):
    """A call that is to come, as `reactor.callLater` returns it."""

    def cancel(self) -> None:
        """Don't."""


class Peer:
    """One end, from its first byte to its last.

    Args:
        hub: the one object that an edge holds.
        transport: what carries the bytes.
        address: host and port of the other end; ("", 0) where there is none.
        taken: bytes that the other machine has acknowledged so far, where the system can tell.
    """

    __slots__ = (
        "_bad_names",
        "_bytes",
        "_eat",
        "_finishing",
        "_keys",
        "_hub",
        "_lines",
        "_pieces",
        "_rest",
        "_taken",
        "_throttle",
        "_held_for",
        "address",
        "dialect",
        "finished",
        "goal",
        "gone",
        "name",
        "outlet",
        "reader",
        "room",
        "wanted",
    )

    def __init__(
        self, hub: Hub, transport: Transport, address: tuple[str, int] = ("", 0), taken: Callable[[], int] = int
    ) -> None:
        self._hub = hub
        self.address = address
        self.outlet = self._make_outlet(transport)
        self._taken = taken
        self.dialect: Dialect = hub.bare_text if hub.bare else hub.text
        self.reader: Reader = hub.text_reader
        if hub.mode.rule == "talk":
            self.dialect, self.reader = hub.keys, KeyReader(hub.limits, hub.mode.farewell)
        self.name = ""
        self.wanted = ""
        """The name it asked for."""
        self.goal = LOBBY
        """The room it wants to be in."""
        self.room: Room | None = None
        self.finished = False
        self.gone = ""
        """The word of the closed set for which it ended."""
        self._eat = self._land
        self._keys: KeyReader | None = None
        """What it makes of a draft that it shows (JSON's `type`)."""
        self._finishing = False
        self._lines = self._bytes = 0
        self._bad_names = 0
        self._pieces: Iterator[Piece] | None = None
        self._rest = b""
        self._held_for: frozenset[str] = frozenset()
        rate = hub.limits.rate
        self._throttle = Throttle(rate, hub.limits.burst) if rate else None

    def _make_outlet(self, transport: Transport) -> Outlet:
        limits = self._hub.limits
        bound = 0 if self._hub.mode.seats == 2 else limits.max_queue
        if self._hub.bare and self._hub.mode.rule != "talk":
            return Pacer(self, transport, limits.high_water, bound, self._hub.later)
        return Outlet(self, transport, limits.high_water, bound)

    # -- what an edge tells ----------------------------------------------------------------------------------

    def say(self, block: bytes) -> None:
        """The other end sent `block`: whole lines, as they were received."""
        if self.gone:
            return
        self._rest += block
        if not self._held_for:
            self._go_on()

    @property
    def types(self) -> bool:
        """Whether what it sends is keys as they are typed, and not lines."""
        return self.dialect is self._hub.keys

    @property
    def is_bare(self) -> bool:
        """Whether it is taken for a program that knows no newline."""
        return self.dialect is self._hub.bare_text

    def begin(self) -> None:
        """The first bytes of a bare peer's message have come."""
        if self.room:
            self.room.apply(Began(self))

    def speak_lines(self) -> None:
        """A bare peer has sent a newline: the first one locks it to lines (seeds, `--bare`, 1)."""
        if isinstance(self.outlet, Pacer) and self.is_bare:
            self.outlet.speak_lines()
            self.dialect = self._hub.text

    def finish(self) -> None:
        """The other end has closed its sending half, after its last line."""
        self._finishing = True
        self._finish_if_done()

    def lost(self, why: str) -> None:
        """The connection is gone; what it said before that is said."""
        if why == "quit":
            while (self._rest or self._pieces) and not self.gone:
                self._held_for = frozenset()
                self._go_on()
        self._depart(why)
        self.outlet.discard()
        self._hub.forget(self)

    # -- what a room asks ------------------------------------------------------------------------------------

    @property
    def backed_up(self) -> bool:
        """Whether bytes wait for it."""
        return self.outlet.paused

    def hear(self, data: bytes) -> None:
        """Deliver bytes in its dialect."""
        if data and not self.gone:
            self.outlet.write(data)

    def hold(self) -> None:
        """Stop reading, on behalf of the room."""
        self._hold("room")

    def release(self) -> None:
        """Go on reading, on behalf of the room."""
        self._release("room")

    def wait(self) -> None:
        """Stop reading for the blink in which a hearer who is alive catches up."""
        self._hold_for("wait", self._hub.limits.landing)

    def end(self, why: str, text: str = "") -> None:
        """Hang up, for one word of the closed set; `text` is the sentence that is spoken before."""
        if self.gone:
            return
        if text:
            self.hear(self.dialect.event(Event("closed", {"why": why, "text": text})))
        if self.is_bare and self.room:
            self.hear(self._hub.mode.last_word.encode())
        self._depart(why)
        if self._held_for:
            self._held_for = frozenset()
            self.outlet.transport.resumeProducing()
        patience = self._hub.limits.close_patience
        if isinstance(self.outlet, Pacer) and self.is_bare:
            patience = self.outlet.seconds_left + LAST_WORD
        else:
            self.outlet.close()
        self._hub.after(self, "abort", patience, self.cut)

    def cut(self) -> None:
        """Close the connection at once; StandardIO knows no such thing, and closes."""
        transport = self.outlet.transport
        getattr(transport, "abortConnection", transport.loseConnection)()

    # -- holding and timers ----------------------------------------------------------------------------------

    def _hold(self, reason: str) -> None:
        if not self._held_for and not self.gone:
            self.outlet.transport.pauseProducing()
        self._held_for |= {reason}

    def _hold_for(self, reason: str, seconds: float) -> None:
        self._hold(reason)
        self._hub.after(self, reason, seconds, lambda: self._release(reason))

    def _release(self, reason: str) -> None:
        if reason not in self._held_for:
            return
        self._held_for -= {reason}
        if self._held_for or self.gone:
            return
        if self._rest or self._pieces:
            self._go_on()
        if not self._held_for and not self.gone:
            self.outlet.transport.resumeProducing()

    # -- eating what was received ----------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Eat what was received, as far as this turn goes; the rest waits, and reading with it."""
        budget = self._hub.limits.pieces_a_turn
        while (self._rest or self._pieces) and not self._held_for and not self.gone:
            if not budget:
                self._hold_for("turn", 0)
                return
            budget -= 1
            self._eat()
        self._finish_if_done()

    def _finish_if_done(self) -> None:
        if self._finishing and not (self._rest or self._pieces or self.gone):
            self._finishing = False
            if not self.room:
                self.settle()
            if self.room:
                self.room.apply(Finished(self))
            elif not self.gone:
                self.end("quit")

    def _next_piece(self) -> Piece | None:
        """Return the next thing that was said, reading all that has come where nothing is read yet."""
        if self._pieces is None:
            block, self._rest = self._rest, b""
            self._pieces = iter(self.reader.read(block))
        piece = next(self._pieces, None)
        if piece is None:
            self._pieces = None
        return piece

    def _land(self) -> None:
        """The first line decides the dialect; `/join` and `/nick` take effect unheard, and the rest is talk."""
        line, newline, rest = self._rest.partition(b"\n")
        sent = hello(line) if newline and not self._lines else None
        if self._is_stuck(line):
            return
        if sent is not None:
            self._rest = rest
            self._greeted(sent)
            return
        for piece in self._hub.text_reader.read(line + newline) if newline else ():
            if isinstance(piece, Command) and piece.verb in ("join", "nick") and piece.args:
                self._rest = rest
                self._obey(piece)
                return
        self.settle()

    def _is_stuck(self, line: bytes) -> bool:
        """Count a line of a peer who is in no room yet; return whether those were too many."""
        limits = self._hub.limits
        self._lines += 1
        self._bytes += len(line) + 1
        asked = self._eat == self._answer
        if self._lines > limits.join_lines or (asked and self._bytes > limits.join_bytes):
            self.end("idle", "that was much, and no room joined")
        return bool(self.gone)

    @property
    def max_unended(self) -> int:
        """Bytes that may come without a newline: few from a peer who is asked for its name."""
        limits = self._hub.limits
        return limits.join_bytes if self._eat == self._answer else limits.flood

    def _greeted(self, sent: dict[str, object]) -> None:
        """A peer whose first line is a JSON object with a "chatterbox" key is answered with a welcome (design, 5)."""
        self.dialect, self.reader = self._hub.json, self._hub.json_reader
        if "room" in sent:
            self._do_join(clean_text(str(sent["room"])))
        if "name" in sent and not self.gone:
            self._do_nick(clean_text(str(sent["name"])))
        self.settle()

    def settle(self) -> None:
        """Landing is over: ask for a name where the mode does, else sit down."""
        self._hub.never(self, "landing")
        if self.gone or self.room:
            return
        if self._hub.mode.asks_name and not self.wanted:
            self._eat = self._answer
            if not self._rest or self.dialect is self._hub.json:
                self._ask_name("")
        else:
            self._hub.seat(self)

    def seated(self) -> None:
        """The hub gave it a seat: from now on it talks."""
        self._hub.never(self, "landing")
        self._hub.never(self, "join")
        self._eat = self._talk

    def late(self) -> None:
        """The time for joining is over."""
        self.end("idle", f"no name within {self._hub.limits.join_patience:.0f} s")

    def _ask_name(self, fault: str) -> None:
        text = f"{fault}; which name do you take?" if fault else "which name do you take?"
        self.hear(self.dialect.event(Event("error", {"code": "name", "text": text})))

    def _answer(self) -> None:
        """The next line of a peer that was asked is its name; the third bad one ends it (seeds.md, 001-6)."""
        line, _, self._rest = self._rest.partition(b"\n")
        if self._is_stuck(line):
            return
        line = line.removesuffix(b"\r")
        for piece in self.reader.read(line + b"\n"):
            if isinstance(piece, Command) and piece.verb in ("quit", "nick", "join"):
                self._obey(piece)
            elif isinstance(piece, Fault):
                self._fault(piece)
            else:
                self._take_name("control characters make no name" if clean(line) != line else "", line)
        if self.wanted and not self.gone:
            self.settle()

    def _take_name(self, fault: str, line: bytes) -> None:
        name = line.decode(errors="replace")
        fault = fault or name_fault(name, self._hub.limits.max_name) or self._hub.taken(self, self.goal, name)
        if fault:
            self._bad_name(fault)
        else:
            self.wanted = name

    def _bad_name(self, fault: str) -> None:
        self._bad_names += 1
        if self._bad_names >= self._hub.limits.bad_names:
            self.end("kicked", f"{fault}; that was the last try")
        else:
            self._ask_name(fault)

    def _talk(self) -> None:
        """What is said goes to the room, commands are obeyed, faults are answered."""
        piece = self._next_piece()
        if isinstance(piece, bytes):
            self._keys = None
            if self.room:
                self.room.apply(Said(self, self._without_own_label(piece)))
            if self._throttle:
                self._slow_down(piece.count(b"\n"))
        elif isinstance(piece, Command):
            self._obey(piece)
            self._answered()
        elif isinstance(piece, Typing):
            if self.room:
                self.room.apply(Typed(self, piece.keys))
        elif piece is not None:
            self._fault(piece)
            self._answered()

    def _answered(self) -> None:
        """Who asks and doesn't read the answers is asked to wait."""
        if self.outlet.full and not self.gone:
            self._hold("answers")
        if self._throttle:
            self._slow_down(1)

    def _without_own_label(self, block: bytes) -> bytes:
        """A bare client puts `ann: ` in front itself; it is hers, so it is not doubled (seeds, `--bare`, 3)."""
        label = f"{self.name}: ".encode()
        if self.is_bare and self._hub.mode.label == "nick" and block.startswith(label):
            return block.removeprefix(label)
        return block

    def _slow_down(self, lines: int) -> None:
        pause = self._throttle.touch(self._hub.now(), lines) if self._throttle else 0
        if pause and not self.gone:
            self._hold_for("rate", pause)

    def refuse(self, code: str, text: str) -> None:
        """Say why something can't be done; nothing else happens."""
        self._fault(Fault(code, text))

    def moved(self) -> None:
        """Confirm a move to a peer whose dialect doesn't show the welcome."""
        self.hear(self.dialect.event(Event("moved", {"room": self.goal})))

    def _fault(self, fault: Fault) -> None:
        self.hear(self.dialect.event(Event("error", {"code": fault.code, "text": fault.text})))

    # -- commands --------------------------------------------------------------------------------------------

    def _obey(self, command: Command) -> None:
        verb, args = command
        if len(args) < _ARGUMENTS.get(verb, 0):
            self._fault(Fault("verb", f"use it so: {VERBS[verb].usage}"))
        else:
            _OBEY[verb](self, *args)

    def _do_quit(self) -> None:
        self.end("quit")

    def _do_farewell(self, word: str) -> None:
        if self.room:
            self.room.apply(Parted(self, word))

    def _do_help(self) -> None:
        for line in help_text():
            self.hear(self.dialect.event(sentence(line)))

    def _do_who(self) -> None:
        if self.room:
            names = [member.name for member in self.room.members]
            self.hear(self.dialect.event(Event("here", {"room": self.room.name, "names": names})))

    def _do_nick(self, name: str) -> None:
        limits = self._hub.limits
        given = self._hub.mode.label in ("letter", "port", "address")
        fault = "names are given in this mode, not taken" if given and self.room else name_fault(name, limits.max_name)
        fault = fault or self._hub.taken(self, self.room.name if self.room else self.goal, name)
        if fault and self._eat == self._answer:
            self._bad_name(fault)
        elif fault:
            self._fault(Fault("name", fault))
        else:
            self.wanted = name
            if self.room and name != self.name:
                self.room.apply(Renamed(self, name))

    def _do_join(self, room: str) -> None:
        fault = room_fault(room, self._hub.limits.max_room)
        if fault and not self.room:
            self.end("kicked", fault)
        elif fault:
            self._fault(Fault("room", fault))
        elif not self.room:
            self.goal = room
        elif room != self.room.name:
            self._hub.move(self, room)

    def _do_me(self, text: str) -> None:
        if self.room:
            self.room.apply(Did(self, text))

    def _do_msg(self, name: str, text: str) -> None:
        to = self.room.names.get(name.casefold()) if self.room else None
        if self.room and to:
            self.room.apply(Told(self, to, text))
        else:
            self._fault(Fault("who", f"nobody here is called {name[:40]}"))

    def _do_type(self, keys: str) -> None:
        self._keys = self._keys or KeyReader(self._hub.limits)
        for piece in self._keys.read(keys.encode(errors="replace")):
            if self.room and isinstance(piece, Typing):
                self.room.apply(Typed(self, piece.keys))

    # -- leaving ---------------------------------------------------------------------------------------------

    def _depart(self, why: str) -> None:
        """Leave the hub, once; nothing more is heard or said."""
        if not self.gone:
            self.gone = why
            self._rest, self._pieces = b"", None
            self._hub.depart(self, why)

    # -- what its outlet tells -------------------------------------------------------------------------------

    def is_full(self) -> None:
        """More waits for this hearer than should: the room knows who is to wait, and the clock for how long."""
        if self.room:
            self.room.full(self)
            limits = self._hub.limits
            self._watch(limits.pair_patience if self.room.is_pair else limits.room_patience)

    def _watch(self, patience: float) -> None:
        before = self.outlet.handed, self._taken()

        def look() -> None:
            if before == (self.outlet.handed, self._taken()):
                self.end("slow", f"you took nothing for {patience:.0f} s")
            else:
                self._watch(patience)

        self._hub.after(self, "slow", patience, look)

    def is_over(self) -> None:
        """In a larger room the slow reader is let go with a reason, and nobody else waits (design, section 6)."""
        self.end("slow", f"more than {self._hub.limits.max_queue} bytes waited for you")

    def is_drained(self) -> None:
        """This hearer has caught up."""
        self._hub.never(self, "slow")
        self._release("answers")
        if self.room:
            self.room.drained(self)


_OBEY: dict[str, Callable[..., None]] = {
    "quit": Peer._do_quit,
    "farewell": Peer._do_farewell,
    "help": Peer._do_help,
    "who": Peer._do_who,
    "nick": Peer._do_nick,
    "join": Peer._do_join,
    "me": Peer._do_me,
    "msg": Peer._do_msg,
    "type": Peer._do_type,
}
"""What each verb of the protocol's table does; a new command is a row there and a row here."""

_ARGUMENTS = {verb: len(row.keys) for verb, row in VERBS.items()}
