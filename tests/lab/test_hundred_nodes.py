"""The bench of many nodes, with two: it installs, sees nothing to change, removes, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cluster import Cluster
from lab.programs import Programs
from tests.bench.hundred_nodes.comparisons import counts_of
from tests.bench.hundred_nodes.measuring import DESTROY, PREVIEW, UNCHANGED, UP, Outcome, running
from tests.bench.hundred_nodes.tables import connections, details, sizes
from tests.bench.hundred_nodes.trees import THIS
from tests.bench.hundred_nodes.watched_processes import CLI

from .conftest import INSTANCE

# Its addresses are the machine's own, and it would be measured with what runs beside it.
pytestmark = pytest.mark.alone
LAB = f"{INSTANCE}-bench"[:20]


@pytest.fixture(scope="module")
def outcome(programs: Programs) -> Outcome:
    with running(programs, "1000:30:1000", LAB) as bench:
        return bench.measure(THIS, 2)


def test_every_run_ends_well_and_costs_something(outcome: Outcome) -> None:
    assert list(outcome.runs) == [PREVIEW, UP, UNCHANGED, DESTROY]
    for run in (*outcome.runs.values(), outcome.bare):
        assert run.costs[CLI].peak > 20e6
        assert 0 < run.costs[CLI].seconds < run.seconds * 100
    assert {"command plugin", "kubernetes plugin", "program"} <= set(outcome.runs[UP].costs)


def test_hosts_are_dialled_when_something_changes_and_no_run_but_those(outcome: Outcome) -> None:
    on_hosts, _ = counts_of(outcome.runs[UP].operations)
    assert outcome.runs[UP].connections.dialled >= on_hosts >= 4
    assert outcome.runs[DESTROY].connections.dialled >= 4
    assert outcome.runs[PREVIEW].connections.dialled == outcome.runs[UNCHANGED].connections.dialled == 0


def test_a_preview_is_beside_that_of_as_many_bare_resources(outcome: Outcome) -> None:
    assert counts_of(outcome.bare.operations) == counts_of(outcome.runs[PREVIEW].operations)


def test_an_install_is_told_by_its_parts(outcome: Outcome) -> None:
    counts = {part.name: part.count for part in outcome.runs[UP].parts}
    assert counts["multus-verify-NODE (Command)"] == 2
    assert counts["multus-daemonset (DaemonSet)"] == 1
    assert outcome.checkpoint > 10_000
    assert "| multus-verify-NODE (Command) | 2 |" in details(outcome)
    assert sizes([outcome]).count("\n") == connections([outcome]).count("\n") == 3


@pytest.mark.usefixtures("outcome")
def test_nothing_of_it_stays() -> None:
    assert not Cluster(LAB).state.exists()
    routes = Path("/proc/net/route").read_text()
    # 198.18.0.0, in the table's order of bytes.
    assert "000012C6" not in routes
