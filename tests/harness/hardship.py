"""A hard life is what a hub is given here: few files, a clock that jumps, a network of its own, code that fails.

Each is a `command` for the hub of `processes`. Nothing here knows what is being proved.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from glob import glob
from pathlib import Path
from unittest import SkipTest

from tests.harness.ends import End, Socket
from tests.harness.processes import SERVE, Hub

MIB = 1024 * 1024
GROWTH = 2 * MIB
"""Bytes by which a hub may grow, whatever is done to it (hostile.md)."""
_SERVE = "import sys\nfrom chatterbox.cli import main\n{}\nsys.exit(main(['serve', *sys.argv[1:]]))"


def patched(source: str) -> list[str]:
    """Return the command of a hub that runs `source`, Python, before it begins."""
    return [sys.executable, "-c", _SERVE.format(source)]


def patient() -> list[str]:
    """Return the command of a hub that waits an hour where another waits 5 s: what ends sooner didn't wait for that."""
    return patched(
        "from chatterbox.limits import Limits\n"
        "start = Limits.__init__\n"
        "Limits.__init__ = lambda self, **given: start(self, **{'close_patience': 3600.0, **given})"
    )


def few_files(count: int) -> list[str]:
    """Return the command of a hub that has so many open files."""
    return ["sh", "-c", f'ulimit -n {count}; exec "$@"', "sh", *SERVE]


class WallClock:
    """The wall clock of a hub that is started by its `command`; the monotonic one is the machine's.

    Args:
        file: where the offset is kept.

    Raises:
        SkipTest: libfaketime isn't installed.
    """

    def __init__(self, file: Path) -> None:
        found = glob("/usr/lib/*/faketime/libfaketime.so.1") + glob("/usr/local/lib/faketime/libfaketime.so.1")
        if not found:
            raise SkipTest("no libfaketime here")
        self._file = file
        self.jump(0)
        preload = f"LD_PRELOAD={found[0]}"
        settings = [preload, f"FAKETIME_TIMESTAMP_FILE={file}", "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1"]
        self.command = ["env", *settings, *SERVE]

    def jump(self, seconds: int) -> None:
        """Be off by so many seconds from now on."""
        self._file.write_text(f"{seconds:+d}")


class Network:
    """Two machines with a cable between them, as two network namespaces; a context that takes them away again.

    Raises:
        SkipTest: this system or this user can't have them.
    """

    address = "10.77.0.1"
    """Where the near machine is reached from the far one."""

    def __init__(self) -> None:
        self.near, self.far = (f"chatterbox-{os.getpid()}-{side}" for side in ("near", "far"))

    def __enter__(self) -> Network:
        if not shutil.which("ip") or os.geteuid():
            raise SkipTest("network namespaces want `ip` and root")
        try:
            self._build()
        except subprocess.CalledProcessError as fault:
            self.__exit__()
            raise SkipTest(f"no network namespaces here: {fault.stderr}") from None
        return self

    def _build(self) -> None:
        for side in (self.near, self.far):
            _ip("netns", "add", side)
            _ip("-n", side, "link", "set", "lo", "up")
        _ip("-n", self.near, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.far)
        for side, address in ((self.near, self.address), (self.far, "10.77.0.2")):
            _ip("-n", side, "address", "add", f"{address}/24", "dev", "cable")
            _ip("-n", side, "link", "set", "cable", "up")

    def __exit__(self, *_: object) -> None:
        for side in (self.near, self.far):
            subprocess.run(["ip", "netns", "delete", side], capture_output=True, check=False)

    def cut(self) -> None:
        """Pull the cable: no FIN, no RST, nothing."""
        _ip("-n", self.far, "link", "set", "cable", "down")

    @staticmethod
    def words(side: str) -> list[str]:
        """Return the words that start a program on one of the two."""
        return ["ip", "netns", "exec", side]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=True, text=True)


def memory(pid: int) -> int:
    """Return the most bytes of memory that a process has ever had.

    Raises:
        SkipTest: the system doesn't tell; Linux does.
    """
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text() if status.exists() else "")
    if not found:
        raise SkipTest("no /proc/PID/status here")
    return int(found[1]) * 1024


def gathered(hub: Hub, *names: str) -> list[Socket]:
    """Return a socket for each name, all in the lobby of a hub in mode `room`, and each knows it.

    On a busy machine one may be asked for its name before it has said it.
    """
    ends: list[Socket] = []
    for name in names:
        ends.append(hub.peer(f"/nick {name}"))
        for end in ends[:-1]:
            end.hears(f"-!- {name} joined")
        ends[-1].skips(f"-!- you are {name} in lobby; here: {', '.join(names[: len(ends)])}")
    return ends


def talk(one: End, other: End) -> None:
    """Prove that two ends hear each other, and nothing else before it."""
    one.says("how are you?")
    other.hears("how are you?")
    other.says("fine")
    one.hears("fine")
