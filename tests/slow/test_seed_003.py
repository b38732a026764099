"""Seed 003, the broadcast by port: real sockets, and the document's conversation on four terminals."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.processes import Hub
from tests.harness.terminals import client

PLAY = Path(__file__).resolve().parents[1] / "plays" / "ports.play"
WELCOME = "Connected to chat server. Type 'exit' to leave."
GOODBYE = "Disconnected from server"


class Broadcast(SynchronousTestCase):
    """A line reaches all others under its sender's port."""

    def test_twenty_join_and_ten_leave(self) -> None:
        """003-4: of 20 that join 10 leave; a broadcast reaches exactly 9, two lines in a packet as two."""
        with Hub("--mode", "ports", "--console") as hub:
            ends = [hub.peer() for _ in range(20)]
            hub.prints("[NEW CONNECTION]", 20)
            for end in ends[::2]:
                end.says("exit")
                self.assertEqual(end.rest(), b"-!- closed (quit)\n")
            hub.prints("[DISCONNECTED]", 10)
            speaker, *others = ends[1::2]
            speaker.says("one", "two")
            for end in others:
                end.hears(f"{speaker.port}: one", f"{speaker.port}: two")
            speaker.says("three")
            for end in others:
                end.hears(f"{speaker.port}: three")
            self.assertTrue(speaker.is_quiet())

    def test_exit(self) -> None:
        """003-3: `exit` is the stripped whole line in any case; `exit strategy?` is chat; none hears `exit`."""
        with Hub("--mode", "ports", "--console") as hub:
            ann, bob, carl, dora = ends = [hub.peer() for _ in range(4)]
            hub.prints("[NEW CONNECTION]", len(ends))
            ann.says("exit strategy?", "exits")
            for end, word in ((ann, "exit"), (bob, "  EXIT "), (carl, "Exit\r")):
                end.says(word)
                end.rest()
            hub.prints("[DISCONNECTED]", 3)
            dora.hears(f"{ann.port}: exit strategy?", f"{ann.port}: exits")
            self.assertTrue(dora.is_quiet())


class Screens(SynchronousTestCase):
    """The document's terminals."""

    def test_the_documents_conversation(self) -> None:
        """003-2, 003-5: 16 lines and three clients: the console and the three screens match, line for line."""
        script = re.findall(r"(?m)^(\d+) >> (.*)$", PLAY.read_text())
        names = sorted({name for name, _ in script})
        with Hub("--mode", "ports", "--console") as hub, ExitStack() as stack:
            ttys, ports = {}, {}
            for count, name in enumerate(names, 1):
                ttys[name] = stack.enter_context(client("127.0.0.1", hub.port, columns=120, rows=40))
                hub.prints("[NEW CONNECTION]", count)
                ports[name] = re.findall(r"', (\d+)\) connected", "\n".join(hub.console))[-1]
                ttys[name].until(WELCOME)
            screens = {name: [WELCOME] for name in names}
            for speaker, text in script:
                ttys[speaker].type(f"{text}\r")
                screens[speaker].append(text)
                if text == "exit":
                    self.assertEqual(ttys[speaker].wait(), 0)
                    screens[speaker].append(GOODBYE)
                    continue
                for name in names:
                    if name != speaker:
                        screens[name].append(f"{ports[speaker]}: {text}")
                        ttys[name].until(screens[name][-1])
            hub.prints("[DISCONNECTED]", 3)
            for name in names:
                self.assertEqual(ttys[name].rows(), screens[name])
            self.assertEqual(hub.console, console(script, names, ports, hub.port))


def console(script: list[tuple[str, str]], names: list[str], ports: dict[str, str], port: int) -> list[str]:
    """Return what the document's server terminal shows of this conversation."""
    lines = [f"[LISTENING] Server is listening on 127.0.0.1:{port}"]
    place = {name: f"('127.0.0.1', {ports[name]})" for name in names}
    lines += [f"[NEW CONNECTION] {place[name]} connected." for name in names]
    for name, text in script:
        if text == "exit":
            lines += [f"[{place[name]}] Sent exit command.", f"[DISCONNECTED] {place[name]} has been removed."]
        else:
            lines.append(f"[{place[name]}] Relaying message: {ports[name]}: {text}")
    return lines
