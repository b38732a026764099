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
    from stringzilla import find_first_of as _find_first_of
    from stringzilla import translate as _translate
except ImportError:  # the extra `fast` is not installed
    _bytesum = _find_first_of = _translate = None

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
    if _has_controls(block):
        block = block.translate(None, _CONTROLS)
    if block.isascii() or _shows_only_text(block):
        return block
    text = block.decode(errors="replace")
    block = text.encode()  # often that is all there was to mend
    return _without_controls(text).encode() if 0xE2 in block or 0xC2 in block else block


def _shows_only_text(block: bytes) -> bool:
    """Return whether `block`, which has no C0, is UTF-8 without C1, line ends and bidi controls.

    A character is looked for only where its last byte occurs: prose has few of them.
    """
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
    library's own `count` 19 ns for a bare newline.
    """
    return _bytesum(_translate(block, _MARK_NEWLINES)) if _translate else block.count(b"\n")


def clean_text(text: str) -> str:
    """Return `text` cleaned as one line: its newlines become spaces."""
    return clean(text.encode(errors="replace").replace(b"\n", b" ")).decode()


_KEYS = re.compile("[^\\x08\\t\\n\\x15\\x20-\\x7e\\xa0-\\U0010ffff]+|[\\ud800-\\udfff]+")


def clean_keys(text: str) -> bytes:
    """Return typed `text` cleaned: of the controls, BS, ^U, TAB and the newline are keys, the rest is removed."""
    return _without_controls(_KEYS.sub("", text.replace("\x7f", "\b").replace("\r", "\n"))).encode()
