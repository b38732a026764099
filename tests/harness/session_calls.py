"""Session calls by chance: what may happen to a client's session, in any order that its owner may bring about.

Two sessions that are played the same calls must want the same done; nothing here knows which two are compared.
"""

from __future__ import annotations

import json
import random
from typing import Any

from tests.harness.session_vectors import make, step

STREAMS = ["a" * 16, "b" * 16, "c" * 16, "d" * 16]
CALLS = 40
KINDS = "joined back away left got got said said said did told finished missing renamed error pong closed welcome".split()
Json = dict[str, Any]


def vector(seed: int) -> Json:
    """Return a vector as `session_vectors.json` has them: calls, and what the Python session wants done at each."""
    return _Play(random.Random(seed)).vector


class _Play:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._seats = chance.choice([2, None])
        options: Json = {"room": "tea", "name": "ann"}
        options |= {"listens": False} if chance.random() < 0.1 else {}
        options |= {"later": 10} if chance.random() < 0.2 else {}
        self.vector: Json = {"title": "by chance", "options": options, "steps": []}
        self._session = make(dict(options))
        self._mute = chance.choice(STREAMS) if self._seats and self._maybe(0.3) else ""
        """The end of a pair that only speaks, if any."""
        self._is_linked = False
        self._unshown = 0
        now = 0.0
        for _ in range(CALLS):
            if self._session.status is None:
                now += chance.choice([0, 0, 0.05, 0.1, 1, 6, 25])
                self._call(now) if self._is_linked else self._link(now)

    def _do(self, *call: object) -> None:
        outputs = step(self._session, json.loads(json.dumps(call)))
        self.vector["steps"].append([list(call), json.loads(json.dumps(outputs))])
        self._unshown += sum(output[0] == "show" and len(output) > 2 for output in outputs)
        self._is_linked = self._is_linked and ["drop"] not in outputs

    def _link(self, now: float) -> None:
        self._do("hello", now)
        self._is_linked = True
        self._do("heard", self._welcome(self._seats, "tea"), now)

    def _call(self, now: float) -> None:
        chance, may_speak = self._chance, not self._session.full
        what = chance.choices("heard say me shown tick lost join rename finish leave".split(), [45, 20, 5, 10, 5, 5, 3, 3, 1, 1])[0]
        if what == "heard":
            self._do(what, self._event(), now)
        elif what == "say" and may_speak:
            self._do(what, "\n".join(chance.choice(["one", "longer", "é"]) for _ in range(chance.randint(1, 3))))
        elif what == "me" and may_speak:
            private = self._seats is None and chance.random() < 0.5
            self._do("say", "x", *(["msg", chance.choice(STREAMS[1:])] if private else ["me"]))
        elif what == "shown" and self._unshown:
            count = chance.randint(1, self._unshown)
            self._unshown -= count
            self._do(what, now, count, chance.random() < 0.5)
        elif what in ("tick", "lost"):
            self._is_linked = what == "tick"
            self._do(what, now)
        elif what == "join" and may_speak:
            self._do(what, chance.choice(["tea", "den"]), now)
        elif what == "rename":
            self._do(what, chance.choice(["ann", "eve"]))
        elif what == "finish" and may_speak:
            self._do(what, now)
        elif what == "leave":
            self._do(what, now, chance.choice([0, 5]), chance.choice([0, 4]))

    # -- what the hub may say -------------------------------------------------------------------------------------

    def _card(self, stream: str) -> Json:
        card = {"name": stream[0], "stream": stream, "session": self._maybe(0.7), "away": self._maybe(0.2)}
        return card | ({"listens": False} if stream == self._mute else {})

    def _maybe(self, share: float) -> bool:
        return self._chance.random() < share

    def _welcome(self, seats: int | None, room: str) -> Json:
        others = self._chance.sample(STREAMS[1:], self._chance.randint(0, 1 if seats == 2 else 3))
        event = {"event": "welcome", "room": room, "name": "ann", "seats": seats, "stream": STREAMS[0], "grace": 5}
        return event | {"ends": [self._card(stream) for stream in others]} | ({"max_line": 5} if self._maybe(0.5) else {})

    def _event(self) -> Json:
        chance = self._chance
        kind, stream, n = chance.choice(KINDS), chance.choice(STREAMS[1:]), chance.randint(1, 6)
        private = {"private": True} if self._maybe(0.2) else {}
        numbers = {"n": n, **private} | ({"gap": chance.randint(0, 3)} if self._maybe(0.4) else {})
        event: Json = {"event": kind, "stream": stream}
        if kind == "welcome":
            event = self._welcome(2 if self._maybe(0.1) else self._seats, chance.choice(["tea", "tea", "den"]))
            return event | ({"left": {"stream": stream, "got": n, "finished": True}} if self._maybe(0.3) else {})
        if kind in ("joined", "back"):
            return event | self._card(stream) | {"away": False}
        if kind == "left":
            return event | {"why": "quit", "got": n} | ({"finished": True} if self._maybe(0.3) else {})
        if kind == "said":
            return event | {"from": "x", "text": "\n".join(["hi", "é", ""][: chance.randint(1, 3)])} | numbers
        if kind in ("did", "told"):
            return event | {"from": "x", "text": "x"} | numbers
        if kind in ("finished", "missing"):
            return event | {"name": "x", "from": "x", "lines": chance.randint(1, 2)} | numbers
        if kind == "renamed":
            return event | {"name": "x", "to": "y"} | ({"own": True} if self._maybe(0.3) else {})
        if kind == "error":
            return {"event": kind, "code": chance.choice(["room", "name", "long", "who"]), "to": stream, "n": n, **private}
        if kind == "closed":
            return {"event": kind, "why": chance.choice(["quit", "bye", "shutdown", "lost", "kicked"])} if self._maybe(0.2) else {"event": "pong"}
        return event | {"n": n, **private}
