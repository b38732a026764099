"""A chat without a terminal and without a hub: what it says and shows is remembered, and tests look at it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.company import Company
from chatterbox.client.terminal.chat import Chat
from chatterbox.client.terminal.commands import help_about
from chatterbox.client.terminal.person import Person
from chatterbox.client.terminal.rows import PLAIN, Row, dress, notice
from chatterbox.wire.hearing import Hearing
from chatterbox.wire.numbering import GOT, Outbox, Outcome
from tests.harness.played import WELCOME

BOB = "b" * 16


class World:
    """What is around a chat: it remembers."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.kinds: list[str] = []
        self.rings = 0
        self.ended: list[tuple[int, str]] = []

    def put(self, row: Row) -> None:
        """Remember what was shown."""
        self.rows.append(dress(row, PLAIN))
        self.kinds.append(row.kind)

    echo = put

    def help(self, about: str) -> None:
        """Show what the help says, at 80 columns."""
        for row in help_about(75, (), about):
            self.put(notice(row))

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


class Courier:
    """A session that the test plays: it remembers what is to be said, and takes it or not."""

    def __init__(self) -> None:
        self.numbered = True
        self.up = self.full = False
        self.company = Company(Outbox(), Hearing())
        self.next_mark = 0
        self.sent: list[dict[str, object]] = []

    def say(self, lines: bytes, kind: str = "say", to: str = "") -> int:
        """Take a line."""
        self.sent.append({"verb": kind, "text": lines.decode()[:-1]} | ({"to": to} if to else {}))
        self.next_mark += 1
        return self.next_mark - 1

    def finish(self) -> None:
        """Remember."""
        self.sent.append({"verb": "done"})

    def join(self, room: str) -> None:
        """Remember."""
        self.sent.append({"verb": "join", "room": room})

    def rename(self, name: str) -> None:
        """Remember."""
        self.sent.append({"verb": "nick", "name": name})

    answer = rename

    def leave(self, wait: float = 0.0, status: int = 0) -> None:
        """Remember."""
        self.sent.append({"verb": "quit", "wait": wait})

    def abandon(self, status: int) -> None:
        """Remember."""
        self.sent.append({"verb": "quit", "why": "lost"})

    def send(self, verb: dict[str, object]) -> bool:
        """Take what has no number, where there is a link."""
        if self.up:
            self.sent.append(verb)
        return self.up


class ChatCase(SynchronousTestCase):
    """A chat that was welcomed in mode `pair`, as ann, with bob."""

    def setUp(self) -> None:
        """Welcome it."""
        self.welcome()

    def welcome(self, mode: str = "pair", **more: object) -> None:
        """Begin again, in another mode."""
        self.begin("ann")
        self.courier.numbered = mode in ("pair", "room", "ports")
        self.welcomed(mode=mode, **more)
        self.greeting, self.out.rows = self.out.rows, []

    def begin(self, name: str = "") -> None:
        """Begin again, without a welcome."""
        self.out = World()
        self.courier = Courier()
        self.chat = Chat(self.out, self.courier, name)
        self.person = Person(self.chat, self.out, self.courier)

    def welcomed(self, *others: str, away: bool = False, **more: object) -> list[str]:
        """Let the hub say welcome on a new link, with bob or these `others`; return what it put on the screen."""
        rows = [{"name": name, "stream": name[:1] * 16, "session": True, "away": away} for name in others or ("bob",)]
        self.courier.up = True
        if self.courier.numbered:
            self.courier.company.welcome({"ends": rows}, 0)
        return self.hear(**WELCOME | {"ends": rows} | more)

    def cut(self) -> list[str]:
        """Lose the link; return what it put on the screen."""
        before = len(self.out.rows)
        self.courier.up = False
        self.chat.waits(2.4, "it broke")
        return self.out.rows[before:]

    def told(self, first: int, lines: int, word: str = GOT) -> list[str]:
        """Let the session tell what became of lines; return what it put on the screen."""
        before = len(self.out.rows)
        self.chat.told(Outcome(word, first, lines))
        return self.out.rows[before:]

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
        """Return what was said since the last time."""
        sent, self.courier.sent[:] = list(self.courier.sent), []
        return sent
