"""A session's seat outlives its link: this table says whose it is, until when it is kept, and who may take it over.

It is pure: moments are handed in, a link is any object, and rooms are known by name alone. Secrets are read in
`read_hello`, and neither kept, logged nor shown: the table knows a digest, and another one, the public *stream*.

The hub (`core/hub.py`) calls, in this order, for a hello that has `session`:

1. `read_hello(sent)`. A `Fault` is spoken (`error`, code `session`), then `closed (kicked)`.
2. `arrive(hello, room, source, now)`. If it is `closed`, say `closed (WORD)` and hang up. Who is `evicted` leaves its
   room (`lost`).
3. If it isn't known, and the room is full: `yields(members, hello)`; who is returned leaves the room (`lost`). If the
   room is still full: `closed (full)`. If it is known and wants another room, it moves there if that has a seat, else
   it stays.
4. If it sits down or moves: `seat(session, room)`. If it isn't known and is alone in a pair:
   `reserve(hello, room, now)`; who is returned sits down beside it, away.
5. `attach(session, hello, link)`. The link that is returned is told `closed (replaced)` and hung up on.
6. The welcome, with `stream`, `grace`, `ends`, and `fate(hello, session)` as its key `left`, if there is one. Then the
   others hear `back` if it is known and hasn't moved, also when no `away` was told; else `joined`.

And later:

- `cut(session, link, now)`, when a link is gone, was silent for 60 s, or has too much unsent. True: tell `away`. False:
  it leaves (`lost`). None: another link carries it by now.
- `acknowledged(session, stream, n)`, for each `got` and each entry of a `quit`'s; `last_got(session, stream)` for the
  key `got` of `left`, one for each hearer.
- `end(session, why, now, finished)`, when it has left the hub for whatever reason; `finished`: its `quit` said so;
  `moved`: it went to a room on another machine.
- `expired(now)`, at `due`; those returned leave (`lost`).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..wire.numbered import Json, is_number

GRACE = 120.0
"""Seconds for which a seat is kept where the hello asks for no other time: a laptop's way from one room to the next."""
MOST_GRACE = 600.0
"""Seconds for which a seat is kept at most (`--grace`)."""
MAX_AWAY = 1000
"""Sessions away at once (`--max-away`)."""
AWAY_A_SOURCE = 16
"""Sessions away at once from one source address, where sources are counted."""
REMEMBERED = 120.0
"""Seconds for which an ended session is remembered, so that its partner hears what it had got."""
MAX_REMEMBERED = 4096
"""Ended sessions remembered at once: 1 MiB."""
MAX_GOTS = 64
"""Other ends whose last `got` is known of one session."""
_SECRET = re.compile("[0-9a-f]{32}")


class Fault(NamedTuple):
    """Why a hello can't be obeyed."""

    text: str


class Hello(NamedTuple):
    """What a session's hello asks for, without its secret."""

    digest: bytes
    stream: str
    tries: int
    partner: str = ""
    """The stream it was with; empty: nobody, or a plain peer."""
    grace: float = GRACE
    listens: bool = True
    live: bool = False


def read_hello(sent: Json) -> Hello | Fault:
    """Return what the hello `sent` asks for; its secret goes no further than this."""
    secret, tries, partner, grace = sent.get("session"), sent.get("try"), sent.get("with", ""), sent.get("grace", GRACE)
    if not isinstance(secret, str) or not _SECRET.fullmatch(secret):
        return Fault("a session is 32 hexadecimal digits")
    if not is_number(tries) or tries == 0:
        return Fault("a session's try is a number from 1 on")
    if not isinstance(partner, str) or len(partner) > 16:
        return Fault("a session is with a stream")
    if isinstance(grace, bool) or not isinstance(grace, (int, float)) or not 0 <= grace < 1e9:
        return Fault("a grace is a number of seconds")
    listens, live = sent.get("listens") is not False, sent.get("live") is True
    return Hello(_digest("seat", secret), stream_of(secret), tries, partner, float(grace), listens, live)


