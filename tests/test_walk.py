"""How far a line walks through the house: each move from file to file is a door that a reader must pass, too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from twisted.trial import unittest

import chatterbox

from .harness.memory import HubOnAClock

HOUSE = str(Path(chatterbox.__file__).parent)


def walk(call: Callable[[], object]) -> list[str]:
    """Return the product's file of each function that `call` enters, in order."""
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
    return files


class WalkTest(unittest.TestCase):
    """One way at a time."""

    def test_of_a_plain_line(self) -> None:
        """From its bytes to the other end's transport a line enters at most 20 functions and moves at most 9 times."""
        hub = HubOnAClock()
        ann, bob = hub.nc("hi"), hub.nc("ho")
        for end in (ann, bob):
            end.heard()
        files = walk(lambda: ann.line.protocol.dataReceived(b"hello\n"))
        self.assertEqual(bob.lines(), ["hello"])
        self.assertLessEqual(len(files), 20)
        self.assertLessEqual(sum(here != there for here, there in zip(files, files[1:])), 9)
