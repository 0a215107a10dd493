from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

CONFTEST = """\
from tests.conftest import pytest_runtest_makereport as report_skips  # noqa
from tests.support.lab.stories import pytest_runtest_makereport, pytest_runtest_setup  # noqa
"""
STORY = """\
import pytest
from tests.support.lab.cells import Cell

@pytest.fixture(scope="module", params=[Cell("k3s"), Cell("vanilla")], ids=str)
def lab(request):
    return request.param

def test_begins(lab):
    pass

def test_is_broken_on_one_cluster(lab):
    assert lab == Cell("vanilla")

def test_goes_on(lab):
    pass

def test_ends(lab):
    pass
"""
ELSEWHERE = "def test_of_no_story():\n    pass\n"


@pytest.mark.parametrize("ci", ["", "true"])
def test_what_comes_after_a_failure_in_a_story_is_skipped_and_nothing_else(tmp_path: Path, ci: str) -> None:
    """One fault is one failure, in CI too, where any other skip is a failure."""
    for name, text in (("conftest", CONFTEST), ("test_a_story", STORY), ("test_elsewhere", ELSEWHERE)):
        (tmp_path / f"{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--import-mode=importlib", tmp_path],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "1 failed, 6 passed, 2 skipped" in done.stdout
    assert "test_is_broken_on_one_cluster[k3s-1] has failed: the rest of its story is left out" in done.stdout
