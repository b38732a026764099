"""Ends for the simulation of sessions: the real client state machine over simulated links, and plain peers."""

from __future__ import annotations

import copy
import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from chatterbox.client.outputs import Connect, Exit, Fate, Missed, Output, Send, Show
from chatterbox.client.patience import Patience
from chatterbox.client.resume import Resume
from chatterbox.connections.sessions import stream_of
from chatterbox.wire.lane import BLOCK_COST
from chatterbox.wire.numbered import Numbered

from .session_bytes import EndSide, speaks_blocks
from .session_links import Link, Message
from .session_plain import TOO_LONG

if TYPE_CHECKING:
    from .session_world import World

Command = tuple[str, Any]
ONE_SAY = 2 * (BLOCK_COST + 40)
"""Bytes by which one call may go beyond the bound."""


def uids_in(block: bytes) -> list[int]:
    """Return the numbers of the lines of a block, as the world counts them."""
    return [int(line.removeprefix(TOO_LONG)) for line in block.split()]


class SessionEnd:
    """A program with a session: says what its backlog tells, displays what it hears when nothing stalls it."""

    plain = False

    def __init__(self, world: World, key: str, room: str, listens: bool = True) -> None:
        self.world = world
        self.key = key
        secret = hashlib.md5(key.encode()).hexdigest()
        self.stream = stream_of(secret)
        clock = world.clock
        patience = Patience(clock.chance.random, first=None, later=None)
        options = {"grace": 60} | ({"blocks": True} if speaks_blocks(world.seed, key) else {})
        self.resume = Resume(secret, patience, room, key, options, listens, world.limit)
        self.link: Link | None = None
        self._side = EndSide(self)
        self.status: int | None = None
        self.why = ""
        self.dead = False
        self.backlog: list[Command] = []
        self.marks: list[int] = []
        self.told: dict[int, str] = {}
        self.missed: dict[str, int] = defaultdict(int)
        self.owed: list[tuple[str, int]] = []
        """In a larger room: streams that were there when a line was said, and are still waited for."""
        self.stalls = 0
        self.welcomed = False
        self.longs = 0
        self.since = 0
        """The last line that was said before it came to its room: what was missed in another is another conversation."""
        self.skew = 0.0
        self._asleep = 0.0
        self._queue: list[tuple[str, Numbered]] = []
        self._arrived: list[tuple[Link, Message]] = []
        self._shown: dict[tuple[str, bool], int] = {}
        self._ticking: float | None = None
        world.ends.append(self)
        clock.later(0, self.connect)

    @property
    def alive(self) -> bool:
        return self.status is None and not self.dead

    def clone(self) -> SessionEnd:
        """Return another process with the same secret and the same memory."""
        other = copy.copy(self)
        other.resume = copy.deepcopy(self.resume)
        other.link, other.backlog, other._queue, other._arrived = None, [], [], []
        other.resume.lost(self.world.clock.now)
        other.resume.take()
        self.world.ends.append(other)
        self.world.clock.later(0, other.connect)
        return other

    # -- the link -----------------------------------------------------------------------------------------------

    def connect(self) -> None:
        if not self.alive or self.link:
            return
        now = self.world.clock.now
        if self.world.hub.dead:
            self.resume.lost(now)
        else:
            self.link = Link(self.world.clock, self, self.world.hub)
            self._side = EndSide(self)
            self.world.connects.append(now)
            hello = self.resume.hello(now)
            self.world.clock.log(self.key, "hello", {key: hello[key] for key in hello if key != "session"})
            self.link.send("end", hello)
        self.work()

    def receive(self, link: Link, message: Message) -> None:
        if link is not self.link or not self.alive:
            return
        self._arrived.append((link, message))
        self._read()

    def _read(self) -> None:
        """Take what has come, unless the process stands still or has too much to display."""
        while self._arrived and self.alive and self.resume.reading and self.world.clock.now >= self._asleep:
            link, message = self._arrived.pop(0)
            if link is not self.link:
                continue
            if message.get("fin"):
                self.world.clock.log(self.key, "<", message)
                self.link = None
                self.resume.lost(self.world.clock.now)
                self.work()
            elif "bytes" in message and "event" not in message:
                self._side.receive(message["bytes"])
            else:
                self.hear(message, None)

    def hear(self, message: Message, block: bytes | None) -> None:
        """Take one object of the hub, and the block behind it."""
        self.world.clock.log(self.key, "<", message, block or "")
        if self.alive:
            self._judge(message)
            room = self.resume.room
            self.resume.heard(message, self.world.clock.now, block)
            if message["event"] == "welcome" and self.welcomed and room != self.resume.room:
                self.since = len(self.world.lines)
            self.work()

    def _judge(self, message: Message) -> None:
        fail = self.world.clock.fail
        if message["event"] == "closed" and not self.world.cloned and self.resume._quitting is None:
            if message["why"] == "replaced":
                fail("replaced by its own older hello")
            if message["why"] == "full" and self.welcomed and not self.world.thirds:
                fail("refused on its return, with no third there")
        if message["event"] == "error" and message["code"] == "long":
            self.longs += 1
        if message["event"] == "missing":  # it has nothing to show, and is not checked further
            key = message["stream"], False
            self._shown[key] = max(message["n"] + message["lines"] - 1, self._shown.get(key, 0))
        self.welcomed = self.welcomed or message["event"] == "welcome"

    # -- what the machine wants ---------------------------------------------------------------------------------

    def work(self) -> None:
        """Do what the machine wants until it wants nothing."""
        while True:
            outputs = self.resume.take()
            for output in outputs:
                self._do(output)
            if not outputs and not self._feed():
                break
        if self.resume.outbox.size > self.world.limit + ONE_SAY:
            self.world.clock.fail("more is kept than the bound")
        ends = self.resume.company.ends
        self.owed = [(stream, uid) for stream, uid in self.owed if stream in ends]
        self._schedule()

    def _do(self, output: Output) -> None:
        if isinstance(output, Send):
            self._check_sent(*output)
            if self.link:
                self.link.send("end", *output)
        elif isinstance(output, Show):
            if output.thing:
                self._queue.append((str(output.event["stream"]), output.thing))
                self.world.clock.later(0, self.display)
        elif isinstance(output, Fate):
            self._learn(*output.outcome)
        elif isinstance(output, Missed):
            self.missed[output.stream] += output.lines
        else:
            self._relink(output)

    def _learn(self, word: str, first: int, lines: int) -> None:
        for mark in range(first, first + lines):
            if self.told.setdefault(self.marks[mark], word) != word and not self.world.cloned:
                self.world.clock.fail("told twice")

    def _relink(self, output: Output) -> None:
        link, self.link = self.link, None
        if isinstance(output, Connect):
            self.world.clock.later(output.seconds, self.connect)
        elif link:
            link.close("end")
        if isinstance(output, Exit):
            self.status, self.why = output
            self.world.clock.log(self.key, "EXIT", *output)

    def _check_sent(self, verb: Message, block: bytes) -> None:
        self.world.clock.log(self.key, ">", verb, block)
        if verb["verb"] in ("say", "me", "msg") and "to" in verb:
            self.world.clock.counts["blocks"] += bool(block)
            for uid in uids_in(block or str(verb.get("text", "")).encode()):
                self.world.sent_to[uid].add(str(verb["to"]))
        gots = [(verb["to"], verb["n"], verb.get("private") is True)] if verb["verb"] == "got" else []
        gots += [(stream, n, False) for stream, n in verb.get("got", {}).items()]
        for stream, n, private in gots:
            if n > self._shown.get((stream, private), 0):
                self.world.clock.fail("got of what was not shown")

    def display(self) -> None:
        """Show what has come, one after the other, unless stdout takes nothing."""
        while self._queue and not self.stalls and self.alive and self.world.clock.now >= self._asleep:
            stream, thing = self._queue.pop(0)
            key = stream, thing.private
            self._shown[key] = max(thing.last, self._shown.get(key, 0))
            for uid in uids_in(thing.block):
                self.world.shown(self, stream, uid)
            self.resume.shown(self.world.clock.now, 1, not self._queue and self.world.clock.chance.random() < 0.5)
            self.work()
        self._read()

    def _schedule(self) -> None:
        due = self.resume.due
        if due is not None and self.alive and (self._ticking is None or due < self._ticking - 1e-9):
            self._ticking = due
            self.world.clock.later(due - self.world.clock.now + 0.001, self._tick, due)

    def _tick(self, due: float) -> None:
        if due != self._ticking or not self.alive:
            return
        self._ticking = None
        now = self.world.clock.now
        if now < self._asleep:
            self.world.clock.later(self._asleep - now, self._tick_now)
        else:
            self._tick_now()

    def _tick_now(self) -> None:
        if self.alive:
            self._ticking = None
            self.resume.tick(self.world.clock.now, self.world.clock.now + self.skew)
            self.work()

    # -- what happens to it -------------------------------------------------------------------------------------

    def sleep(self, seconds: float, whole: bool) -> None:
        """The process stands still (SIGSTOP), or the whole machine does: then the wall clock runs ahead."""
        self._asleep = self.world.clock.now + seconds
        self.skew += seconds if whole else 0
        self.world.clock.later(seconds, self._wake)

    def _wake(self) -> None:
        if self.alive:
            self._read()
            self.display()
            self._tick_now()

    def stall(self, seconds: float) -> None:
        self.stalls += 1
        self.world.clock.later(seconds, self._unstall)

    def _unstall(self) -> None:
        self.stalls -= 1
        self.display()

    def die(self) -> None:
        self.dead = True
        if self.link:
            self.link.close("end")

    def order(self, *commands: Command) -> None:
        """Put commands into the backlog."""
        self.backlog += commands
        if self.alive:
            self.work()

    def _feed(self) -> bool:
        if not (self.alive and self.backlog and not self.resume.full):
            return False
        if self.world.clock.now < self._asleep:
            return False
        what, value = self.backlog.pop(0)
        now, resume = self.world.clock.now, self.resume
        if what in ("say", "me", "msg", "long"):
            self._say(what, value)
        elif what == "done":
            resume.finish(now)
        elif what == "join":
            resume.join(value, now)
            self.owed.clear()
        elif what == "nick":
            resume.rename(value)
        elif what == "leave":
            resume.leave(now, value)
        return True

    def _say(self, what: str, value: Any) -> None:
        ends = self.resume.company.ends
        kind, to, count = {"long": "say"}.get(what, what), "", value
        if what == "msg":
            streams = list(ends)
            if not streams:
                return
            to, count = streams[value % len(streams)], 1
        uids = [self.world.new_line(self, what) for _ in range(count)]
        self.marks += uids
        if not self.resume.outbox.pair:
            there = [to] if to else [stream for stream, end in ends.items() if end.listens]
            self.owed += [(stream, uid) for uid in uids[what == "long" :] for stream in there]
        lines = [b"%s%020d\n" % (TOO_LONG, uid) if what == "long" and i == 0 else b"%d\n" % uid for i, uid in enumerate(uids)]
        self.resume.say(b"".join(lines), kind, to)


