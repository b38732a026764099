"""Text is what may be shown: this module knows which bytes do nothing to a terminal, a log or another peer.

It does not know what a line means.
"""

from __future__ import annotations

import re
from codecs import utf_8_decode
from collections.abc import Callable

try:
    from stringzilla import __version__ as _library_version
    from stringzilla import bytesum as _bytesum
    from stringzilla import find as _find
    from stringzilla import find_first_of as _find_first_of
    from stringzilla import translate as _translate
    from stringzilla import utf8_count as _utf8_count
except ImportError:  # the extra `fast` is not installed
    _bytesum = _find = _find_first_of = _translate = _utf8_count = None

NOTICE = b"-!- "
"""What the hub itself says to a text peer begins so (irssi's marker)."""

# -- cleaning -------------------------------------------------------------------------------------------------

_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n") + b"\x7f"
_MARK_CONTROLS = bytes.maketrans(_CONTROLS, b"?" * len(_CONTROLS))
_SMALL = 1024
"""Bytes up to which one `translate` is faster than a search for each control."""
_SLICE = 24 * 1024
"""Bytes searched at once: they stay in the processor's first cache (32 KiB) while each control is looked for.

Of a larger piece Python's decoder may have the memory from the system each time, and gives it back: twice the time."""
_LARGE = 8 * 1024
"""Bytes from which looking at many of them at a time is worth the calls."""
_SPARSE = 16
"""One byte in how many beyond which characters are looked at by kinds; where they are fewer, decoding is faster."""
_BEYOND = _CONTROLS + bytes(range(128, 256))
"""The controls, and everything beyond ASCII."""
_MARK_NEWLINES = bytes(byte == 10 for byte in range(256))
"""A newline becomes a byte of 1, everything else one of 0."""

_C1 = tuple((sign.encode()[-1], sign) for sign in map(chr, range(0x80, 0xA0)))
"""The second row of controls, each behind its last byte; in UTF-8 each begins with C2."""
_SEPARATORS = tuple((sign.encode()[-1], sign) for sign in map(chr, (*range(0x2028, 0x202F), *range(0x2066, 0x206A))))
"""Two line ends and the bidi controls, each behind its last byte; in UTF-8 each begins with E2."""

_REMOVED = tuple(sign for _, sign in _C1 + _SEPARATORS)


def clean(block: bytes) -> bytes:
    """Return the lines in `block` as text that can do nothing to a terminal, a log or another peer.

    Removed: C0 but TAB and the newlines (so CRLF becomes LF), DEL, C1, U+2028/9, bidi controls. Invalid UTF-8
    becomes U+FFFD. One line out for one line in, and for any split at a line's end
    `clean(a) + clean(b) == clean(a + b)`. Clean bytes are returned as the very same object.
    """
    if is_plain(block):
        return block
    if _has_controls(block):
        block = block.translate(None, _CONTROLS)
    if block.isascii() or _shows_only_text(block):
        return block
    text = block.decode(errors="replace")
    block = text.encode()  # often that is all there was to mend
    return _without_controls(text).encode() if 0xE2 in block or 0xC2 in block else block


def is_plain(block: bytes | memoryview) -> bool:
    """Return whether `block` is known to be clean ASCII, in one look; without the library nothing is."""
    return bool(_find_first_of) and _find_first_of(block, _BEYOND) < 0


def _shows_only_text(block: bytes) -> bool:
    """Return whether `block`, which has no C0, is UTF-8 without C1, line ends and bidi controls."""
    if _translate and len(block) >= _LARGE and (len(block) - _utf8_count(block)) * _SPARSE > len(block):
        return _is_made_of_text(block)
    return _decodes_to_text(block)


def _decodes_to_text(block: bytes) -> bool:
    """Return the same by decoding: characters are looked for only where their last byte occurs, as prose has few."""
    signs = [sign for last, sign in _SEPARATORS if last in block] if 0xE2 in block else []
    if 0xC2 in block:
        signs += [sign for last, sign in _C1 if last in block]
    rest = memoryview(block)
    while rest:
        try:
            text, used = utf_8_decode(rest[:_SLICE], "strict", len(rest) <= _SLICE)
        except UnicodeDecodeError:
            return False
        if signs and any(map(text.__contains__, signs)):
            return False
        rest = rest[used:]
    return True


_ASCII, _NEXT, _NEVER = 100, 101, 0
_KINDS = bytes([_ASCII] * 128 + [_NEXT] * 64 + [_NEVER] * 2 + [99] * 30 + [98] * 16 + [97] * 5 + [_NEVER] * 11)
"""What each byte may be (RFC 3629, section 4). The first byte of a character is 100 less the number of bytes that come
next, and each of those is 101: whole characters are 100 a byte, all together."""
_TOO_MANY = tuple(bytes([first] + [_NEXT] * (101 - first)) for first in (_ASCII, 99, 98, 97))
"""Each first byte with one more than may come next. Without these, and with 100 a byte, none has too few, either."""


