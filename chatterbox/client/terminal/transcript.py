"""A transcript is a file of what was on one person's screen, each row with its date: theirs only, and clean.

It does not know who says what.
"""

from __future__ import annotations

import os
import stat
import time

from .rows import PLAIN, Row, dress


class Transcript:
    """The file, while one is wanted."""

    def __init__(self) -> None:
        self._path = ""
        self._file: int | None = None

    def begin(self, path: str) -> str:
        """Append to the file at `path` from now on; an empty path only asks, `off` ends. Return a sentence about it.

        Raises:
            OSError: there can't be such a file.
        """
        if path == "off" and self._file is not None:
            self.close()
            return f"no longer logged to {self._path}"
        if not path or path == "off":
            return "not logged; /log FILE begins" if self._file is None else f"logged to {self._path}; /log off ends"
        path = os.path.expanduser(path)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY, 0o600)
        if stat.S_ISREG(os.fstat(file).st_mode):
            os.fchmod(file, 0o600)
        self.close()
        self._path, self._file = path, file
        return f"logged to {path} from now on"

    def write(self, row: Row) -> str:
        """Write one row; return a sentence where that fails, which ends the transcript."""
        if self._file is not None:
            line = dress(row, PLAIN, time.strftime("%Y-%m-%d %H:%M:%S ")) + "\n"
            try:
                os.write(self._file, line.encode(errors="replace"))
            except OSError as fault:
                self.close()
                return f"no longer logged: {self._path}: {fault.strerror}"
        return ""

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
