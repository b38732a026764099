"""The client in pipes, with a hub, stdin and stdout that are played: when it ends, and with which status."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import error
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import alsoProvides

from chatterbox.client.pipes import pipe as pipes
from chatterbox.client.pipes.codec import Codec, JsonCodec, TextCodec
from chatterbox.client.pipes.pipe import HANG_UP_PATIENCE, Pipe
from chatterbox.wire.lines import Lines

DONE, BROKEN = Failure(error.ConnectionDone()), Failure(error.ConnectionLost())


class Side(StringTransport):
    """One side of a pipe: what is asked to close is there until the test says that it is gone."""

    def unregisterProducer(self) -> None:
        """Forget the producer, as real transports do however often."""
        self.producer = None


class Link(Side):
    """A connection to a hub."""

    half_closed = aborted = False
    socket: socket.socket | None = None

    def loseWriteConnection(self) -> None:
        """Close the sending half."""
        self.half_closed = True

    def abortConnection(self) -> None:
        """Close at once."""
        self.aborted = True

    def fileno(self) -> int:
        """Return the descriptor of a socket, where the test has one."""
        return self.socket.fileno() if self.socket else -1


class Played:
    """A pipe, and what is around it."""

    def __init__(self, codec: Codec | None = None, linger: float | None = None, tls: bool = False) -> None:
        self.clock = Clock()
        self.link = Link()
        self.stdio: Any = Side()
        self.told = b""
        self.talk: Any = None
        self.pipe = Pipe(codec or TextCodec(), "example:5000", self.open, self.tell, self.clock.callLater, linger)
        self.over: list[None] = []
        self.pipe.over.addCallback(self.over.append)
        if tls:
            alsoProvides(self.link, ISSLTransport)
        self.pipe.makeConnection(self.link)

    def open(self, talk: Protocol) -> Any:
        """Open stdin and stdout."""
        self.talk = talk
        return self.stdio

    def tell(self, status: bytes) -> None:
        """Take status."""
        self.told += status

    def stdin_ends(self) -> None:
        """End stdin, and send all of it."""
        self.talk.readConnectionLost()
        if self.link.half_closed:
            self.pipe.writeConnectionLost()

    def all_gone(self) -> int | None:
        """Let both sides close, as they were asked to; return the exit status."""
        if self.over:
            raise AssertionError("over before all was written")
        if not (self.stdio.disconnecting and self.link.disconnecting):
            raise AssertionError("nobody asked for the end")
        if self.stdio.producer or self.link.producer:
            raise AssertionError("who waits for a producer never closes")
        self.talk.connectionLost(DONE)
        self.pipe.connectionLost(DONE)
        if self.over != [None] or self.clock.getDelayedCalls():
            raise AssertionError("not over")
        return self.pipe.status


class BothWays(SynchronousTestCase):
    """What passes between the two sides."""

    def test_stdin_is_said_and_the_hub_is_heard(self) -> None:
        """Lines of stdin go to the hub, lines of the hub to stdout, notices to stderr, each whole."""
        played = Played(TextCodec("tea", "ann"))
        self.assertEqual(played.link.value(), b"/join tea\n/nick ann\n")
        played.link.clear()
        played.talk.dataReceived(b"one\ntw")
        self.assertEqual(played.link.value(), b"one\n")
        played.talk.dataReceived(b"o\n")
        played.pipe.dataReceived(b"-!- bob joi")
        played.pipe.dataReceived(b"ned\nhi\nthe")
        self.assertEqual(played.link.value(), b"one\ntwo\n")
        self.assertEqual(played.stdio.value(), b"hi\n")
        self.assertEqual(played.told, b"-!- bob joined\n")

    def test_each_side_waits_for_the_other(self) -> None:
        """Stdin waits for the hub, and the hub for both stdout and stderr, so none can run ahead."""
        played = Played()
        self.assertIs(played.link.producer, played.stdio)
        self.assertTrue(played.link.streaming and played.stdio.streaming)
        played.stdio.producer.pauseProducing()
        played.pipe.hold(True)
        self.assertEqual(played.link.producerState, "paused")
        played.stdio.producer.resumeProducing()
        self.assertEqual(played.link.producerState, "paused")
        played.pipe.hold(False)
        self.assertEqual(played.link.producerState, "producing")


class TheEnd(SynchronousTestCase):
    """How a conversation ends, and what its exit status is."""

    def test_after_stdin_the_hub_is_heard_until_it_hangs_up(self) -> None:
        """The last line needs no newline; then the sending half is closed, and what comes is still printed (F7)."""
        played = Played()
        played.talk.dataReceived(b"hi")
        played.stdin_ends()
        self.assertEqual(played.link.value(), b"hi\n")
        self.assertTrue(played.link.half_closed)
        self.assertIsNone(played.link.producer)
        self.assertFalse(played.link.disconnecting)
        played.clock.advance(100_000)
        played.pipe.dataReceived(b"an answer\nunended")
        played.pipe.readConnectionLost()
        self.assertEqual(played.stdio.value(), b"an answer\nunended\n")
        self.assertEqual(played.all_gone(), 0)
        self.assertEqual(played.told, b"")

    def test_a_hub_that_hangs_up_first_is_lost(self) -> None:
        """Before the end of stdin, or before all of it was sent, a closed link is a lost one, with one line for it."""
        for ended in (False, True):
            played = Played()
            if ended:
                played.talk.readConnectionLost()
            played.pipe.readConnectionLost()
            self.assertEqual(played.all_gone(), 1)
            self.assertEqual(played.told, b"chatterbox: the link to example:5000 is lost: the hub hung up\n")

    def test_a_broken_link_is_lost_also_after_stdin(self) -> None:
        """A reset is no clean end, whenever it comes."""
        played = Played()
        played.stdin_ends()
        played.pipe.connectionLost(BROKEN)
        self.assertEqual(played.pipe.status, 1)
        self.assertEqual(played.told, b"chatterbox: the link to example:5000 is lost: the connection broke\n")
        self.assertEqual(played.over, [])
        played.talk.connectionLost(DONE)
        self.assertEqual(played.over, [None])

    def test_the_words_of_closing(self) -> None:
        """Each word of the closed set has its status, in both dialects, hung up on cleanly or not."""
        statuses = dict.fromkeys(("full", "slow", "flood", "idle", "kicked", "news"), 3)
        for word, status in (statuses | {"bye": 0, "quit": 0, "shutdown": 1, "lost": 1}).items():
            text = f"-!- closed ({word}): so\n".encode()
            event = f'{{"event": "closed", "why": "{word}", "text": "so"}}\n'.encode()
            for codec, closing in ((TextCodec(), text), (JsonCodec(), event)):
                for cleanly in (True, False):
                    played = Played(codec)
                    played.pipe.dataReceived(closing)
                    if cleanly:
                        played.pipe.readConnectionLost()
                    else:
                        played.pipe.connectionLost(BROKEN)
                    self.assertEqual(played.pipe.status, status, word)
                    self.assertNotIn(b"chatterbox:", played.told)

    def test_only_the_last_word_counts(self) -> None:
        """After a notice of closing that is followed by other lines, the end is one like any other."""
        played = Played()
        played.pipe.dataReceived(b"-!- closed (bye): no\n")
        played.pipe.dataReceived(b"more\n")
        played.pipe.readConnectionLost()
        self.assertEqual(played.pipe.status, 1)

    def test_quit_is_clean(self) -> None:
        """A typed `/quit` is sent after what was said, nothing after it is, and the hub may hang up without a word."""
        played = Played(TextCodec(commands=True))
        played.talk.dataReceived(b"hi\n/quit\nnot this\n")
        played.talk.dataReceived(b"nor this\n")
        played.talk.readConnectionLost()
        self.assertEqual(played.link.value(), b"hi\n/quit\n")
        self.assertTrue(played.link.half_closed)
        played.pipe.readConnectionLost()
        self.assertEqual(played.all_gone(), 0)

    def test_a_hub_that_ignores_quit_is_left(self) -> None:
        """Somebody who wants to leave does, after a short, stated patience."""
        played = Played(JsonCodec(commands=True))
        played.talk.dataReceived(b"/quit\n")
        played.pipe.writeConnectionLost()
        played.clock.pump([0, HANG_UP_PATIENCE - 0.1])
        self.assertIsNone(played.pipe.status)
        played.clock.advance(0.2)
        self.assertEqual(played.all_gone(), 0)

    def test_linger_bounds_the_wait(self) -> None:
        """With --linger the client leaves so many seconds after the hub's machine has everything."""
        played = Played(linger=3)
        played.stdin_ends()
        played.clock.pump([0, 2.9])
        self.assertIsNone(played.pipe.status)
        played.clock.advance(0.2)
        self.assertEqual(played.all_gone(), 0)

    def test_linger_waits_until_the_hub_has_everything(self) -> None:
        """Also --linger 0 doesn't close a link on which bytes are still on their way."""
        waiting = [5]
        self.patch(pipes, "_unacknowledged", lambda link: waiting[0])
        played = Played(linger=0)
        played.stdin_ends()
        played.clock.pump([0.1] * 50)
        self.assertIsNone(played.pipe.status)
        waiting[0] = 0
        played.clock.pump([0.1] * 2)
        self.assertEqual(played.all_gone(), 0)

    def test_bytes_on_their_way_are_counted(self) -> None:
        """What the other machine has not taken yet is known, where the system tells; else it counts as none."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            link = Link()
            link.socket = ours
            self.assertEqual(pipes._unacknowledged(link), 0)
            ours.sendall(b"x" * 100)
            self.assertGreaterEqual(pipes._unacknowledged(link), 100)
            theirs.recv(200)
            self.assertEqual(pipes._unacknowledged(link), 0)
        self.assertEqual(pipes._unacknowledged(Link()), 0)
        self.assertEqual(pipes._unacknowledged(object()), 0)

    def test_tls_has_no_half_close(self) -> None:
        """Over TLS the end of stdin is said with `/done`, after all that was said; --linger bounds what follows."""
        played = Played(tls=True, linger=2)
        played.talk.dataReceived(b"hi")
        played.talk.readConnectionLost()
        self.assertFalse(played.link.half_closed)
        played.clock.advance(1.9)
        self.assertEqual(played.link.value(), b"hi\n/done\n")
        played.clock.advance(0.2)
        self.assertEqual(played.link.value(), b"hi\n/done\n/quit\n")
        played.pipe.connectionLost(DONE)
        self.assertEqual(played.pipe.status, 0)

    def test_a_link_that_breaks_is_not_left_again(self) -> None:
        """What was to be done later with a link is not done when it is gone, however long stdout takes."""
        played = Played(tls=True, linger=2)
        played.talk.readConnectionLost()
        played.pipe.connectionLost(BROKEN)
        played.clock.advance(3)
        played.talk.connectionLost(DONE)
        self.assertEqual((played.pipe.status, played.over), (1, [None]))

    def test_stdout_left_by_its_reader(self) -> None:
        """`client | head -1` ends quietly, with status 0."""
        self.patch(pipes, "reader_left", lambda: True)
        played = Played()
        played.talk.writeConnectionLost()
        self.assertTrue(played.stdio.disconnecting)
        played.pipe.connectionLost(DONE)
        self.assertEqual((played.pipe.status, played.told, played.over), (0, b"", [None]))

    def test_stdout_without_room(self) -> None:
        """A full disk is a fault with a line of its own, also when it shows only in the very last bytes."""
        self.patch(pipes, "reader_left", lambda: False)
        for late in (False, True):
            played = Played()
            if late:
                played.stdin_ends()
                played.pipe.readConnectionLost()
                played.talk.connectionLost(BROKEN)
            else:
                played.talk.writeConnectionLost()
            played.pipe.connectionLost(DONE)
            self.assertEqual((played.pipe.status, played.over), (1, [None]))
            self.assertEqual(played.told, b"chatterbox: stdout takes no more, is the disk full?\n")

    def test_stdin_and_stdout_that_cant_be_used(self) -> None:
        """Where they can't be opened, that is one line, and the link is closed."""

        def fail(played: Played, talk: Protocol) -> None:
            raise OSError(9, "Bad file descriptor")

        self.patch(Played, "open", fail)
        played = Played()
        self.assertTrue(played.link.disconnecting)
        played.pipe.connectionLost(DONE)
        self.assertEqual((played.pipe.status, played.over), (1, [None]))
        self.assertEqual(played.told, b"chatterbox: cannot use stdin and stdout: Bad file descriptor\n")

    def test_lines_without_end(self) -> None:
        """A hub, or a stdin, that sends no newline is left at the bound, with its own status."""
        for end, status in (("hub", 1), ("stdin", 3)):
            played = Played()
            protocol = played.pipe if end == "hub" else played.talk
            for _ in range(Lines.LIMIT // 65536 + 1):
                protocol.dataReceived(bytes(65536))
            self.assertEqual(played.pipe.status, status)
            self.assertIn(b"without end", played.told)
            self.assertEqual(played.told.count(b"\n"), 1)

    def test_a_hub_that_takes_nothing_more_is_cut(self) -> None:
        """When all is over, the last bytes get a bounded time."""
        played = Played()
        played.pipe.readConnectionLost()
        played.talk.connectionLost(DONE)
        played.clock.advance(HANG_UP_PATIENCE - 0.1)
        self.assertFalse(played.link.aborted)
        played.clock.advance(0.2)
        self.assertTrue(played.link.aborted)

    def test_after_the_end_nothing_is_said_or_heard(self) -> None:
        """Whatever either side still sends is nobody's any more."""
        played = Played()
        played.pipe.end(0)
        played.pipe.dataReceived(b"late\n")
        played.talk.dataReceived(b"late\n")
        played.talk.readConnectionLost()
        self.assertEqual((played.stdio.value(), played.link.value()), (b"", b""))
        self.assertEqual(played.all_gone(), 0)

    def test_the_first_fault_counts(self) -> None:
        """A fault counts more than a clean end, and the first one more than the others."""
        for statuses, status in (((0, 3, 1), 3), ((1, 0), 1), ((0, 0), 0)):
            played = Played()
            for each in statuses:
                played.pipe.end(each, "why")
            self.assertEqual(played.pipe.status, status)

    def test_a_signal_is_the_end_at_once(self) -> None:
        """An interrupted client waits for nobody, whatever it was doing."""
        for ended in (False, True):
            played = Played()
            if ended:
                played.stdin_ends()
            played.pipe.stop(130)
            self.assertEqual((played.pipe.status, played.over), (130, [None]))
            played.pipe.connectionLost(DONE)
            played.talk.connectionLost(DONE)
            self.assertEqual(played.pipe.status, 130)
            self.assertEqual(played.clock.getDelayedCalls(), [])
