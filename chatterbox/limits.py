"""A limit is a bound that a stranger meets: every one of them stands here with its unit and its reason.

This module knows the numbers and the one clockless way to count a rate. It does not know what happens when a
bound is met: that is said where it is met, and in `docs/security.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024

MAX_LINES = 1024
"""Lines of a block where they are rendered one by one: with 60 bytes around each, about as much again as a read."""
MAX_OBJECTS = 256
"""The same where somebody hears an object for each: to write one takes some 3 µs."""
FEW_LINES = 8
"""Lines of a block where each is a message that takes 50 ms: few enough to leave in time when all ends."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one hub; bytes, seconds and counts as each comment says."""

    max_line: int = 4096
    """Bytes of one line without its newline; a longer one is dropped whole (POSIX LINE_MAX is 2048)."""
    max_unended: int = 64 * KIB
    """Bytes received without a newline before the connection is closed as `flood`."""
    high_water: int = 64 * KIB
    """Bytes queued to one hearer at which its speakers are paused (the size of one read)."""
    max_queue: int = 256 * KIB
    """Bytes queued to one hearer of a larger room before it is let go as `slow`."""
    max_pair_queue: int = 1280 * KIB
    """Bytes queued to one hearer in a two-seat room, whose speaker is paused before: notices alone get there."""
    pair_patience: float = 60.0
    """Seconds a hearer in a two-seat room may take nothing while lines wait."""
    room_patience: float = 10.0
    """Seconds a hearer in a larger room may take nothing while lines wait."""
    max_held: int = 64 * KIB
    """Bytes held in a room for a partner who isn't there yet; then the speaker is paused."""
    handshake: float = 0.1
    """Seconds in which a new connection may say where it wants to be, unheard by anyone."""
    blink: float = 0.1
    """Seconds for which a speaker of much waits for a hearer who is behind, in a larger room."""
    knock: float = 0.1
    """Seconds in which the machine of one who has finished answers a notice, before its seat counts as taken."""
    seek_patience: float = 10.0
    """Seconds in which it must be known where a room lives, before its newcomer is told to try again."""
    join_patience: float = 15.0
    """Seconds from accept in which a peer must have joined a room (name, JSON hello)."""
    join_lines: int = 16
    """Lines a peer may send before it has joined a room."""
    join_bytes: int = 4 * KIB
    """Bytes a peer may send before it has joined a room."""
    parting_patience: float = 2.0
    """Seconds for which who leaves a pair waits until the other end has taken what was said."""
    close_patience: float = 5.0
    """Seconds between asking a connection to end and aborting it (a non-reader never closes: Twisted F2)."""
    grace: float = 600.0
    """Seconds for which the seat of a session that has lost its link is kept at most; 0: it isn't."""
    max_away: int = 1000
    """Sessions without a link whose seats are kept at once (5 MiB)."""
    max_outside: int = 64
    """Sessions that don't listen and wait for a seat, in one room."""
    session_silence: float = 60.0
    """Seconds without a byte of a session, which pings every 20, after which its link counts as lost."""
    max_peers: int = 0
    """Connections at once; 0: whatever the system's limit on open files leaves."""
    max_unready: int = 256
    """Connections at once whose TLS handshake, proxy's header or HTTP head has no end yet (TLS: 53 KiB each)."""
    per_source: int = 0
    """Connections at once from one source address (IPv6: one /64); 0: any number."""
    per_source_rate: int = 0
    """Connections in ten minutes from one source address; 0: any number."""
    max_sources: int = 65_536
    """Source addresses remembered at once."""
    rate: float = 0.0
    """Lines a second that one peer may go on saying; 0: any number."""
    burst: int = 100
    """Lines that one peer may say at once before `rate` counts."""
    max_name: int = 24
    """Characters of a name (IRC networks allow 16 to 32)."""
    max_room: int = 64
    """Characters of a room's name."""
    bad_names: int = 3
    """Refused names after which an unnamed peer is let go."""
    pieces_a_turn: int = 16
    """Commands and blocks of one peer handled before everybody else has a turn: 0.2 ms each where all dialects meet."""
    hearers_a_turn: int = 320
    """Hearers whom these may reach, two lines counting as one, and one piece at least: to write to one takes 10 µs."""

    @property
    def max_json(self) -> int:
        """Bytes of one JSON line: every byte of the longest text escaped, and the object around it."""
        return 6 * self.max_line + 256

    @property
    def max_session_json(self) -> int:
        """Bytes of one line of a session, which says many lines at once: 64 KiB of text, every byte escaped."""
        return max(6 * 64 * KIB + 512, self.max_json)

    @property
    def flood(self) -> int:
        """Bytes without a newline that end a connection: `max_unended`, or the longest line where that is longer."""
        return max(self.max_unended, self.max_json)


PUBLIC = {"per_source": 16, "per_source_rate": 32, "rate": 10.0}
"""What `--public` turns on; a hub on one's own network needs none of it."""
WITH_BROWSERS = {"handshake": 1.0}
"""What `--web` changes: on a busy machine a browser's request came later than 0.1 s behind its connection."""


class Throttle:
    """A bucket of `burst` tokens that fills at `rate` a second; it slows, and never refuses."""

    __slots__ = ("rate", "burst", "tokens", "at")

    def __init__(self, rate: float, burst: int) -> None:
        self.rate = rate
        self.burst = burst
        self.tokens = float(burst)
        self.at = 0.0

    @property
    def ready(self) -> int:
        """How many may come at once; one always may."""
        return max(1, int(self.tokens))

    def touch(self, now: float, count: int = 1) -> float:
        """Take `count` tokens at `now` (seconds, monotonic); return the seconds to wait before the next."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate) - count
        self.at = now
        return max(0.0, -self.tokens / self.rate)
