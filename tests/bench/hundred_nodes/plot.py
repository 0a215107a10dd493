"""Time and memory by the number of nodes, as an SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.hundred_nodes.measuring import UP, Outcome
from tests.bench.hundred_nodes.watched_processes import CLI

Series = Mapping[str, Sequence[tuple[float, float]]]

_COLOURS = ("#b07d2b", "#4a6fa5", "#5b8c5a", "#8a5a8c")
_WIDTH, _HEIGHT = 480, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 140, 50, 45
_TICKS = 4
_LINE_HEIGHT = 16


@dataclass(frozen=True)
class Panel:
    """One of the drawings.

    Attributes:
        title: what is drawn, with its unit.
        unit: that of the numbers at the ends of the lines.
        series: points by the name of their line.
    """

    title: str
    unit: str
    series: Series


def drawn(outcomes: Sequence[Outcome]) -> str:
    """The drawing of what was measured."""
    trees = dict.fromkeys(each.tree for each in outcomes)
    installs = [(each, each.runs[UP]) for each in outcomes if UP in each.runs]
    took = {tree: [(each.nodes, run.seconds) for each, run in installs if each.tree == tree] for tree in trees}
    peaks = {
        tree: [(each.nodes, run.costs[CLI].peak / 1e6) for each, run in installs if each.tree == tree] for tree in trees
    }
    title = "Time of `up` and memory of the Pulumi CLI, by the number of nodes"
    return svg(title, [Panel("up, seconds", "s", took), Panel("CLI's peak memory in up, MB", "MB", peaks)])


def svg(title: str, panels: Sequence[Panel]) -> str:
    """Panels side by side, each from zero."""
    width = _WIDTH * len(panels)
    inside = "".join(
        f'<g transform="translate({_WIDTH * n} 0)">\n{_panel(each)}</g>\n' for n, each in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13">\n<title>{title}</title>\n'
        f'<rect width="{width}" height="{_HEIGHT}" fill="#fff"/>\n{inside}</svg>\n'
    )


def _panel(panel: Panel) -> str:
    points = [point for line in panel.series.values() for point in line]
    right, top = (_rounded_up(max((point[axis] for point in points), default=1)) for axis in (0, 1))

    def x(value: float) -> float:
        return _LEFT + value / right * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)

    below = _HEIGHT - _BOTTOM + 18
    drawn = [f'<text x="{_LEFT}" y="26" font-weight="600">{panel.title}</text>\n']
    for tick in range(_TICKS + 1):
        across, up = right * tick / _TICKS, top * tick / _TICKS
        drawn += [
            f'<path d="M{x(0):.0f} {y(up):.1f}H{x(right):.0f}" stroke="#ddd"/>\n',
            f'<text x="{_LEFT - 8}" y="{y(up) + 4:.1f}" text-anchor="end" fill="#555">{up:g}</text>\n',
            f'<text x="{x(across):.1f}" y="{below}" text-anchor="middle" fill="#555">{across:g}</text>\n',
        ]
    drawn.append(f'<text x="{x(right):.0f}" y="{_HEIGHT - 10}" text-anchor="end" fill="#555">nodes</text>\n')
    for line, colour in zip(panel.series.values(), _COLOURS, strict=False):
        path = " ".join(f"{x(across):.1f},{y(up):.1f}" for across, up in line)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>\n')
        drawn += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3.5" fill="{colour}"/>\n' for a, b in line]
    said = {name: f"{name}: {line[-1][1]:,.0f} {panel.unit}" for name, line in panel.series.items() if line}
    heights = apart({name: y(panel.series[name][-1][1]) for name in said})
    for (name, line), colour in zip(panel.series.items(), _COLOURS, strict=False):
        if line:
            at = f'x="{x(line[-1][0]) + 8:.1f}" y="{heights[name] + 4:.1f}"'
            drawn.append(f'<text {at} fill="{colour}">{said[name]}</text>\n')
    return "".join(drawn)


def apart(heights: Mapping[str, float]) -> dict[str, float]:
    """Where labels go that want these heights, each a line below the one before."""
    found: dict[str, float] = {}
    for name in sorted(heights, key=lambda name: heights[name]):
        found[name] = max([heights[name], *(height + _LINE_HEIGHT for height in found.values())])
    return found


def _rounded_up(value: float) -> float:
    """The least of 1, 2, 4, 6, 8 times a power of ten that is no less."""
    power = 1.0
    while power * 10 < value:
        power *= 10
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)
