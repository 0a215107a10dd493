"""What the objects may do, and that their paths agree with each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.multus import InstallPlan, objects, resolve
from components.multus.objects import Object
from tests.component.arguments import k3s

PLAN = resolve(k3s(namespace="networks", rotation="7", image={"pull_secrets": ["registry"]}))
ROLES = {"cluster": objects.cluster_role(PLAN), "marker": objects.marker_role(PLAN)}
DAEMON_SETS = {
    "main": objects.daemon_set(PLAN, "127.0.0.1", "6444"),
    "fallback": objects.fallback_daemon_set(PLAN, "127.0.0.1", "6444"),
}
both = pytest.mark.parametrize("daemon_set", DAEMON_SETS.values(), ids=DAEMON_SETS)


def pod(daemon_set: Object) -> dict[str, Any]:
    spec: dict[str, Any] = daemon_set["spec"]["template"]["spec"]
    return spec


def container(daemon_set: Object) -> dict[str, Any]:
    (only,) = pod(daemon_set)["containers"]
    found: dict[str, Any] = only
    return found


def everything(plan: InstallPlan) -> Iterator[Object]:
    yield objects.service_account(plan)
    yield objects.cluster_role(plan)
    yield objects.cluster_role_binding(plan)
    yield objects.marker_role(plan)
    yield objects.marker_role_binding(plan)
    yield objects.token_secret(plan)
    yield objects.daemon_set(plan, "h", "1")
    yield objects.fallback_daemon_set(plan, "h", "1")
    yield objects.marker(plan, "p/s/n")


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
def test_role_has_no_wildcard(role: Object) -> None:
    assert "*" not in json.dumps(role["rules"])


def test_cluster_role_is_what_thin_multus_calls() -> None:
    allowed = {
        (group, resource, verb)
        for rule in ROLES["cluster"]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert allowed == {
        ("k8s.cni.cncf.io", "network-attachment-definitions", "get"),
        ("", "pods", "get"),
        ("", "pods/status", "update"),
        ("", "events", "create"),
        ("", "events", "patch"),
    }


def test_marker_role_reads_one_config_map() -> None:
    assert ROLES["marker"]["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["multus-install"], "verbs": ["get"]}
    ]


@pytest.mark.parametrize(
    ("binding", "role"),
    [
        (objects.cluster_role_binding(PLAN), ROLES["cluster"]),
        (objects.marker_role_binding(PLAN), ROLES["marker"]),
    ],
    ids=ROLES,
)
def test_binding_gives_the_role_to_the_account_alone(binding: Object, role: Object) -> None:
    account = objects.service_account(PLAN)["metadata"]
    assert binding["roleRef"]["kind"] == role["kind"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
    ]


def test_account_is_mounted_nowhere_by_itself() -> None:
    assert objects.service_account(PLAN)["automountServiceAccountToken"] is False
    assert all(pod(each)["automountServiceAccountToken"] is False for each in DAEMON_SETS.values())


def test_token_belongs_to_the_account_and_carries_the_rotation() -> None:
    token = objects.token_secret(PLAN)
    assert token["metadata"]["name"] == "multus-token-7"
    assert token["metadata"]["annotations"] == {"kubernetes.io/service-account.name": "multus"}
    assert token["type"] == "kubernetes.io/service-account-token"
    assert not {"data", "stringData"} & set(token)


def test_token_keeps_its_account_when_adopting() -> None:
    token = objects.token_secret(resolve(k3s(adopt=True)))
    assert token["metadata"]["annotations"] == {
        "kubernetes.io/service-account.name": "multus",
        "pulumi.com/patchForce": "true",
    }


@both
def test_container_has_no_privilege(daemon_set: Object) -> None:
    assert container(daemon_set)["securityContext"] == {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@both
def test_container_runs_thin_with_memory_to_spare(daemon_set: Object) -> None:
    assert container(daemon_set)["command"] == ["/thin_entrypoint"]
    assert container(daemon_set)["resources"]["limits"] == {"memory": "128Mi"}


@both
def test_every_mount_has_its_volume_and_no_other_host_path(daemon_set: Object) -> None:
    volumes = {volume["name"]: volume for volume in pod(daemon_set)["volumes"]}
    mounts = {mount["name"]: mount for mount in container(daemon_set)["volumeMounts"]}
    assert set(volumes) == set(mounts)
    assert {volume["hostPath"]["path"] for volume in volumes.values() if "hostPath" in volume} == {
        PLAN.cni_conf_dir,
        PLAN.cni_bin_dir,
    }
    assert all(volume["hostPath"]["type"] == "Directory" for volume in volumes.values() if "hostPath" in volume)
    assert all("mountPropagation" not in mount for mount in mounts.values())
    assert volumes["token"]["secret"]["secretName"] == PLAN.token_secret


@both
def test_flags_mounts_and_plan_name_the_same_paths(daemon_set: Object) -> None:
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in container(daemon_set)["args"])
    mounts = {mount["mountPath"]: mount["name"] for mount in container(daemon_set)["volumeMounts"]}
    volumes = {volume["name"]: volume.get("hostPath", {}).get("path") for volume in pod(daemon_set)["volumes"]}
    assert volumes[mounts[flags["cni-conf-dir"]]] == PLAN.cni_conf_dir
    assert volumes[mounts[flags["multus-autoconfig-dir"]]] == PLAN.cni_conf_dir
    assert volumes[mounts[flags["cni-bin-dir"]]] == PLAN.cni_bin_dir
    assert flags["multus-kubeconfig-file-host"] == PLAN.kubeconfig_path
    assert PLAN.kubeconfig_path == f"{PLAN.cni_conf_dir}/multus.d/multus.kubeconfig"


@both
def test_selector_matches_its_pods_and_no_other(daemon_set: Object) -> None:
    selector = daemon_set["spec"]["selector"]["matchLabels"]
    for each in DAEMON_SETS.values():
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert (selector.items() <= labels.items()) is (each is daemon_set)


def test_a_node_is_served_by_exactly_one_daemon_set() -> None:
    def expression(daemon_set: Object) -> dict[str, Any]:
        affinity = pod(daemon_set)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        (term,) = affinity["nodeSelectorTerms"]
        (found,) = [item for item in term["matchExpressions"] if item["key"] == objects.NODE_LABEL]
        chosen: dict[str, Any] = found
        return chosen

    main, fallback = expression(DAEMON_SETS["main"]), expression(DAEMON_SETS["fallback"])
    assert {**main, "operator": "NotIn"} == fallback
    assert main["operator"] == "In"
    assert objects.node_label("a")["metadata"]["labels"] == {objects.NODE_LABEL: main["values"][0]}


def test_only_the_fallback_removes_on_exit() -> None:
    removing = {
        name for name, each in DAEMON_SETS.items() if "--cleanup-config-on-exit=true" in container(each)["args"]
    }
    assert removing == {"fallback"}


def test_objects_lie_in_the_namespace_of_the_plan() -> None:
    for each in everything(PLAN):
        namespace = each["metadata"].get("namespace")
        assert namespace == (None if each["kind"].startswith("Cluster") else "networks"), each["kind"]


def test_objects_carry_no_force_without_adopt() -> None:
    assert "patchForce" not in json.dumps(list(everything(PLAN)))
    assert all("patchForce" in json.dumps(each) for each in everything(resolve(k3s(adopt=True))))


def test_pull_secrets_reach_the_pod() -> None:
    assert all(pod(each)["imagePullSecrets"] == [{"name": "registry"}] for each in DAEMON_SETS.values())
    assert "imagePullSecrets" not in pod(objects.daemon_set(resolve(k3s()), "h", "1"))
