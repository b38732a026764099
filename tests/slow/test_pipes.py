"""The client in pipes at a real hub: what goes through it, and what survives its death."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import subprocess
import threading

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import soak_sessions
from tests.harness.ends import DEADLINE
from tests.harness.piped import client, run
from tests.harness.terminals import hub

MIB = 1024 * 1024


class AtARealHub(SynchronousTestCase):
    """The client, and the hub of this very checkout."""

    def test_text_both_ways_at_once(self) -> None:
        """Two clients pump text at each other: each gets exactly what the other was given, and both end with 0."""
        texts = [_hard_text(seed) for seed in (1, 2)]
        got: dict[int, tuple[int, bytes, str]] = {}
        with hub() as port:

            def pump(end: int) -> None:
                got[end] = run(f"127.0.0.1:{port}", say=texts[end])

            threads = [threading.Thread(target=pump, args=(end,)) for end in (0, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(2 * DEADLINE)
        self.assertEqual([got[end][0] for end in (0, 1)], [0, 0], [got[end][2] for end in (0, 1)])
        self.assertTrue(got[0][1] == texts[1] and got[1][1] == texts[0])

    def test_a_third_is_refused(self) -> None:
        """A full room is a notice on stderr and status 3, also while stdin pours."""
        with hub() as port, contextlib.ExitStack() as seats:
            for _ in range(2):
                seat = seats.enter_context(socket.create_connection(("127.0.0.1", port), DEADLINE))
                seat.sendall(b"/who\n")
                self.assertIn(b"here: ", seat.recv(65536))
            for say in (b"", b"hi\n", b"a line\n" * MIB):
                status, out, err = run(f"127.0.0.1:{port}", say=say)
                self.assertEqual((status, out), (3, b""))
                self.assertRegex(err, r"\A-!- closed \(full\): [^\n]*\n\Z")

    def test_json_and_text_meet(self) -> None:
        """With --json every line of stdout is an object of the protocol, and what is said meets a text peer."""
        with hub() as port, client(f"127.0.0.1:{port}/tea", "--json", "--name", "ann") as ann:
            welcome = json.loads(ann.stdout.readline())
            self.assertEqual((welcome["event"], welcome["room"], welcome["name"]), ("welcome", "tea", "ann"))
            with client(f"127.0.0.1:{port}/tea") as bob:
                self.assertEqual(json.loads(ann.stdout.readline())["event"], "joined")
                ann.stdin.write(b'{"verb": "say", "text": "h\\u00e9"}\n/quit\n')
                self.assertEqual(bob.stdout.readline() + bob.stdout.readline(), "hé\n/quit\n".encode())
                bob.stdin.write("ü".encode())
                bob.stdin.close()
                said = json.loads(ann.stdout.readline())
                while said["event"] != "said":
                    said = json.loads(ann.stdout.readline())
                self.assertEqual((said["event"], said["text"]), ("said", "ü"))
                ann.stdin.write(b'{"verb": "quit"}\n')
                self.assertEqual([ann.wait(DEADLINE), bob.wait(DEADLINE)], [0, 0])

    def test_linger_0_loses_nothing(self) -> None:
        """With --linger 0 the client leaves by itself, and the partner has every line."""
        text = _hard_text(3)
        with hub() as port, client(f"127.0.0.1:{port}", stdin=subprocess.DEVNULL) as bob:
            got: list[bytes] = []
            reader = threading.Thread(target=lambda: got.append(bob.stdout.read()))
            reader.start()
            status, _, err = run(f"127.0.0.1:{port}", "--linger", 0, say=text)
            self.assertEqual(status, 0, err)
            self.assertEqual(bob.wait(DEADLINE), 0)
            reader.join()
            self.assertTrue(got == [text])

    def test_c14_through_mode_talk(self) -> None:
        """C14: in mode `talk`, too, stdout has what the other end's stdin had: slashes, empty lines, and nothing else."""
        said = "/etc\n\n//x\n/quit now\n\ttab\n漢字 é\n\n".encode()
        with hub("--mode", "talk") as port, client(f"127.0.0.1:{port}", stdin=subprocess.DEVNULL) as hears:
            says = run(f"127.0.0.1:{port}", say=said)
            out, _ = hears.communicate(timeout=DEADLINE)
        self.assertEqual(says[:2], (0, b""), says)
        self.assertEqual((hears.returncode, out), (0, said))

    def test_nobody_comes(self) -> None:
        """`--wait` counts in every mode: where nobody comes it is said, with status 4; who meets somebody hears no such thing."""
        for mode in ("pair", "room", "ports", "order", "duet", "talk"):
            with hub("--mode", mode) as port:
                status, _, said = run(f"127.0.0.1:{port}", "--wait", "0", say=b"hi\n")
                self.assertEqual((status, said.splitlines()[-1]), (4, "chatterbox: nobody came to hear it"), mode)
                with client(f"127.0.0.1:{port}", "--json") as there:
                    self.assertIn(b"welcome", there.stdout.readline())
                    _, _, said = run(f"127.0.0.1:{port}", "--wait", "0", "--linger", "0.1", say=b"hi\n")
                    self.assertNotIn("nobody", said, mode)

    def test_a_killed_hub(self) -> None:
        """Two pipes swap files while the hub is killed with -9, links are cut and clients stopped (docs/client.md)."""
        self.assertEqual(soak_sessions.swap(soak_sessions.QUICK, 1), "")

    def test_a_killed_end(self) -> None:
        """Where one end dies in the middle, also by -9, the other's status is 4, and what it has is the beginning (A4)."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.assertEqual(soak_sessions.one_end_dies(2, 1, number), "")


def _hard_text(seed: int) -> bytes:
    """Return about 2 MB of lines of all lengths up to the limit, some of them meant to be taken for something else."""
    chance = random.Random(seed)
    hard = [
        "",
        "/quit",
        "//",
        "-!- closed (full): no",
        "  -!- x",
        '{"chatterbox": 1}',
        "日本語 é",
        "\t",
        "GET / HTTP/1.1",
    ]
    lines = ['{"chatterbox": 1}'] if seed == 1 else ["GET / HTTP/1.1"]
    for _ in range(30_000):
        lines.append(chance.choice(hard) if chance.random() < 0.2 else "x" * min(4000, int(chance.paretovariate(0.7))))
    return "".join(line + "\n" for line in lines).encode()
