"""What is registered, in which order and with which options."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from multus import InvalidArgumentsError, MultusComponent
from multus.node_program import STATE_DIR, program_text
from multus.node_steps import DEFAULTS
from multus.plugin_archives import architecture_in
from tests.support.arguments import HOST_KEY, SSH_KEY, k3s, node, vanilla
from tests.support.expected_children import SHARED, of_node
from tests.support.recording import Graph, Registration, run

ACCESS = {name for name in SHARED if "daemonset" not in name and name != "m-marker"}
NOT_OWNED = ("CustomResourceDefinitionPatch", "NamespacePatch", "NodePatch", "DaemonSetPatch")


def graph_of(args: Any, *, preview: bool = False, opts: pulumi.ResourceOptions | None = None) -> Graph:
    return run(lambda: MultusComponent("m", args, opts), preview=preview).graph


def fixed_name_children(graph: Graph) -> list[Registration]:
    return [each for each in graph if each.type.startswith("kubernetes:") and not each.type.endswith(NOT_OWNED)]


@pytest.fixture(scope="module")
def two_nodes() -> Graph:
    graph = graph_of(k3s(node("a", 11), node("b.example", 12)))
    # What is said below of all of them is said of six.
    assert len(graph.of_type("remote:Command")) == 6
    return graph


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

    for name in preflights:
        assert needs[name] == {f"m-program-{name[-1]}"}
        assert needs[f"m-program-{name[-1]}"] == set()
    checked = preflights | {"m-program-a", "m-program-b"}
    for name in set(graph.types) - checked - {"m"}:
        assert checked <= needs[name], name
    for name in provisions:
        assert needs[name] == checked | ACCESS
    for name in labels:
        assert f"m-provision-{name[-1]}" in needs[name]
    for name in daemon_sets:
        assert needs[name] == checked | ACCESS | provisions | labels
    for name in verifies:
        assert daemon_sets <= needs[name]
        assert f"m-provision-{name[-1]}" in needs[name]
        assert not verifies & needs[name]
    assert needs["m-marker"] == set(graph.types) - {"m", "m-marker"}


def test_fixed_name_children_are_deleted_before_they_are_replaced(two_nodes: Graph) -> None:
    """Created first, the new object would be the old one, and deleting the old one would delete it."""
    owned = [each for each in fixed_name_children(two_nodes) if each.name != "m-token"]
    children = [*owned, *two_nodes.of_type("remote:Command")]
    assert len(children) == 8 + 6
    assert all(each.request.deleteBeforeReplace for each in children)


def test_a_rotated_token_is_made_before_the_old_one_goes(two_nodes: Graph) -> None:
    assert not two_nodes["m-token"].request.deleteBeforeReplace


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
    bounded = "exec timeout -k 5 300 sh -c "
    for each in two_nodes.of_type("remote:Command"):
        for phase in {"create", "update", "delete"} - ({"update"} - set(each.inputs)):
            command = each.inputs[phase]
            if each.name.startswith("m-preflight"):
                # The login's own shell looks at what was copied.
                *_, command = shlex.split(command)
                command = command.replace("f=/dev/null; ", "; exec ").replace(".sh; exec", "; exec")
                command = command[command.index("exec ") :]
            assert command.startswith(bounded), (each.name, phase)


def test_commands_go_through_sudo_for_another_login() -> None:
    graph = graph_of(k3s(node("a", 11, user="admin")))
    command = graph["m-provision-a"].inputs
    assert command["create"].startswith("exec sudo -n timeout ")
    assert command["connection"]["user"] == "admin"


def test_dials_are_as_patient_as_they_are_told() -> None:
    jump = {"host": "192.0.2.99", "host_key": HOST_KEY}
    patience = {"dial_error_limit": 0, "per_dial_timeout": 2}
    connection = graph_of(k3s(node("a", 11, proxy=jump), ssh=patience))["m-verify-a"].inputs["connection"]
    for dialled in (connection, connection["proxy"]):
        assert (dialled["dialErrorLimit"], dialled["perDialTimeout"]) == (0, 2)


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
    assert len(children) == 12
    assert all(each.request.provider == f"{graph['cluster'].urn}::cluster-id" for each in children)
    assert all(not each.request.provider for each in graph.of_type("remote:Command"))


def test_a_nodes_own_steps_are_ordered_by_themselves() -> None:
    """When one node leaves, whatever lies between its steps stays, and only direct dependencies order the deletes."""
    graph = graph_of(k3s(node("a", 11), node("b", 12)))

    def direct(name: str) -> set[str]:
        return {urn.rsplit("::", 1)[1] for urn in graph[name].request.dependencies}

    for name in ("a", "b"):
        assert f"m-provision-{name}" in direct(f"m-verify-{name}")
        assert f"m-provision-{name}" in direct(f"m-label-{name}")
        assert f"m-preflight-{name}" in direct(f"m-provision-{name}")


def test_order_of_the_nodes_changes_nothing() -> None:
    a, b = node("a", 11), node("b", 12)
    assert graph_of(k3s(a, b)).described() == graph_of(k3s(b, a)).described()


def test_removing_a_node_removes_its_five_children_and_changes_no_other() -> None:
    both, one = graph_of(k3s(node("a", 11), node("b", 12))), graph_of(k3s(node("b", 12)))
    assert set(both.types) - set(one.types) == set(of_node("a"))
    assert set(one.types) <= set(both.types)
    assert all(one[name].wire == both[name].wire for name in one.types)


def test_patch_force_is_on_every_object() -> None:
    graph = graph_of(k3s(node("a", 11)))
    forced = {
        each.name
        for each in graph
        if each.inputs.get("metadata", {}).get("annotations", {}).get("pulumi.com/patchForce") == "true"
    }
    assert forced == {*SHARED, "m-label-a"} - {"m-method-manifest"}


def test_adopt_reaches_the_preflight() -> None:
    assert "--adopt true" in graph_of(k3s(node("a", 11), adopt=True))["m-preflight-a"].inputs["create"]
    assert "--adopt" not in graph_of(k3s(node("a", 11)))["m-preflight-a"].inputs["create"]


def test_a_changed_plan_runs_every_phase_again() -> None:
    """The commands' texts are all that the engine compares."""
    before, after = graph_of(k3s(node("a", 11))), graph_of(k3s(node("a", 11), rotation="2"))
    for phase in ("preflight", "provision", "verify"):
        name = f"m-{phase}-a"
        assert before[name].inputs["create"] != after[name].inputs["create"]
        assert phase == "provision" or before[name].inputs["update"] != after[name].inputs["update"]


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
    assert f"node.sh {delete}" in text
    assert f"[ -f {STATE_DIR}/node.sh ] || {{ " in text
    assert ("set rotation to another value" in text) == (phase != "preflight")


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
    inputs += sum(len(json.dumps(each.wire)) for each in graph.of_type("CopyToRemote"))
    assert 2 * inputs < 15_000


