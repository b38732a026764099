"""The page's own script, run by node where there is one: its session does what every client's session does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.edges.page import the_page
from tests.harness.ends import DEADLINE
from tests.harness.session_calls import vector
from tests.harness.session_vectors import load

NODE = """
const fs = require("fs"), vm = require("vm");
const {script, vectors} = JSON.parse(fs.readFileSync(0, "utf8"));
const page = vm.createContext({TextEncoder});
vm.runInContext(script + "; globalThis.made = {Resume, Patience};", page);
const {Resume, Patience} = page.made;

function step(session, [what, ...args]) {
    const said = [];
    if (what === "say") session.say(args[0].split("\\n"), ...args.slice(1));
    else if (what === "hello") said.push(["hello", session.hello(...args)]);
    else session[what](...args);
    for (const [output, ...rest] of session.take()) {
        if (output === "connect") rest[0] = Math.round(rest[0] * 1e6) / 1e6;
        if (output === "show" && rest[0] === args[0]) rest[0] = "it";
        said.push([output, ...rest]);
    }
    return said;
}
process.stdout.write(JSON.stringify(vectors.map(({options, steps}) => {
    const {first = null, later = null, ...rest} = options;
    const session = new Resume("0123456789abcdef0123456789abcdef", new Patience(() => 1, first, later), rest);
    return steps.map(([call]) => step(session, call));
})));
"""
"""Plays the calls of every vector; tells what came of each."""


def script() -> str:
    """Return the page's script."""
    found = re.search(r"<script>(.*)</script>", the_page().html.decode(), re.DOTALL)
    assert found
    return found[1]


def node(program: str, given: object) -> Any:
    """Return what a program for node makes of `given`."""
    command = shutil.which("node") or shutil.which("nodejs")
    if not command:
        raise SkipTest("no node here")
    done = subprocess.run(
        [command, "-e", program], input=json.dumps(given).encode(), capture_output=True, timeout=DEADLINE
    )
    assert not done.returncode, done.stderr.decode()
    return json.loads(done.stdout)


class Vectors(SynchronousTestCase):
    """`tests/wire/session_vectors.json`, as the client's own session passes it."""

    def test_every_vector_holds(self) -> None:
        """Each call leads to these outputs, in this order, and to no others."""
        self._holds(load())

    def test_it_does_what_the_client_does(self) -> None:
        """Whatever happens, in any order: 500 sessions of up to 40 calls want the same done in both languages."""
        self._holds([vector(seed) for seed in range(500)])

    def _holds(self, vectors: list[dict[str, Any]]) -> None:
        for wanted, found in zip(vectors, node(NODE, {"script": script(), "vectors": vectors})):
            for (call, expected), outputs in zip(wanted["steps"], found):
                self.assertEqual(outputs, expected, f"{wanted['title']}: {call}")

    def test_nonsense_is_survived(self) -> None:
        """Keys that are missing or of another kind, for every event, raise nothing."""
        values = [None, True, -1, 0, 1, 3, 2**60, "", "x", "b" * 16, "__proto__", [], [7], {}, {"stream": 7}, 1.5]
        keys = (
            "room name seats stream grace ends n gap got to text lines private left own code max_line finished".split()
        )
        kinds = "welcome joined back away left got pong said did told finished missing renamed error notice constructor".split()
        steps = [
            [["heard", {"event": kind, key: value, "stream": "b" * 16, "n": 1, "text": "hi"} | {key: value}, 1], []]
            for kind in kinds
            for key in keys
            for value in values
        ]
        welcome = {"event": "welcome", "seats": 2, "stream": "a" * 16, "room": "tea", "name": "ann", "ends": []}
        begin = [[["hello", 0], []], [["heard", welcome, 0], []], [["say", "hi"], []]]
        vectors = [{"title": "", "options": {}, "steps": [*begin, *steps]}]
        self.assertEqual(len(node(NODE, {"script": script(), "vectors": vectors})[0]), len(steps) + 3)
