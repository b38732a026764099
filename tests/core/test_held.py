"""What is held for who isn't there yet: in order, bounded in bytes and in objects."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.core.events import Said
from chatterbox.core.held import MERGED, OBJECT, Held
from chatterbox.core.peer import Peer
from chatterbox.limits import Limits
from chatterbox.wire.dialects import make_dialects

TEXT = make_dialects(Limits(), ()).text


class Holding(SynchronousTestCase):
    """Blocks, and who said them."""

    def test_many_small_lines_are_few_objects(self) -> None:
        """64,000 empty lines cost their bytes and an object for each 4 KiB (B10)."""
        held, peer = Held(), Peer(TEXT)
        for _ in range(64_000):
            held.keep(Said(peer, b"\n"))
        self.assertEqual(len(held.events), 64_000 // MERGED + 1)
        self.assertEqual(held.size, 64_000 + OBJECT * len(held.events))
        self.assertEqual(held.lines_of(peer), 64_000)

    def test_one_leaves(self) -> None:
        """What the others said stays, in order."""
        held, ann, bob = Held(), Peer(TEXT), Peer(TEXT)
        for peer, text in ((ann, b"a\n"), (bob, b"b\n"), (ann, b"c\n")):
            held.keep(Said(peer, text))
        self.assertEqual(held.take(ann), [Said(ann, b"a\n"), Said(ann, b"c\n")])
        self.assertEqual((held.events, held.size), ([Said(bob, b"b\n")], 2 + OBJECT))
        self.assertEqual((held.take(), held.size), ([Said(bob, b"b\n")], 0))
