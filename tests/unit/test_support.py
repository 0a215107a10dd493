"""A test module is nobody's library: what tests share has its place in tests/support."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

TEST_MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.glob("tests/**/test_*.py")}
MODULES = sorted(ROOT.glob("tests/**/*.py"))


def imported(text: str, package: tuple[str, ...]) -> Iterator[str]:
    """Every module, and every name that might be one, that a module of this package imports."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_no_test_module_is_imported(path: Path) -> None:
    found = imported(path.read_text(encoding="utf-8"), path.relative_to(ROOT).parent.parts)
    assert not TEST_MODULES & set(found)


@pytest.mark.parametrize(
    "text",
    [
        "from .test_a import x",
        "from . import test_a",
        "from ..lab.test_a import x",
        "from tests.lab import test_a",
        "import tests.lab.test_a",
        "def f():\n    from tests.lab.test_a import x",
    ],
)
def test_every_way_to_import_is_seen(text: str) -> None:
    assert "tests.lab.test_a" in set(imported(text, ("tests", "lab")))
