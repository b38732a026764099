"""A session as a page plays it: what the Python client wants done, as an end does it that draws whatever comes at once.

A page has no pipes: it never gives up, never leaves by itself, and says each line in an object of its own.
"""

from __future__ import annotations

import json
from typing import Any

from tests.harness.session_vectors import make, step

CALLS = frozenset("hello heard lost tick say join rename finish leave".split())
"""What a page may ask of its session; what it draws, it draws when it hears it."""
ENDS = frozenset({"finish", "leave"})
SHORT = {"exit": 1, "missed": 2}
"""Outputs of which a page takes only what it shows: no status, no stream."""
OPTIONS = frozenset({"room", "name"})
Json = dict[str, Any]


def as_a_page(vector: Json) -> Json | None:
    """Return `vector` with what a page wants done at each call, as far as a page comes in it; None: it has no page."""
    if not OPTIONS.issuperset(vector["options"]):
        return None
    session = make({**vector["options"], "options": {"live": True}})
    steps: list[list[Any]] = []
    longest, over, moment = 0, "", 0.0
    for call in (call for call, _ in vector["steps"] if call[0] != "shown"):
        what, *args = call
        if what not in CALLS or (what == "finish" and not session.outbox.pair) or (over and what in ENDS):
            break
        if what == "say" and longest and max(len(line.encode()) for line in args[0].split("\n")) > longest:
            continue  # the page's person is told before it comes to that
        over = what if what in ENDS else over
        call = [what, args[0], 5, 0] if what == "leave" else call
        moment = next((arg for arg in args if isinstance(arg, (int, float))), moment)
        outputs = step(session, json.loads(json.dumps(call)))
        if what == "heard":
            longest = args[0].get("max_line", 0) if args[0].get("event") == "welcome" else longest
            numbered = sum(output[0] == "show" and len(output) > 2 for output in outputs)
            if numbered and quits(outputs):
                break  # it would leave before it has drawn this
            outputs += step(session, ["shown", args[1], numbered, True])
        if quits(outputs) and over != "leave":
            break
        steps.append([on_a_page(call), in_order(outputs), moment])
    return {**vector, "steps": steps}


def on_a_page(call: list[Any]) -> list[Any]:
    """Return a call as a page makes it: it has a clock of its own, and lines are texts."""
    what, *args = call
    if what == "say":
        return [what, args[0].split("\n"), *args[1:]]
    if what == "tick":
        return [what, *(arg for arg in args[1:] if arg is not None)]
    return [what, *(arg for arg in args if not isinstance(arg, (int, float)))]


def quits(outputs: list[Any]) -> bool:
    """Return whether the session says `quit`."""
    return any(output[0] == "send" and output[1].get("verb") == "quit" for output in outputs)


def in_order(outputs: list[Any]) -> list[Any]:
    """Return outputs line by line, without exit statuses: what is sent, what else is done, and what became of lines.

    Each of the three is in order by itself: the client sends after its turn, the page in it.
    """
    sends: list[Any] = []
    deeds, fates = [], []
    for what, *rest in json.loads(json.dumps(outputs)):
        if what == "fate":
            fates += [[what, rest[0], rest[1] + at, 1] for at in range(rest[2])]
        elif what == "send" and rest[0].get("verb") == "say" and "text" in rest[0]:
            for at, text in enumerate(rest[0].pop("text").split("\n")):
                sends.append([what, {**rest[0], "n": rest[0]["n"] + at, "text": text}])
                rest[0].pop("gap", None)
        elif what in ("send", "hello"):
            sends.append(["send", *rest])
        elif what == "show":
            deeds.append([what, rest[0]])
        else:
            deeds.append([what, *rest[-SHORT[what] :]] if what in SHORT else [what, *rest])
    return sends + deeds + sorted(fates)
