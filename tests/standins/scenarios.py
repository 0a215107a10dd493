"""The recorded scenarios as parameters of a test."""

from __future__ import annotations

from typing import Any

import pytest

from tests.standins.recordings import load_all

_UNRECORDED = pytest.mark.xfail(
    reason="the official plugin has not been asked yet: python -m tests.standins.record --plugin PATH", strict=True
)


def scenarios(plugin: str, needs: str | None = None) -> list[Any]:
    """Every scenario of a plugin, or those with that need; one that waits for its recording is expected to fail."""
    return [
        pytest.param(recording, id=recording.name, marks=() if recording.is_recorded else _UNRECORDED)
        for recording in load_all(plugin)
        if needs is None or recording.needs == needs
    ]
