"""A story: the tests of one module on one cluster, in their order, each from the state that the one before has left.

What does not work in the middle of a story is told once: the rest of it is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from .cells import Cell

SKIPPED = "the rest of its story is left out"
_FAILURES = pytest.StashKey[dict[str, str]]()

# What a worker tells on one cluster without a break. Under churn a cluster of two nodes wants a processor for itself:
# such stories start between others. A boot costs some 12 s, so that shifts are kept short rather than few.
SHIFTS = (
    ("lifecycle[k3s-2]",),
    ("doctor_nodes[k3s-1]",),
    ("doctor_cluster[k3s-1]",),
    ("thick[k3s-2]",),
    ("docs[k3s-1]", "helm_plain[k3s-1]"),
    ("helm[vanilla-1]", "elsewhere[vanilla-1]"),
    ("disable[k3s-2]",),
    ("install[k3s-1]", "package_add[k3s-1]", "churn[k3s-1]"),
    ("install[vanilla-1]", "helm_plain[vanilla-1]"),
    ("nodes[k3s-2]", "install[k3s-2]"),
    ("joining[k3s-2]",),
    ("ipam[k3s-2]", "whereabouts[k3s-2]"),
    ("helm_unlisted[k3s-1]", "helm_switch[k3s-1]", "keeper[k3s-1]"),
    ("access[k3s-2-bare]", "network_nodes[k3s-2-bare]"),
    ("doctor_thick[vanilla-1]", "interrupted[vanilla-1]"),
    ("rollback[k3s-2]", "network_check[k3s-2]", "networks[k3s-2]"),
    ("helm_neighbours[k3s-1]", "helm[k3s-1]"),
    ("docs[vanilla-1]", "thick[vanilla-1]", "keeper[vanilla-1]"),
    ("render[vanilla-2]",),
    ("looks[k3s-without-flannel-1]", "looks[rke2-1]", "looks[kubespray-1]", "looks[talos-1]"),
    ("install[vanilla-1-oldest]", "helm_plain[vanilla-1-oldest]", "thick[vanilla-1-oldest]"),
    ("helm_plain[k3s-legacy-1]", "neighbours[k3s-legacy-1]", "power[k3s-legacy-1]"),
)


_TEST = re.compile(r"test_(\w+)\.py::(?:\w+(?:\[(\w[\w-]*?-\d(?:-bare|-oldest)?)\b)?)?")


def place_of(nodeid: str) -> tuple[int, int]:
    """Where a test stands: the shift, and the story within it. What nobody has put into a shift comes last."""
    found = _TEST.search(nodeid)
    module, cell = found.groups() if found else ("", None)
    # A module that says no cell is told on one.
    story = f"{module}[{cell}]" if cell else f"{module}["
    places = (
        (shift, place)
        for shift, stories in enumerate(SHIFTS)
        for place, known in enumerate(stories)
        if known.startswith(story)
    )
    return next(places, (len(SHIFTS), 0))


class ShiftScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """One worker tells a whole shift.

    `--dist loadgroup` was made for it, and groups nothing: xdist 3.8.0 writes a group into an item's `_nodeid`, which
    pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        shift, _ = place_of(nodeid)
        return f"shift {shift}" if shift < len(SHIFTS) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ShiftScheduling:
    """Give shifts to the workers in their order."""
    config.option.loadscopereorder = False
    return ShiftScheduling(config, log)


def story_of(item: pytest.Item) -> str | None:
    """The story that a test belongs to, named by its module and its kind of cluster; None for a test without one."""
    function: Any = item
    parameters = function.callspec.params.values() if hasattr(item, "callspec") else ()
    values = [*parameters, getattr(function.module, "CELL", None)]
    cells = [part for value in values for part in _parts(value) if isinstance(part, Cell)]
    return f"{item.path.stem.removeprefix('test_')}[{cells[0]}]" if cells else None


def _parts(value: Any) -> Iterable[Any]:
    return value if isinstance(value, tuple) else (value,)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember the first failure of each story."""
    report = yield
    story = story_of(item)
    if story and report.failed:
        item.config.stash.setdefault(_FAILURES, {}).setdefault(story, item.name)
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what comes after a failure in a story."""
    first = item.config.stash.get(_FAILURES, {}).get(story_of(item) or "")
    if first:
        pytest.skip(f"{first} has failed: {SKIPPED}")
