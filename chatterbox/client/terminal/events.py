"""An event is one JSON object that the hub sent; nothing in it is believed before it was checked here.

Every string that comes out is clean, and names are short. This module does not know what an event means.
"""

from __future__ import annotations

from ...wire.text import clean_text

Json = dict[str, object]
"""One object, as the hub sent it or as it will be sent."""

WORD = 64
"""Characters of a name, a room or another short word at most: the limit of a room's name (docs/protocol.md, 4)."""


def text(event: Json) -> str:
    """Return what was said."""
    said = event.get("text")
    return clean_text(said) if isinstance(said, str) else ""


def texts(event: Json) -> list[str]:
    """Return the lines that were said: a session hears many in one event."""
    said = event.get("text")
    return [clean_text(line) for line in said.split("\n")] if isinstance(said, str) else [""]


def word(event: Json, key: str) -> str:
    """Return a name, a room or another short word; an empty string where there is none."""
    return short(event.get(key))


def words(event: Json, key: str) -> list[str]:
    """Return a list of short words."""
    found = event.get(key)
    return [short(each) for each in found if isinstance(each, str)] if isinstance(found, list) else []


def number(event: Json, key: str) -> int | None:
    """Return a number, or None where there is none."""
    found = event.get(key)
    return found if isinstance(found, int) else None


def short(found: object) -> str:
    """Return a short word, clean."""
    return clean_text(found[:WORD]) if isinstance(found, str) else ""
