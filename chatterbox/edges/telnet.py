"""Telnet is what a telnet client mixes into the text: commands that begin with IAC (RFC 854), a byte UTF-8 never has.

This module takes them out, however the packets cut them, and says what must be answered. It knows nothing of lines.
"""

from __future__ import annotations

import re

IAC = 255
_DO_TIMING_MARK = b"\xff\xfd\x06"
_WONT_TIMING_MARK = b"\xff\xfc\x06"
_OPTION = rb"\xfa[^\xff]{0,4096}"
"""A subnegotiation up to its end; a longer one is no telnet."""
_COMMAND = rb"\xff(?:[\xfb-\xfe].|" + _OPTION + rb"\xff\xf0|[\xf0-\xf9\xff])"
_BEGUN = rb"\xff(?:[\xfb-\xfe]|" + _OPTION + rb"\xff?)?\Z"
_COMMANDS = re.compile(rb"(?:" + _COMMAND + rb"){1,64}|(?P<begun>" + _BEGUN + rb")", re.DOTALL)


class Telnet:
    """The state of one connection on which an IAC was seen."""

    def __init__(self) -> None:
        self._kept = b""
        """A command whose end hasn't come yet."""

    def strip(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the text in `data`, and what to answer.

        Only DO TIMING-MARK is answered, with WONT: a telnet client shows nothing more after ^C until it hears that
        (RFC 860; seen as `FF F4 FF FD 06`). Everything else is ignored, as a host that knows no options may. An IAC
        that begins no command is left for `wire.clean` to replace, as any byte that is no text.
        """
        answers = 0

        def remove(found: re.Match[bytes]) -> bytes:
            nonlocal answers
            self._kept = found["begun"] or b""
            answers += found[0].count(_DO_TIMING_MARK)
            return b""

        data, self._kept = self._kept + data, b""
        return _COMMANDS.sub(remove, data), _WONT_TIMING_MARK * answers
