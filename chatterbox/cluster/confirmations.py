"""A confirmation is what a node owes another about a guest: how much it has taken, or how much of its words is handled.

It leaves with the next post. Where nothing else is to be said there is one soon, and at once if the other end may be
waiting for it. This module does not know rooms, or which nodes live.
"""

from __future__ import annotations

from .channel import Channel
from .links import LAZY, Links
from .visit import KIB, Visit

CREDIT = 16 * KIB
"""Bytes that are confirmed at once; fewer wait for a payload to travel with."""
GLANCE = 0.1
"""Seconds until it is looked again whether a guest's machine has acknowledged what it was sent."""


class Confirmations:
    """What this node owes the others.

    Args:
        links: the way to them.
    """

    def __init__(self, links: Links) -> None:
        self._links = links
        self._channels: dict[Channel, None] = {}
        """Guests here, of whose words something may be handled."""
        self._visits: dict[Visit, None] = {}
        """Guests elsewhere, who may have taken something."""

    def owe_handled(self, channel: Channel) -> None:
        """Confirm what a guest here has said with the very post that carries what it led to, if it led to anything."""
        self._channels[channel] = None
        self._links.post_soon(0 if channel.unconfirmed >= CREDIT else LAZY)

    def owe_taken(self, visit: Visit) -> None:
        """Confirm what a guest elsewhere has taken."""
        self._visits[visit] = None
        self._links.post_soon(0 if visit.unconfirmed >= CREDIT else LAZY)

    def forget_channel(self, channel: Channel) -> None:
        """Owe nothing to a guest that is gone."""
        self._channels.pop(channel, None)

    def forget_visit(self, visit: Visit) -> None:
        """Owe nothing to the owner of a visit that is over."""
        self._visits.pop(visit, None)

    def complete(self) -> None:
        """Say what belongs to the post that leaves now."""
        is_in_haste = self._links.has_words
        for channel in tuple(self._channels):
            if channel.complete():
                self._channels.pop(channel, None)
        for visit in tuple(self._visits):
            if visit.confirm(is_in_haste and visit.unconfirmed < CREDIT):
                del self._visits[visit]
        if self._visits:
            self._links.post_later(GLANCE)
