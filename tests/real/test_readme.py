"""The documents say what is so: their commands are parsed or run, and what they list is compared with the code."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import SkipTest, mock

from twisted.scripts.twistd import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

from chatterbox.client import options as client
from chatterbox.client import shots
from chatterbox.core.modes import MODES
from chatterbox.options import ServeOptions
from tests.harness.ends import DEADLINE
from tests.harness.processes import ROOT, Hub, environment, until

README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
CLIENT = ROOT / "docs" / "client.md"
RUNNING = ROOT / "docs" / "running.md"
DOCUMENTS = [README, CONTRIBUTING, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"^([A-Z]+) \?=", MAKEFILE, re.MULTILINE))

# -- what a document holds ------------------------------------------------------------------------------------


def blocks(document: Path, kind: str) -> list[str]:
    """Return the fenced blocks of a kind, with continued lines joined."""
    found = re.findall(rf"^```{kind}\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)
    return [block.replace("\\\n", " ") for block in found]


def spans(document: Path) -> list[str]:
    """Return what stands between single backquotes outside of blocks."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


def commands(document: Path) -> Iterator[list[str]]:
    """Yield the words of each command, without what the shell takes for itself."""
    lines = "\n".join(blocks(document, "sh")).splitlines()
    lines += re.findall(r"^ExecStart=(.*)$", "\n".join(blocks(document, "ini")), re.MULTILINE)
    lines += [span for span in spans(document) if re.match(r"(make|chatterbox|twistd|python)( |$)", span)]
    for line in lines:
        words = shlex.split(re.split(r" \d?[<>&|]", line)[0], comments=True)
        while words and re.match(r"\w+=", words[0]):
            words = words[1:]
        if words:
            yield words


def section(document: Path, heading: str) -> str:
    """Return what stands under a heading."""
    return document.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(document: Path, heading: str) -> list[list[str]]:
    """Return the cells of a document's table rows under a heading, without each table's head."""
    cells = [
        [cell.strip() for cell in line[1:-1].split("|")]
        for line in section(document, heading).splitlines()
        if line[:1] == "|"
    ]
    heads = {n + step for n, row in enumerate(cells) if set(row) == {"---"} for step in (-1, 0)}
    return [row for n, row in enumerate(cells) if n not in heads]


def help_of_client() -> str:
    """Return what the client's `--help` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        client.parse(["--help"])
    return out.getvalue()


def help_of_shots() -> str:
    """Return what `--help` of `send`, `recv` and `ask` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        for verb in shots.SHOTS:
            with contextlib.suppress(SystemExit):
                shots.parse(verb, ["--help"])
    return out.getvalue()


# -- what the project would make of a command -----------------------------------------------------------------


def understand(words: list[str]) -> None:
    """Let the project's own parsers read a command; one that isn't the project's is passed over.

    Raises:
        SystemExit, usage.UsageError, ValueError: it isn't understood.
    """
    if "chatterbox" in words[1:] and Path(words[0]).name == "unshare":
        understand(words[words.index("chatterbox") :])
    elif Path(words[0]).name == "twistd":
        ServerOptions().parseOptions(words[1:])
    elif words[0] == "make":
        _understand_make(words[1:])
    elif words[:2] == ["chatterbox", "serve"]:
        _understand_serve(words[2:])
    elif words[:4] == ["python", "-m", "chatterbox", "serve"]:
        _understand_serve(words[4:])
    elif words[:1] == ["chatterbox"] and words[1:2] and words[1] in shots.SHOTS:
        around = "" if words[2:] and not words[2].startswith("-") else "hub.example.org"
        with mock.patch.dict(os.environ, CHATTERBOX_HUB=around):
            shots.parse(words[1], words[2:])
    elif words[:1] == ["chatterbox"]:
        _understand_join(words[1:])
    elif words[:3] == ["python", "-m", "chatterbox.client"]:
        _understand_join(words[3:])


def _understand_join(words: list[str]) -> None:
    try:
        client.parse(words)
    except SystemExit as done:
        if done.code:
            raise


def _understand_serve(words: list[str]) -> None:
    if words != ["--help"]:
        ServeOptions().parseOptions(["--port", *words] if words and words[0].isdigit() else words)


