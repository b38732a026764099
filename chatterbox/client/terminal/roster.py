"""A roster is who is in the room by name, in order of joining, and which of them can hear, as far as the hub told.

Each change costs the same however many are here. This module does not know what anybody says, nor streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

from ...limits import Limits
from ...wire.names import name_keys, numbered

LIMIT = 10_000
"""Names kept at most: more than a hub has connections, and a hub may lie."""


class Roster:
    """Names with the order of their joining, and who of them has finished or is away."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._next = 0
        self._finished: set[str] = set()
        self._away: set[str] = set()
        self._gone = ""
        """Who left last, in words, while nobody else has come."""

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    @property
    def names(self) -> list[str]:
        """All of them, in order of joining."""
        return sorted(self._places, key=self._places.__getitem__)

    def begin(self, names: Iterable[str], away: Iterable[str] | None = None) -> None:
        """Begin again with `names`; who has finished, and who is away where nothing else is said, is remembered."""
        self._places.clear()
        for name in names:
            self._add(name)
        self._finished.intersection_update(self._places)
        self._away = (self._away if away is None else set(away)).intersection(self._places)

    def suggestion(self, wish: str, own: str) -> str:
        """Return a name like `wish` that is free as far as is known, if that is somebody else's; else nothing."""
        taken = {key for name in self._places if name != own for key in name_keys(name)}
        if taken.isdisjoint(name_keys(wish)):
            return ""
        return next(free for n in count(2) if taken.isdisjoint(name_keys(free := numbered(wish, n, Limits().max_name))))

    def join(self, name: str) -> None:
        """Add a name: somebody new, who has said nothing yet."""
        self._finished.discard(name)
        self._add(name)

    def _add(self, name: str) -> None:
        if len(self._places) < LIMIT:
            self._places[name] = self._next = self._next + 1
        self._gone = ""

    def leave(self, name: str, why: str = "") -> None:
        """Remove a name, for one of the hub's words."""
        if self._places.pop(name, None):
            self._gone = f"{name} {'was lost' if why == 'lost' else 'left'}"
        self._finished.discard(name)
        self._away.discard(name)

    def rename(self, old: str, new: str) -> None:
        """Let somebody keep their place under a new name."""
        if old in self._places:
            self._places[new] = self._places.pop(old)
        for names in (self._finished, self._away):
            if old in names:
                names.remove(old)
                names.add(new)

    def finish(self, name: str) -> None:
        """Take note that somebody says nothing more."""
        if name in self._places:
            self._finished.add(name)

    def away(self, name: str) -> None:
        """Take note that somebody's link is lost."""
        if name in self._places:
            self._away.add(name)

    def back(self, name: str) -> bool:
        """Take note that somebody's link is there; return whether they were away."""
        was_away = name in self._away
        self._away.discard(name)
        return was_away

    def make_room(self, seats: int | None, own: str) -> None:
        """Forget whose seat a newcomer has taken, where every seat was taken: somebody who had finished."""
        if len(self._places) == seats:
            for name in list(self._finished) or [name for name in self._places if name != own]:
                self.leave(name)

    def text(self, own: str, seats: int | None, brief: bool = False) -> str:
        """Return who else is here, in few words; `brief` counts them where they are several."""
        others = [name for name in self.names if name != own]
        if not others:
            alone = "waiting for a partner" if seats == 2 else "nobody else yet"
            return f"{alone} ({self._gone})" if self._gone and seats == 2 else alone
        away = [name for name in others if name in self._away]
        finished = [name for name in others if name in self._finished and name not in self._away]
        here = [name for name in others if name not in self._away and name not in self._finished]
        parts = [f"with {_list(here, brief)}"] if here else []
        parts += [f"{_list(away, brief)} {'is' if len(away) == 1 else 'are'} away"] if away else []
        parts += [f"{_list(finished, brief)} {'has' if len(finished) == 1 else 'have'} finished"] if finished else []
        return ", ".join(parts)


def _list(names: Sequence[str], brief: bool) -> str:
    return f"{len(names)} others" if brief and len(names) > 1 else ", ".join(names)
