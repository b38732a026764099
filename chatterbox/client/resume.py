"""A session is one end of a conversation over any number of links: it says hello, repeats, acknowledges, and closes.

It is a pure state machine: moments (monotonic seconds) and chance are handed in, and what it wants done is taken out.
It knows no sockets and no screen. The terminal, the pipes, the one-shots and the browser's page stand on it, and
`tests/wire/session_vectors.json` says what each of them must do.

| call | when |
|---|---|
| `hello(now)` | a link is made; returns the object to send on it, first |
| `heard(event, now, block)` | the hub sent an object; `block`: the lines behind it |
| `lost(now, why)` | the link is gone, or couldn't be made; not after a `Drop` |
| `tick(now, wall)` | at `due`, and at other times as you like |
| `say(lines)`, `finish()`, `join(room)` | the person or stdin does; none of them while `full` |
| `rename(name)` | at any time |
| `shown(now, count, idle)` | the oldest `count` numbered `Show`s are written or drawn; `idle`: nothing more to read |
| `leave(now, wait, status)` | go when all is got, or `wait` seconds later with status 4 |
| `abandon(status)` | go now (a signal) |
| `take()` | after each of these; returns what to do, in order |

| output | what to do |
|---|---|
| `Send(verb, block)` | pass it to the hub, with the lines behind it |
| `Show(event, thing)` | display it; if it has a `thing` (numbered), call `shown` when that is done |
| `Fate(outcome)` | lines that this end said were got, were not delivered, or perhaps not |
| `Missed(stream, name, lines)` | lines of another end will never come |
| `Connect(seconds)` | make a new link after so many seconds |
| `Drop()` | abort the link; `lost` is not called for it |
| `Exit(status, why)` | it is over |
"""

from __future__ import annotations

from collections.abc import Callable

from ..wire.hearing import Hearing
from ..wire.lines import within
from ..wire.numbered import Json, from_event, is_number, stream_in
from ..wire.numbering import GOT, SESSION_LIMIT, Outbox
from .company import Company
from .outputs import BROKEN, DONE, LOST, REFUSED, Connect, Drop, Exit, Fate, Missed, Output, Send, Show, sayings
from .patience import AGAIN, GOODBYE, HURRY, Patience


