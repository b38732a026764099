"""An account says of each line what became of it: heard by somebody else, told to its speaker, or neither.

It knows the words of both dialects. It does not know how anything came to be so.
"""

from __future__ import annotations

import re

PUBLIC = re.compile(rb"<(\d+\.\d+\.\d+)>")
PRIVATE = re.compile(rb"\[(\d+)\.(\d+)\]")
_TOLD = re.compile(
    rb"^-!- (?:perhaps )?not delivered: (?:the last )?(?:(\d+) )?lines?\b|\"event\": \"undelivered\".*?\"lines\": (\d+)"
)
_REFUSED = re.compile(rb"^-!- nobody here is called |\"code\": \"who\"")

ITEMS = (
    ["line"] * 4
    + ["lines"] * 2
    + ["long", "/who", "/help", "/join a", "/join b", "/nick ann", "/nick bob", "/me waves", "/quit"]
    + ["psst ann", "psst guest-1", "psst guest-2"]
)
"""What people send."""
LINES = {"line": 1, "lines": 12}


class Account:
    """What one speaker has said, and what it was told."""

    def __init__(self) -> None:
        self.lines = self.private = self.told = self.refused = 0

    def reads(self, line: bytes) -> None:
        """Take note of what the hub tells the speaker."""
        if found := _TOLD.search(line):
            self.told += int(found[1] or found[2] or 1)
        self.refused += bool(_REFUSED.search(line))


class Ledger:
    """All lines that anybody has heard of somebody else."""

    def __init__(self) -> None:
        self._public: dict[int, set[bytes]] = {}
        self._private: dict[int, set[bytes]] = {}

    def hears(self, serial: int, line: bytes) -> None:
        """Take note that the player `serial` has heard `line`."""
        for pattern, heard in ((PUBLIC, self._public), (PRIVATE, self._private)):
            for token in pattern.finditer(line):
                speaker = int(token[1].partition(b".")[0])
                if speaker != serial or pattern is PRIVATE:  # to hear oneself is an echo, or a private line to oneself
                    heard.setdefault(speaker, set()).add(token[0])

    def missing(self, serial: int, account: Account, held: int, is_pair: bool) -> int:
        """Return how many lines of a speaker were neither heard nor told; perhaps not delivered may be both."""
        known = len(self._private.get(serial, ())) + account.told + account.refused + held
        if is_pair:
            return account.lines + account.private - known - len(self._public.get(serial, ()))
        return account.private - known
