"""The textbook chat is what a Twisted user would write in an afternoon: a LineReceiver, a dict of users, `sendLine`.

`python -m benchmarks.textbook PORT`. It stands here to be compared with, and knows nothing of Chatterbox.
"""

from __future__ import annotations

import sys
from typing import Any, cast

from twisted.internet import reactor as installed
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure


class Chat(LineReceiver):
    """One user."""

    def __init__(self, users: dict[bytes, Chat]) -> None:
        self.users = users
        self.name = b""

    def connectionMade(self) -> None:
        """Ask for a name."""
        self.sendLine(b"What's your name?")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the user."""
        self.users.pop(self.name, None)

    def lineReceived(self, line: bytes) -> None:
        """The first line is the name, every other is said to everyone else."""
        if not self.name:
            self.name = line
            self.users[line] = self
            self.sendLine(b"Welcome, " + line + b"!")
            return
        for user in self.users.values():
            if user is not self:
                user.sendLine(b"<" + self.name + b"> " + line)


class ChatFactory(Factory):
    """Gives every user the same dict."""

    def __init__(self) -> None:
        self.users: dict[bytes, Chat] = {}

    def buildProtocol(self, addr: IAddress | None) -> Chat:
        """Twisted calls this for each connection."""
        return Chat(self.users)


if __name__ == "__main__":
    reactor = cast(Any, installed)
    reactor.listenTCP(int(sys.argv[1]), ChatFactory(), interface="127.0.0.1")
    reactor.run()
