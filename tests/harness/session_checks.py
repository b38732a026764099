"""What must hold after each simulated run of sessions."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from .session_ends import PlainEnd, SessionEnd

if TYPE_CHECKING:
    from .session_world import Line, World


def _seen(world: World) -> dict[int, set[str]]:
    """Return which streams have shown each line; shown twice, or out of order, is a fault."""
    seen: dict[int, set[str]] = defaultdict(set)
    for end, lines in world.displays.items():
        last: dict[tuple[str, bool], int] = {}
        for stream, uid in lines:
            if end.stream in seen[uid]:
                world.clock.fail("a line is shown twice")
            private = world.seats > 2 and world.lines[uid].kind == "msg"
            if uid <= last.get((stream, private), 0):
                world.clock.fail("lines are out of order")
            last[stream, private] = uid
            seen[uid].add(end.stream)
    return seen


def check_pair(world: World) -> None:
    """Judge a run of pairs."""
    fail, seen = world.clock.fail, _seen(world)
    for uid, line in world.lines.items():
        speaker, word, to = line.end, line.end.told.get(uid), world.sent_to[uid]
        if len(to) > 1:
            fail("a line is said to two")
        if not speaker.plain and seen[uid] - to:
            fail("a line is heard by a stranger")
        if word == "got" and not seen[uid] and (line.kind != "long" or world.tells_limit):
            fail("got, and not shown")
        if word == "not delivered" and seen[uid]:
            fail("not delivered, and shown")
        if word is None:
            _check_untold(world, uid, line, seen)
    for end in world.ends:
        if isinstance(end, SessionEnd):
            _check_status(world, end, seen)
    _check_both_done(world)


def _check_untold(world: World, uid: int, line: Line, seen: dict[int, set[str]]) -> None:
    """Judge a line whose fate its speaker wasn't told."""
    speaker = line.end
    if isinstance(speaker, SessionEnd):
        if not speaker.dead and speaker.status is not None:
            world.clock.fail("ended without telling")
        elif not speaker.dead and any(end.listens for end in speaker.resume.company.ends.values()):
            world.clock.fail("never told: it hangs")
    elif speaker.alive and speaker.link and speaker.link.is_whole and line.life == world.lives:
        if not seen[uid] and speaker.link.seat and world.hub.others(speaker.link.seat):
            world.clock.fail("a plain speaker is never told")


def _check_status(world: World, end: SessionEnd, seen: dict[int, set[str]]) -> None:
    fail = world.clock.fail
    world.clock.counts[f"status {end.status}"] += 1
    if end.alive and end.backlog and any(other.listens for other in end.resume.company.ends.values()):
        fail("a speaker is stuck")
    if end.status == 0 and end.resume.company.finished:
        if any(end.told.get(uid) != "got" for uid in end.marks) or (end.longs and world.tells_limit):
            fail("status 0 though a line wasn't got")
        done = [other for other in world.ends if end.resume._hearing.all_of(other.stream)]
        said = [uid for uid, line in world.lines.items() if line.end in done and end.stream in world.sent_to[uid] and line.kind != "long"]
        said = [uid for uid in said if uid > end.since]
        if not all(end.stream in seen[uid] for uid in said):
            fail("status 0 though a line wasn't heard")


def _check_both_done(world: World) -> None:
    disturbed = world.thirds or any(act.what in ("die", "quit", "join", "stop") for act in world.acts)
    ends = list(world.named.values())
    if world.closing != {"a", "b"} or disturbed or any(isinstance(end, PlainEnd) for end in ends):
        return
    if any(end.alive for end in ends):
        world.clock.fail("both have finished, and never ended")
    lossless = all(len(end.told) == len(end.marks) and set(end.told.values()) <= {"got"} for end in ends)
    if lossless and any(end.status == 4 and not end.longs for end in ends if isinstance(end, SessionEnd)):
        world.clock.counts["4 though all was shown"] += 1


def check_room(world: World) -> None:
    """Judge a run of a larger room."""
    fail, seen = world.clock.fail, _seen(world)
    sessions = [end for end in world.ends if isinstance(end, SessionEnd)]
    by_stream = {end.stream: end for end in sessions}
    for speaker in sessions:
        _check_owed(world, speaker, by_stream, seen)
        for uid in speaker.marks:
            kind, word = world.lines[uid].kind, speaker.told.get(uid)
            if word == "got" and not seen[uid] and (kind != "long" or world.tells_limit):
                fail("got, and not shown")
            if word is None and not speaker.dead:
                fail("never told in a room")
            if kind == "msg" and len(seen[uid]) > 1:
                fail("a private line is heard by two")


def _check_owed(world: World, speaker: SessionEnd, by_stream: dict[str, SessionEnd], seen: dict[int, set[str]]) -> None:
    """Judge what was owed to those who were there when it was said, and still are: shown, or missed and told."""
    owing: Counter[str] = Counter()
    for stream, uid in speaker.owed:
        hearer = by_stream.get(stream)
        if speaker.alive and hearer and hearer.alive:
            world.clock.counts["heard in rooms"] += stream in seen[uid]
            owing[stream] += stream not in seen[uid]
    for stream, lines in owing.items():
        world.clock.counts["missed in rooms"] += lines
        if by_stream[stream].missed[speaker.stream] < lines:
            world.clock.fail("missed in silence")
