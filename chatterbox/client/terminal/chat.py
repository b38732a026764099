"""A chat is a conversation as one client knows it: who is here, what was said, what still has to be sent.

It hears the hub's events and its person's lines, and tells an `Outlet` what to send and what to show. It does not
know sockets, keys or escape sequences, and it has no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ...wire.text import clean_text
from ..options import CLEAN, REFUSED
from ..terminal import commands
from .events import Event, number, text, word, words
from .manner import CONFIRMATION, MANNERS, VERDICT, Manner, is_farewell
from .outbox import UNSENT_LIMIT, Outbox, Verb
from .preferences import Wishes
from .rows import Draft, Row, company, mentions, notice

DRAFTERS = 8
"""People whose drafts are followed at once; a draft is for two, and a hub may lie."""


class Outlet(Protocol):
    """What a conversation needs of the world."""

    def send(self, verb: Verb) -> None:
        """Pass one object to the hub; only called while there is a link."""

    def show(self, row: Row) -> None:
        """Put one row on the screen."""

    def echo(self, row: Row) -> None:
        """Put the person's own words on the screen, unless they are there already."""

    def ring(self) -> None:
        """Ring the terminal's bell."""

    def end(self, status: int, why: str = "") -> None:
        """Leave, with this exit status; `why` is a sentence where it isn't the person's own wish."""


