"""The kinds of cluster that everything has to work on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """A kind of cluster."""

    distro: str
    nodes: int = 1
    reference_plugins: bool = True

    def __str__(self) -> str:
        return f"{self.distro}-{self.nodes}{'' if self.reference_plugins else '-bare'}"
