"""The stand-ins answer as the official plugins did: every recorded call that needs no cluster, played again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.comparing import unexplained
from tests.standins.plugins import standin
from tests.standins.recordings import Recording, load_all
from tests.standins.runs import SURROUNDINGS, run


@pytest.fixture(scope="module")
def ssh() -> Iterator[dict[str, Any]]:
    with SURROUNDINGS["ssh"]() as values:
        yield values


@pytest.mark.parametrize("recording", load_all("command"), ids=lambda each: each.name)
def test_command(recording: Recording, ssh: dict[str, Any]) -> None:
    with standin("command") as plugin:
        answers = run(plugin, recording, ssh, known=recording.answers)
    assert "\n".join(unexplained(recording.name, recording.answers, answers)) == ""
