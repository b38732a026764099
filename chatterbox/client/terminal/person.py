"""A person is who types: each line they finish is a command, an answer, or something to say in a chat.

This module knows what the commands do. It does not know how lines are edited, nor what the hub says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...wire.text import clean_text
from ..options import CLEAN
from . import commands
from .chat import Chat
from .events import Json
from .manner import is_farewell
from .outbox import UNSENT_LIMIT
from .rows import Row, notice
from .seams import World

SAYING = frozenset({"say", "me", "msg", "r"})
"""Commands that say something."""


SAID_ALL = "you have said /done, so nothing more is sent; /quit leaves"


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
            "done": self._done,
            "help": world.help,
            "who": lambda: self._ask({"verb": "who"}),
            "nick": lambda name: self._ask({"verb": "nick", "name": name}),
            "join": lambda room: self._ask({"verb": "join", "room": room}),
            "me": lambda text: self._outbox.post({"verb": "me", "text": text}),
            "msg": self._msg,
            "r": self._reply,
            "ignore": lambda name: chat.tell(preferences.ignore(name)),
            "live": self._toggle_live,
            "time": lambda: chat.tell(preferences.toggle_times()),
            "bell": lambda when: chat.tell(preferences.ring(when)),
            "log": lambda path: chat.tell(world.log(path)),
            "clear": world.clear,
        }

    def enter(self, line: str) -> bool:
        """Do what the finished `line` asks; return False where it can't be sent as it is and stays in the editor."""
        line = clean_text(line)
        if self._chat.asking and line.strip() != "/quit":
            self._answer(line.strip())
            return True
        if not line.strip():
            return True
        command = commands.read(line, self._chat.farewells)
        if isinstance(command, commands.Mistake):
            self._chat.tell(command.text)
            return True
        if fault := self._fault(max(command.args, key=len, default="")):
            self._chat.tell(fault)
            return False
        if self._chat.said_all and command.verb in SAYING:
            self._chat.tell(SAID_ALL)
            return True
        self._verbs[command.verb](*command.args)
        return True

    def enter_all(self, lines: Sequence[str]) -> bool:
        """Say all the lines of a paste as they stand, or none; no slash word in one is a command."""
        if not self._outbox.takes(sum(map(len, lines))):
            self._chat.tell(f"a paste has at most {UNSENT_LIMIT} characters, not sent")
            return False
        if fault := self._fault(max(lines, key=len)):
            self._chat.tell(f"{fault}, nor is the rest of the paste")
            return False
        if self._chat.said_all:
            self._chat.tell(SAID_ALL)
            return False
        for line in lines:
            self._say(line)
        return True

    def _fault(self, text: str) -> str:
        """Return why `text` can't be sent, or an empty string where it can."""
        size = len(text.encode(errors="replace"))
        if size > self._chat.max_line:
            return f"line too long ({size} bytes, at most {self._chat.max_line}): not sent"
        return "" if self._outbox.takes(len(text)) else "too much waits to be sent already: not sent"

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
        self._world.show(notice(f"to {to} (private): {text}"))
        self._outbox.post({"verb": "msg", "to": to, "text": text})

    def _reply(self, text: str) -> None:
        if self._chat.teller:
            self._msg(self._chat.teller, text)
        else:
            self._chat.tell("nobody has told you anything in private yet")

    def _done(self) -> None:
        self._chat.said_all = True
        self._outbox.post({"verb": "done"})
        self._chat.tell("you say no more, and listen on; /quit leaves")

    def _toggle_live(self) -> None:
        chat = self._chat
        if chat.manner.keyed:
            chat.tell("live typing is always on in this mode")
            return
        self.typing("")
        chat.live = not chat.live
        chat.tell(f"live typing is {'on, with everybody who has it on too' if chat.live else 'off'}")

    def _ask(self, verb: Json) -> None:
        """Send what makes sense at once only."""
        if self._outbox.open:
            self._outbox.now(verb)
        else:
            self._chat.tell("not connected")
