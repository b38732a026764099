"""Keys are what a person types before it is a line: mode `talk` passes them on as they come.

This module turns bytes as typed into clean keys, whatever the packets cut: characters, `\\b`, TAB and newlines, and
nothing that could act on the terminal they end on. It does not know who types or who watches.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

from ..limits import Limits
from .text import clean_keys
from .verbs import Command, Piece, Typing

_STRINGS = "[PX^_\\]][^\x07\x1b]*"
_ESCAPE = re.compile(
    f"\x1b(?:\\[[0-?]*[ -/]*[@-~]|{_STRINGS}(?:\x07|\x1b\\\\)|[NO].|[ -/]+[0-~]|[0-MQ-WYZ\\\\`-~])", re.DOTALL
)
"""Escape sequences as ECMA-48 has them: CSI, strings with their end, single shifts, and the short ones."""
_ESCAPE_BEGUN = re.compile(f"\x1b(?:\\[[0-?]*[ -/]*|{_STRINGS}\x1b?|[NO]|[ -/]*)?\\Z")
_MAX_ESCAPE = 64
"""Characters of one escape sequence kept while its end is awaited."""
_LEAVE = re.compile("[\x03\x04]")
"""A terminal in raw mode sends ^C and ^D as data (seed 004): they mean what they mean elsewhere."""


class KeyReader:
    """Reads one peer's keys; it has a state, since a character or an escape sequence may come in pieces."""

    def __init__(self, limits: Limits, farewells: Iterable[str] = ()) -> None:
        self._max_draft = limits.max_line
        self._farewells = frozenset(farewells) | {"/quit"}
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._kept = ""
        self._after_cr = False
        self._draft: list[str] = []

    def read(self, data: bytes) -> Iterator[Piece]:
        """Yield clean keys, and a command where a farewell line is finished or ^C or ^D is typed."""
        text, leaves = self._until_leaving(self._without_escapes(self._kept + self._decoder.decode(data)))
        yield from self._typed(self._one_newline(text))
        if leaves:
            yield Command("quit")

    def _without_escapes(self, text: str) -> str:
        text = _ESCAPE.sub("", text)
        begun = _ESCAPE_BEGUN.search(text)
        self._kept = begun[0][:_MAX_ESCAPE] if begun else ""
        return text[: begun.start()] if begun else text

    def _until_leaving(self, text: str) -> tuple[str, bool]:
        found = _LEAVE.search(text)
        return (text[: found.start()], True) if found else (text, False)

    def _one_newline(self, text: str) -> str:
        """Return `text` cleaned, with one newline for CR, LF or both, also where a packet ends between the two."""
        if self._after_cr and text.startswith("\n"):
            text = text[1:]
        self._after_cr = text.endswith("\r")
        return clean_keys(text.replace("\r\n", "\n")).decode()

    def _typed(self, text: str) -> Iterator[Piece]:
        """Yield keys, up to a farewell: nobody takes back more than they typed, and no draft grows for ever."""
        keys: list[str] = []
        for key in text:
            if key == "\n" and self._is_farewell():
                yield Typing("".join(keys).encode())
                yield Command("quit")
                return
            keys.append(self._press(key))
        if any(keys):
            yield Typing("".join(keys).encode())

    def _is_farewell(self) -> bool:
        return "".join(self._draft).strip() in self._farewells

    def take_back(self) -> bytes:
        """Forget the draft; return the keys that wipe it where it is shown."""
        keys = b"\b" * len(self._draft)
        self._draft.clear()
        return keys

    def _press(self, key: str) -> str:
        """Apply one key to the draft, in a time that doesn't depend on its length; return what a watcher must do."""
        draft = self._draft
        if key == "\n":
            draft.clear()
        elif key == "\x15":
            key = "\b" * len(draft)
            draft.clear()
        elif key == "\b":
            if not draft:
                return ""
            draft.pop()
        elif key == "-" and draft == ["-", "!"]:  # nobody can forge a notice: it gets one space in front, as lines do
            key = "\b\b -!-"
            draft[:] = " -!-"
        elif len(draft) < self._max_draft:
            draft.append(key)
        else:
            return ""
        return key
