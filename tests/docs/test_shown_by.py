"""The pages that name the tests behind what they say: every entry names some, and each of them exists."""

from __future__ import annotations

import re

from tests.docs.blocks import DOCS, ROOT

ROWS = re.findall(r"(?m)^\| (\d+) \| .* \| (.*) \|$", (DOCS / "hazards.md").read_text(encoding="utf-8"))
# A heading and its text, up to the next heading of any level.
SECTIONS = re.findall(r"(?ms)^##+ (.*?)\n(.*?)(?=^##+ |\Z)", (DOCS / "lifecycle.md").read_text(encoding="utf-8"))


def existing() -> set[str]:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for source in sources for name in re.findall(r"(?m)^def (test_\w+)", source)}


def named_in(text: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", text))


def test_every_hazard_has_a_row() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 21))


def test_every_hazard_is_shown_by_tests_that_exist() -> None:
    there = existing()
    for number, tests in ROWS:
        assert named_in(tests), number
        assert named_in(tests) <= there, (number, named_in(tests) - there)


def test_every_day_2_operation_is_shown_by_tests_that_exist() -> None:
    there = existing()
    told = [(title, text) for title, text in SECTIONS if text.strip()]
    assert len(told) > 20
    for title, text in told:
        shown = named_in(text.partition("\nShown by: ")[2])
        assert shown, title
        assert shown <= there, (title, shown - there)
