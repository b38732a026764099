"""A walk is the way of one value through the house: calls, files, and moves from one file to another.

    python -m benchmarks.walk

Counted, not timed: what is entered in the package between a call of Twisted's and the last write, in memory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import chatterbox
from tests.harness.memory import End, HubOnAClock
from tests.harness.table import Table

HOUSE = str(Path(chatterbox.__file__).parent)


class Walk(NamedTuple):
    """How far a value walks."""

    calls: int
    files: int
    moves: int


def walk(call: Callable[[], object]) -> Walk:
    """Return what is entered in the package while `call` runs."""
    files: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(HOUSE):
            files.append(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return Walk(len(files), len(set(files)), sum(here != there for here, there in pairwise(files)))


def _ann() -> End:
    """Return one of two ends that sit and have spoken."""
    hub = HubOnAClock()
    ann, _ = hub.nc("hi"), hub.nc("ho")
    return ann


def sends(end: End, data: bytes) -> Walk:
    """Walk with `data` from the call that brings it."""
    return walk(lambda: end.line.protocol.dataReceived(data))


def accept() -> Walk:
    """Walk with a new connection."""
    hub = HubOnAClock()
    return walk(hub.connects)


def json_say() -> Walk:
    """Walk with an object, where a rate is kept, to a text hearer."""
    hub = HubOnAClock(limits={"rate": 1000.0, "burst": 1000})
    hub.nc("hi")
    ann = hub.json(name="ann")
    return sends(ann, json.dumps({"verb": "say", "text": "hello"}).encode() + b"\n")


def client_hears() -> Walk:
    """Walk with a session's line from the client's link to the screen."""
    table = Table()
    ann, bob = table.sit("ann"), table.sit("bob")
    bob.run.entered("hi")
    table.settle()
    said = {"event": "said", "from": "bob", "text": "hello", "stream": _stream(table, "bob"), "n": 2}
    data = json.dumps(said).encode() + b"\n"
    ann.wire.write = lambda data: None  # type: ignore[union-attr, method-assign]  # there is a link; its answer is the hub's walk

    def hear() -> None:
        ann.wire.connection.dataReceived(data)  # type: ignore[union-attr]  # there is a link
        ann.run._output.act()

    return walk(hear)


def client_says() -> Walk:
    """Walk with a line from the terminal's display to the client's link."""
    table = Table()
    ann, _ = table.sit("ann"), table.sit("bob")
    ann.wire.write = lambda data: None  # type: ignore[union-attr, method-assign]  # there is a link; what follows is the hub's
    return walk(lambda: ann.run.entered("hello"))


def _stream(table: Table, name: str) -> str:
    return table.hub.hub.rooms["lobby"].audience.called(name).stream  # type: ignore[union-attr]  # the hub runs, and it sits there


LINE = "a line, to the other end's `write`"
ASKED = "a line about which the room is asked"
WALKS: dict[str, Callable[[], Walk]] = {
    LINE: lambda: sends(_ann(), b"hello\n"),
    ASKED: lambda: sends(_ann(), b"so -!- hello\n"),
    "`/me waves`": lambda: sends(_ann(), b"/me waves\n"),
    "`/nick anna`": lambda: sends(_ann(), b"/nick anna\n"),
    "JSON `say`, with a rate, to a text hearer": json_say,
    "a newcomer's first line (lands, sits, is held)": lambda: sends(HubOnAClock().connects(), b"hello\n"),
    "accept": accept,
    "client: a line from the link to the screen": client_hears,
    "client: a typed line to the link": client_says,
}


def main() -> None:
    """Print the table."""
    print("| value | calls | files | moves |\n|---|---|---|---|")
    for name, measure in WALKS.items():
        print(f"| {name} | {' | '.join(map(str, measure()))} |")


if __name__ == "__main__":
    main()
