"""What a session says about others names a stream, and nobody keeps a longer one than there is."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.limits import Limits
from chatterbox.wire.inbox import Got
from chatterbox.wire.numbered import LONGEST, Numbered
from chatterbox.wire.speaking import SessionReader
from chatterbox.wire.verbs import Fault, Goodbye, Piece


def read(**verb: object) -> Piece:
    """Return the piece that one object is."""
    [piece] = SessionReader(Limits()).read(json.dumps(verb).encode() + b"\n")
    return piece


class Streams(SynchronousTestCase):
    """Each verb that names one, at the bound and one beyond it."""

    def test_got(self) -> None:
        """A longer one is a fault."""
        self.assertIsInstance(read(verb="got", to="x" * LONGEST, n=1), Got)
        self.assertIsInstance(read(verb="got", to="x" * (LONGEST + 1), n=1), Fault)

    def test_quit(self) -> None:
        """A longer one is left out; the others count."""
        piece = read(verb="quit", got={"x" * LONGEST: 1, "y" * (LONGEST + 1): 2, "z": 3})
        assert isinstance(piece, Goodbye)
        self.assertEqual(piece.got, {"x" * LONGEST: 1, "z": 3})

    def test_to(self) -> None:
        """A longer one is a fault."""
        self.assertIsInstance(read(verb="say", n=1, to="x" * LONGEST, text="hi"), Numbered)
        self.assertIsInstance(read(verb="say", n=1, to="x" * (LONGEST + 1), text="hi"), Fault)
