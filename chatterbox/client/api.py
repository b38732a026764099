"""The library: a conversation with a hub, for Python programs.

    from twisted.internet import reactor, task
    from chatterbox.client.api import connect

    async def main(reactor):
        conversation = await connect(reactor, "localhost:5000/tea", name="ann")
        await conversation.say("hi")            # returns when the other end has it, or raises NotDelivered
        async for line in conversation:         # until the other end has finished
            print(line.name, line.text)
        await conversation.close()              # raises Ended where that is no success

    task.react(lambda reactor: task.ensureDeferred(main(reactor)))

Everything that is awaited is a Deferred, and can be awaited in an asyncio task, too, where Twisted's
`asyncioreactor` is installed. A line counts as heard when the loop asks for the next one, or the conversation is
closed: only then its sender is told so. `docs/client.md` says what is promised.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..wire.names import fold
from ..wire.numbered import Json, Numbered
from ..wire.numbering import GOT, Outcome
from ..wire.text import clean, clean_text
from .naming import Names
from .options import BROKEN, CLEAN, Options, hub_options
from .outputs import Missed
from .pipes.reading import in_blocks
from .session import IN_BLOCKS, Session, make_resume

T = TypeVar("T")
_KINDS = {"said": "say", "did": "me", "told": "msg"}


class Answer(Deferred[T]):
    """A Deferred that can be awaited in an asyncio task as well."""

    def __await__(self) -> Generator[Any, Any, T]:
        """Wait as whoever runs this coroutine does."""
        asyncio = sys.modules.get("asyncio")
        if asyncio and asyncio._get_running_loop() and asyncio.current_task():
            waiting: Generator[Any, Any, T] = self.asFuture(asyncio.get_running_loop()).__await__()
            return waiting
        return super().__await__()


class Ended(Exception):
    """The conversation is over, and not as it should be: `status` is what the command would exit with."""

    def __init__(self, status: int, why: str = "") -> None:
        super().__init__(why or f"status {status}")
        self.status = status
        self.why = why


class NotDelivered(Exception):
    """Some lines of a `say` did not arrive, or perhaps not: `surely` and `perhaps` count them."""

    def __init__(self, surely: int, perhaps: int) -> None:
        super().__init__(f"not delivered: {surely} lines, perhaps not: {perhaps}")
        self.surely = surely
        self.perhaps = perhaps


class Receipt(NamedTuple):
    """What is known of a `say`."""

    lines: int
    got: bool = True
    """Whether the other end has them; False: the hub knows no sessions, and nobody can tell."""


class Line(NamedTuple):
    """One line that somebody else said."""

    text: str
    name: str
    room: str
    kind: str = "say"
    """`say`, `me` for what somebody did, `msg` for a private line."""
    event: Json = {}
    """All that the hub said about it: `stream` and `n` are its id, `time` when it was said."""


class _Waiting:
    """Lines of one `say` whose fate isn't known yet."""

    __slots__ = ("answer", "first", "is_begun", "kind", "known", "lines", "partner", "parts", "perhaps", "surely", "to")

    def __init__(self, block: bytes, kind: str, to: str) -> None:
        self.answer: Answer[Receipt] = Answer()
        self.kind, self.to = kind, to
        self.parts = in_blocks(block)
        """What isn't said yet: one block after the other, as the session takes them."""
        self.lines = block.count(b"\n")
        self.is_begun = False
        self.partner = ""
        """In a pair, who was there when the first block was said."""
        self.first = self.known = self.surely = self.perhaps = 0


def connect(
    reactor: Any,
    hub: str = "",
    name: str = "",
    room: str = "",
    *,
    retry: float | None = None,
    listens: bool = True,
    notify: Callable[[Json], None] = lambda event: None,
) -> Answer[Conversation]:
    """Join a hub; fire with the conversation at its welcome, or fail with `Ended`.

    Args:
        reactor: Twisted's.
        hub: as on the command line: `host:5000/tea`, or a Twisted endpoint.
        name: what to be called; empty: what the hub gives.
        room: where to be, if `hub` doesn't say it.
        retry: seconds to try again without a link; None: as the command does.
        listens: whether it wants to hear anything.
        notify: is called with each event of the hub that is no line.
    """
    options = hub_options(hub, room=room, name=name, retry=retry)
    return Conversation(reactor, options, listens, notify).welcomed