def _understand_make(words: list[str]) -> None:
    values = dict(word.partition("=")[::2] for word in words if "=" in word)
    targets = [word for word in words if "=" not in word]
    if set(targets) - TARGETS or set(values) - VARIABLES:
        raise ValueError("the Makefile has no such target or variable")
    args = shlex.split(values.get("ARGS", ""))
    if targets == ["serve"]:
        _understand_serve(["--port", values.get("PORT", "5000"), *args])
    elif targets == ["chat"]:
        client.parse([values.get("HUB", ""), *args])


class Documents(SynchronousTestCase):
    """README, CONTRIBUTING and the pages in `docs`."""

    def test_every_command_is_understood(self) -> None:
        """Each command line in a document is one that the project's own parsers take."""
        for document in DOCUMENTS:
            for words in commands(document):
                try:
                    understand(words)
                except (Exception, SystemExit) as fault:
                    self.fail(f"{document.name}: {shlex.join(words)}: {fault}")

    def test_every_option_exists(self) -> None:
        """An option that a document names is in somebody's `--help`."""
        known = set(re.findall(r"--[a-z-]+", f"{ServeOptions()} {ServerOptions()} {help_of_client()} {help_of_shots()}"))
        for document in DOCUMENTS:
            named = {option for span in spans(document) for option in re.findall(r"^--[a-z-]+", span)}
            self.assertEqual(named - known, set(), document.name)

    def test_every_link_and_path_leads_somewhere(self) -> None:
        """A relative link, and a file that is named by its path, exist."""
        for document in DOCUMENTS:
            links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
            self.assertEqual([link for link in links if not (document.parent / link).exists()], [], document.name)
            paths = [s for s in spans(document) if re.fullmatch(r"[\w.*-]+(/[\w.*-]+)+", s) and s[:1] != "."]
            self.assertEqual([path for path in paths if not list(ROOT.glob(path))], [], document.name)


class Readme(SynchronousTestCase):
    """What README lists, beside the code."""

    def test_the_map_has_a_line_for_each_wing(self) -> None:
        """The map names each folder of the package, and nothing that is gone."""
        mapped = [name.strip("`") for name, _ in rows(CONTRIBUTING, "The map")]
        wings = {f"chatterbox/{path.parent.name}/" for path in (ROOT / "chatterbox").glob("*/__init__.py")}
        self.assertEqual({name for name in mapped if name.endswith("/")}, wings)
        self.assertEqual([name for name in mapped if not (ROOT / name).exists()], [])

    def test_the_table_of_modes_is_the_code_s(self) -> None:
        """README and `modes.MODES` agree in every column."""
        told = [[cell.replace("`", "") for cell in row] for row in rows(README, "Modes")]
        here = [
            [m.name, m.purpose, str(m.seats or "any"), m.label, "yes" if m.echo else "no", " ".join(m.farewell)]
            for m in MODES.values()
        ]
        self.assertEqual(told, here)

    def test_every_mode_has_its_place_in_the_classroom(self) -> None:
        """Each mode starts a hub in `docs/classroom.md`, which has a section for each exercise in its table."""
        page = ROOT / "docs" / "classroom.md"
        modes = {words[words.index("--mode") + 1] for words in commands(page) if "--mode" in words}
        self.assertEqual(modes | {"pair"}, set(MODES))
        linked = re.findall(r"\]\(#([a-z0-9-]+)\)", page.read_text())
        heads = [
            head.lower().replace(",", "").replace(" ", "-")
            for head in re.findall(r"^## (\d.*)$", page.read_text(), re.M)
        ]
        self.assertEqual(linked, heads)

    def test_the_exit_statuses_are_the_client_s(self) -> None:
        """The client's page lists the statuses that the client's `--help` lists."""
        listed = [status for cells in rows(CLIENT, "Exit statuses") for status in cells[0].split(", ")]
        self.assertEqual(listed, re.findall(r"^  (\d+) ", help_of_client(), re.MULTILINE))

    def test_make_help_lists_every_target(self) -> None:
        """`make help` has a line for each command that the Makefile offers."""
        listed = set(re.findall(r"@echo 'make ([\w-]+)", MAKEFILE))
        offered = set(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split())
        self.assertEqual(listed | {"help"}, offered)

    def test_tls_and_a_unix_socket(self) -> None:
        """The commands in `docs/running.md` make a hub at which TLS and a unix socket meet."""
        script = next(block for block in blocks(RUNNING, "sh") if "openssl req" in block)
        certify, _, serve = script.partition("chatterbox serve ")
        if not shutil.which("openssl"):
            raise SkipTest("openssl is not installed")
        with TemporaryDirectory() as folder:
            place = Path(folder)
            self._hears(self._sh(place, certify))
            ports = ["--port", "unix:chat.sock:mode=660", *serve.replace(":5001:", ":0:").split()]
            with Hub(*ports, place=place) as hub:
                until(lambda: (place / "chat.sock").is_socket() and hub.log.count("listening on") == 3)
                (port,) = set(re.findall(r"listening on \S+:(\d+)", hub.log)) - {str(hub.port)}
                join = next(block for block in blocks(RUNNING, "sh") if "trustRoots" in block).splitlines()[0]
                ann = self._sh(place, f"echo hi | {join.replace('5001', port)}")
                hub.logs(" joined ")
                bob = self._sh(place, "echo ho | chatterbox unix:chat.sock")
                self.assertEqual((self._hears(ann), self._hears(bob)), ("ho\n", "hi\n"))

    # -- how ---------------------------------------------------------------------------------------------------

    def _sh(self, place: Path, script: str) -> subprocess.Popen[str]:
        return shell(place, script)

    def _hears(self, script: subprocess.Popen[str]) -> str:
        """Wait for a script's end; return what it has printed."""
        out, err = script.communicate(timeout=DEADLINE)
        self.assertEqual(script.returncode, 0, err)
        return out


