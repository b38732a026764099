"""Notices of who comes and goes in a larger room are gathered, and told to each member at once when the turn is over.

A thousand who join in one burst would else be a million writes. Whatever else is told to the members comes after them.
This module does not know why anybody comes or goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from ..wire.dialects import Dialect, Message
from .events import Member

Soon = Callable[[Callable[[], None]], None]
"""Calls a function when this turn of the reactor is over, or at once."""


class Notices:
    """The notices of one room that are not told yet.

    Args:
        soon: calls a function when this turn is over.
        members: who is to be told: those who are among them when it comes to that.
    """

    __slots__ = ("_members", "_since", "_soon", "messages")

    def __init__(self, soon: Soon, members: Collection[Member]) -> None:
        self._soon = soon
        self._members = members
        self.messages: list[Message] = []
        """What is not told yet."""
        self._since: dict[Member, int] = {}
        """How many of the messages are older than a member who has come since."""

    def add(self, message: Message, newcomer: Member | None = None) -> None:
        """Tell all members of `message` soon; a `newcomer` hears of what comes after it, and not of itself."""
        self.messages.append(message)
        if newcomer is not None:
            self._since[newcomer] = len(self.messages)
        if len(self.messages) == 1:
            self._soon(self.tell)

    def tell(self) -> None:
        """Tell them now: each member in one write, and rendered once for all of one dialect and one beginning."""
        if not self.messages:
            return
        messages, since = self.messages, self._since
        self.messages, self._since = [], {}
        rendered: dict[tuple[Dialect, int], bytes] = {}
        rows: dict[Dialect, list[bytes]] = {}
        for member in tuple(self._members):
            key = member.dialect, since.get(member, 0)
            if key not in rendered:
                if member.dialect not in rows:
                    rows[member.dialect] = [member.dialect.message(message) for message in messages]
                rendered[key] = b"".join(rows[member.dialect][key[1] :])
            member.hear(rendered[key])
