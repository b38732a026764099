"""A person is who types: each line they finish is a command, an answer, or something to say in a chat.

This module knows what the commands do. It does not know how lines are edited, nor what the hub says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...wire.text import clean_text
from ...wire.verbs import help_rows
from ..options import CLEAN
from . import commands
from .chat import Chat
from .events import Json
from .manner import is_farewell
from .outbox import UNSENT_LIMIT
from .rows import Row, notice
from .seams import World


class Person:
    """The person's side of a chat."""

    def __init__(self, chat: Chat, world: World) -> None:
        self._chat = chat
        self._world = world
        self._outbox = chat.outbox
        preferences = chat.preferences
        self._verbs: dict[str, Callable[..., object]] = {
            "say": self._say,
            "quit": self.quit,
            "help": self._help,
            "who": lambda: self._ask({"verb": "who"}),
            "nick": lambda name: self._ask({"verb": "nick", "name": name}),
            "join": lambda room: self._ask({"verb": "join", "room": room}),
            "me": lambda text: self._outbox.post({"verb": "me", "text": text}),
            "msg": self._msg,
            "ignore": self._ignore,
            "live": self._toggle_live,
            "time": lambda: chat.tell(preferences.toggle_times()),
            "bell": lambda when: chat.tell(preferences.ring(when)),
        }

    def enter(self, line: str) -> bool:
        """Do what the finished `line` asks; return False where it must be mended first and stays in the editor."""
        line = clean_text(line)
        if self._chat.asking and line.strip() != "/quit":
            self._answer(line.strip())
            return True
        if not line.strip():
            return True
        command = commands.read(line, self._chat.farewells)
        if isinstance(command, commands.Mistake):
            self._chat.tell(command.text)
            return False
        if not self._outbox.takes(len(line)):
            self._chat.tell("too much waits to be sent already; this line is still yours")
            return False
        self._verbs[command.verb](*command.args)
        return True

    def enter_all(self, lines: Sequence[str]) -> bool:
        """Say all the lines of a paste as they stand, or none; no slash word in one is a command."""
        if not self._outbox.takes(sum(map(len, lines))):
            self._chat.tell(f"a paste has at most {UNSENT_LIMIT} characters, not sent")
            return False
        for line in lines:
            self._say(line)
        return True

    def typing(self, draft: str) -> None:
        """Let the other end see the draft as it is now, where both want that (docs, section 7)."""
        if self._chat.streams and not self._chat.asking:
            self._outbox.draft(clean_text(draft))

    def quit(self, status: int = CLEAN) -> None:
        """Leave, and tell the hub."""
        self._chat.ending = True
        if self._outbox.open:
            self._outbox.now({"verb": "quit"})
        self._world.end(status)

    def _answer(self, name: str) -> None:
        self._chat.wanted = name
        self._outbox.now({"verb": "nick", "name": name})

    def _say(self, text: str) -> None:
        chat = self._chat
        chat.ending = is_farewell(text, chat.farewells)
        self._world.echo(self._own_row(text))
        self._outbox.post({"verb": "say", "text": text})
        chat.spoken = True

    def _own_row(self, text: str) -> Row:
        """Return an own line as it is marked here; the hub's echo of it is not shown again."""
        chat = self._chat
        if chat.manner.waits:
            return Row(text, chat.prompt, kind="plain")
        if chat.label == "port":
            return Row(text, kind="plain")
        return Row(text, f"{chat.name if chat.label else 'you'}: ", chat.name, "own")

    def _msg(self, to: str, text: str) -> None:
        self._world.show(notice(f"you tell {to}: {text}"))
        self._outbox.post({"verb": "msg", "to": to, "text": text})

    def _ignore(self, name: str) -> None:
        self._chat.tell(self._chat.preferences.ignore(name))
        for writer in [writer for writer in self._chat.drafts if not self._chat.preferences.hears(writer)]:
            del self._chat.drafts[writer]

    def _toggle_live(self) -> None:
        chat = self._chat
        if chat.manner.keyed or chat.seats != 2:
            chat.tell(f"live typing is {'always on in this mode' if chat.manner.keyed else 'for two'}")
            return
        self.typing("")
        chat.live = not chat.live
        chat.drafts.clear()
        chat.tell(f"live typing is {'on, if the other end has it on too' if chat.live else 'off'}")

    def _help(self) -> None:
        for row in help_rows(commands.COMMANDS.values()):
            self._chat.tell(row)

    def _ask(self, verb: Json) -> None:
        """Send what makes sense at once only."""
        if self._outbox.open:
            self._outbox.now(verb)
        else:
            self._chat.tell("not connected")
