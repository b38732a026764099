"""How a hub ends: told, flushed, in bounded time, and with nothing left behind."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import Socket
from tests.harness.hardship import patient
from tests.harness.processes import UNDER_TWISTD, Daemon, Hub, is_listening, until

LAST_WORDS = "-!- closed (shutdown): the hub is shutting down"


def stuffed(hub: Hub) -> tuple[Socket, Socket]:
    """Return a speaker and a partner for whom more waits at the hub than any socket holds."""
    ann, bob = hub.pair("stuffed")
    while bob.sends_some(b"still to be read\n" * 4096):
        pass
    return ann, bob


class Signals(SynchronousTestCase):
    """`chatterbox serve`, and what one may send it."""

    def test_sigterm_tells_everyone(self) -> None:
        """At SIGTERM and at SIGINT pairs, the lonely and JSON peers hear why at once; status 0."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with Hub(command=patient()) as hub:
                ann, bob = hub.pair()
                lonely, json = hub.peer("/who", room="tea"), hub.peer('{"chatterbox": 1, "room": "milk"}')
                lonely.hears("-!- here: guest-1")
                json.line()
                self.assertEqual(hub.stops(number), 0)
                for end in (ann, bob, lonely):
                    self.assertEqual(end.rest().decode(), f"{LAST_WORDS}\n")
                self.assertIn('"why": "shutdown"', json.line())

    def test_sigterm_flushes(self) -> None:
        """All lines that were accepted before SIGTERM arrive, in order, and then the hub's last words."""
        with Hub() as hub:
            ann, bob = hub.pair()
            lines = [f"line {number} of many, as long as lines are" for number in range(100_000)]
            said = bob.sends_some("".join(f"{line}\n" for line in lines).encode())
            while more := bob.sends_some("".join(f"{line}\n" for line in lines).encode()[said:]):
                said += more
            hub.process.send_signal(signal.SIGTERM)
            heard = ann.rest().decode().splitlines()
            self.assertEqual(heard[-1], LAST_WORDS)
            self.assertGreater(len(heard), 1000)
            self.assertEqual(heard[:-1], lines[: len(heard) - 1])
            self.assertEqual(hub.wait(), 0)

    def test_sigterm_drains_in_bounded_time(self) -> None:
        """A hub ends with status 0 though one of its peers reads nothing; after how long is `test_hub`'s."""
        with Hub() as hub:
            stuffed(hub)
            self.assertEqual(hub.stops(signal.SIGTERM), 0)

    def test_a_second_sigterm_exits_now(self) -> None:
        """While one reads nothing, the port and the others end at once; who asks twice doesn't wait for that one."""
        with Hub(command=patient()) as hub:
            stuffed(hub)
            one, other = hub.pair()
            hub.process.send_signal(signal.SIGTERM)
            one.hears(LAST_WORDS)
            other.hears(LAST_WORDS)
            until(lambda: not is_listening(hub.port))
            self.assertIsNone(hub.process.poll())
            hub.stops(signal.SIGTERM)

    def test_sighup_does_nothing_bad(self) -> None:
        """After SIGHUP a pair talks on, and others join."""
        with Hub() as hub:
            ann, bob = hub.pair()
            for _ in range(2):
                hub.process.send_signal(signal.SIGHUP)
                bob.says("still there?")
                ann.hears("still there?")
            hub.pair("tea")

    def test_the_port_is_free_at_once(self) -> None:
        """A hub that ended amid talk leaves its port to the next one."""
        with Hub() as hub:
            hub.pair()
        with Hub(port=hub.port) as again:
            self.assertEqual(again.port, hub.port)
            again.pair()

    def test_a_unix_socket_is_taken_away(self) -> None:
        """A hub on a unix socket removes it in the end."""
        with tempfile.TemporaryDirectory() as place:
            path = Path(place, "chat.sock")
            with Hub("--port", f"unix:{path}"):
                until(path.is_socket)
            self.assertEqual(os.listdir(place), [])

    def test_under_twistd(self) -> None:
        """`twistd -n` ends with status 0, too, when somebody has been served; twistd's own way is to die by the signal."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with Hub(command=UNDER_TWISTD) as hub:
                end = hub.peer("/who")
                end.hears("-!- here: guest-1")
                hub.process.send_signal(number)
                end.hears(LAST_WORDS)
                self.assertEqual(hub.wait(), 0)


class InTheBackground(SynchronousTestCase):
    """`twistd chatterbox`."""

    def test_no_pidfile_is_left(self) -> None:
        """SIGTERM and SIGINT: everyone is told, the pidfile is gone, and the log tells of it without a fault."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with Daemon() as hub:
                ends = hub.peer("hello"), hub.peer()
                ends[1].hears("hello")
                hub.stops(number)
                for end in ends:
                    end.skips(LAST_WORDS)
                self.assertIn("(shutdown)", hub.log)
                self.assertIn("Server Shut Down", hub.log)

    def test_sighup(self) -> None:
        """SIGHUP doesn't end the daemon."""
        with Daemon() as hub:
            os.kill(hub.pid, signal.SIGHUP)
            hub.peer("/who").hears("-!- here: guest-1")
