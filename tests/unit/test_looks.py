"""The tables of looks in lab/README.md name every look and every tree, and tests that are there."""

from __future__ import annotations

import re

from lab.looks import LOOKS
from tests.support.distribution_trees import TREES
from tests.support.paths import ROOT

PAGE = (ROOT / "lab" / "README.md").read_text().partition("\n## Looks\n")[2].partition("\n## ")[0]


def first_cells(table: str) -> list[str]:
    return [name for row in table.splitlines() for name in re.findall(r"`([\w-]+)`", row.split(" | ")[0])]


def test_every_look_and_every_tree_is_named() -> None:
    looks, trees = PAGE.split("| tree of files |")
    assert first_cells(looks.partition("| look of a node |")[2]) == list(LOOKS)
    assert set(first_cells(trees.partition("\n\n")[0])) == set(TREES)


def test_the_named_tests_are_there() -> None:
    files = re.findall(r"`(?:tests/\w+/)?(test_\w+\.py)`", PAGE)
    assert len(files) >= 5
    assert not [file for file in files if not list((ROOT / "tests").glob(f"*/{file}"))]
