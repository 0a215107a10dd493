"""`python -m tests.schema.regenerate` writes components/schema.json and docs/arguments.md anew."""

from __future__ import annotations

from tests.schema.arguments_page import PAGE, page
from tests.schema.published import COMMITTED, written

if __name__ == "__main__":
    COMMITTED.write_text(written(), encoding="utf-8")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
