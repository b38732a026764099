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
from chatterbox.wire.names import fold as names_fold
from chatterbox.wire.names import mentions
from tests.harness.ends import DEADLINE
from tests.harness.session_calls import vector
from tests.harness.session_pages import Json, as_a_page, in_order
from tests.harness.session_vectors import load

NODE = """
const fs = require("fs"), vm = require("vm");
const {script, vectors} = JSON.parse(fs.readFileSync(0, "utf8"));
const session = new vm.Script(script + "; Math.random = () => 1");

function play({options, steps}) {
    let said, time = 0, ahead = 0;
    const output = what => (...rest) => { said.push([what, ...rest]); }, on = ["send", "missed", "drop", "exit"];
    const page = vm.createContext({TextEncoder, ...Object.fromEntries(on.map(what => [what, output(what)])),
        Date: {now: () => (time + ahead) * 1000},
        now: () => time,
        show: event => said.push(["show", event]),
        fate: (mark, fate) => said.push(["fate", fate, mark, 1]),
        connectIn: seconds => said.push(["connect", Math.round(seconds * 1e6) / 1e6]),
    });
    session.runInContext(page);
    vm.runInContext("mine => Object.assign(my, mine)", page)({...options, secret: "0123456789abcdef0123456789abcdef", wantName: options.name});
    return steps.map(([[what, ...args], , moment]) => {
        said = [];
        time = moment;
        if (what === "tick" && args.length) ahead = args.pop() - time;
        page[what](...args);
        if (what === "heard") page.acknowledge();
        for (const output of said) if (output[0] === "show" && output[1] === args[0]) output[1] = "it";
        return said;
    });
}
process.stdout.write(JSON.stringify(vectors.map(play)));
"""
"""Plays the calls of every vector; tells what came of each."""


FOLD = """
const {fold, isCall, names} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const page = new Function("text", "my", `const ${fold}; return [fold(text), ${isCall}];`);
process.stdout.write(JSON.stringify(names.map(([text, name]) => page(text, {name}))));
"""
"""Folds the first of each pair as the page does; tells whether it mentions the second."""


def script() -> str:
    """Return the half of the page's script that knows no page."""
    found = re.search(r"<script>(.*)// From here on: the page", the_page().html.decode(), re.DOTALL)
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
        self._holds(load(), 20)

    def test_it_does_what_the_client_does(self) -> None:
        """Whatever happens, in any order: 500 sessions of up to 40 calls want the same done in both languages."""
        self._holds([vector(seed) for seed in range(700)], 500)

    def _holds(self, vectors: list[Json], pages: int) -> None:
        """See that a page does so in each of them that has a page, which are so many at least."""
        paged = [page for page in map(as_a_page, vectors) if page]
        self.assertGreater(len(paged), pages)
        for wanted, found in zip(paged, node(NODE, {"script": script(), "vectors": paged})):
            for (call, expected, _), outputs in zip(wanted["steps"], found):
                self.assertEqual(in_order(outputs), expected, f"{wanted['title']}: {call}")

    def test_nonsense_is_survived(self) -> None:
        """Keys that are missing or of another kind, wherever another end may have chosen them, raise nothing."""
        values = [None, True, -1, 0, 1, 3, 2**60, "", "x", "b" * 16, "__proto__", [], [7], {}, {"stream": 7}, 1.5]
        keys = "n gap got to text lines private stream own code finished".split()
        kinds = "joined back away left got pong said did told finished missing renamed error notice constructor".split()
        steps = [
            [["heard", {"event": kind, key: value, "stream": "b" * 16, "n": 1, "text": "hi"} | {key: value}], [], 1]
            for kind in kinds
            for key in keys
            for value in values
        ]
        welcome = {"event": "welcome", "seats": 2, "stream": "a" * 16, "room": "tea", "name": "ann", "ends": []}
        begin = [[["hello"], [], 0], [["heard", welcome], [], 0], [["say", ["hi"]], [], 0]]
        vectors = [{"title": "", "options": {}, "steps": [*begin, *steps]}]
        self.assertEqual(len(node(NODE, {"script": script(), "vectors": vectors})[0]), len(steps) + 3)


class Names(SynchronousTestCase):
    """Names are compared in a page as the hub compares them: composed (NFKC), and without case."""

    def test_one_name_in_several_spellings(self) -> None:
        """However a name is typed, the page folds it as the hub does, and finds it as a word of a line."""
        spellings = [
            ("Jose\u0301", "José"),
            ("JOSÉ", "José"),
            ("Ａｎｎ", "ann"),
            ("ﬁnn", "finn"),
            ("ΝΊΚΟΣ", "Νίκος"),
            ("ОЛЬГА", "Ольга"),
            ("हिन्दी", "हिन्दी"),
            ("𝒃𝒐𝒃", "bob"),
        ]
        html = the_page().html.decode()
        fold, is_call = re.search(r"fold = [^;]+", html), re.search(r"isCall = ([^;]+)", html)
        assert fold and is_call
        names = [*spellings, *((f"so, {typed}: hi", name) for typed, name in spellings), ("annie", "ann")]
        found = node(FOLD, {"fold": fold[0], "isCall": is_call[1], "names": names})
        for (typed, name), (folded, is_mentioned) in zip(names, found):
            self.assertEqual(is_mentioned, mentions(typed, name), typed)
            self.assertEqual(folded == name.lower(), names_fold(typed) == names_fold(name), typed)
