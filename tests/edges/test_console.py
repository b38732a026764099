"""The console is one more peer while somebody may speak there, and never holds up the hub."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from typing import Any, cast
from unittest import mock

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFDSet
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.edges.console import Console, missed
from chatterbox.edges.stdio import HIGH_WATER, Stdio
from chatterbox.edges.writer import BOUND
from tests.harness.memory import HubOnAClock


class Screen:
    """A terminal in memory, which may be stopped."""

    def __init__(self) -> None:
        self.shown = b""
        self.reading = True
        self.producer: Any = None

    def write(self, data: bytes) -> None:
        """Show it."""
        self.shown += data

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Show all of it."""
        self.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Remember it."""
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Forget it."""
        self.producer = None

    def pauseProducing(self) -> None:
        """Stop reading the keyboard."""
        self.reading = False

    def resumeProducing(self) -> None:
        """Read the keyboard."""
        self.reading = True

    def lines(self) -> list[str]:
        """Return what was shown since this was last asked."""
        shown, self.shown = self.shown, b""
        return shown.decode().splitlines()


class Seats(SynchronousTestCase):
    """The console's seat."""

    def _console(self, mode: str = "pair") -> tuple[HubOnAClock, Console, Screen]:
        world, screen = HubOnAClock(mode), Screen()
        self.stops: list[str] = []
        console = Console(world.admission, lambda: self.stops.append("stop"))
        world.observers.append(console.narrator)
        with mock.patch("chatterbox.edges.console._pass_keys", return_value=None):
            console.makeConnection(screen)
        return world, console, screen

    def test_talking(self) -> None:
        """What is typed is said, however it is cut; what is said is shown; /quit stops the hub."""
        world, console, screen = self._console()
        bob = world.nc("hi")
        self.assertEqual(screen.lines(), ["-!- your partner joined", "hi"])
        console.dataReceived(b"hel")
        console.dataReceived(b"lo\nagain\n")
        self.assertEqual(bob.lines(), ["hello", "again"])
        console.dataReceived(b" /quit \n")
        self.assertEqual(self.stops, ["stop"])

    def test_stdin_at_its_end(self) -> None:
        """C9: the seat is given up for somebody who speaks, and what was said before is said."""
        for mode in ("pair", "talk"):
            world, console, screen = self._console(mode)
            bob = world.nc("hi")
            self.assertIn("full", world.nc("third").heard().decode())
            screen.pauseProducing()  # as for whoever speaks to one that doesn't read
            console.readConnectionLost()
            self.assertTrue(screen.reading)
            self.assertIn("your partner left (quit)", bob.heard().decode())
            ann = world.nc("I am ann")
            self.assertNotIn("full", ann.heard().decode())
            self.assertNotIn(b"ann", screen.shown)
            self.assertEqual([len(names) for names in world.rooms().values()], [2])

    def test_it_shows_on(self) -> None:
        """Without a seat the console shows what happens, and the operator speaks to all rooms."""
        world, console, screen = self._console("ports")
        peer = world.nc("hello")
        console.readConnectionLost()
        peer.says("again")
        self.assertIn("Relaying message", screen.lines()[-1])
        console.dataReceived(b"to all\n")
        self.assertEqual(peer.lines()[-1], "server: to all")

    def test_a_stopped_terminal(self) -> None:
        """A partner is held up as by any slow reader; after a minute the console's seat is free, and it shows on."""
        world, console, screen = self._console()
        bob = world.nc()
        screen.producer.pauseProducing()
        for _ in range(40):
            bob.says("x" * 4000)
        self.assertFalse(bob.line.reading)
        world.wait(61)
        told = bob.lines()[-2:]
        self.assertEqual(told[0], "-!- your partner left (slow)")
        self.assertTrue(told[1].startswith("-!- perhaps not delivered: the last 17 lines ("), told)
        self.assertTrue(screen.reading)
        console.dataReceived(b"I am back\n")
        self.assertEqual(bob.lines(), ["server: I am back"])

    def test_shutdown(self) -> None:
        """A hub that ends waits for no terminal: 5 s at the most, and none the second time it is asked."""
        for is_asked_twice in (False, True):
            world, _, screen = self._console()
            bob = world.nc()
            screen.producer.pauseProducing()
            for _ in range(40):
                bob.says("x" * 4000)
            ended: list[str] = []
            world.admission.stop(lambda over=ended: over.append("over"))  # type: ignore[misc]
            world.wait(1)
            self.assertEqual(ended, [])
            if is_asked_twice:
                world.admission.abort()
            world.wait(0 if is_asked_twice else 4.1)
            self.assertEqual(ended, ["over"])

    def test_without_a_newline(self) -> None:
        """A megabyte without one is dropped, and said."""
        world, console, screen = self._console()
        bob = world.nc()
        for _ in range(17):
            console.dataReceived(b"x" * 65536)
        self.assertEqual(screen.lines()[-1], "-!- too long without a newline, not said")
        console.dataReceived(b"short\n")
        self.assertEqual(bob.lines()[-1], "short")

    def test_first_words(self) -> None:
        """Each place where the hub listens is shown as people write it, in the mode's own words."""
        for mode, words in (
            ("pair", ["listening on [::1]:5000", "listening on chat.sock"]),
            ("ports", ["[LISTENING] Server is listening on [::1]:5000", "[LISTENING] Server is listening on chat.sock"]),
            ("order", ["The server is waiting to receive two connections...."]),
        ):
            _, console, screen = self._console(mode)
            console.narrator.begin(["[::1]:5000", "chat.sock"])
            self.assertEqual(screen.lines(), words)


