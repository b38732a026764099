"""Seed 000, Chatter Box: two ends, real processes and real sockets. `docs/seeds.md` names the rest."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from itertools import combinations_with_replacement
from pathlib import Path
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE, End
from tests.harness.hardship import patient
from tests.harness.processes import PROGRAMS, SERVE, TWISTD, Daemon, Hub, is_idle, until
from tests.harness.terminals import Tty, client

RELAYED = 1000
"""Lines from each end at once."""


class Starting(SynchronousTestCase):
    """The hub's first second."""

    def test_address_in_use(self) -> None:
        """000-1: an address in use is one line with address and reason, status not 0, also under twistd."""
        with Hub() as hub, tempfile.TemporaryDirectory() as place:
            port = f"tcp:{hub.port}:interface=127.0.0.1"
            reason = f"can't listen on 127.0.0.1:{hub.port}: Address already in use"
            twistd = [*TWISTD, "--pidfile=pid"]
            for command in (
                [*SERVE, port],
                [*twistd, "-n", "chatterbox", "--port", port],
                [*twistd, "--logfile=log", "chatterbox", "--port", port],
            ):
                run = subprocess.run(
                    command, capture_output=True, text=True, cwd=place, timeout=DEADLINE, env=hub.env
                )  # fmt: skip
                self.assertNotEqual(run.returncode, 0, command)
                said = run.stdout + run.stderr
                if "--logfile=log" in command:  # of a daemon's reason the shell hears 100 characters, from twistd
                    self.assertIn(reason[:-1], said)
                    until(lambda: reason in Path(place, "log").read_text())
                    said = Path(place, "log").read_text()
                self.assertEqual(said.count(reason), 1, run)
                self.assertNotIn("Traceback", said)
                self.assertFalse(Path(place, "pid").exists(), command)

    def test_daemon(self) -> None:
        """000-1: `twistd chatterbox` goes to the background, relays there, and leaves no pidfile behind."""
        with Daemon() as hub:
            ann, bob = hub.peer("hello from a terminal that is free again"), hub.peer()
            bob.hears("hello from a terminal that is free again")
            ann.hears("-!- your partner joined")
            hub.stops(signal.SIGTERM)
            self.assertFalse(hub.pidfile.exists())


class Relaying(SynchronousTestCase):
    """What one end says, the other hears."""

    def test_any_combination(self) -> None:
        """000-4: nc, ncat, socat, telnet and the bundled client talk with each other, in any combination."""
        missing = [kind for kind in PROGRAMS if not shutil.which(PROGRAMS[kind][0])]
        kinds = [kind for kind in PROGRAMS if kind not in missing]
        with Hub() as hub:
            pairs = [
                [hub.program(kind, f"from {kind} {n}", room=f"{one}-{two}") for n, kind in enumerate((one, two))]
                for one, two in combinations_with_replacement(kinds, 2)
            ]
            for (one, two), ends in zip(combinations_with_replacement(kinds, 2), pairs):
                self.assertEqual([next_said(end) for end in ends], [f"from {two} 1", f"from {one} 0"])
        if missing:
            raise SkipTest(f"no {missing} here; all others were tried")

    def test_many_lines(self) -> None:
        """000-4: 100 lines while the other end is silent, then 1,000 from both at once: all, in order."""
        with Hub() as hub:
            ann, bob = hub.pair()
            lines = [f"line {n}" for n in range(100)]
            ann.says(*lines)
            bob.hears(*lines)
            for n in range(RELAYED):
                ann.says(f"ann {n}")
                bob.says(f"bob {n}")
            ann.hears(*(f"bob {n}" for n in range(RELAYED)))
            bob.hears(*(f"ann {n}" for n in range(RELAYED)))
            self.assertTrue(ann.is_quiet() and bob.is_quiet())

    def test_who_stops_reading(self) -> None:
        """000-5: while one end reads nothing, others are answered, and its partner's /quit doesn't wait for it."""
        with Hub(command=patient()) as hub:
            ann, _ = hub.pair("stuck")
            while ann.sends_some(b"x" * 1000 + b"\n"):
                pass
            carl, dora = hub.pair("beside")
            for n in range(10):
                carl.says(f"ping {n}")
                dora.hears(f"ping {n}")
            eve, _ = hub.pair("silent")
            eve.says("one", "two", "/quit")
            self.assertEqual(eve.rest(), b"-!- closed (quit)\n")


