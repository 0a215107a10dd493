"""The rules for networks against the plugins themselves, on more examples than there is time for in `make check`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.plugin_calls import Machine, machine
from tests.support.plugin_properties import (
    show_that_what_is_accepted_works,
    show_that_what_plugins_refuse_is_refused_first,
)


@pytest.fixture(scope="module")
def node() -> Iterator[Machine]:
    with machine() as made:
        yield made


def test_what_is_accepted_works(node: Machine) -> None:
    seen = show_that_what_is_accepted_works(node, examples=100)
    assert seen["accepted"] > 9 * seen["refused"]


def test_what_plugins_refuse_is_refused_first(node: Machine) -> None:
    seen = show_that_what_plugins_refuse_is_refused_first(node, examples=100)
    assert min(seen["refused, problem"], seen["taken, none"]) > 10
