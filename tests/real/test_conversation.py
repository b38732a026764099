"""Two people at one hub, each as they come: at a terminal, with `nc`, in pipes. `tests/slow` has all the rest."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.processes import Hub
from tests.harness.terminals import client


class Conversation(SynchronousTestCase):
    """From the first word to the last."""

    def test_a_terminal_and_a_socket(self) -> None:
        """What is typed at a terminal is a line at the other end, and the reverse; /quit ends it with status 0."""
        with Hub() as hub, client("127.0.0.1", hub.port, "--name", "ann") as ann:
            ann.until("waiting for a partner")
            bob = hub.peer("hello from a socket")
            ann.until("guest-1: hello from a socket")
            ann.type("hello from a terminal\r")
            bob.hears("hello from a terminal")
            ann.type("/quit\r")
            self.assertEqual(ann.wait(), 0)
            bob.hears("-!- your partner left (quit)")

    def test_pipes(self) -> None:
        """`nc` and the client in pipes hear each other, and the client ends with status 0 when the other has left."""
        with Hub() as hub:
            client, netcat = hub.program("client", "hello from a pipe"), hub.program("nc", "hello from nc")
            client.hears("hello from nc")
            netcat.skips("hello from a pipe")
            client.finish()
            netcat.hears("-!- your partner has finished")
            netcat.says("/quit")
            self.assertEqual((client.rest(), client.wait()), (b"", 0))

    def test_text_and_json(self) -> None:
        """A person with `nc` and a program that speaks JSON share a room, each in its own dialect."""
        with Hub("--mode", "room") as hub:
            program = hub.peer('{"chatterbox": 1, "name": "bot"}')
            self.assertEqual(json.loads(program.line())["event"], "welcome")
            person = hub.peer("/nick ann")
            person.skips("-!- you are ann in lobby; here: bot, ann")
            self.assertEqual(json.loads(program.line())["name"], "ann")
            person.says("hello")
            heard = json.loads(program.line())
            self.assertEqual((heard["event"], heard["from"], heard["text"]), ("said", "ann", "hello"))
