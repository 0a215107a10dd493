"""What is read back from a cluster that nobody has a configuration of is what the nodes were told at its install."""

from __future__ import annotations

from typing import Any

import pytest

from multus import objects
from multus.metadata import NODE_LABEL
from multus.node_steps import options_for
from multus.plan import InstallPlan, resolve
from multus_ops.doctor.live_install import (
    arguments_of,
    as_settings,
    has_default_networks_name,
    plan_for_nodes,
)
from multus_ops.doctor.snapshot import Snapshot
from multus_ops.render import plan_of as plan_of_settings
from multus_ops.switch import READS
from tests.support.arguments import k3s, node, vanilla
from tests.support.doctor_cases import daemon_sets, plan_of

NODE = node("one", 1)
SERVER = "https://192.0.2.1:6443"
FLANNEL = {"flannel.alpha.coreos.com/backend-type": "vxlan"}


def live(plan: InstallPlan, *, version: str = "v1.34.1+k3s1", labels: dict[str, str] | None = None) -> Snapshot:
    """A cluster as this plan's objects and its node show it."""
    about = {"name": "one", "labels": {NODE_LABEL: "true"} if labels is None else labels, "annotations": FLANNEL}
    shown = {"metadata": about, "status": {"nodeInfo": {"kubeletVersion": version}}}
    conf = objects.own_conf_map(plan)
    return Snapshot(nodes=(shown,), daemon_sets=daemon_sets(plan), config_maps=(conf,) if conf else ())


ISOLATION = {"namespace_isolation": True, "global_namespaces": ["a", "b"]}


@pytest.mark.parametrize(
    "arguments",
    [
        k3s(NODE),
        k3s(NODE, plugin="thick"),
        k3s(NODE, k3s_version="v1.30.4+k3s1"),
        k3s(NODE, namespace="net", image={"repository": "r.example/multus", "tag": "v4.2.4"}),
        k3s(NODE, cni_conf_dir="/etc/mine", cni_bin_dir="/opt/mine"),
        k3s(NODE, conf={"master_conf": "10-flannel.conflist", **ISOLATION}),
        k3s(NODE, conf={"system_namespaces": ["kube-system"], "default_networks": ["second"]}),
        k3s(NODE, plugin="thick", conf={**ISOLATION, "default_networks": ["second"]}),
        k3s(NODE, conf={"override_network_name": False}),
        k3s(NODE, plugin="thick", conf={"override_network_name": False}),
        k3s(NODE, plugin="thick", daemon={"socket_dir": "/run/mine"}),
        vanilla(NODE),
    ],
    ids=lambda arguments: "-".join(key for key in arguments if key != "nodes"),
)
def test_nodes_are_told_what_the_install_told_them(arguments: Any) -> None:
    plan = resolve(arguments)
    version = arguments.get("k3s_version", "v1.34.1+k3s1") if arguments["distro"] == "k3s" else "v1.34.1"
    found = plan_for_nodes(live(plan, version=version), [NODE], {}, SERVER)
    there, then = options_for(found, found.nodes[0]), options_for(plan, plan.nodes[0])
    assert {key: there[key] for key in READS} == {key: then[key] for key in READS}
    assert found.nodes == plan.nodes


def test_no_standby_is_written_where_no_step_takes_it_away() -> None:
    thick = plan_of(plugin="thick")
    assert plan_for_nodes(live(thick), [NODE], {}, SERVER).has_standby
    assert not plan_for_nodes(live(thick, labels={}), [NODE], {}, SERVER).has_standby


@pytest.mark.parametrize("plugin", ["thin", "thick"])
@pytest.mark.parametrize("security", [{}, {"privileged": True}, {"selinux": {"type": "spc_t"}}])
def test_nodes_are_told_whether_the_pods_may_write_what_is_not_roots(plugin: str, security: Any) -> None:
    plan = resolve(k3s(NODE, plugin=plugin, security=security))
    found = plan_for_nodes(live(plan), [NODE], {}, SERVER)
    there, then = options_for(found, found.nodes[0]), options_for(plan, plan.nodes[0])
    for key in ("privileged", "selinux_type"):
        assert there[key] == then[key]


def test_what_is_given_wins_and_is_enough_without_a_cluster() -> None:
    given = {"cni_conf_dir": "/a", "cni_bin_dir": "/b", "plugin": "thick", "namespace": "net"}
    for snapshot in (Snapshot(), live(plan_of())):
        plan = plan_for_nodes(snapshot, [NODE], given, SERVER)
        assert (plan.cni_conf_dir, plan.cni_bin_dir, plan.plugin, plan.namespace) == ("/a", "/b", "thick", "net")


def test_an_install_that_this_project_would_refuse_is_looked_at_all_the_same() -> None:
    sets = daemon_sets(plan_of())
    sets[0]["spec"]["template"]["spec"]["containers"][0]["image"] = "r.example/multus-cni:v3.9"
    snapshot = Snapshot(nodes=live(plan_of()).nodes, daemon_sets=sets)
    assert plan_for_nodes(snapshot, [NODE], {}, SERVER).cni_conf_dir == plan_of().cni_conf_dir


@pytest.mark.parametrize("plan", [plan_of(), plan_of(plugin="thick", conf=ISOLATION, namespace="net")], ids=str)
def test_what_is_read_back_renders_the_same_objects(plan: InstallPlan) -> None:
    settings = [f"{key}={value}" for key, value in as_settings(arguments_of(live(plan))).items()]
    again = plan_of_settings(settings, None)
    assert daemon_sets(again) == daemon_sets(plan)
    assert objects.own_conf_map(again) == objects.own_conf_map(plan)


def test_directories_that_nobody_reads_are_where_multus_works_all_the_same() -> None:
    plan = plan_of().model_copy(update={"cni_conf_dir": "/etc/cni/net.d", "cni_bin_dir": "/opt/cni/bin"})
    found = plan_for_nodes(live(plan), [NODE], {}, SERVER)
    assert (found.cni_conf_dir, found.cni_bin_dir) == ("/etc/cni/net.d", "/opt/cni/bin")


def test_k3s_nodes_ask_their_own_balancer_whatever_the_kubeconfig_names() -> None:
    snapshot = Snapshot(nodes=live(plan_of()).nodes, endpoints=("192.0.2.10:6443",))
    assert plan_for_nodes(snapshot, [NODE], {}, SERVER).api_server == plan_of().api_server
    plain = Snapshot(nodes=live(plan_of(), version="v1.34.1").nodes, endpoints=("192.0.2.10:6443",))
    assert plan_for_nodes(plain, [NODE], {}, SERVER).api_server == "https://192.0.2.10:6443"
    assert plan_for_nodes(Snapshot(), [NODE], {}, SERVER).api_server == SERVER


@pytest.mark.parametrize("plugin", ["thin", "thick"])
@pytest.mark.parametrize("overrides", [True, False])
def test_the_name_of_the_file_is_read_back(plugin: str, overrides: bool) -> None:
    """Only where it differs: the rest is said by the default."""
    seen = live(plan_of(plugin=plugin, conf={"override_network_name": overrides}))
    assert has_default_networks_name(seen) is overrides
    assert arguments_of(seen).get("conf", {}).get("override_network_name", True) is overrides
    assert ("override_network_name" in arguments_of(seen).get("conf", {})) is not overrides


def test_without_an_install_no_file_has_a_name() -> None:
    assert not has_default_networks_name(Snapshot())
