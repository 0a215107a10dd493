"""What is registered, in which order and with which options."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from components.multus import InvalidArgumentsError, MultusComponent
from components.multus.nodes import WHERE_GONE
from tests.component.arguments import SSH_KEY, k3s, node, vanilla
from tests.component.recording import Graph, Registration, run

SHARED = {
    "m-crd": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinitionPatch",
    "m-service-account": "kubernetes:core/v1:ServiceAccount",
    "m-cluster-role": "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
    "m-cluster-role-binding": "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    "m-marker-role": "kubernetes:rbac.authorization.k8s.io/v1:Role",
    "m-marker-role-binding": "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    "m-token": "kubernetes:core/v1:Secret",
    "m-daemonset": "kubernetes:apps/v1:DaemonSet",
    "m-daemonset-fallback": "kubernetes:apps/v1:DaemonSet",
    "m-marker": "kubernetes:core/v1:ConfigMap",
}
ACCESS = {name for name in SHARED if "daemonset" not in name and name != "m-marker"}
NOT_OWNED = ("CustomResourceDefinitionPatch", "NodePatch")


def of_node(name: str) -> dict[str, str]:
    return {
        f"m-preflight-{name}": "command:remote:Command",
        f"m-provision-{name}": "command:remote:Command",
        f"m-label-{name}": "kubernetes:core/v1:NodePatch",
        f"m-verify-{name}": "command:remote:Command",
    }


def graph_of(args: Any, *, preview: bool = False, opts: pulumi.ResourceOptions | None = None) -> Graph:
    return run(lambda: MultusComponent("m", args, opts), preview=preview).graph


def fixed_name_children(graph: Graph) -> list[Registration]:
    return [each for each in graph if each.type.startswith("kubernetes:") and not each.type.endswith(NOT_OWNED)]


@pytest.fixture(scope="module")
def two_nodes() -> Graph:
    return graph_of(k3s(node("a", 11), node("b.example", 12)))


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        pytest.param(k3s(), SHARED, id="no-nodes"),
        pytest.param({"distro": "k3s"}, SHARED, id="nodes-left-out"),
        pytest.param(k3s(node("a", 11)), {**SHARED, **of_node("a")}, id="one-node"),
        pytest.param(vanilla(node("a", 11), node("b", 12)), {**SHARED, **of_node("a"), **of_node("b")}, id="vanilla"),
    ],
)
def test_component_registers_exactly(args: Any, expected: dict[str, str], preview: bool) -> None:
    graph = graph_of(args, preview=preview)
    assert graph.children_of("m") == expected
    assert graph.types == {"m": "multus:index:MultusComponent", **expected}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_component_orders(preview: bool) -> None:
    graph = graph_of(k3s(node("a", 11), node("b", 12)), preview=preview)
    needs = {each.name: graph.needs(each.name) for each in graph}
    preflights = {"m-preflight-a", "m-preflight-b"}
    provisions, labels = {"m-provision-a", "m-provision-b"}, {"m-label-a", "m-label-b"}
    daemon_sets, verifies = {"m-daemonset", "m-daemonset-fallback"}, {"m-verify-a", "m-verify-b"}

    assert all(needs[name] == set() for name in preflights)
    for name in set(graph.types) - preflights - {"m"}:
        assert preflights <= needs[name], name
    for name in provisions:
        assert needs[name] == preflights | ACCESS
    for name in labels:
        assert f"m-provision-{name[-1]}" in needs[name]
    for name in daemon_sets:
        assert needs[name] == preflights | ACCESS | provisions | labels
    for name in verifies:
        assert daemon_sets <= needs[name]
        assert f"m-provision-{name[-1]}" in needs[name]
        assert not verifies & needs[name]
    assert needs["m-marker"] == set(graph.types) - {"m", "m-marker"}


def test_fixed_name_children_are_deleted_before_they_are_replaced(two_nodes: Graph) -> None:
    """Created first, the new object would be the old one, and deleting the old one would delete it."""
    children = [*fixed_name_children(two_nodes), *two_nodes.of_type("remote:Command")]
    assert len(children) == 9 + 6
    assert all(each.request.deleteBeforeReplace for each in children)


def test_only_the_crd_is_retained(two_nodes: Graph) -> None:
    assert [each.name for each in two_nodes if each.request.retainOnDelete] == ["m-crd"]


def test_daemon_sets_have_the_timeout_of_the_arguments() -> None:
    graph = graph_of(k3s(timeout_seconds=77))
    timeouts = {
        each.name: (
            each.request.customTimeouts.create,
            each.request.customTimeouts.update,
            each.request.customTimeouts.delete,
        )
        for each in graph
        if each.request.HasField("customTimeouts")
    }
    assert timeouts == dict.fromkeys(("m-daemonset", "m-daemonset-fallback"), ("77s", "77s", "77s"))


def test_no_command_has_triggers(two_nodes: Graph) -> None:
    """A trigger replaces, and a replacement runs the old delete on a live node."""
    assert all("triggers" not in each.wire for each in two_nodes.of_type("remote:Command"))


def test_commands_never_repeat_former_output_as_environment(two_nodes: Graph) -> None:
    assert all(each.inputs["addPreviousOutputInEnv"] is False for each in two_nodes.of_type("remote:Command"))


def test_every_command_is_bounded_and_has_a_delete(two_nodes: Graph) -> None:
    for each in two_nodes.of_type("remote:Command"):
        for phase in ("create", "update", "delete"):
            assert each.inputs[phase].startswith("exec timeout -k 5 300 sh -c "), (each.name, phase)


def test_commands_go_through_sudo_for_another_login() -> None:
    graph = graph_of(k3s(node("a", 11, user="admin")))
    command = graph["m-provision-a"].inputs
    assert command["create"].startswith("exec sudo -n timeout ")
    assert command["connection"]["user"] == "admin"


def test_connection_says_what_the_node_says() -> None:
    graph = graph_of(k3s(node("a", 11, host="[2001:db8::5]", port=2222.0)))
    connection = graph["m-verify-a"].inputs["connection"]
    assert (connection["host"], connection["port"], connection["user"]) == ("2001:db8::5", 2222, "root")
    assert connection["hostKey"] == node("a", 11)["host_key"]


def test_token_ignores_the_label_that_the_api_server_writes(two_nodes: Graph) -> None:
    assert list(two_nodes["m-token"].request.ignoreChanges) == [
        'metadata.labels["kubernetes.io/legacy-token-last-used"]'
    ]


def test_provider_of_the_caller_reaches_every_kubernetes_child() -> None:
    def program() -> None:
        provider = k8s.Provider("cluster", kubeconfig=pulumi.Output.secret("made-up"))
        MultusComponent("m", k3s(node("a", 11)), pulumi.ResourceOptions(provider=provider))

    graph = run(program).graph
    children = [each for each in graph if each.type.startswith("kubernetes:")]
    assert len(children) == 11
    assert all(each.request.provider == f"{graph['cluster'].urn}::cluster-id" for each in children)
    assert all(not each.request.provider for each in graph.of_type("remote:Command"))


def test_order_of_the_nodes_changes_nothing() -> None:
    a, b = node("a", 11), node("b", 12)
    assert graph_of(k3s(a, b)).described() == graph_of(k3s(b, a)).described()


def test_removing_a_node_removes_its_four_children_and_changes_no_other() -> None:
    both, one = graph_of(k3s(node("a", 11), node("b", 12))), graph_of(k3s(node("b", 12)))
    assert set(both.types) - set(one.types) == set(of_node("a"))
    assert set(one.types) <= set(both.types)
    assert all(one[name].wire == both[name].wire for name in one.types)


@pytest.mark.parametrize(
    ("adopt", "expected"),
    [(False, {"m-crd", "m-label-a"}), (True, {*SHARED, "m-label-a"})],
    ids=["without-adopt", "with-adopt"],
)
def test_patch_force_is_on(adopt: bool, expected: set[str]) -> None:
    graph = graph_of(k3s(node("a", 11), adopt=adopt))
    forced = {
        each.name
        for each in graph
        if each.inputs.get("metadata", {}).get("annotations", {}).get("pulumi.com/patchForce") == "true"
    }
    assert forced == expected


def test_adopt_reaches_the_preflight() -> None:
    assert "--adopt true" in graph_of(k3s(node("a", 11), adopt=True))["m-preflight-a"].inputs["create"]
    assert "--adopt false" in graph_of(k3s(node("a", 11)))["m-preflight-a"].inputs["create"]


def test_a_changed_plan_runs_every_phase_again() -> None:
    """The commands' texts are all that the engine compares."""
    before, after = graph_of(k3s(node("a", 11))), graph_of(k3s(node("a", 11), rotation="2"))
    for phase in ("preflight", "provision", "verify"):
        name = f"m-{phase}-a"
        assert before[name].inputs["create"] != after[name].inputs["create"]
        assert before[name].inputs["update"] != after[name].inputs["update"]


