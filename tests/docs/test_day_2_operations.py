"""docs/lifecycle.md: every section names the tests that show what it says, and each of them exists."""

from __future__ import annotations

import re

from tests.support.paths import DOCS, ROOT

# A heading and its text, up to the next heading of any level.
SECTIONS = re.findall(r"(?ms)^##+ (.*?)\n(.*?)(?=^##+ |\Z)", (DOCS / "lifecycle.md").read_text(encoding="utf-8"))


def test_every_section_is_shown_by_tests_that_exist() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = {name for source in sources for name in re.findall(r"(?m)^def (test_\w+)", source)}
    told = [(title, text) for title, text in SECTIONS if text.strip()]
    assert len(told) > 20
    for title, text in told:
        shown = set(re.findall(r"`(test_\w+)`", text.partition("\nShown by: ")[2]))
        assert shown, title
        assert shown <= there, (title, shown - there)
