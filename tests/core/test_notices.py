"""Notices of joins and leaves are gathered in larger rooms: who hears what, in which order, and in how many writes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.memory import HubOnAClock


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