def test_verify_disarms_only_in_its_create() -> None:
    """A failed update keeps what worked; a failed create has no delete that would take it away."""
    inputs = graph_of(k3s(node("a", 11)))["m-verify-a"].inputs
    assert "--disarm-on-failure true" in inputs["create"]
    assert "--disarm-on-failure" not in inputs["update"]


@pytest.mark.parametrize(
    ("phase", "delete"),
    [("preflight", "forget"), ("provision", "clean"), ("verify", "disarm")],
)
def test_delete_runs(phase: str, delete: str, two_nodes: Graph) -> None:
    text = two_nodes[f"m-{phase}-a"].inputs["delete"]
    assert f"node.sh {delete} " in text
    assert f"{WHERE_GONE}; " in text


def test_bad_arguments_register_nothing() -> None:
    def program() -> None:
        with pytest.raises(InvalidArgumentsError, match=r"nodes\[0\]\.host_key: is missing"):
            MultusComponent("m", k3s({"name": "a", "host": "192.0.2.11", "private_key": SSH_KEY}))

    assert graph_of(k3s()).all
    assert run(program).graph.all == []


def test_state_of_a_node_stays_within_its_budget() -> None:
    """The engine keeps inputs and outputs of a resource, and the outputs repeat the inputs."""
    graph = graph_of(k3s(node("agent-1.cluster.example", 11)))
    inputs = sum(len(json.dumps(each.wire)) for each in graph.of_type("remote:Command"))
    assert 2 * inputs < 40_000


def test_outputs_are_what_the_plan_says() -> None:
    result = run(lambda: MultusComponent("m", k3s(node("a", 11), node("b", 12), image={"tag": "v4.2.4"})))
    assert result.outputs_of("m") == {
        "namespace": "kube-system",
        "daemon_set_name": "kube-multus-ds",
        "image": "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.2.4",
        "cni_conf_dir": "/var/lib/rancher/k3s/agent/etc/cni/net.d",
        "cni_bin_dir": "/var/lib/rancher/k3s/data/cni",
        "kubeconfig_path": "/var/lib/rancher/k3s/agent/etc/cni/net.d/multus.d/multus.kubeconfig",
        "provisioned_nodes": ["a", "b"],
    }