class PlainEnd:
    """An `nc`: lines out, lines in; when its link is gone, so is it."""

    plain = True
    longs = 0

    def __init__(self, world: World, key: str, room: str) -> None:
        self.world = world
        self.key = self.stream = key
        self.status: int | None = None
        self.marks: list[int] = []
        self.told: dict[int, str] = {}
        self.life = world.lives
        self.link: Link | None = None
        self.finished = False
        world.ends.append(self)
        if world.hub.dead:
            self.status = 1
        else:
            self.link = Link(world.clock, self, world.hub)
            self.link.send("end", {"plain": key, "room": room})

    @property
    def alive(self) -> bool:
        return self.status is None

    def receive(self, link: Link, message: Message) -> None:
        if not self.alive:
            return
        self.world.clock.log(self.key, "<", message)
        if message.get("fin") or "event" in message:
            self.die()
        elif "fate" in message:
            word, first, lines = message["fate"]
            for mark in range(first, first + lines):
                self.told.setdefault(self.marks[mark], word)
        else:
            for uid in uids_in(message["thing"].block):
                self.world.shown(self, message["from"], uid)
            link.send("end", {"taken": message["total"]})

    def order(self, *commands: Command) -> None:
        for what, value in commands:
            if not self.link or not self.alive or self.finished:
                return
            if what == "say":
                uids = [self.world.new_line(self, what) for _ in range(value)]
                self.marks += uids
                self.link.send("end", {"lines": b"".join(b"%d\n" % uid for uid in uids)})
            elif what == "done":
                self.finished = True
                self.link.send("end", {"fin": True})

    def die(self) -> None:
        if self.status is None:
            self.status = 0
            if self.link:
                self.link.close("end")
