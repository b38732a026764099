"""Notices of who comes and goes in a larger room are gathered, and told to each member at once when the turn is over.

A thousand who join in one burst would else be a million writes. Whatever else is told to the members comes after them.
This module does not know why anybody comes or goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..wire.dialects import Dialect, Message
from .events import Member

Soon = Callable[[Callable[[], None]], None]
"""Calls a function when this turn of the reactor is over, or at once."""


class Notices:
    """The notices of one room that are not told yet.

    Args:
        soon: calls a function when this turn is over.
        members: returns who is to be told, when it comes to that.
    """

    __slots__ = ("_members", "_messages", "_since", "_soon")

    def __init__(self, soon: Soon, members: Callable[[], Iterable[Member]]) -> None:
        self._soon = soon
        self._members = members
        self._messages: list[Message] = []
        self._since: dict[Member, int] = {}
        """How many of the messages are older than a member who has come since."""

    def add(self, message: Message, newcomer: Member | None = None) -> None:
        """Tell all members of `message` soon; a `newcomer` hears of what comes after it, and not of itself."""
        self._messages.append(message)
        if newcomer is not None:
            self._since[newcomer] = len(self._messages)
        if len(self._messages) == 1:
            self._soon(self.tell)

    def tell(self) -> None:
        """Tell them now: each member in one write, and rendered once for all of one dialect and one beginning."""
        if not self._messages:
            return
        messages, since = self._messages, self._since
        self._messages, self._since = [], {}
        rendered: dict[tuple[Dialect, int], bytes] = {}
        rows: dict[Dialect, list[bytes]] = {}
        for member in tuple(self._members()):
            key = member.dialect, since.get(member, 0)
            if key not in rendered:
                if member.dialect not in rows:
                    rows[member.dialect] = [member.dialect.message(message) for message in messages]
                rendered[key] = b"".join(rows[member.dialect][key[1] :])
            member.hear(rendered[key])
