"""A row is one line of the screen: its label, its text, their width, and the drafts that grow in one.

This module does not know keyboards, sockets, clocks or the conversation, and it trusts nobody: every row that it makes
has been through `clean_text`, and the only escape sequences in one are the colours put there on this page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple
from unicodedata import category, east_asian_width
from zlib import crc32

from ...wire.names import fold
from ...wire.text import NOTICE, clean_text

# -- widths ---------------------------------------------------------------------------------------------------

ELLIPSIS = "…"
SEPARATOR = " · "


def width(text: str) -> int:
    """Return the columns `text` takes: wide characters two, combining marks and joiners none."""
    return len(text) if text.isascii() else sum(map(_cell, text))


@lru_cache(4096)
def _cell(char: str) -> int:
    if category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def clip(text: str, columns: int) -> str:
    """Return the beginning of `text` in at most `columns`; an ellipsis stands for what is left out."""
    return text if width(text) <= columns else _fitting(text, columns - 1) + ELLIPSIS[: max(0, columns)]


def clip_start(text: str, columns: int) -> str:
    """Return the end of `text` in at most `columns`; an ellipsis stands for what is left out."""
    if width(text) <= columns:
        return text
    return ELLIPSIS[: max(0, columns)] + _fitting(text[::-1], columns - 1)[::-1].lstrip("\u200d")


def _fitting(text: Iterable[str], columns: int) -> str:
    fits: list[str] = []
    for char in text:
        columns -= _cell(char)
        if columns < 0:
            break
        fits.append(char)
    return "".join(fits)


# -- rows -----------------------------------------------------------------------------------------------------

Kind = Literal["said", "mention", "own", "notice", "plain"]


class Row(NamedTuple):
    """One row to be shown: its words as they came, and what kind of words they are."""

    text: str
    label: str = ""
    """What stands before the text, with its colon and space."""
    name: str = ""
    """Whose words they are: the colour of the label."""
    kind: Kind = "said"


def notice(text: str) -> Row:
    """Return a row with which the hub or the client itself speaks, under the same mark that `nc` users see."""
    return Row(text, NOTICE.decode(), kind="notice")


@dataclass(frozen=True, slots=True)
class Look:
    """How rows are dressed: with weight and colour, with weight alone (NO_COLOR), or not at all (--plain)."""

    weight: bool = True
    colour: bool = True


PLAIN = Look(weight=False, colour=False)

_RESET, _BOLD, _DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
_HUES = (36, 33, 35, 32, 34, 31)
"""The six colours that are legible on black and on white in every terminal's own palette."""


def dress(row: Row, look: Look = Look(), clock: str = "") -> str:
    """Return `row` as it goes to the terminal, without an end of line.

    Args:
        clock: what stands before everything, such as `12:30 `; an empty string for nothing.
    """
    label, text = clean_text(row.label), clean_text(row.text)
    if not look.weight:
        return f"{clock}{label}{text}"
    if clock:
        clock = f"{_DIM}{clock}{_RESET}"
    if row.kind == "notice":
        return f"{clock}{_DIM}{label}{text}{_RESET}"
    if label:
        label = f"{_label_style(row, look)}{label}{_RESET}"
    if row.kind == "mention":
        text = f"{_BOLD}{text}{_RESET}"
    return f"{clock}{label}{text}"


def _label_style(row: Row, look: Look) -> str:
    if row.kind == "own":
        return _BOLD
    hue = f"\x1b[{_HUES[crc32(fold(row.name).encode(errors='replace')) % len(_HUES)]}m" if look.colour else ""
    return hue + _BOLD if row.kind == "mention" else hue


# -- the line under the prompt --------------------------------------------------------------------------------


class Part(NamedTuple):
    """One part of the line."""

    text: str
    least: int = 1000
    """Columns to which it may be clipped."""


def fitted(parts: Iterable[Part], columns: int) -> str:
    """Return the line of the parts that there are, its widest ones clipped until it fits; empty where it can't."""
    shown = [Part(clean_text(text), least) for text, least in parts if text]
    for most in range(columns, 0, -1):
        line = SEPARATOR.join(clip(text, max(most, least)) for text, least in shown)
        if width(line) <= columns:
            return line
        if all(most <= least for _, least in shown):
            break
    return ""


LEAST_NAME = 6
"""Columns of a name that are left of it where the line has too few."""


