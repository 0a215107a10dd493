"""Changing the method where no listed node can object: the API server does, and pods go on either way.

The tests run in this order on one cluster, each from the state that the one before has left. With `adopt` the engine
would take the living objects over under the new method and then delete them as the old one's.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.helm import releases, untouched

CELL = Cell("k3s")
CONFLICT = "multus-install/method"


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    lab = clusters.lab(CELL)
    configure(lab.stack, nodes=[])
    return lab


def refused(lab: Lab, **settings: Any) -> None:
    """An `up` that changes nothing, and neither does the next one with the settings taken back."""
    before, installed = untouched(lab), releases(lab)
    configure(lab.stack, **settings)
    failed(lab.stack.up(), CONFLICT)
    assert untouched(lab) == before
    assert releases(lab) == installed


def test_the_raw_method_is_not_changed_without_a_handover(lab: Lab) -> None:
    succeeded(lab.stack.up())
    lab.pods.create_network()
    refused(lab, method="helm")
    refused(lab, method="helm", adopt=True)
    refused(lab, method="helm", adopt=True, handover=True)
    configure(lab.stack, method=None, adopt=None, handover=None)
    succeeded(lab.stack.up())
    succeeded(lab.stack.up("--expect-no-changes"))
    lab.exercise_second_interface("raw")


def test_the_release_takes_over_what_was_handed_over(lab: Lab) -> None:
    before = untouched(lab)
    configure(lab.stack, handover=True)
    succeeded(lab.stack.up())
    refused(lab, method="helm", handover=None)
    configure(lab.stack, method="helm", handover=True)
    succeeded(lab.stack.up())
    configure(lab.stack, handover=None)
    succeeded(lab.stack.up())
    succeeded(lab.stack.up("--expect-no-changes"))
    assert untouched(lab) == before
    assert releases(lab) == ["kube-system/multus deployed"]
    lab.exercise_second_interface("released")


def test_a_release_is_not_changed_without_a_handover(lab: Lab) -> None:
    refused(lab, method="manifest")
    refused(lab, method="manifest", adopt=True)
    refused(lab, method="manifest", adopt=True, handover=True)
    configure(lab.stack, method="helm", adopt=None, handover=None)
    succeeded(lab.stack.up())
    succeeded(lab.stack.up("--expect-no-changes"))


def test_the_raw_method_takes_over_what_was_handed_over(lab: Lab) -> None:
    before = untouched(lab)
    configure(lab.stack, handover=True)
    succeeded(lab.stack.up())
    configure(lab.stack, method="manifest", adopt=True)
    succeeded(lab.stack.up())
    configure(lab.stack, handover=None, adopt=None)
    succeeded(lab.stack.up())
    succeeded(lab.stack.up("--expect-no-changes"))
    assert untouched(lab) == before
    assert releases(lab) == []
    lab.exercise_second_interface("raw-again")


def test_helm_takes_nothing_back_that_is_pulumis_again(lab: Lab) -> None:
    """What Helm once wrote on the objects stays there, but for the label by which it knows its own."""
    refused(lab, method="helm")
    configure(lab.stack, method="manifest")
    succeeded(lab.stack.destroy())
    lab.exercise_plain_pods()
    assert not lab.pods.of_multus()
