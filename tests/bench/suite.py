"""How long `make test` takes, module by module, beside another version's run: the table of docs/benchmarks.md.

    PYTEST_ADDOPTS='--durations=0 --durations-min=0.5' make test > now.log 2>&1
    python -m tests.bench.suite before.log now.log

Seconds of a module are those of its tests and fixtures, one after the other; a worker runs several modules, so that
"all" is less than their sum.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

_TEST = re.compile(r"^(\d+\.\d+)s (?:setup|call|teardown) +(\S+?)\.py::", re.MULTILINE)
_RUN = re.compile(r"^=* ?\d+ (?:passed|failed).* in (\d+\.\d+)s", re.MULTILINE)


def seconds(log: str) -> dict[str, float]:
    """The seconds of each module, and "all": the wall time of every run of pytest in the log."""
    found: defaultdict[str, float] = defaultdict(float)
    for took, module in _TEST.findall(log):
        found[module.removeprefix("tests/")] += float(took)
    return {**found, "all": sum(map(float, _RUN.findall(log)))}


def table(before: dict[str, float], now: dict[str, float]) -> str:
    """Both as a Markdown table, the longest module first."""
    longest = sorted({*before, *now} - {"all"}, key=lambda name: -max(before.get(name, 0), now.get(name, 0)))
    rows = [(name, before.get(name, 0), now.get(name, 0)) for name in ("all", *longest)]
    lines = [f"| {name} | {old:.0f} | {new:.0f} |" for name, old, new in rows if max(old, new) >= 1]
    return "\n".join(["| module | before, s | now, s |", "| --- | --- | --- |", *lines])


if __name__ == "__main__":
    before, now = (seconds(Path(name).read_text()) for name in sys.argv[1:3])
    sys.stdout.write(table(before, now) + "\n")
