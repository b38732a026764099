"""Links of bytes for the simulation of sessions: objects, and blocks behind them, in pieces that know no borders.

What one side writes the other reads with the real code: the hub with its reader, an end with its link.
"""

from __future__ import annotations

import json
import random
import zlib
from typing import TYPE_CHECKING

from chatterbox.client.connection import HubLink
from chatterbox.limits import Limits
from chatterbox.wire.blocks import BlockReader
from chatterbox.wire.inbox import Got
from chatterbox.wire.lines import Lines
from chatterbox.wire.numbered import Numbered
from chatterbox.wire.speaking import SessionReader
from chatterbox.wire.verbs import Command, Dropped, Goodbye, Piece, Ping

from .session_links import Link, Message
from .session_plain import Seat

if TYPE_CHECKING:
    from .session_ends import SessionEnd
    from .session_hub import Hub

MAX_LINE = 16
"""Bytes of a line."""


def speaks_blocks(seed: int, key: str) -> bool:
    """Return whether this one of a run asks for blocks: about half of them do."""
    return zlib.crc32(f"{seed} {key}".encode()) % 2 == 0


def in_pieces(message: Message, block: bytes, chance: random.Random) -> list[bytes]:
    """Return an object and the block behind it as bytes, cut anywhere."""
    data = json.dumps(message, ensure_ascii=False).encode() + b"\n" + block
    cuts = sorted(chance.randint(0, len(data)) for _ in range(chance.choice((0, 0, 1, 3))))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)]) if start < end]


class HubSide:
    """How the hub reads one link of bytes."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lines = Lines()
        self._reader = BlockReader(SessionReader(Limits(max_line=MAX_LINE)))

    def receive(self, link: Link, data: bytes) -> None:
        """Take bytes, as they come."""
        for piece in self._reader.read(self._lines.feed(data)):
            seat: Seat | None = link.seat
            if seat is None or seat.link is not link or self._hub.dead:
                break
            self._obey(seat, link, piece)

    def _obey(self, seat: Seat, link: Link, piece: Piece) -> None:
        hub = self._hub
        if isinstance(piece, Numbered):
            hub.route(seat, piece)
        elif isinstance(piece, Dropped):
            error = {"event": "error", "code": "long", "n": piece.n, "to": piece.to, "text": piece.text}
            link.send("hub", error | ({"private": True} if piece.private else {}))
        elif isinstance(piece, Got):
            hub.route_got(seat, *piece)
        elif isinstance(piece, Ping):
            hub.obey(seat, {"verb": "ping"})
        elif isinstance(piece, Goodbye):
            hub.obey(seat, {"verb": "quit", **piece._asdict()})
        elif isinstance(piece, Command):
            hub.obey(seat, {"verb": piece.verb, {"join": "room", "nick": "name"}[piece.verb]: piece.args[0]})
        else:
            hub.world.clock.fail(f"not understood: {piece}")


class EndSide:
    """How an end reads one link of bytes: with the client's own link, which has no socket here."""

    def __init__(self, end: SessionEnd) -> None:
        self._end = end
        self._link = HubLink(self)  # type: ignore[arg-type]  # of what it tells, only this much is told here

    def receive(self, data: bytes) -> None:
        """Take bytes, as they come."""
        self._link.dataReceived(data)
        if self._link.fault:
            self._end.world.clock.fail(self._link.fault)

    def heard(self, link: HubLink, event: Message, block: bytes | None) -> None:
        """The hub sent `event`, and `block` behind it."""
        self._end.hear(event, block)

    def heard_all(self) -> None:
        """That was all, for now."""
