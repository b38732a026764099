"""Who may import whom, read from the source (`docs/decisions`; the rules are the layout's)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

PACKAGE = Path(__file__).resolve().parent.parent / "chatterbox"

PURE = frozenset(
    "wire limits modes dialects rules room peer inlet outlet hub telnet terminal keys bare sources narration arrival commands events".split()
)
"""The core and what the client shares with it: the standard library, and one another."""
SKINS = frozenset("protocol transport client console journal".split())
"""Where Twisted meets the pure; none knows another."""
SHELL = frozenset("service cli __main__ __init__".split())
"""What puts it all together."""
WORLD = frozenset("twisted socket os time asyncio logging random".split())
"""What a pure module must not see: it gets time, chance and bytes handed to it."""


def module_of(path: Path) -> str:
    """Return the module that the file at `path` belongs to; the client's folder is one."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield what the file imports: our own modules by their first name with a dot before it, others by theirs."""
    tree = ast.parse(path.read_text())
    depth = len(path.relative_to(PACKAGE).parts)
    for node in _run(tree):
        if isinstance(node, ast.Import):
            yield from (_ours(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == depth:
            yield from (f".{name.partition('.')[0]}" for name in _targets(node))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [alias.name for alias in node.names] if node.module == "chatterbox" else [""]
            yield from (_ours(f"{node.module}.{name}") for name in names)


def _targets(node: ast.ImportFrom) -> list[str]:
    return [node.module] if node.module else [alias.name for alias in node.names]


def _ours(name: str) -> str:
    first, _, rest = name.partition(".")
    return f".{rest.partition('.')[0]}" if first == "chatterbox" else first


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes that run: what is imported for type checkers only doesn't count."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _run(node)


FILES = sorted(PACKAGE.rglob("*.py"))
IMPORTS = {path: set(imports(path)) for path in FILES}


def importers(of: str) -> set[str]:
    """Return the modules that import our module `of`."""
    return {module_of(path) for path, names in IMPORTS.items() if f".{of}" in names} - {of}


class Layers(SynchronousTestCase):
    """The layout is the architecture: a file that breaks it fails here, by name."""

    def test_every_module_has_its_place(self) -> None:
        """A new module is put into a layer before anything else is said about it."""
        self.assertEqual({module_of(path) for path in FILES} - PURE - SKINS - SHELL, set())

    def test_pure_modules_see_no_world(self) -> None:
        """Pure modules import the standard library without its world, and one another."""
        allowed = (sys.stdlib_module_names - WORLD) | {f".{name}" for name in PURE}
        faults = {path.name: names - allowed for path, names in IMPORTS.items() if module_of(path) in PURE}
        self.assertEqual({name: bad for name, bad in faults.items() if bad}, {})

    def test_skins_never_import_one_another(self) -> None:
        """Only the shell imports skins."""
        for skin in SKINS:
            self.assertEqual(importers(skin) - SHELL, set(), f"who imports {skin}")

    def test_nobody_imports_the_shell(self) -> None:
        """Nothing imports `service` but `cli` and the plugin, and nothing imports `cli` but `__main__`."""
        self.assertEqual(importers("service") - {"cli"}, set())
        self.assertEqual(importers("cli") - {"__main__"}, set())

    def test_the_client_is_a_stranger_who_speaks_wire(self) -> None:
        """`client` imports nothing of the hub's inside, as any `nc` user."""
        inside = {".hub", ".room", ".peer", ".rules", ".outlet", ".dialects"}
        for path, names in IMPORTS.items():
            if module_of(path) == "client":
                self.assertEqual(names & inside, set(), path.name)

    def test_room_and_peer_know_each_other_by_protocol(self) -> None:
        """A room imports neither peer nor hub, a peer no hub: the hub introduces them."""
        self.assertEqual(importers("peer") & {"room", "rules"}, set())
        self.assertEqual(importers("hub") & PURE, set())

    def test_the_spelling_shows_the_layer(self) -> None:
        """camelCase means that Twisted calls it: the pure core defines none, but for the seam it declares."""
        for path in FILES:
            if module_of(path) in PURE:
                self.assertEqual(set(_camel_cased(ast.parse(path.read_text()))), set(), path.name)

    def test_every_module_says_what_it_is(self) -> None:
        """A module opens with the sentence that defines its noun."""
        self.assertEqual([path.name for path in FILES if not ast.get_docstring(ast.parse(path.read_text()))], [])


def _camel_cased(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases):
            continue
        if isinstance(node, ast.FunctionDef) and node.name != node.name.lower():
            yield node.name
        yield from _camel_cased(node)
