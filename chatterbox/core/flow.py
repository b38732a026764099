"""Flow is who has to wait in a room: in a pair a speaker for its hearer, elsewhere only a speaker of much, for a blink.

It also opens the fast path between two text peers of a pair, and closes it before anything happens but that they speak.
It does not know what is said, nor how anybody is made to wait.
"""

from __future__ import annotations

from collections.abc import Collection

from .events import Member
from .held import Held
from .modes import Mode


class Flow:
    """The waiting of one room.

    Args:
        members: who is there.
        held: what is held for who isn't; `most` bytes of it make its speakers wait.
        mode: how many seats there are: of two ends a slow one slows the other, and neither loses a line.
    """

    __slots__ = ("_echo", "_held", "_is_pair", "_members", "_most", "_opens", "has_closed", "speaker")

    def __init__(self, members: Collection[Member], held: Held, most: int, mode: Mode) -> None:
        self.speaker: Member | None = None
        """Whose doing it is that somebody hears something."""
        self._members = members
        self._held = held
        self._most = most
        self._is_pair = mode.seats == 2
        self._echo = mode.echo
        self._opens = mode.is_verbatim
        """Whether fast paths are opened here at all."""
        self.has_closed = False
        """Whether fast paths were closed, and perhaps may be opened again."""

    def close_fast_paths(self) -> None:
        """Let each member's lines come to the room again, since something happens in it."""
        if self._opens and not self.has_closed:
            self.has_closed = True
            for member in self._members:
                member.speak_past_room(None)

    def open_fast_paths(self, is_numbered: bool) -> None:
        """Let two members speak past the room, if lines have no numbers here, and neither has finished."""
        self.has_closed = False
        members = tuple(self._members)
        if len(members) == 2 and not is_numbered and not any(member.finished for member in members):
            for speaker, hearer in (members, members[::-1]):
                speaker.speak_past_room(hearer)

    def hearer_is_full(self, hearer: Member) -> None:
        """Let whoever speaks to `hearer` wait: in a pair as long as it takes, elsewhere for the time a reader needs."""
        if self._is_pair:
            for member in tuple(self._members):
                if member is not hearer or self._echo:
                    member.hold()
        elif self.speaker and self.speaker.bulk:
            self.speaker.wait()

    def hearer_is_drained(self, hearer: Member) -> None:
        """Let who waited for `hearer` go on, if nothing else speaks against it."""
        if self._is_pair:
            for member in tuple(self._members):
                self.release(member)

    def hold(self) -> None:
        """Let those wait who have to, now that somebody has come."""
        if self._held.size >= self._most or (self._is_pair and any(member.full for member in self._members)):
            for member in tuple(self._members):
                if self.has_to_wait(member):
                    member.hold()

    def has_to_wait(self, peer: Member) -> bool:
        """Return whether enough is held for a partner, or too much waits for one who hears `peer` in a pair."""
        if self._held.size >= self._most:
            return True
        return self._is_pair and any(member.full for member in self._members if member is not peer or self._echo)

    def release(self, peer: Member) -> None:
        """Let `peer` be read again, unless there is still something to wait for."""
        if not self.has_to_wait(peer):
            peer.release()
