"""A comparison is one table: this hub beside whatever else of `relays.RELAYS` is installed, on the same work.

`python -m benchmarks.compare`, or `make bench`. Trust the ratios; the figures are those of one machine on one day.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Sequence

from . import client, process
from .lines import Damage
from .load import WORKS, Work
from .relays import RELAYS, Relay, Running, pin

BASES = ("socat", "ncat", "textbook", "direct")
"""What a figure is compared with: the first of these that has one."""

Figures = dict[tuple[str, str], list[float]]
"""What was measured, in order of the rounds, by work and relay."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the table; return 1 if something failed."""
    options = _options(argv)
    works, relays = _chosen(options.only)
    load = os.getloadavg()[0]
    pin(0, 0)
    figures, faults = measure(works, relays, options.rounds, options.seconds)
    if works:
        print(table(works, relays, figures))
    if not options.only or "client" in options.only:
        print("\n" + client.report(options.rounds, options.megabytes))
    place = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    print(f"\nMedians of {options.rounds} interleaved rounds; {place}, load before {load:.1f}.")
    for fault in faults:
        print(f"failed: {fault}", file=sys.stderr)
    return 1 if faults else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    names = ", ".join([*WORKS, "client", *(relay.name for relay in RELAYS)])
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each measurement takes (1)")
    parser.add_argument("--megabytes", type=int, default=100, help="what is piped through the client (100)")
    parser.add_argument("--only", type=lambda words: words.split(","), help=f"some of: {names}; with commas")
    options = parser.parse_args(argv)
    unknown = set(options.only or ()) - set(names.split(", "))
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def _chosen(only: Sequence[str] | None) -> tuple[dict[str, Work], list[Relay]]:
    """Return what was asked for; naming a work says nothing of relays, and the reverse."""
    words = set(only or ())
    works = {name: work for name, work in WORKS.items() if not words & {*WORKS, "client"} or name in words}
    if not process.MEASURABLE:
        works.pop("idle", None)
    relays = [relay for relay in RELAYS if not words & {one.name for one in RELAYS} or relay.name in words]
    return works, [relay for relay in relays if relay.is_installed]


def measure(works: dict[str, Work], relays: Sequence[Relay], rounds: int, seconds: float) -> tuple[Figures, list[str]]:
    """Return the figures of all works and relays, and what failed; the rounds of one work are interleaved."""
    figures: Figures = {}
    faults = []
    for name, work in works.items():
        print(f"{work.title} ...", file=sys.stderr, flush=True)
        for _ in range(rounds):
            for relay in relays:
                if work.shape not in relay.shapes or (name == "idle" and not relay.command):
                    continue
                try:
                    with Running(relay, work.shape) as running:
                        figures.setdefault((name, relay.name), []).append(work.measure(running, seconds))
                except (Damage, OSError, RuntimeError) as fault:
                    faults.append(f"{work.title}, {relay.name}: {fault}")
    return figures, faults


def table(works: dict[str, Work], relays: Sequence[Relay], figures: Figures) -> str:
    """Return the medians as a Markdown table, each with its ratio to the base of its row."""
    names = [relay.name for relay in relays]
    rows = [f"| work | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for name, work in works.items():
        medians = {relay: statistics.median(figures[name, relay]) for relay in names if (name, relay) in figures}
        base = next((medians[one] for one in BASES if one in medians), 0.0)
        cells = [_cell(medians[relay], base) if relay in medians else "–" for relay in names]
        rows.append(f"| {work.title}, {work.unit} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(value: float, base: float) -> str:
    figure = f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    if not base:
        return figure
    ratio = value / base
    return f"{figure} ({ratio:.2f} ×)" if ratio >= 0.05 else f"{figure} ({ratio:.1g} ×)"


if __name__ == "__main__":
    sys.exit(main())
