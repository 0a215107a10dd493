"""The kinds of cluster that everything has to work on."""

from __future__ import annotations

from dataclasses import dataclass

from lab.grounds import TODAY


@dataclass(frozen=True)
class Cell:
    """A kind of cluster."""

    distro: str
    nodes: int = 1
    reference_plugins: bool = True
    ground: str = TODAY.name

    def __str__(self) -> str:
        bare = "" if self.reference_plugins else "-bare"
        return f"{self.distro}-{self.nodes}{bare}{'' if self.ground == TODAY.name else f'-{self.ground}'}"
