"""An audience is the members of one room in order of joining, with their labels and names; it tells all of them.

It does not know what they say to each other, nor why anybody comes or goes.
"""

from __future__ import annotations

from ..wire.dialects import Dialect, Message
from .events import Member
from .notices import Notices, Soon


class Audience:
    """The members of one room.

    Args:
        soon: calls a function when this turn is over, or at once.
    """

    __slots__ = ("members", "names", "notices")

    def __init__(self, soon: Soon) -> None:
        self.members: dict[Member, bytes] = {}
        """Each member's label, as it stands before its lines."""
        self.names: dict[str, Member] = {}
        """Members by case-folded name."""
        self.notices = Notices(soon, lambda: self.members)

    def add(self, peer: Member, name: str, has_label: bool) -> None:
        """Let `peer` in, under a name that is free."""
        peer.name = name
        self.names[name.casefold()] = peer
        self.members[peer] = f"{name}: ".encode() if has_label else b""

    def rename(self, peer: Member, name: str) -> None:
        """Give `peer` another name, which is free."""
        label = bool(self.members[peer])
        del self.names[peer.name.casefold()]
        self.names[name.casefold()] = peer
        peer.name = name
        self.members[peer] = f"{name}: ".encode() if label else b""

    def remove(self, peer: Member) -> None:
        """Let `peer` go."""
        del self.members[peer]
        del self.names[peer.name.casefold()]

    def without(self, peer: Member) -> tuple[Member, ...]:
        """Return everybody but `peer`."""
        return tuple(member for member in self.members if member is not peer)

    def tell(self, message: Message, without: Member | None = None) -> None:
        """Let every member but `without` hear `message`, rendered once for each dialect."""
        rendered: dict[Dialect, bytes] = {}
        for member in tuple(self.members):
            if member is not without:
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