class Leaving(SynchronousTestCase):
    """One end goes, the other stays."""

    def test_every_way(self) -> None:
        """000-6: a clean end, a reset, kill -9 of nc and of the client: one notice, then the next one pairs."""
        with Hub("--grace", "0") as hub:
            for way, gone in (
                ("close", r"has finished"),
                ("reset", r"left \(lost\)"),
                ("kill nc", r"has finished"),
                ("kill client", r"left \(lost\)"),
            ):
                room = way.replace(" ", "-")
                ann = hub.peer("hi", room=room)
                leave(hub, way, room)
                ann.hears("-!- your partner joined")
                self.assertRegex(ann.line(), f"^-!- your partner {gone}$")
                if not ann.is_quiet():  # it was killed after it had shown the line, and before it could say so
                    self.assertEqual((way, "perhaps not delivered" in ann.line()), ("kill client", True))
                carl = hub.peer("me again", room=room)
                if gone == "has finished":  # a newcomer makes the hub knock, and the dead one's system says no
                    ann.hears("-!- your partner left (lost)")
                ann.hears("-!- your partner joined", "me again")
                ann.says("welcome")
                carl.hears("welcome")

    def test_quit_in_netcat(self) -> None:
        """000-7: /quit from a bare nc ends it with status 0; its partner hears of that, and not the word."""
        with Hub() as hub:
            ann = hub.peer("hi")
            netcat = hub.program("nc")
            netcat.hears("hi")
            netcat.says("/quit")
            ann.hears("-!- your partner joined", "-!- your partner left (quit)")
            netcat.finish()
            self.assertEqual((netcat.rest(), netcat.wait()), (b"-!- closed (quit)\n", 0))
            self.assertTrue(ann.is_quiet())


class OnTerminals(SynchronousTestCase):
    """The document's own test."""

    def test_three_terminals(self) -> None:
        """000-10: the hub and two clients, each on its terminal; what one types appears at the other."""
        server = Tty([*SERVE, "tcp:0:interface=127.0.0.1"])
        try:
            server.until("listening on")
            server.settle()
            port = port_in(server.text)
            ends = (client("127.0.0.1", port, "--name", name) for name in ("ann", "bob"))
            with next(ends) as ann, next(ends) as bob:
                ann.until("with bob")
                bob.until("with ann")
                ann.type("can you read this?\r")
                bob.until("ann: can you read this?")
                bob.type("every word\r")
                ann.until("bob: every word")
                bob.type("/quit\r")
                self.assertEqual(bob.wait(), 0)
                ann.until("bob left (quit)")
                server.type("\x03")
                self.assertEqual(server.wait(), 0)
                ann.until("the hub is shutting down")
        finally:
            server.close()

    def test_500_lines_each_way(self) -> None:
        """000-9: 500 lines come to a terminal while 500 are typed there; none is lost."""
        with Hub() as hub, client("127.0.0.1", hub.port) as tty:
            tty.until("waiting for a partner")
            bob = hub.peer()
            tty.until("guest-2 joined")
            for start in range(0, 500, 10):
                bob.says(*(f"in {n}." for n in range(start, start + 10)))
                tty.type("".join(f"out {n}\r" for n in range(start, start + 10)))
                while tty.look():
                    pass
            tty.until("in 499.")
            tty.until("out 499")
            bob.hears(*(f"out {n}" for n in range(500)))
            seen = re.findall(r"in (\d+)\.", tty.text())
            self.assertEqual([int(n) for n in seen], list(range(500)))


class Idle(SynchronousTestCase):
    """Nothing happens."""

    def test_processor_time(self) -> None:
        """000-11: a hub and two clients with nothing to do come to take less than 1 % of a processor."""
        with Hub() as hub:
            ends = [hub.program("client", "hi") for _ in range(2)]
            for end in ends:
                end.hears("hi")
            for pid in (hub.pid, *(end.process.pid for end in ends)):
                until(lambda pid=pid: is_idle(pid))  # type: ignore[misc]  # a default in a lambda


def port_in(text: Callable[[], str]) -> int:
    """Wait until a hub says where it listens; return the port."""
    until(lambda: "listening on 127.0.0.1:" in text())
    return int(re.findall(r"listening on 127\.0\.0\.1:(\d+)", text())[0])


def next_said(end: End) -> str:
    """Return the next line that a person said; the hub's own are skipped."""
    while (line := end.line()).startswith("-!- "):
        pass
    return line


def leave(hub: Hub, way: str, room: str) -> None:
    """Let an end come, hear its partner, and go this way."""
    if way.startswith("kill"):
        program = hub.program(way.split()[1], room=room)
        program.hears("hi")
        program.kill()
        return
    end = hub.peer(room=room)
    end.hears("hi")
    end.reset() if way == "reset" else end.close()