class Ends(SynchronousTestCase):
    """Stdin and stdout: pipes here."""

    def setUp(self) -> None:
        """Make them."""
        self.keys, stdin = os.pipe()[::-1]
        stdout, screen = os.pipe()
        os.set_blocking(stdout, False)
        self.screen = stdout
        self.fds = (stdin, screen)
        for fd in (self.keys, stdin, stdout, screen):
            self.addCleanup(os.close, fd)
        self.reactor = MemoryReactor()
        self.told: list[str] = []
        self.user = mock.Mock()
        self.user.dataReceived = lambda data: self.told.append(data.decode())
        self.user.readConnectionLost = lambda: self.told.append("end")

    def _stdio(self) -> Stdio:
        stdio = Stdio(self.user, self.reactor, missed, *self.fds)
        self.addCleanup(self._forget, stdio)
        return stdio

    def _forget(self, stdio: Stdio) -> None:
        cast(IReactorFDSet, reactor).removeWriter(stdio._writer)

    def test_reading(self) -> None:
        """What is there is read, and nothing is waited for; the flags of stdin stay as they are."""
        stdio = self._stdio()
        stdio.doRead()
        os.write(self.keys, b"typed\n")
        stdio.doRead()
        self.assertEqual(self.told, ["typed\n"])
        self.assertEqual([os.get_blocking(fd) for fd in self.fds], [True, True])
        stdio.pauseProducing()
        self.assertNotIn(stdio, self.reactor.getReaders())
        stdio.resumeProducing()
        self.assertIn(stdio, self.reactor.getReaders())

    def test_the_end_of_stdin(self) -> None:
        """Is told once, and nothing is read any more."""
        stdio = self._stdio()
        os.dup2(os.open(os.devnull, os.O_RDONLY), stdio.fileno())
        for _ in range(2):
            stdio.doRead()
        stdio.resumeProducing()
        self.assertEqual((self.told, self.reactor.getReaders()), (["end"], []))

    def test_a_file_as_stdin(self) -> None:
        """It is read from where it stands, and to its end."""
        with tempfile.TemporaryFile() as file:
            file.write(b"read by another\nmine\n")
            file.flush()
            file.seek(16)
            self.fds = (file.fileno(), self.fds[1])
            stdio = self._stdio()
            for _ in range(2):
                stdio.doRead()
        self.assertEqual(self.told, ["mine\n", "end"])

    def test_back_pressure(self) -> None:
        """Its producer pauses at the high-water mark, and goes on when all is written; no line that was heard is lost."""
        stdio, calls = self._stdio(), []
        producer = mock.Mock()
        producer.pauseProducing = lambda: calls.append("pause")
        producer.resumeProducing = lambda: calls.append("resume")
        stdio.registerProducer(producer, True)
        written = 0
        while not calls:
            stdio.write(b"x" * 999 + b"\n")
            written += 1000
        self.assertLess(HIGH_WATER, BOUND // 2)  # a chunk more is on its way, and the narration beside it
        read = 0
        while read < written:
            read += len(os.read(self.screen, 65536))
            stdio._writer.doWrite()
        self.assertEqual(calls, ["pause", "resume"])
