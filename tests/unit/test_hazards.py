"""docs/hazards.md names tests that there are."""

from __future__ import annotations

import re

from tests.support.paths import DOCS, ROOT

ROWS = re.findall(r"(?m)^\| (\d+) \| .* \| (.*) \|$", (DOCS / "hazards.md").read_text(encoding="utf-8"))


def test_every_hazard_has_a_row() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 21))


def test_every_hazard_is_shown_by_tests_that_there_are() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = {name for source in sources for name in re.findall(r"(?m)^def (test_\w+)", source)}
    for number, tests in ROWS:
        named = set(re.findall(r"`(test_\w+)`", tests))
        assert named, number
        assert named <= there, (number, named - there)
