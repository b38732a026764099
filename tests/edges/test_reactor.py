"""The reactor that `chatterbox serve` installs does what Twisted's does."""

from __future__ import annotations

import socket
from typing import Any
from unittest import skipUnless

from twisted.internet import main
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableDescriptor
from twisted.python import reflect
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from chatterbox.edges import reactor as lean

HAS_EPOLL = reflect.requireModule("twisted.internet.epollreactor") is not None


@implementer(IHalfCloseableDescriptor)
class Selectable:
    """One end of a pair of sockets, whose reads end as the test says."""

    def __init__(self, outcome: Any = None) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.outcome = outcome
        self.happened: list[Any] = []

    def fileno(self) -> int:
        """Return what is watched."""
        return self.ours.fileno()

    def logPrefix(self) -> str:
        """Return a name."""
        return "selectable"

    def doRead(self) -> Any:
        """Read, and end so."""
        self.happened.append(self.ours.recv(99))
        if isinstance(self.outcome, ValueError):
            raise self.outcome
        return self.outcome

    def doWrite(self) -> None:
        """Note it."""
        self.happened.append("write")

    def readConnectionLost(self, reason: Failure) -> None:
        """Note it."""
        self.happened.append("half closed")

    def writeConnectionLost(self, reason: Failure) -> None:
        """Note it."""

    def connectionLost(self, reason: Failure) -> None:
        """Note it."""
        self.happened.append(reason.type)


@skipUnless(HAS_EPOLL, "this system has no epoll")
class LeanReactorTest(SynchronousTestCase):
    """One that isn't installed."""

    def setUp(self) -> None:
        """Make one."""
        self.reactor: Any = lean.make_reactor()
        self.ends: list[Selectable] = []
        self.addCleanup(self.close)

    def close(self) -> None:
        """Give its files back."""
        self.reactor.removeAll()
        self.reactor.waker.connectionLost(None)
        self.reactor._poller.close()
        for end in self.ends:
            end.ours.close()
            end.theirs.close()

    def watch(self, outcome: Any = None) -> Selectable:
        """Return what is watched and has something to read."""
        end = Selectable(outcome)
        self.ends.append(end)
        self.reactor.addReader(end)
        end.theirs.send(b"x")
        return end

    def test_reads(self) -> None:
        """What can be read is read, and goes on being watched."""
        end = self.watch()
        self.reactor.doIteration(0)
        end.theirs.send(b"y")
        self.reactor.doIteration(0)
        self.assertEqual(end.happened, [b"x", b"y"])

    def test_writes(self) -> None:
        """What can be written to is told so, also where it can be read at once."""
        end = self.watch()
        self.reactor.addWriter(end)
        self.reactor.doIteration(0)
        self.assertEqual(end.happened, [b"x", "write"])

    def test_a_half_that_is_closed(self) -> None:
        """The end of what comes is told as such, and no longer watched."""
        end = self.watch(main.CONNECTION_DONE)
        self.reactor.doIteration(0)
        self.assertEqual(end.happened, [b"x", "half closed"])
        self.assertNotIn(end, self.reactor.getReaders())

    def test_hang_up(self) -> None:
        """An end of both halves is told, though nothing is left to read."""
        end = self.watch()
        self.reactor.doIteration(0)
        end.theirs.close()
        end.outcome = ConnectionDone()
        for _ in range(2):
            self.reactor.doIteration(0)
        self.assertIn(end.happened[-1], ("half closed", ConnectionDone))

    def test_a_fault(self) -> None:
        """A fault in a read is logged, and ends what was read and nothing else."""
        end, other = self.watch(ValueError("broken")), self.watch()
        self.reactor.doIteration(0)
        self.assertEqual(end.happened, [b"x", ValueError])
        self.assertEqual(other.happened, [b"x"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_closed_meanwhile(self) -> None:
        """What an event before it has closed isn't read."""
        first, second = self.watch(), self.watch()
        self.patch(first, "doRead", lambda: self.reactor.removeReader(second))
        self.patch(second, "doRead", lambda: self.reactor.removeReader(first))
        self.reactor.doIteration(0)
        self.assertEqual(len({first, second} & set(self.reactor.getReaders())), 1)

    def test_another_twisted(self) -> None:
        """Where Twisted's reactor is made otherwise, none is installed by us, and Twisted installs its default."""
        from twisted.internet.epollreactor import EPollReactor

        installed: list[Any] = []
        self.patch(lean, "installReactor", installed.append)
        inner = EPollReactor.__init__

        def made_otherwise(reactor: Any) -> None:
            inner(reactor)
            reactor.waker.connectionLost(None)
            reactor._poller.close()
            del reactor._selectables

        self.patch(EPollReactor, "__init__", made_otherwise)
        lean.install()
        self.assertEqual(installed, [])


class BusyPolling(SynchronousTestCase):
    """When it sleeps, and when it looks; a look takes 5 µs here."""

    def setUp(self) -> None:
        """Have a clock, and something that comes after each of some times."""
        self.now, self.comes = 100.0, list[float]()
        self.asked: list[float] = []
        self.patch(lean, "clock", lambda: self.now)
        self.polling = lean.BusyPolling(self)

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        """Take as long as it takes until something comes."""
        self.asked.append(timeout)
        took = self.comes[0] if timeout < 0 else min(timeout or 5e-6, self.comes[0])
        self.now += took
        self.comes[0] -= took
        return [(7, 1)] if self.comes[0] <= 0 and self.comes.pop(0) <= 0 else []

    def waits(self, *comes: float, timeout: float = lean.FOREVER) -> list[float]:
        """Return with which timeouts the system was asked, where something comes after each of so many seconds."""
        self.comes, self.asked = list(comes), []
        while self.comes:
            self.polling.wait(timeout, 1)
        return self.asked

    def test_it_looks_while_it_is_busy(self) -> None:
        """After eight naps it looks, until it has looked for a moment in vain; then it sleeps, and counts anew."""
        naps = [lean.MOMENT / 2] * lean.BUSY
        self.assertEqual(self.waits(*naps), [lean.FOREVER] * lean.BUSY)
        self.assertEqual(set(self.waits(*naps)), {0})
        asked = self.waits(1.0, *naps)
        looks = asked.count(0)
        self.assertTrue(10 <= looks <= 12, looks)
        self.assertEqual(asked[looks:], [lean.FOREVER] * (1 + lean.BUSY))

    def test_it_sleeps_while_it_is_not(self) -> None:
        """Naps that aren't in a row make nobody busy, nor does what is there at a moment when something else is due."""
        self.assertEqual(set(self.waits(*([lean.MOMENT / 2] * (lean.BUSY - 1) + [1.0]) * 3)), {lean.FOREVER})
        self.assertEqual(set(self.waits(*[0.0] * 2 * lean.BUSY, timeout=0)), {0})
        self.assertEqual(self.waits(1.0, timeout=0.6), [0.6, 0.6])

    def test_what_is_due_is_not_put_off(self) -> None:
        """While something is due it asks once, also where it is busy."""
        self.waits(*[0.0] * lean.BUSY)
        self.comes, self.asked = [1.0], []
        self.assertEqual((self.polling.wait(0, 1), self.asked), ([], [0]))
