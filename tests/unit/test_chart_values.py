"""The values of the chart: what the provider loses must not matter, and a user's word is the last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from multus import resolve
from multus.chart_values import merged, values_of
from multus.release import handed_over
from tests.support.argument_matrix import plans
from tests.support.arguments import k3s

PLANS = plans()


def empties(value: Any, path: str = "") -> Iterator[str]:
    if value is None or value == []:
        yield path
    for key, item in value.items() if isinstance(value, dict) else ():
        yield from empties(item, f"{path}.{key}")


@pytest.mark.parametrize("name", PLANS)
def test_values_have_nothing_that_the_provider_loses(name: str) -> None:
    """It drops nulls, and makes null of an empty list: only no tolerations at all are one."""
    found = set(empties(values_of(resolve(PLANS[name]), "h", 1)))
    assert found <= ({".tolerations"} if name.endswith("intolerant") else set())


def test_what_nodes_steps_need_is_left_to_pulumi() -> None:
    values = values_of(resolve(k3s(method="helm")), "h", 1)
    assert values["serviceAccount"] == {"create": False, "name": "multus"}
    assert values["token"] == {"create": False, "secretName": "multus-token-1"}
    for key in ("rbac", "apiPriority"):
        assert values[key] == {"create": False}
    assert values["crd"] == {"install": False}


def test_users_values_are_merged_last_and_key_by_key() -> None:
    mine = {"image": {"pullPolicy": "Always"}, "tolerations": [], "podAnnotations": {"a": "b"}}
    values = values_of(resolve(k3s(method="helm", helm={"values": mine})), "h", 1)
    assert values["image"]["pullPolicy"] == "Always"
    assert values["image"]["tag"] == "v4.3.0"
    assert values["tolerations"] == []
    assert values["podAnnotations"] == {"a": "b"}


def test_merging_leaves_what_it_is_given() -> None:
    below: dict[str, Any] = {"a": {"b": 1}}
    assert merged(below, {"a": {"c": 2}, "d": {"e": 3}}) == {"a": {"b": 1, "c": 2}, "d": {"e": 3}}
    assert below == {"a": {"b": 1}}


def test_merging_never_looks_into_what_is_known_late() -> None:
    late = pulumi.Output.from_input("x")
    assert merged({"a": {"b": 1}}, {"a": late})["a"] is late
    assert merged({"a": late}, {"a": {"b": 1}})["a"] == {"b": 1}


def test_objects_are_handed_over_by_their_metadata_alone() -> None:
    manifest = {"metadata": {"name": "x", "labels": {"app": "multus"}, "annotations": {"a": "b"}}, "spec": {"c": 1}}
    assert handed_over(manifest, resolve(k3s())) == manifest
    assert handed_over(manifest, resolve(k3s(handover=True, method="helm"))) == manifest
    given = handed_over(manifest, resolve(k3s(handover=True)))
    assert given["spec"] == manifest["spec"]
    assert given["metadata"]["labels"] == {"app": "multus", "app.kubernetes.io/managed-by": "Helm"}
    assert given["metadata"]["annotations"] == {
        "a": "b",
        "meta.helm.sh/release-name": "multus",
        "meta.helm.sh/release-namespace": "kube-system",
    }
