"""`--web` on a real hub: what it takes to start, and the same WebSocket through TLS, behind a proxy, and at a unix socket."""

from __future__ import annotations

import json
import re
import socket
import ssl
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from twisted.internet.testing import MemoryReactorClock
from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol, State

from chatterbox.options import ServeOptions
from chatterbox.service import CannotStart, HubService
from tests.harness.browsers import UPGRADE, frame, request
from tests.harness.ends import DEADLINE
from tests.harness.processes import ROOT, Hub, until
from tests.real.test_sockets import certificate

CONVERSATION = re.search(r"```conversation\n(.*?)```", (ROOT / "docs" / "protocol.md").read_text(), re.DOTALL)


class Link:
    """A WebSocket over a socket that is connected already."""

    def __init__(self, link: socket.socket, path: str = "/") -> None:
        self._socket = link
        self._protocol = Protocol(CLIENT, state=State.OPEN, max_size=None)
        self._heard: list[Any] = []
        self._socket.sendall(request(path, "GET", "localhost", **UPGRADE))
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._socket.recv(1)
        assert head.startswith(b"HTTP/1.1 101 "), head

    def send(self, line: str) -> None:
        """Send a line."""
        self._socket.sendall(frame(line.encode()))

    def hear(self) -> Any:
        """Return the next object."""
        while not self._heard:
            self._protocol.receive_data(self._socket.recv(65536))
            events = [event for event in self._protocol.events_received() if isinstance(event, Frame)]
            self._heard += [json.loads(bytes(event.data)) for event in events if event.opcode is Opcode.TEXT]
        return self._heard.pop(0)

    def close(self) -> None:
        """Close it."""
        self._socket.close()


class Starting(SynchronousTestCase):
    """What an operator may ask."""

    def test_options(self) -> None:
        """A name of --web-host is a name alone, and goes with --web."""
        options = ServeOptions()
        options.parseOptions(["--web", "--web-host", "chat.example", "--web-host", "hub"])
        self.assertEqual(options["web-hosts"], ["chat.example", "hub"])
        for words in (["--web-host", "hub"], ["--web", "--web-host", "https://hub"], ["--web", "--web-host", "hub:80"]):
            self.assertRaises(usage.UsageError, ServeOptions().parseOptions, words)

    def test_without_its_library(self) -> None:
        """What is missing is said in one sentence."""
        options = ServeOptions()
        options.parseOptions(["--web"])
        with mock.patch.dict(sys.modules, {"chatterbox.edges.websocket": None}):
            fault = self.assertRaises(CannotStart, HubService, MemoryReactorClock(), options)
        self.assertEqual(str(fault), "chatterbox: --web needs websockets; in a checkout: pip install '.[web]'")


class Everywhere(SynchronousTestCase):
    """Browsers come wherever TCP peers come."""

    def test_the_example_conversation(self) -> None:
        """The protocol's example goes as written if its JSON peer is a browser."""
        assert CONVERSATION
        with Hub("--web") as hub:
            ann = hub.peer()
            bob: Link | None = None
            for who, direction, text in re.findall(r"^(\w) ([<>]) (.*)$", CONVERSATION[1], re.MULTILINE):
                if who == "A" and direction == ">":
                    ann.says(text)
                elif who == "A":
                    ann.hears(text)
                elif direction == ">":
                    bob = bob or Link(socket.create_connection(("127.0.0.1", hub.port), DEADLINE))
                    bob.send(text)
                elif bob:
                    event, wanted = bob.hear(), json.loads(text)
                    self.assertEqual({key: event[key] for key in wanted}, wanted)
            assert bob
            bob.close()

    def test_tls_a_proxy_and_a_unix_socket(self) -> None:
        """The same room through each of them, and the address in the proxy's header is whose it is."""
        with TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "both.pem").write_bytes(certificate())
            ports = (
                "ssl:0:interface=127.0.0.1:privateKey=both.pem:certKey=both.pem",
                "haproxy:tcp:0:interface=127.0.0.1",
            )
            options = [word for port in (*ports, "unix:chat.sock") for word in ("--port", port)]
            with Hub("--web", "--mode", "room", *options, place=place) as hub:
                until(lambda: len(hub.ports) == 3 and (place / "chat.sock").is_socket())
                context = ssl.create_default_context(cafile=str(place / "both.pem"))
                context.check_hostname = False
                tls = context.wrap_socket(socket.create_connection(("127.0.0.1", hub.ports[1]), DEADLINE))
                proxied = socket.create_connection(("127.0.0.1", hub.ports[2]), DEADLINE)
                proxied.sendall(b"PROXY TCP4 9.8.7.6 127.0.0.1 4321 5000\r\n")
                unix = socket.socket(socket.AF_UNIX)
                unix.settimeout(DEADLINE)
                unix.connect(str(place / "chat.sock"))
                links = {name: Link(link, "/tea") for name, link in (("ann", tls), ("bob", proxied), ("cy", unix))}
                for name, link in links.items():
                    link.send(json.dumps({"chatterbox": 1, "name": name}))
                    self.assertEqual(link.hear()["room"], "tea")
                links["cy"].send(json.dumps({"verb": "say", "text": "hello"}))
                for name in ("ann", "bob"):
                    while (event := links[name].hear())["event"] != "said":
                        pass
                    self.assertEqual((event["from"], event["text"]), ("cy", "hello"))
                hub.logs("'bob' from 9.8.7.6:4321")
                for link in links.values():
                    link.close()
