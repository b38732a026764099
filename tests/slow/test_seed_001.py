"""Seed 001, the chatroom: names, many ends, real sockets. `docs/seeds.md` names the rest."""

from __future__ import annotations

import signal
import socket
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import Socket
from tests.harness.processes import Hub

PORT = 55555
"""The port that the document names."""
CROWD = 50


class Room(SynchronousTestCase):
    """A room of names."""

    def test_fifty_join_while_others_talk(self) -> None:
        """001-1: on 127.0.0.1:55555 50 join one by one while two talk; each hears all from its joining on."""
        try:
            socket.create_server(("127.0.0.1", PORT)).close()
        except OSError as fault:
            raise SkipTest(f"port {PORT}: {fault}") from None
        with Hub("--mode", "room", port=PORT) as hub:
            talkers = [hub.peer("/nick ann"), hub.peer("/nick bob")]
            for talker in talkers:
                talker.line()
            talkers[0].hears("-!- bob joined")
            crowd: list[Socket] = []
            for n in range(CROWD):
                crowd.append(joined(hub, f"p{n}"))
                talkers[n % 2].says(f"line {n}")
                for talker in talkers:
                    talker.hears(f"-!- p{n} joined", said(n))
            for n, end in enumerate(crowd):
                end.hears(said(n))
                for later in range(n + 1, CROWD):
                    end.hears(f"-!- p{later} joined", said(later))

    def test_the_bundled_client_answers(self) -> None:
        """001-2: the client answers the question for a name from --name, in pipes too."""
        with Hub("--mode", "room") as hub:
            ann = joined(hub, "ann")
            bob = hub.program("client", "hello", name="bob")
            ann.hears("-!- bob joined", "bob: hello")
            bob.hears("bob: hello")

    def test_an_error_is_ones_own(self) -> None:
        """001-4: noise, a line too long, and a reset in mid-line disturb nobody else's line."""
        with Hub("--mode", "room") as hub:
            ann, bob, eve = (joined(hub, name) for name in ("ann", "bob", "eve"))
            ann.hears("-!- bob joined", "-!- eve joined")
            bob.hears("-!- eve joined")
            ann.send(b"he")
            eve.send(b"\x80\xc3\x00noise\n" + b"x" * 5000 + b"\n" + b"half a li")
            ann.hears("eve: \ufffd\ufffdnoise")
            eve.hears("eve: \ufffd\ufffdnoise", "-!- line too long (5000 > 4096 bytes), not sent")
            eve.reset()
            ann.hears("-!- eve left (lost)")
            ann.send(b"llo\n")
            ann.hears("ann: hello")
            bob.hears("eve: \ufffd\ufffdnoise", "-!- eve left (lost)", "ann: hello")

    def test_who_is_here(self) -> None:
        """001-5: the list is exact, in order of joining, after a reset, a kill, a quit and a rename."""
        with Hub("--mode", "room") as hub:
            names = ["ann", "bob", "carl", "dora", "eve"]
            ends = {name: joined(hub, name) for name in names}
            netcat = hub.program("nc", "fay")
            ends["ann"].skips("-!- fay joined")
            self.assertEqual(here(ends["ann"]), "ann, bob, carl, dora, eve, fay")
            ends["bob"].reset()
            ends["carl"].says("/quit")
            netcat.process.send_signal(signal.SIGKILL)
            ends["dora"].says("/nick dolly")
            told = {ends["ann"].line() for _ in range(4)}
            fay_left = {"-!- fay left (quit)", "-!- fay left (lost)"}  # a reset, if anything was on its way to nc
            self.assertEqual(len(told & fay_left), 1)
            self.assertEqual(
                told - fay_left,
                {"-!- bob left (lost)", "-!- carl left (quit)", "-!- dora is now known as dolly"},
            )
            joined(hub, "bob")
            ends["ann"].hears("-!- bob joined")
            self.assertEqual(here(ends["ann"]), "ann, dolly, eve, bob")

    def test_names(self) -> None:
        """001-6: an empty name and one of 25 characters are refused with the reason; one of 24 is taken."""
        with Hub("--mode", "room") as hub:
            end = hub.peer()
            for name, fault in (
                (None, ""),
                ("", "a name has at least one character; "),
                ("x" * 25, "a name has at most 24 characters; "),
            ):
                if name is not None:
                    end.says(name)
                end.hears(f"-!- {fault}which name do you take?")
            end.says("x" * 24)
            end.hears(f"-!- you are {'x' * 24} in lobby; here: {'x' * 24}")


def said(n: int) -> str:
    """Return how the nth line of the two talkers looks."""
    return f"{('ann', 'bob')[n % 2]}: line {n}"


def joined(hub: Hub, name: str) -> Socket:
    """Return an end that has joined under this name, and knows it; on a busy machine it may be asked before."""
    end = hub.peer(f"/nick {name}")
    while (line := end.line()) == "-!- which name do you take?":
        pass
    assert line.startswith(f"-!- you are {name} in lobby; here: "), line
    return end


def here(end: Socket) -> str:
    """Return who is here."""
    end.says("/who")
    return end.line().removeprefix("-!- here: ")
