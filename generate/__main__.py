"""`python -m generate`, which is `make generate`, writes every file that is made from code."""

from __future__ import annotations

from generate.files import GENERATED

if __name__ == "__main__":
    for path, written in GENERATED.items():
        path.write_text(written(), encoding="utf-8")
