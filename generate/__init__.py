"""What is written from code: `make generate` writes every file of generate/files.py."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts" / "multus"
