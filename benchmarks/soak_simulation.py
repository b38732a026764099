"""A soak of the simulation is the tests' own machine, run with one seed after the other for as long as one likes.

    python -m benchmarks.soak_simulation --seconds 600

A failure prints its seed, its mode and the shortest conversation that still fails; `--seed N --seconds 0` runs that
seed again. It needs no network and knows no more of the hub than `tests/harness/world.py` does.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.harness.inputs import PROPERTY
from tests.harness.world import machine

MODES = [("pair", 0.0), ("pair", 10.0), ("room", 0.0), ("ports", 0.0), ("order", 0.0), ("duet", 0.0), ("talk", 0.0)]
"""Modes, and the lines a second that each may say there."""


def run(number: int, mode: str, rate: float, examples: int) -> bool:
    """Run one seed in one mode; return whether it held, and print what failed where it didn't."""
    how = settings(
        PROPERTY, derandomize=False, max_examples=examples, stateful_step_count=100, report_multiple_bugs=False
    )
    try:
        run_state_machine_as_test(seed(number)(machine(mode, rate)), settings=how)
    except Exception:
        print(f"seed {number}, mode {mode}, rate {rate}:\n{traceback.format_exc()}", flush=True)
        return False
    return True


def main() -> int:
    """Soak; return 1 if anything failed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=600.0, help="how long; 0: one seed")
    options.add_argument("--seed", type=int, default=1, help="the first one")
    options.add_argument("--examples", type=int, default=400, help="conversations for each seed and mode")
    chosen = options.parse_args()
    start, number, failures = time.monotonic(), chosen.seed, 0
    while True:
        failures += sum(not run(number, mode, rate, chosen.examples) for mode, rate in MODES)
        number += 1
        seconds = time.monotonic() - start
        if seconds >= chosen.seconds:
            break
    runs = (number - chosen.seed) * len(MODES) * chosen.examples
    print(f"{number - chosen.seed} seeds, {runs} conversations, {seconds:.0f} s, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
