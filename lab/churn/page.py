"""What was measured, as a page's tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from lab.churn.disturbances import DISTURBANCES
from lab.churn.figures import Figures, Key
from lab.churn.installs import COLUMNS
from lab.churn.sandboxes import without_ids

_BEGIN, _END = "<!-- churn: begin -->", "<!-- churn: end -->"
_NOT_RUN, _NONE = "not run", "-"
_REASON_LENGTH = 220


def written(page: str, figures: Mapping[Key, Figures]) -> str:
    """The page with these figures between its marks."""
    head, rest = page.split(_BEGIN)
    _, tail = rest.split(_END)
    return "\n\n".join([f"{head}{_BEGIN}", *paragraphs(figures), f"{_END}{tail}"])


def paragraphs(figures: Mapping[Key, Figures], *, whole: bool = True) -> Iterator[str]:
    """Tables and what has to be said about them.

    Args:
        figures: what was measured.
        whole: whether rows that were not measured are there too.
    """
    for distro in dict.fromkeys(key[0] for key in figures):
        found = {key[1:]: each for key, each in figures.items() if key[0] == distro}
        columns = [name for name in COLUMNS if any(column == name for _, column in found)]
        days = sorted({each.day for each in found.values()})
        grounds = sorted({each.ground for each in found.values()})
        yield f"### {distro}: {', '.join(days)}, ground {', '.join(grounds)}"
        counts = {row: [_counts(found.get((row, column))) for column in columns] for row in DISTURBANCES}
        yield _table(columns, {row: cells for row, cells in counts.items() if whole or any(cells)})
        yield "From the request to the pod's program, median and 99th percentile in seconds:"
        times = {row: [_times(found.get((row, column))) for column in columns] for row in DISTURBANCES}
        yield _table(columns, {row: cells for row, cells in times.items() if any(cells)})
        yield from _reasons(columns, found)
        yield from _errors(found)


def cell_text(figures: Figures) -> str:
    """One cell in words."""
    if figures.missing:
        return f"there is no such thing: {figures.missing}"
    leaked = ", ".join(f"{count} of {network}" for network, count in figures.leaked.items()) or "0"
    said = (
        f"{figures.pods} pods, {figures.lost} of {figures.promised} lost, {figures.never_ran} never ran, "
        f"{figures.failed} failed sandboxes, leaked {leaked}, {figures.median}/{figures.slowest} s, "
        f"it took {figures.took} s"
    )
    besides = [
        *([f"{figures.silent} silent"] if figures.silent else []),
        *([f"{figures.unanswered} requests unanswered"] if figures.unanswered else []),
        *([figures.error] if figures.error else []),
        *(f"{count} x {reason[:_REASON_LENGTH]}" for reason, count in figures.reasons.items()),
    ]
    return "\n    ".join([said, *besides])


def _table(columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    titled = [[DISTURBANCES[row].title, *(cell or _NOT_RUN for cell in cells)] for row, cells in rows.items()]
    return _markdown("", columns, titled)


def _markdown(first: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heading = [first, *(COLUMNS[name].title for name in columns)]
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _counts(figures: Figures | None) -> str:
    if figures is None:
        return ""
    if figures.missing:
        return _NONE
    if not figures.pods:
        return "failed"
    leaked = sum(figures.leaked.values())
    counts = [figures.lost, figures.never_ran, figures.failed, leaked]
    text = " / ".join(str(count) for count in counts)
    return f"{f'**{text}**' if any(counts) else text} of {figures.pods}{', failed' if figures.error else ''}"


def _times(figures: Figures | None) -> str:
    return f"{figures.median} / {figures.slowest}" if figures and figures.pods else _NONE if figures else ""


def _reasons(columns: Sequence[str], found: Mapping[tuple[str, str], Figures]) -> Iterator[str]:
    by_reason: dict[str, Counter[str]] = {}
    for column in columns:
        for (_, name), figures in found.items():
            for reason, count in figures.reasons.items() if name == column else ():
                by_reason.setdefault(_short(reason), Counter())[column] += count
    if by_reason:
        yield "Why sandboxes failed, and how often:"
        ordered = sorted(by_reason.items(), key=lambda item: -item[1].total())
        rows = [[f"`{reason}`", *(str(counts[name] or "") for name in columns)] for reason, counts in ordered]
        yield _markdown("reason", columns, rows)


def _short(reason: str) -> str:
    """The end of a reason says what happened; what stands before is who passed it on."""
    # Multus repeats its whole configuration.
    text = " ".join(without_ids(reason.partition(": StdinData:")[0]).split()).replace("|", "/").replace("`", "'")
    return text if len(text) <= _REASON_LENGTH else f"... {text[-_REASON_LENGTH:]}"


def _errors(found: Mapping[tuple[str, str], Figures]) -> Iterator[str]:
    failed = [(row, column, each) for (row, column), each in found.items() if each.error]
    for row, column, each in failed:
        yield f"- {DISTURBANCES[row].title}, {COLUMNS[column].title}: {_short(each.error)}"
