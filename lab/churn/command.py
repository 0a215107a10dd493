"""`python -m lab churn`: cells, progress, a table, JSON and the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rich.console import Console

from lab import forks, prepare
from lab.churn import figures
from lab.churn.cells import Cells
from lab.churn.disturbances import DISTURBANCES
from lab.churn.figures import Figures, Key
from lab.churn.installs import COLUMNS
from lab.churn.page import cell_text, paragraphs, written
from lab.churn.plot import drawn
from lab.errors import LabError
from lab.grounds import GROUNDS
from lab.looks import LOOKS
from lab.progress import Progress

# What an `up` starts over and over.
_PROGRAMS = (
    "lab.standins.command.provider",
    "lab.standins.kubernetes.provider",
    "lab.standins.language.host",
    "multus",
)


@dataclass(frozen=True)
class Choice:
    """Which cells are measured.

    Attributes:
        columns: the installs.
        rows: the disturbances, in the table's order, so that one finds what the one before has left.
        distros: whose file layouts.
        ground: the software that the nodes stand on.
    """

    columns: Sequence[str]
    rows: Sequence[str]
    distros: Sequence[str]
    ground: str

    @classmethod
    def of(
        cls, columns: Iterable[str] | None, rows: Iterable[str] | None, distros: Iterable[str] | None, ground: str
    ) -> Self:
        """What was asked for; None is all."""
        return cls(
            _known("install", columns, COLUMNS),
            _known("disturbance", rows, DISTURBANCES),
            _known("distro", distros, LOOKS) if distros else ["k3s", "vanilla"],
            *_known("ground", [ground], GROUNDS),
        )


def _known(kind: str, asked: Iterable[str] | None, there: Iterable[str]) -> list[str]:
    names = list(there)
    wanted = list(asked or names)
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise LabError(f"no {kind} is called {', '.join(unknown)}: there are {', '.join(names)}")
    return [name for name in names if name in wanted]


def run(
    choice: Choice, instance: str, console: Console, *, results: Path | None, page: Path | None, keep: bool
) -> None:
    """Measure these cells, say each at once, and write down whatever was measured when it is interrupted too."""
    Progress(console)(prepare.steps(GROUNDS[choice.ground]))
    kept = figures.read(results) if results else {}
    new: dict[Key, Figures] = {}

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    with forks.served(*_PROGRAMS):
        for distro in choice.distros:
            for found in Cells(instance, distro, choice.ground, say, keep=keep).measure(choice.columns, choice.rows):
                say(f"  {cell_text(found)}")
                new[found.key] = found
                if results:
                    figures.write(results, kept | new)
    for line in paragraphs(new, whole=False):
        say(line)
    if page:
        write_page(page, kept | new)


def write_page(page: Path, found: Mapping[Key, Figures]) -> None:
    """Write the table of these figures into the page, and the drawing beside it."""
    page.write_text(written(page.read_text(encoding="utf-8"), found), encoding="utf-8")
    drawing = page.parent / "img" / "churn.svg"
    drawing.parent.mkdir(exist_ok=True)
    drawing.write_text(drawn(found), encoding="utf-8")
