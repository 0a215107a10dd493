"""Puts the chart and the licence into what is built, since both lie outside of this folder in the repository.

An editable install needs no copy: there the chart is read where it lies (`multus/chart_archive.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_ADDED = {"charts/multus": "multus/chart", "LICENSE": "multus/LICENSE"}
"""A path in the repository, and its place in the package."""


class RepositoryFiles(BuildHookInterface[Any]):
    """Runs for a wheel and for a source distribution; hatchling finds it as the one hook of this file."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add what is outside, unless this folder was unpacked from a source distribution, which has it inside.

        Raises:
            FileNotFoundError: where it is neither inside nor outside, as in a copy of this folder alone.
        """
        if version == "editable":
            return
        folder = Path(self.root)
        for source, place in _ADDED.items():
            outside = folder.parent / source
            if (folder / place).exists():
                continue
            if not outside.exists():
                raise FileNotFoundError(
                    f"{outside} is missing: build from a whole checkout or from a source distribution."
                )
            build_data["force_include"][str(outside)] = place