class Conversation:
    """One conversation: says lines, and is iterated over for those of others."""

    def __init__(
        self,
        reactor: Any,
        options: Options,
        listens: bool,
        notify: Callable[[Json], None],
        grace: float | None = None,
    ) -> None:
        self.welcomed: Answer[Conversation] = Answer(lambda _: self.session.abandon(CLEAN))
        self.ended: Ended | None = None
        """How it ended, once it has."""
        self._notify = notify
        self._names = Names(options.name)
        self._queue: deque[_Waiting] = deque()
        self._waiting: deque[_Waiting] = deque()
        self._lines: deque[tuple[Line | Exception, bool]] = deque()
        """Lines, and the ends of those who said them; True: it is the last of something numbered."""
        self._owes = False
        """Whether the line that was handed out last is to be acknowledged."""
        self._next: Answer[Line] | None = None
        self._closing: Answer[None] | None = None
        self._patience: Any = None
        """The timer of a `close` that has lines left to say."""
        self._finished = ""
        """The stream of the partner that has finished, or left in good order; "-" where there are no streams."""
        self._clock = reactor
        wishes: Json = IN_BLOCKS if grace is None else IN_BLOCKS | {"grace": grace}
        resume = make_resume(options.room, options.name, *options.patience, listens=listens, options=wishes)
        self.session = Session(reactor, options.endpoint(reactor), resume, self, options.hub)
        self.session.start()

    # -- what a program asks ------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What this end is called."""
        return self.session.machine.name

    @property
    def room(self) -> str:
        """Where it is."""
        return self.session.machine.room

    @property
    def others(self) -> list[str]:
        """Who else is here, as far as the hub says."""
        return [end.name for end in self.session.company.ends.values()]

    @property
    def is_awaited(self) -> bool:
        """Whether the other end of a pair has finished and waits for this one to finish, too."""
        return bool(self._finished) and (self._finished == "-" or self._finished in self.session.company.ends)

    def say(self, text: str, kind: str = "say", to: str = "") -> Answer[Receipt]:
        """Say one or more lines; fire when the other end has them all, or fail with `NotDelivered`.

        Args:
            text: the lines.
            kind: `say`, `me` or `msg`.
            to: with `msg`, the name of the one who hears it.
        """
        text = text if kind == "say" else clean_text(text)
        block = clean(text.encode(errors="replace").rstrip(b"\n") + b"\n")
        waiting = _Waiting(block, kind, to)
        if self.ended or self._closing:
            waiting.answer.errback(NotDelivered(waiting.lines, 0))
            return waiting.answer
        self._queue.append(waiting)
        self.go_on()
        return waiting.answer

    def join(self, room: str) -> None:
        """Go to another room."""
        self.session.join(room)

    def rename(self, name: str) -> None:
        """Take another name."""
        self.session.rename(name)

    def __aiter__(self) -> Conversation:
        """Iterate over the lines of others."""
        return self

    def __anext__(self) -> Answer[Line]:
        """Fire with the next line; fail with StopAsyncIteration when the other end has finished, `Ended` if lost.

        Asked again after that, it waits for the next partner.
        """
        self._acknowledge()
        answer: Answer[Line] = Answer(self._forget)
        if self._next:
            raise RuntimeError("somebody waits for the next line already")
        self._next = answer
        self._serve()
        return answer

    def close(self, wait: float = 30.0) -> Answer[None]:
        """Finish and leave: fire when all that was said is got, or fail with `Ended` after `wait` seconds."""
        self._acknowledge()
        answer = self._closing = self._closing or Answer()
        if self.ended:
            self._settle_closing()
        elif self._queue:
            self._patience = self._clock.callLater(wait, self.session.leave, 0, BROKEN)
        else:
            self._leave(wait)
        return answer

    def _leave(self, wait: float) -> None:
        self.session.finish()
        self.session.leave(wait, CLEAN)

    # -- lines out ----------------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Say what waits."""
        while self._queue and not self.session.full and not self.ended:
            waiting = self._queue[0]
            to = self._stream_of(waiting.to) if waiting.to else ""
            if not waiting.is_begun:
                waiting.is_begun = True
                waiting.first, waiting.partner = self.session.next_mark, self.session.company.partner
                self._waiting.append(waiting)
            part = next(waiting.parts, b"")
            if part:
                self.session.say(part, waiting.kind, to)
                continue
            self._queue.popleft()
            if not self.session.numbered:
                self._waiting.remove(waiting)
                waiting.answer.callback(Receipt(waiting.lines, got=False))
        if self._patience and self._patience.active() and not self._queue:
            self._leave(max(0.0, self._patience.getTime() - self._clock.seconds()))
            self._patience.cancel()

    def _stream_of(self, name: str) -> str:
        ends = self.session.company.ends.items() if self.session.numbered else ()
        return next((stream for stream, end in ends if fold(end.name) == fold(name)), name)

    def told(self, outcome: Outcome) -> None:
        """Tell those who wait what became of their lines."""
        word, first, lines = outcome
        for waiting in tuple(self._waiting):
            if waiting.first >= first + lines:
                break
            here = min(first + lines, waiting.first + waiting.lines) - max(first, waiting.first)
            if here > 0:
                self._learn(waiting, word, here)

    def _learn(self, waiting: _Waiting, word: str, lines: int) -> None:
        waiting.known += lines
        if word != GOT:
            waiting.surely += lines * word.startswith("not")
            waiting.perhaps += lines * (not word.startswith("not"))
            if (self.session.pair and self.session.company.partner != waiting.partner) or not self.session.company.ends:
                rest = sum(part.count(b"\n") for part in waiting.parts)  # nobody else is to hear the end of it
                waiting.known += rest
                waiting.surely += rest
        if waiting.known < waiting.lines:
            return
        self._waiting.remove(waiting)
        if waiting.surely or waiting.perhaps:
            waiting.answer.errback(NotDelivered(waiting.surely, waiting.perhaps))
        else:
            waiting.answer.callback(Receipt(waiting.lines))

    # -- lines in -----------------------------------------------------------------------------------------------

    def show(self, event: Json, thing: Numbered | None) -> None:
        """Keep a line for who asks; what is numbered is shown when the next one is asked for."""
        kind = str(event.get("event"))
        if kind == "error" and event.get("code") == "name" and not self.session.up:
            self.session.answer(self._names.next())
        elif kind in _KINDS and event.get("own") is not True:
            self._take(event, thing)
        else:
            self._hear(kind, event, thing)

    def _take(self, event: Json, thing: Numbered | None) -> None:
        said = event.get("text")
        texts = thing.block.decode().split("\n")[:-1] if thing else [clean_text(said if isinstance(said, str) else "")]
        name, kind = clean_text(str(event.get("from", ""))), _KINDS[str(event["event"])]
        rest = {key: value for key, value in event.items() if key != "bytes"}
        for index, text in enumerate(texts):
            own = event if thing is None else {**rest, "n": thing.n + index, "text": text}
            line = Line(text, name, self.room, kind, own)
            self._lines.append((line, thing is not None and index == len(texts) - 1))
        self._serve()

    def _hear(self, kind: str, event: Json, thing: Numbered | None) -> None:
        if kind == "welcome" and not self.welcomed.called:
            self.welcomed.callback(self)
        self._notify(event)
        if self.session.pair and kind in ("finished", "left"):
            self._partner_is_done(kind, event, thing)

    def _partner_is_done(self, kind: str, event: Json, thing: Numbered | None) -> None:
        stream = str(event.get("stream", "-"))
        is_known, is_whole = self._finished == stream, kind == "finished" or event.get("finished") is True
        self._finished = stream if is_whole and kind == "finished" else ""
        if not (is_known and kind == "left"):
            lost = Ended(BROKEN, "the other end left before it had finished")
            self._lines.append((StopAsyncIteration() if is_whole else lost, thing is not None))
            self._serve()

    def _acknowledge(self) -> None:
        """What was handed out last is heard by now."""
        if self._owes:
            self._owes = False
            self.session.shown(1, idle=not self._lines)

    def _serve(self) -> None:
        """Give the next line to who waits for it, or tell that there is none."""
        if self._next is None:
            return
        if self._lines:
            line, self._owes = self._lines.popleft()
            self._hand_over(line)
        elif self.ended:
            self._hand_over(self.ended if self.ended.status else StopAsyncIteration())

    def _hand_over(self, line: Line | Exception) -> None:
        answer, self._next = self._next, None
        if answer and isinstance(line, Line):
            answer.callback(line)
        elif answer:
            answer.errback(Failure(line))

    def _forget(self, _: object) -> None:
        self._next = None

    # -- the link, and the end ----------------------------------------------------------------------------------

    def missed(self, missed: Missed) -> None:
        """Tell of lines that will never come."""
        self._notify({"event": "missed", "from": missed.name, "stream": missed.stream, "lines": missed.lines})

    def waits(self, seconds: float, why: str) -> None:
        """Tell that the link is gone."""
        self._notify({"event": "lost", "text": why, "retry": seconds})

    def over(self, status: int, why: str) -> None:
        """End: whoever waits for anything hears of it."""
        self.ended = Ended(status, why)
        for waiting in [*self._waiting, *(waiting for waiting in self._queue if not waiting.is_begun)]:
            waiting.answer.errback(NotDelivered(waiting.surely + waiting.lines - waiting.known, waiting.perhaps))
        self._waiting.clear()
        self._queue.clear()
        if not self.welcomed.called:
            self.welcomed.errback(self.ended)
        self._serve()
        self._settle_closing()

    def _settle_closing(self) -> None:
        if self._closing and not self._closing.called and self.ended:
            if self.ended.status == CLEAN:
                self._closing.callback(None)
            else:
                self._closing.errback(self.ended)
