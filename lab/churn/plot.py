"""What was measured, as an SVG: a square for each cell, coloured by the worst that happened in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from lab.churn.disturbances import DISTURBANCES
from lab.churn.figures import Figures, Key
from lab.churn.installs import COLUMNS

_LEFT, _TOP, _CELL_WIDTH, _CELL_HEIGHT, _GAP = 250, 130, 96, 26, 3
_LEGEND_WIDTH, _LEGEND_HEIGHT = 800, 40
_NOT_RUN, _MISSING, _CLEAN = ("not run", "#f4f4f4", "#999"), ("-", "#fff", "#666"), ("0", "#8cc08a", "#123")
_WORST = (
    ("never ran", "#5c1a1b", "#fff"),
    ("lost", "#c0392b", "#fff"),
    ("leaked", "#e08e45", "#210"),
    ("retried", "#f2d16b", "#210"),
)
_BROKEN = ("failed", "#7d5a8c", "#fff")


def drawn(figures: Mapping[Key, Figures]) -> str:
    """One panel for each kind of cluster, one under the other."""
    distros = list(dict.fromkeys(key[0] for key in figures))
    columns = [name for name in COLUMNS if any(key[2] == name for key in figures)]
    height = _TOP + len(DISTURBANCES) * _CELL_HEIGHT + 20
    width = max(_LEFT + len(columns) * _CELL_WIDTH + 20, _LEGEND_WIDTH)
    title = "The worst that happened to pods, by install and disturbance"
    panels = "".join(
        f'<g transform="translate(0 {_LEGEND_HEIGHT + n * height})">\n{"".join(_panel(distro, columns, figures))}</g>\n'
        for n, distro in enumerate(distros)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_LEGEND_HEIGHT + len(distros) * height}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="12">\n<title>{title}</title>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{"".join(_legend())}{panels}</svg>\n'
    )


def _legend() -> Iterator[str]:
    for n, (text, fill, _) in enumerate((*_WORST, ("nothing", *_CLEAN[1:]), _BROKEN, _NOT_RUN)):
        x = 20 + n * 110
        yield f'<rect x="{x}" y="14" width="16" height="16" fill="{fill}" stroke="#ccc"/>\n'
        yield f'<text x="{x + 22}" y="27" fill="#333">{text}</text>\n'


def _panel(distro: str, columns: Sequence[str], figures: Mapping[Key, Figures]) -> Iterator[str]:
    yield f'<text x="20" y="{_TOP - 12}" font-size="16" font-weight="600">{escape(distro)}</text>\n'
    for n, column in enumerate(columns):
        x = _LEFT + n * _CELL_WIDTH + _CELL_WIDTH / 2
        name, _, plugin = COLUMNS[column].title.partition(", ")
        words = [*_halves(name), plugin]
        for line, word in enumerate(words):
            y = _TOP - 12 - 15 * (len(words) - 1 - line)
            yield f'<text x="{x:g}" y="{y}" text-anchor="middle">{escape(word)}</text>\n'
    for n, (name, row) in enumerate(DISTURBANCES.items()):
        y = _TOP + n * _CELL_HEIGHT
        yield f'<text x="{_LEFT - 10}" y="{y + 17}" text-anchor="end">{escape(row.title)}</text>\n'
        for m, column in enumerate(columns):
            yield _square(_LEFT + m * _CELL_WIDTH, y, *_worst(figures.get((distro, name, column))))


def _halves(name: str) -> list[str]:
    """A title on two lines."""
    words = name.split()
    middle = (len(words) + 1) // 2
    return [" ".join(words[:middle]), " ".join(words[middle:])] if len(words) > 1 else [name]


def _square(x: int, y: int, text: str, fill: str, ink: str) -> str:
    width, height = _CELL_WIDTH - _GAP, _CELL_HEIGHT - _GAP
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="2" fill="{fill}"/>\n'
        f'<text x="{x + width / 2:g}" y="{y + 16}" text-anchor="middle" fill="{ink}">{escape(text)}</text>\n'
    )


def _worst(figures: Figures | None) -> tuple[str, str, str]:
    """What stands in a square, and its colours."""
    if figures is None:
        return _NOT_RUN
    if figures.missing:
        return _MISSING
    counts = (figures.never_ran, figures.lost, sum(figures.leaked.values()), figures.failed)
    for count, (text, fill, ink) in zip(counts, _WORST, strict=True):
        if count:
            return f"{count} {text}", fill, ink
    return _BROKEN if figures.error else _CLEAN
