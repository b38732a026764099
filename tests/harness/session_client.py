"""A session's client on a hub in memory: the real state machine, and links that the test makes and cuts."""

from __future__ import annotations

import json
from itertools import count

from chatterbox.client.outputs import Connect, Drop, Exit, Fate, Missed, Send, Show
from chatterbox.client.patience import Patience
from chatterbox.client.resume import Resume
from tests.harness.memory import End, HubOnAClock

_SECRETS = count(1)


class Client:
    """One session, and its link of the moment.

    Args:
        hub: where it connects.
        shows: whether what it hears is displayed at once.
        blocks: whether it asks for blocks.
    """

    def __init__(
        self, hub: HubOnAClock, room: str = "", name: str = "", listens: bool = True, shows: bool = True, blocks: bool = False
    ) -> None:
        self.hub = hub
        self.secret = f"{next(_SECRETS):032x}"
        self.resume = Resume(self.secret, Patience(lambda: 0.5, 0.0, 120.0), room, name, {"blocks": blocks}, listens)
        self.blocks = 0
        """How many blocks it has heard."""
        self.end: End | None = None
        self.said: list[str] = []
        """Lines of others that were displayed."""
        self.events: list[str] = []
        """Everything else that was displayed, by its kind."""
        self.fates: list[tuple[str, int]] = []
        self.missed = 0
        self.exit: tuple[int, str] | None = None
        self.shows = shows
        self._unshown = 0
        self.connect()

    @property
    def now(self) -> float:
        """The hub's clock is the client's, too."""
        return self.hub.clock.seconds()

    def connect(self, hub: HubOnAClock | None = None) -> Client:
        """Make a link, to another hub if one is given."""
        self.hub = hub or self.hub
        self.end = self.hub.connects()
        self.end.says(json.dumps(self.resume.hello(self.now)))
        return self.turn()

    def cut(self, both: bool = True) -> Client:
        """Lose the link; the hub is told unless `both` is false."""
        end, self.end = self.end, None
        if end and both:
            end.cut()
        self.resume.lost(self.now, "cut")
        self._do()
        return self

    def says(self, *lines: str) -> Client:
        """Say lines."""
        self.resume.say("".join(f"{line}\n" for line in lines).encode())
        return self.turn()

    def finishes(self) -> Client:
        """Say all."""
        self.resume.finish(self.now)
        return self.turn()

    def turn(self) -> Client:
        """Hear what has come, and do what follows."""
        self._do()
        while self.end and (data := self.end.heard()):
            while data and self.end:
                line, _, data = data.partition(b"\n")
                event, block = json.loads(line), None
                if event["event"] == "said" and "bytes" in event:
                    block, data = data[: event["bytes"]], data[event["bytes"] :]
                    self.blocks += 1
                self.resume.heard(event, self.now, block)
                self._do()
        self.resume.tick(self.now)
        self._do()
        return self

    def _do(self) -> None:
        for output in self.resume.take():
            if isinstance(output, Send) and self.end:
                self.end.sends(json.dumps(output.verb).encode() + b"\n" + output.block)
            elif isinstance(output, Show):
                self._show(output)
            elif isinstance(output, Fate):
                self.fates.append((output.outcome.word, output.outcome.lines))
            elif isinstance(output, Missed):
                self.missed += output.lines
            elif isinstance(output, Drop):
                self.end = None
            elif isinstance(output, Exit):
                self.exit = output.status, output.why
            else:
                assert isinstance(output, Connect | Send)

    def _show(self, output: Show) -> None:
        if output.thing and output.thing.block:
            self.said += output.thing.block.decode().split("\n")[:-1]
        else:
            self.events.append(str(output.event.get("event")))
        if output.thing:
            if self.shows:
                self.resume.shown(self.now, 1, idle=True)
                self._do()
            else:
                self._unshown += 1


def talk(*clients: Client) -> None:
    """Let everybody hear and answer until all is quiet."""
    for _ in range(10):
        for client in clients:
            client.turn()
            client.hub.wait(0.05)
