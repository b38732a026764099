"""Programs that are killed with -9: what the others are told, with which statuses they end, and who has the seat next."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE, Program
from tests.harness.piped import client, run
from tests.harness.processes import Hub, until
from tests.harness.terminals import client as terminal

SHOT = [sys.executable, "-m", "chatterbox"]
NC = "nc"


def shot(hub: Hub, verb: str, *words: str, say: bytes = b"") -> tuple[int, bytes, str]:
    """Run one command to its end; return its status, stdout and stderr."""
    return run(verb, *words, "--hub", f"127.0.0.1:{hub.port}", command=SHOT, say=say)


def joined(hub: Hub, count: int) -> Callable[[], bool]:
    """Return what tells whether so many have taken a seat."""
    return lambda: hub.log.count("] joined '") == count


class Netcat(SynchronousTestCase):
    """A plain `nc` is killed beside somebody."""

    def dies(self, hub: Hub, seat: int) -> Program:
        """Let an `nc` come, and kill it when it has heard a line; return it."""
        nc = hub.program(NC)
        until(joined(hub, seat))
        return nc

    def test_beside_a_pipe(self) -> None:
        """A pipe whose lines it doesn't take any more hears how many, and ends with 4."""
        with Hub() as hub, client(f"127.0.0.1:{hub.port}") as pipe:
            until(joined(hub, 1))
            nc = self.dies(hub, 2)
            pipe.stdin.write(b"one\n")
            nc.hears("one")
            nc.kill()
            while pipe.stderr.readline() != b"-!- your partner has finished\n":
                pass
            pipe.stdin.write(b"two\nthree\n")
            self.assertEqual(pipe.wait(DEADLINE), 4)
            told = pipe.stderr.read().decode()
            self.assertIn("delivered: 2 lines", told)
            self.assertIn("not everything was delivered (2 lines; stdin was not read to its end)", told)
            self.assertEqual(shot(hub, "recv", "--wait", "1")[:2], (4, b""))

    def test_beside_a_pipe_that_listens(self) -> None:
        """A pipe that only listens hears that it has finished, as of every end of `nc`; its own lines are got, so it is 0."""
        with Hub() as hub, client(f"127.0.0.1:{hub.port}", stdin=subprocess.DEVNULL) as pipe:
            until(joined(hub, 1))
            nc = self.dies(hub, 2)
            nc.says("one")
            self.assertEqual(pipe.stdout.readline(), b"one\n")
            nc.hears("-!- your partner has finished")  # or its system would send a reset in place of a FIN
            nc.kill()
            self.assertEqual(pipe.wait(DEADLINE), 0)
            self.assertIn("-!- your partner has finished\n", pipe.stderr.read().decode())

    def test_beside_a_terminal(self) -> None:
        """A person sees that it has finished, and at the next line that it was lost, and the line is marked."""
        with Hub() as hub, terminal("127.0.0.1", hub.port, "--name", "ann") as ann:
            ann.until("waiting for a partner")
            nc = self.dies(hub, 2)
            ann.type("one\r")
            nc.hears("one")
            nc.kill()
            ann.until("guest-1 has finished")
            ann.type("two\r")
            ann.until("guest-1 left (lost)")
            ann.until("delivered: two")
            self.assertNotIn("delivered: one", ann.text())

    def test_beside_another(self) -> None:
        """A5: another `nc` hears that it finished, was lost, and which line wasn't delivered; what it says then is held."""
        with Hub() as hub:
            ann = hub.program(NC)
            until(joined(hub, 1))
            nc = hub.program(NC)
            ann.hears("-!- your partner joined")
            ann.says("zero")
            nc.skips("zero")
            nc.kill()
            ann.hears("-!- your partner has finished")
            ann.says("one")
            ann.hears("-!- your partner left (lost)")
            self.assertIn(
                ann.line(),
                (
                    "-!- perhaps not delivered: the last line (4 bytes were never acknowledged)",
                    "-!- not delivered: 1 line (your partner was lost)",
                ),
            )
            ann.says("two")
            stranger = hub.program(NC)
            stranger.hears("two")

    def test_beside_one_shots(self) -> None:
        """`send` to a killed one ends with 4; `recv` goes on and hears the next."""
        with Hub() as hub:
            nc = self.dies(hub, 1)
            nc.kill()
            status, _, told = shot(hub, "send", "hello", "--wait", "5")
            self.assertEqual(status, 4, told)
            self.assertIn("delivered: ", told)
            with client("recv", f"127.0.0.1:{hub.port}", "-n", "2", command=SHOT) as recv:
                until(joined(hub, 3))
                nc = self.dies(hub, 4)
                nc.says("one")
                self.assertEqual(recv.stdout.readline(), b"one\n")
                nc.kill()
                self.assertEqual(shot(hub, "send", "two")[0], 0)
                self.assertEqual(recv.wait(DEADLINE), 0)
                self.assertEqual(recv.stdout.read(), b"two\n")