def _mistake(start: bytes, low: int, high: int) -> tuple[bytes, bytes, bytes]:
    """Return `start`, behind which no byte from `low` to `high` may come; a table of marks; and the marks of that."""
    marks = bytearray(256)
    for mark, byte in enumerate(start, 1):
        marks[byte] = mark
    marks[low : high + 1] = b"!" * (high + 1 - low)
    return start, bytes(marks), bytes(range(1, len(start) + 1)) + b"!"


_MISTAKES = (
    _mistake(b"\xe0", 0x80, 0x9F),  # could be shorter
    _mistake(b"\xf0", 0x80, 0x8F),  # could be shorter
    _mistake(b"\xed", 0xA0, 0xBF),  # half of a pair of UTF-16
    _mistake(b"\xf4", 0x90, 0xBF),  # beyond U+10FFFF
    _mistake(b"\xc2", 0x80, 0x9F),  # C1
    _mistake(b"\xe2\x80", 0xA8, 0xAE),  # U+2028 to U+202E
    _mistake(b"\xe2\x81", 0xA6, 0xA9),  # U+2066 to U+2069
)
_STARTS = bytes(start[0] for start, *_ in _MISTAKES)


def _is_made_of_text(block: bytes) -> bool:
    """Return the same by looking at many bytes at a time: what kinds there are, and that no mistake is among them."""
    possible = _MISTAKES if _find_first_of(block, _STARTS) >= 0 else ()
    mistakes = [(marks, marked) for start, marks, marked in possible if all(byte in block for byte in start)]
    view, size, end = memoryview(block), len(block), 0
    while end < size:
        start, end = end, size if size - end <= _SLICE else block.rfind(b"\n", end, end + _SLICE) + 1
        if not end:  # one line is longer than a slice
            return _decodes_to_text(block)
        part = view[start:end]
        kinds = _translate(part, _KINDS)
        if _bytesum(kinds) != 100 * len(part) or _NEVER in kinds or kinds[0] == _NEXT:
            return False
        if any(wrong[0] in kinds and _find(kinds, wrong) >= 0 for wrong in _TOO_MANY):
            return False
        if any(_find(_translate(part, marks), marked) >= 0 for marks, marked in mistakes):
            return False
    return True


def _without_controls(text: str) -> str:
    """Return `text` without C1, line ends and bidi controls: at most 43 passes, however many it has."""
    for sign in filter(text.__contains__, _REMOVED):
        text = text.replace(sign, "")
    return text


def _has_controls_plain(block: bytes) -> bool:
    """Look for each control in a large block, in one pass in a small one.

    With an integer `in` is a bare memchr; with bytes it first raises and clears a TypeError. Written out, the row is a
    third faster than a loop.
    """
    if len(block) <= _SMALL:
        return block.translate(_MARK_CONTROLS) is not block
    for start in range(0, len(block), _SLICE):
        part = block[start : start + _SLICE]
        if (
            (13 in part or 27 in part or 0 in part or 1 in part or 2 in part or 3 in part or 4 in part or 5 in part)
            or (6 in part or 7 in part or 8 in part or 11 in part or 12 in part or 14 in part or 15 in part)
            or (16 in part or 17 in part or 18 in part or 19 in part or 20 in part or 21 in part or 22 in part)
            or (23 in part or 24 in part or 25 in part or 26 in part or 28 in part or 29 in part or 30 in part)
            or (31 in part or 127 in part)
        ):
            return True
    return False


def _has_controls_fast(block: bytes) -> bool:
    """Look for all controls in one pass, many bytes at a time."""
    return _find_first_of(block, _CONTROLS) >= 0


_has_controls: Callable[[bytes], bool] = _has_controls_fast if _find_first_of else _has_controls_plain
SCANNER = f"stringzilla {_library_version}" if _find_first_of else "plain Python"
"""What looks for controls in this process; `clean` returns the same with either."""


def lines_in(block: bytes) -> int:
    """Return how many lines `block` is.

    The library marks and adds them: those in 240 KiB in 40 µs, whatever they are. Python takes 120 to 210 µs, and the
    library's own `count` 19 ns for a bare newline. The marks of a slice stay in the processor's cache.
    """
    if not _translate:
        return block.count(b"\n")
    if len(block) <= _SLICE:
        return _bytesum(_translate(block, _MARK_NEWLINES))
    view = memoryview(block)
    return sum(_bytesum(_translate(view[at : at + _SLICE], _MARK_NEWLINES)) for at in range(0, len(view), _SLICE))


def clean_text(text: str) -> str:
    """Return `text` cleaned as one line: its newlines become spaces."""
    return clean(text.encode(errors="replace").replace(b"\n", b" ")).decode()


_KEYS = re.compile("[^\\x08\\t\\n\\x15\\x20-\\x7e\\xa0-\\U0010ffff]+|[\\ud800-\\udfff]+")


def clean_keys(text: str) -> bytes:
    """Return typed `text` cleaned: of the controls, BS, ^U, TAB and the newline are keys, the rest is removed."""
    return _without_controls(_KEYS.sub("", text.replace("\x7f", "\b").replace("\r", "\n"))).encode()
