"""A witness follows what one end hears: numbered lines without repeats or holes, and who it believes to be with."""

from __future__ import annotations

import json
import re

_LINE = re.compile(r"(p\d+) (\d+) ")


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
        elif kind == "closed":
            self.is_closed, self.why = True, f"{event}"
        self.met |= self.company

    def _line(self, line: str) -> None:
        found = _LINE.match(line.partition(": ")[2] if ": " in line else line)
        if found:
            speaker, number = found[1], int(found[2])
            self.first.setdefault(speaker, number)
            before = self.last.get(speaker, number - 1)
            assert number == before + 1, f"{self.name} heard {number} of {speaker} after {before}"
            self.last[speaker] = number
            self.order.append((speaker, number))
