"""Multus in a namespace of its own, as a release: its account is given what kube-system's have by themselves."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from kubernetes import client

from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.pods import NETWORK

CELL = Cell("vanilla")
NAMESPACE = "networks"
_FLOW_SCHEMA = "X-Kubernetes-PF-FlowSchema-UID"


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    lab = clusters.lab(CELL)
    configure(lab.stack, namespace=NAMESPACE, createNamespace=True, method="helm")
    return lab


def classified_as(lab: Lab) -> str:
    """The flow schema under which the API server has taken a request of Multus' account."""
    secret: Any = lab.pods.core.read_namespaced_secret("multus-token-1", NAMESPACE)
    settings = client.Configuration()
    settings.host = lab.cluster.api_server
    settings.ssl_ca_cert = str(lab.cluster.control_plane.authority.certificate)
    settings.api_key = {"authorization": f"Bearer {base64.b64decode(secret.data['token']).decode()}"}
    with client.ApiClient(settings) as api, pytest.raises(client.ApiException) as answer:
        client.CoreV1Api(api).read_namespaced_pod("nobody", "default")
    assert answer.value.status == 404
    headers: Any = answer.value.headers
    return str(headers[_FLOW_SCHEMA])


def test_pods_get_their_second_interface(lab: Lab) -> None:
    succeeded(lab.stack.up())
    lab.pods.create_network()
    lab.pods.create("one", node="lab-1", network=NETWORK)
    assert lab.pods.address("one", "net1").startswith("10.98.0.")
    lab.pods.delete("one")
    succeeded(lab.stack.up("--expect-no-changes"))


def test_the_api_server_gives_the_account_its_priority(lab: Lab) -> None:
    found: Any = client.FlowcontrolApiserverV1Api(lab.pods.api).read_flow_schema("multus")
    assert found.spec.priority_level_configuration.name == "workload-high"
    assert classified_as(lab) == found.metadata.uid


def test_destroy_leaves_the_namespace_alone(lab: Lab) -> None:
    succeeded(lab.stack.destroy())
    lab.exercise_plain_pods()
    namespace: Any = lab.pods.core.read_namespace(NAMESPACE)
    assert namespace.status.phase == "Active"
    assert "multus-install/method" not in (namespace.metadata.annotations or {})
    lab.pods.await_no_multus(NAMESPACE)
