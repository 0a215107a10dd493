"""What is written from code is committed as it has to be."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from generate import CHART, ROOT
from generate.files import GENERATED


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_generated_file_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == GENERATED[path](), "run `make generate` and commit the result"


def test_every_file_that_says_so_is_generated() -> None:
    mark = "ritten by `make generate`"
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "charts", "components", "docs"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    found = [ROOT / name for name in listed if name and (ROOT / name).suffix in (".json", ".md", ".tpl", ".yaml")]
    assert {path for path in found if path.is_file() and mark in path.read_text(encoding="utf-8")} <= set(GENERATED)


def test_every_values_file_is_generated() -> None:
    assert set(CHART.glob("values-*.yaml")) < set(GENERATED)
