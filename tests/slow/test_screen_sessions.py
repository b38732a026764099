"""The client on a real terminal, and what goes wrong around it: killed hubs, cut links, partners that die or come back."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.processes import Hub
from tests.harness.terminals import Tty, client


class Cable:
    """A proxy on a port of its own, whose connections can be cut; a thread each way carries the bytes."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return
            self._sockets += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass

    def cut(self) -> None:
        """Cut every connection, without a word."""
        sockets, self._sockets = self._sockets, []
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def __enter__(self) -> Cable:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()


class Trouble(SynchronousTestCase):
    """Two people, each at a terminal, a real hub between them, and somebody who pulls the plugs."""

    def said(self, tty: Tty, by: str) -> list[str]:
        """Return what `by` said, as `tty` shows it."""
        return [row.removeprefix(f"{by}: ") for row in tty.rows() if row.startswith(f"{by}: ")]

    def test_a_closed_window(self) -> None:
        """Whoever closes the window has not said goodbye: the other is told `left (lost)`, on either display."""
        for option in ("--live", "--plain"):
            with Hub() as hub, client("127.0.0.1", hub.port, "--name", "ann") as ann:
                with client("127.0.0.1", hub.port, "--name", "bob", option) as bob:
                    ann.until("· with bob")
                    bob.until("ann")
                    bob.hang_up()
                    ann.until("-!- bob left (lost)")

    def test_names_of_any_script(self) -> None:
        """They are shown, completed and told apart on a screen of 40 columns; one that is taken gets a suggestion."""
        with Hub("--mode", "room") as hub, client("127.0.0.1", hub.port, "--name", "山田太郎", columns=100) as taro:
            with client("127.0.0.1", hub.port, "--name", "José", columns=40, rows=12) as jose:
                taro.until("connected · 山田太郎 · lobby · with José")
                jose.type("/msg 山\t")
                jose.until("> /msg 山田太郎")
                jose.type("hola\r")
                taro.until("-!- José tells you: hola")
                taro.type("/r JOSE\u0301, hi\r")
                jose.until("-!- 山田太郎 tells you: JOSÉ, hi")
                taro.type("/nick jose\u0301\r")
                taro.until("José is here, and case makes no difference; josé-2 is free")
                jose.until("connected · José · lobby · with 山田太…")

    def test_killed_hub(self) -> None:
        """A hub is killed with -9 and started again: lines said meanwhile are counted, and arrive once, in order."""
        hub = Hub()
        port = hub.port
        with client("127.0.0.1", port, "--name", "ann") as ann, client("127.0.0.1", port, "--name", "bob") as bob:
            ann.until("· with bob")
            ann.type("before\r")
            bob.until("ann: before")
            hub.kill()
            ann.until("link lost")
            bob.until("link lost")
            ann.type("one\rtwo\r")
            bob.type("three\r")
            ann.until("· 2 unsent ·")
            with Hub(port=port):
                for tty, other in ((ann, "bob"), (bob, "ann")):
                    tty.until(f"connected · {'ann' if tty is ann else 'bob'} · lobby · with {other}")
                    self.assertIn("-!- connected again", tty.rows())
                ann.type("after\r")
                bob.until("ann: after")
                ann.until("bob: three")
                self.assertEqual(self.said(bob, "ann"), ["before", "one", "two", "after"])
                self.assertEqual(self.said(ann, "bob"), ["three"])
                bob.type("/quit\r")
                self.assertEqual(bob.wait(), 0)
                ann.until("waiting for a partner (bob left)")
                ann.type("/quit\r")
                self.assertEqual(ann.wait(), 0)

    def test_cut_link(self) -> None:
        """A link that is cut again and again loses and doubles nothing, and no ghost takes the seat (A9)."""
        with Hub() as hub, Cable(hub.port) as cable:
            with client("127.0.0.1", cable.port, "--name", "ann") as ann:
                ann.until("waiting for a partner")
                with client("127.0.0.1", hub.port, "--name", "bob") as bob:
                    bob.until("· with ann")
                    for number in range(5):
                        ann.type(f"{number} before\r")
                        cable.cut()
                        ann.type(f"{number} after\r")
                        bob.type(f"{number} back\r")
                        bob.until(f"ann: {number} after")
                        ann.until(f"bob: {number} back")
                    ann.until("connected · ann · lobby · with bob")
                    expected = [f"{number} {word}" for number in range(5) for word in ("before", "after")]
                    self.assertEqual(self.said(bob, "ann"), expected)
                    self.assertEqual(self.said(ann, "bob"), [f"{number} back" for number in range(5)])

    def test_partner_away(self) -> None:
        """A partner that is killed is away; what is said then is unsent, and not delivered where the person leaves."""
        with Hub() as hub, client("127.0.0.1", hub.port, "--name", "ann") as ann:
            ann.until("waiting for a partner")
            with client("127.0.0.1", hub.port, "--name", "bob") as bob:
                ann.until("· with bob")
                os.kill(bob.pid, signal.SIGKILL)
                ann.until("-!- bob is away (link lost), what you say is kept")
                ann.until("· bob is away")
                ann.type("are you there?\r")
                ann.until("· 1 unsent ·")
            ann.type("/quit\r")
            self.assertEqual(ann.wait(), 4)
            self.assertEqual(ann.rows()[-1], "-!- not delivered: are you there?")

    def test_partner_back(self) -> None:
        """A partner whose link is cut comes back, and hears what was said meanwhile."""
        with Hub() as hub, Cable(hub.port) as cable:
            with client("127.0.0.1", hub.port, "--name", "ann", columns=40, rows=10) as ann:
                ann.until("· waiting for")
                with client("127.0.0.1", cable.port, "--name", "bob") as bob:
                    ann.until("· with bob")
                    bob.until("· with ann")
                    os.kill(bob.pid, signal.SIGSTOP)
                    cable.cut()
                    ann.until("bob is away")
                    ann.type("kept\r")
                    ann.until("· 1 unsent")
                    os.kill(bob.pid, signal.SIGCONT)
                    bob.until("ann: kept")
                    ann.until("-!- bob is back")
                    ann.until("connected · ann · lobby · with bob")
                    self.assertEqual(self.said(bob, "ann"), ["kept"])

    def test_killed_netcat(self) -> None:
        """A5: the partner is a plain one that is killed: each line it didn't hear is marked, the next hears none."""
        with Hub() as hub, client("127.0.0.1", hub.port, "--name", "ann") as ann:
            ann.until("waiting for a partner")
            with socket.create_connection(("127.0.0.1", hub.port)) as raw:
                raw.sendall(b"hello\n")
                ann.until("guest-1: hello")
            ann.until("guest-1 has finished")
            ann.type("one\r")
            ann.until("guest-1 left (lost)")
            ann.type("two\r")
            ann.until("delivered: one")
            ann.until("waiting for a partner (guest-1 was lost)")
            ann.until("1 unsent")
            with client("127.0.0.1", hub.port, "--name", "bob") as bob:
                bob.until("ann: two")
                self.assertEqual(self.said(bob, "ann"), ["two"])
