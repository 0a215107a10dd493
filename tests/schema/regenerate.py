"""`python -m tests.schema.regenerate` writes components/schema.json anew."""

from __future__ import annotations

from tests.schema.published import COMMITTED, written

if __name__ == "__main__":
    COMMITTED.write_text(written(), encoding="utf-8")
