"""Notices of joins and leaves are gathered in larger rooms: who hears what, in which order, and in how many writes."""

from __future__ import annotations

from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.wire.dialects import Text
from tests.harness.memory import FakeTransport, HubOnAClock


class Thousand(SynchronousTestCase):
    """A burst of 1,000 joins to one announced room, with 16 accepted in each turn: what it costs, counted."""

    def test_sends_and_bytes(self) -> None:
        """Each member is sent to once a turn, of however many come in it, and the notices are rendered once a turn."""
        hub = HubOnAClock("room")
        size, a_turn = 1008, 16
        sends = size_of_all = 0
        write = FakeTransport.write

        def writes(transport: FakeTransport, data: bytes) -> None:
            nonlocal sends, size_of_all
            sends, size_of_all = sends + 1, size_of_all + len(data)
            write(transport, data)

        with (
            mock.patch.object(FakeTransport, "write", writes),
            mock.patch.object(Text, "message", autospec=True, side_effect=Text.message) as rendered,
        ):
            for first in range(0, size, a_turn):
                ends = [hub.connects() for _ in range(a_turn)]
                for at, end in enumerate(ends, first):
                    end.line.send(f"/nick n{at}\n".encode())
                hub.clock.advance(0.001)
            hub.wait(1)
        self.assertEqual(len(hub.rooms()["lobby"]), size)
        notice = len(b"-!- n1000 joined\n")
        self.assertLessEqual(sends, size * size // a_turn)  # one for each notice to each member: eight times as many
        self.assertLessEqual(size_of_all, (size + a_turn) ** 2 * notice // 2 + size * 1024)
        self.assertLessEqual(rendered.call_count, 4 * size)


class Burst(SynchronousTestCase):
    """Many who come in one turn."""

    def setUp(self) -> None:
        self.hub = HubOnAClock("room")
        self.first = self.hub.nc("first")
        self.first.heard()

    def join(self, *names: str) -> None:
        """Let all of `names` join before the turn is over."""
        ends = [self.hub.connects() for _ in names]
        for end, name in zip(ends, names):
            end.line.send(f"/nick {name}\n/join lobby\n".encode())
        self.ends = ends

    def test_one_write(self) -> None:
        """Each member is told of all of them at once."""
        writes: list[bytes] = []
        self.first.line.write = writes.append  # type: ignore[method-assign]  # a function will do
        self.join("a", "b", "c")
        self.assertEqual(writes, [])
        self.hub.wait(0)
        self.assertEqual(writes, [b"-!- a joined\n-!- b joined\n-!- c joined\n"])

    def test_who_came_meanwhile(self) -> None:
        """Hears of those behind it, and not of itself, nor of those who came before it."""
        self.join("a", "b", "c")
        told = [[line for line in end.lines() if line.endswith("joined")] for end in self.ends]
        self.assertEqual(told, [["-!- b joined", "-!- c joined"], ["-!- c joined"], []])

    def test_a_line_comes_after_them(self) -> None:
        """What is said in the same turn is told after who came before it."""
        self.join("a", "b")
        self.ends[0].line.send(b"hi\n")
        self.assertEqual(self.first.lines(), ["-!- a joined", "-!- b joined", "a: hi"])

    def test_leaving(self) -> None:
        """Joins and leaves keep their order."""
        self.join("a", "b")
        self.ends[0].line.send(b"/quit\n")
        self.assertEqual(self.first.lines(), ["-!- a joined", "-!- b joined", "-!- a left (quit)"])

    def test_who_is_here(self) -> None:
        """An answer to `/who` comes after the notices of those whom it names."""
        self.join("a")
        self.first.line.send(b"/who\n")
        self.assertEqual(self.first.lines(), ["-!- a joined", "-!- here: first, a"])

    def test_a_pair_is_told_at_once(self) -> None:
        """In a two-seat room nothing is gathered."""
        hub = HubOnAClock()
        a, b = hub.nc(), hub.connects()
        b.line.send(b"/join lobby\n")
        self.assertEqual(bytes(a.line.taken), b"-!- your partner joined\n")
