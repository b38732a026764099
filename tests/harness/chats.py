"""A chat without a terminal and without a hub: what it sends and shows is remembered, and tests look at it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.terminal.chat import Chat
from chatterbox.client.terminal.commands import help_about
from chatterbox.client.terminal.person import Person
from chatterbox.client.terminal.rows import PLAIN, Row, dress, notice
from tests.harness.played import WELCOME


class Fake:
    """A world that remembers."""

    def __init__(self) -> None:
        self.sent: list[dict[str, object]] = []
        self.rows: list[str] = []
        self.kinds: list[str] = []
        self.rings = 0
        self.ended: list[tuple[int, str]] = []

    def send(self, verb: dict[str, object]) -> None:
        """Remember what was sent."""
        self.sent.append(verb)

    def show(self, row: Row) -> None:
        """Remember what was shown."""
        self.rows.append(dress(row, PLAIN))
        self.kinds.append(row.kind)

    echo = show

    def help(self, about: str) -> None:
        """Show what the help says, at 80 columns."""
        for row in help_about(75, (), about):
            self.show(notice(row))

    def clear(self) -> None:
        """Forget what was shown."""
        self.rows.clear()

    def log(self, path: str) -> str:
        """Take note of nothing."""
        return f"logged to {path}"

    def ring(self) -> None:
        """Count."""
        self.rings += 1

    def end(self, status: int, why: str = "") -> None:
        """Remember how it ended."""
        self.ended.append((status, why))


class ChatCase(SynchronousTestCase):
    """A chat that was welcomed in mode `pair`, as ann, with bob."""

    def setUp(self) -> None:
        """Welcome it."""
        self.welcome()

    def welcome(self, mode: str = "pair", **more: object) -> None:
        """Begin again, in another mode."""
        self.begin()
        self.chat.heard(WELCOME | {"mode": mode} | more)
        self.greeting, self.out.rows = self.out.rows, []

    def begin(self) -> None:
        """Begin again, without a welcome."""
        self.out = Fake()
        self.chat = Chat(self.out)
        self.person = Person(self.chat, self.out)

    def hear(self, event: str, **fields: object) -> list[str]:
        """Let the hub say something; return what it put on the screen."""
        before = len(self.out.rows)
        self.chat.heard({"event": event, **fields})
        return self.out.rows[before:]

    def enter(self, line: str) -> list[str]:
        """Let the person enter a line; return what it put on the screen."""
        before = len(self.out.rows)
        self.person.enter(line)
        return self.out.rows[before:]

    def take(self) -> list[dict[str, object]]:
        """Return what was sent since the last time."""
        sent, self.out.sent[:] = list(self.out.sent), []
        return sent
