"""What a network registers, and what guards it."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pulumi
import pytest

from multus import InvalidArgumentsError, MultusComponent, MultusNetwork, attachments
from multus.attachment import NETWORKS
from multus.registering import FORCE
from tests.support.arguments import k3s, node
from tests.support.network_refusals import local, raw
from tests.support.recording import Run, run

NETWORK = {"macvlan": {"master": "eth0"}}
DEFINITION = "kubernetes:k8s.cni.cncf.io/v1:NetworkAttachmentDefinition"
TWO_NODES = k3s(node("a", 11), node("b", 12))
CHECKS = {"n-preflight-a", "n-preflight-b"}


def network(args: Any = NETWORK, *, preview: bool = False, opts: pulumi.ResourceOptions | None = None) -> Run:
    return run(lambda: MultusNetwork("n", args, opts) and None, preview=preview)


def beside_multus(args: Any = NETWORK, install: Any = TWO_NODES, *, preview: bool = False) -> Run:
    return run(lambda: MultusNetwork("n", args, multus=MultusComponent("m", install)) and None, preview=preview)


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_a_network_registers_its_definition_alone(preview: bool) -> None:
    done = network({**local(), "namespace": "blue"}, preview=preview)
    assert done.graph.types == {"n": "multus:index:MultusNetwork", "n-definition": DEFINITION}
    definition = done.graph["n-definition"]
    assert definition.request.parent == done.graph["n"].urn
    assert definition.request.deleteBeforeReplace
    assert not definition.request.replaceOnChanges
    inputs = definition.inputs
    assert (inputs["metadata"]["name"], inputs["metadata"]["namespace"]) == ("n", "blue")
    config = json.loads(inputs["spec"]["config"])
    assert (config["name"], config["plugins"][0]["type"]) == ("blue.n", "macvlan")
    outputs = done.outputs_of("n")
    assert json.loads(outputs["config"]) == config
    assert (outputs["reference"], outputs["plugins"]) == ("blue/n", ["macvlan", "host-local"])


def test_a_definition_has_its_own_name_and_resource() -> None:
    inputs = network({"sriov": {"resource_name": "intel.com/vf"}, "name": "other"}).graph["n-definition"].inputs
    assert inputs["metadata"]["name"] == "other"
    assert inputs["metadata"]["annotations"]["k8s.v1.cni.cncf.io/resourceName"] == "intel.com/vf"


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_running_pods_guard_a_network_on_listed_nodes(preview: bool) -> None:
    graph = beside_multus(preview=preview).graph
    guards = {"n-guard-a", "n-guard-b"}
    assert graph.children_of("n") == {
        "n-definition": DEFINITION,
        **dict.fromkeys(guards | CHECKS, "command:remote:Command"),
    }
    # What is deleted first: the guards, then the definition, then what serves it.
    assert {"m-marker", "m-verify-a", "m-verify-b"} <= graph.needs("n-definition")
    assert not guards & graph.needs("n-definition")
    for name in guards:
        guard = graph[name]
        assert "n-definition" in graph.needs(name)
        assert guard.request.deleteBeforeReplace
        # Replaced with the definition, and first: its delete is what asks.
        assert [*guard.request.propertyDependencies["triggers"].urns] == [graph["n-definition"].urn]
        assert {"create", "update", "stdin"} & set(guard.inputs) == set()
        assert guard.inputs["delete"].startswith("exec timeout -k 5 300 sh -c ")
        assert "unused " in guard.inputs["delete"]
        assert "--held default.n" in guard.inputs["delete"]
        assert guard.inputs["connection"]["host"] == f"192.0.2.1{'1' if name.endswith('a') else '2'}"
    assert [*graph["n-definition"].request.replaceOnChanges] == ["spec.config"]


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_listed_nodes_are_checked_before_there_is_a_network(preview: bool) -> None:
    ranges = {"ranges": [{"subnet": "10.97.0.0/24"}]}
    given = {"macvlan": {"master": "eth9"}, "mtu": 1400, "ipam": {"whereabouts": ranges}}
    graph = beside_multus(given, preview=preview).graph
    assert graph.needs("n-definition") >= CHECKS
    for name in CHECKS:
        check = graph[name]
        # By the program that the install has delivered, with the plugins that it brings.
        assert {"m-verify-a", "m-verify-b"} <= graph.needs(name)
        assert {"delete", "update", "stdin", "triggers"} & set(check.inputs) == set()
        *_, words = shlex.split(check.inputs["create"])
        assert shlex.split(words)[3:] == [
            *(
                "carries",
                "--held",
                "default.n",
                "--needs",
                "macvlan whereabouts",
                "--stands-on",
                "macvlan.master:eth9:1400",
            ),
            *("--whereabouts", "/var/lib/rancher/k3s/agent/etc/cni/net.d/whereabouts.d/whereabouts.conf"),
        ]


def test_a_network_of_one_node_is_checked_there_alone() -> None:
    given = local()
    given["ipam"]["host_local"]["node"] = "b"
    assert CHECKS & set(beside_multus(given).graph.types) == {"n-preflight-b"}


def test_a_node_that_is_gone_is_not_checked() -> None:
    assert not CHECKS & set(beside_multus(install=k3s(node("a", 11, gone=True))).graph.types)


def test_the_daemon_that_a_network_names_is_looked_for() -> None:
    asked = {**NETWORK, "ipam": {"dhcp": {"daemon_socket_path": "/run/x.sock"}}}
    assert "--dhcp /run/x.sock" in beside_multus(asked).graph["n-preflight-a"].inputs["create"]


def test_without_listed_nodes_nothing_guards_and_a_change_is_no_replacement() -> None:
    graph = beside_multus(install=k3s()).graph
    assert graph.children_of("n") == {"n-definition": DEFINITION}
    assert not graph["n-definition"].request.replaceOnChanges


def test_a_guard_that_is_told_to_proceed_stays_and_says_so() -> None:
    """One that went would run the command that it was made with, and refuse for ever."""
    refusing, graph = (beside_multus({**NETWORK, "live_attachments": each}).graph for each in ("refuse", "proceed"))
    made = {"n-definition", "n-guard-a", "n-guard-b", *CHECKS}
    assert set(graph.children_of("n")) == set(refusing.children_of("n")) == made
    assert not graph["n-definition"].request.replaceOnChanges
    for name in ("n-guard-a", "n-guard-b"):
        assert "--live-attachments proceed" in graph[name].inputs["delete"]
        assert "--live-attachments" not in refusing[name].inputs["delete"]
        # Nothing else of it changes, its triggers least of all: it is updated where it is.
        assert [key for key, value in graph[name].wire.items() if refusing[name].wire[key] != value] == ["delete"]


def test_a_definition_of_somebody_else_is_not_taken_over() -> None:
    assert FORCE not in network().graph["n-definition"].inputs["metadata"].get("annotations", {})


@pytest.mark.parametrize(
    ("one", "two", "says"),
    [
        ({**NETWORK, "name": "lan"}, {"macvlan": {"master": "eth9"}, "name": "lan"}, "name: 'default/lan' is also"),
        (raw(name="same", type="ptp"), raw(name="same", type="tap"), "config: has the name 'same', which"),
    ],
    ids=["definition", "configuration"],
)
def test_two_networks_of_one_name_are_refused(one: Any, two: Any, says: str) -> None:
    def program() -> None:
        MultusNetwork("one", one)
        with pytest.raises(InvalidArgumentsError, match=says):
            MultusNetwork("two", two)
        MultusNetwork("three", {"macvlan": {}, "name": "lan", "namespace": "blue"})

    assert {"one-definition", "three-definition"} == {each for each in run(program).graph.types if "-" in each}


def test_a_guard_of_a_node_that_is_gone_goes_without_a_command() -> None:
    guard = beside_multus(install=k3s(node("a", 11, gone=True))).graph["n-guard-a"]
    assert guard.request.retainOnDelete
    assert "delete" in guard.request.ignoreChanges


def test_a_guard_keeps_its_secrets() -> None:
    graph = beside_multus().graph
    for each in graph:
        assert "made0up0" not in each.text_in_clear, each.name


def test_the_install_knows_the_directories_and_the_nodes() -> None:
    ranges = {"whereabouts": {"ranges": [{"subnet": "10.97.0.0/24"}]}}
    inputs = beside_multus({**NETWORK, "ipam": ranges}).graph["n-definition"].inputs
    ipam = json.loads(inputs["spec"]["config"])["plugins"][0]["ipam"]
    assert ipam["configuration_path"].startswith("/var/lib/rancher/k3s/agent/etc/cni/net.d/")
    with pytest.raises(InvalidArgumentsError, match="each of a, b without asking the others"):
        beside_multus(local())


def test_a_refused_network_registers_nothing() -> None:
    def program() -> None:
        with pytest.raises(InvalidArgumentsError, match="Network 'n' was not planned, 2 arguments cannot work"):
            MultusNetwork("n", {"macvlan": {"master": "a:1", "mode": "l2"}})

    assert run(program).graph.all == []


def test_networks_of_one_program_are_held_against_each_other() -> None:
    def program() -> None:
        MultusNetwork("one", NETWORK)  # type: ignore[arg-type]  # a TypedDict made of constants
        with pytest.raises(InvalidArgumentsError, match="'eth0', on which 'one' has macvlan"):
            MultusNetwork("two", {"ipvlan": {"master": "eth0"}})

    # Twice: what one run had is nothing to the next.
    for _ in range(2):
        assert set(run(program).graph.types) == {"one", "one-definition"}
    network({"ipvlan": {"master": "eth0"}})


def test_a_late_namespace_is_checked_when_it_is_known() -> None:
    late = pulumi.Output.from_input("blue")
    done = network({**NETWORK, "namespace": late})
    assert done.outputs_of("n")["reference"] == "blue/n"
    assert json.loads(done.graph["n-definition"].inputs["spec"]["config"])["name"] == "blue.n"
    with pytest.raises(InvalidArgumentsError, match="'Blue' is not a namespace name"):
        network({**NETWORK, "namespace": pulumi.Output.from_input("Blue")})


@pytest.mark.parametrize(("one", "two"), [(True, False), (False, True), (True, True)], ids=["first", "second", "both"])
def test_namespaces_that_are_known_late_are_held_against_each_other(one: bool, two: bool) -> None:
    def namespace(text: str, *, is_late: bool) -> Any:
        return pulumi.Output.from_input(text) if is_late else text

    def program(of_two: str) -> None:
        MultusNetwork("one", {"macvlan": {}, "name": "lan", "namespace": namespace("blue", is_late=one)})
        MultusNetwork("two", {"macvlan": {}, "name": "lan", "namespace": namespace(of_two, is_late=two)})

    with pytest.raises(
        InvalidArgumentsError, match=r"(?s)Network 'two' .*name: 'blue/lan' is also the definition of 'one'"
    ):
        run(lambda: program("blue"))
    assert {"one-definition", "two-definition"} <= set(run(lambda: program("green")).graph.types)


def test_a_path_of_whereabouts_is_checked_when_it_is_known() -> None:
    def asked(path: str) -> Any:
        given = {"ranges": [{"subnet": "10.97.0.0/24"}], "configuration_path": pulumi.Output.from_input(path)}
        return {**NETWORK, "ipam": {"whereabouts": given}}

    config = json.loads(network(asked("/a/b")).graph["n-definition"].inputs["spec"]["config"])
    assert config["plugins"][0]["ipam"]["configuration_path"] == "/a/b"
    with pytest.raises(InvalidArgumentsError, match=r"ipam\.whereabouts\.configuration_path: 'a' is not an absolute"):
        network(asked("a"))


def test_a_pod_asks_for_a_network_whose_namespace_is_known_late() -> None:
    def program() -> None:
        made = MultusNetwork("n", {"macvlan": {}, "namespace": pulumi.Output.from_input("blue")})
        pulumi.export("text", attachments([made])[NETWORKS])

    assert json.loads(run(program).exports["text"]) == [{"name": "n", "namespace": "blue"}]
