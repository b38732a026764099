"""A link to a hub takes objects, and blocks behind them, however the network cuts them; and it knows what is no hub."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client.connection import HubLink
from chatterbox.wire.lines import Lines
from chatterbox.wire.text import clean
from tests.harness.inputs import HOSTILE, PROPERTY


class Told:
    """Whoever is told of a link."""

    def __init__(self) -> None:
        self.heard_of: list[tuple[dict[str, Any], bytes | None]] = []

    def heard(self, link: HubLink, event: dict[str, Any], block: bytes | None) -> None:
        """Take note."""
        self.heard_of.append((event, block))

    def link_made(self, link: HubLink) -> None:
        """Nothing."""

    def heard_all(self) -> None:
        """Nothing."""


def link() -> tuple[HubLink, Told]:
    """Return a link, and who is told of it."""
    told = Told()
    made = HubLink(told)  # type: ignore[arg-type]  # a listener, as far as it is called here
    made.makeConnection(StringTransport())
    return made, told


def said(block: bytes, **more: object) -> bytes:
    """Return what a hub sends."""
    return json.dumps({"event": "said", "n": 1, "bytes": len(block)} | more).encode() + b"\n" + block


class Blocks(SynchronousTestCase):
    """A block is what stands behind a `said` that tells its size."""

    @given(st.lists(HOSTILE, max_size=4), st.lists(st.integers(0, 500), max_size=8))
    @PROPERTY
    def test_every_split(self, blocks: list[bytes], cuts: list[int]) -> None:
        """Each is heard once, cleaned, and what looks like an event in it is none."""
        blocks = [block + b'\n{"event": "closed"}\n' for block in blocks]
        data = b"".join(said(block) + b'{"event": "pong"}\n' for block in blocks)
        made, told = link()
        places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
        for start, end in zip(places, places[1:]):
            made.dataReceived(data[start:end])
        self.assertEqual([block for _, block in told.heard_of], [part for block in blocks for part in (clean(block), None)])

    def test_other_events_have_no_block(self) -> None:
        """`bytes` is a number of something else there."""
        made, told = link()
        event = {"event": "undelivered", "lines": 1, "bytes": 412}
        made.dataReceived(json.dumps(event).encode() + b'\n{"event": "pong"}\n')
        self.assertEqual(told.heard_of, [(event, None), ({"event": "pong"}, None)])

    def test_a_hub_that_lies(self) -> None:
        """A size that is none or too large, and a block without an end, end the link: nothing is shown that isn't whole."""
        for data in (
            said(b"", bytes=0),
            said(b"x\n", bytes="2"),
            said(b"x\n", bytes=Lines.LIMIT + 1),
            said(b"xyz\n", bytes=2),
        ):
            made, told = link()
            made.dataReceived(b'{"event": "pong"}\n' + data)
            self.assertRegex(made.fault, "a block without")
            self.assertEqual(len(told.heard_of), 1)
        made, told = link()
        made.dataReceived(said(b"\n" * Lines.LIMIT))
        self.assertEqual((made.fault, len(told.heard_of)), ("", 1))

    def test_both_ways(self) -> None:
        """What is said goes out as the object and the lines behind it."""
        made, _ = link()
        made.send({"verb": "say", "bytes": 2}, b"x\n")
        self.assertEqual(made.transport.value(), b'{"verb": "say", "bytes": 2}\nx\n')
