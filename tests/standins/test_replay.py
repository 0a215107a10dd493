"""The stand-ins answer as the official plugins did: every recorded call that needs no cluster, played again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.comparing import unexplained
from tests.standins.plugins import standin
from tests.standins.recordings import Recording, Step
from tests.standins.runs import SURROUNDINGS, run
from tests.standins.scenarios import scenarios

_PURE = ("Handshake", "CheckConfig", "DiffConfig", "Check", "Diff")


def needs_no_cluster(step: Step) -> bool:
    """Whether the answer is made of the request alone; a release is checked by looking at its chart with helm."""
    return step.method in _PURE and not (step.method == "Check" and "helm.sh" in step.request["urn"])


@pytest.fixture(scope="module")
def ssh() -> Iterator[dict[str, Any]]:
    with SURROUNDINGS["ssh"]() as values:
        yield values


@pytest.mark.parametrize("recording", scenarios("command"))
def test_command(recording: Recording, ssh: dict[str, Any]) -> None:
    with standin("command") as plugin:
        answers = run(plugin, recording, ssh, known=recording.answers)
    assert "\n".join(unexplained(recording.name, recording.answers, answers)) == ""


@pytest.mark.parametrize("recording", scenarios("kubernetes"))
def test_kubernetes(recording: Recording) -> None:
    assert recording.is_recorded

    def wanted(step: Step) -> bool:
        return not recording.needs or step.method == "Configure" or needs_no_cluster(step)

    with SURROUNDINGS[""]() as values, standin("kubernetes") as plugin:
        answers = run(plugin, recording, values, known=recording.answers, wanted=wanted)
    assert "\n".join(unexplained(recording.name, recording.answers, answers)) == ""
