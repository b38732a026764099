"""A cutting proxy stands between clients and a hub: it breaks links at random bytes, with a reset, an end, or late.

It knows sockets and chance. It does not know what is said.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

RESET = struct.pack("ii", 1, 0)
PIECE = 64 * 1024


class Cutting:
    """A proxy on a port of its own, in threads.

    Args:
        port: returns the hub's, for each link.
        cuts: how many links it breaks.
        between: bytes that pass through one direction of a link before it is cut: from 1 to so many.
        chance: the source of chance.
    """

    def __init__(self, port: Callable[[], int], cuts: int, between: int, chance: random.Random) -> None:
        self.left = cuts
        self.made = 0
        """Links that were cut."""
        self._port = port
        self._between = between
        self._chance = chance
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more links."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                hub = socket.create_connection(("127.0.0.1", self._port()), 5)
            except OSError:  # the hub is dead: its port refuses, and so does this
                _reset(client)
                continue
            hub.settimeout(None)
            for link in (client, hub):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, target in ((client, hub), (hub, client)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        """Pass bytes on until there are no more, or their number is up."""
        with self._lock:
            most = self._chance.randint(1, self._between)
        with suppress(OSError):
            while data := source.recv(PIECE):
                most -= len(data)
                if most < 0 and self._may_cut():
                    target.sendall(data[: len(data) + most])
                    self._cut(source, target)
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
            return
        _reset(source)
        _reset(target)

    def _may_cut(self) -> bool:
        with self._lock:
            if self.left <= 0:
                return False
            self.left -= 1
            self.made += 1
            return True

    def _cut(self, source: socket.socket, target: socket.socket) -> None:
        """Break both sides, in one of three ways."""
        way = self._chance.choice(("reset", "end", "hold"))
        if way == "hold":
            time.sleep(self._chance.uniform(0, 0.5))
        for side in (source, target):
            if way == "end":
                with suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
                side.close()
            else:
                _reset(side)


def _reset(link: socket.socket) -> None:
    with suppress(OSError):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        link.shutdown(socket.SHUT_RD)  # wakes the thread that reads it
    link.close()
