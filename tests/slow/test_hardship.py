"""What a hub lives through when machine, network, clock, partners or its own code fail: real processes and sockets."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from twisted.internet import defer, endpoints, reactor, task
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chatterbox.connections.admission import Admission
from chatterbox.core.hub import Hub as PureHub
from chatterbox.edges.sockets import KEEPALIVE, send_at_once
from chatterbox.edges.tcp import ChatFactory, ChatProtocol
from tests.harness.ends import End, Program, Socket
from tests.harness.hardship import (
    GROWTH,
    MIB,
    Network,
    WallClock,
    few_files,
    gathered,
    memory,
    patched,
    talk,
)
from tests.harness.processes import Hub, until

IMPATIENT = (
    "from chatterbox.edges.sockets import KEEPALIVE\n"
    "KEEPALIVE.update(TCP_KEEPIDLE=1, TCP_KEEPINTVL=1, TCP_KEEPCNT=2, TCP_USER_TIMEOUT=2000)"
)
"""Python that lets a hub find dead peers within seconds."""
FAULTY = """
from chatterbox.core.room import Room
def fail(room, event):
    raise RuntimeError('injected')
Room._did = fail
"""
"""Python that lets a hub fail at `/me`."""


class Links(TestCase):
    """Partners who are gone without a word."""

    def test_a_link_that_is_down(self) -> None:
        """A peer behind a pulled cable is found by the system, and its partner told; a silent one is left alone."""
        with Network() as network:
            command = [*network.words(network.near), *patched(IMPATIENT)]
            port = f"tcp:5000:interface={network.address}"
            with self._in_clear(), Hub("--port", port, command=command) as hub:
                until(lambda: f"listening on {network.address}:5000" in hub.log)
                near = Program([*network.words(network.near), "nc", "127.0.0.1", str(hub.port)], hub.env)
                self.addCleanup(near.close)
                near.says("/who")
                near.hears("-!- here: guest-1")
                far = Program([*network.words(network.far), "nc", network.address, "5000"], hub.env)
                self.addCleanup(far.close)
                near.hears("-!- your partner joined")
                self.assertFalse(near.chunk(4), "a live end was taken for a dead one")
                network.cut()
                near.hears("-!- your partner left (lost)")

    @contextmanager
    def _in_clear(self) -> Iterator[None]:
        """The only fault in the log is that words can be read on their way over the cable."""
        with self.assertRaisesRegex(AssertionError, "a fault in the log(?s:.)*#warn. text travels in clear") as told:
            yield
        self.assertNotIn("Traceback", str(told.exception))

    @defer.inlineCallbacks
    def test_keepalive(self) -> Any:
        """On an accepted socket keepalive, its times, TCP_USER_TIMEOUT and TCP_NODELAY are really set."""
        yield self._accepts_tuned(lambda port: port)

    @defer.inlineCallbacks
    def test_keepalive_of_a_port(self) -> Any:
        """Likewise on what is accepted at a port that has them set already."""
        yield self._accepts_tuned(send_at_once)

    @defer.inlineCallbacks
    def _accepts_tuned(self, opened: Callable[[Any], Any]) -> Any:
        made: list[ChatProtocol] = []

        class Watched(ChatFactory):
            def buildProtocol(self, addr: IAddress | None) -> ChatProtocol:
                made.append(super().buildProtocol(addr))
                return made[-1]

        clock = cast(Any, reactor)
        admission = Admission(PureHub(), clock.callLater, clock.seconds)
        factory = Watched(admission, clock)
        port = opened((yield endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(factory)))
        self.addCleanup(port.stopListening)
        there = endpoints.clientFromString(reactor, f"tcp:127.0.0.1:{port.getHost().port}")
        end = yield there.connect(Factory.forProtocol(Protocol))
        while not made:
            yield _soon()
        handle = made[0].transport.getHandle()
        self.assertTrue(handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        self.assertTrue(handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        for option, value in KEEPALIVE.items():
            if hasattr(socket, option):
                self.assertEqual(handle.getsockopt(socket.IPPROTO_TCP, getattr(socket, option)), value, option)
        end.transport.abortConnection()
        while admission.connections:
            yield _soon()


def _soon() -> defer.Deferred[None]:
    return task.deferLater(cast(Any, reactor), 0.01)


class NonReaders(SynchronousTestCase):
    """F2, F11: one who stops reading costs nobody else anything, and the hub no memory."""

    line = b"y" * 63 + b"\n"

    def _pump(self, speaker: End, *others: End) -> tuple[int, int]:
        """Say 64 MiB, or as much as is taken, while the others read; return how much was said, and how much heard."""
        block, said, heard = self.line * 1024, 0, 0
        while said < 64 * MIB and (sent := speaker.sends_some(block[said % 64 :], 2)):
            said += sent
            for end in others:
                while data := end.chunk(0):
                    heard += len(data)
        return said, heard

    def test_f2_in_a_pair(self) -> None:
        """A partner who reads nothing stops its speaker, and hears everything when it reads; the hub stays small."""
        with Hub() as hub:
            ann, bob = hub.pair()
            one, other = hub.pair("elsewhere")
            before = memory(hub.pid)
            said, _ = self._pump(ann)
            talk(one, other)
            self.assertTrue(ann.is_quiet())
            self.assertLess(memory(hub.pid) - before, GROWTH)
            heard = 0
            while (missing := said // 64 * 64 - heard) > 0:
                heard += len(bob.chunk()) or self.fail(f"{missing} bytes are lost")
            ann.says("", "that was all")
            bob.hears("y" * (said % 64), "that was all")

    def test_f11_in_a_room(self) -> None:
        """In a room the non-reader is let go as `slow`; the others hear all of some 64 MiB, and the hub stays small."""
        with Hub("--mode", "room") as hub:
            ann, bob, _ = gathered(hub, "ann", "bob", "carl")
            before = memory(hub.pid)
            said, heard = self._pump(ann, bob, ann)
            until(lambda: "'carl' from" in hub.log and "(slow)" in hub.log)
            ann.says("", "that was all")
            for end in (ann, bob):
                last = b""
                while not last.endswith(b"\nann: that was all\n"):
                    last = last[-99:] + (data := end.chunk() or self.fail("not all came"))
                    heard += len(data)
            self.assertGreater(heard, 2 * said)
            self.assertNotIn("'bob' from 127.0.0.1 (slow)", hub.log)
            self.assertLess(memory(hub.pid) - before, GROWTH)


class Scarcity(SynchronousTestCase):
    """A machine that gives too little, or the wrong time."""

    def test_open_files(self) -> None:
        """Where files run out, who comes hears `hub is full`; when some leave, others come again."""
        with Hub("--mode", "room", command=few_files(100)) as hub:
            first = [Socket(hub.port) for _ in range(36)]
            for end in first:
                self.assertIn(b"which name", end.chunk())
            late = [Socket(hub.port) for _ in range(10)]
            for end in late:
                self.assertEqual(end.rest(), b"-!- closed (full): hub is full\n")
            crowd = [Socket(hub.port) for _ in range(60)]
            first[0].says("ann")
            first[0].hears("-!- you are ann in lobby; here: ann")
            for end in [*first[1:], *late, *crowd]:
                end.close()
            until(lambda: _joins(hub))

    def test_f6_the_clock_jumps(self) -> None:
        """F6: the wall clock goes an hour on and two back; nobody is disconnected, late or not."""
        with tempfile.TemporaryDirectory() as place:
            clock = WallClock(Path(place, "offset"))
            with Hub("--mode", "room", command=clock.command) as hub:
                ann, bob = gathered(hub, "ann", "bob")
                unnamed = hub.peer()
                unnamed.hears("-!- which name do you take?")
                for offset in (3600, -3600):
                    clock.jump(offset)
                    hour = time.time() + offset
                    until(lambda hour=hour: abs(_logged_time(hub) - hour) < 600)  # type: ignore[misc]  # a default in a lambda
                    self.assertTrue(unnamed.is_quiet())
                    bob.says("what time is it?")
                    ann.hears("bob: what time is it?")
                    bob.hears("bob: what time is it?")
                unnamed.says("carl")
                ann.hears("-!- carl joined")


def _logged_time(hub: Hub) -> float:
    """Return what time it is for the hub, as it notes it of one who comes and goes."""
    hub.peer("carl", "/quit", room="elsewhere").rest()
    stamp = hub.log.splitlines()[-1].split()[0]
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S%z").timestamp()


def _joins(hub: Hub) -> bool:
    """Return whether a newcomer is asked for its name, and not sent away."""
    end = Socket(hub.port)
    answer = end.chunk()
    end.close()
    return b"which name" in answer


class Faults(SynchronousTestCase):
    """A mistake of ours, met by one connection."""

    def _fails(self, *lines: str) -> str:
        """Let one of a pair say what meets the fault; return the log."""
        with self.assertRaisesRegex(AssertionError, "a fault in the log") as told, Hub(command=patched(FAULTY)) as hub:
            ann, bob = hub.pair()
            one, other = hub.pair("elsewhere")
            bob.says(*lines, "/me waves", "never heard")
            ann.hears("-!- your partner left (lost)")
            bob.rest()
            talk(one, other)
            partner = hub.peer()
            ann.hears("-!- your partner joined")
            talk(ann, partner)
        return str(told.exception)

    def test_a_fault(self) -> None:
        """An exception ends the connection that met it, is logged once with its traceback, and touches nobody else."""
        log = self._fails()
        self.assertEqual((log.count("Traceback"), log.count("RuntimeError: injected")), (1, 1))

    def test_a_fault_in_a_later_turn(self) -> None:
        """The same where the fault is met behind more commands than one turn takes, in a timer's call."""
        log = self._fails(*["/who"] * 70)
        self.assertEqual((log.count("Traceback"), log.count("RuntimeError: injected")), (1, 1))