def test_the_state_says_briefly_where_a_resource_is_made(two_nodes: Graph) -> None:
    children = [each.request for each in two_nodes if each.name != "m"]
    assert {each.sourcePosition.uri.rpartition("/")[2] for each in children} == {
        "node_steps.py",
        "copied_files.py",
        "registering.py",
    }
    assert max(len(each.stackTrace.frames) for each in children) <= 3
    assert not hasattr(sys, "tracebacklimit")


def test_no_more_nodes_than_told_are_dialled_at_once() -> None:
    """Each step of a node waits for the same step of an earlier one, so that as many run as have begun without."""
    nodes = [node(f"n{number}", 11 + number) for number in range(5)]
    graph = graph_of(k3s(*nodes, ssh={"parallel": 2}))

    def waits_for(phase: str) -> dict[str, set[str]]:
        return {
            each["name"]: {
                needed.name for needed in graph.directly(f"m-{phase}-{each['name']}") if f"-{phase}-" in needed.name
            }
            for each in nodes
        }

    def named(phase: str) -> dict[str, set[str]]:
        lanes = {"n0": set(), "n1": set(), "n2": {"n0"}, "n3": {"n1"}, "n4": {"n2"}}
        return {name: {f"m-{phase}-{before}" for before in lanes[name]} for name in lanes}

    for phase in ("provision", "verify"):
        assert waits_for(phase) == named(phase)
    for name, before in named("preflight").items():
        direct = {needed.name for needed in graph.directly(f"m-program-{name}")}
        assert direct == before
    one_by_one = graph_of(k3s(*nodes, ssh={"parallel": 1}))
    assert {"m-verify-n0", "m-verify-n1", "m-verify-n2", "m-verify-n3"} <= one_by_one.needs("m-verify-n4")
    assert not {f"m-verify-n{number}" for number in range(4)} & graph_of(k3s(*nodes)).needs("m-verify-n4")


