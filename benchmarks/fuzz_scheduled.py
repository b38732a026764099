"""A scheduled end is a session or a plain peer on a hub in memory: it says marked lines, and notes what it hears.

It does what it is told to, and leaves nothing to chance. `soak_schedules` decides what that is.
"""

from __future__ import annotations

import json
import re
from collections import Counter

from chatterbox.client.outputs import Drop, Exit, Fate, Missed, Output, Send, Show
from chatterbox.wire.numbering import GOT, UNSENT
from tests.harness.memory import HubOnAClock
from tests.harness.session_client import Client

MAX_LINE = 64
"""Bytes of a line that these hubs take: so a long one is short to write."""
_MARK = re.compile(rb"<(\d+)\.(\d+)>")
_TOLD = re.compile(r"-!- (perhaps )?not delivered: (?:the last )?(?:(\d+) lines?|line)")
_REFUSED = re.compile(r"-!- nobody here is called")
_CLOSED = re.compile(r"-!- closed \((\w+)\)")
_UNHEARD = ("lost", "killed")
"""Ends in which nobody is told of lines: the link is gone first."""


class Fault(Exception):
    """A promise that was broken."""


class Record:
    """What everybody has said and heard.

    Args:
        is_pair: whether two sit in a room; in a larger one private lines have a count of their own.
    """

    def __init__(self, is_pair: bool) -> None:
        self.is_pair = is_pair
        self.heard: set[tuple[int, int]] = set()
        """The lines that somebody has heard: whose, and which."""
        self._said: Counter[int] = Counter()
        self._private: set[tuple[int, int]] = set()
        self._last: dict[tuple[int, int, bool], int] = {}

    def line(self, speaker: int, is_long: bool = False, is_private: bool = False) -> bytes:
        """Return the next line of `speaker`."""
        self._said[speaker] += 1
        if is_private and not self.is_pair:
            self._private.add((speaker, self._said[speaker]))
        return b"<%d.%d>" % (speaker, self._said[speaker]) + b"L" * (MAX_LINE if is_long else 0)

    def hears(self, hearer: int, text: bytes) -> None:
        """Take note of what `hearer` hears: each line once, and in order."""
        for found in _MARK.finditer(text):
            speaker, number = int(found[1]), int(found[2])
            if speaker != hearer:
                key = hearer, speaker, (speaker, number) in self._private
                if number <= self._last.get(key, 0):
                    raise Fault(f"end {hearer} hears {speaker}.{number} after {self._last[key]}")
                self._last[key] = number
                self.heard.add((speaker, number))

    def has(self, line: bytes) -> bool:
        """Return whether somebody has heard `line`."""
        found = _MARK.match(line)
        return bool(found) and (int(found[1]), int(found[2])) in self.heard  # type: ignore[index]  # by the line before


class SessionEnd(Client):
    """A session, whose lines are displayed at once or when it is told to.

    Args:
        hub: where it connects.
        number: which end it is.
        record: what is said and heard.
        wishes: as those of `Client`.
    """

    kind = "session"

    def __init__(self, hub: HubOnAClock, number: int, room: str, record: Record, **wishes: bool) -> None:
        self.number = number
        self.is_done = False
        """Whether it says no more."""
        self.lines: dict[int, bytes] = {}
        """What it has said, by its marks."""
        self._fates: dict[int, str] = {}
        self._record = record
        self._unseen: list[bytes] = []
        """What came and isn't displayed yet."""
        super().__init__(hub, room, f"s{number}", **wishes)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.exit is not None

    @property
    def may_speak(self) -> bool:
        """Whether it may say anything now."""
        return not self.is_done and not self.resume.full

    def speak(self, lines: list[bytes], kind: str = "say", to: str = "") -> None:
        """Say lines, one deed, or one private line `to` a stream."""
        mark = self.resume.say(b"".join(line + b"\n" for line in lines), kind, to)
        self.lines |= {mark + at: line for at, line in enumerate(lines)}
        self.turn()

    def turn(self) -> SessionEnd:
        """Hear what has come; a link that the hub has closed is lost."""
        if not self.is_over:
            super().turn()
        if self.end and self.end.closed and not self.is_over:
            self.end = None
            self.resume.lost(self.now, "closed")
            self._do()
        return self

    def display(self, count: int = -1) -> None:
        """Display `count` things, or all."""
        while self._unseen and count:
            self._record.hears(self.number, self._unseen.pop(0))
            self.resume.shown(self.now, 1, idle=not self._unseen)
            self._do()
            count -= 1

    def moves_to(self, hub: HubOnAClock) -> None:
        """Find another hub in the place of the one that was killed."""
        self.hub, self.end = hub, None
        if not self.is_over:
            self.resume.lost(self.now, "killed")
            self._do()

    def _do(self) -> None:
        for output in self.resume.take():
            self._do_one(output)

    def _do_one(self, output: Output) -> None:
        end = self.end
        if isinstance(output, Fate):
            word, first, lines = output.outcome
            if twice := self._fates.keys() & range(first, first + lines):
                raise Fault(f"end {self.number} is told twice of its lines {sorted(twice)}: {word}")
            self._fates |= dict.fromkeys(range(first, first + lines), word)
        elif isinstance(output, Send) and end and not end.closed:
            end.sends(json.dumps(output.verb).encode() + b"\n" + output.block)
        elif isinstance(output, Show):
            self._show(output)
        elif isinstance(output, Missed):
            self.missed += output.lines
        elif isinstance(output, Drop) and end:
            end.cut()
            self.end = None
        elif isinstance(output, Exit):
            self.exit = output.status, output.why
            if end and not end.closed:
                end.leaves()

    def _show(self, output: Show) -> None:
        if output.thing:
            self._unseen.append(output.thing.block)
            if self.shows:
                self.display()

    def judge(self) -> None:
        """Look whether each line has one true fate, and the status is no lie."""
        for mark, line in self.lines.items():
            word = self._fates.get(mark)
            who = f"end {self.number} with {self.exit}: line {line!r}"
            if word is None:
                raise Fault(f"{who} has no fate")
            if word == GOT and not self._record.has(line):
                raise Fault(f"{who} is got, and nobody has heard it")
            if word == UNSENT and self._record.is_pair and self._record.has(line):
                raise Fault(f"{who} is not delivered, and somebody has heard it")
            if word != GOT and self.exit and self.exit[0] == 0:
                raise Fault(f"{who} is {word}, and the status is 0")


