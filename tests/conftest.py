"""What holds for every test."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Generator

import pytest

from lab import host
from tests.support.lab.stories import SKIPPED
from tests.support.paths import ROOT

_LOOP = asyncio.new_event_loop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip is a failure: a test that never runs shows nothing.

    A machine that cannot host the lab excuses one, and so does a failure before it in the same story, which is counted.
    """
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    excused = any(reason in str(report.longrepr) for reason in (host.unfit(), SKIPPED) if reason)
    if skipped and os.environ.get("CI") == "true" and not excused:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {report.longrepr}"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings are errors in every test but those on clusters: none of them is worth an hour's run."""
    for item in items:
        if item.path.is_relative_to(ROOT / "tests" / "lab"):
            item.add_marker(pytest.mark.filterwarnings("default"))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: tests.support.recording collects garbage often, and need not walk all of it."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Pulumi's SDK needs a loop of the thread, and a command that ran one of its own has left none behind."""
    asyncio.set_event_loop(_LOOP)


def pytest_unconfigure() -> None:
    _LOOP.close()
