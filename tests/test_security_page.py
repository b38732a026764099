"""docs/security.md promises nothing that no test holds, and its limits are the code's."""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.connections.sessions import AWAY_A_SOURCE, MAX_AWAY, MAX_REMEMBERED, REMEMBERED
from chatterbox.edges.websocket import MOST_VISITORS, SPARE_PATIENCE
from chatterbox.limits import KIB, PUBLIC, Limits
from chatterbox.wire.names import MOST_BYTES
from tests.harness.pages import exists
from tests.harness.processes import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()


class SecurityPage(SynchronousTestCase):
    """What the page says, beside what there is."""

    def test_every_promise_has_its_test(self) -> None:
        """Each test that the page names exists, and each row of its promises and limits names one."""
        named = re.findall(r"`(test_\w+)\.(test_\w+)`", PAGE)
        self.assertEqual([f"{module}.{test}" for module, test in named if not exists(module, test)], [])
        promised = PAGE.split("\n## Beside")[0]
        rows = [line for line in promised.splitlines() if re.match(r"\| (?!promise|what \|)", line)]
        self.assertEqual([row for row in rows if "`test_" not in row], [])
        self.assertGreater(len(rows), 30)

    def test_the_limits_are_the_code_s(self) -> None:
        """The page's figures are those of `Limits`, and of `--public`."""
        here = Limits()
        told = dict(re.findall(r"^\| (.+?) \| (.+?) \|", PAGE.split("## Limits")[1], re.MULTILINE))
        for what, figure in (
            ("a line", f"{here.max_line} bytes"),
            ("bytes without a newline", _size(here.max_unended)),
            ("what waits for one of a pair", _size(here.high_water)),
            ("a partner that reads nothing of it", f"{here.pair_patience:g} s"),
            ("notices that wait for one of a pair", _size(here.max_pair_queue)),
            ("what waits for one in a larger room", f"{_size(here.max_queue)}, or {here.room_patience:g} s"),
            ("lines held for a partner to come", f"{_size(here.max_held)} a room"),
            ("before joining", f"{here.join_patience:g} s, {here.join_lines} lines, {_size(here.join_bytes)}"),
            ("refused names", str(here.bad_names)),
            ("connections of one address", f"any; `--public`: {PUBLIC['per_source']}"),
            ("the same in ten minutes", f"any; `--public`: {PUBLIC['per_source_rate']}"),
            ("addresses remembered", f"{here.max_sources:,}"),
            ("lines of one peer", f"any; `--public`: {here.burst}, then {PUBLIC['rate']:g} a second"),
            ("a silent connection of a machine that has asked for a page", f"{SPARE_PATIENCE:g} s"),
            ("machines remembered for having asked for a page", f"{MOST_VISITORS:,}"),
            ("sessions whose link is lost, and whose seat is kept", f"{MAX_AWAY}; `--public`: {AWAY_A_SOURCE} of one address"),
            ("sessions remembered after their end", f"{MAX_REMEMBERED}, for {REMEMBERED:g} s"),
            ("a name", f"{here.max_name} characters"),
            ("the same in UTF-8", f"{MOST_BYTES * here.max_name} bytes"),
            ("a room's name", f"{here.max_room} characters"),
            ("who is hung up on and reads nothing", f"{here.close_patience:g} s"),
        ):
            self.assertEqual(told[what], figure, what)


def _size(count: int) -> str:
    return f"{count // KIB} KiB" if count % (KIB * KIB) else f"{count // KIB // KIB} MiB"
