"""A soak is the hub among peers who mean it harm, or merely crash: does it stand, and at what cost to the others?

`python -m benchmarks.soak` prints each figure beside its goal, in some minutes; `--quick` in one. Memory and open
files are read from the process, which only Linux lets us. Everything is on loopback, and bounded in count and time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from . import failures, hardship, process, traffic
from .lines import Damage
from .relays import pin
from .scale import QUICK, Figure, Scale

_VERDICTS = {True: "holds", False: "**fails**", None: ""}
FIGURES: dict[str, Callable[[Scale], Iterator[Figure]]] = {
    "pair": hardship.never_reads_in_a_pair,
    "room": hardship.never_reads_in_a_room,
    "crowd": hardship.beside_a_crowd,
    "drain": hardship.drain,
    "memory": traffic.cycles_in_memory,
    "cycles": traffic.cycles_on_sockets,
    "idle": traffic.many_idle,
    "burst": traffic.all_at_once,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; return 1 where a goal does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--mib", type=int, help=f"what is pumped past a peer who never reads ({Scale().mib})")
    parser.add_argument("--quick", action="store_true", help="less of everything: about a minute")
    words = ", ".join([*FIGURES, "failures"])
    parser.add_argument("--only", type=lambda words: words.split(","), help=f"some of: {words}; with commas")
    options = parser.parse_args(argv)
    if not process.MEASURABLE:
        print("soak: memory and open files of a process can be read on Linux only", file=sys.stderr)
        return 2
    scale = QUICK if options.quick else Scale()
    if options.mib:
        scale = scale._replace(mib=options.mib)
    pin(0, 0)
    print("| | goal | seen | |\n|---|---|---|---|", flush=True)
    held = [_show(name, scale) for name in FIGURES if name in (options.only or FIGURES)]
    if "failures" in (options.only or ["failures"]):
        print(f"\nThe same five failures, tried on each hub:\n\n{failures.table()}")
    return 0 if all(held) else 1


def _show(name: str, scale: Scale) -> bool:
    """Print the rows of one figure; return whether all goals hold."""
    held = True
    try:
        for title, goal, seen, holds in FIGURES[name](scale):
            held = held and holds is not False
            print(f"| {title} | {goal} | {seen} | {_VERDICTS[holds]} |", flush=True)
    except (Damage, OSError, RuntimeError) as fault:
        print(f"| {name} | | {fault} | **fails** |", flush=True)
        return False
    return held


if __name__ == "__main__":
    sys.exit(main())