class PlainEnd:
    """A peer that speaks text, or JSON without a session.

    Args:
        hub: where it connects.
        number: which end it is.
        record: what is said and heard.
        is_json: its dialect.
    """

    kind = "plain"

    def __init__(self, hub: HubOnAClock, number: int, room: str, record: Record, is_json: bool) -> None:
        self.number = number
        self.is_json = is_json
        self.is_done = False
        self.is_dead = False
        """Whether it is gone: then it isn't there to be told."""
        self._is_unread = False
        """Whether the hub had not read all that it had sent, when that was last seen before the end."""
        self.why = ""
        """The word with which the hub has hung up on it."""
        self._record = record
        self._said: list[bytes] = []
        self._told = self._sure = 0
        """Of how many lines it was told that nobody, or perhaps nobody, has heard them; of how many that is sure."""
        self._rest = b""
        name = f"p{number}"
        self.end = hub.json(room=room, name=name) if is_json else hub.nc(f"/join {room}", f"/nick {name}")

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return bool(self.why)

    @property
    def may_speak(self) -> bool:
        """Whether it may say anything now."""
        return not self.is_done

    def speak(self, lines: list[bytes]) -> None:
        """Say lines; of one that is too long the hub says at once that it isn't sent."""
        self._said += [line for line in lines if len(line) <= MAX_LINE]
        if self.is_json:
            self.end.says(*(json.dumps({"verb": "say", "text": line.decode()}) for line in lines))
        else:
            self.end.sends(b"".join(line + b"\n" for line in lines))
        self.turn()

    def act(self, line: bytes) -> None:
        """Do something."""
        self._said.append(line)
        self.asks("me", text=line.decode())

    def tell(self, name: str, line: bytes) -> None:
        """Say a private line, to somebody who may be elsewhere: then it is refused at once. To itself is to nobody."""
        if name != f"p{self.number}":
            self._said.append(line)
        self.asks("msg", to=name, text=line.decode())

    def asks(self, verb: str, **fields: str) -> None:
        """Send a verb, if it still can."""
        if self.is_dead:
            return
        if self.is_json:
            self.end.asks(verb, **fields)
        else:
            self.end.says(" ".join([f"/{verb}", *fields.values()]))
        self.turn()

    def turn(self) -> None:
        """Hear what has come."""
        if not self.end.peer.gone:
            inlet = self.end.connection.inlet
            self._is_unread = inlet.held or inlet.waits
        *lines, self._rest = (self._rest + self.end.heard()).split(b"\n")
        for line in lines:
            (self._take_object if self.is_json else self._take_line)(line)
        if self.end.closed and not self.why:
            self.why = "lost"

    def _take_object(self, line: bytes) -> None:
        event = json.loads(line)
        if event["event"] in ("said", "did", "told") and not event.get("own"):
            self._record.hears(self.number, event["text"].encode())
        elif event["event"] == "undelivered":
            self._is_told(event["lines"], event["sure"])
        elif event.get("code") == "who":
            self._is_told(1, True)
        elif event["event"] == "closed":
            self.why = event["why"]

    def _take_line(self, line: bytes) -> None:
        text = line.decode()
        if found := _TOLD.match(text):
            self._is_told(int(found[2] or 1), not found[1])
        elif _REFUSED.match(text):
            self._is_told(1, True)
        elif found := _CLOSED.match(text):
            self.why = found[1]
        else:
            self._record.hears(self.number, line)

    def _is_told(self, lines: int, is_sure: bool) -> None:
        self._told += lines
        self._sure += lines * is_sure

    def dies(self, is_cut: bool) -> None:
        """Go without a word."""
        self.is_done = self.is_dead = True
        self.end.cut() if is_cut else self.end.leaves()
        self.turn()

    def judge(self) -> None:
        """Look whether it was told of every line that nobody has heard; in a larger room no line has one hearer.

        It is told as well when it leaves beside a partner, and when the hub hangs up on it (docs/protocol.md, 3: "what
        isn't known to be there by then is told as *perhaps not delivered*, as it is to whoever the hub hangs up on.
        What the hub had not read by then is in no count"). Who never had a seat has said nothing yet.
        """
        if not self._record.is_pair or not self.end.connection.was_seated:
            return
        unheard = [line for line in self._said if not self._record.has(line)]
        who = f"end {self.number} ({self.why})"
        is_there = self.why == "quit" or not (self.why in _UNHEARD or self._is_unread)
        if len(unheard) > self._told and is_there and not self.is_dead:
            raise Fault(f"{who} lost {len(unheard)} lines, {unheard[:3]}, and was told of {self._told}")
        if self._sure > len(unheard):
            raise Fault(f"{who} was told for sure of {self._sure} lines, and {len(unheard)} are unheard")
        if self._told > len(self._said):
            raise Fault(f"{who} said {len(self._said)} lines, and was told of {self._told}")
