"""However it is installed, `twistd` knows `chatterbox`, and the hub that it runs relays a line.

Nothing here needs a network: the fresh environments borrow what Chatterbox depends on from the one that runs the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.edges.page import the_page
from docs.tools import share
from tests.harness.hardship import talk
from tests.harness.processes import ROOT, Hub

TWISTD = ("-c", "from twisted.scripts.twistd import run; run()")
"""The arguments that make a Python be `twistd`, where Twisted is borrowed and its script isn't there."""
NOT_SOURCE = shutil.ignore_patterns(
    *(".git", ".venv", ".tox", ".hypothesis", ".benchmarks", ".*_cache", "__pycache__", "_trial_temp*"),
    *("*.egg-info", "build", "dist", "*.pem", "*.sock*"),
)
BUILD_TIME = 300.0
"""Seconds after which a command is given up: far more than any machine needs to build a wheel."""


def run(*command: str | Path, cwd: Path, path: str = "") -> str:
    """Run a command to its end in a clean environment and return its output; `path` is its PYTHONPATH."""
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=_environment(path), stdout=-1, stderr=-2, text=True, timeout=BUILD_TIME
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def _environment(path: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    return clean | ({"PYTHONPATH": path} if path else {})


class Installed(SynchronousTestCase):
    """Wheel, sdist, editable install and bare checkout, each from a copy of this one."""

    def setUp(self) -> None:
        """Copy the checkout, so that building leaves nothing behind in it."""
        self.place = Path(mkdtemp())
        self.addCleanup(shutil.rmtree, self.place)
        self.source = self.place / "source"
        shutil.copytree(ROOT, self.source, ignore=NOT_SOURCE)

    def test_sdist_and_wheel(self) -> None:
        """A wheel that is built from the sdist runs in a fresh environment; the sdist has all that a reader needs."""
        self._need_builders()
        run(sys.executable, "-m", "build", "--no-isolation", cwd=self.source)
        dist = self.source / "dist"
        with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
            names = {name.partition("/")[2] for name in sdist.getnames()}
        wanted = {"LICENSE", "README.md", "Makefile", "docs/protocol.md", ".ci/run", "tests/slow/test_packaging.py"}
        self.assertEqual(wanted - names, set())
        with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
            inside = {name.partition("/data/")[2] or name for name in wheel.namelist()}
        self.assertEqual({"chatterbox/py.typed", *(f"share/{name}" for name in share.files())} - inside, set())
        python = self._fresh_environment()
        self._install(python, next(dist.glob("*.whl")))
        home = run(python, "-c", "import chatterbox; print(chatterbox.__file__)", cwd=self.place)
        self.assertTrue(home.startswith(str(self.place / "fresh")), home)
        self.assertIn("chatterbox serve", run(python.parent / "chatterbox", "serve", "--help", cwd=self.place))
        page = run(python, "-c", "from chatterbox.edges.page import the_page; print(the_page().etag)", cwd=self.place)
        self.assertEqual(page.strip(), the_page().etag)
        self._serves(python)

    def test_editable_install(self) -> None:
        """After `pip install -e .` the plugin is found, too: Twisted looks for it in folders, not through importers."""
        self._need_builders()
        python = self._fresh_environment()
        self._install(python, "--no-build-isolation", "-e", self.source)
        home = run(python, "-c", "import chatterbox; print(chatterbox.__file__)", cwd=self.place)
        self.assertTrue(home.startswith(str(self.source)), home)
        self._serves(python)

    def test_checkout_that_is_not_installed(self) -> None:
        """`PYTHONPATH=. twistd` is enough."""
        self._serves(self._fresh_environment(), path=str(self.source))

    # -- how ---------------------------------------------------------------------------------------------------

    def _need_builders(self) -> None:
        """Skip where the test requirements of setup.cfg are not installed; setuptools makes wheels since 70.1."""
        if not find_spec("build") or tuple(map(int, version("setuptools").split(".")[:2])) < (70, 1):
            raise SkipTest("needs build and setuptools>=70.1: pip install -e '.[test]'")

    def _fresh_environment(self) -> Path:
        """Return the Python of a new environment in which there is no Chatterbox."""
        fresh = self.place / "fresh"
        venv.create(fresh, symlinks=True)
        site = next(fresh.glob("lib/python*/site-packages"))
        borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (site / "borrowed.pth").write_text("\n".join(borrowed))
        return fresh / "bin" / "python"

    def _install(self, python: Path, *what: str | Path) -> None:
        pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", "-I")
        run(*pip, *what, cwd=self.place)

    def _serves(self, python: Path, path: str = "") -> None:
        """Assert that `twistd` lists `chatterbox`, and that what it runs takes a line from one end to the other."""
        self.assertIn("A small chat server", run(python, *TWISTD, "--help", cwd=self.place, path=path))
        command = [str(python), *TWISTD, "-n", "--pidfile=", "chatterbox", "--port"]
        with Hub(command=command, env=_environment(path)) as hub:
            talk(*hub.pair())
