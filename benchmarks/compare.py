"""A comparison is one table: this hub beside whatever else of `relays.RELAYS` is installed, on the same work.

`python -m benchmarks.compare`, or `make bench`. More is better in every row. Trust the ratios; the figures are those of
one machine on one day.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Sequence

from chatterbox.wire.text import SCANNER

from . import client, process
from .lines import Damage
from .load import WORKS, Work
from .relays import RELAYS, Relay, Running, pin

BASES = ("socat", "ncat", "textbook", "direct", client.NC, client.REACTOR)
"""What a figure is compared with: the first of these that has one."""

COLUMNS = (*(relay.name for relay in RELAYS), client.NC, client.REACTOR)

Figures = dict[tuple[str, str], list[float]]
"""What was measured, in order of the rounds, by work and relay."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the table; return 1 if something failed."""
    options = _options(argv)
    works, relays = _chosen(options.only)
    load = os.getloadavg()[0]
    pin(0, 0)
    figures, faults = measure(works, relays, options.rounds, options.seconds)
    rows = {name: (work.title, work.unit) for name, work in works.items()}
    if not options.only or "client" in options.only:
        print("the client ...", file=sys.stderr, flush=True)
        figures |= client.measure(options.rounds, options.megabytes)
        rows |= client.ROWS
    print(table(rows, figures))
    place = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    print(
        f"\nMore is better. Median of {options.rounds} interleaved rounds [least – most] (ratio of the medians)."
        f"\n{place}; control scan: {SCANNER}; load before: {load:.1f}."
    )
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


def table(rows: dict[str, tuple[str, str]], figures: Figures) -> str:
    """Return the figures as a Markdown table: median, spread, and ratio to the base of the row."""
    names = [name for name in COLUMNS if any(column == name for _, column in figures)]
    lines = [f"| work | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for row, (title, unit) in rows.items():
        base = next((statistics.median(figures[row, one]) for one in BASES if (row, one) in figures), 0.0)
        cells = [_cell(figures.get((row, name), []), base) for name in names]
        lines.append(f"| {title}, {unit} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: Sequence[float], base: float) -> str:
    if not values:
        return "–"
    median = statistics.median(values)
    ratio = median / base if base else 1.0
    spread = f" [{_figure(min(values))} – {_figure(max(values))}]" if len(values) > 1 else ""
    shown = f"{ratio:.2f}" if ratio >= 0.05 else f"{ratio:.1g}"
    return f"{_figure(median)}{spread} ({shown} ×)"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())
