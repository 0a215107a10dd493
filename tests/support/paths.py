"""Where things are in the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPONENTS = ROOT / "components"
CHART = ROOT / "charts" / "multus"
DOCS = ROOT / "docs"
STACKS = ROOT / "stacks"
WITH_NETWORKS = ROOT / "tests" / "lab" / "networks"
"""A program of networks beside the project's own."""
