"""Loss that looks like success: each way to lose lines that somebody has seen, with the programs that they used (A1 to A16)."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE, Socket
from tests.harness.piped import client, run
from tests.harness.processes import Hub, until

CERTIFY = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
V1 = b"PROXY TCP4 203.0.113.7 127.0.0.1 1111 5000\r\n"
LOST = "-!- your partner left (lost)"


def address(hub: Hub, room: str = "lobby") -> str:
    """Return what the client's command line says of a hub."""
    return f"127.0.0.1:{hub.port}/{room}"


def seated(hub: Hub, count: int) -> None:
    """Wait until so many have ever taken a seat."""
    until(lambda: hub.log.count("] joined '") == count)


@contextlib.contextmanager
def encrypted() -> Iterator[tuple[Hub, int]]:
    """Run a hub that has a port for TLS as well; give it, and that port."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        try:
            subprocess.run(CERTIFY.split(), cwd=place, check=True, capture_output=True)
        except FileNotFoundError:
            raise SkipTest("openssl is not installed") from None
        Path(place, "ca").mkdir()
        shutil.copy(Path(place, "cert.pem"), Path(place, "ca"))
        with Hub("--port", "ssl:0:privateKey=key.pem:certKey=cert.pem:interface=127.0.0.1", place=place) as hub:
            until(lambda: len(set(hub.ports)) == 2)
            (port,) = set(hub.ports) - {hub.port}
            yield hub, port


class Loss(SynchronousTestCase):
    """A row each."""

    def test_a1_the_hub_is_killed(self) -> None:
        """Who only listens says that the link is lost, and ends with 1."""
        with Hub() as hub, client(address(hub), "--retry", "0", stdin=subprocess.DEVNULL) as pipe:
            seated(hub, 1)
            hub.kill()
            self.assertEqual((pipe.wait(DEADLINE), pipe.stdout.read()), (1, b""))
            self.assertRegex(pipe.stderr.read(), rb"\Achatterbox: the link to [^\n]+ is lost: [^\n]+\n\Z")

    def test_a2_a_port_that_speaks_tls(self) -> None:
        """A sentence, and 1."""
        with encrypted() as (_, port):
            status, out, err = run(f"127.0.0.1:{port}", say=b"hi\n")
        self.assertEqual((status, out), (1, b""))
        self.assertRegex(err, r"\Achatterbox: cannot reach [^\n]+ TLS[^\n]+\n\Z")

    def test_a3_head(self) -> None:
        """The other end has had enough after two lines: the speaker hears how many were not taken, and ends with 4."""
        with Hub() as hub, client(address(hub), stdin=subprocess.DEVNULL) as head:
            seated(hub, 1)
            with client(address(hub)) as speaker:
                said = b"".join(b"line %d\n" % number for number in range(100_000))
                writer = threading.Thread(target=self._write, args=(speaker, said))
                writer.start()
                self.assertEqual(head.stdout.readline() + head.stdout.readline(), b"line 0\nline 1\n")
                head.stdout.close()
                self.assertEqual((head.wait(DEADLINE), speaker.wait(DEADLINE)), (0, 4))
                writer.join()
                self.assertRegex(speaker.stderr.read(), rb"chatterbox: not everything was delivered \(\d+ lines; stdin was not read to its end\)\n\Z")

    def _write(self, process: subprocess.Popen[bytes], data: bytes) -> None:
        assert process.stdin
        try:
            process.stdin.write(data)
            process.stdin.close()
        except OSError:  # it has ended
            pass

    def test_a4_the_sender_is_killed(self) -> None:
        """With -9, in the middle: the receiver has the beginning, hears that it was lost, and ends with 4."""
        with Hub("--grace", "1") as hub, client(address(hub), stdin=subprocess.DEVNULL) as receiver:
            seated(hub, 1)
            with client(address(hub)) as sender:
                sender.stdin.write(b"".join(b"line %d\n" % number for number in range(55)))
                for number in range(55):
                    self.assertEqual(receiver.stdout.readline(), b"line %d\n" % number)
                sender.kill()
            self.assertEqual((receiver.wait(DEADLINE), receiver.stdout.read()), (4, b""))
            told = receiver.stderr.read().decode()
            self.assertIn(LOST, told)
            self.assertIn("chatterbox: the other end left before it had finished\n", told)

    def test_a5_a_killed_netcat(self) -> None:
        """`one`, and `two` a second later: what isn't heard is told, and a stranger hears only what is said after that."""
        with Hub() as hub:
            ann = hub.program("nc")
            seated(hub, 1)
            nc = hub.program("nc")
            ann.skips("-!- your partner joined")
            nc.kill()
            ann.hears("-!- your partner has finished")
            ann.says("one")
            ann.hears(LOST)
            self.assertIn("delivered", ann.line())
            ann.says("two")
            stranger = hub.program("nc")
            stranger.hears("two")

    def test_a6_a_pipe_whose_partner_dies(self) -> None:
        """Of 600,000 lines a stranger gets none, and the plain speaker is told of each that wasn't heard."""
        with Hub() as hub:
            sender, reader = hub.peer(), Socket(hub.port)
            reader.says("/who")
            seated(hub, 2)
            data = b"x" * 9 + b"\n"
            pump = threading.Thread(target=self._pump, args=(sender, data * 600_000))
            pump.start()
            heard = b""
            while len(heard) < 1000:
                heard += reader.chunk()
            reader.reset()
            until(lambda: "(lost)" in hub.log)
            stranger = Socket(hub.port)
            stranger.says("/who")
            pump.join()
            told = b""
            while b"-!- not delivered: " not in told:  # before it, what the reader's system hadn't taken yet, if anything
                told += sender.chunk() or self.fail(f"nothing more is told after {told!r}")
            heard = b""
            while not heard.endswith(b"after\n"):  # what comes close behind a pipe's lines counts as theirs
                sender.says("after")
                heard += stranger.chunk(1)
            self.assertNotIn(data, heard)

    def _pump(self, end: Socket, data: bytes) -> None:
        while data:
            data = data[end.sends_some(data, DEADLINE) or len(data) :]

    def test_a7_a_line_that_was_read(self) -> None:
        """Who has finished reads a line and resets: a stranger doesn't hear it again, and the leaving is told."""
        with Hub() as hub:
            speaker, reader = hub.pair()
            reader.finish()
            speaker.hears("-!- your partner has finished")
            speaker.says("once")
            reader.hears("once")
            reader.reset()
            stranger = hub.peer("/who")
            speaker.hears(LOST, "-!- your partner joined")
            speaker.says("twice")
            stranger.skips("twice")

    def test_a8_who_asks_and_waits(self) -> None:
        """The seat of a killed `nc` goes to who comes."""
        with Hub() as hub:
            ann = hub.peer("/who")
            ann.line()
            asker = hub.program("nc")
            seated(hub, 2)
            asker.says("question")
            ann.skips("question")
            asker.kill()
            ann.hears("-!- your partner has finished")
            hub.peer("hello")
            ann.hears(LOST, "-!- your partner joined", "hello")

    def test_a8_who_is_asked_for_its_seat(self) -> None:
        """`nc -N` asks and waits: who comes hears that it is full, and the answer reaches who asked."""
        with Hub() as hub:
            bob, room = hub.peer("/who", room="other"), "other"
            bob.line()
            with subprocess.Popen(
                ["nc", "-N", "127.0.0.1", str(hub.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ) as waiting:
                assert waiting.stdin and waiting.stdout
                waiting.stdin.write(f"/join {room}\nquestion\n".encode())
                waiting.stdin.close()
                bob.skips("question")
                bob.hears("-!- your partner has finished")
                third = hub.peer(room=room)
                self.assertIn(b"closed (full)", third.rest())
                bob.says("answer", "/quit")
                heard = waiting.stdout.read().splitlines()[-4:]
                self.assertEqual(heard[:2], [b"-!- somebody asks for a seat", b"answer"])
                self.assertEqual(waiting.wait(DEADLINE), 0)

    def test_a9_the_own_ghost(self) -> None:
        """Its link dies at its own side alone: a stopped proxy keeps the old one alive, and it takes its seat over."""
        with Hub() as hub, socket.create_server(("127.0.0.1", 0)) as listener, client(address(hub)) as bob:
            seated(hub, 1)
            with client(f"127.0.0.1:{listener.getsockname()[1]}") as ann:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", hub.port))
                far.sendall(near.recv(65536))
                near.sendall(far.recv(65536))
                seated(hub, 2)
                near.close()
                near, _ = listener.accept()
                again = socket.create_connection(("127.0.0.1", hub.port))
                for source, target in ((near, again), (again, near)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()
                ann.stdin.write(b"still here\n")
                ann.stdin.close()
                bob.stdin.close()
                self.assertEqual((ann.wait(DEADLINE), bob.wait(DEADLINE)), (0, 0), ann.stderr.read())
                self.assertEqual(bob.stdout.read(), b"still here\n")
                self.assertIn(b'"why": "replaced"', far.recv(65536))
            for link in (near, far, again):
                link.close()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def test_a10_data_is_no_name(self) -> None:
        """`seq 5` in a room of names, without a name or with a taken one: all five lines are heard."""
        with Hub("--mode", "room") as hub:
            bob = hub.peer("/nick bob")
            bob.skips("-!- you are bob in lobby; here: bob")
            for words, name in (((), r"guest-\d+"), (("--name", "bob"), "bob-2")):
                status, _, told = run(address(hub), *words, say=b"1\n2\n3\n4\n5\n")
                self.assertEqual(status, 0, told)
                self.assertRegex(bob.line(), f"-!- {name} joined")
                for number in range(1, 6):
                    self.assertRegex(bob.line(), rf"\A{name}: {number}\Z")
                self.assertRegex(bob.line(), rf"-!- {name} left \(quit\)")

    def test_a11_two_that_say_and_leave(self) -> None:
        """In an empty room both wait, and the reader who comes has both lines."""
        with Hub() as hub:
            with client(address(hub, "cron"), "--linger", "0") as one, client(address(hub, "cron"), "--linger", "0") as two:
                for process, line in ((one, b"one\n"), (two, b"two\n")):
                    process.stdin.write(line)
                    process.stdin.close()
                status, out, told = run("recv", address(hub, "cron"), "-n", "2", command=[sys.executable, "-m", "chatterbox"])
                self.assertEqual((status, sorted(out.splitlines())), (0, [b"one", b"two"]), told)
                self.assertEqual((one.wait(DEADLINE), two.wait(DEADLINE)), (0, 0))

    def test_a12_held_and_gone(self) -> None:
        """A line that was held, and a deed to nobody, are told to be not delivered."""
        with Hub() as hub:
            ann = hub.program("nc", "hello?", "/me waves", "/join tea")
            told = ann.lines(3)
            self.assertEqual(
                sorted(told),
                ["-!- not delivered: 1 line (nobody was there)"] * 2 + ["-!- you are in tea now"],
            )

    def test_a13_quit_after_done(self) -> None:
        """It is read, in text and in JSON; and so is the end of one that says and leaves over TLS."""
        with Hub() as hub:
            for hello in ("", '{"chatterbox": 1}'):
                ann, bob = Socket(hub.port), None
                ann.says(*filter(None, [hello]), '{"verb": "done"}' if hello else "/done")
                bob = hub.peer("/who")
                bob.line()
                ann.says('{"verb": "quit"}' if hello else "/quit")
                self.assertIn(b"quit", ann.rest().splitlines()[-1])
                bob.close()
                until(lambda: hub.log.count("] joined '") == hub.log.count("] left '"))
        with encrypted() as (hub, port), client(address(hub), stdin=subprocess.DEVNULL) as bob:
            seated(hub, 1)
            there = f"tls:localhost:{port}:trustRoots={hub.place}/ca"
            self.assertEqual(run(there, "--linger", "0", say=b"one\ntwo\n"), (0, b"", ""))
            self.assertEqual((bob.wait(DEADLINE), bob.stdout.read()), (0, b"one\ntwo\n"))

    def test_a14_half_a_close_through_a_proxy(self) -> None:
        """Behind a proxy that passes on the end of a half, the answer is heard."""
        with Hub("--port", "haproxy:tcp:0:interface=127.0.0.1") as hub:
            until(lambda: len(set(hub.ports)) == 2)
            (port,) = set(hub.ports) - {hub.port}
            ann = hub.peer("/who")
            ann.line()
            asker = Socket(port)
            asker.send(V1 + b"question\n")
            asker.finish()
            ann.skips("question")
            ann.hears("-!- your partner has finished")
            ann.says("answer", "/quit")
            self.assertTrue(asker.rest().startswith(b"answer\n"))

    def test_a15_a_bare_duet(self) -> None:
        """300 lines and `Bye` at once: all of them arrive, one after the other, and then the word."""
        with Hub("--bare", "--mode", "duet") as hub:
            x, y = Socket(hub.port), Socket(hub.port)
            self.assertEqual((x.chunk(), y.chunk()), (b"Client X has connected.", b"Client Y has connected."))
            x.says(*[f"line {number}" for number in range(300)], "Bye")
            heard = y.rest()
            self.assertEqual([heard.count(b"line %d" % number) > 0 for number in range(300)], [True] * 300)
            self.assertTrue(heard.endswith(b"Bye"), heard[-30:])

    def test_a16_what_is_no_text(self) -> None:
        """One sentence counts what was altered; where a line was too long it is 4; clean text with CRLF needs no word."""
        cases = (
            (gzip.compress(bytes(range(256)) * 4, mtime=0), rb"was read: "),
            ("é\n".encode("latin-1"), rb"was read: "),
            (b"a\0b\n", rb"was read: "),
            ("a\u2028b\n".encode(), rb"was read: "),
            (b"a\rb\n", rb"was read: "),
            (b"a\r\nb\r\n", rb""),
            (b"short\n" + b"x" * 10_000 + b"\n", rb"delivered"),
        )
        with Hub() as hub:
            for number, (say, word) in enumerate(cases):
                room = address(hub, f"r{number}")
                with client(room, stdin=subprocess.DEVNULL) as bob:
                    seated(hub, 2 * number + 1)
                    status, _, told = run(room, say=say)
                    self.assertEqual(status, 4 if word == b"delivered" else 0, (say[:20], told))
                    mine = [line for line in told.splitlines() if line.startswith("chatterbox: ")]
                    self.assertEqual(len(mine), 1 if word else 0, told)
                    self.assertTrue(word.decode() in told, told)
                    bob.wait(DEADLINE)
