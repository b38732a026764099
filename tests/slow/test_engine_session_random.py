"""Random failures under sessions: pipes that say numbered lines through a proxy which takes them to any hub, and cuts links.

Whatever fails, each line is heard once and in order, and each pipe ends with status 0: `python -m
tests.slow.test_engine_session_random 0 20` plays twenty seeds.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.cutting import Cutting
from tests.harness.cluster import Clustered
from tests.harness.ends import DEADLINE
from tests.harness.failures import Failures
from tests.harness.piped import client
from tests.slow.test_engine_random import main

TALK = 9.0
"""Seconds for which a run talks."""
CUTS, BETWEEN = 6, 30_000
"""Links that are cut in one run, each after at most so many bytes."""


class Talker:
    """One pipe: it is given numbered lines, and what it prints is kept."""

    def __init__(self, stack: contextlib.ExitStack, port: int, name: str, room: str) -> None:
        self.name = name
        self.said = b""
        self._waits = b""
        self._count = 0
        self._heard = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # closed with the rest
        self._told = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # closed with the rest
        self.process: Any = stack.enter_context(
            client(f"127.0.0.1:{port}/{room}", "--name", name, "--retry", "60", stdout=self._heard, stderr=self._told)
        )
        os.set_blocking(self.process.stdin.fileno(), False)

    def turn(self, lines: int, width: int = 0) -> bool:
        """Say some lines, as far as they are taken; return whether all are."""
        block = b"".join(b"%s %d %s\n" % (self.name.encode(), self._count + at, b"." * width) for at in range(lines))
        self._count += lines
        self._waits += block
        self.said += block
        if self._waits:
            try:
                self._waits = self._waits[self.process.stdin.write(self._waits) or 0 :]
            except BrokenPipeError:  # it has ended; why, is seen at the end
                self._waits = b""
        return not self._waits

    @staticmethod
    def _read(file: Any) -> bytes:
        file.seek(0)
        return bytes(file.read())

    def fault_beside(self, other: Talker) -> str:
        """Return what is wrong with what it heard of `other`, and how it ended."""
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            status = None
        heard = self._read(self._heard)
        if (status, heard) == (0, other.said):
            return ""
        told = self._read(self._told).decode()[-800:]
        kind = "the beginning" if other.said.startswith(heard) else "something else"
        return f"{self.name} ended with {status} and heard {kind}, {len(heard)} of {len(other.said)} bytes: {told}"


class Run(Clustered):
    """Some runs, each by its seed."""

    engine_options = ("--appendonly", "yes")

    def test_two_deaths(self) -> None:
        """Two machines die, and the engine loses everything."""
        self.play(75)

    def test_everything_forgotten(self) -> None:
        """A machine stands still for longer than the patience, and the engine forgets everything meanwhile."""
        self.play(98)

    def play(self, seed: int) -> str:
        """Play one run; return what happened."""
        chance = random.Random(seed)
        hubs = {name: self.hub(name) for name in "abc"}
        failures = Failures(random.Random(f"failures {seed}"), self.redis, hubs)

        def any_port() -> int:
            return chance.choice([hub for hub in hubs.values() if hub not in failures.killed]).port

        with contextlib.ExitStack() as stack:
            proxy = Cutting(any_port, CUTS, BETWEEN, random.Random(f"cuts {seed}"))
            stack.callback(proxy.close)
            pairs = [[Talker(stack, proxy.port, f"p{2 * at + k}", f"r{at}") for k in (0, 1)] for at in range(2)]
            talkers = [talker for pair in pairs for talker in pair]
            begin = time.monotonic()
            while (now := time.monotonic() - begin) < TALK or not failures.are_over:
                for talker in talkers if now < TALK else ():
                    talker.turn(chance.choice((0, 0, 0, 1, 5)), chance.choice((0, 10, 1000)))
                failures.look(now)
                time.sleep(0.02)  # many small steps, and the hubs need the processor, too
            deadline = time.monotonic() + DEADLINE
            while sum(talker.turn(0) for talker in talkers) < len(talkers) and time.monotonic() < deadline:
                time.sleep(0.02)  # between two looks at the condition
            for talker in talkers:
                talker.process.stdin.close()
            faults = [one.fault_beside(two) for one, two in (*pairs, *(pair[::-1] for pair in pairs))]
        self.assertEqual(faults, [""] * len(talkers), f"seed {seed}: {failures.done}, {proxy.made} links cut")
        return f"{', '.join(failures.done)}; {proxy.made} links cut, {sum(len(talker.said) for talker in talkers)} bytes"


if __name__ == "__main__":
    main(Run, *sys.argv[1:3])