def test_outputs_are_what_the_plan_says() -> None:
    result = run(lambda: MultusComponent("m", k3s(node("a", 11), node("b", 12), image={"tag": "v4.2.4"})))
    assert result.outputs_of("m") == {
        "namespace": "kube-system",
        "plugin": "thin",
        "daemon_set_name": "kube-multus-ds",
        "fallback_daemon_set_name": "kube-multus-ds-fallback",
        "image": "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.2.4",
        "cni_conf_dir": "/var/lib/rancher/k3s/agent/etc/cni/net.d",
        "cni_bin_dir": "/var/lib/rancher/k3s/data/cni",
        "kubeconfig_path": "/var/lib/rancher/k3s/agent/etc/cni/net.d/multus.d/multus.kubeconfig",
        "provisioned_nodes": ["a", "b"],
    }


def test_thick_adds_its_configuration_before_the_pods() -> None:
    graph = graph_of(k3s(node("a", 11), plugin="thick"))
    assert graph.children_of("m") == {**SHARED, **of_node("a"), "m-conf": "kubernetes:core/v1:ConfigMap"}
    assert "m-conf" in graph.needs("m-daemonset")
    assert "m-conf" in graph.needs("m-daemonset-fallback")
    assert "m-preflight-a" in graph.needs("m-conf")


def test_a_changed_configuration_is_made_before_the_old_one_goes() -> None:
    graph = graph_of(k3s(plugin="thick"))
    assert not graph["m-conf"].request.deleteBeforeReplace


def told(graph: Graph, name: str, phase: str) -> dict[str, str]:
    """Every word of a command with the one after it."""
    command = graph[name].inputs[phase]
    while "node.sh" in command:
        words = shlex.split(command)
        command = next((word for word in words if "node.sh" in word and " " in word), "")
    return dict(itertools.pairwise(words))


def test_what_is_left_unsaid_is_what_the_program_takes() -> None:
    text = program_text()
    for option, value in DEFAULTS.items():
        assert re.search(rf"(^| ){option}={value}( |$)", text, re.MULTILINE), option


def test_nodes_are_told_what_is_not_ordinary() -> None:
    graph = graph_of(
        k3s(
            node("a", 11),
            plugin="thick",
            required_plugins=["dhcp", "vlan"],
            reference_plugins={"names": ["macvlan", "ipvlan"], "image": "r.example/plugins:1"},
            daemon={"metrics_port": 9091, "socket_dir": "/run/m/"},
            conf={"master_conf": "10-flannel.conflist"},
        )
    )
    checked = told(graph, "m-preflight-a", "create")
    assert checked["--needs"] == "dhcp vlan"
    assert checked["--metrics-port"] == "9091"
    provisioned = told(graph, "m-provision-a", "create")
    for words in (checked, provisioned):
        assert words["--plugin"] == "thick"
        assert words["--installs"] == "macvlan ipvlan"
    verified, disarmed = told(graph, "m-verify-a", "create"), told(graph, "m-verify-a", "delete")
    for words in (checked, verified, disarmed, told(graph, "m-provision-a", "delete")):
        assert words["--plugin"] == "thick"
        assert words["--socket-dir"] == "/run/m"
        assert words["--master"] == "10-flannel.conflist"


def brought(**archives: Any) -> Any:
    reference = {"names": ["macvlan", "dhcp"], "image": "r.example/plugins:1", "archives": archives}
    return k3s(node("a", 11), reference_plugins=reference, rotation="2")


def copies_from_an_image(graph: Graph, name: str) -> bool:
    spec = graph[name].inputs["spec"]["template"]["spec"]
    return any(each["name"] == "install-reference-plugins" for each in spec.get("initContainers", ()))


