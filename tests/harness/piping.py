"""A pipe without a process: its hub, its stdin and stdout are played in memory."""

from __future__ import annotations

from typing import Any

from twisted.internet import error
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chatterbox.client.options import Options
from chatterbox.client.patience import Patience
from chatterbox.client.pipes.pipe import Pipe
from chatterbox.client.pipes.reading import JsonReading, TextReading
from chatterbox.client.pipes.wording import JsonWording, TextWording
from chatterbox.client.resume import Resume
from chatterbox.client.session import Session
from tests.harness.memory_hub import BOB, MemoryHub

DONE = Failure(error.ConnectionDone())


class Files(StringTransport):
    """Stdin and stdout: what is written waits until the test lets it go."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self.pipe = pipe
        self.taken = 0
        self.stuck = False

    def write(self, data: bytes) -> None:
        """Take bytes."""
        super().write(data)
        if not self.stuck:
            self.take()

    def take(self) -> None:
        """Let stdout take all."""
        size, self.taken = len(self.value()) - self.taken, len(self.value())
        self.pipe.wrote(size)

    def unregisterProducer(self) -> None:
        """Forget the producer, however often."""
        self.producer = None


class Played(MemoryHub):
    """A pipe, and what is around it."""

    def __init__(self, json: bool = False, typed: bool = False, fails: bool = False, **options: Any) -> None:
        super().__init__()
        self.clock = Clock()
        self.told = b""
        self.fails = fails
        reading, wording = (JsonReading(typed), JsonWording()) if json else (TextReading(typed), TextWording())
        self.options = Options(json=json, **options)
        self.pipe = Pipe(reading, wording, self.open, self.tell, self.clock, self.options)
        self.over: list[None] = []
        self.pipe.done.addCallback(self.over.append)
        patience = Patience(lambda: 1.0, *self.options.patience)
        resume = Resume("5" * 32, patience, "tea", self.options.name, listens=self.options.linger != 0)
        self.session = Session(self.clock, self, resume, self.pipe, "example:5000", self.clock.seconds)
        self.pipe.start(self.session)

    def open(self, talk: Protocol) -> Any:
        """Open stdin and stdout."""
        if self.fails:
            raise OSError(9, "Bad file descriptor")
        self.talk: Any = talk
        self.files = Files(self.pipe)
        return self.files

    def tell(self, status: bytes) -> None:
        """Take status."""
        self.told += status

    def types(self, data: bytes, last: bool = False) -> None:
        """Let stdin say something, and perhaps end."""
        self.talk.dataReceived(data)
        if last:
            self.talk.readConnectionLost()

    def bob(self, n: int, text: str = "", **more: Any) -> None:
        """Let bob say something, or that he has finished."""
        said = {"event": "said", "from": "bob", "stream": BOB, "n": n, "text": text}
        self.says((said if text else {"event": "finished", "name": "bob", "stream": BOB, "n": n}) | more)

    def got(self, n: int) -> None:
        """Let bob say that he has shown so many lines."""
        self.says({"event": "got", "stream": BOB, "n": n})

    def left(self, why: str = "lost") -> None:
        """Let bob leave."""
        self.says({"event": "left", "name": "bob", "stream": BOB, "why": why, "got": 0})

    def hangs_up(self) -> None:
        """Close as a hub does, after its last word."""
        self.says({"event": "closed", "why": "quit"})
        self.cuts(error.ConnectionDone())

    @property
    def verbs(self) -> list[str]:
        """The verbs that the hub has got since the last look."""
        return [sent.get("verb", "hello") for sent in self.hears()]

    def all_gone(self) -> int | None:
        """Let stdin and stdout close, as they were asked to; return the exit status."""
        if not self.files.disconnecting or self.over:
            raise AssertionError("nobody asked for the end, or it came too early")
        self.talk.connectionLost(DONE)
        timers = [call for call in self.clock.getDelayedCalls() if call.active()]
        if self.over != [None] or len(timers) > 1:
            raise AssertionError(f"not over: {timers}")
        return self.pipe.status
