"""A peer is one end of a conversation: it has a name, a seat and a dialect, it hears, and it can be hung up on.

It outlives its connection: what carries its bytes is a `Link`, which may be missing and may be replaced. A peer does
not know sockets or time, nor who else hears what it says.

How a peer and its connection end, word by word:

    end      the hub hangs up, and says why (`Peer.end`)
    finish   the other end has closed its sending half, or said `/done`, and listens on (`Connection.finish`)
    lost     the connection is gone (`Connection.lost`)
    leave    the peer gives up its seat, for one word of the closed set (`Peer.leave`)
    abort    the connection is closed at once (`Connection.abort`)
    gone     the word for which it left; nothing is heard or said after that
"""

from __future__ import annotations

from typing import Protocol

from ..wire.dialects import ALONE, Dialect, Message, undelivered
from ..wire.numbered import Numbered
from .events import NO_EXTRAS, Address, Left, Member, RoomEvent, Undelivered
from .link import Link

LOBBY = "lobby"


class Place(Protocol):
    """What a peer uses of the room that it sits in; the room may live on another machine."""

    name: str

    @property
    def is_pair(self) -> bool:
        """Whether two ends meet there."""

    @property
    def max_lines(self) -> int:
        """How many lines may be said at once; 0: any number."""

    def apply(self, event: RoomEvent) -> None:
        """Let `event` happen."""

    def held_by(self, peer: Member) -> int:
        """Return how many lines of `peer` wait for somebody who hears them."""

    def hearer_is_full(self, hearer: Member) -> None:
        """Let whoever speaks to `hearer` wait, since more waits for it than should."""

    def hearer_is_drained(self, hearer: Member) -> None:
        """Let who waited for `hearer` go on."""


class Search(Protocol):
    """The question where a room lives, while it is not answered."""

    def cancel(self) -> None:
        """Forget the question: nobody sits down."""

    def fail(self, text: str) -> None:
        """Give up waiting for the answer, and say `text` to the peer."""


