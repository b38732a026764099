"""An unnumbered conversation is what a client has with a hub that knows no sessions, or in a mode that has none.

It takes the place of a `Resume` at the first welcome without a `stream`: lines go out once, nobody acknowledges them,
and a link that is lost is lost. It is pure, as `Resume` is, and knows no sockets.
"""

from __future__ import annotations

from ..wire.hearing import Hearing
from ..wire.lines import within
from ..wire.numbered import Json, is_number
from ..wire.numbering import UNSENT, Outbox, Outcome
from .company import Company
from .outputs import BROKEN, DONE, LOST, REFUSED, Exit, Fate, Output, Send, Show
from .patience import HURRY
from .resume import Resume

CLOSED = {"quit": DONE, "bye": DONE, "ended": DONE, "shutdown": LOST, "lost": LOST}
"""The exit status for each word with which a hub closes; all the others mean that it wants this end no more."""
ENDERS = frozenset({"order", "duet"})
"""Modes in which the hub ends the conversation, and an end of it is no loss."""
KEYED = "talk"
"""The mode in which lines go out as keys."""
PORTION = 8 * 1024
"""Bytes of text in one object: escaped, it stays below six times the shortest limit of a line (docs/protocol.md, 4)."""


class Unnumbered:
    """One conversation over one link.

    Args:
        resume: what it takes the place of; its link is up.
    """

    def __init__(self, resume: Resume) -> None:
        self.room, self.name = resume.room, resume.name
        self.up = False
        self.status: int | None = None
        self.mode = ""
        self.company = Company(Outbox(), Hearing())
        """Empty: such a hub doesn't say who is who."""
        self._pair = True
        self.said = 0
        """How many lines this end has said."""
        self._max_line = 0
        self._open = True
        self._held = False
        self._failed = False
        self._broken = False
        self._partner_finished = False
        self._finished = False
        self._leaving: tuple[float, int] | None = None
        self._outputs: list[Output] = []

    # -- what its owner asks ------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether the system takes nothing for now."""
        return not (self.up and self._open)

    @property
    def reading(self) -> bool:
        """Whether the link is to be read."""
        return not self._held

    @property
    def due(self) -> float | None:
        """When it goes."""
        return self._leaving[0] if self._leaving and self.status is None else None

    def take(self) -> list[Output]:
        """Return what to do, in order."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def flow(self, open_: bool) -> None:
        """The system takes more, or nothing for now."""
        self._open = open_

    # -- what the person or stdin does --------------------------------------------------------------------------

    def say(self, lines: bytes, kind: str = "say", to: str = "") -> int:
        """Say whole lines; in mode `talk` they are typed."""
        mark = self.said
        self.said += lines.count(b"\n")
        first = mark
        for part in within(lines, self._max_line) if self._max_line else (lines,):
            if not isinstance(part, bytes):
                self._failed = True
                self._outputs.append(Fate(Outcome(UNSENT, first, 1)))
                first += 1
                continue
            first += part.count(b"\n")
            texts = part.decode().split("\n")[:-1] if self.mode == KEYED else portions(part)
            for text in texts:
                self._send(self._verb(kind, text, to))
        return mark

    def _verb(self, kind: str, text: str, to: str) -> Json:
        if self.mode == KEYED:
            return {"verb": "type", "keys": text + "\n"}
        verb: Json = {"verb": kind, "text": text}
        return verb | {"to": to} if to else verb

    def finish(self, now: float) -> None:
        """This end has said all; it listens on, where there is something left to hear."""
        if not self._finished:
            self._finished = True
            self._send({"verb": "done"})

    def join(self, room: str, now: float) -> None:
        """Go to another room."""
        self._send({"verb": "join", "room": room})

    def rename(self, name: str) -> None:
        """Take another name."""
        self._send({"verb": "nick", "name": name})

    def shown(self, now: float, count: int = 1, idle: bool = False) -> None:
        """Nothing is numbered here."""

    def hold(self, held: bool, now: float) -> None:
        """Read nothing for now, or read on."""
        self._held = held

    def leave(self, now: float, wait: float = 0.0, status: int = DONE) -> None:
        """Go: the hub has all that the link took."""
        if self._leaving is None:
            self._leaving = (now + HURRY, status)
            self._send({"verb": "quit"})

    def abandon(self, status: int) -> None:
        """Go now."""
        self._send({"verb": "quit", "why": "lost"})
        self._end(status)

    # -- the link -----------------------------------------------------------------------------------------------

    def hello(self, now: float) -> Json:
        """Return what to say first, as it would be on a second link; there is none."""
        return {"chatterbox": 1}

    def heard(self, event: Json, now: float, block: bytes | None = None) -> None:
        """The hub sent `event`; no hub sends blocks here."""
        if self.status is not None:
            return
        kind = event.get("event")
        if kind == "welcome":
            self._welcome(event)
        elif kind == "finished":
            self._partner_finished = True
        elif kind == "joined":
            self._partner_finished = self._broken = False
        elif kind == "undelivered":
            self._failed = True
        elif kind == "left":
            self._broken = self._pair and not self._partner_finished
        self._outputs.append(Show(event))
        if kind == "closed":
            why = str(event.get("why", ""))
            status = CLOSED.get(why, REFUSED) or (self._leaving[1] if self._leaving else DONE)
            self._end(BROKEN if status == DONE and self._is_broken(why) else status, why if status != LOST else "")

    def _is_broken(self, why: str) -> bool:
        return self._failed or (self._broken and why != "bye" and self.mode not in ENDERS)

    def _welcome(self, event: Json) -> None:
        self.up = True
        self.room, self.name = str(event.get("room", "")), str(event.get("name", ""))
        self.mode, self._pair = str(event.get("mode", "")), event.get("seats") == 2
        max_line = event.get("max_line")
        self._max_line = max_line if is_number(max_line) else 0

    def lost(self, now: float, why: str = "") -> None:
        """The link is gone."""
        self.up = False
        if self._leaving:
            self._end(self._leaving[1])
        else:
            self._end(LOST, why or "the link is lost")

    def hung_up(self, now: float, why: str = "") -> None:
        """The hub has closed the link; one of before the last words does so when both ends have finished."""
        if self._finished and not self._max_line:
            self._end(BROKEN if self._is_broken("") else DONE)
        self.lost(now, why)

    def tick(self, now: float, wall: float | None = None) -> None:
        """Do what is due."""
        if self._leaving and now >= self._leaving[0] and not self._open:
            self._leaving = now + HURRY, self._leaving[1]
        elif self._leaving and now >= self._leaving[0]:
            self._end(self._leaving[1])

    def _send(self, verb: Json) -> None:
        self._outputs.append(Send(verb))

    def _end(self, status: int, why: str = "") -> None:
        if self.status is None:
            self.status = status
            self._outputs.append(Exit(status, why))


def portions(lines: bytes) -> list[str]:
    """Return lines as texts of which each is still one object that any hub takes."""
    texts = []
    start = 0
    while start < len(lines):
        end = lines.rfind(b"\n", start, start + PORTION) + 1 or lines.index(b"\n", start) + 1
        texts.append(lines[start : end - 1].decode())
        start = end
    return texts
