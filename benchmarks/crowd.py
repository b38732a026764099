"""A crowd is the peers that a hub must bear beside the others: flooders, and partners who read, or never do.

`python -m benchmarks.crowd PORT SECONDS FLOODERS [read]`, a process of its own and a humble one, so that it takes the
hub's time and not that of whoever measures. It knows the hub's text dialect, nothing of its code.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from socket import SO_LINGER, SOL_SOCKET, create_connection, socket

from .relays import ANSWER_PATIENCE, HOST

BLOCK = 64 * 1024
PAUSE = 0.05
"""Seconds until a flooder who was hung up on, or has cut the line, is back."""
BATCH = 256 * 1024
KINDS = {
    "lines": b"a line of a flooder, which is as good as any other line there is\n" * (BLOCK // 64),
    "endless": b"x" * BLOCK,
    "newlines": b"\n" * BLOCK,
    "questions": b"/help\n" * (BLOCK // 6),
    "telnet": b"\xff\xfd\x06\xffx" * (BLOCK // 5),
    "cut": b"half a li",
}
"""What a flooder says, over and over; of the last kind, it resets the connection then."""


def cut(sock: socket) -> None:
    """Close `sock` with a reset, as a program that crashes does."""
    sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Flooder:
    """One who talks as fast as it can and never reads, and its partner."""

    def __init__(self, port: int, number: int, partner_reads: bool, selector: DefaultSelector) -> None:
        self._port = port
        self._greeting = f"/join crowd{number}\n".encode()
        self._kind = "lines" if partner_reads else [*KINDS][number % len(KINDS)]
        self._partner_reads = partner_reads
        self._selector = selector
        self._partner: socket | None = None
        self._flooder: socket | None = None
        self._at = 0.0
        """When to come back."""

    def come(self) -> None:
        """Be there, both, if it is time."""
        if time.monotonic() < self._at:
            return
        if not self._partner:
            self._partner = self._connect(EVENT_READ if self._partner_reads else 0)
        if not self._flooder:
            self._flooder = self._connect(EVENT_WRITE)

    def _connect(self, events: int) -> socket:
        sock = create_connection((HOST, self._port), ANSWER_PATIENCE)
        sock.sendall(self._greeting)
        sock.setblocking(False)
        if events:
            self._selector.register(sock, events, self)
        return sock

    def act(self, sock: object) -> None:
        """Talk, or listen; who is hung up on comes back."""
        try:
            if self._flooder and sock is self._flooder:
                self._flooder.send(KINDS[self._kind])
                if self._kind == "cut":
                    self._leave()
            elif self._partner and not self._partner.recv(BATCH):
                self._leave()
        except BlockingIOError:
            return
        except OSError:
            self._leave()

    def _leave(self) -> None:
        for sock in filter(None, (self._flooder, self._partner if self._partner_reads else None)):
            self._selector.unregister(sock)
            cut(sock)
        if self._partner and not self._partner_reads:
            cut(self._partner)
        self._flooder = self._partner = None
        self._at = time.monotonic() + PAUSE


def main(port: int, seconds: float, flooders: int, partners_read: bool) -> None:
    """Flood for so many seconds."""
    os.nice(19)
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    until = time.monotonic() + seconds
    with DefaultSelector() as selector:
        crowd = [Flooder(port, number, partners_read, selector) for number in range(flooders)]
        while time.monotonic() < until:
            for flooder in crowd:
                flooder.come()
            for key, _ in selector.select(PAUSE):
                key.data.act(key.fileobj)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["read"])
