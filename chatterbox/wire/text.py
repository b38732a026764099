"""Text is what may be shown: this module knows which bytes do nothing to a terminal, a log or another peer.

It also knows which words are names. It does not know what a line means.
"""

from __future__ import annotations

import re

NOTICE = b"-!- "
"""What the hub itself says to a text peer begins so (irssi's marker)."""

# -- cleaning -------------------------------------------------------------------------------------------------

_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n") + b"\x7f"
_MARK_CONTROLS = bytes.maketrans(_CONTROLS, b"?" * len(_CONTROLS))
_EACH_CONTROL = [bytes((control,)) for control in _CONTROLS]
_BAD_UNICODE = re.compile("[\x80-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LEADS = (b"\xc2", b"\xe2")
"""The first bytes in UTF-8 of everything `_BAD_UNICODE` names."""


def clean(block: bytes) -> bytes:
    """Return the lines in `block` as text that can do nothing to a terminal, a log or another peer.

    Removed: C0 but TAB and the newlines (so CRLF becomes LF), DEL, C1, U+2028/9, bidi controls. Invalid UTF-8
    becomes U+FFFD. One line out for one line in, and for any split at a line's end
    `clean(a) + clean(b) == clean(a + b)`. Clean bytes are returned as the very same object.
    """
    if _has_controls(block):
        block = block.translate(None, _CONTROLS)
    if block.isascii():
        return block
    try:
        text = block.decode()
    except UnicodeDecodeError:
        text = block.decode(errors="replace")
        block = text.encode()
    if any(lead in block for lead in _LEADS) and _BAD_UNICODE.search(text):
        block = _BAD_UNICODE.sub("", text).encode()
    return block


def _has_controls(block: bytes) -> bool:
    """Look for each control in a large block (15 µs for 64 KiB, at the speed of memchr), in one pass in a small one."""
    if len(block) > 4096:
        return any(control in block for control in _EACH_CONTROL)
    return block.translate(_MARK_CONTROLS) is not block


def clean_text(text: str) -> str:
    """Return `text` cleaned as one line: its newlines become spaces."""
    return clean(text.encode(errors="replace").replace(b"\n", b" ")).decode()


_KEYS = re.compile("[^\\x08\\t\\n\\x15\\x20-\\x7e\\xa0-\\U0010ffff]|[\\ud800-\\udfff]")


def clean_keys(text: str) -> bytes:
    """Return typed `text` cleaned: of the controls, BS, ^U, TAB and the newline are keys, the rest is removed."""
    return _BAD_UNICODE.sub("", _KEYS.sub("", text.replace("\x7f", "\b").replace("\r", "\n"))).encode()


# -- names ----------------------------------------------------------------------------------------------------

RESERVED = frozenset({"server", "hub", "system", "admin", "you"})
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ROOM = re.compile(r"[A-Za-z0-9._-]+")


def name_fault(name: str, limit: int) -> str:
    """Return why `name` can't be a peer's name, or an empty string where it can."""
    if not name:
        return "a name has at least one character"
    if len(name) > limit:
        return f"a name has at most {limit} characters"
    if not _NAME.fullmatch(name):
        return "a name is made of A-Z a-z 0-9 _ and -"
    if name.casefold() in RESERVED:
        return f"{name} is a reserved name"
    return ""


def room_fault(name: str, limit: int) -> str:
    """Return why `name` can't be a room's name, or an empty string where it can."""
    if not name or len(name) > limit or not _ROOM.fullmatch(name):
        return f"a room's name is 1 to {limit} of A-Z a-z 0-9 . _ and -"
    return ""
