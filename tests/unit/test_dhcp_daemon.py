"""The daemon of the plugin `dhcp` as a DaemonSet."""

from __future__ import annotations

from typing import Any

import pytest

from multus import dhcp_daemon, objects, resolve
from multus.network_needs import DHCP_SOCKET
from multus.node_steps import options_for
from tests.support.arguments import k3s, node, vanilla

BROUGHT = {"names": ["dhcp"], "image": "r.example/plugins:1"}
SHELL = {"image": "r.example/shell:1"}


def spec_of(**changes: Any) -> Any:
    made = dhcp_daemon.daemon_set(resolve(k3s(dhcp_daemon=SHELL) | changes))
    assert made is not None
    return made["spec"]["template"]["spec"]


def test_there_is_none_unless_it_is_asked_for() -> None:
    assert dhcp_daemon.daemon_set(resolve(k3s())) is None
    assert "dhcp" not in resolve(k3s()).required_plugins


def test_no_daemon_set_selects_anothers_pods() -> None:
    plan = resolve(k3s(dhcp_daemon=SHELL, scheduling={"labels": {"team": "net"}}))
    made: list[Any] = [
        objects.daemon_set(plan, "h", "1"),
        objects.fallback_daemon_set(plan, "h", "1"),
        dhcp_daemon.daemon_set(plan),
    ]
    for one in made:
        labels = one["spec"]["template"]["metadata"]["labels"]
        selecting = [each for each in made if each["spec"]["selector"]["matchLabels"].items() <= labels.items()]
        assert selecting == [one]
    assert made[-1]["metadata"]["labels"]["team"] == "net"
    assert made[-1]["metadata"]["labels"]["app"] != "multus"


@pytest.mark.parametrize(
    ("changes", "image"),
    [
        ({"dhcp_daemon": SHELL}, "r.example/shell:1"),
        ({"dhcp_daemon": {}, "reference_plugins": BROUGHT}, "r.example/plugins:1"),
        ({"dhcp_daemon": SHELL, "reference_plugins": BROUGHT}, "r.example/shell:1"),
        ({"dhcp_daemon": {}, "plugin": "thick"}, "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0-thick"),
    ],
    ids=["named", "brings-plugins", "both", "thick"],
)
def test_its_image_has_a_shell(changes: Any, image: str) -> None:
    assert spec_of(**changes)["containers"][0]["image"] == image


def test_it_runs_everywhere_and_sees_what_it_needs() -> None:
    spec = spec_of(scheduling={"node_selector": {"pool": "edge"}})
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [[each["key"] for each in term["matchExpressions"]] for term in terms] == [["kubernetes.io/os"]]
    assert (spec["nodeSelector"], spec["priorityClassName"]) == ({"pool": "edge"}, "system-node-critical")
    [container] = spec["containers"]
    assert container["command"][-1] == "/var/lib/rancher/k3s/data/cni"
    context = container["securityContext"]
    assert context["capabilities"]["drop"] == ["ALL"]
    assert not context["privileged"]
    assert set(container["resources"]["limits"]) == {"memory"}
    paths = {each["name"]: each["hostPath"]["path"] for each in spec["volumes"]}
    mounts = {each["mountPath"]: each for each in container["volumeMounts"]}
    # As on the host, so that a path of the runtime's is one here.
    assert {paths[each["name"]] for each in mounts.values()} <= set(mounts)
    for netns in ("/run/netns", "/var/run/netns"):
        assert mounts[netns]["mountPropagation"] == "HostToContainer"
    assert [path for path, each in mounts.items() if not each.get("readOnly")] == ["/run/cni"]


def test_plugins_that_are_links_lead_there() -> None:
    paths = {each["hostPath"]["path"] for each in spec_of(distro="microk8s")["volumes"]}
    assert "/snap" in paths


def test_nodes_are_checked_for_the_plugin_unless_a_container_brings_it() -> None:
    listed = k3s(node("a", 11), dhcp_daemon=SHELL)
    plans = [resolve(listed), resolve(listed | {"reference_plugins": BROUGHT}), resolve(vanilla(node("a", 11)))]
    told = [options_for(plan, plan.nodes[0]) for plan in plans]
    assert [(each["needs"], each["dhcp"]) for each in told] == [("dhcp", DHCP_SOCKET), ("", DHCP_SOCKET), ("", "")]