class Peer:
    """One end, from its hello to its last word.

    Args:
        dialect: how it is spoken to.
        address: where the other end is.
        stream: what it is called in numbers and receipts.
    """

    __slots__ = (
        "address",
        "dialect",
        "extras",
        "finished",
        "gone",
        "gots",
        "has_all",
        "kept_until",
        "live",
        "link",
        "listens",
        "name",
        "room",
        "search",
        "session",
        "stream",
        "wanted_name",
        "wanted_room",
    )

    def __init__(self, dialect: Dialect, address: Address = Address(), stream: str = "") -> None:
        self.dialect = dialect
        self.address = address
        self.name = ""
        self.wanted_name = ""
        self.wanted_room = LOBBY
        self.room: Place | None = None
        self.link: Link | None = None
        self.search: Search | None = None
        """The question where the wanted room lives, while it is not answered."""
        self.finished = False
        self.gone = ""
        self.stream = stream
        self.session = False
        self.listens = True
        self.live = False
        """Whether a session wants to see drafts."""
        self.kept_until = ""
        """Until when the seat of one who is away is kept, as people read it."""
        self.has_all = False
        self.gots: dict[str, int] | None = None
        """The last number that it has got of each other end, if it is a session."""
        self.extras = NO_EXTRAS
        """What its next welcome says beside the usual."""

    # -- what it hears ---------------------------------------------------------------------------------------

    def hear(self, data: bytes) -> None:
        """Deliver bytes in its dialect."""
        if data and self.link and not self.gone:
            self.link.outlet.write(data)

    @property
    def owes(self) -> bool:
        """Whether words that were said to it are not acknowledged."""
        return bool(self.link and self.link.outlet.owes)

    def finish_late(self) -> None:
        """Finish again, after the time in which a machine acknowledges."""
        if self.link:
            self.link.finish_late()

    def hear_from(self, speaker: Member, data: bytes) -> None:
        """Deliver bytes that are `speaker`'s words in its dialect; `speaker` is told if they don't arrive."""
        if data and self.link and not self.gone:
            self.link.outlet.write_from(speaker, data)

    def tell(self, message: Message) -> None:
        """Deliver a message."""
        self.hear(self.dialect.message(message))

    def refuse(self, code: str, text: str) -> None:
        """Say why something can't be done; nothing else happens."""
        self.tell(Message("error", {"code": code, "text": text}))

    # -- what a room asks ------------------------------------------------------------------------------------

    @property
    def bulk(self) -> bool:
        """Whether it says more at once than fingers type."""
        return bool(self.link and self.link.inlet.bulk)

    @property
    def backed_up(self) -> bool:
        """Whether bytes wait for it."""
        return bool(self.link and self.link.outlet.paused)

    @property
    def full(self) -> bool:
        """Whether more waits for it than should."""
        return bool(self.link and self.link.outlet.full)

    def look(self) -> bool:
        """Ask the system whether its link still lives; it leaves if not. Return whether it does."""
        return self.link.look() if self.link else True

    def debts(self, leaver: Member | None = None) -> tuple[Undelivered, ...]:
        """Return what a `leaver`, and those who have finished, said to it and is not acknowledged, once."""
        return self.link.outlet.settle("quit", leaver) if self.link else ()

    def miss(self, name: str, why: str, leaver: Member | None = None) -> None:
        """Take it that its partner `name` has left: what it is in the middle of saying is for nobody.

        It has no `leaver` if a machine has died: `name` may have heard there what is said again.
        """
        if self.link and not self.gone:
            self.link.miss(name, why, leaver)

    def hold(self) -> None:
        """Stop reading, on behalf of the room."""
        if self.link:
            self.link.hold("room")

    def release(self) -> None:
        """Go on reading, on behalf of the room."""
        if self.link:
            self.link.release("room")

    def wait(self) -> None:
        """Stop reading for a blink."""
        if self.link:
            self.link.wait()

    def speak_past_room(self, hearer: Member | None) -> None:
        """Let `hearer` hear its plain lines as they come, and don't ask the room; None: ask again."""
        if self.link:
            self.link.speak_past_room(hearer)

    def stall(self) -> None:
        """Stop reading, while others have yet to meet it, or to part from it."""
        if self.link:
            self.link.hold("meetings")

    def go_on(self) -> None:
        """Read on: they have."""
        if self.link:
            self.link.release("meetings")

    def say_again(self, block: bytes) -> None:
        """Say lines that were said before and held, before anything else that it says."""
        if self.link and not self.gone:
            self.link.say_again(block)

    def end(self, why: str, text: str = "") -> None:
        """Hang up, for one word of the closed set; `text` is the sentence that is spoken before."""
        if self.gone:
            return
        self.finished = True
        self._tell_of_held()
        last_words = self.dialect.last_words(why, text, self.room is not None)
        link = self.link
        self.leave(why)
        if link:
            link.close(last_words)

    # -- numbers and receipts ----------------------------------------------------------------------------------

    @property
    def away(self) -> bool:
        """Whether it has no link for now, and its seat is kept."""
        return self.session and self.link is None

    def meet(self, other: Member) -> None:
        """Speak to `other` in numbers from now on, or again."""
        if self.link and not self.session:
            self.link.meet(other)

    def part(self, other: Member, why: str) -> None:
        """Take it that `other` is gone, or away for now (`away`)."""
        if self.link and not self.session:
            self.link.part(other, why)

    def heed(self, speaker: Member, label: bytes, thing: Numbered, rendered: dict[Dialect, bytes]) -> None:
        """Deliver something numbered that `speaker` says, if it is the next of its kind; `rendered`: once a dialect."""
        if self.link and not self.gone:
            self.link.heed(speaker, label, thing, rendered)

    def acknowledged(self, by: Member, n: int, private: bool) -> None:
        """Take it that the end `by` has shown its lines up to `n`."""
        if self.session:
            fields: dict[str, object] = {"stream": by.stream, "n": n}
            self.tell(Message("got", fields | ({"private": True} if private else {})))
        elif self.link:
            self.link.acknowledged_by(by, n, private)

    def speak(self, kind: str, block: bytes, to: str = "") -> None:
        """Say something in numbers: whole lines, a deed (`me`), a private line (`msg`), or that it has said all."""
        if self.link and not self.gone:
            self.link.speak_for(kind, block, to)

    def last_got(self, stream: str) -> int:
        """Return the last number that it has got of the end `stream`."""
        return self.gots.get(stream, 0) if self.gots else 0

    # -- its seat ----------------------------------------------------------------------------------------------

    def sit(self, room: Place) -> None:
        """Take a seat in `room`, which has one."""
        self.room = room
        self.wanted_room = room.name
        if self.link:
            self.link.seated()

    def rise(self, why: str) -> None:
        """Give up the seat, if it has one."""
        if self.link and self.room:
            self.link.rise(why)
        if why == "moved":
            self._tell_of_held()
        room, self.room = self.room, None
        if room:
            self.release()
            room.apply(Left(self, why, self.link.outlet.settle(why) if self.link else ()))

    def _tell_of_held(self) -> None:
        """Say what of its lines was held for a partner, and is given up with its seat."""
        if self.room and (lines := self.room.held_by(self)):
            self.tell(undelivered(ALONE, lines))
        if self.room and self.link:
            self.link.give_up()

    def give_up_search(self) -> None:
        """Wait no longer for the answer where the wanted room lives."""
        if self.search:
            self.search.fail("nothing tells where this room lives; try again")

    def leave(self, why: str) -> None:
        """Be gone, once: nothing more is heard or said."""
        if self.gone:
            return
        self.gone = why
        if self.search:
            self.search.cancel()
        self.rise(why)