def stream_of(secret: str) -> str:
    """Return the public name of the session whose secret this is."""
    return _digest("stream", secret).hex()[:16]


def _digest(what: str, secret: str) -> bytes:
    return hashlib.sha256(f"chatterbox {what} {secret}".encode()).digest()[:16]


@dataclass(slots=True, eq=False)
class Session:
    """One session, as the hub knows it."""

    stream: str
    digest: bytes = b""
    """Empty: a reservation that nobody has claimed yet."""
    source: str = ""
    room: str = ""
    """Where it sits; empty: nowhere yet, or it waits outside."""
    tries: int = 0
    grace: float = GRACE
    listens: bool = True
    live: bool = False
    link: object | None = None
    """What carries it now; None: it is away."""
    until: float = 0.0
    """When its seat is given up, if it is away."""
    got: dict[str, int] = field(default_factory=dict)
    """The last number that it has got of each other end."""

    @property
    def away(self) -> bool:
        """Whether it has no link."""
        return self.link is None

    @property
    def reserved(self) -> bool:
        """Whether nobody has claimed it yet."""
        return not self.digest


class Arrival(NamedTuple):
    """What becomes of a hello."""

    session: Session | None
    known: bool = False
    closed: str = ""
    """The word with which it is refused."""
    evicted: Session | None = None
    """A reservation of it in another room, which it doesn't want."""


class _Ended(NamedTuple):
    why: str
    got: dict[str, int]
    until: float
    finished: bool


