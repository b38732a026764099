"""A witness follows what one end hears: numbered lines without repeats or holes, and who it believes to be with."""

from __future__ import annotations

import re

_LINE = re.compile(rb"^(?:(-!- )(\w+) ?([^ \n]*)|(?:[^\n]*: )?(p\d+) (\d+) )[^\n]*\n", re.M)


class Witness:
    """What one end was told so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.last: dict[str, int] = {}
        """The last line heard of each speaker."""
        self.company: set[str] = set()
        """Who is with it, by all that it was told."""
        self.met: set[str] = set()
        """Who ever was."""
        self.order: list[tuple[str, int]] = []
        """Every line, in the order in which it was heard."""
        self.is_seated = self.is_closed = False
        self._at = 0

    def look(self, taken: bytes, partner: str = "") -> None:
        """Follow what came since; of `partner` everything has to come, of others all after the first that came."""
        for notice, kind, what, speaker, number in _LINE.findall(taken, self._at):
            if notice:
                self._notice(kind.decode(), what.decode())
            else:
                self._line(speaker.decode(), int(number), partner)
        self._at = taken.rfind(b"\n") + 1

    def _notice(self, kind: str, what: str) -> None:
        if kind == "welcome":
            self.company = {name for name in what.split(",") if name}
            self.is_seated = True
        elif kind == "joined":
            self.company.add(what)
        elif kind == "left":
            self.company.discard(what)
        elif kind == "closed":
            self.is_closed = True
        self.met |= self.company

    def _line(self, speaker: str, number: int, partner: str) -> None:
        before = self.last.get(speaker, -1 if speaker == partner else number - 1)
        assert number == before + 1, f"{self.name} heard {number} of {speaker} after {before}"
        self.last[speaker] = number
        self.order.append((speaker, number))