class Resume:
    """One session.

    Args:
        secret: 128 random bits in hex, new for each process.
        patience: how long it waits, and for what.
        room: where it wants to be; empty: wherever the hub puts it.
        name: what it wants to be called; empty: whatever the hub gives.
        options: more keys of the hello: `grace`, `live`, `blocks`.
        listens: whether it wants to hear anything.
        limit: bytes that it keeps un-got, and as many unread, at most.
    """

    def __init__(
        self,
        secret: str,
        patience: Patience,
        room: str = "",
        name: str = "",
        options: Json | None = None,
        listens: bool = True,
        limit: int = SESSION_LIMIT,
    ) -> None:
        self.room = room
        self.name = name
        self.stream = ""
        """This end's own public stream."""
        self.up = False
        """Whether there is a link, and the hub has welcomed this end on it."""
        self.status: int | None = None
        self.outbox = Outbox(limit)
        self._hearing = Hearing(limit)
        self.company = Company(self.outbox, self._hearing)
        self._secret = secret
        self._patience = patience
        self._options, self._listens = options or {}, listens
        self._says_blocks = False  # whether the hub takes lines as a block behind their object
        self._tries = self._max_line = 0
        """Links made; bytes of a line: a longer one gets no number, so that no hub has to drop it."""
        self._want_room = ""
        """The room that a `join` asked for, until the hub has answered."""
        self._want_name = name
        self._failed = False
        """Whether a line of this end was, perhaps, not delivered."""
        self._leaving: tuple[float, int] | None = None
        """Until when it waits for its lines to be got before it leaves, and its status then."""
        self._quitting: tuple[float, int] | None = None
        """Until when it waits for the hub's `closed (quit)`, and its status then."""
        self._deaf = False
        """Whether it leaves without hearing the rest."""
        self._outputs: list[Output] = []
        self._events: dict[object, Callable[[Json, float], bool | None]] = {
            "welcome": self._welcome,
            "joined": self.company.seen,
            "back": self.company.seen,
            "away": self.company.away,
            "left": self.company.left,
            "got": self._got,
            "pong": lambda *_: True,
            "said": self._numbered,
            "did": self._numbered,
            "told": self._numbered,
            "finished": self._numbered,
            "missing": self._numbered,
            "renamed": self._renamed,
            "error": self._error,
            "closed": self._closed,
        }

    # -- what its owner asks ------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether nothing may be said now: too much isn't got yet, no room is known yet, or this end is on its way."""
        return self.outbox.full or not self.stream or bool(self._want_room)

    @property
    def reading(self) -> bool:
        """Whether the link is to be read."""
        return self._hearing.reading

    @property
    def due(self) -> float | None:
        """When `tick` is wanted, at the latest."""
        moments = [
            self._patience.due if self.reading else None,
            self._hearing.inbox.due if self.up else None,
            *self.company.due,
            self._leaving[0] if self._leaving else None,
            self._quitting[0] if self._quitting else None,
        ]
        return min((moment for moment in moments if moment is not None), default=None) if self.status is None else None

    def take(self) -> list[Output]:
        """Return what to do, in order."""
        outputs, self._outputs = self._outputs, []
        return outputs

    # -- what the person or stdin does --------------------------------------------------------------------------

    def say(self, lines: bytes, kind: str = "say", to: str = "") -> int:
        """Say whole lines, one deed (`me`), or one private line (`msg`) `to` a stream; return the mark of the first."""
        mark = self.outbox.said
        for part in within(lines, self._max_line) if self._max_line else (lines,):
            if isinstance(part, bytes):
                self.outbox.say(part, kind, to)
            else:
                self.outbox.refuse()
        self._flush()
        return mark

    def finish(self, now: float) -> None:
        """This end has said all; who doesn't listen, or is in a larger room, leaves then and says no `done`."""
        self.company.finished = True
        if self._listens and self.outbox.pair:
            self.outbox.finish()
        self._judge(now)

    def join(self, room: str, now: float) -> None:
        """Go to another room: what is shown is acknowledged first, on the same link."""
        self._want_room = room
        if self.up:
            self._acknowledge(now, idle=True)
            self._send({"verb": "join", "room": room})

    def rename(self, name: str) -> None:
        """Take another name; where there is no link now, the next hello asks for it."""
        self._want_name = name
        if self.up:
            self._send({"verb": "nick", "name": name})

    def shown(self, now: float, count: int = 1, idle: bool = False) -> None:
        """The oldest `count` numbered things are displayed: now, and not before, they may be acknowledged."""
        was_reading = self.reading
        self._hearing.shown(count, now)
        if self.reading and not was_reading:
            self._patience.heard(now)
        self._acknowledge(now, idle)
        self._judge(now)

    def leave(self, now: float, wait: float = 0.0, status: int = DONE) -> None:
        """Go as soon as all lines are got, with `status`; `wait` seconds later say what isn't, and go with 4."""
        if self._quitting is None:
            self._leaving = (now + wait, status)
            self._judge(now)

    def abandon(self, status: int) -> None:
        """Go now: a signal ends this process before it has finished."""
        if self.up:
            self._send({"verb": "quit", "why": "lost", "got": self._all_shown()})
        self._end(status)

    def hold(self, held: bool, now: float) -> None:
        """Read nothing for now, for a reason of its owner's; or read on."""
        self._hearing.held = held
        self._patience.heard(now)

    # -- the link -----------------------------------------------------------------------------------------------

    def hello(self, now: float) -> Json:
        """A link is made: return what to say first, with room and name as they are wanted by now."""
        self._tries += 1
        self._patience.linked(now)
        hello: Json = {"chatterbox": 1, "session": self._secret, "try": self._tries, **self._options}
        wishes = {"room": self._want_room or self.room, "name": self._want_name or self.name}
        hello |= {key: wish for key, wish in wishes.items() if wish}
        if not self._listens:
            hello["listens"] = False
        partner = next((stream for stream, end in self.company.ends.items() if end.session), "")
        if partner and self.outbox.pair and not self._want_room:
            hello["with"] = partner
        return hello

    def heard(self, event: Json, now: float, block: bytes | None = None) -> None:
        """The hub sent `event`, and `block` behind it."""
        if self.status is not None:
            return
        self._patience.heard(now)
        handle = self._events.get(event.get("event"))
        if not (self._numbered(event, now, block) if block else handle and handle(event, now)):
            self._outputs.append(Show(event))
        self._judge(now)

    def lost(self, now: float, why: str = "") -> None:
        """The link is gone, or there never was one."""
        if self.status is not None:
            return
        self.up = False
        self.outbox.lost()
        pause = self._patience.lost(now)
        if self._quitting and (now >= self._quitting[0] or pause is None):
            self._end(self._quitting[1])
        elif pause is None:
            self._end(LOST, why or "the link is lost")
        else:
            self._outputs.append(Connect(pause))

    def tick(self, now: float, wall: float | None = None) -> None:
        """Do what is due; `wall`: the wall clock, by which a machine knows that it has slept."""
        if self.status is not None:
            return
        word = self._patience.look(now, wall) if self.reading else ""
        if word == "ping":
            self._send({"verb": word})
        elif word == "lost":
            self._outputs.append(Drop())
            self.lost(now, "the hub says nothing")
        self._acknowledge(now)
        self.company.expire(now)
        if self._quitting and now >= self._quitting[0]:
            self._end(self._quitting[1])
        self._judge(now)

    # -- what the hub says; each returns True if there is nothing to show ---------------------------------------

    def _welcome(self, event: Json, now: float) -> None:
        was_up, self.up = self.up, True
        self._patience.welcomed()
        room, pair = str(event.get("room", "")), event.get("seats") == 2
        if pair != self.outbox.pair or (self.stream and room != self.room):
            self.company.moved(pair)
        self.room, self.stream = room, stream_in(event)
        self.name = str(event.get("name", ""))
        if not was_up:
            self._want_name = self._want_name and self.name
        self._want_room = ""
        grace, max_line = event.get("grace"), event.get("max_line")
        self._max_line = max_line if is_number(max_line) else 0
        self._says_blocks = event.get("blocks") is True and self._options.get("blocks") is True
        self.company.grace = float(grace) if isinstance(grace, (int, float)) else 0.0
        self.company.welcome(event, now)
        self._flush()
        if self._quitting:
            self._say_quit()

    def _got(self, event: Json, now: float) -> bool:
        n = event.get("n")
        if is_number(n):
            self.outbox.got(stream_in(event), n, event.get("private") is True)
        return True

    def _numbered(self, event: Json, now: float, block: bytes | None = None) -> bool:
        thing, stream = from_event(event, block), stream_in(event)
        if thing is None or not stream:
            return event.get("event") == "missing"
        heard = None if self._deaf else self._hearing.take(stream, thing, now)
        if heard is None:
            return True
        if heard.missed:
            name = self.company.name_of(stream) or str(event.get("from", ""))
            self._outputs.append(Missed(stream, name, heard.missed))
        new = heard.thing
        if new.lines and new.kind != "missing":
            if new is not thing:
                event = {**event, "n": new.n, **({"text": new.block[:-1].decode()} if "text" in event else {})}
            self._outputs.append(Show(event, new))
        return True

    def _renamed(self, event: Json, now: float) -> None:
        if event.get("own") is True:
            self.name = self._want_name = str(event.get("to", ""))
        else:
            self.company.renamed(event)

    def _error(self, event: Json, now: float) -> None:
        """A wish that the hub refuses is none any more; a line that it drops was not delivered."""
        code = event.get("code")
        if code == "room" and self.up:
            self._want_room = ""
        elif code == "name" and self.up:
            self._want_name = self.name
        elif code == "long" and is_number(n := event.get("n")):
            self._failed = True
            self.outbox.dropped(n, str(event.get("to", "")), event.get("private") is True)

    def _closed(self, event: Json, now: float) -> bool:
        why = str(event.get("why", ""))
        if why in AGAIN:
            return False
        self._outputs.append(Show(event))
        if self._quitting:
            self._end(self._quitting[1])
        elif why in ("quit", "bye", "ended"):
            whole = self.outbox.settled and not self._failed and self._hearing.whole(self.company.partner)
            heard = not self.company.finished or self._hearing.all_of(self.company.partner)
            self._end(DONE if why == "bye" or (whole and heard) else BROKEN, why)
        else:
            self._end(REFUSED, why)
        return True

    # -- shown, and got -----------------------------------------------------------------------------------------

    def _acknowledge(self, now: float, idle: bool = False) -> None:
        """Say what is shown, now or later."""
        if self.up:
            for stream, n, private in self._hearing.gots(now, idle, self.outbox.pair):
                if stream in self.company.ends:
                    self._send({"verb": "got", "to": stream, "n": n} | ({"private": True} if private else {}))

    def _all_shown(self) -> dict[str, int]:
        return {stream: n for stream in self.company.ends if (n := self._hearing.inbox.shown_of(stream))}

    # -- the end ------------------------------------------------------------------------------------------------

    def _judge(self, now: float) -> None:
        """Go on to the end, if it is time for it."""
        self._flush()
        if self.status is not None or self._quitting:
            return
        if self._leaving:
            until, status = self._leaving
            if self.outbox.settled or now >= until:
                self._leave(now, status)
        elif self.company.finished and self.outbox.settled and not self._hearing.waits:
            if self._hearing.all_of(self.company.partner) or not self._listens or not self.outbox.pair:
                self._quit(now + GOODBYE, DONE if self._hearing.whole(self.company.partner) else BROKEN)
            elif self.company.bereft:
                self._leave(now, BROKEN)

    def _leave(self, now: float, status: int) -> None:
        """Leave before both ends have finished; what isn't got is told."""
        self._leaving, self._deaf = None, True
        self.outbox.moved(self.outbox.pair)
        self._flush()
        self._quit(now + HURRY, status)

    def _quit(self, until: float, status: int) -> None:
        """Say `quit`, and again after each welcome, until the hub says `closed (quit)`, unless nobody is waited for."""
        self._quitting = (until, BROKEN if self._failed else status)
        self._say_quit()
        if not self.company.ends or (self._deaf and not self.up):
            self._end(self._quitting[1])

    def _say_quit(self) -> None:
        if self.up:
            self._acknowledge(0, idle=True)
            quit_: Json = {"verb": "quit", "got": self._all_shown()}
            if self.company.finished and self._quitting and self._quitting[1] == DONE:
                quit_["finished"] = True
            self._send(quit_)

    def _end(self, status: int, why: str = "") -> None:
        self.outbox.moved(self.outbox.pair)
        self._flush()
        self.status = status
        self._outputs.append(Exit(status, why))

    def _send(self, verb: Json) -> None:
        self._outputs.append(Send(verb))

    def _flush(self) -> None:
        sends, outcomes = self.outbox.drain()
        self._outputs.extend(send for thing in sends for send in sayings(thing, self._says_blocks))
        for outcome in outcomes:
            self._failed = self._failed or outcome.word != GOT
            self._outputs.append(Fate(outcome))