class Status(NamedTuple):
    """What the line tells: what is refused, the link and the own name come first, and are left where it is narrow."""

    refusal: str
    """Why the line above it wasn't sent."""
    state: str
    """How the link is."""
    name: str
    unsent: str
    room: str
    company: str
    """Who else is here."""
    brief: str
    """The same in fewer words."""
    live: str

    def line(self, columns: int) -> str:
        """Return it; names are counted where they don't fit."""
        first = [Part(self.state), Part(self.name, LEAST_NAME), Part(self.unsent)]
        company = Part(self.brief, len("with ") + LEAST_NAME)
        room, live = Part(self.room, LEAST_NAME), Part(self.live)
        whole = [Part(self.state), Part(self.name), Part(self.unsent), Part(self.room), Part(self.company), live]
        choices = [whole, [*first, room, company, live], [*first, room, company], [*first, company], first]
        refusal = [Part(self.refusal)] if self.refusal else []
        for parts in [[*refusal, *choice] for choice in choices] + [refusal]:
            if line := fitted(parts, columns):
                return line
        return clip(self.refusal or f"{self.state}{SEPARATOR}{self.name}", columns)


# -- drafts (docs/protocol.md, section 7) ---------------------------------------------------------------------

RUB, KILL, ENTER = "\b", "\x15", "\n"
DRAFT_LIMIT = 4096
"""Characters of somebody's draft that are kept: what the longest line has at most."""
HEAP = 8
"""Marks on one character of a draft that are drawn: a Burmese syllable has four, the flag of Wales seven."""


class Draft:
    """A line that somebody is typing, as the keys that come make it grow and shrink."""

    __slots__ = ("text",)

    def __init__(self) -> None:
        self.text = ""

    def type(self, keys: str) -> list[str]:
        """Apply `keys`; return the lines that they finished."""
        *finished, last = keys.split(ENTER)
        lines = [self._line(part) for part in finished]
        self.text = self._line(last)
        return lines

    def _line(self, keys: str) -> str:
        """Return the draft with newline-free `keys` applied, and start afresh."""
        _, killed, keys = keys.rpartition(KILL)
        chars = [] if killed else list(self.text)
        for key in keys:
            if key in (RUB, "\x7f"):
                del chars[-1:]
            elif len(chars) < DRAFT_LIMIT:
                chars.append(key)
        self.text = ""
        return clean_text("".join(chars))


def keys_between(old: str, new: str) -> str:
    """Return the fewest keys that make the draft `new` out of `old`."""
    same = next((n for n, pair in enumerate(zip(old, new)) if pair[0] != pair[1]), min(len(old), len(new)))
    edited = RUB * (len(old) - same) + new[same:]
    again = KILL + new
    return again if len(again) < len(edited) else edited


def draft_row(name: str, text: str, columns: int) -> str:
    """Return the row in which `name`'s draft is seen: its end, where the typing is."""
    label = clip(clean_text(name), columns // 3) + " … "
    return label + clip_start(_without_heaps(text.replace("\t", " ")), columns - width(label))


def _without_heaps(text: str) -> str:
    """Leave out marks beyond the first HEAP in a row: the screen keeps a character once more for each that is on it."""
    if text.isascii():
        return text
    kept, marks = [], 0
    for char in text:
        marks = 0 if _cell(char) else marks + 1
        if marks <= HEAP:
            kept.append(char)
    return "".join(kept)


def pane(name: str, text: str, columns: int, height: int) -> list[str]:
    """Return a pane of mode `talk`: a ruler with `name`, and the last `height` rows that `text` takes."""
    head = f"── {clip(clean_text(name), columns // 2)} "
    rows, row, left = [], "", columns
    for char in _without_heaps(text.replace("\t", " ")):
        if _cell(char) > left:
            rows.append(row)
            row, left = "", columns
        row += char
        left -= _cell(char)
    filled = [*rows, row][-height:] if height else []
    return [head + "─" * (columns - width(head)), *filled, *[""] * (height - len(filled))]


# -- pastes ---------------------------------------------------------------------------------------------------


def pasted(block: str) -> list[str]:
    """Return the clean lines of a pasted block; the newlines at its end are none of its lines."""
    lines = block.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    return [clean_text(line) for line in lines]


def paste_question(lines: Sequence[str], columns: int) -> str:
    """Return what is asked before a paste of several lines goes anywhere; the keys are S, J and Esc."""
    count = len(lines)
    words = f"Paste of {count} lines: [S]end all {count}, [J]oin to one, [Esc] drop? "
    return words if width(words) < columns else f"{count} lines: [S]end, [J]oin, [Esc] drop? "


def joined(lines: Sequence[str]) -> str:
    """Return a paste as one line: its lines in order, one space between any two that say something."""
    return " ".join(line.strip() for line in lines if line.strip())
