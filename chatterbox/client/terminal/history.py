"""A history is what one person has entered at one hub, oldest line first in a file that only they can read.

It does not know what the lines mean; where the file can't be had, it remembers for this run only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from prompt_toolkit.history import History

KEPT = 1000
"""Lines that are kept; a file with twice as many is cut when it is next read."""


def history_path(hub: str) -> Path | None:
    """Return where the history of `hub` is: under XDG_STATE_HOME, or ~/.local/state; None where there is no home."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    if not os.path.isabs(state):
        return None
    return Path(state) / "chatterbox" / f"history-{re.sub(r'[^A-Za-z0-9.-]+', '_', hub)[:100]}"


class FileHistory(History):
    """A history in a 0600 file, one line an entry."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def load_history_strings(self) -> Iterable[str]:
        """Return the entries, the newest first."""
        try:
            lines = self._path.read_text("utf-8", "replace").split("\n")[:-1]
        except OSError:
            return []
        if len(lines) > 2 * KEPT:
            with suppress(OSError):
                self._rewrite(lines[-KEPT:])
        return lines[: -KEPT - 1 : -1]

    def store_string(self, string: str) -> None:
        """Append one entry."""
        with suppress(OSError):
            self._path.parent.mkdir(0o700, parents=True, exist_ok=True)
            self._write(self._path, os.O_APPEND, [string])

    def _rewrite(self, lines: list[str]) -> None:
        new = self._path.with_name(self._path.name + ".new")
        self._write(new, os.O_TRUNC, lines)
        new.replace(self._path)

    def _write(self, path: Path, how: int, lines: list[str]) -> None:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | how, 0o600)
        with open(file, "w", encoding="utf-8", errors="replace") as out:
            os.fchmod(file, 0o600)
            out.write("".join(f"{line}\n" for line in lines))
