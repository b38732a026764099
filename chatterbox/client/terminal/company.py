"""A company is who is in the room, in order of joining, as far as the hub told.

Each change costs the same however many are here. This module does not know what anybody says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LIMIT = 10_000
"""Names kept at most: more than a hub has connections, and a hub may lie."""


class Company:
    """Names with the order of their joining, and who of them has finished."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._next = 0
        self._finished: set[str] = set()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def names(self) -> list[str]:
        """All of them, in order of joining."""
        return sorted(self._places, key=self._places.__getitem__)

    def begin(self, names: Iterable[str]) -> None:
        """Begin again with `names`."""
        self._places.clear()
        self._finished.clear()
        for name in names:
            self.join(name)

    def join(self, name: str) -> None:
        """Add a name."""
        if len(self._places) < LIMIT:
            self._places[name] = self._next = self._next + 1

    def leave(self, name: str) -> None:
        """Remove a name."""
        self._places.pop(name, None)
        self._finished.discard(name)

    def rename(self, old: str, new: str) -> None:
        """Let somebody keep their place under a new name."""
        if old in self._places:
            self._places[new] = self._places.pop(old)
        if old in self._finished:
            self._finished.remove(old)
            self._finished.add(new)

    def finish(self, name: str) -> None:
        """Take note that somebody says nothing more."""
        if name in self._places:
            self._finished.add(name)

    def make_room(self, seats: int | None, own: str) -> None:
        """Forget whose seat a newcomer has taken, where every seat was taken: somebody who had finished."""
        if len(self._places) == seats:
            for name in list(self._finished) or [name for name in self._places if name != own]:
                self.leave(name)

    def text(self, own: str, seats: int | None, brief: bool = False) -> str:
        """Return who else is here, in few words; `brief` counts them where they are several."""
        others = [name for name in self.names if name != own]
        if not others:
            return "waiting for a partner" if seats == 2 else "nobody else yet"
        if self._finished.issuperset(others):
            return f"{_list(others, brief)} {'has' if len(others) == 1 else 'have'} finished"
        return f"with {_list(others, brief)}"


def _list(names: Sequence[str], brief: bool) -> str:
    return f"{len(names)} others" if brief and len(names) > 1 else ", ".join(names)
