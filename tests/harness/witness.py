"""A witness follows what one end hears: numbered lines without repeats or holes, and who it believes to be with."""

from __future__ import annotations

import json
import re

_LINE = re.compile(r"(p\d+) (\d+) ")
_UNDELIVERED = re.compile(r"-!- (?:perhaps )?not delivered: (?:the last )?(\d+) lines?|-!- perhaps not delivered: the last line")


class Witness:
    """What one end was told so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.first: dict[str, int] = {}
        """The first line heard of each speaker."""
        self.last: dict[str, int] = {}
        """The last one."""
        self.company: set[str] = set()
        """Who is with it, by all that it was told; text peers of a pair are told no names."""
        self.met: set[str] = set()
        """Who ever was."""
        self.order: list[tuple[str, int]] = []
        """Every line, in the order in which it was heard."""
        self.is_seated = self.is_closed = False
        self.lefts = 0
        """How often it was told that somebody left: that one may have missed what was said before."""
        self.why = ""
        self.undelivered = 0
        """Lines of its own that it was told may not have arrived."""
        self.holes: dict[str, int] = {}
        """Lines of each speaker that it missed between two others: whoever said them must know."""
        self._at = 0

    def look(self, taken: bytes) -> None:
        """Follow what came since: of everybody all after the first that came, in order and once."""
        *lines, _ = taken[self._at :].decode().split("\n")
        self._at = taken.rfind(b"\n") + 1
        for line in lines:
            if line.startswith("{"):
                self._event(json.loads(line))
            elif line.startswith("-!- closed"):
                self.is_closed, self.why = True, line
            elif " left (" in line:
                self.lefts += 1
            elif not line.startswith("-!-"):
                self._line(line)
            elif found := _UNDELIVERED.match(line):
                self.undelivered += int(found[1] or 1)

    def _event(self, event: dict[str, object]) -> None:
        kind, name = event["event"], str(event.get("name", ""))
        if kind == "said":
            self._line(str(event["text"]))
        elif kind == "welcome":
            here = event["here"]
            self.company = {str(name) for name in here if name != self.name} if isinstance(here, list) else set()
            self.is_seated = True
        elif kind == "joined":
            self.company.add(name)
        elif kind == "left":
            self.company.discard(name)
            self.lefts += 1
        elif kind == "undelivered":
            self.undelivered += int(str(event["lines"]))
        elif kind == "closed":
            self.is_closed, self.why = True, f"{event}"
        self.met |= self.company

    def _line(self, line: str) -> None:
        found = _LINE.match(line.partition(": ")[2] if ": " in line else line)
        if found:
            speaker, number = found[1], int(found[2])
            self.first.setdefault(speaker, number)
            before = self.last.get(speaker, number - 1)
            assert number > before, f"{self.name} heard {number} of {speaker} after {before}"
            self.holes[speaker] = self.holes.get(speaker, 0) + number - before - 1
            self.last[speaker] = number
            self.order.append((speaker, number))

    def hole(self, speakers: dict[str, Witness]) -> str:
        """Return what this end missed in the middle without its speaker being told, or an empty string."""
        for speaker, missed in self.holes.items():
            told = speakers[speaker].undelivered if speaker in speakers else 0
            if missed > told:
                return f"{self.name} missed {missed} of {speaker} in the middle, who was told of {told}"
        return ""