class Seats(SynchronousTestCase):
    """A command is killed, and another one comes."""

    def hub(self) -> Hub:
        """Return a hub that keeps seats for 8 s at most: more than a command needs to start, less than it waits."""
        return Hub("--grace", "8")

    def test_recv_that_is_started_again(self) -> None:
        """A `send` finds the `recv` that a supervisor has started in place of a killed one."""
        with self.hub() as hub:
            with client("recv", f"127.0.0.1:{hub.port}", command=SHOT) as recv:
                until(joined(hub, 1))
                recv.kill()
                recv.wait()
            with client("recv", f"127.0.0.1:{hub.port}", "-n", "1", command=SHOT) as recv:
                until(joined(hub, 2))
                self.assertEqual(shot(hub, "send", "line")[0], 0)
                self.assertEqual((recv.wait(DEADLINE), recv.stdout.read()), (0, b"line\n"))

    def test_who_comes_next_waits(self) -> None:
        """`recv` and `ask` beside a killed one's seat say for whom it is kept and until when, and have it after that."""
        with self.hub() as hub, client(f"127.0.0.1:{hub.port}") as oracle:
            until(joined(hub, 1))
            with client("recv", f"127.0.0.1:{hub.port}", command=SHOT) as recv:
                until(joined(hub, 2))
                recv.kill()
                recv.wait()
            with client("ask", f"127.0.0.1:{hub.port}", "you there?", "--name", "ann", command=SHOT) as ask:
                self.assertEqual(oracle.stdout.readline(), b"you there?\n")
                oracle.stdin.write(b"yes\n")
                self.assertEqual((ask.wait(DEADLINE), ask.stdout.read()), (0, b"yes\n"))
                first, second = ask.stderr.read().decode().splitlines()
            self.assertRegex(
                first, r"closed \(full\): room lobby has no free seat: it waits for guest-\d+ until \d\d:\d\d"
            )
            self.assertEqual(second, "chatterbox: waiting for a seat")

    def test_who_waits_in_vain(self) -> None:
        """Beside two who stay, `recv` and `ask` end with 3 when their time is over, `send` with 4, and SIGTERM ends them."""
        with Hub() as hub:
            hub.pair()
            for verb, text, status in (("recv", [], 3), ("ask", ["hello"], 3), ("send", ["hello"], 4)):
                self.assertEqual(shot(hub, verb, *text, "--wait", "1.5")[:2], (status, b""))
            with client("recv", f"127.0.0.1:{hub.port}", command=SHOT) as recv:
                while recv.stderr.readline() != b"chatterbox: waiting for a seat\n":
                    pass
                recv.terminate()
                self.assertEqual(recv.wait(DEADLINE), 143)

    def test_a_seat_is_kept_as_long_as_its_end_tries(self) -> None:
        """With `--retry 0` nobody comes back: the partner of a killed one hears at once that it was lost, and ends with 4."""
        with Hub() as hub, client(f"127.0.0.1:{hub.port}", stdin=subprocess.DEVNULL) as ann:
            until(joined(hub, 1))
            with client(f"127.0.0.1:{hub.port}", "--retry", "0") as bob:
                bob.stdin.write(b"one\n")
                self.assertEqual(ann.stdout.readline(), b"one\n")
                bob.kill()
            self.assertEqual(ann.wait(DEADLINE), 4)
            self.assertIn("-!- your partner left (lost)", ann.stderr.read().decode())