class Sessions:
    """All sessions of one hub.

    Args:
        most_grace: seconds for which a seat is kept at most; 0: none is.
        max_away: sessions away at once.
        away_a_source: the same from one source; 0: any number.
    """

    def __init__(self, most_grace: float = MOST_GRACE, max_away: int = MAX_AWAY, away_a_source: int = 0) -> None:
        self._most_grace = most_grace
        self._max_away = max_away
        self._away_a_source = away_a_source
        self._sessions: dict[str, Session] = {}
        self._away: dict[Session, str] = {}
        """Who is away, with the source that it counts for."""
        self._sources: Counter[str] = Counter()
        """How many of a source are away."""
        self._ended: dict[str, _Ended] = {}

    # -- a hello ------------------------------------------------------------------------------------------------

    def arrive(self, hello: Hello, room: str, source: str, now: float) -> Arrival:
        """Say whose seat a hello that wants to be in `room` is about.

        The same secret with a higher `try` takes over, also from a link that looks alive; a lower or equal one is a
        hello that crawled on an abandoned link, and disturbs nobody. An equal one is the same link, where it comes back
        with a room from another machine to a seat that was kept for it here.
        """
        session = self._sessions.get(hello.stream)
        if session is None:
            ended = self._remembered(hello.stream, now)
            if ended and ended.why not in ("lost", "moved"):
                return Arrival(None, closed=ended.why)
            return Arrival(self._new(hello, source))
        if session.reserved and session.room != room:
            return Arrival(self._new(hello, source), evicted=session)
        if session.reserved:
            session.source, session.digest = source, hello.digest
            return Arrival(session, known=True)
        is_late = hello.tries < session.tries or (hello.tries == session.tries and not session.away)
        if session.digest != hello.digest or is_late:
            return Arrival(None, closed="replaced")
        return Arrival(session, known=True)

    def _new(self, hello: Hello, source: str) -> Session:
        return Session(hello.stream, hello.digest, source)

    def yields(self, members: Iterable[Session], hello: Hello) -> Session | None:
        """Return the reservation among `members` that yields: nobody claimed it, and `hello` is with who sits there."""
        members = tuple(members)
        if any(member.stream == hello.partner and not member.reserved for member in members):
            return next((member for member in members if member.reserved), None)
        return None

    def seat(self, session: Session, room: str) -> None:
        """`session` sits in `room` from now on; without a room it waits outside."""
        session.room = room
        self._sessions[session.stream] = session
        self._ended.pop(session.stream, None)

    def reserve(self, hello: Hello, room: str, now: float) -> Session | None:
        """Keep the other seat of a pair for the one that `hello` was with, and return it, if that may still come."""
        partner, source = hello.partner, self._sessions[hello.stream].source
        if not partner or partner in self._sessions or self._remembered(partner, now):
            return None
        ghost = Session(partner, source=source, room=room)
        ghost.grace = self._grace_of(hello)
        if not self._keep(ghost, now):
            return None
        self._sessions[partner] = ghost
        return ghost

    def attach(self, session: Session, hello: Hello, link: object) -> object | None:
        """`session` is carried by `link` from now on; return the one that it replaces."""
        before, session.link = session.link, link
        self._forget_away(session)
        session.tries, session.grace = hello.tries, self._grace_of(hello)
        session.listens, session.live = hello.listens, hello.live
        return before

    def fate(self, hello: Hello, session: Session, now: float) -> Json | None:
        """Return what became of the one that `hello` was with, if it is somewhere else, or ended a short while ago."""
        elsewhere, ended = self._sessions.get(hello.partner), self._remembered(hello.partner, now)
        if elsewhere and elsewhere.room not in ("", session.room):
            return {"stream": hello.partner, "why": "moved", "got": self.last_got(elsewhere, session.stream)}
        if ended:
            fate: Json = {"stream": hello.partner, "why": ended.why, "got": ended.got.get(session.stream, 0)}
            return fate | ({"finished": True} if ended.finished else {})
        return None

    def _grace_of(self, hello: Hello) -> float:
        return min(hello.grace, self._most_grace)

    # -- away, and gone -----------------------------------------------------------------------------------------

    def cut(self, session: Session, link: object, now: float) -> bool | None:
        """`link` is gone: return whether the seat is kept; None: another link carries the session by now."""
        if session.link is not link:
            return None
        session.link = None
        return self._keep(session, now)

    def _keep(self, session: Session, now: float) -> bool:
        full = self._away_a_source and self._sources[session.source] >= self._away_a_source
        if session.grace <= 0 or not session.room or len(self._away) >= self._max_away or full:
            return False
        session.until = now + session.grace
        self._away[session] = session.source
        self._sources[session.source] += 1
        return True

    def _forget_away(self, session: Session) -> None:
        source = self._away.pop(session, None)
        if source is not None:
            self._sources[source] -= 1
            if not self._sources[source]:
                del self._sources[source]

    @property
    def due(self) -> float | None:
        """When `expired` returns somebody, at the earliest; None: nobody is away."""
        return min((session.until for session in self._away), default=None)

    def expired(self, now: float) -> list[Session]:
        """Return those whose grace is over."""
        return [session for session in self._away if now >= session.until]

    def acknowledged(self, session: Session, stream: str, n: int) -> None:
        """`session` has shown the lines of `stream` up to `n`."""
        got = session.got
        got[stream] = max(n, got.pop(stream, 0))
        if len(got) > MAX_GOTS:
            del got[next(iter(got))]

    def last_got(self, session: Session, stream: str) -> int:
        """Return the last number that `session` has got of `stream`."""
        return session.got.get(stream, 0)

    def end(self, session: Session, why: str, now: float, finished: bool = False) -> None:
        """`session` has left the hub; for a while its partner is told what it had got, and whether it had finished."""
        self._forget_away(session)
        if self._sessions.get(session.stream) is not session:
            return
        del self._sessions[session.stream]
        if session.reserved:
            return
        self._ended.pop(session.stream, None)
        self._ended[session.stream] = _Ended(why, session.got, now + REMEMBERED, finished)
        while len(self._ended) > MAX_REMEMBERED or next(iter(self._ended.values())).until <= now:
            del self._ended[next(iter(self._ended))]

    def recall(self, stream: str) -> None:
        """Remember no more how a session ended: it goes on somewhere."""
        self._ended.pop(stream, None)

    def _remembered(self, stream: str, now: float) -> _Ended | None:
        ended = self._ended.get(stream)
        return ended if ended and now < ended.until else None
