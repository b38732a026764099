"""What is made of something else is as it would be made again: the man page, the completions, the picture."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.options import ServeOptions
from docs.tools import picture, share
from docs.tools.commands import commands
from tests.harness.processes import ROOT


class Made(SynchronousTestCase):
    """Files in `docs/share` and `docs/pictures`; `make pages` makes them again."""

    def test_the_shared_files_are_the_parsers(self) -> None:
        """Each file is what the parsers of today make."""
        for name, text in share.files().items():
            self.assertEqual((share.FOLDER / name).read_text(), text, f"{name}: make pages")

    def test_every_option_is_in_each(self) -> None:
        """The reading of the parsers has missed no option that their help has."""
        (serve,) = [command for command in commands() if command.name == "serve"]
        flags = {flag for option in serve.options for flag in option.flags}
        told = set(re.findall(r"^ {2,6}(?:-\w, )?(--[a-z-]+)", str(ServeOptions()), re.MULTILINE))
        self.assertEqual(told - flags, set())
        self.assertIn("--mode", told)

    def test_the_wheel_installs_them(self) -> None:
        """`setup.cfg` names each file, in the folder where a system looks for it."""
        for name in share.files():
            self.assertIn(f"share/{name.rpartition('/')[0]} = docs/share/{name}", (ROOT / "setup.cfg").read_text())

    def test_bash_completes(self) -> None:
        """In bash, the first word may be a command, and a mode is one of the modes."""
        if not shutil.which("bash"):
            raise SkipTest("no bash here")
        script = f"source {share.FOLDER}/bash-completion/completions/chatterbox\n"
        for words in ("chatterbox se", "chatterbox serve --mode d", "chatterbox ask --na"):
            typed = words.split()
            script += f"COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; _chatterbox; echo ${{COMPREPLY[@]}}\n"
        offered = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
        self.assertEqual(offered, "send serve\nduet\n--name\n")

    def test_the_other_shells_read_theirs(self) -> None:
        """zsh and fish find no fault in their files, and man formats the page."""
        page = share.FOLDER / "man/man1/chatterbox.1"
        for command in (
            ["zsh", "-n", str(share.FOLDER / "zsh/site-functions/_chatterbox")],
            ["fish", "-n", str(share.FOLDER / "fish/vendor_completions.d/chatterbox.fish")],
            ["man", "--warnings", "-l", str(page)],
        ):
            if shutil.which(command[0]):
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                self.assertEqual(done.stderr, "", command)

    def test_the_picture_is_the_recording(self) -> None:
        """The picture in README is what the stored recording makes."""
        recording = json.loads((picture.PICTURES / "two-terminals.json").read_text())
        drawn = picture.draw(recording)
        self.assertTrue(drawn == (picture.PICTURES / "two-terminals.svg").read_text(), "make pages")
        self.assertNotIn("<script", drawn)
