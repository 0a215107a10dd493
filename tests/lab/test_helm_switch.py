"""From one `method` to the other and back under running pods.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import pytest

from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed, identities
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.helm import assert_gone, releases, untouched
from tests.support.lab.pods import NETWORK

CELL = Cell("k3s")


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    return clusters.lab(CELL)


def test_a_manifest_install_is_not_switched_by_accident(lab: Lab) -> None:
    succeeded(lab.stack.up())
    lab.pods.create_network()
    lab.pods.create("kept", node="lab-1", network=NETWORK)
    before = untouched(lab)
    configure(lab.stack, method="helm")
    with churn(lab.cluster):
        failed(lab.stack.up(), "handover")
        assert untouched(lab) == before
        assert releases(lab) == []
        configure(lab.stack, method=None)
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert untouched(lab) == before


def test_a_release_takes_the_running_install_over(lab: Lab) -> None:
    before = untouched(lab)
    with churn(lab.cluster):
        configure(lab.stack, handover=True)
        succeeded(lab.stack.up())
        configure(lab.stack, method="helm")
        succeeded(lab.stack.up())
        configure(lab.stack, handover=None)
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert untouched(lab) == before
    assert releases(lab) == ["kube-system/multus deployed"]
    assert lab.pods.address("kept", "net1").startswith("10.98.0.")


def test_a_release_is_not_switched_by_accident(lab: Lab) -> None:
    before = untouched(lab)
    configure(lab.stack, method="manifest")
    with churn(lab.cluster):
        failed(lab.stack.up(), "handover")
        assert untouched(lab) == before
        assert releases(lab) == ["kube-system/multus deployed"]
        configure(lab.stack, method="helm")
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert untouched(lab) == before


def test_the_manifest_takes_the_running_release_over(lab: Lab) -> None:
    before = untouched(lab)
    with churn(lab.cluster):
        configure(lab.stack, handover=True)
        succeeded(lab.stack.up())
        configure(lab.stack, method="manifest", adopt=True)
        succeeded(lab.stack.up())
        configure(lab.stack, handover=None, adopt=None)
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert identities(lab.pods) == before[0]
    assert sorted(lab.pods.of_multus()) == before[2]
    assert releases(lab) == []
    lab.pods.delete("kept")
    succeeded(lab.stack.destroy())
    assert_gone(lab)
