"""Telnet is what a telnet client mixes into the text: commands that begin with IAC (RFC 854), a byte UTF-8 never has.

This module takes them out, however the packets cut them, says what must be answered, and turns telnet's ends of lines
into newlines. It does not know what a line means.
"""

from __future__ import annotations

import re

IAC = 255
_DO_TIMING_MARK = b"\xff\xfd\x06"
_WONT_TIMING_MARK = b"\xff\xfc\x06"
_OPTION = rb"\xfa(?:[^\xff]|\xff\xff){0,4096}"
"""A subnegotiation up to its end; an IAC in it is doubled (RFC 855), as in a window 255 wide. A longer one is none."""
_COMMAND = rb"\xff(?:[\xf0-\xf9\xff]|[\xfb-\xfe].|" + _OPTION + rb"\xff\xf0)"
_BEGUN = rb"\xff(?:[\xfb-\xfe]|" + _OPTION + rb"\xff?)?\Z"
_COMMANDS = re.compile(rb"(" + _COMMAND + rb"|" + _BEGUN + rb"|\xff\xfa)", re.DOTALL)
_IS_BEGUN = re.compile(_BEGUN, re.DOTALL)


def speaks_telnet(data: bytes) -> bool:
    """Return whether `data` comes from a telnet client: it has a command in it, or the CR NUL of its character mode."""
    return IAC in data or b"\r\0" in data


class Telnet:
    """The state of one connection whose other end `speaks_telnet`."""

    def __init__(self) -> None:
        self._kept = b""
        """A command whose end hasn't come yet."""
        self._after_cr = False
        """Whether the text so far ends with a CR, which was a newline at once."""

    def strip(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the text in `data`, and what to answer; 4 KiB take less than a millisecond, whatever is in them.

        Only DO TIMING-MARK is answered, with WONT: a telnet client shows nothing more after ^C until it hears that
        (RFC 860; seen as `FF F4 FF FD 06`). Everything else is ignored, as a host that knows no options may. An IAC
        that begins no command is left for `wire.clean` to replace, as any byte that is no text; the two bytes that
        begin a subnegotiation are removed, whatever follows.
        """
        pieces = _COMMANDS.split(self._kept + data)
        commands = pieces[1::2]
        self._kept = commands.pop() if not pieces[-1] and commands and _IS_BEGUN.match(commands[-1]) else b""
        return self._with_newlines(b"".join(pieces[::2])), _WONT_TIMING_MARK * commands.count(_DO_TIMING_MARK)

    def _with_newlines(self, text: bytes) -> bytes:
        """Return `text` with a newline for each end of a line: CR LF, CR NUL (RFC 854), or a CR alone."""
        if self._after_cr and text[:1] in (b"\n", b"\0"):
            text = text[1:]
            self._after_cr = False
        if b"\r" not in text:
            self._after_cr = self._after_cr and not text
            return text
        self._after_cr = text.endswith(b"\r")
        return text.replace(b"\r\n", b"\n").replace(b"\r\0", b"\n").replace(b"\r", b"\n")
