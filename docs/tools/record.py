"""A recording is what two people's terminals showed, byte by byte, in one real conversation: here is how one is made.

ann and bob sit at shells of their own. bob comes through a relay, which is cut in the middle and comes back.
`python -m docs.tools.record` plays the scene once with a hub of this checkout, and writes
`docs/pictures/two-terminals.json`. It needs what the tests need. What is drawn of it is `docs.tools.picture`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.harness.processes import Hub, free_port, until
from tests.harness.terminals import Tty

RECORDING = Path(__file__).resolve().parents[1] / "pictures" / "two-terminals.json"
COLUMNS, ROWS = 56, 14
KEY = 0.07
"""Seconds between two keys of a quick typist."""


class Recorded(Tty):
    """A terminal that notes when each piece was written."""

    def __init__(self, hub: str, shims: str, name: str) -> None:
        env = {"CHATTERBOX_HUB": hub, "PS1": "$ ", "ENV": "/dev/null", "PATH": f"{shims}:{os.environ['PATH']}"}
        super().__init__(["/bin/sh", "-i"], COLUMNS, ROWS, **env)
        self.name = name
        self.events: list[tuple[float, str]] = []
        self._rest = b""

    def look(self, seconds: float = 0.0) -> bool:
        """Take in what was written, and note it."""
        before = len(self.raw)
        seen = super().look(seconds)
        data = self._rest + self.raw[before:]
        whole = data.decode(errors="ignore").encode()
        if not data.startswith(whole):  # never: what isn't whole is at the end
            raise ValueError(f"no UTF-8: {data!r}")
        self._rest = data[len(whole) :]
        if whole:
            self.events.append((time.monotonic(), whole.decode()))
        return seen


class Scene:
    """Two terminals, and a link that can be cut."""

    def __init__(self, ann: Recorded, bob: Recorded) -> None:
        self.ann = ann
        self.bob = bob

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.ann.look(0.005)
            self.bob.look(0.005)

    def types(self, who: Recorded, text: str) -> None:
        """Let somebody type a line, and Enter."""
        for key in text:
            who.type(key)
            self.passes(KEY)
        self.passes(0.6)
        who.type("\r")
        self.passes(0.8)

    def sees(self, who: Recorded, text: str) -> None:
        """Wait until somebody sees `text`."""

        def seen() -> bool:
            self.passes(0.02)
            return text in who.text()

        until(seen)


RELAY = """
import socket, struct, sys
from twisted.internet import reactor
from twisted.protocols.portforward import ProxyClient, ProxyClientFactory, ProxyFactory

class Way(ProxyClient):
    def connectionMade(self):
        self.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().connectionMade()

ProxyClientFactory.protocol = Way
reactor.listenTCP(int(sys.argv[1]), ProxyFactory("127.0.0.1", int(sys.argv[2])), interface="127.0.0.1")
reactor.callWhenRunning(print, "ready", flush=True)
reactor.run()
"""
"""A program that passes bytes on to a hub; when it is killed, the hub sees a broken link and no end."""


class Relay:
    """A way to a hub that can be cut."""

    def __init__(self, port: int, hub: int) -> None:
        self._words = [sys.executable, "-c", RELAY, str(port), str(hub)]
        self.opens()

    def opens(self) -> None:
        """Let connections through."""
        self._process = subprocess.Popen(self._words, stdout=subprocess.PIPE)
        assert self._process.stdout
        self._process.stdout.readline()

    def is_cut(self) -> None:
        """End it, with all that it carries."""
        self._process.kill()
        self._process.communicate()


def play(scene: Scene, relay: Relay) -> None:
    """Play what README's picture shows."""
    ann, bob = scene.ann, scene.bob
    scene.passes(0.8)
    scene.types(ann, "chatterbox --name ann --live")
    scene.sees(ann, "connected")
    scene.types(bob, "chatterbox --name bob --live")
    scene.sees(ann, "bob joined")
    scene.passes(0.8)
    scene.types(ann, "You see this while I type it.")
    scene.types(bob, "Yes! Now I take a train.")
    relay.is_cut()
    scene.passes(2.0)
    scene.types(ann, "This waits for you.")
    scene.types(bob, "A tunnel. This waits, too.")
    scene.passes(1.0)
    relay.opens()
    scene.sees(ann, "A tunnel.")
    scene.sees(bob, "This waits for you.")
    scene.passes(1.5)
    scene.types(ann, "Nothing was lost.")
    scene.passes(2.5)


def record() -> dict[str, object]:
    """Return the recording of one scene."""
    with TemporaryDirectory() as folder, Hub() as hub:
        shim = Path(folder) / "chatterbox"
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m chatterbox "$@"\n')
        shim.chmod(0o755)
        port = free_port()
        relay = Relay(port, hub.port)
        ann, bob = Recorded(f"127.0.0.1:{hub.port}", folder, "ann"), Recorded(f"127.0.0.1:{port}", folder, "bob")
        start = time.monotonic()
        try:
            play(Scene(ann, bob), relay)
        finally:
            for terminal in (ann, bob):
                terminal.close()
            relay.is_cut()
    events = sorted((round(when - start, 2), n, text) for n, tty in enumerate((ann, bob)) for when, text in tty.events)
    return {"columns": COLUMNS, "rows": ROWS, "panes": [ann.name, bob.name], "events": events}


if __name__ == "__main__":
    recording = record()
    RECORDING.parent.mkdir(exist_ok=True)
    RECORDING.write_text(json.dumps(recording, ensure_ascii=True).replace("], [", "],\n[") + "\n")
