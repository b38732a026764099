"""A block behind an object is whole lines that follow it as they are: the object says how many bytes they have.

An end that has asked for it says and hears many lines so, and nobody writes them as a string of JSON. This module finds
where a block ends, however the stream is cut. It does not know who speaks, or when an end may ask.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from .lane import LARGEST_SAY
from .lines import Body, too_long
from .numbered import Json, Numbered, from_verb, is_number, to_verb
from .reading import json_object
from .speaking import NO_NUMBER, SessionReader, portions
from .text import clean, is_plain, lines_in
from .verbs import Fault, Piece, Unreadable


class BlockReader:
    """Reads what one session sends that has asked for blocks.

    A block is passed on when all of it is here, or so much as may be looked at in one turn.

    Args:
        objects: reads everything else, for all sessions.
    """

    __slots__ = ("_body", "_head", "_objects")

    def __init__(self, objects: SessionReader) -> None:
        self._objects = objects
        self._body = Body()
        self._head: Numbered | None = None
        """What the block is, without its lines; None: nobody hears it."""

    @property
    def kept(self) -> int:
        """Bytes that wait for the rest of their block."""
        return self._body.kept

    def read(self, lines: bytes) -> Iterator[Piece]:
        """Yield the pieces of `lines`, which are whole lines as they were received."""
        at, body = 0, self._body
        while at < len(lines):
            if body.left:
                at = body.take(lines, at)
                if not body.left or (body.kept >= self._objects.enough and not self._may_wait()):
                    for part in self._parts(body.release()):
                        yield from self._block(part)
            else:
                end = lines.index(b"\n", at)
                yield from self._object(lines[at:end])
                at = end + 1

    def _may_wait(self) -> bool:
        """Return whether the rest of a block may come first: then all of it is one block for who hears it, too."""
        body = self._body
        return body.kept + body.left <= self._objects.enough_plain and all(map(is_plain, body.pieces))

    def _parts(self, block: bytes) -> Iterator[bytes]:
        """Yield what is read at once of what has come: together with plain lines others would take twice the time."""
        most = self._objects.enough
        if len(block) > most + most // 2 and not is_plain(block):
            end = block.rfind(b"\n", 0, most) + 1
            if end:
                yield block[:end]
            block = block[end:]
        yield block

    def without_blocks(self, lines: bytes) -> bytes:
        """Return `lines` with each block as the text of its object, for a reader that knows no blocks."""
        at, body, said = 0, self._body, list[bytes]()
        while at < len(lines):
            if body.left:
                at = body.take(lines, at)
                if not body.left:
                    said.append(self._as_text(body.release()))
            else:
                end = lines.index(b"\n", at) + 1
                line, at = lines[at:end], end
                sent = json_object(line) if b'"bytes"' in line else None
                size = sent.get("bytes") if sent else None
                if sent and is_number(size) and 0 < size <= self._objects.max_json:
                    body.left = size
                    self._begin(sent)
                else:
                    said.append(line)
        return b"".join(said)

    def _as_text(self, block: bytes) -> bytes:
        if not self._head or not block.endswith(b"\n"):
            return b"no block\n"  # which is answered as what it is: no object
        block = clean(block)
        thing = self._head._replace(block=block, lines=lines_in(block))
        return b"".join(json.dumps(to_verb(part)).encode() + b"\n" for part in portions(thing, LARGEST_SAY))

    def unread(self) -> bytes:
        """Return what has come of a block, behind its object, for another reader."""
        body = self._body
        if not body.left:
            return b""
        verb = to_verb(self._head, behind=True) if self._head else {}
        return json.dumps({**verb, "bytes": body.kept + body.left}).encode() + b"\n" + body.release()

    def _object(self, line: bytes) -> Iterator[Piece]:
        """Read one object; behind a block of which the size makes no sense nobody knows where the next one is."""
        most = self._objects.max_json
        sent = json_object(line) if len(line) <= most else None
        if len(line) > most:
            yield too_long(len(line), most)
        elif sent is None or "bytes" not in sent:
            yield from self._objects.take(sent)
        elif not is_number(size := sent["bytes"]) or size == 0:
            yield Unreadable("kicked", "the bytes of a block are a whole number from 1 on")
        elif size > most:
            yield Unreadable("flood", f"a block has at most {most} bytes")
        else:
            self._body.left = size
            fault = self._begin(sent)
            if fault:
                yield fault

    def _begin(self, sent: Json) -> Fault | None:
        """Take note of what a block is; of one that can't be said the lines are passed over."""
        self._head = None
        if sent.get("verb") != "say" or "n" not in sent or "text" in sent:
            return Fault("verb", "a block goes with a numbered say that has no text")
        self._head = from_verb(sent, b"\n")
        return None if self._head else NO_NUMBER

    def _block(self, block: bytes) -> Iterator[Piece]:
        """Say what has come of a block; what of it comes later goes on with the next number."""
        if not block.endswith(b"\n"):
            yield Unreadable("kicked", "a block ends with a newline")
        elif self._head:
            block = clean(block)
            thing = self._head._replace(block=block, lines=lines_in(block))
            self._head = self._head._replace(n=thing.last + 1, gap=None)
            yield from self._objects.pieces(thing)
