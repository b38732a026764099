"""A chat is a conversation as one client knows it: where it is, who is here, what the hub says, what is unsent.

It hears the hub's events, and of its session what became of lines, and tells a `World` what to show. What its `Person`
does is not known here; nor are sockets, numbers, keys, escape sequences or time.
"""

from __future__ import annotations

from ...limits import Limits
from ...wire.names import mentions
from ...wire.numbering import UNSENT, Outcome
from ..naming import instead_of
from ..options import CLEAN, LOST, REFUSED
from ..outputs import BROKEN, ends_in
from .events import Json, number, short, text, texts, word, words
from .manner import CONFIRMATION, MANNERS, VERDICT, Manner
from .preferences import Preferences
from .roster import Roster
from .rows import Draft, Row, Status, notice
from .seams import Courier, World
from .voice import Voice

DRAFTERS = 8
"""People whose drafts are kept at once: more than a screen shows, and a hub may lie."""
QUOTED = 20
"""Lines that are quoted of those that weren't delivered together, while the conversation goes on."""


class Chat:
    """One conversation, over as many connections as it takes.

    Args:
        world: what is around it.
        courier: its session.
    """

    def __init__(self, world: World, courier: Courier, name: str = "", room: str = "", live: bool = False) -> None:
        self.name = name
        self.wish = ""
        """The name that the person asked for last."""
        self._named = bool(name)
        """Whether the person has chosen a name: in a room of names they are asked for one."""
        self.room = room
        self.live = live
        self.mode = ""
        self.manner = Manner()
        self.seats: int | None = None
        self.label: str | None = None
        self.farewells: list[str] = []
        self.max_line = Limits().max_line
        """Bytes that one line may have."""
        self.roster = Roster()
        self.teller = ""
        """Who has last told the person something in private."""
        self.said_all = False
        """Whether the person has said that nothing more will come."""
        self.preferences = Preferences()
        self.voice = Voice(courier)
        self.trouble = "connecting"
        """What is wrong with the link; empty: nothing."""
        self.asking = False
        """Whether the next line is an answer to the hub's question for a name."""
        self.confirmed = False
        self.spoken = False
        self.ending = False
        """Whether the mode's own end has come, such as a farewell: then a closed connection is no lost link."""
        self.leaving = False
        """Whether the person leaves."""
        self.refusal = ""
        """Why the line that is being typed can't be sent, once that was tried."""
        self._lossy = self._failed = False
        """Whether a line wasn't delivered: ever, and since the person began to leave."""
        self._awaited: list[str] = []
        """Who was here before the hub was restarted, and hasn't come back yet."""
        self._drafts: dict[str, Draft] = {}
        """The drafts of the others: kept also while none is shown, so that one is whole when it is."""
        self._world = world
        self._courier = courier
        self._reason = ""
        """What the hub said when it closed the connection."""

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
        return [name for name in self.roster.names if name != self.name]

    @property
    def streams(self) -> bool:
        """Whether keys are sent and drafts are shown as they are typed."""
        return self.manner.keyed or self.live

    @property
    def drafts(self) -> dict[str, Draft]:
        """What others are typing, where that is shown."""
        return {name: draft for name, draft in self._drafts.items() if self.streams and self.preferences.hears(name)}

    def status(self, columns: int) -> str:
        """Return the line under the prompt."""
        state = "leaving" if self.leaving else "choose a name" if self.asking else self.trouble or "connected"
        unsent = f"{self.voice.unsent} unsent" if self.voice.unsent else ""
        live = "live" if self.live and not self.manner.keyed else ""
        company, brief = ("", "") if self.trouble else (self._company(), self._company(brief=True))
        return Status(self.refusal, state, self.name, unsent, self.room, company, brief, live).line(columns)

    def _company(self, brief: bool = False) -> str:
        """Return who is here; modes that announce nobody have words of their own for it, or none."""
        if self.manner.scripted:
            return "both are here" if self.confirmed else "waiting for a partner"
        return self.roster.text(self.name, self.seats, brief) if self.manner.greets else ""

    # -- what the session tells ---------------------------------------------------------------------------------

    def waits(self, seconds: float, why: str) -> None:
        """Go on without a link, and show when the next attempt is made."""
        if not self.trouble:
            self._drafts.clear()
            self.tell(f"link lost ({self._reason or why}): trying again; what you type is kept")
        self._reason = ""
        self.trouble = f"lost, retry in {seconds:.0f} s" if seconds >= 1 else "lost, trying again"

    def told(self, outcome: Outcome) -> None:
        """Show which lines nobody has got."""
        self.undelivered(self.voice.told(outcome), outcome.word)

    def undelivered(self, lines: list[str], word: str = UNSENT) -> None:
        """Quote lines that were not delivered, or perhaps not."""
        if lines:
            self._lossy, self._failed = True, self._failed or self.leaving or self.ending
        quoted = len(lines) if self.leaving or len(lines) == QUOTED + 1 else QUOTED
        for line in lines[:quoted]:
            self.tell(f"{word}: {line}")
        if lines[quoted:]:
            self.tell(f"{word}: {len(lines) - quoted} more lines")

    def missed(self, name: str, lines: int) -> None:
        """Tell that lines of somebody will never come."""
        self._lossy = True
        self.tell(f"{lines} line{'s' * (lines > 1)} of {name} {'were' if lines > 1 else 'was'} missed")

    def verdict(self, status: int, why: str) -> tuple[int, str]:
        """Return the exit status, and a sentence where it isn't the person's own wish, for how the session ended."""
        if self.ending and status == LOST:
            return CLEAN, ""
        if (self.leaving or self.ending) and status in (CLEAN, BROKEN):
            return BROKEN if self._failed else CLEAN, ""
        if status == REFUSED:
            return status, self._reason or f"closed ({why})"
        if status == BROKEN:
            lossy = "not all that was said was delivered"
            return status, lossy if self._lossy else "the other end left before all was said and got"
        return status, why if status == LOST else ""

    # -- what the hub says ----------------------------------------------------------------------------------------

    def heard(self, event: Json) -> None:
        """Take in one event of `docs/protocol.md`, section 6: `_heard_KIND` does it; unknown ones are ignored."""
        self._expire()
        take = getattr(self, f"_heard_{event.get('event')}", None)
        if take:
            take(event)

    def tell(self, text: str) -> None:
        """Show one notice."""
        self._world.put(notice(text))

    def _heard_welcome(self, event: Json) -> None:
        first, back, was, wish = not self.mode, bool(self.mode and self.trouble), self.room, self.name
        before = self.others
        self.room, self.mode, self.name = (word(event, key) for key in ("room", "mode", "name"))
        self.manner = MANNERS.get(self.mode, Manner())
        self.seats = number(event, "seats")
        self.label = word(event, "label") or None
        self.farewells = words(event, "farewell")
        self.max_line = number(event, "max_line") or self.max_line
        self._meet(event, before if self.room == was else [])
        self.asking, self.trouble = False, ""
        self.confirmed = self.spoken = False
        self._drafts.clear()
        self.voice.keyed = self.manner.keyed
        self.voice.unseen()
        self._greet(first, back, self.room != was, "" if self.manner.scripted else instead_of(wish, event))
        self.asking = first and not (self._named or self.wish) and self.label == "nick" and self._courier.numbered
        if back and self.room == was:
            self._compare(before)

    def _meet(self, event: Json, before: list[str]) -> None:
        """Begin with who is here; a hub that was restarted doesn't know the names of all who are away.

        In a larger room whoever was here `before` and isn't named is waited for, as the session does.
        """
        if not self._courier.numbered:
            self.roster.begin(words(event, "here"), [])
            return
        names, away = [], []
        for stream, end in ends_in(event).items():
            names.append(short((end.away and self._courier.company.name_of(stream)) or end.name))
            if end.away:
                away.append(names[-1])
        self._awaited = [] if self.seats == 2 else [name for name in before if name not in names]
        self.roster.begin([*names, *self._awaited, self.name], away + self._awaited)

    def _expire(self) -> None:
        """Wait no longer for those for whom the session doesn't: a hub that was restarted tells nothing of them."""
        known = {short(end.name) for end in self._courier.company.ends.values()} if self._awaited else set()
        for name in [name for name in self._awaited if name not in known]:
            self._awaited.remove(name)
            self.roster.leave(name, "lost")
            self.tell(f"{name} left (lost)")

    def _greet(self, first: bool, back: bool, moved: bool, renamed: str) -> None:
        if first and self.manner.hello:
            self._world.put(Row(self.manner.hello, kind="plain"))
        if renamed:
            self.tell(renamed)
        if back:
            self.tell("connected again")
        elif self.manner.greets and first:
            self.tell(f"you are {self.name} in {self.room}, {self._company()} (/help)")
        if moved and not first:
            self.tell(f"now in {self.room}: {self._company()}")

    def _news(self, text: str) -> None:
        """Tell of who comes and goes, where the exercise that this mode comes from does."""
        if self.manner.greets:
            self.tell(text)

    def _compare(self, before: list[str]) -> None:
        """Tell who came and went while there was no link."""
        here = self.others
        for name in before:
            if name not in here:
                self._news(f"{name} left (lost)")
        for name in here:
            if name not in before:
                self._news(f"{name} joined")

    def _heard_joined(self, event: Json) -> None:
        """Add a name; where all seats were taken, the newcomer has replaced one who had finished.

        In a larger room whose hub was restarted, those who are waited for join it anew.
        """
        name = word(event, "name")
        self.roster.make_room(self.seats, self.name)
        again = self.roster.back(name) and name in self._awaited
        if again:
            self._awaited.remove(name)
        self.roster.join(name)
        self.voice.unseen()
        self._news(f"{name} {'is back' if again else 'joined'}")

    def _heard_left(self, event: Json) -> None:
        name, why = word(event, "name"), word(event, "why")
        where = word(event, "to") or word(event, "room") or "another room"
        self._news(f"{name} went to {where}" if why == "moved" else f"{name} left ({why})")
        self._drafts.pop(name, None)
        self.roster.leave(name, why)

    def _heard_away(self, event: Json) -> None:
        name = word(event, "name")
        self._drafts.pop(name, None)
        self.roster.away(name)
        self._news(f"{name} is away (link lost), what you say is kept")

    def _heard_back(self, event: Json) -> None:
        """Whoever comes back has seen nothing of the draft; a link made anew without an absence is nobody's news."""
        name = word(event, "name")
        self.voice.unseen()
        if name not in self.roster:
            known = {short(end.name) for end in self._courier.company.ends.values()}
            for old in [other for other in self.others if other not in known][:1]:
                self._rename(old, name)
        if self.roster.back(name):
            self._news(f"{name} is back")

    def _heard_finished(self, event: Json) -> None:
        self.roster.finish(word(event, "name"))
        self._news(f"{word(event, 'name')} has finished")

    def _heard_renamed(self, event: Json) -> None:
        old, new = word(event, "name"), word(event, "to")
        self._rename(old, new)
        if event.get("own") or old == self.name:
            self.name, self.asking = new, False
            self.tell(f"you are now known as {new}")
        else:
            self.tell(f"{old} is now known as {new}")

    def _rename(self, old: str, new: str) -> None:
        """Know somebody under a new name from now on."""
        self.roster.rename(old, new)
        if old in self._drafts:
            self._drafts[new] = self._drafts.pop(old)
        self.teller = new if old == self.teller else self.teller
        self.preferences.renamed(old, new)

    def _heard_said(self, event: Json) -> None:
        """Show each line; the echo of an own one is here already."""
        name = word(event, "from")
        self._drafts.pop(name, None)
        for said in texts(event):
            if self.manner.together and said in self.farewells:
                self.ending = True
            if not event.get("own"):
                self._hear(name, said, name and f"{name}: ")

    def _heard_did(self, event: Json) -> None:
        name = word(event, "from")
        if not event.get("own"):
            self._hear(name, text(event), f"* {name} ")

    def _heard_told(self, event: Json) -> None:
        name = word(event, "from")
        if self.preferences.hears(name):
            self.teller = name
            self._world.put(Row(text(event), f"-!- {name} tells you: ", name, "mention"))
            self._ring("mention")

    def _hear(self, name: str, text: str, label: str) -> None:
        if not self.preferences.hears(name):
            return
        mentioned = self.label in (None, "nick") and mentions(text, self.name)
        self._world.put(Row(text, label, name, "mention" if mentioned else "said"))
        self._ring("mention" if mentioned else "all")

    def _ring(self, why: str) -> None:
        if self.preferences.rings(why):
            self._world.ring()

    def _heard_here(self, event: Json) -> None:
        names = words(event, "names")
        self.roster.begin(names)
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
        self._world.put(Row(said, kind="plain"))
        self.confirmed = self.confirmed or bool(CONFIRMATION.fullmatch(said))
        self.ending = self.ending or bool(self.manner.waits and VERDICT.match(said))

    def _heard_undelivered(self, event: Json) -> None:
        """Tell what a hub without sessions says of lines that it couldn't deliver."""
        word_ = "perhaps not delivered" if event.get("sure") is False else "not delivered"
        lines = number(event, "lines") or 0
        self.tell(f"{word_}: {lines} line{'s' * (lines != 1)}")

    def _heard_error(self, event: Json) -> None:
        """Show an error; before the welcome a bad room is final, and a bad name is asked for again."""
        code = word(event, "code")
        if self.trouble and code == "room":
            self._world.end(REFUSED, text(event))
            return
        free = self.roster.suggestion(self.wish, self.name) if code == "name" and self.wish else ""
        self.tell(text(event) + (f"; {free} is free" if free else ""))
        asks = event.get("asks") is True or (self.trouble and not self.mode and code == "name")
        self.asking = self.asking or bool(asks)
        if asks and not self.mode:
            self.name = ""

    def _heard_closed(self, event: Json) -> None:
        """Remember why, which is shown when the link or the session ends."""
        why, said = word(event, "why"), text(event)
        if why in ("quit", "bye", "ended"):
            if said and not (self.ending or self.leaving):
                self.tell(said)
        elif why in ("shutdown", "lost"):
            self._reason = said
        else:
            self._reason = f"closed ({why})" + (f": {said}" if said else "")
