"""What a session says beyond plain JSON: numbered lines, acknowledgements, pings, and a quit that says what it has got.

This module reads it. It does not know what the hub does about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..limits import Limits
from .inbox import Got
from .numbered import LONGEST, Json, Numbered, from_verb, in_pieces, is_number
from .reading import JsonReader
from .text import clean, clean_text
from .verbs import Dropped, Farewell, Fault, Goodbye, Piece, Ping

NUMBERED = frozenset({"say", "me", "msg", "done"})
MUCH = 128 * 1024
"""Bytes of lines that are read at once, half of what a client says at once: the worst text takes 2 ms."""
PORTION = 16 * 1024
"""The same where each line may be a farewell: 64 KiB of bare newlines take 7 ms."""
NO_NUMBER = Fault("verb", "a number is a whole number from 1 on, and goes with whole lines")
UNNUMBERED = Fault("verb", "a session numbers what it says (n), and nobody has heard this")
_GOTS = 64
"""Other ends in one `quit`: as many as a session remembers."""


class SessionReader(JsonReader):
    """Reads what a session sends: what it says has a number, a farewell needs none, all else is as of any JSON peer."""

    def __init__(self, limits: Limits, farewells: Iterable[str] = ()) -> None:
        super().__init__(limits, farewells)
        self.max_json = limits.max_session_json
        self.enough = PORTION if self._text.has_farewells else MUCH
        """Bytes of lines that are read at once."""
        self.enough_plain = self.enough if self._text.has_farewells else 2 * MUCH
        """The same where the first of them are plain: they take a tenth of the time."""

    def _verb(self, verb: str, sent: Json) -> Iterable[Piece]:
        if verb in NUMBERED and "n" in sent:
            return self._numbered(sent)
        if verb == "got":
            return (_got(sent),)
        if verb == "ping":
            return (Ping(),)
        if verb == "quit" and "got" in sent:
            return (_goodbye(sent),)
        text = sent.get("text")
        if verb in NUMBERED and isinstance(text, str) and len(text) > self._limits.max_line:  # no farewell is as long
            return (UNNUMBERED,)
        pieces = super()._verb(verb, sent)
        return _refused(pieces) if verb in NUMBERED else pieces

    def _numbered(self, sent: Json) -> Iterable[Piece]:
        text = sent.get("text", "")
        kind, to = sent.get("verb"), sent.get("to", "")
        if not isinstance(text, str):
            yield Fault("verb", "a line's text is a string")
            return
        block = clean(text.encode(errors="replace") + b"\n") if kind != "done" else b""
        if kind in ("me", "msg"):
            block = clean_text(text).encode() + b"\n"
        thing = from_verb(sent | {"to": to}, block if text or "text" in sent else b"")
        if thing is None:
            yield NO_NUMBER
        elif not thing.block:
            yield thing
        else:
            for part in portions(thing, self.enough):
                yield from self.pieces(part)

    def pieces(self, thing: Numbered) -> Iterator[Piece]:
        """Yield what passes of a clean block; a line that is too long keeps its number, and so does a farewell."""
        others, blocks = list[Piece | None](), list[bytes | None]()
        for piece in self._text.read_said(thing.block):
            others.append(None if isinstance(piece, bytes) else piece)
            blocks.append(piece if isinstance(piece, bytes) else None)
        for part, other in zip(in_pieces(thing, blocks), others):
            yield part
            if isinstance(other, Fault):
                yield Dropped(part.n, thing.to, thing.private, other.text)
            elif isinstance(other, Farewell):
                yield other


def _refused(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield the farewells and the faults of what has no number, and one fault for the rest: nobody would hear it."""
    told = False
    for piece in pieces:
        if isinstance(piece, Farewell | Fault):
            yield piece
        elif not told:
            told = True
            yield UNNUMBERED


def portions(thing: Numbered, most: int) -> Iterator[Numbered]:
    """Yield `thing` in portions, so that what looks at each line can stop between them."""
    while len(thing.block) > most:
        end = thing.block.rfind(b"\n", 0, most) + 1 or thing.block.index(b"\n") + 1
        head = thing._replace(block=thing.block[:end], lines=thing.block.count(b"\n", 0, end))
        yield head
        thing = thing._replace(n=head.last + 1, block=thing.block[end:], lines=thing.lines - head.lines, gap=None)
    if thing.block:
        yield thing


def _got(sent: Json) -> Piece:
    to, n = sent.get("to"), sent.get("n")
    if not isinstance(to, str) or len(to) > LONGEST or not is_number(n):
        return Fault("verb", "got takes to, a stream, and n, a number")
    return Got(to, n, sent.get("private") is True)


def _goodbye(sent: Json) -> Piece:
    told = sent.get("got")
    rows = tuple(told.items())[:_GOTS] if isinstance(told, dict) else ()
    why = "lost" if sent.get("why") == "lost" else "quit"
    got = {stream: n for stream, n in rows if is_number(n) and len(stream) <= LONGEST}
    return Goodbye(why, got, sent.get("finished") is True)
