"""What the lab's tests share: clusters that need a real kubelet and the real engine, and how a story is told.

A module here is a story: its tests run in their order, each from the state that the one before has left. Its fixture
asks `clusters` for a cluster of its kind.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from lab import forks, host, prepare
from lab.programs import Programs
from lab.progress import Progress
from tests.support.lab.clusters import Clusters
from tests.support.lab.stories import (  # noqa: F401 # all but the first are hooks
    place_of,
    pytest_runtest_makereport,
    pytest_runtest_setup,
    pytest_xdist_make_scheduler,
)

# Test runs and workers side by side need labs of different names.
INSTANCE = "-".join(filter(None, [os.environ.get("LAB_TEST_INSTANCE", "test"), os.environ.get("PYTEST_XDIST_WORKER")]))
HERE = Path(__file__).parent
# What the programs import that a story starts over and over: the stand-ins, the project's own program, its tool.
PROGRAMS = (
    "lab.standins.command.provider",
    "lab.standins.kubernetes.provider",
    "lab.standins.language.host",
    "multus",
    "multus_ops.commands",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Mark the lab's tests, and put the stories of a shift one after the other."""
    reason = host.unfit()
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.lab)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
    yield
    in_order = iter(
        sorted((item for item in items if HERE in item.path.parents), key=lambda item: place_of(item.nodeid))
    )
    items[:] = [next(in_order) if HERE in item.path.parents else item for item in items]


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Programs:
    """Everything that the lab runs, built where it was missing; a cold build is long, so its progress is shown."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        Progress(Console())(prepare.steps())
    return prepare.programs()


@pytest.fixture(scope="session")
def clusters(programs: Programs) -> Iterator[Clusters]:
    """Where a story's fixture gets its cluster from; none is left running."""
    made = Clusters(INSTANCE, programs)
    with forks.served(*PROGRAMS):
        try:
            yield made
        finally:
            made.down()
