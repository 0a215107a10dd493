"""docs/hazards.md and docs/doctor.md name tests that there are, for each hazard and each thing that doctor looks at."""

from __future__ import annotations

import re

import pytest

from multus_ops.doctor.findings import Check
from tests.support.paths import DOCS, ROOT

HAZARDS = re.findall(r"(?m)^\| (\d+) \| .* \| (.*) \|$", (DOCS / "hazards.md").read_text(encoding="utf-8"))
LOOKS = re.findall(
    r"(?m)^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| (`test_.*) \|$", (DOCS / "doctor.md").read_text(encoding="utf-8")
)
ROWS = [*HAZARDS, *((what, tests) for _, what, _, tests in LOOKS)]


def test_every_hazard_has_a_row() -> None:
    assert [int(number) for number, _ in HAZARDS] == list(range(1, 27))


def test_every_check_of_doctors_table_has_a_row() -> None:
    """But for the one of its own pods, which the page has a paragraph on."""
    assert {check for check, *_ in LOOKS} == {check.value for check in Check} - {Check.SMOKE.value}


def test_what_is_looked_at_when_is_said() -> None:
    assert {when for _, _, when, _ in LOOKS} <= {"before and after", "after"}


@pytest.mark.parametrize(("row", "tests"), ROWS, ids=[row[:40] for row, _ in ROWS])
def test_every_row_is_shown_by_tests_that_there_are(row: str, tests: str) -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = {name for source in sources for name in re.findall(r"(?m)^def (test_\w+)", source)}
    named = set(re.findall(r"`(test_\w+)`", tests))
    assert named, row
    assert named <= there, (row, named - there)
