"""Two browsers, a terminal and an nc in one room, through a hub that is killed and a link that is cut."""

from __future__ import annotations

import re
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import Program
from tests.harness.pages_in_chromium import Relay, Tab, chromium
from tests.harness.processes import Hub
from tests.harness.terminals import Tty, client

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def lines(rows: list[str]) -> list[str]:
    """Return the numbered lines of a conversation, as one screen has them, without marks."""
    return [found[0] for row in rows if (found := re.search(r"line \d+ of \w+", row))]


class FourEnds(SynchronousTestCase):
    """What people see in each of them is looked at, and nothing else."""

    def setUp(self) -> None:
        self.browser = self.enterContext(chromium())
        self.hub = self.enterContext(Hub("--web", "--mode", "room"))
        self.relay = Relay(self.hub.port)
        self.addCleanup(self.relay.close)
        self.said: list[str] = []

    def tab(self, name: str, port: int, **options: Any) -> Tab:
        """Return a page in the room, whose person has a name."""
        tab = Tab(self.browser.new_context(**options), f"http://127.0.0.1:{port}/tea")
        tab.takes_name(name)
        return tab

    def nc(self) -> Program:
        """Return an nc in the room."""
        return self.hub.program("nc", "/join tea", "/nick dan")

    def says(self, who: Tab | Tty | Program, name: str) -> None:
        """Let one of them say the next line."""
        text = f"line {len(self.said)} of {name}"
        self.said.append(text)
        if isinstance(who, Tab):
            who.types(text)
        elif isinstance(who, Tty):
            who.type(text + "\r")
        else:
            who.send(text.encode() + b"\n")

    def test_they_talk(self) -> None:
        """Nobody loses a line or sees one twice, and each sees what one person said in the order in which it was said."""
        ann, bob = self.tab("ann", self.relay.port, **DESKTOP), self.tab("bob", self.hub.port, **PHONE)
        cy = self.enterContext(client(f"127.0.0.1:{self.hub.port}/tea", "--name", "cy"))
        cy.until("connected")
        dan = self.nc()
        ends = {"ann": ann, "bob": bob, "cy": cy}
        for tab in (ann, bob):
            tab.sees("dan joined")
        for name, who in (*ends.items(), ("dan", dan)):
            self.says(who, name)
        self._all_see(ann, bob, cy)

        self.relay.cut()
        for _ in range(3):
            for name, who in ends.items():
                self.says(who, name)
        self._all_see(ann, bob, cy)

        self.hub.kill()
        for tab in (ann, bob):
            tab.until(lambda tab=tab: "link lost" in tab.state())
        cy.until(lambda: "retry" in cy.text() or "lost" in cy.text())
        for name, who in ends.items():
            self.says(who, name)
        self.enterContext(Hub("--web", "--mode", "room", port=self.hub.port))
        self._all_see(ann, bob, cy)

        dan = self.nc()
        ann.until(lambda: sum("dan joined" in row for row in ann.rows) == 2)
        for name, who in (*ends.items(), ("dan", dan)):
            self.says(who, name)
        self._all_see(ann, bob, cy)

    def _all_see(self, ann: Tab, bob: Tab, cy: Tty) -> None:
        for tab in (ann, bob):
            tab.until(lambda tab=tab: len(lines(tab.rows)) >= len(self.said))
        cy.until(lambda: len(lines(cy.rows())) >= len(self.said))
        for rows in (ann.rows, bob.rows, cy.settle()):
            self.assertEqual(sorted(lines(rows)), sorted(self.said))
            for name in ("ann", "bob", "cy", "dan"):
                mine = [text for text in lines(rows) if text.endswith(name)]
                self.assertEqual(mine, [text for text in self.said if text.endswith(name)])