def test_listed_nodes_fetch_plugins_themselves_and_others_have_an_image() -> None:
    url, sha256 = "https://files.example/a.tgz", "0" * 64
    graph = graph_of(brought(amd64={"url": url, "sha256": sha256}))
    words = told(graph, "m-unpack-a", "create")
    assert words["--unpacks"] == "macvlan dhcp"
    assert words["--archives"] == told(graph, "m-preflight-a", "create")["--archives"] == f"amd64:{sha256}:{url}"
    assert "--installs" not in told(graph, "m-provision-a", "create")
    # Between the node's own kubeconfig and the label that brings Multus.
    assert "m-provision-a" in graph.needs("m-unpack-a")
    assert "m-unpack-a" in graph.needs("m-label-a")
    assert {"delete", "stdin", "update"} & set(graph["m-unpack-a"].inputs) == set()
    assert [each.name for each in graph.of_type("CopyToRemote")] == ["m-program-a"]
    assert not copies_from_an_image(graph, "m-daemonset")
    assert copies_from_an_image(graph, "m-daemonset-fallback")


def test_an_archive_of_this_machine_is_copied_and_the_state_keeps_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "plugins.tgz"
    file.write_bytes(b"an archive")
    sha256 = hashlib.sha256(b"an archive").hexdigest()
    graph = graph_of(brought(amd64={"path": str(file), "sha256": sha256}))
    copy, unpack = graph["m-archive-a"], graph["m-unpack-a"]
    assert copy.type == "command:remote:CopyToRemote"
    assert copy.inputs["source"]["path"] == str(file)
    assert "an archive" not in json.dumps(copy.wire)
    assert "connection" in copy.secret_inputs
    assert "m-preflight-a" in graph.needs("m-archive-a")
    assert {"m-archive-a", "m-provision-a"} <= graph.needs("m-unpack-a")
    # The login's own shell opens what the login can write.
    *_, script = shlex.split(unpack.inputs["create"])
    assert script.startswith(f"f={copy.inputs['remotePath']}; [ -f $f ] || f=/dev/null; timeout -k 5 ")
    every = re.sub(r"-\w+\.tgz", "-*.tgz", copy.inputs["remotePath"])
    assert script.endswith(f" <$f && rm -f {every}")
    assert unpack.inputs["delete"] == f"rm -f {every}"
    again = graph_of({**brought(amd64={"path": str(file), "sha256": sha256}), "rotation": "3"})
    assert again["m-archive-a"].inputs["remotePath"] != copy.inputs["remotePath"]
    assert again["m-unpack-a"].inputs["create"] != unpack.inputs["create"]


def test_a_file_that_is_not_the_plans_registers_nothing(tmp_path: Path) -> None:
    file = tmp_path / "plugins.tgz"
    file.write_bytes(b"another")
    archives = {"amd64": {"path": str(file), "sha256": "0" * 64}, "arm64": {"path": "gone.tgz", "sha256": "0" * 64}}

    def program() -> None:
        with pytest.raises(InvalidArgumentsError) as refused:
            MultusComponent("m", brought(**archives))
        is_hash = hashlib.sha256(b"another").hexdigest()
        assert f"archives['amd64'].sha256: is not that of '{file}', which is {is_hash}; " in str(refused.value)
        assert "archives['arm64'].path: 'gone.tgz' is no file on this machine; write where it lies" in str(
            refused.value
        )

    assert run(program).graph.all == []


def test_a_node_of_several_architectures_says_which_archive_it_needs() -> None:
    assert architecture_in("ready: default network cbr0 in /etc/x, for arm64\n") == "arm64"


def test_without_an_image_nodes_that_are_not_listed_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    warned = heard_at("warn", monkeypatch)
    given = brought(amd64={"url": "https://files.example/a.tgz", "sha256": "0" * 64})
    del given["reference_plugins"]["image"]
    graph = graph_of(given)
    assert not copies_from_an_image(graph, "m-daemonset-fallback")
    assert [each for each in warned if "nodes that are not listed get no macvlan, dhcp" in each]


def test_pods_tokens_need_no_secret() -> None:
    graph = graph_of(k3s(credentials="pod"))
    assert set(graph.children_of("m")) == set(SHARED) - {"m-token"}


