"""An audience is the members of one room in order of joining, with their labels and names; it tells all of them.

It does not know what they say to each other, nor why anybody comes or goes.
"""

from __future__ import annotations

from ..limits import FEW_LINES, MAX_LINES, MAX_OBJECTS
from ..wire.dialects import Dialect, Message, undelivered
from ..wire.names import fold, name_keys
from .events import Left, Member
from .meetings import Meetings
from .notices import Notices, Soon

ENDS_A_TURN = 32
"""Members hung up on in one turn: each takes some 50 µs."""


class Audience:
    """The members of one room.

    Args:
        soon: calls a function when this turn is over, or at once.
    """

    __slots__ = ("_is_ending", "_names", "_soon", "_streams", "meetings", "members", "notices", "sessions")

    def __init__(self, soon: Soon) -> None:
        self.members: dict[Member, bytes] = {}
        """Each member's label, as it stands before its lines."""
        self._names: dict[str, Member] = {}
        """Members by all that their names are told apart by."""
        self._streams: dict[str, Member] | None = None
        """Members by stream, from the first time on that one is looked for: only sessions do."""
        self.sessions: dict[Member, None] = {}
        """Those who number their lines themselves."""
        self._soon = soon
        self._is_ending = False
        """Whether members are being hung up on, and more of them in the next turn."""
        self.notices = Notices(soon, self.members)
        self.meetings = Meetings(soon)

    def add(self, peer: Member, name: str, has_label: bool) -> None:
        """Let `peer` in, under a name that is free."""
        self._call(peer, name)
        self.members[peer] = f"{name}: ".encode() if has_label else b""
        if self._streams is not None:
            self._streams[peer.stream] = peer
        if peer.session:
            self.sessions[peer] = None

    def _call(self, peer: Member, name: str) -> None:
        peer.name = name
        for key in name_keys(name):
            self._names[key] = peer

    def _forget(self, name: str) -> None:
        for key in name_keys(name):
            del self._names[key]

    def called(self, name: str) -> Member | None:
        """Return who is called `name`, in whatever case."""
        member = self._names.get(fold(name))
        return member if member and fold(member.name) == fold(name) else None

    def like(self, name: str, peer: Member | None = None) -> Member | None:
        """Return who but `peer` is here with a name that `name` can't stand beside."""
        for key in name_keys(name):
            member = self._names.get(key)
            if member and member is not peer:
                return member
        return None

    def of_stream(self, stream: str) -> Member | None:
        """Return whose stream it is."""
        if self._streams is None:
            self._streams = {member.stream: member for member in self.members}
        return self._streams.get(stream)

    def rename(self, peer: Member, name: str) -> None:
        """Give `peer` another name, which is free."""
        label = bool(self.members[peer])
        self._forget(peer.name)
        self._call(peer, name)
        self.members[peer] = f"{name}: ".encode() if label else b""

    def remove(self, peer: Member) -> None:
        """Let `peer` go."""
        del self.members[peer]
        self._forget(peer.name)
        self.sessions.pop(peer, None)
        self.meetings.forget(peer)
        if self._streams and self._streams.get(peer.stream) is peer:
            del self._streams[peer.stream]

    def without(self, peer: Member) -> tuple[Member, ...]:
        """Return everybody but `peer`."""
        return tuple(member for member in self.members if member is not peer)

    def max_lines(self, has_labels: bool) -> int:
        """Return how many lines may be said at once, so that no hearer's share of them is a flood; 0: any number.

        A label or an object around each makes megabytes of 64 KiB of bare newlines.
        """
        dialects = {member.dialect for member in self.members}
        if not all(dialect.framed for dialect in dialects):
            return FEW_LINES
        if any(dialect.expands for dialect in dialects):
            return MAX_OBJECTS
        return MAX_LINES if has_labels else 0

    def tell(self, message: Message, without: Member | None = None, to_sessions: bool = True) -> None:
        """Let every member but `without` hear `message`, rendered once a dialect; sessions only if they are to."""
        rendered: dict[Dialect, bytes] = {}
        for member in tuple(self.members):
            if member is not without and (to_sessions or not member.session):
                if member.dialect not in rendered:
                    rendered[member.dialect] = member.dialect.message(message)
                member.hear(rendered[member.dialect])

    def notice(self, message: Message, newcomer: Member | None, to_all: bool, at_once: bool) -> None:
        """Tell of who comes and goes, at once or with all the others of this turn.

        Sessions are told also where the mode announces nothing (`to_all`): they speak to those whom they know.
        """
        if not to_all:
            for member in self.members:
                if member.session and member is not newcomer:
                    member.tell(message)
        elif at_once:
            self.tell(message, without=newcomer)
        else:
            self.notices.add(message, newcomer)

    def tell_undelivered(self, event: Left) -> None:
        """Tell those who are here, or were, what the one who has left hasn't got of their words."""
        if event.undelivered:
            self.notices.tell()
        for speaker, lines, _, size in event.undelivered:
            speaker.tell(undelivered(event.why, lines, event.peer.name, size))

    def end_all(self, why: str, text: str, asked_by: Member | None) -> None:
        """Hang up on everybody who is here now, on some of many in this turn; who asked for it needs no reason."""
        if not self._is_ending:
            self._is_ending = True
            self._end_some(tuple(self.members), why, text, asked_by)

    def _end_some(self, ending: tuple[Member, ...], why: str, text: str, asked_by: Member | None) -> None:
        for member in ending[:ENDS_A_TURN]:
            member.end(why, "" if member is asked_by else text)
        if rest := ending[ENDS_A_TURN:]:
            self._soon(lambda: self._end_some(rest, why, text, asked_by))
        else:
            self._is_ending = False
