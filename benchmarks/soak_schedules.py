"""A soak of schedules is conversations on the hub in memory in which chance decides what happens next to whom.

    python -m benchmarks.soak_schedules [--seeds 2000] [--seed 1] [--show]

Sessions with blocks and without, senders that don't listen, `nc`, and JSON programs say marked lines while links are
cut at one side or both, ends stop reading, move, rename, finish, leave and die, and hubs are shut down or killed.
Nobody may hear a line twice or out of order; each line of a session has one fate, which is true; a status of 0 is no
lie; a plain peer is told what nobody has heard, and of nothing else for sure; in the end everybody has ended, and the
hub holds nothing. A fault prints its seed; `--seed N --seeds 1 --show` plays it again, aloud. It needs no network.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence

from tests.harness.memory import HubOnAClock

from .fuzz_scheduled import MAX_LINE, Fault, PlainEnd, Record, SessionEnd

STEPS = 120
"""Things that happen in one conversation."""
MOST = 5
"""Ends at once."""
ROOMS = ("tea", "tea", "tea", "pub")
ANY = SessionEnd | PlainEnd


class Schedule:
    """One conversation.

    Args:
        seed: what decides everything.
        show: whether it is told aloud.
    """

    def __init__(self, seed: int, show: bool = False) -> None:
        self._chance = chance = random.Random(seed)
        self._show = show
        self._mode = chance.choice(("pair", "pair", "room"))
        grace = {"grace": chance.choice((0.0, 5.0, 30.0))} if chance.random() < 0.3 else {}
        self._limits: dict[str, float] = {"max_line": MAX_LINE, **grace}
        self._streams = 0
        self._record = Record(self._mode == "pair")
        self._ends: list[ANY] = []
        self._hub = self._new_hub()
        self.done: Counter[str] = Counter()
        """What happened, how often."""

    def run(self) -> None:
        """Have it.

        Raises:
            Fault: a promise is broken.
        """
        for _ in range(STEPS):
            self._step()
            for end in self._ends:
                if self._chance.random() < 0.7:
                    end.turn()
        self._end()
        for end in self._ends:
            end.judge()
            self.done[f"{end.kind}: {end.exit[0] if isinstance(end, SessionEnd) and end.exit else ''}"] += 1

    def _new_hub(self) -> HubOnAClock:
        hub = HubOnAClock(self._mode, self._limits)
        hub.admission.stream = self._stream
        return hub

    def _stream(self) -> str:
        self._streams += 1
        return f"{self._streams:016x}"

    def _tell(self, what: str, end: ANY | None = None) -> None:
        self.done[what] += 1
        if self._show:
            who = f"{end.kind} {end.number}" if end else ""
            print(f"{self._hub.clock.seconds():8.2f} {what} {who}  {self._hub.rooms()}", flush=True)

    # -- what happens --------------------------------------------------------------------------------------------

    def _step(self) -> None:
        chance = self._chance
        live = [end for end in self._ends if not end.is_over]
        if len(live) < 2 or (len(live) < MOST and chance.random() < 0.06):
            self._join()
        elif chance.random() < 0.2:
            self._pass_time()
        else:
            end = chance.choice(live)
            acts = SESSION_ACTS if isinstance(end, SessionEnd) else PLAIN_ACTS
            act: Callable[[Schedule, ANY], None] = chance.choices([*acts], [*acts.values()])[0]
            self._tell(act.__name__.strip("_"), end)
            act(self, end)

    def _join(self) -> None:
        chance, number, room = self._chance, len(self._ends), self._chance.choice(ROOMS)
        kinds = ("session", "session", "blocks", "text", "json", *(["mute"] if self._mode == "pair" else []))
        kind = chance.choice(kinds)
        if kind in ("text", "json"):
            self._ends.append(PlainEnd(self._hub, number, room, self._record, kind == "json"))
        else:
            wishes = {"listens": kind != "mute", "blocks": kind == "blocks", "shows": chance.random() < 0.8}
            self._ends.append(SessionEnd(self._hub, number, room, self._record, **wishes))
        self._tell(f"join as {kind}", self._ends[-1])

    def _pass_time(self) -> None:
        what = self._chance.random()
        if what < 0.03:
            self._replace_hub(is_killed=what < 0.02)
        else:
            seconds = self._chance.choice((0, 0.05, 0.2, 1, 3) if what < 0.8 else (10, 30, 70, 130))
            self._tell(f"wait {seconds}")
            self._hub.wait(seconds)

    def _replace_hub(self, is_killed: bool) -> None:
        """Kill the hub, or shut it down in good order; another one takes its place."""
        self._tell("kill the hub" if is_killed else "shut the hub down")
        if not is_killed:
            self._hub.admission.stop(lambda: None)
            self._hub.wait(0.5)
        for end in self._ends:
            if isinstance(end, PlainEnd):
                end.end.reads()
            end.turn()
            if isinstance(end, PlainEnd):
                end.why = end.why or "killed"
        now, self._hub = self._hub.clock.seconds(), self._new_hub()
        self._hub.clock.rightNow = now
        for end in self._ends:
            if isinstance(end, SessionEnd):
                end.moves_to(self._hub)

    def _lines(self, end: ANY) -> list[bytes]:
        count = self._chance.choice((1, 1, 2, 5, 40))
        return [self._record.line(end.number, self._chance.random() < 0.05) for _ in range(count)]

    def _speak(self, end: ANY) -> None:
        if end.may_speak:
            end.speak(self._lines(end))

    def _finish(self, end: ANY) -> None:
        if not end.may_speak:
            return
        end.is_done = True
        if isinstance(end, SessionEnd):
            end.finishes()
        elif not end.is_json and self._chance.random() < 0.6:
            end.end.finishes()
            end.turn()
        else:
            end.asks("done")

    # -- to a session --------------------------------------------------------------------------------------------

    def _act(self, end: SessionEnd) -> None:
        if end.may_speak:
            end.speak([self._record.line(end.number)], "me")

    def _tell_one(self, end: SessionEnd) -> None:
        if end.may_speak and end.resume.company.ends:
            stream = self._chance.choice([*end.resume.company.ends])
            end.speak([self._record.line(end.number, is_private=True)], "msg", stream)

    def _cut(self, end: SessionEnd) -> None:
        if end.end:
            end.cut(both=self._chance.random() < 0.6)

    def _connect(self, end: SessionEnd) -> None:
        if end.end is None:
            end.connect()

    def _stall(self, end: SessionEnd) -> None:
        if end.end:
            end.end.stops_reading()

    def _read(self, end: ANY) -> None:
        if end.end:
            end.end.reads(self._chance.choice((None, None, 1, 20) if isinstance(end, PlainEnd) else (None,)))

    def _display(self, end: SessionEnd) -> None:
        end.display(self._chance.choice((1, -1)))

    def _rename(self, end: SessionEnd) -> None:
        end.resume.rename(f"s{end.number}x{self._chance.randint(0, 9)}")

    def _move(self, end: SessionEnd) -> None:
        if end.may_speak and end.resume._listens:
            end.resume.join(self._chance.choice(ROOMS[-2:]), end.now)

    def _leave(self, end: SessionEnd) -> None:
        end.is_done = True
        end.resume.leave(end.now, self._chance.choice((0, 5, 30)))

    def _abandon(self, end: SessionEnd) -> None:
        end.is_done = True
        end.resume.abandon(143)
        end.turn()

    # -- to a plain peer -----------------------------------------------------------------------------------------

    def _act_plainly(self, end: PlainEnd) -> None:
        if end.may_speak:
            end.act(self._record.line(end.number))

    def _tell_one_plainly(self, end: PlainEnd) -> None:
        if end.may_speak:
            other = self._chance.choice(self._ends)
            name = other.resume.name if isinstance(other, SessionEnd) else f"p{other.number}"
            end.tell(name or "nobody", self._record.line(end.number, is_private=True))

    def _stop_reading(self, end: PlainEnd) -> None:
        end.end.stops_reading()

    def _quit(self, end: PlainEnd) -> None:
        end.is_done = True
        end.asks("quit")

    def _move_plainly(self, end: PlainEnd) -> None:
        end.asks("join", room=self._chance.choice(ROOMS[-2:]))

    def _die(self, end: PlainEnd) -> None:
        end.dies(is_cut=self._chance.random() < 0.5)

    # -- the end -------------------------------------------------------------------------------------------------

    def _settle(self, seconds: float) -> None:
        """Let everybody connect, read and display for so long."""
        until, pace = self._hub.clock.seconds() + seconds, 0.5
        while self._hub.clock.seconds() < until:
            for end in self._ends:
                if isinstance(end, SessionEnd) and not end.is_over and end.end is None:
                    end.connect()
                if end.end and not end.end.closed:
                    end.end.reads()
                if isinstance(end, SessionEnd):
                    end.display()
                end.turn()
            self._hub.wait(pace)
            pace = min(5.0, pace * 1.2)

    def _end(self) -> None:
        """Let everybody finish; who is alone then, or was left, goes."""
        self._tell("the end")
        self._settle(10)
        for end in self._ends:
            if not end.is_over and not end.is_done:
                end.is_done = True
                end.finishes() if isinstance(end, SessionEnd) else end.asks("done")
        self._settle(40)
        for seconds in (*[30] * 6, 750, 50):
            for end in self._ends:
                if not end.is_over:
                    self._go_if_alone(end)
            self._settle(seconds)
        if late := [f"{end.kind} {end.number}" for end in self._ends if not end.is_over]:
            raise Fault(f"never end: {late}, rooms {self._hub.rooms()}")
        if left := self._hub.leftovers():
            raise Fault(f"the hub holds {left}")

    def _go_if_alone(self, end: ANY) -> None:
        if isinstance(end, SessionEnd):
            if not end.resume.company.ends:
                end.resume.leave(end.now, 1)
        elif end.is_dead:  # its system keeps a closed link for a minute, and then answers with a reset
            end.end.cut()
        elif self._is_alone(end):
            end.asks("quit")

    def _is_alone(self, end: PlainEnd) -> bool:
        place = end.end.peer.room
        return place is None or len(self._hub.rooms()[place.name]) < 2


SESSION_ACTS = {
    Schedule._speak: 35,
    Schedule._act: 2,
    Schedule._tell_one: 3,
    Schedule._cut: 10,
    Schedule._connect: 12,
    Schedule._stall: 2,
    Schedule._read: 3,
    Schedule._display: 3,
    Schedule._rename: 1,
    Schedule._move: 2,
    Schedule._finish: 4,
    Schedule._leave: 1.5,
    Schedule._abandon: 1,
}
"""What happens to a session, and how often beside one another."""
PLAIN_ACTS = {
    Schedule._speak: 35,
    Schedule._act_plainly: 2.5,
    Schedule._tell_one_plainly: 2.5,
    Schedule._stop_reading: 2.5,
    Schedule._read: 3,
    Schedule._move_plainly: 2,
    Schedule._finish: 4,
    Schedule._quit: 1.5,
    Schedule._die: 1,
}
"""The same for a plain peer."""


def fault_of(seed: int, show: bool = False) -> tuple[str, Counter[str]]:
    """Run one seed; return what went wrong, or nothing, and what happened."""
    schedule = Schedule(seed, show)
    try:
        schedule.run()
    except Fault as fault:
        return str(fault), schedule.done
    except Exception:
        return traceback.format_exc()[-1500:], schedule.done
    return "", schedule.done


def main(argv: Sequence[str] | None = None) -> int:
    """Soak; return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2000, help="conversations")
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--show", action="store_true", help="tell all that happens")
    options = parser.parse_args(argv)
    began, faults, events = time.monotonic(), 0, 0
    for seed in range(options.seed, options.seed + options.seeds):
        fault, happened = fault_of(seed, options.show)
        events += sum(happened.values())
        if fault:
            faults += 1
            print(f"seed {seed}: {fault}", flush=True)
    print(f"{options.seeds} conversations, {events} events, {time.monotonic() - began:.0f} s, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