def heard_at(level: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the component comes to say at this level of Pulumi's log."""
    said: list[str] = []

    def heard(text: str, *, resource: pulumi.Resource) -> None:
        assert isinstance(resource, MultusComponent)
        said.append(text)

    monkeypatch.setattr(pulumi.log, level, heard)
    return said


@pytest.mark.parametrize(
    ("distro", "says"),
    [("k3s", []), ("rke2", []), ("microk8s", ["have run its checks on files"])],
)
@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_an_untried_distribution_is_said_once(
    distro: str, says: list[str], preview: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = heard_at("info", monkeypatch)
    graph_of({"distro": distro, "nodes": [node("a", 11), node("b", 12)]}, preview=preview)
    assert len(said) == (0 if preview else len(says))
    for text in said:
        assert says[0] in text
        assert f"distro {distro}: " in text


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_a_namespace_is_made_first_and_stays(preview: bool) -> None:
    graph = graph_of(k3s(node("a", 11), namespace="networks", create_namespace=True), preview=preview)
    assert graph.types["m-namespace"] == "kubernetes:core/v1:NamespacePatch"
    assert graph["m-namespace"].request.retainOnDelete
    # Talos and RKE2's CIS profile admit these pods to kube-system alone.
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    assert graph["m-namespace"].inputs["metadata"]["labels"] == labels
    assert "labels" not in graph["m-method-manifest"].inputs["metadata"]
    namespaced = {each.name for each in graph if each.inputs.get("metadata", {}).get("namespace") == "networks"}
    assert len(namespaced) == 7
    assert all("m-namespace" in graph.needs(name) for name in namespaced)


ELSEWHERE: dict[str, Any] = {
    "talos": {"distro": "talos", "namespace": "networks"},
    "gke": {"distro": "gke", "namespace": "networks", "api_server": "https://192.0.2.1"},
}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (ELSEWHERE["talos"], ["its label pod-security.kubernetes.io/enforce is privileged"]),
        (ELSEWHERE["gke"], ["a ResourceQuota there allows pods of the class system-node-critical"]),
        (ELSEWHERE["gke"] | {"scheduling": {"priority_class": "mine"}}, []),
        (ELSEWHERE["talos"] | {"create_namespace": True}, []),
        (ELSEWHERE["gke"] | {"create_namespace": True}, []),
        (ELSEWHERE["talos"] | {"namespace": "kube-system"}, []),
        ({"distro": "k3s", "namespace": "networks"}, []),
    ],
)
def test_a_namespace_that_will_refuse_the_pods_is_said_before(
    arguments: Any, says: list[str], preview: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned = heard_at("warn", monkeypatch)
    graph = graph_of(arguments, preview=preview)
    assert [text.partition(" where ")[2].partition(";")[0] for text in warned] == says
    assert all("'networks'" in text and "set create_namespace to true" in text for text in warned)
    assert all(each.name != "m-quota" for each in graph) or "create_namespace" in arguments


def test_the_quota_of_a_made_namespace_is_there_before_the_pods() -> None:
    graph = graph_of(ELSEWHERE["gke"] | {"create_namespace": True})
    assert "m-namespace" in graph.needs("m-quota")
    assert {"m-quota"} <= graph.needs("m-daemonset") & graph.needs("m-daemonset-fallback")


def test_nodes_can_be_left_as_they_are() -> None:
    """The configuration goes in any case: with its account gone no pod would start."""
    graph = graph_of(k3s(node("a", 11), node_cleanup=False))
    assert "delete" not in graph["m-provision-a"].inputs
    assert "node.sh disarm " in graph["m-verify-a"].inputs["delete"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"plugin": "thick"}, '"confDir":"/etc/cni/multus/net.d"'),
        (
            {"plugin": "thick", "conf": {"networks_dir": "/etc/nets", "default_networks": ["a"]}},
            '"confDir":"/etc/nets","defaultNetworks":["a"]',
        ),
        ({"plugin": "thick", "node_cleanup": False}, None),
        ({}, None),
    ],
    ids=["thick", "thick's keys", "nobody takes it away", "thin"],
)
def test_thick_has_a_standby_where_a_step_takes_it_away(arguments: dict[str, Any], expected: str | None) -> None:
    graph = graph_of(k3s(node("a", 11), **arguments))
    for name in ("m-provision-a", "m-verify-a"):
        assert told(graph, name, "create").get("--standby") == expected


def test_nothing_is_run_for_a_host_that_is_gone() -> None:
    graph = graph_of(k3s(node("a", 11, gone=True), node("b", 12)))
    gone = [each for each in graph if each.name.endswith("-a")]
    assert len(gone) == 5
    assert all(each.request.retainOnDelete for each in gone)
    for each in gone:
        changeable = {"metadata"} if each.name == "m-label-a" else set(each.wire)
        assert changeable <= set(each.request.ignoreChanges), each.name
    assert not any(each.request.retainOnDelete for each in graph if each.name.endswith("-b"))


