"""A person is who types: each line they finish is a command, an answer, or something to say in a chat.

This module knows what the commands do. It does not know how lines are edited, nor what the hub says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...limits import Limits
from ...wire.names import fold, read_name
from ...wire.text import clean_text
from ..options import CLEAN
from . import commands
from .chat import Chat
from .events import Json, short
from .manner import is_farewell
from .rows import Row, notice
from .seams import Courier, World
from .voice import UNSENT_LIMIT, Saying

SAYING = frozenset({"say", "me", "msg", "r"})
"""Commands that say something."""
SAID_ALL = "you have said /done, so nothing more is sent; /quit leaves"
NAMELESS = "this server doesn't tell who says what: nobody can be ignored"
LEAVE_PATIENCE = 2.0
"""Seconds that a person waits, who leaves, for the others to get the last lines; a second /quit waits no longer."""


class Person:
    """The person's side of a chat."""

    def __init__(self, chat: Chat, world: World, courier: Courier) -> None:
        self._chat = chat
        self._world = world
        self._voice = chat.voice
        self._courier = courier
        preferences = chat.preferences
        self._verbs: dict[str, Callable[..., object]] = {
            "say": self._say,
            "quit": self.quit,
            "done": self._done,
            "help": world.help,
            "who": lambda: self._ask({"verb": "who"}),
            "nick": self._nick,
            "join": self._join,
            "me": self._me,
            "msg": self._msg,
            "r": self._reply,
            "ignore": self._ignore,
            "live": self._toggle_live,
            "time": lambda: chat.tell(preferences.toggle_times()),
            "bell": lambda when: chat.tell(preferences.ring(when)),
            "log": lambda path: chat.tell(world.log(path)),
            "clear": world.clear,
        }

    def enter(self, line: str) -> bool:
        """Do what the finished `line` asks; return False where it can't be sent as it is and stays in the editor."""
        line = clean_text(line)
        if self._chat.leaving and line.strip() != "/quit":
            return False
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
            return self._refuse(fault)
        if self._chat.said_all and command.verb in SAYING:
            self._chat.tell(SAID_ALL)
            return True
        self._verbs[command.verb](*command.args)
        return True

    def enter_all(self, lines: Sequence[str]) -> bool:
        """Say all the lines of a paste as they stand, or none; no slash word in one is a command."""
        if not self._voice.takes(sum(map(len, lines))):
            return self._refuse(f"not sent: a paste has at most {UNSENT_LIMIT} characters")
        if fault := self._fault(max(lines, key=len)):
            return self._refuse(f"{fault} a line; the whole paste waits")
        if self._chat.said_all:
            return self._refuse(SAID_ALL)
        for line in lines:
            self._say(line)
        return True

    def edited(self, draft: str) -> None:
        """Count again, where the draft was refused: what is refused stands in the status until it is mended."""
        if self._chat.refusal:
            command = commands.read(clean_text(draft), self._chat.farewells)
            words = () if isinstance(command, commands.Mistake) else command.args
            self._chat.refusal = self._fault(max(words, key=len, default=""))

    def _refuse(self, fault: str) -> bool:
        """Tell why what was entered stays in the editor: also in the status, since a long line fills the screen."""
        self._chat.tell(fault)
        self._chat.refusal = fault
        return False

    def _fault(self, text: str) -> str:
        """Return why `text` can't be sent, or an empty string where it can."""
        size = len(text.encode(errors="replace"))
        if size > self._chat.max_line:
            return f"not sent: {size} bytes, at most {self._chat.max_line}"
        return "" if self._voice.takes(len(text)) else "not sent: too much waits already"

    def typing(self, draft: str) -> None:
        """Let the other end see the draft as it is now, where both want that (docs, section 7)."""
        if self._chat.streams and not self._chat.asking:
            self._voice.draft(clean_text(draft))

    def quit(self) -> None:
        """Leave as soon as the others have got all, or soon; the second time at once."""
        chat, again = self._chat, self._chat.leaving
        chat.leaving = True
        chat.undelivered(self._voice.give_up())
        if again:
            self._courier.abandon(CLEAN)
        else:
            alone = not any(not end.away for end in self._courier.company.ends.values())
            self._courier.leave(0.0 if alone or not self._courier.up else LEAVE_PATIENCE)

    def _answer(self, name: str) -> None:
        """Give the hub a name; who enters none keeps the one that the hub has given."""
        chat = self._chat
        name, fault = read_name(name, Limits().max_name) if name or not chat.mode else ("", "")
        if fault:
            chat.tell(fault)
            return
        chat.asking = bool(name and chat.mode)
        if name:
            chat.wish = name
            chat.name = chat.name if chat.mode else name
            self._courier.answer(name)

    def _nick(self, name: str) -> None:
        self._chat.wish = name
        self._courier.rename(name)

    def _say(self, text: str) -> None:
        """Say a line; a farewell ends the stay at the hub, and nobody is to get it."""
        chat = self._chat
        chat.ending = is_farewell(text, chat.farewells)
        self._world.echo(self._own_row(text))
        chat.spoken = True
        if chat.ending and self._courier.numbered:
            if not self._courier.send({"verb": "say", "text": text}):
                self.quit()
            return
        self._voice.post(Saying(text))

    def _me(self, text: str) -> None:
        self._world.put(Row(text, f"* {self._chat.name} ", self._chat.name, "own"))
        self._voice.post(Saying(text, "me"))

    def _join(self, room: str) -> None:
        if self._courier.up and room == self._chat.room:
            self._chat.tell(f"you are in {room} already")
        else:
            self._courier.join(room)

    def _own_row(self, text: str) -> Row:
        """Return an own line as it is marked here; the hub's echo of it is not shown again."""
        chat = self._chat
        if chat.manner.waits:
            return Row(text, chat.prompt, kind="plain")
        if chat.label == "port":
            return Row(text, kind="plain")
        return Row(text, f"{chat.name if chat.label else 'you'}: ", chat.name, "own")

    def _msg(self, name: str, text: str) -> None:
        """Say something to one end: a session's lines go by streams, others by names."""
        to = name
        if self._courier.numbered:
            ends = self._courier.company.ends.items()
            to = next((stream for stream, end in ends if fold(short(end.name)) == fold(name)), "")
        if not to:
            self._chat.tell(f"nobody here is called {name}: not sent")
            return
        self._world.put(notice(f"to {name} (private): {text}"))
        self._voice.post(Saying(text, "msg", to))

    def _ignore(self, name: str) -> None:
        chat = self._chat
        nameless = chat.mode == "bare" and name
        chat.tell(NAMELESS if nameless else chat.preferences.ignore(name, chat.others))

    def _reply(self, text: str) -> None:
        if self._chat.teller:
            self._msg(self._chat.teller, text)
        else:
            self._chat.tell("nobody has told you anything in private yet")

    def _done(self) -> None:
        """Say that all is said; in a larger room nobody waits for that word."""
        if self._courier.numbered and self._chat.seats != 2:
            self._chat.tell("/done is for two: here /quit leaves")
            return
        self._chat.said_all = True
        self._courier.finish()
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
        if not self._courier.send(verb):
            self._chat.tell("not connected")
