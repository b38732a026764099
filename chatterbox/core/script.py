"""A script is what the hub prints of what happens, in the words of a mode's exercise.

This module turns news into lines. It does not know who prints them.
"""

from __future__ import annotations

from collections.abc import Iterator

from .events import Happening, Joined, Left, News, Parted, Said, Staged
from .modes import Mode

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_KINDS: dict[type, str] = {Joined: "joined", Said: "said", Parted: "farewell", Left: "left"}
"""What a script calls each event."""


def script_lines(mode: Mode, news: News) -> Iterator[str]:
    """Yield the lines for `news`; a mode without a script has none. Where the hub goes on, the next two may come."""
    if isinstance(news, Staged):
        if words := mode.script.get(news.point):
            yield words.format(**dict(zip(("first", "second"), news.names)))
        if news.point == "done" and not mode.once:
            yield mode.script["start"]
    elif isinstance(news, Happening) and (words := mode.script.get(_KINDS.get(type(news.event), ""))):
        members, peer = news.room.members, news.event.peer
        facts = {
            "name": peer.name,
            "address": tuple(peer.address),
            "label": members.get(peer, b"").decode(),
            "ordinal": _ordinal(len(members)),
        }
        texts = news.event.block.decode().split("\n")[:-1] if isinstance(news.event, Said) else [""]
        for text in texts:
            yield words.format(**facts, text=text)


def _ordinal(number: int) -> str:
    return _ORDINALS[number - 1] if 0 < number <= len(_ORDINALS) else f"{number}th"
