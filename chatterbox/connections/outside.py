"""Outside wait the sessions that want to say something and hear nothing, until there is somebody to hear them.

Beside one another they would swallow each other's lines. This module knows who waits for which room, and who is next.
"""

from __future__ import annotations

from ..core.hub import Hub
from ..core.peer import Peer


class Outside:
    """Those who wait, by room, in order of arrival.

    Args:
        hub: whose rooms they wait for.
        most: how many may wait for one room.
    """

    def __init__(self, hub: Hub, most: int) -> None:
        self._hub = hub
        self._most = most
        self._waiting: dict[str, dict[Peer, None]] = {}

    def wait(self, peer: Peer) -> bool:
        """Let `peer` wait for the room that it wants; return whether there was space for one more."""
        waiting = self._waiting.setdefault(peer.wanted_room, {})
        if len(waiting) >= self._most and peer not in waiting:
            return False
        waiting[peer] = None
        return True

    def forget(self, peer: Peer) -> None:
        """`peer` waits no longer."""
        waiting = self._waiting.get(peer.wanted_room)
        if waiting is not None:
            waiting.pop(peer, None)
            if not waiting:
                del self._waiting[peer.wanted_room]
                self._hub.is_waited_for_no_more(peer.wanted_room)

    def waiting(self, room: str) -> tuple[Peer, ...]:
        """Return who waits for `room`."""
        return tuple(self._waiting.get(room, ()))

    def next(self, room: str) -> Peer | None:
        """Return who may sit down in `room` now: where a listener and a free seat are, one at a time."""
        there = self._hub.rooms.get(room)
        if room not in self._waiting or there is None or not there.has_seat:
            return None
        listens = any(member.listens and not member.away for member in there.members)
        return next(iter(self._waiting[room])) if listens else None
