"""What the method `helm` registers, in which order and with which options, and how it differs from the raw method."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.rpc import UNKNOWN

from multus import MultusComponent, release
from multus.chart_archive import PackedChart, pack
from tests.support.arguments import SSH_KEY, k3s, node, vanilla
from tests.support.expected_children import SHARED, of_node
from tests.support.recording import TOKEN, Graph, run, without_secrets

RAW = {"m-daemonset", "m-daemonset-fallback", "m-method-manifest"}
OURS = {
    **{name: kind for name, kind in SHARED.items() if name not in RAW},
    "m-method-helm": "kubernetes:core/v1:NamespacePatch",
    "m-release": "kubernetes:helm.sh/v3:Release",
    "m-gate": "kubernetes:apps/v1:DaemonSetPatch",
    "m-gate-fallback": "kubernetes:apps/v1:DaemonSetPatch",
}
GATES = {"m-gate", "m-gate-fallback"}
both = pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])


def graph_of(args: Any, *, preview: bool = False) -> Graph:
    return run(lambda: MultusComponent("m", args), preview=preview).graph


def helm(*nodes: dict[str, Any], **changes: Any) -> Any:
    return k3s(*nodes, method="helm", **changes)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return graph_of(helm(node("a", 11), node("b", 12)))


@both
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        pytest.param(helm(), OURS, id="no-nodes"),
        pytest.param(helm(node("a", 11)), {**OURS, **of_node("a")}, id="one-node"),
        pytest.param(helm(plugin="thick"), OURS, id="thick"),
        pytest.param(vanilla(node("a", 11), method="helm"), {**OURS, **of_node("a")}, id="vanilla"),
        pytest.param(
            helm(namespace="networks", create_namespace=True),
            {
                **OURS,
                "m-namespace": "kubernetes:core/v1:NamespacePatch",
                "m-flow-schema": "kubernetes:flowcontrol.apiserver.k8s.io/v1:FlowSchema",
            },
            id="elsewhere",
        ),
    ],
)
def test_component_registers_exactly(args: Any, expected: dict[str, str], preview: bool) -> None:
    graph = graph_of(args, preview=preview)
    assert graph.children_of("m") == expected


@both
def test_order_is_the_raw_methods(preview: bool) -> None:
    """The release stands where the DaemonSets stood; what needed those needs its gates."""
    nodes = (node("a", 11), node("b", 12))
    raw, released = graph_of(k3s(*nodes), preview=preview), graph_of(helm(*nodes), preview=preview)

    def needs(graph: Graph, name: str) -> set[str]:
        return {needed.replace("-helm", "-manifest") for needed in graph.needs(name)}

    common = set(raw.types) & set(released.types) - {"m"}
    assert len(common) > 15
    for name in common:
        shared = {needed for needed in needs(released, name) if needed in raw.types}
        assert shared == needs(raw, name) - {"m-daemonset", "m-daemonset-fallback"}, name
    assert needs(released, "m-release") == needs(raw, "m-daemonset")
    for name in GATES:
        assert needs(released, name) == {*needs(released, "m-release"), "m-release"}
    for name in ("m-verify-a", "m-verify-b", "m-marker"):
        assert needs(released, name) >= {*GATES, "m-release"}


def test_what_both_methods_register_is_the_same() -> None:
    """So a switch touches the DaemonSets, and what says which method is in charge."""
    raw, released = graph_of(k3s()).described(), graph_of(helm()).described()
    for name in raw.keys() & released.keys():
        for key in ("type", "inputs", "options"):
            assert raw[name][key] == released[name][key], name
    assert raw.keys() ^ released.keys() == {*RAW, *(OURS.keys() - SHARED.keys())}


def test_release_is_of_the_chart_that_travels_along(graph: Graph) -> None:
    packed, inputs = pack(), graph["m-release"].inputs
    assert inputs["chart"] == f"./{packed.path}"
    assert Path(inputs["chart"]).is_file()
    assert inputs["version"] == packed.version
    assert (inputs["name"], inputs["namespace"]) == ("multus", "kube-system")
    assert (inputs["timeout"], inputs["maxHistory"]) == (300, 3)
    assert inputs["skipAwait"] is True
    for key in ("atomic", "cleanupOnFail", "createNamespace", "dependencyUpdate"):
        assert inputs[key] is False, key
    assert inputs["values"]["apiServer"] == {"host": "127.0.0.1", "port": 6444}
    assert "repositoryOpts" not in inputs
    assert graph["m-release"].request.deleteBeforeReplace


def test_release_takes_over_what_is_nobodys_only_while_adopting(graph: Graph) -> None:
    assert graph["m-release"].inputs["takeOwnership"] is False
    assert graph_of(helm(adopt=True))["m-release"].inputs["takeOwnership"] is True


def test_release_follows_the_timeout_and_the_namespace() -> None:
    graph = graph_of(helm(timeout_seconds=77, namespace="networks"))
    assert (graph["m-release"].inputs["timeout"], graph["m-release"].inputs["namespace"]) == (77, "networks")
    for name in GATES:
        timeouts = graph[name].request.customTimeouts
        assert (timeouts.create, timeouts.update, timeouts.delete) == ("77s", "77s", "77s")
        assert graph[name].inputs["metadata"]["namespace"] == "networks"


def digest(graph: Graph, name: str = "m-gate") -> str:
    found: str = graph[name].inputs["metadata"]["annotations"]["multus-install/values"]
    return found


def test_gates_wait_for_each_daemon_set_again_when_a_value_changes(graph: Graph) -> None:
    assert graph["m-gate"].inputs["metadata"]["name"] == "kube-multus-ds"
    assert graph["m-gate-fallback"].inputs["metadata"]["name"] == "kube-multus-ds-fallback"
    for name in GATES:
        assert graph[name].inputs["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"
        assert not {"spec"} & set(graph[name].inputs)
    assert digest(graph) == digest(graph_of(helm(node("a", 11))))
    assert digest(graph) == digest(graph, "m-gate-fallback")
    assert digest(graph) != digest(graph_of(helm(log={"level": "debug"})))
    assert digest(graph) != digest(graph_of(helm(helm={"values": {"podAnnotations": {"a": "b"}}})))


def test_another_template_makes_another_release_and_another_wait(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(release, "pack", lambda: PackedChart(tmp_path / "x.tgz", "0.1.0+other"))
    edited = graph_of(helm())
    assert edited["m-release"].inputs["version"] != graph["m-release"].inputs["version"]
    assert digest(edited) != digest(graph)


def test_outputs_are_the_raw_methods() -> None:
    args = (node("a", 11),)
    raw = run(lambda: MultusComponent("m", k3s(*args))).outputs_of("m")
    assert run(lambda: MultusComponent("m", helm(*args))).outputs_of("m") == raw


def test_nodes_remember_the_method() -> None:
    """Only where it is not the usual one: the state keeps every word of a command twice."""

    def word(args: Any, step: str) -> str:
        words = graph_of(args)[f"m-{step}-a"].inputs["create"].split()
        return words[words.index("--method") + 1].strip("'") if "--method" in words else ""

    for step in ("preflight", "provision"):
        assert word(k3s(node("a", 11)), step) == ""
        assert word(k3s(node("a", 11), handover=True), step) == "manifest+"
        assert word(helm(node("a", 11)), step) == "helm"
        assert word(helm(node("a", 11), handover=True), step) == "helm+"


@both
def test_no_secret_stands_in_clear(preview: bool) -> None:
    password = pulumi.Output.secret("made-up-password")
    args = helm(node("a", 11), helm={"values": {"podAnnotations": {"x": password}}})
    graph = graph_of(args, preview=preview)
    assert "made-up-password" in json.dumps(graph["m-release"].inputs)
    for secret in (TOKEN, json.dumps(SSH_KEY)[1:-1], "made-up-password"):
        assert all(secret not in each.text_in_clear for each in graph)
    assert without_secrets(graph["m-release"].wire)["values"]["podAnnotations"] == {"x": "[secret]"}


def test_outputs_are_no_secrets_whatever_the_values_are() -> None:
    values = {"podAnnotations": {"x": pulumi.Output.secret("made-up-password")}}
    outputs = run(lambda: MultusComponent("m", helm(helm={"values": values}))).outputs_of("m")
    assert outputs["daemon_set_name"] == "kube-multus-ds"


def test_values_of_the_same_program_work() -> None:
    args = helm(
        api_server=pulumi.Output.from_input("https://[2001:db8::1]:6443"),
        helm={"values": {"nodeSelector": {"zone": pulumi.Output.from_input("a")}}},
    )
    values = graph_of(args)["m-release"].inputs["values"]
    assert values["apiServer"] == {"host": "2001:db8::1", "port": 6443}
    assert values["nodeSelector"] == {"zone": "a"}


def test_unknown_output_previews_the_same_graph() -> None:
    def program() -> None:
        unknown: pulumi.Output[str] = pulumi.Output(set(), _future(UNKNOWN), is_known=_future(False))
        MultusComponent("m", helm(api_server=unknown))

    graph = run(program, preview=True).graph
    assert graph.types == graph_of(helm()).types
    assert "values" in graph["m-release"].unknown_inputs


def _future(value: Any) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_event_loop().create_future()
    future.set_result(value)
    return future


@pytest.mark.parametrize("plugin", ["thin", "thick"])
def test_handover_lets_go_of_what_the_release_takes_over(plugin: str) -> None:
    """Metadata alone, so that no pod is replaced; and nothing is deleted when it leaves the program."""
    before, after = (graph_of(k3s(plugin=plugin, handover=on)) for on in (False, True))
    assert before.types == after.types
    taken = {"m-daemonset", "m-daemonset-fallback", *({"m-conf"} if plugin == "thick" else set())}
    assert {each.name for each in after if each.request.retainOnDelete} == {"m-crd", *taken}
    assert {each.name for each in before if each.request.retainOnDelete} == {"m-crd"}
    changed = {name for name in before.types if before[name].wire != after[name].wire}
    assert changed == {*taken, "m-method-manifest"}
    for name in taken:
        about = after[name].inputs["metadata"]
        assert about["labels"]["app.kubernetes.io/managed-by"] == "Helm"
        assert about["annotations"]["meta.helm.sh/release-name"] == "multus"
        assert before[name].inputs["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "multus-install"
        assert before[name].inputs.get("spec") == after[name].inputs.get("spec")
        assert before[name].inputs.get("data") == after[name].inputs.get("data")


def test_handover_of_a_release_keeps_its_objects() -> None:
    before, after = graph_of(helm()), graph_of(helm(handover=True))
    assert after["m-release"].inputs["values"]["handover"] is True
    changed = {name for name in before.types if before[name].wire != after[name].wire}
    assert changed == {"m-release", "m-gate", "m-gate-fallback", "m-method-helm"}


def claim(args: Any) -> tuple[str, str]:
    """The name and the value of the claim to the method."""
    graph = graph_of(args)
    (found,) = [each for each in graph if each.name.startswith("m-method-")]
    about = found.inputs["metadata"]
    assert "pulumi.com/patchForce" not in about["annotations"]
    return found.name, about["annotations"]["multus-install/method"]


def test_methods_claim_different_things_unless_they_hand_over() -> None:
    """Another field manager's different value is a conflict: the API server refuses, and all else depends on it."""
    assert claim(k3s()) == ("m-method-manifest", "manifest")
    assert claim(helm()) == ("m-method-helm", "helm")
    assert claim(k3s(handover=True)) == ("m-method-manifest", "handover")
    assert claim(helm(handover=True)) == ("m-method-helm", "handover")


@pytest.mark.parametrize("args", [k3s(node("a", 11)), helm(node("a", 11))], ids=["manifest", "helm"])
def test_nothing_is_made_before_the_method_is_claimed(args: Any) -> None:
    graph = graph_of(args)
    name, _ = claim(args)
    first = {"m", "m-crd", "m-program-a", "m-preflight-a", name}
    assert all(name in graph.needs(each) for each in set(graph.types) - first)
