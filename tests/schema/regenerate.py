"""`python -m tests.schema.regenerate` writes components/schema.json and the pages that are made from code anew."""

from __future__ import annotations

from tests.schema import arguments_page, commands_page, distributions_part, paths_page, troubleshooting_page
from tests.schema.published import COMMITTED, written

if __name__ == "__main__":
    COMMITTED.write_text(written(), encoding="utf-8")
    for made in (arguments_page, commands_page, distributions_part, paths_page, troubleshooting_page):
        made.PAGE.write_text(made.page(), encoding="utf-8")
