"""The simulation's hub on a real port: sessions over sockets, for the client's tests.

`python -m tests.harness.session_server PORT [SEATS]` runs it; it can be killed and started again, as a real one.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any

from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver

from .session_hub import Hub

MAX_LINE = 4096


class RealClock:
    """The simulation's clock, with real time."""

    def __init__(self, reactor: Any) -> None:
        self.chance = random.Random()
        self.bad: list[str] = []
        self._reactor = reactor

    @property
    def now(self) -> float:
        return time.monotonic()

    def later(self, seconds: float, call: Any, *args: object) -> None:
        self._reactor.callLater(max(0.0, seconds), call, *args)

    def fail(self, what: str) -> None:
        self.bad.append(what)
        print("BAD", what, file=sys.stderr, flush=True)

    def log(self, *what: object) -> None:
        pass


class World:
    """What the simulation's hub needs of its world."""

    tells_limit = True
    limit = 64 * 1024

    def __init__(self, reactor: Any, seats: int) -> None:
        self.clock = RealClock(reactor)
        self.hub = Hub(self, seats)  # type: ignore[arg-type]


class WireLink(LineOnlyReceiver):
    """A link of the simulation that is a connection."""

    delimiter = b"\n"
    MAX_LENGTH = 1 << 20
    unsent = 0

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = world.clock
        self.seat: Any = None
        self.heard_at = world.clock.now
        self.over = False

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)

    def lineReceived(self, line: bytes) -> None:
        message = json.loads(line)
        if "chatterbox" in message:
            message = {"room": "lobby", "name": "guest-1"} | message
        self.world.hub.receive(self, message)  # type: ignore[arg-type]

    def connectionLost(self, reason: object = None) -> None:
        if not self.over:
            self.over = True
            self.world.hub.receive(self, {"fin": True})  # type: ignore[arg-type]

    def send(self, side: str, message: dict[str, Any]) -> None:
        if message.get("event") == "welcome":
            message = message | {"max_line": MAX_LINE, "mode": "pair" if message["seats"] == 2 else "room"}
        self.transport.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")

    def close(self, side: str) -> None:
        if not self.over:
            self.over = True
            self.transport.loseConnection()


def main() -> None:
    """Serve until killed."""
    from twisted.internet import reactor

    port, seats = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2
    world = World(reactor, seats)
    factory = Factory.forProtocol(lambda: WireLink(world))
    listening = reactor.listenTCP(port, factory, interface="127.0.0.1")
    print("listening", listening.getHost().port, flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
