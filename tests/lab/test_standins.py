"""The Kubernetes stand-in answers as the official plugin did on an API server: every recorded call, played again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.comparing import unexplained
from tests.standins.plugins import HERE, standin
from tests.standins.recordings import Recording
from tests.standins.runs import SURROUNDINGS, run
from tests.standins.scenarios import scenarios


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, Any]]:
    with SURROUNDINGS["cluster"]() as values, pytest.MonkeyPatch.context() as patch:
        # A release names its chart by a path from the program's folder.
        patch.chdir(HERE)
        yield values


@pytest.mark.parametrize("recording", scenarios("kubernetes", needs="cluster"))
def test_kubernetes(recording: Recording, cluster: dict[str, Any]) -> None:
    assert recording.is_recorded
    with standin("kubernetes") as plugin:
        answers = run(plugin, recording, cluster)
    assert "\n".join(unexplained(recording.name, recording.answers, answers)) == ""
