"""A name is what an end wants to be called: this module knows what to answer where it is taken, or must have one.

It asks nobody: what a program reads on its stdin is never a name.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from ..limits import Limits
from ..wire.names import numbered
from ..wire.numbered import Json

GUESTS = 10_000
"""Guests' numbers are drawn from so many, so that two who come at once differ."""


class Names:
    """The names to try, one after the other: the wish, then with a number; without a wish any guest's.

    Args:
        wish: the first one; empty: none.
        draw: returns a number from 0 to below its argument.
    """

    def __init__(self, wish: str = "", draw: Callable[[int], int] = random.randrange) -> None:
        self._wish = wish
        self._draw = draw
        self._number = 1

    def next(self) -> str:
        """Return the next one to try; the hub says when it has heard enough of them."""
        if not self._wish:
            return f"guest-{1 + self._draw(GUESTS)}"
        self._number += 1
        return numbered(self._wish, self._number, Limits().max_name)


def instead_of(wish: str, welcome: Json) -> str:
    """Return a sentence where a `welcome` has given another name than the one that was asked for; else nothing.

    Who waits outside the room has no name yet.
    """
    name = welcome.get("name")
    if not wish or not name or not isinstance(name, str) or name == wish:
        return ""
    fault = f"the name {wish} is taken" if welcome.get("label") in (None, "nick") else "names are given in this mode"
    return f"{fault}: you are {name}"
