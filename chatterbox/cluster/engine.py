"""An engine is the one place that all nodes can reach: it knows who is alive and who owns which room, and has inboxes.

It is trusted to do each of these calls as a whole or not at all. It is not trusted to remember anything. This module
is the list of what is asked of it; it does not know which product that is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

FENCED = "fenced"
"""The engine's answer to a node that is not in its table of nodes: it was evicted, or the engine has forgotten."""
ORPHANED = "orphaned"
"""The engine's answer to a newcomer's claim: the owner is dead, and those who sat in the room come first."""

BEAT = 0.5
"""Seconds between two beats of a node."""
PATIENCE = 3.0
"""Seconds without a beat after which a node is evicted: more than a paused machine or a long collection takes."""

ORPHAN_BEATS = 6
"""Beats of each node (3 s) for which a dead node's rooms are remembered: whoever sat there is back by then."""


class Beat(NamedTuple):
    """What the engine answers to a beat."""

    is_fenced: bool
    epoch: str
    """A random word, made once: another word means that the engine has forgotten everything."""
    nodes: dict[str, int]
    """Beats of each node that is alive."""


class Delayed(Protocol):
    """A call that is to come, as `reactor.callLater` returns it."""

    def cancel(self) -> None:
        """Cancel the call."""


Later = Callable[[float, Callable[[], None]], Delayed]
"""Call a function after so many seconds."""


class Engine(Protocol):
    """What a node asks. Each `then` is called once: with the answer, or with None if the connection was lost first."""

    def beat(self, node: str, is_first: bool, epoch: str, then: Callable[[Beat | None], None]) -> None:
        """Count one more beat of `node`; the first one enters it in the table. `epoch` is the word if there is none."""

    def claim(self, node: str, room: str, is_newcomer: bool, then: Callable[[str | None], None]) -> None:
        """Make `node` the owner of `room` if it has none that is alive; answer the owner, or FENCED, or ORPHANED."""

    def release(self, node: str, room: str, then: Callable[[str | None], None]) -> None:
        """Let `room` have no owner, if that is `node`."""

    def evict(self, node: str, beats: str, then: Callable[[str | None], None]) -> None:
        """Strike `node` from the table if its beats are `beats` ("": not there, "*": any), and tell every inbox.

        What it owned is remembered as orphaned for ORPHAN_BEATS of each other node.
        """

    def post(self, node: str, payloads: Sequence[tuple[str, bytes]], then: Callable[[str | None], None]) -> None:
        """Put each payload into the inbox of its node, all of them or none; answer FENCED for none."""

    def listen(self, node: str) -> None:
        """Read the inbox of `node`, from its beginning."""


class Ears(Protocol):
    """What the engine tells."""

    def is_up(self) -> None:
        """The engine can be reached."""

    def is_down(self) -> None:
        """The engine can't be reached; what was asked and not answered was answered with None before."""

    def heard(self, payload: bytes) -> None:
        """A payload was in the inbox."""

    def died(self, node: str) -> None:
        """Word of an eviction was in the inbox, behind all that the evicted node ever posted."""
