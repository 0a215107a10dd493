"""Helm, for tests that need no cluster."""

from __future__ import annotations

import pytest

from lab import prepare
from lab.errors import LabError
from tests.support.helm_template import Helm


@pytest.fixture(scope="session")
def helm() -> Helm:
    """Found or built; a machine with neither Helm nor Go cannot show anything about the chart."""
    try:
        return Helm(prepare.helm())
    except LabError as error:
        pytest.skip(str(error))
