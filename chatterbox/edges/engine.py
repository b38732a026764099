"""The engine's service joins a hub to the others: it is made, and imported, only where `--engine` is given.

It puts the parts together (`cluster` and `redis`) and gives them time, chance and a log. It does not know what they do.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..cluster.homes import Cluster
from ..cluster.localhub import LocalHub
from ..cluster.roster import MAX_NAME
from ..connections.admission import Admission
from .engine_url import endpoint_of, password_of, place_of
from .redis import RedisEngine

LEAVE = 1.0
"""Seconds for which a hub that ends waits for the engine to know."""
log = Logger()


class EngineService(Service):
    """A hub's part in the cluster, while the hub runs.

    Args:
        reactor: what connects, and whose time counts.
        url: where the engine is.
        node: what the operator calls this hub.
        fail: called with a sentence if this hub can't be part of a cluster.
    """

    def __init__(self, reactor: Any, url: str, node: str, fail: Callable[[str], None]) -> None:
        place = place_of(url)
        self.homes = LocalHub(self._replaced, self._note)
        self._reactor = reactor
        self._node = node
        self._fail = fail
        self._engine = RedisEngine(reactor, endpoint_of(place, reactor), place, password_of(), fail)
        self._patience = place.patience
        self._cluster: Cluster

    def attach(self, admission: Admission) -> None:
        """Take the hub's rooms and connections."""
        self._cluster = Cluster(
            self._node, self._engine, self._reactor.callLater, lambda: token_hex(4), self.homes, self._patience
        )
        self._engine.ears = self._cluster
        self.homes.attach(admission, self._cluster)

    def startService(self) -> None:
        """Connect; until the engine is there, people wait for their seats."""
        super().startService()
        log.info("engine: this hub is node {node}", node=self._cluster.roster.me)
        self._engine.start()

    def leave(self) -> Deferred[None]:
        """Let the others go on at once; fires when they know, or can't be told."""
        left: Deferred[None] = Deferred()

        def done(answer: str | None = None) -> None:
            if not left.called:
                timer.cancel() if timer.active() else None
                self._engine.stop()
                left.callback(None)

        timer = self._reactor.callLater(LEAVE, done)
        self._cluster.leave(done)
        return left

    def _replaced(self) -> None:
        self._fail(f"another hub runs under the name {self._node}; give each its own with --node")

    def _note(self, text: str) -> None:
        log.info("cluster: {text}", text=text)


def node_name(port: str) -> str:
    """Return what a hub is called whose operator says nothing: its host's name and its first port."""
    name = f"{socket.gethostname().partition('.')[0]}:{port}"
    return name.encode()[-MAX_NAME:].decode(errors="ignore")
