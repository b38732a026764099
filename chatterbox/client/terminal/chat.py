"""A chat is a conversation as one client knows it: where it is, who is here, what the hub says, what is unsent.

It hears the hub's events and tells a `World` what to show. What its `Person` does is not known here; nor are sockets,
keys, escape sequences or time.
"""

from __future__ import annotations

from ...limits import Limits
from ..options import CLEAN, REFUSED
from .company import Company
from .events import Json, number, text, word, words
from .manner import CONFIRMATION, MANNERS, VERDICT, Manner
from .outbox import Outbox
from .preferences import Preferences
from .rows import Draft, Row, mentions, notice, status, width
from .seams import World

LONGEST_STATUS = 1000
"""Columns of the line under the prompt, where the terminal has as many."""
DRAFTERS = 8
"""People whose drafts are kept at once; a draft is for two, and a hub may lie."""


class Chat:
    """One conversation, over as many connections as it takes."""

    def __init__(self, world: World, name: str = "", room: str = "", live: bool = False) -> None:
        self.wanted = name
        """The name that the person chose; empty: the hub gives one."""
        self.name = name
        self.room = room
        self.live = live
        self.mode = ""
        self.manner = Manner()
        self.seats: int | None = None
        self.label: str | None = None
        self.farewells: list[str] = []
        self.max_line = Limits().max_line
        """Bytes that one line may have."""
        self.company = Company()
        self.teller = ""
        """Who has last told the person something in private."""
        self.said_all = False
        """Whether the person has said that nothing more will come."""
        self.preferences = Preferences()
        self.outbox = Outbox(world.send)
        self.trouble = "connecting"
        """What is wrong with the link; empty: nothing."""
        self.asking = False
        """Whether the next line is an answer to the hub's question for a name."""
        self.confirmed = False
        self.spoken = False
        self.ending = False
        """Whether the conversation may end now: then a closed connection is no lost link."""
        self._drafts: dict[str, Draft] = {}
        """The drafts of the others: kept also while none is shown, so that one is whole when it is."""
        self._world = world
        self._reason = ""
        """The reason that the hub gave for closing, before the link is gone."""

    # -- what a display shows -----------------------------------------------------------------------------------

    @property
    def prompt(self) -> str:
        """The text before the line that is being typed."""
        if self.asking:
            return "Your name: "
        if self.manner.waits and (not self.confirmed or self.spoken):
            return ""
        return self.manner.prompt

    @property
    def others(self) -> list[str]:
        """The names of the others who are here."""
        return [name for name in self.company.names if name != self.name]

    @property
    def streams(self) -> bool:
        """Whether keys are sent and drafts are shown as they are typed."""
        return self.manner.keyed or self.live

    @property
    def drafts(self) -> dict[str, Draft]:
        """What others are typing, where that is shown."""
        return {name: draft for name, draft in self._drafts.items() if self.streams and self.preferences.hears(name)}

    def status(self, columns: int) -> str:
        """Return the line under the prompt, the link and the own name first; names are counted where they don't fit."""
        long = status(self._status(brief=False), LONGEST_STATUS)
        return long if width(long) <= columns else status(self._status(brief=True), columns)

    def _status(self, brief: bool) -> list[str]:
        return [
            "choose a name" if self.asking else self.trouble or "connected",
            self.name,
            f"{len(self.outbox.unsent)} unsent" if self.outbox.unsent else "",
            self.room,
            "" if self.trouble else self._company(brief),
            "live" if self.live and not self.manner.keyed else "",
        ]

    def _company(self, brief: bool = False) -> str:
        """Return who is here; modes that announce nobody have words of their own for it, or none."""
        if self.manner.scripted:
            return "both are here" if self.confirmed else "waiting for a partner"
        return self.company.text(self.name, self.seats, brief) if self.manner.greets else ""

    # -- what the link tells --------------------------------------------------------------------------------------

    def cut(self, reason: str) -> None:
        """Go on without a link, or end where that was agreed."""
        self.outbox.flow(False)
        self.outbox.unseen()
        self._drafts.clear()
        if self.ending:
            self._world.end(CLEAN)
            return
        self.trouble = "link lost"
        self.tell(f"link lost ({self._reason or reason}): trying again; what you type is kept")
        self._reason = ""

    def wait(self, seconds: float) -> None:
        """Show when the next attempt is made."""
        self.trouble = f"lost, retry in {seconds:.0f} s"

    # -- what the hub says ----------------------------------------------------------------------------------------

    def heard(self, event: Json) -> None:
        """Take in one event of `docs/protocol.md`, section 6: `_heard_KIND` does it; unknown ones are ignored."""
        take = getattr(self, f"_heard_{event.get('event')}", None)
        if take:
            take(event)

    def tell(self, text: str) -> None:
        """Show one notice."""
        self._world.show(notice(text))

    def _heard_welcome(self, event: Json) -> None:
        back, was = bool(self.mode and self.trouble), self.room
        first = not self.mode
        self.room, self.mode, self.name = (word(event, key) for key in ("room", "mode", "name"))
        self.manner = MANNERS.get(self.mode, Manner())
        self.seats = number(event, "seats")
        self.label = word(event, "label") or None
        self.farewells = words(event, "farewell")
        self.company.begin(words(event, "here"))
        self.asking, self.trouble = False, ""
        self.confirmed = self.spoken = False
        self._drafts.clear()
        self.max_line = number(event, "max_line") or self.max_line
        self._greet(first, back, self.room != was)
        self.outbox.keyed = self.manner.keyed
        self.outbox.flow(True)
        if back and self.said_all:
            self.outbox.post({"verb": "done"})

    def _greet(self, first: bool, back: bool, moved: bool) -> None:
        if first and self.manner.hello:
            self._world.show(Row(self.manner.hello, kind="plain"))
        if back:
            self.tell("connected again")
        elif self.manner.greets and first:
            self.tell(f"you are {self.name} in {self.room}, {self._company()} (/help)")
        elif moved and not first:
            self.tell(f"now in {self.room}: {self._company()}")

    def _heard_joined(self, event: Json) -> None:
        """Add a name; where all seats were taken, the newcomer has replaced one who had finished."""
        name = word(event, "name")
        self.company.make_room(self.seats, self.name)
        self.company.join(name)
        self.outbox.unseen()
        self.tell(f"{name} joined")

    def _heard_left(self, event: Json) -> None:
        name, why = word(event, "name"), word(event, "why")
        where = word(event, "to") or word(event, "room") or "another room"
        self.tell(f"{name} went to {where}" if why == "moved" else f"{name} left ({why})")
        self._drafts.pop(name, None)
        self.company.leave(name)

    def _heard_finished(self, event: Json) -> None:
        self.company.finish(word(event, "name"))
        self.tell(f"{word(event, 'name')} has finished")

    def _heard_renamed(self, event: Json) -> None:
        old, new = word(event, "name"), word(event, "to")
        self.company.rename(old, new)
        if old in self._drafts:
            self._drafts[new] = self._drafts.pop(old)
        self.teller = new if old == self.teller else self.teller
        self.preferences.renamed(old, new)
        if event.get("own") or old == self.name:
            self.name = self.wanted = new
            self.tell(f"you are now known as {new}")
        else:
            self.tell(f"{old} is now known as {new}")

    def _heard_said(self, event: Json) -> None:
        name, said = word(event, "from"), text(event)
        self._drafts.pop(name, None)
        if self.manner.together and said in self.farewells:
            self.ending = True
        if not event.get("own"):
            self._hear(name, said, f"{name}: ")

    def _heard_did(self, event: Json) -> None:
        name, said = word(event, "from"), text(event)
        if event.get("own"):
            self._world.show(Row(said, f"* {name} ", name, "own"))
        else:
            self._hear(name, said, f"* {name} ")

    def _heard_told(self, event: Json) -> None:
        name = word(event, "from")
        if self.preferences.hears(name):
            self.teller = name
            self._world.show(Row(text(event), f"-!- {name} tells you: ", name, "mention"))
            self._ring("mention")

    def _hear(self, name: str, text: str, label: str) -> None:
        if not self.preferences.hears(name):
            return
        mentioned = self.label in (None, "nick") and mentions(text, self.name)
        self._world.show(Row(text, label, name, "mention" if mentioned else "said"))
        self._ring("mention" if mentioned else "all")

    def _ring(self, why: str) -> None:
        if self.preferences.rings(why):
            self._world.ring()

    def _heard_here(self, event: Json) -> None:
        names = words(event, "names")
        self.company.begin(names)
        self.tell(f"here: {', '.join(names)}")

    def _heard_typed(self, event: Json) -> None:
        name, keys = word(event, "from"), event.get("keys")
        known = name in self._drafts or len(self._drafts) < DRAFTERS
        if not known or not isinstance(keys, str):
            return
        draft = self._drafts.setdefault(name, Draft())
        for line in draft.type(keys):
            if self.manner.keyed:
                self._hear(name, line, f"{name}: ")
        if not draft.text:
            self._drafts.pop(name, None)

    def _heard_notice(self, event: Json) -> None:
        said = text(event)
        if not self.manner.scripted:
            self.tell(said)
            return
        self._world.show(Row(said, kind="plain"))
        self.confirmed = self.confirmed or bool(CONFIRMATION.fullmatch(said))
        self.ending = self.ending or bool(self.manner.waits and VERDICT.match(said))

    def _heard_error(self, event: Json) -> None:
        """Show an error; before the welcome a bad room is final, and a bad name is asked for again."""
        code = word(event, "code")
        if self.trouble and code == "room":
            self._world.end(REFUSED, text(event))
            return
        self.tell(text(event))
        self.asking = self.asking or bool(self.trouble and code == "name")

    def _heard_closed(self, event: Json) -> None:
        """End cleanly, wait for a hub that may come back, or end as refused (docs, section 3)."""
        why, said = word(event, "why"), text(event)
        if why in ("quit", "bye"):
            if said and not self.ending:
                self.tell(said)
            self._world.end(CLEAN)
        elif why in ("shutdown", "lost"):
            self._reason = said
        else:
            self._world.end(REFUSED, f"closed ({why}): {said}")
