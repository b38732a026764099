"""The recipes of `docs/client.md` do what the page says, in a shell, at a real hub."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import DEADLINE
from tests.harness.processes import ROOT, Hub, environment

PAGE = ROOT / "docs" / "client.md"
RECIPE = re.compile(r"^\*\*(?P<title>[^*]+)\*\*.*?^```sh\n(?P<script>.*?)^```\n\n```text\n(?P<output>.*?)^```$", re.M | re.S)


class Recipes(SynchronousTestCase):
    """What people copy."""

    def test_every_recipe_does_what_it_says(self) -> None:
        """Each script prints what stands below it."""
        recipes = list(RECIPE.finditer(PAGE.read_text()))
        self.assertEqual(len(recipes), PAGE.read_text().count("```sh"))
        with Hub() as hub, tempfile.TemporaryDirectory() as name:
            tools = Path(name, "bin")
            tools.mkdir()
            command = tools / "chatterbox"
            command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m chatterbox "$@"\n')
            command.chmod(0o755)
            env = environment(CHATTERBOX_HUB=f"127.0.0.1:{hub.port}")
            env["PATH"] = f"{tools}:{env['PATH']}"
            for number, recipe in enumerate(recipes):
                place = Path(name, str(number))
                place.mkdir()
                done = subprocess.run(
                    ["bash", "-c", recipe["script"]], cwd=place, env=env, capture_output=True, timeout=2 * DEADLINE
                )
                self.assertEqual(done.stdout.decode(), recipe["output"], f"{recipe['title']} {done.stderr.decode()}")
                self.assertNotIn(b"is taken: you are", done.stderr, "each name is free")
