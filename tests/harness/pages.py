"""Pages name tests as `test_module.test_name`: this module finds them, in whichever folder they are."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def exists(module: str, test: str) -> bool:
    """Return whether a file called `module` has the test `test`."""
    return any(f"    def {test}(" in path.read_text() for path in TESTS.rglob(f"{module}.py"))
