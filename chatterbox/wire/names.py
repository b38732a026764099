"""A name is what an end or a room is called: this module knows which words are names, and which look the same.

Python's table of characters has no scripts: the first word of what a character is called tells its script. This module
does not know who has which name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import category, decimal, normalize
from unicodedata import name as name_of

MOST_BYTES = 3
"""Bytes of a name for each character that it may have: letters beyond U+FFFF have four, and count for more."""
MARKS = 4
"""Marks behind one letter at most: a Burmese syllable has so many, and more would only cover the rows above."""
RESERVED = frozenset({"server", "hub", "system", "admin", "you"})

_ASCII = re.compile("[A-Za-z0-9_-]*")
_ROOM = re.compile("[A-Za-z0-9._-]+")
_SHAPE = re.compile(f"(?:LM{{0,{MARKS}}}|D|_)*")
"""What a name is made of, each character as the class that `_read` gives it."""

_HEAP = re.compile("((?:[^\\w\\x00-\\x7f]|[\uff9e\uff9f]){30})(?:[^\\w\\x00-\\x7f]|[\uff9e\uff9f])+")
"""Marks beyond 30 in a row, of which Unicode's stream-safe text has no more (UAX 15): Python takes n² steps to put n of
them in order. The two letters of kana become marks."""

_SCRIPTS = {
    word: word.capitalize()
    for word in (
        "ARABIC ARMENIAN BENGALI CYRILLIC DEVANAGARI ETHIOPIC GEORGIAN GREEK GUJARATI GURMUKHI HANGUL HEBREW KANNADA "
        "KHMER LAO LATIN MALAYALAM MYANMAR ORIYA SINHALA TAMIL TELUGU THAANA THAI TIBETAN"
    ).split()
} | {
    **dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO", "IDEOGRAPHIC"), "Han or kana"),
    **dict.fromkeys(("ARABIC-INDIC", "EXTENDED"), "Arabic"),
}
"""Scripts by the first word of what a character is called: those that Unicode recommends for names (UAX 31, table 5).

Han, kana and bopomofo are written together, and count as one."""
_SPACELESS = frozenset({"Han or kana", "Hangul", "Khmer", "Lao", "Myanmar", "Thai", "Tibetan"})
"""Scripts in which no space stands between words, or behind a name."""
_UNSEEN = re.compile("FILLER|JUNGSEONG|JONGSEONG|INHERENT|TATWEEL|SELECTOR|JOINER")
"""Letters and marks that are blank, take no column, or only stretch others."""
_CLASSES = {"Lu": "L", "Ll": "L", "Lt": "L", "Lo": "L", "Lm": "L", "Nd": "D", "Mn": "M", "Mc": "M"}

_LOOK_ALIKES = (
    str.maketrans("АВЕКМНОРСТУХЅІЈԚԜӀҮҺ", "ABEKMHOPCTYXSIJQWlYh")
    | str.maketrans("ԁаекмортсухѕіјԛԝһӏү", "daekmoptcyxsijqwhly")
    | str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϳνορτικυχα", "ABEZHIKMNOPTYXjvoptikuxa")
    | str.maketrans("カロニトハエタヘー", "力口二卜八工夕へ一")
)
"""Cyrillic and Greek letters that look like Latin ones, and katakana that look like Han or hiragana."""


def read_name(typed: str, limit: int) -> tuple[str, str]:
    """Return the name that `typed` stands for, and why it can't be one, or an empty string where it can.

    Args:
        limit: characters that it may have.
    """
    normal = typed if typed.isascii() or len(typed) > 4 * limit else normalize("NFKC", typed)
    if not normal:
        return normal, "a name has at least one character"
    if len(normal) > limit:
        return normal, f"a name has at most {limit} characters"
    if len(normal.encode(errors="replace")) > MOST_BYTES * limit:
        return normal, f"a name has at most {MOST_BYTES * limit} bytes"
    if not _ASCII.fullmatch(normal):
        shape, scripts = zip(*map(_read, normal))
        if not _SHAPE.fullmatch("".join(shape)):
            return normal, "a name is made of letters, digits, _ and -"
        if len(mixed := sorted(set(scripts) - {""})) > 1:
            return normal, f"a name has letters of one script: {normal} has more ({', '.join(mixed)})"
    if not RESERVED.isdisjoint(name_keys(normal)):
        return normal, f"{normal} is a reserved name"
    return normal, ""


def room_fault(word: str, limit: int) -> str:
    """Return why `word` can't be a room's name, or an empty string where it can."""
    if not word or len(word) > limit or not _ROOM.fullmatch(word):
        return f"a room's name is 1 to {limit} of A-Z a-z 0-9 . _ and -"
    return ""


@lru_cache(4096)
def _read(char: str) -> tuple[str, str]:
    """Return the class of a character, `?` for one that no name has, and its script; what any has, has none."""
    if char in "_-":
        return "_", ""
    called = name_of(char, "")
    script = _SCRIPTS.get(called.partition(" ")[0], "")
    kind = _CLASSES.get(category(char), "?")
    if char.isascii():
        return kind, script
    return (kind, script) if script and not _UNSEEN.search(called) else ("?", "")


def fold(word: str) -> str:
    """Return `word` so that two spellings of one name are equal: composed, without case and without heaps of marks."""
    if word.isascii():
        return word.casefold()
    return normalize("NFKC", normalize("NFKC", _HEAP.sub(r"\1", word)).casefold())


@lru_cache(256)  # in a burst many are called guest-1 and guest-2, each in a room of its own
def name_keys(word: str) -> tuple[str, ...]:
    """Return what a name is told apart by: two names are too like each other where they share one of these.

    The first is how it is spelled (`fold`); the second, if it has one, what it looks like.
    """
    folded = fold(word)
    if word.isascii():
        return (folded,)
    letters = normalize("NFKD", word).translate(_LOOK_ALIKES)
    look = fold("".join(str(decimal(char)) if category(char) == "Nd" else char for char in letters))
    return (folded,) if look == folded else (folded, look)


def clash(wish: str, other: str) -> str:
    """Return why nobody can be called `wish` beside `other`."""
    if wish == other:
        return f"the name {wish} is taken"
    if fold(wish) == fold(other):
        return f"the name {wish} is taken: {other} is here, and case makes no difference"
    return f"the name {wish} is taken: it looks like {other}"


def numbered(base: str, number: int, limit: int) -> str:
    """Return `base` with a number behind it, cut so that it is a name."""
    tail = f"-{number}"
    base = base[: limit - len(tail)]
    while len((base + tail).encode()) > MOST_BYTES * limit:
        base = base[:-1]
    return base + tail


def mentions(text: str, word: str) -> bool:
    """Return whether the name `word` stands in `text` as a word of its own, however both are spelled."""
    folded, wanted = fold(text), fold(word)
    start = folded.find(wanted) if wanted else -1
    while start >= 0:
        end = start + len(wanted)
        if not _is_inside(folded, start) and not _is_inside(folded, end):
            return True
        start = folded.find(wanted, start + 1)
    return False


def _is_inside(text: str, at: int) -> bool:
    """Return whether a word goes on at `at`; in scripts without spaces nobody can tell, and it is taken to end."""
    if not 0 < at < len(text):
        return False
    (before, script), (after, other) = _read(text[at - 1]), _read(text[at])
    return after == "M" or ("?" not in (before, after) and _SPACELESS.isdisjoint((script, other)))
