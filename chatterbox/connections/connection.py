"""A connection carries one peer's bytes, both ways, bounded: an inlet, an outlet, a handshake and timers.

It has time handed in, and it knows the hub. It does not know sockets, nor what becomes of words in a room.
"""

from __future__ import annotations

from collections.abc import Callable

from ..core.events import Address, Began, Finished, Member
from ..core.peer import Peer
from ..wire.blocks import BlockReader
from ..wire.dialects import Dialect, SessionJson, undelivered
from ..wire.numbered import Json, Numbered
from ..wire.verbs import Piece
from .bare import make_outlet
from .fast_path import with_fast_path
from .handshake import Handshake
from .inlet import Inlet
from .outlet import LinkState, Transport, abort
from .reception import Reception
from .slow import PULSE, Watch
from .speech import Speech
from .stand_in import StandIn
from .timers import Timers


class Connection:
    """One connection, from its arrival to its end.

    Args:
        reception: who admitted it.
        transport: what carries the bytes.
        dialect: what it speaks until it says otherwise.
        address: where the other end is.
        link_state: returns what the system knows of the link.
    """

    __slots__ = (
        "_handshake",
        "_hub",
        "_is_lost",
        "_reception",
        "_speech",
        "inlet",
        "outlet",
        "peer",
        "reader",
        "stand_in",
        "timers",
        "was_seated",
    )

    def __init__(
        self,
        reception: Reception[Connection],
        transport: Transport,
        dialect: Dialect,
        address: Address = Address(),
        link_state: Callable[[], LinkState] = LinkState,
    ) -> None:
        hub = reception.hub
        self.peer = Peer(dialect, address, reception.stream())
        self.peer.link = self
        self.reader = dialect.reader()
        self.timers = Timers(reception.later, self)
        self._speech = Speech(self, hub, reception.now)
        self.inlet = Inlet(
            self._speech, transport, hub.limits.pieces_a_turn, hub.limits.hearers_a_turn, self.reader.read
        )
        self._speech.comes_from(self.inlet)
        is_pair = hub.mode.seats == 2
        watch = Watch(self, hub.limits, is_pair)
        self.outlet = make_outlet(watch, transport, hub.limits, is_pair, dialect.framed, reception.later, link_state)
        self.was_seated = False
        """Whether it ever had a seat."""
        self._reception = reception
        self._hub = hub
        self.stand_in: StandIn | None = None
        """What numbers its lines, beside a session."""
        self._handshake: Handshake | None = None
        self._is_lost = False
        """Whether the link is gone; its peer may still wait for a seat, and have something to say."""

    # -- before it has a seat ----------------------------------------------------------------------------------

    def shake_hands(self, patience: float) -> None:
        """Wait for what the other end wants, or for the end of the time in which it may say so.

        Args:
            patience: seconds in which a peer that is asked for its name must answer.
        """
        self._handshake = Handshake(self._hub, self, self._reception.dialects.text.reader())
        self.inlet.step = self._handshake.take
        self._reception.silences.wait(self, self.settle)
        if self._hub.mode.asks_name:
            self.timers.after("join", patience, self._handshake.give_up)

    def wait_no_more(self) -> None:
        """Take it that the other end has said what it wants."""
        self._reception.silences.forget(self)

    def settle(self) -> None:
        """End the time in which the other end may say where it wants to be."""
        if self._handshake:
            self._handshake.settle()

    def take_seat(self) -> None:
        """Ask for the seat that the peer wants."""
        self._reception.seat(self)

    def seeking(self) -> None:
        """Wait for the answer where the wanted room lives, for a limited time."""
        self.timers.cancel("join")
        self.inlet.hold("seat")
        self.timers.after("seek", self._hub.limits.seek_patience, self.peer.give_up_search)

    def seated(self) -> None:
        """Read on as who has a seat."""
        self.open()
        if self.was_seated and not self.peer.session:  # its numbers begin anew: it is another end for who knows it
            self.peer.stream = self._reception.stream()
        self.was_seated = True
        self._speech.breathe()
        self._dismiss()
        self._reception.seated(self)

    def open(self) -> None:
        """End the handshake: from now on what comes is read in the dialect."""
        self.timers.cancel("join")
        self.inlet.step = self.reader.read
        if self._handshake:
            self._handshake.over()
        self._handshake = None

    def open_session(self, sent: Json) -> bool:
        """Be the link of a session, if this hub has any: the first line said so."""
        self.speak_lines()
        return self._reception.open_session(self, sent)

    # -- what an edge tells ------------------------------------------------------------------------------------

    def receive(self, block: bytes) -> None:
        """Take `block`: whole lines, or keys, as they were received."""
        self.inlet.receive(block)

    def say(self, piece: Piece) -> None:
        """Take `piece`, which is read already."""
        self._speech.handle(piece)

    def begin(self) -> None:
        """Take note that the first bytes of a bare peer's message have come."""
        if self.peer.room:
            self.peer.room.apply(Began(self.peer))

    def speak_lines(self) -> None:
        """Take a bare peer for one that knows lines: it has sent a newline (seeds, `--bare`, 1)."""
        if not self.peer.dialect.framed:
            self.timers.cancel("silence")
            self.outlet.speak_lines()
            self.peer.dialect = self._reception.dialects.text

    def speak_json(self) -> None:
        """Take and write one object a line from now on: the first line was a hello."""
        self.speak_lines()
        self.speak(self._reception.dialects.json)

    def speak(self, dialect: Dialect) -> None:
        """Take and write `dialect` from now on."""
        self.peer.dialect = dialect
        self.reader = self.peer.dialect.reader()
        if not self._handshake:
            self.inlet.step = self.reader.read

    def speak_past_room(self, hearer: Member | None) -> None:
        """Let `hearer` hear plain lines as they come, and don't ask the room; None: ask again."""
        before = self.reader.read
        self.reader = with_fast_path(self.reader, self._speech, self.peer, hearer)
        if self.inlet.step == before:
            self.inlet.step = self.reader.read

    def finish(self) -> None:
        """Take it that the other end has closed its sending half; what it sent before that is handled first."""
        if self.peer.session:
            self.break_off()
        else:
            self.inlet.end()

    def say_no_more(self) -> None:
        """Take it that the other end has said `/done`: it may still ask, and leave."""
        self._speech.is_done = True
        self.inlet.end()

    def lost(self, why: str) -> None:
        """Take it that the link is gone; what the other end said before a clean end is said first, in its turns."""
        if why == "quit" and self.inlet.waits:
            self._is_lost = True
            self.inlet.say_on()
            self.timers.after("last", self._hub.limits.pair_patience, lambda: self.lost("lost"))
            return
        was_gone = self.peer.gone or self.peer.session
        self._is_lost = self.outlet.is_lost = True
        if self.peer.gone:
            for told in self.outlet.settle(self.peer.gone):
                told.speaker.tell(undelivered(self.peer.gone, told.lines, self.peer.name, told.size))
        if not self.peer.session:
            self.peer.leave(why)
        elif self.peer.link is self:
            self._reception.cut(self)
        self._speech.parting.last = None
        self.inlet.shut()
        self.outlet.discard()
        self._dismiss()
        if not was_gone:
            self._reception.ended(self)
        self._reception.closed(self)

    # -- as the link of a session ------------------------------------------------------------------------------

    def break_off(self) -> None:
        """Cut the link: a session keeps its seat, a plain peer is lost."""
        self.lost("lost")
        self.abort()

    # -- in the place of a plain peer ----------------------------------------------------------------------------

    def meet(self, other: Member) -> None:
        """Speak to `other` in numbers from now on, or again."""
        if self.stand_in is None and self.peer.room:
            is_pair = self.peer.room.is_pair
            now, limits, glances = self._reception.now, self._hub.limits, self._reception.glances
            self.stand_in = StandIn(self, is_pair, now, self._got, limits, glances)
        if self.stand_in:
            self.stand_in.meet(other)

    def _dismiss(self) -> None:
        if self.stand_in:
            self.stand_in.stop()
            self.stand_in = None

    def _got(self, stream: str, n: int, private: bool) -> None:
        self._reception.got(self.peer, stream, n, private)

    def part(self, other: Member, why: str) -> None:
        """Take it that `other` is gone, or away for now."""
        if self.stand_in:
            self.stand_in.part(other, why)

    def acknowledged_by(self, other: Member, n: int, private: bool) -> None:
        """Take it that `other` has shown the peer's lines up to `n`."""
        if self.stand_in:
            self.stand_in.got(other.stream, n, private)

    def speak_for(self, kind: str, block: bytes, to: str) -> None:
        """Say something in numbers in the peer's place; `done`: it has said all."""
        if self.stand_in and kind == "done":
            self.stand_in.finish()
        elif self.stand_in:
            self.stand_in.say(block, kind, to)

    def rise(self, why: str) -> None:
        """Say what of the numbered lines is got, and in the end isn't, before the peer gives up its seat."""
        if self.stand_in:
            self.stand_in.rise(why)

    def give_up(self) -> None:
        """Say what was said to one who is away, or has left: it is given up with the peer's seat."""
        self._speech.parting.account()
        if self.stand_in:
            self.stand_in.give_up()

    def heed(self, speaker: Member, label: bytes, thing: Numbered, rendered: dict[Dialect, bytes]) -> None:
        """Write something numbered that `speaker` says, if it is new to a plain peer; a session looks itself."""
        dialect = self.peer.dialect
        if isinstance(dialect, SessionJson):
            self.outlet.write_both(*dialect.numbered(speaker.name, speaker.stream, thing))
        elif self.stand_in:
            self.stand_in.hear(speaker, label, thing, rendered)

    def written(self) -> int:
        """Return the bytes that were ever queued to the other end."""
        return self.outlet.written

    def acknowledged(self) -> int:
        """Return how many of them its machine has, as far as the system tells; none while a hello may be on its way."""
        has_come = self.inlet.reads or self.inlet.ending
        return 0 if self.timers.wait_for("late") and not has_come else self.outlet.acknowledged()

    @property
    def max_unended(self) -> int:
        """Bytes that may come without a newline: few from a peer who is asked for its name."""
        limits = self._hub.limits
        if isinstance(self.reader, BlockReader):
            return limits.max_session_json - self.reader.kept
        if isinstance(self.peer.dialect, SessionJson):  # also where its seat is on another machine
            return limits.max_session_json
        return limits.join_bytes if self._handshake and self._handshake.is_asked else limits.flood

    def said_all(self) -> None:
        """Take it that the other end has finished, and all that it sent is handled."""
        if self._is_lost:
            self.lost("quit")
            return
        self.settle()
        self._said_all()

    def _said_all(self, is_late: bool = False) -> None:
        if self.peer.room:
            self.peer.room.apply(Finished(self.peer, is_late))
        elif not (self.peer.gone or self.peer.search):
            self.peer.end("quit")

    def handle_numbered(self, piece: Piece) -> None:
        """Do what only a session asks."""
        self._reception.handle(self, piece)

    def say_again(self, block: bytes) -> None:
        """Say lines that were said before and held, before anything else that waits."""
        self.peer.finished = False  # not yet, then
        self._speech.say_again(block)

    # -- what its peer asks --------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Ask the system whether the link still lives, now and when an answer can be here; return whether it does.

        Nothing is read from who has finished, so nobody else would notice a reset.
        """
        self._check()
        self.timers.after("look", self._hub.limits.knock, self._check)
        return not self.peer.gone

    def feel_pulse(self) -> None:
        """Look at a link from which nothing is read, now and again and again: nobody would notice that it is broken."""
        self._check()
        if not self.peer.gone and (self.inlet.held or self.inlet.ending):
            self.timers.after("pulse", PULSE, self.feel_pulse)

    def _check(self) -> None:
        if not self.peer.gone and self.outlet.link_state().is_broken:
            self.break_off()

    def knock(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call once, after the time in which a machine answers; return what cancels that."""
        self.timers.after("knock", self._hub.limits.knock, call)
        return lambda: self.timers.cancel("knock")

    def finish_late(self) -> None:
        """Say again that all is said, after the time in which the other end's machine acknowledges."""
        self.timers.after("finish", self._hub.limits.knock, lambda: self._said_all(True))

    def miss(self, name: str, why: str, leaver: Member | None) -> None:
        """Say to nobody what is on its way, since the partner `name` has left: a pipe doesn't stop at once."""
        self._speech.miss(name, why, leaver)

    def hold(self, reason: str) -> None:
        """Stop reading, for one reason more; a session is always read, since it may acknowledge, ping or leave."""
        if reason != "room" or not self.peer.session:
            self.inlet.hold(reason)
            self.timers.after("pulse", PULSE, self.feel_pulse)

    def release(self, reason: str) -> None:
        """Go on reading, unless there is another reason not to."""
        if reason == "seat":
            self.timers.cancel("seek")
        self.inlet.release(reason)

    def wait(self) -> None:
        """Stop reading for the blink in which a hearer who is alive catches up."""
        self.inlet.hold_for("wait", self._hub.limits.blink)

    def close(self, last_words: bytes) -> None:
        """Send what waits and `last_words`, then close; cut it where the other end takes too long."""
        if self._is_lost:
            self.inlet.shut()
            self._reception.ended(self)
            self.timers.after("turn", 0, lambda: self.lost("lost"))
            return
        was_held = self.inlet.held
        self.inlet.shut()
        self._dismiss()
        self._reception.ended(self)
        self._speech.breathe()
        if last_words:
            self.outlet.write(last_words)
        if was_held:
            self.inlet.read_on()
        self.timers.after("abort", min(self.outlet.close(), self._hub.limits.close_patience), self.abort)

    def abort(self) -> None:
        """Close the connection at once."""
        abort(self.outlet.transport)