class Chat:
    """One person's side of a conversation, over as many connections as it takes."""

    def __init__(self, outlet: Outlet, name: str = "", room: str = "", live: bool = False) -> None:
        self.wanted = name
        """The name that the person chose; an empty string: whatever the hub gives."""
        self.name = name
        self.room = room
        self.live = live
        self.mode = ""
        self.manner = Manner()
        self.seats: int | None = None
        self.label: str | None = None
        self.farewells: list[str] = []
        self.here: list[str] = []
        self.drafts: dict[str, Draft] = {}
        self.wishes = Wishes()
        self.outbox = Outbox(outlet.send)
        self.trouble = "connecting"
        """What is the matter with the link; an empty string: nothing."""
        self.asking = False
        """Whether the next line is an answer to the hub's question for a name."""
        self.confirmed = False
        self.spoken = False
        self.ending = False
        """Whether the hub's closing would be the end that was agreed, and not a lost link."""
        self._outlet = outlet
        self._reason = ""
        """What the hub said of the end that is coming."""
        self._events: dict[object, Callable[[Event], None]] = {
            "welcome": self._welcome,
            "joined": self._joined,
            "left": self._left,
            "finished": self._finished,
            "renamed": self._renamed,
            "said": self._said,
            "did": self._did,
            "told": self._told,
            "here": self._here,
            "typed": self._typed,
            "notice": self._notice,
            "error": self._error,
            "closed": self._closed,
        }
        self._verbs: dict[str, Callable[..., object]] = {
            "say": self._say,
            "quit": self.quit,
            "help": self._help,
            "who": lambda: self._ask({"verb": "who"}),
            "nick": lambda name: self._ask({"verb": "nick", "name": name}),
            "join": lambda room: self._ask({"verb": "join", "room": room}),
            "me": lambda text: self.outbox.post({"verb": "me", "text": text}),
            "msg": self._msg,
            "ignore": lambda name: self._tell(self.wishes.ignore(name)),
            "live": self._toggle_live,
            "time": lambda: self._tell(self.wishes.toggle_times()),
            "bell": lambda when: self._tell(self.wishes.ring(when)),
        }

    # -- what a display asks ------------------------------------------------------------------------------------

    @property
    def prompt(self) -> str:
        """What stands before the line that is being typed."""
        if self.asking:
            return "Your name: "
        if self.manner.waits and (not self.confirmed or self.spoken):
            return ""
        return self.manner.prompt

    @property
    def others(self) -> list[str]:
        """Who else is here, as far as the hub tells."""
        return [name for name in self.here if name != self.name]

    @property
    def streams(self) -> bool:
        """Whether keys are sent and drafts are shown as they are typed."""
        return self.manner.keyed or (self.live and self.seats == 2)

    def status(self) -> list[str]:
        """Return the parts of the line under the prompt."""
        return [
            self.room,
            "a name is wanted" if self.asking else self.trouble or self._company(),
            "" if self.trouble else "connected",
            f"{len(self.outbox.unsent)} unsent" if self.outbox.unsent else "",
            "live" if self.streams and not self.manner.keyed else "",
        ]

    def _company(self) -> str:
        """Modes in which nobody is announced say themselves when both are there, or not at all."""
        if self.manner.scripted:
            return "both are here" if self.confirmed else "waiting for a partner"
        if not self.manner.greets:
            return f"you are {self.name}"
        return company(self.others, self.seats)

    # -- what the person does -----------------------------------------------------------------------------------

    def enter(self, line: str) -> bool:
        """Do what the finished `line` asks; return False where it must be mended first and stays in the editor."""
        line = clean_text(line)
        if self.asking and line.strip() != "/quit":
            self._answer(line.strip())
            return True
        if not line.strip():
            return True
        command = commands.read(line, self.farewells)
        if isinstance(command, commands.Mistake):
            self._tell(command.text)
            return False
        if not self.outbox.takes(len(line)):
            self._tell("too much waits to be sent already; this line is still yours")
            return False
        self._verbs[command.verb](*command.args)
        return True

    def enter_all(self, lines: Sequence[str]) -> bool:
        """Say all the lines of a paste as they stand, or none; no slash word in one is a command."""
        if not self.outbox.takes(sum(map(len, lines))):
            self._tell(f"a paste has at most {UNSENT_LIMIT} characters, not sent")
            return False
        for line in lines:
            self._say(line)
        return True

    def typing(self, draft: str) -> None:
        """Let the other end see the draft as it is now, where both want that (docs, section 7)."""
        if self.streams and not self.asking:
            self.outbox.draft(clean_text(draft))

    def quit(self, status: int = CLEAN) -> None:
        """Leave, and say so."""
        self.ending = True
        if self.outbox.open:
            self.outbox.now({"verb": "quit"})
        self._outlet.end(status)

    def _answer(self, name: str) -> None:
        self.wanted = name
        self.outbox.now({"verb": "nick", "name": name})

    def _say(self, text: str) -> None:
        self.ending = is_farewell(text, self.farewells)
        self._outlet.echo(self._own_row(text))
        self.outbox.post({"verb": "say", "text": text})
        self.spoken = True

    def _own_row(self, text: str) -> Row:
        """Return an own line as it is marked here; the hub's echo of it is not shown again."""
        if self.manner.waits:
            return Row(text, self.prompt, kind="plain")
        if self.label == "port":
            return Row(text, kind="plain")
        return Row(text, f"{self.name if self.label else 'you'}: ", self.name, "own")

    def _msg(self, to: str, text: str) -> None:
        self._outlet.show(notice(f"you tell {to}: {text}"))
        self.outbox.post({"verb": "msg", "to": to, "text": text})

    def _toggle_live(self) -> None:
        if self.manner.keyed or self.seats != 2:
            self._tell(f"live typing is {'always on in this mode' if self.manner.keyed else 'for two'}")
            return
        self.typing("")
        self.live = not self.live
        self.drafts.clear()
        self._tell(f"live typing is {'on, if the other end has it on too' if self.live else 'off'}")

    def _help(self) -> None:
        for row in commands.help_rows():
            self._tell(row)

    def _ask(self, verb: Verb) -> None:
        """Send what makes sense at once only."""
        if self.outbox.open:
            self.outbox.now(verb)
        else:
            self._tell("not connected")

    # -- what the link tells --------------------------------------------------------------------------------------

    def cut(self, reason: str) -> None:
        """The link is gone after a welcome."""
        self.outbox.flow(False)
        self.outbox.unseen()
        self.drafts.clear()
        if self.ending:
            self._outlet.end(CLEAN)
            return
        self.trouble = "link lost"
        self._tell(f"link lost ({self._reason or reason}): trying again; what you type is kept")
        self._reason = ""

    def wait(self, seconds: float) -> None:
        """The next attempt is `seconds` away."""
        self.trouble = f"lost, retry in {seconds:.0f} s"

    # -- what the hub says ----------------------------------------------------------------------------------------

    def heard(self, event: Event) -> None:
        """Take in one event of `docs/protocol.md`, section 6; unknown ones are ignored."""
        kind = event.get("event")
        if isinstance(kind, str) and kind in self._events:
            self._events[kind](event)

    def _tell(self, text: str) -> None:
        self._outlet.show(notice(text))

    def _welcome(self, event: Event) -> None:
        back, was = bool(self.mode and self.trouble), self.room
        first = not self.mode
        self.room, self.mode, self.name = (word(event, key) for key in ("room", "mode", "name"))
        self.manner = MANNERS.get(self.mode, Manner())
        self.seats = number(event, "seats")
        self.label = word(event, "label") or None
        self.farewells = words(event, "farewell")
        self.here = words(event, "here")
        self.asking, self.trouble = False, ""
        self.confirmed = self.spoken = False
        self.drafts.clear()
        self._greet(first, back, self.room != was)
        self.outbox.keyed = self.manner.keyed
        self.outbox.flow(True)

    def _greet(self, first: bool, back: bool, moved: bool) -> None:
        if first and self.manner.hello:
            self._outlet.show(Row(self.manner.hello, kind="plain"))
        if back:
            self._tell("connected again")
        elif self.manner.greets and first:
            self._tell(f"you are {self.name}, {self._company()} (/help)")
        elif moved and not first:
            self._tell(f"now in {self.room}: {self._company()}")

    def _joined(self, event: Event) -> None:
        """Whoever has only listened on gives up the seat without a word when somebody else takes it."""
        name = word(event, "name")
        self.here = [*(self.here if len(self.here) != self.seats else [self.name]), name]
        self.outbox.unseen()
        self._tell(f"{name} joined")

    def _left(self, event: Event) -> None:
        name = word(event, "name")
        self._tell(f"{name} left ({word(event, 'why')})")
        self.drafts.pop(name, None)
        if name in self.here:
            self.here.remove(name)

    def _finished(self, event: Event) -> None:
        self._tell(f"{word(event, 'name')} has finished")

    def _renamed(self, event: Event) -> None:
        old, new = word(event, "name"), word(event, "to")
        self.here = [new if name == old else name for name in self.here]
        self.drafts.pop(old, None)
        self.wishes.renamed(old, new)
        if event.get("own") or old == self.name:
            self.name = self.wanted = new
            self._tell(f"you are now known as {new}")
        else:
            self._tell(f"{old} is now known as {new}")

    def _said(self, event: Event) -> None:
        name, said = word(event, "from"), text(event)
        self.drafts.pop(name, None)
        if self.manner.together and said in self.farewells:
            self.ending = True
        if not event.get("own"):
            self._hear(name, said, f"{name}: ")

    def _did(self, event: Event) -> None:
        name, said = word(event, "from"), text(event)
        if event.get("own"):
            self._outlet.show(Row(said, f"* {name} ", name, "own"))
        else:
            self._hear(name, said, f"* {name} ")

    def _told(self, event: Event) -> None:
        name = word(event, "from")
        if self.wishes.hears(name):
            self._outlet.show(Row(text(event), f"-!- {name} tells you: ", name, "mention"))
            self._ring("mention")

    def _hear(self, name: str, text: str, label: str) -> None:
        if not self.wishes.hears(name):
            return
        mentioned = self.label in (None, "nick") and mentions(text, self.name)
        self._outlet.show(Row(text, label, name, "mention" if mentioned else "said"))
        self._ring("mention" if mentioned else "all")

    def _ring(self, why: str) -> None:
        if self.wishes.rings(why):
            self._outlet.ring()

    def _here(self, event: Event) -> None:
        self.here = words(event, "names")
        self._tell(f"here: {', '.join(self.here)}")

    def _typed(self, event: Event) -> None:
        name, keys = word(event, "from"), event.get("keys")
        known = name in self.drafts or len(self.drafts) < DRAFTERS
        if not self.streams or not known or not isinstance(keys, str) or not self.wishes.hears(name):
            return
        draft = self.drafts.setdefault(name, Draft())
        for line in draft.type(keys):
            if self.manner.keyed:
                self._hear(name, line, f"{name}: ")
        if not draft.text:
            self.drafts.pop(name, None)

    def _notice(self, event: Event) -> None:
        said = text(event)
        if not self.manner.scripted:
            self._tell(said)
            return
        self._outlet.show(Row(said, kind="plain"))
        self.confirmed = self.confirmed or bool(CONFIRMATION.fullmatch(said))
        self.ending = self.ending or bool(self.manner.waits and VERDICT.match(said))

    def _error(self, event: Event) -> None:
        """Before the welcome a bad room is final and a bad name is asked again; the hub counts to three."""
        code = word(event, "code")
        if self.trouble and code == "room":
            self._outlet.end(REFUSED, text(event))
            return
        self._tell(text(event))
        self.asking = self.asking or bool(self.trouble and code == "name")

    def _closed(self, event: Event) -> None:
        """A clean end, a hub that may come back, or a refusal (docs, section 3)."""
        why, said = word(event, "why"), text(event)
        if why in ("quit", "bye"):
            if said and not self.ending:
                self._tell(said)
            self._outlet.end(CLEAN)
        elif why in ("shutdown", "lost"):
            self._reason = said
        else:
            self._outlet.end(REFUSED, f"closed ({why}): {said}")