def test_a_jump_host_has_a_key_of_its_own_to_be_known_by() -> None:
    jump = {"host": "192.0.2.99", "user": "jump", "host_key": HOST_KEY}
    connection = graph_of(k3s(node("a", 11, proxy=jump)))["m-verify-a"].inputs["connection"]
    assert (connection["dialErrorLimit"], connection["proxy"]["dialErrorLimit"]) == (3, 3)
    assert (connection["perDialTimeout"], connection["proxy"]["perDialTimeout"]) == (10, 10)
    assert connection["proxy"]["host"] == "192.0.2.99"
    assert connection["proxy"]["user"] == "jump"
    assert connection["proxy"]["hostKey"] == HOST_KEY
    assert connection["proxy"]["privateKey"] == SSH_KEY
    assert "proxy" not in graph_of(k3s(node("a", 11)))["m-verify-a"].inputs["connection"]


@pytest.mark.parametrize("method", ["manifest", "helm"])
def test_what_a_keeper_may_ask_is_there_before_and_after_it(method: str) -> None:
    graph = graph_of(k3s(method=method, keeper={"image": "r.example/curl:1"}))
    access = {f"m-keeper-{part}" for part in ("role", "role-binding", "cluster-role", "cluster-role-binding")}
    assert access <= graph.needs("m-daemonset-fallback" if method == "manifest" else "m-release")
    assert not access & set(graph_of(k3s(method=method)).children_of("m"))


def test_a_keeper_is_no_business_of_listed_nodes() -> None:
    """Neither their pods nor their steps change with it."""
    before, after = graph_of(k3s(node("a", 11))), graph_of(k3s(node("a", 11), keeper={"image": "r.example/curl:1"}))
    for name in ("m-daemonset", "m-preflight-a", "m-provision-a", "m-verify-a"):
        assert before[name].inputs == after[name].inputs
    spec = after["m-daemonset-fallback"].inputs["spec"]["template"]["spec"]
    assert [each["name"] for each in spec["initContainers"]] == ["keeper"]
    assert not [word for word in spec["containers"][0]["args"] if "cleanup" in word]


@pytest.mark.parametrize("method", ["manifest", "helm"])
def test_the_daemon_of_dhcp_stands_beside_either_method(method: str) -> None:
    """It comes once the plugins are there, and goes after a removal that pods' interfaces have not stopped."""
    daemon = {"dhcp_daemon": {"image": "r.example/shell:1"}, "method": method}
    graph = graph_of(k3s(node("a", 11), **daemon))
    served = {"m-daemonset", "m-daemonset-fallback"} if method == "manifest" else {"m-gate", "m-gate-fallback"}
    assert served <= graph.needs("m-dhcp-daemon")
    assert "m-dhcp-daemon" in graph.needs("m-verify-a")
    assert "m-dhcp-daemon" in graph_of(k3s(**daemon)).needs("m-marker")
    assert graph["m-dhcp-daemon"].request.deleteBeforeReplace
    assert set(graph.types) - set(graph_of(k3s(node("a", 11), method=method)).types) == {"m-dhcp-daemon"}


@pytest.mark.parametrize("method", ["manifest", "helm"])
def test_whereabouts_stands_beside_either_method(method: str) -> None:
    plain, graph = (
        graph_of(k3s(node("a", 11), method=method, **more))
        for more in ({}, {"whereabouts": {"reconcile": "0 4 * * *"}})
    )
    parts = {
        f"m-whereabouts-{part}" for part in ("account", "role", "role-binding", "cluster-role", "schedule", "token")
    }
    definitions = {"m-crd-ippools", "m-crd-overlappingrangeipreservations"}
    running = {"m-whereabouts", "m-whereabouts-reconciler"}
    assert set(graph.types) - set(plain.types) == {*parts, "m-whereabouts-cluster-role-binding", *definitions, *running}
    for name in running:
        assert {*parts, *definitions} <= graph.needs(name)
    assert running <= graph.needs("m-verify-a")
    assert {each.name for each in graph if each.request.retainOnDelete} >= definitions
    # A rotation makes the new token before the old one goes.
    assert not graph["m-whereabouts-token"].request.deleteBeforeReplace
    assert graph["m-whereabouts-schedule"].inputs["data"] == {"config": "0 4 * * *"}
    assert "--installs whereabouts" in graph["m-provision-a"].inputs["create"]
