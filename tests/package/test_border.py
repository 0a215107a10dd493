"""Who may import whom: `lab, tests -> operations -> components`, read from the files, whatever is installed."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.checkouts import git
from tests.support.paths import COMPONENTS, ROOT

TOOLS = ROOT / "operations"
OWN = {"multus", "multus_ops", "lab", "tests"}


def imported(text: str) -> set[str]:
    """The top-level names of every absolute import, also of one inside a function."""
    names: set[str] = set()
    for statement in ast.walk(ast.parse(text)):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.level == 0:
            names.add(statement.module or "")
    return {name.split(".")[0] for name in names}


def imported_below(folder: Path) -> dict[str, set[str]]:
    """What every Python file below a folder imports besides the standard library."""
    return {
        str(file.relative_to(ROOT)): imported(file.read_text(encoding="utf-8")) - sys.stdlib_module_names
        for file in sorted(folder.rglob("*.py"))
    }


def all_of(found: dict[str, set[str]]) -> set[str]:
    return set().union(*found.values())


def outside(found: dict[str, set[str]], allowed: set[str]) -> dict[str, set[str]]:
    """The files that import more than they may, with what that is."""
    return {file: names - allowed for file, names in found.items() if names - allowed}


def distributions(requirements: Iterable[str]) -> set[str]:
    """The names of requirements, without versions and comments."""
    names = (re.match(r"[A-Za-z0-9._-]+", line) for line in requirements)
    return {_normal(match[0]) for match in names if match}


def modules_of(wanted: set[str]) -> set[str]:
    """The modules that these distributions install."""
    return {module for module, names in installed().items() if names & wanted}


@cache
def installed() -> Mapping[str, set[str]]:
    """The distributions of every top-level module that is installed here."""
    return {module: {_normal(name) for name in names} for module, names in packages_distributions().items()}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def requirements() -> set[str]:
    """What the component may need."""
    return distributions((COMPONENTS / "requirements.txt").read_text(encoding="utf-8").splitlines())


def test_the_component_needs_four_packages(requirements: set[str]) -> None:
    assert requirements == {"pulumi", "pulumi-kubernetes", "pulumi-command", "pydantic"}


def test_the_component_imports_its_requirements_and_itself(requirements: set[str]) -> None:
    found = imported_below(COMPONENTS / "multus")
    assert len(found) > 15
    assert outside(found, modules_of(requirements) | {"multus"}) == {}
    assert {name.replace("-", "_") for name in requirements} <= all_of(found)


def test_the_plugin_and_the_program_import_the_same(requirements: set[str]) -> None:
    for program in (COMPONENTS / "__main__.py", ROOT / "__main__.py"):
        found = imported(program.read_text(encoding="utf-8"))
        assert found <= modules_of(requirements) | {"multus"}, program


def test_the_tools_import_what_they_declare() -> None:
    declared = tomllib.loads((TOOLS / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    found = imported_below(TOOLS / "multus_ops")
    wanted = distributions(declared)
    assert outside(found, modules_of(wanted) | {"multus", "multus_ops"}) == {}
    # Nothing is declared for nobody; the tools' use of Pulumi is its command line.
    used = set().union(*(installed()[module] for module in all_of(found) - OWN))
    assert wanted - {"multus-component"} <= used


def test_the_lab_knows_neither_the_component_nor_the_tests() -> None:
    found = imported_below(ROOT / "lab")
    assert found
    assert {file: names & (OWN - {"lab"}) for file, names in found.items() if names & (OWN - {"lab"})} == {}


def test_examples_import_the_component_as_a_users_program_does(requirements: set[str]) -> None:
    found = imported_below(ROOT / "examples")
    assert outside(found, modules_of(requirements) | {"multus"}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "import rich.table",
        "from rich import print",
        "def f():\n    import rich\n",
        "try:\n    import rich\nfinally:\n    pass",
    ],
)
def test_an_import_is_seen_wherever_it_stands(text: str) -> None:
    assert imported(text) == {"rich"}


def test_an_import_of_a_neighbour_is_none_from_outside() -> None:
    assert imported("from .rich import table\nfrom . import rich") == set()


def test_the_repository_has_no_symlink() -> None:
    """Pulumi's git plugins carry links as links, and some systems need a privilege to make one."""
    assert [line for line in git(ROOT, "ls-files", "--stage").splitlines() if line.startswith("120000")] == []
