"""A mutation is one protection taken away; the simulation has to notice each: `python -m tests.cluster.mutations`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Mutation(NamedTuple):
    """One place in the source, and what is to stand there instead."""

    name: str
    file: str
    old: str
    new: str


MUTATIONS = [
    Mutation("no dedup", "links", "if number != link.last + 1:", "if number > link.last + 1:"),
    Mutation("no gap check", "links", "if number != link.last + 1:", "if number <= link.last:"),
    Mutation("no repeat on return", "links", "        self._repeat(list(self._posts))\n", ""),
    Mutation("no repeat in time", "links", "if link.kept and link.waits <= 0:", "if False:"),
    Mutation("a buried node is believed", "links", "if node not in self._buried:", "if True:"),
    Mutation("a buried node that had said nothing is believed", "links", "(theirs or acked_birth > ours)", "True"),
    Mutation("a node that began anew is not noticed", "links", "if birth > link.their_birth:", "if not link.last:"),
    Mutation("no say-again", "visit", "        for block in self._said:\n            send(frames.SAY, number, block)\n", ""),
    Mutation("no say-again at home", "visit", 'said = b"".join(self._said)', 'said = b""'),
    Mutation("no fence for posts", "../../tests/harness/engine", "if node not in memory.nodes:\n            return FENCED\n        for to", "for to"),
    Mutation("no fence for claims", "../../tests/harness/engine", "if node not in memory.nodes:\n            return FENCED\n        owner", "owner"),
    Mutation("no grace", "claims", "GRACE = 1.5", "GRACE = 0.0"),
    Mutation("confirmed before it is handled", "channel", " and not self.far.is_waiting:", ":"),
    Mutation("lines for a slow hearer are confirmed", "guest", "link.outlet.queued > 0", "link.outlet.queued < 0"),
    Mutation("lines that were posted wait for their hearer", "guest", "link.outlet.queued > 0", "link.outlet.full"),
    Mutation("lines that were posted wait for their speaker", "guest", "inlet.looks_ahead()", "inlet.waits"),
    Mutation("held lines are confirmed", "guest", "room.held_by(self.peer) > 0 or ", ""),
    Mutation("an answer older than a death is believed", "homes", "        self.claims.died()\n", ""),
    Mutation("said lines wait for their speaker's rate", "guest", "if self.connection.inlet.looks_ahead():", "if self.connection.inlet.held:"),
    Mutation("a lost partner is not told", "homes", "if guest and opening.partner:", "if False:"),
    Mutation("words are said again where they may have been heard", "homes", "elif visit.may_have_said_at(home.owner):", "elif False:"),
    Mutation("who said nothing is let go, too", "visit", "if self._said and not self.opening.session:", "if not self.opening.session:"),
    Mutation("a session is let go, too", "visit", "if self._said and not self.opening.session:", "if self._said:"),
    Mutation("a partner is forgotten before its leaving is told", "channel", " and far.is_behind:", " and False:"),
    Mutation("a partner that has changed isn't told of", "channel", ', left="left")', ")"),
    Mutation("a partner that has changed is told of late", "localhub", "                self.cluster.confirmations.owe_handled(channel)  # its", "                pass  # its"),
    Mutation("what a partner that left didn't hear is confirmed", "channel", " and not hasnt_heard:", ":"),
    Mutation("who comes back to another one isn't told", "localhub", "elif [*room.members][-1] is peer and not", "elif False and not"),
    Mutation("a guest takes a whole turn", "channel", "steps -= 1", "pass"),
    Mutation("confirmed in a later post", "confirmations", "            if channel.complete()", "            self._links._later(0.01, channel.complete)\n            if True"),
    Mutation("death beside the inbox", "../../tests/harness/engine", "            self._put(memory, other, node)\n", "            inbox = memory.inboxes.setdefault(other, [])\n            inbox.insert(0, (inbox[0][0] - 0.5 if inbox else memory.serial, node))\n"),
    Mutation("asked while unregistered", "homes", "        self.claims.is_down()\n\n    def registered", "        pass\n\n    def registered"),
    Mutation("no settle", "claims", "SETTLE = 1.0", "SETTLE = 0.0"),
    Mutation("a lost release is not repeated", "claims", "        for room in tuple(self._owed):\n            self._engine.release(me, room, partial(self._released, room))\n", ""),
    Mutation("a lost release is not noticed", "homes", "            self.claims.disclaim(opening.room)\n", ""),
    Mutation("a pending claim is not failed", "claims", "        self._asking.clear()\n", ""),
    Mutation("kinds without direction", "homes", "        if kind.islower():\n", "        if kind.islower() or channel in self.visits:\n            kind = kind.lower()\n"),
    Mutation("no death without a word", "roster", "{*nodes, *self._watcher.known_nodes()}", "{*nodes}"),
    Mutation("an outage evicts", "roster", "        self._unmoved.clear()\n        self._engine.listen(self.me)\n        self.beat()", "        self._engine.listen(self.me)\n        self.beat()"),
    Mutation("rooms are not claimed again", "claims", "        for room in tuple(self.owned):\n            self._engine.claim(me, room, False, partial(self._reclaimed, room, me))\n", ""),
    Mutation("a taken room is kept", "homes", "            self.detached.add(room)\n        self._let_go(room)\n", "            self.detached.add(room)\n"),
    Mutation("the fenced go on", "homes", "        for room in shared:\n            self._let_go(room)\n", ""),
    Mutation("visits of the fenced go on", "homes", "            self.forget(visit)\n            visit.guest.end(\"lost\", CUT_OFF)\n\n    def replaced", "            self._seek(visit)\n\n    def replaced"),
    Mutation("newcomers before those who sat there", "claims", "if is_newcomer and (self._grace or room in self._orphaned):\n            return\n", "is_newcomer = False\n"),
    Mutation("the inbox is not read again", "roster", "            self._unmoved.clear()\n            self._engine.listen(self.me)\n", "            pass\n"),
    Mutation("blocks are confirmed as a whole", "guest", "            return one\n        expands", "            return len(block)\n        expands"),
    Mutation("grace is forgotten in an outage", "claims", "        self._owes_grace |= bool(self._grace)\n", ""),
    Mutation("nobody speaks first on return", "links", "        self._dirty |= self._links\n", ""),
    Mutation("the owner isn't told where to come back to", "homes", "            if not channel.is_closed:\n                self.confirmations.owe_handled(channel)  # where it sits, if nothing else\n                self.links.post_soon()\n", ""),
    Mutation("an old seat is kept for who sits elsewhere", "localhub", "hello.tries > 1 and", "False and"),
    Mutation("an old word lets a session go", "../connections/desk", " or session.tries >= tries:", ":"),
    Mutation("a session's partner keeps no seat", "elsewhere", 'self.hello["with"] = partner', "pass"),
    Mutation("a seat is kept for a plain partner", "guest", 'partner.stream if partner.session else ""', "partner.stream"),
    Mutation("whoever is away makes a pair whole", "localhub", "peer.link is not None and ", ""),
    Mutation("a hello that comes back with its room is late", "../connections/sessions", "(hello.tries == session.tries and not session.away)", "hello.tries == session.tries"),
    Mutation("who is let go has left", "guest", "if peer.session and isinstance(peer.link", "if False and isinstance(peer.link"),
    Mutation("a partner that left here a while ago keeps no seat", "localhub", "        if is_back:\n", "        if False:\n"),
    Mutation("a detached pair is told that one has left", "localhub", "            self.cluster.give_up(here)\n", "            pass\n"),
    Mutation("a room that is waited for is released", "localhub", "if not self.admission.desk.outside.waiting(room):", "if True:"),
    Mutation("a room that is waited for is empty", "localhub", " or bool(self.admission.desk.outside.waiting(room))", ""),
    Mutation("a room is kept for nobody", "../connections/outside", "                self._hub.is_waited_for_no_more(peer.wanted_room)\n", ""),
    Mutation("who waits outside isn't let go", "homes", "(*members, *self._house.outside(room))", "members"),
    Mutation("a whole pair is let go", "homes", "() if self._house.is_whole(room) else self._house.locals(room)", "self._house.locals(room)"),
    Mutation("a whole pair hears of an outage", "homes", "() if self._house.is_whole(room) else tuple(self._house.locals(room))", "tuple(self._house.locals(room))"),
    Mutation("a ping waits for the owner", "elsewhere", "if self._visit and block in PINGS:", "if False:"),
    Mutation("the owner isn't told of a ping", "visit", '        self._send(frames.LIVES, self.number, b"")\n', ""),
    Mutation("who can't be reached is slow", "../connections/slow", " and not state.is_cut_off", ""),
    Mutation("who can't be reached is silent", "../connections/silence", "if not link.outlet.link_state().is_cut_off:", "if True:"),
    Mutation("an outage never ends", "homes", "        self.outages += self.outages % 2\n        if is_new", "        if is_new"),
    Mutation("a session is refused as text", "localhub", "        connection.speak(self.dialects.session)\n        read", "        read"),
    Mutation("a kept seat isn't told of", "localhub", "if any(member.away and", "if False and any(member.away and"),
    Mutation("a session isn't told that a plain partner is lost", "localhub", "        if not is_told:\n", "        if not (is_told or peer.session):\n"),
    Mutation("no window down", "channel", "self.on_their_way > WINDOW", "False"),
]


def run(mutation: Mutation, command: list[str]) -> str:
    """Return what `command` says of a copy of the tree with that mutation."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("chatterbox", "tests", "docs"):
            shutil.copytree(ROOT / name, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
        path = Path(folder, "chatterbox/cluster", f"{mutation.file}.py").resolve()
        source = path.read_text()
        assert source.count(mutation.old) == 1, f"{mutation.name}: {source.count(mutation.old)} such places"
        path.write_text(source.replace(mutation.old, mutation.new))
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": folder})
        return done.stdout + done.stderr


def caught(mutation: Mutation, seeds: int) -> str:
    """Return which test, or else which schedule of how many, fails with that mutation; nothing if none does."""
    tests = run(mutation, [sys.executable, "-m", "pytest", "-q", "tests/cluster", "--ignore=tests/cluster/test_simulation.py", "--ignore=tests/cluster/test_mutations.py"])
    failed = [line for line in tests.splitlines() if line.startswith(("FAILED", "ERROR"))]
    code = f"from tests.cluster.test_simulation import first_failure as play; print(play({seeds}))"
    return failed[0] if failed else run(mutation, [sys.executable, "-c", code]).strip()


def main(seeds: str = "100", *names: str) -> None:
    """Try each mutation, or those whose names contain one of `names`."""
    for mutation in MUTATIONS:
        if not names or any(name in mutation.name for name in names):
            print(f"{mutation.name:45} {caught(mutation, int(seeds)) or 'NOT CAUGHT'}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