class Left(SynchronousTestCase):
    """`send --leave` says no more than is true."""

    def test_one_after_the_other(self) -> None:
        """A second one neither hears nor ousts the first: it is refused, and a reader has the first's lines."""
        with Hub() as hub:
            status, _, told = shot(hub, "send", "--leave", "first")
            self.assertEqual(status, 0)
            self.assertRegex(told, r"\Akept until \d\d:\d\d, unless the hub ends before; nobody has heard it yet\n\Z")
            for _ in range(2):
                status, _, told = shot(hub, "send", "--leave", "second")
                self.assertEqual(status, 3)
                self.assertEqual(told, "chatterbox: closed (full): nobody in room lobby listens, try another room\n")
            self.assertEqual(shot(hub, "recv", "-n", "1", "--wait", "30")[:2], (0, b"first\n"))

    def test_to_one_who_is_away(self) -> None:
        """Beside a seat that is kept for a killed one nobody would hear it: it is refused."""
        with Hub() as hub:
            with client("recv", f"127.0.0.1:{hub.port}", command=SHOT) as recv:
                until(joined(hub, 1))
                recv.kill()
                recv.wait()
            status, _, told = shot(hub, "send", "--leave", "line")
            self.assertEqual(status, 3)
            self.assertRegex(told, "nobody in room lobby listens: it waits for guest-1 until")

    def test_in_a_larger_room(self) -> None:
        """Where the hub keeps nothing it is 4, and says so; where somebody is, it is told to whom it was handed."""
        with Hub("--mode", "room") as hub:
            status, _, told = shot(hub, "send", "--leave", "--name", "ann", "line")
            self.assertEqual((status, told), (4, "chatterbox: not delivered: nobody is there, and this hub keeps no lines\n"))
            with client("recv", f"127.0.0.1:{hub.port}", "--name", "bob", "-n", "1", command=SHOT) as recv:
                until(joined(hub, 2))
                status, _, told = shot(hub, "send", "--leave", "--name", "ann", "line")
                self.assertEqual((status, told), (0, "chatterbox: handed to bob\n"))
                self.assertEqual((recv.wait(DEADLINE), recv.stdout.read()), (0, b"ann: line\n"))

    def test_more_than_is_taken(self) -> None:
        """A line that is too long, and more than a hub keeps, are no success: it is told, and doesn't wait for ever."""
        with Hub() as hub:
            status, _, told = shot(hub, "send", "--leave", "x" * 5000)
            self.assertEqual(status, 4)
            self.assertIn("line too long (5000 > 4096 bytes), not sent", told)
            self.assertEqual(shot(hub, "recv", "--wait", "1")[:2], (4, b""))
            status, _, told = shot(hub, "send", "--leave", "--wait", "2", say=b"a line of some length\n" * 50_000)
            self.assertEqual((status, told), (4, "chatterbox: perhaps not delivered: the hub keeps no more\n"))


class InVain(SynchronousTestCase):
    """A status that isn't 0 comes with a sentence that is true."""

    def test_sentences(self) -> None:
        """No answer, too few lines, a line that is too long, a full disk."""
        with Hub() as hub, client(f"127.0.0.1:{hub.port}", stdin=subprocess.PIPE):
            until(joined(hub, 1))
            status, _, told = shot(hub, "ask", "hello", "--wait", "2")
            self.assertEqual((status, told), (4, "chatterbox: no answer came in 2 s\n"))
            status, _, told = shot(hub, "recv", "-n", "2", "--wait", "2")
            self.assertEqual((status, told), (4, "chatterbox: 0 of 2 lines came in 2 s\n"))
            status, _, told = shot(hub, "send", "x" * 5000, "--wait", "9")
            self.assertEqual((status, told), (4, "chatterbox: not delivered: 1 line\nchatterbox: it has more than 4096 bytes\n"))
            for room in ("full", "fuller"):
                with open("/dev/full", "wb") as full, client("recv", f"127.0.0.1:{hub.port}/{room}", stdout=full, command=SHOT) as recv:
                    until(lambda room=room: f"joined '{room}'" in hub.log)
                    said = "hi" if room == "full" else "hi\n" * 1000  # the others have come already, and are printed no more
                    self.assertEqual(run("send", f"127.0.0.1:{hub.port}/{room}", said, command=SHOT)[0], 4)
                    self.assertEqual((recv.wait(DEADLINE), recv.stderr.read()), (1, b"chatterbox: stdout takes no more, is the disk full?\n"))
