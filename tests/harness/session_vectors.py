"""Session vectors: what a client's session does, step by step, as data that any language's client must pass.

`tests/wire/session_vectors.json` holds them. `python -m tests.harness.session_vectors` writes the outputs anew, from the
inputs that stand there: look at the difference before you keep it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chatterbox.client.outputs import Connect, Drop, Exit, Fate, Missed, Output, Send, Show
from chatterbox.client.patience import Patience
from chatterbox.client.resume import Resume

PAGE = Path(__file__).resolve().parents[1] / "wire" / "session_vectors.json"
Row = list[Any]


def make(options: dict[str, Any]) -> Resume:
    """Return the session that a vector begins with; its chance is always 1, so pauses are as long as they may be."""
    patience = Patience(lambda: 1.0, options.pop("first", None), options.pop("later", None))
    return Resume("0123456789abcdef0123456789abcdef", patience, **options)


def step(session: Resume, call: Row) -> list[Row]:
    """Make one call of `session`, and return what it wants done."""
    what, *args = call
    said: list[Row] = []
    if what == "say":
        session.say(args[0].encode() + b"\n", *args[1:])
    elif what == "hello":
        said = [["hello", session.hello(*args)]]
    else:
        getattr(session, what)(*args)
    for output in session.take():
        made = row(output)
        if what == "heard" and made[0] == "show" and made[1] == args[0]:
            made[1] = "it"  # the event as it was heard
        said.append(made)
    return said


def row(output: Output) -> Row:
    """Return an output as JSON has it."""
    values: dict[type, Any] = {
        Send: lambda o: ["send", o.verb],
        Show: lambda o: ["show", o.event, "numbered"] if o.thing else ["show", o.event],
        Fate: lambda o: ["fate", *o.outcome],
        Missed: lambda o: ["missed", *o],
        Connect: lambda o: ["connect", round(o.seconds, 6)],
        Drop: lambda o: ["drop"],
        Exit: lambda o: ["exit", *o],
    }
    made: Row = values[type(output)](output)
    return made


def replay(vector: dict[str, Any]) -> list[list[Row]]:
    """Play the calls of a vector; return its outputs, for each call."""
    session = make(dict(vector["options"]))
    return [step(session, call) for call, _ in vector["steps"]]


def load() -> list[dict[str, Any]]:
    """Return all vectors."""
    vectors: list[dict[str, Any]] = json.loads(PAGE.read_text())
    return vectors


def text_of(vectors: list[dict[str, Any]]) -> str:
    """Return the page: a vector's title and options, then one line for a call, and one for each output."""
    blocks = []
    for vector in vectors:
        steps = []
        for call, outputs in vector["steps"]:
            rows = ",\n".join("      " + json.dumps(output) for output in outputs)
            steps.append(f"    [{json.dumps(call)}, [\n{rows}]]" if rows else f"    [{json.dumps(call)}, []]")
        head = f'  {{"title": {json.dumps(vector["title"])}, "options": {json.dumps(vector["options"])}, "steps": [\n'
        blocks.append(head + ",\n".join(steps) + "\n  ]}")
    return "[\n" + ",\n".join(blocks) + "\n]\n"


if __name__ == "__main__":
    found = load()
    for vector in found:
        vector["steps"] = [[call, outputs] for (call, _), outputs in zip(vector["steps"], replay(vector))]
    PAGE.write_text(text_of(found))
