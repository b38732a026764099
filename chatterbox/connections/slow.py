"""A slow reader is a peer that doesn't take what waits for it: its speakers wait, or it is let go, in time.

This module watches one connection's outlet. It does not know who speaks, or what the words mean.
"""

from __future__ import annotations

from typing import Protocol

from ..core.peer import Peer
from ..limits import Limits
from .inlet import Inlet
from .outlet import Outlet
from .timers import Timers

PULSE = 10.0
"""Seconds between two looks at a link from which nothing is read."""


class Watched(Protocol):
    """What a watch needs of its connection."""

    peer: Peer
    inlet: Inlet
    outlet: Outlet
    timers: Timers

    def break_off(self) -> None:
        """Cut the link, and keep the seat."""


class Watch:
    """The hearer that an outlet tells of its state.

    Args:
        connection: whose outlet it is.
        limits: how much may wait, and for how long.
        is_pair: whether two ends meet in this hub's rooms.
    """

    __slots__ = ("_connection", "_is_pair", "_limits")

    def __init__(self, connection: Watched, limits: Limits, is_pair: bool) -> None:
        self._connection = connection
        self._limits = limits
        self._is_pair = is_pair

    def is_full(self) -> None:
        """Let the room know who is to wait for this hearer, and the clock for how long."""
        peer = self._connection.peer
        if peer.gone:
            return
        if self._is_pair or not peer.session:
            self._look_in(self._limits.pair_patience if self._is_pair else self._limits.room_patience)
        if peer.room:
            peer.room.hearer_is_full(peer)

    def _look_in(self, patience: float) -> None:
        outlet = self._connection.outlet
        before = outlet.acknowledged(), outlet.link_state().outages

        def look() -> None:
            state = outlet.link_state()
            if before == (outlet.acknowledged(), state.outages) and not state.is_cut_off:
                self._connection.peer.end("slow", f"you took nothing for {patience:.0f} s")
            else:
                self._look_in(patience)

        self._connection.timers.after("slow", patience, look)

    def is_over(self) -> None:
        """Let a slow reader go with a reason; a session loses its link only, and hears of its gap when it is back."""
        if self._connection.peer.session:
            self._connection.break_off()
        else:
            self._connection.peer.end("slow", "too much waited for you")

    def is_drained(self) -> None:
        """Take note that this hearer has caught up."""
        connection = self._connection
        connection.timers.cancel("slow")
        connection.inlet.release("answers")
        if connection.peer.room:
            connection.peer.room.hearer_is_drained(connection.peer)
