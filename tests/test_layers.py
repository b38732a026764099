"""Who may import whom, read from the source and judged by path (design: `docs/decisions/0012-wings.md`)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

PACKAGE = Path(__file__).resolve().parents[1] / "chatterbox"

FLOORS = "memory limits wire core connections cluster edges log options service cli __main__".split()
"""From the ground up: each may import what stands before it."""
PURE = frozenset("limits wire core connections cluster".split())
"""The standard library, and one another: no socket, no time, no chance; all that is handed in."""
WORLD = frozenset("twisted zope socket os time asyncio logging random signal".split())
"""What a pure wing must not see."""
CLIENT = frozenset("memory limits wire client".split())
"""What the client knows of the package: it is a stranger who speaks the wire."""


def wing_of(path: Path) -> str:
    """Return the wing of a file: its first folder, or its own name at the top."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, also those for type checkers only: ours as `chatterbox.wing.module`."""
    package = ["chatterbox", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


FILES = sorted(PACKAGE.rglob("*.py"))
IMPORTS = {path: set(imports(path)) for path in FILES}


def modules_of_ours(path: Path) -> set[Path]:
    """Return the files of the package that the file at `path` imports."""
    found = set()
    for name in IMPORTS[path]:
        parts = name.split(".")[1:] if name.startswith("chatterbox.") else []
        for end in (len(parts), len(parts) - 1):
            place = PACKAGE.joinpath(*parts[:end]) if end > 0 else PACKAGE / "nothing"
            if place.with_suffix(".py").is_file():
                found.add(place.with_suffix(".py"))
                break
    return found - {path}


class Layers(SynchronousTestCase):
    """The layout is the architecture: a file that breaks it fails here, by name."""

    def test_imports_go_one_way(self) -> None:
        """A wing imports what stands below it, and itself."""
        for path in FILES:
            wing = wing_of(path)
            if wing in FLOORS:
                above = set(FLOORS[FLOORS.index(wing) + 1 :]) | ({"client"} if wing != "cli" else set())
                self.assertEqual({wing_of(other) for other in modules_of_ours(path)} & above, set(), str(path))

    def test_every_file_has_its_wing(self) -> None:
        """There is no file outside the wings and the floors above them."""
        self.assertEqual({wing_of(path) for path in FILES} - set(FLOORS) - {"client", "__init__"}, set())

    def test_pure_wings_see_no_world(self) -> None:
        """Below the edges nobody knows Twisted, sockets, clocks or chance."""
        allowed = (sys.stdlib_module_names - WORLD) | {"chatterbox", "stringzilla"}  # which looks at bytes only
        for path in FILES:
            if wing_of(path) in PURE:
                self.assertEqual({name.split(".")[0] for name in IMPORTS[path]} - allowed, set(), str(path))

    def test_the_client_is_a_stranger_who_speaks_the_wire(self) -> None:
        """Of what speaks it imports the wire and the limits alone, as any stranger who read the protocol could."""
        for path in FILES:
            if wing_of(path) == "client":
                self.assertEqual({wing_of(other) for other in modules_of_ours(path)} - CLIENT, set(), str(path))

    def test_there_is_no_circle(self) -> None:
        """No file imports itself by way of others, be it for type checkers only."""
        above: dict[Path, set[Path]] = {path: modules_of_ours(path) for path in FILES}
        while free := [path for path, others in above.items() if not others]:
            for path in free:
                del above[path]
            for others in above.values():
                others.difference_update(free)
        self.assertEqual([str(path.relative_to(PACKAGE)) for path in above], [])

    def test_the_spelling_shows_the_layer(self) -> None:
        """camelCase means that Twisted calls it: the pure wings define none, but for the seams that they declare."""
        for path in FILES:
            if wing_of(path) in PURE:
                self.assertEqual(set(_camel_cased(ast.parse(path.read_text()))), set(), str(path))

    def test_every_module_says_what_it_is(self) -> None:
        """A module opens with the sentence that defines its noun."""
        self.assertEqual([str(path) for path in FILES if not ast.get_docstring(ast.parse(path.read_text()))], [])

    def test_no_file_is_long(self) -> None:
        """No file has more than 400 lines, of the tests and the benchmarks neither."""
        house = PACKAGE.parent
        files = [path for folder in ("chatterbox", "tests", "benchmarks", "docs") for path in house.glob(f"{folder}/**/*.py")]
        self.assertGreater(len(files), len(FILES))
        self.assertEqual([str(path) for path in files if path.read_text().count("\n") > 400], [])


def _camel_cased(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases):
            continue
        if isinstance(node, ast.FunctionDef) and node.name != node.name.lower():
            yield node.name
        yield from _camel_cased(node)
