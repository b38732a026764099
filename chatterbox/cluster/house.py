"""The house is the hub at this node, as the cluster needs it: rooms that live here, and people who come to them.

This module is the list of what is asked of it. It does not know what rooms are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .channel import Channel, Far
from .visit import Neighbour


class House(Protocol):
    """The hub at this node."""

    def visited(self, channel: Channel) -> Far:
        """Make a peer of a guest from another node; it takes its seat when it is told to."""

    def sits_elsewhere(self, stream: str, digest: str, tries: str, room: str) -> None:
        """A session has a seat at another node: keep none for it here, unless it has come here since."""

    def is_open(self, room: str) -> bool:
        """Whether anybody sits in `room` here, or waits outside it."""

    def is_whole(self, room: str) -> bool:
        """Whether every seat of `room` is taken by somebody who is connected to this node."""

    def locals(self, room: str) -> Iterable[Neighbour]:
        """Return who sits in `room` and is connected to this node."""

    def outside(self, room: str) -> Iterable[Neighbour]:
        """Return who waits outside `room`, until somebody there hears them, and is connected to this node."""

    def replaced(self) -> None:
        """Another hub runs under this one's name: end."""

    def note(self, text: str) -> None:
        """Tell the operator."""
