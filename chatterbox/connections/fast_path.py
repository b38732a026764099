"""A fast path is that of plain lines in a pair of text peers: they are heard as they are, and no rule is asked.

The whole way is twenty calls, and the objects of a hundred pairs on it fill a processor's cache: half of a small line's
time is waiting for memory. A room opens the path where it would hand on the very same bytes, and closes it before
anything else happens in it. This module does not know when that is.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..core.events import Member
from ..wire.reading import Reader, TextReader
from ..wire.text import clean
from ..wire.verbs import Piece
from .speech import Speech


class FastPath:
    """Reads what a text peer says to a partner, in the place of its reader.

    Args:
        reader: reads what isn't plain, and knows what is.
        speech: what comes of everything else that it says.
        speaker: who says it.
        hearer: who hears it.
    """

    __slots__ = ("_hearer", "_speaker", "_speech", "reader")

    def __init__(self, reader: TextReader, speech: Speech, speaker: Member, hearer: Member) -> None:
        self.reader = reader
        self._speech = speech
        self._speaker = speaker
        self._hearer = hearer

    def read(self, block: bytes) -> Iterable[Piece]:
        """Let the lines of `block` be heard now, and return nothing, if they are plain; return the pieces of others."""
        block = clean(block)
        if self.reader.passes(block) and self._speech.is_free and self._hearer.dialect.is_verbatim:
            self._hearer.hear_from(self._speaker, block)
            return ()
        return self.reader.read_clean(block)


def with_fast_path(reader: Reader, speech: Speech, speaker: Member, hearer: Member | None) -> Reader:
    """Return `reader`, if it reads text, with a fast path from `speaker` to `hearer`; without one if nobody hears."""
    plain = reader.reader if isinstance(reader, FastPath) else reader
    return FastPath(plain, speech, speaker, hearer) if hearer and isinstance(plain, TextReader) else plain