def shell(place: Path, script: str) -> subprocess.Popen[str]:
    """Run a script in which `chatterbox` is this checkout's."""
    here = f'chatterbox() {{ "{sys.executable}" -m chatterbox "$@"; }}\n'
    pipe = subprocess.PIPE
    words = ["sh", "-c", here + script]
    return subprocess.Popen(
        words, cwd=place, env=environment(), stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


class Newcomer(SynchronousTestCase):
    """README's commands, one after the other, as somebody types them who knows only what stands above each."""

    def test_twenty_seconds_and_the_recipes(self) -> None:
        """Every block runs as it stands, but for the hub's address, and does what the text around it says."""
        left = [block for head in ("Twenty seconds", "Four recipes") for block in self._blocks(head)]
        with Hub() as hub:
            (hub.place / "Makefile").write_text("all:\n\t@echo one\n\t@echo two >&2\n")

            def types(part: str) -> subprocess.Popen[str]:
                block = next(block for block in left if part in block)
                left.remove(block)
                started = shell(hub.place, block.replace("127.0.0.1:5000", f"127.0.0.1:{hub.port}"))
                self.addCleanup(self._ends, started)
                return started

            self.assertIn("serve --local\n", left.pop(0))
            self.assertIn("serve --local --web\n", left.pop(-1))
            self.assertEqual(left.pop(0), "ssh -N -L 5000:127.0.0.1:5000 hub.example.org\n")
            ann = types("--name ann")
            reader = types("recv")
            answers = types("mkfifo")
            hub.logs(" joined ", 3)
            writer, asker = types("make 2>&1"), types("ask")
            self.assertEqual(left, [])
            self.assertEqual((writer.communicate(timeout=DEADLINE)[0], writer.returncode), ("", 0))
            for line in ("one\n", "two\n"):
                self.assertEqual(reader.stdout and reader.stdout.readline(), line)
            told = asker.communicate(timeout=DEADLINE)[0]
            self.assertRegex(told, r"^.*\d\d:\d\d:\d\d.*\n$")
            self.assertEqual(asker.returncode, 0)
            self.assertIsNone(answers.poll(), "it waits for the next")
            bob = hub.peer(room="tea")
            assert ann.stdin
            ann.stdin.write("hello\n")
            ann.stdin.flush()
            bob.hears("hello")

    def _blocks(self, heading: str) -> list[str]:
        return re.findall(r"^```sh\n(.*?)^```$", section(README, heading), re.MULTILINE | re.DOTALL)

    def _ends(self, script: subprocess.Popen[str]) -> None:
        """End a script that goes on until somebody ends it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(script.pid, signal.SIGKILL)
        script.communicate()
