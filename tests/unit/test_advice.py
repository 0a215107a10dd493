"""The way to an install, walked on clusters made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from multus_ops.doctor.advice import advise
from multus_ops.doctor.annotations import NETWORKS
from multus_ops.doctor.default_cni import default_cni_of
from multus_ops.doctor.snapshot import Snapshot
from tests.support.doctor_cases import daemon_sets, network, plan_of, pod


def node(name: str = "one", version: str = "v1.34.1", **more: Any) -> dict[str, Any]:
    addresses = [{"type": "InternalIP", "address": "192.0.2.1"}]
    return {
        "metadata": {"name": name, "labels": more.pop("labels", {}), "annotations": more.pop("annotations", {})},
        "spec": {"providerID": more.pop("provider", "")},
        "status": {"nodeInfo": {"kubeletVersion": version, **more}, "addresses": addresses},
    }


def test_the_default_cni_by_its_daemon_set() -> None:
    assert default_cni_of(Snapshot(daemon_sets=({"metadata": {"name": "calico-node"}},))) == "calico"


@pytest.mark.parametrize(
    ("snapshot", "answer"),
    [
        (Snapshot(), "only if pods are to have a second interface"),
        (Snapshot(networks=(network(),)), "yes"),
        (Snapshot(pods=(pod("web", metadata={"annotations": {NETWORKS: "second"}}),)), "yes"),
        (Snapshot(groups=frozenset({"kubevirt.io"})), "yes"),
    ],
)
def test_whether_it_is_needed(snapshot: Snapshot, answer: str) -> None:
    assert advise(snapshot, "s").steps[0].answer == answer


@pytest.mark.parametrize("group", ["config.openshift.io", "mellanox.com", "networkaddonsoperator.network.kubevirt.io"])
def test_where_others_bring_it_nothing_is_configured(group: str) -> None:
    said = advise(Snapshot(nodes=(node(),), groups=frozenset({group})), "s")
    assert (said.steps[0].answer, said.commands) == ("not from here", ())


def test_openshift_by_its_nodes_is_left_alone() -> None:
    assert advise(Snapshot(nodes=(node(labels={"node.openshift.io/os_id": "rhcos"}),)), "s").commands == ()


def test_the_commands_for_a_plain_cluster() -> None:
    said = advise(Snapshot(nodes=(node(),), endpoints=("192.0.2.10:6443",)), "prod", "kc")
    assert said.commands == (
        "pulumi stack select --create prod",
        "pulumi config set --stack prod multus:distro vanilla",
        "pulumi config set --stack prod multus:apiServer https://192.0.2.10:6443",
        "pulumi config set --stack prod --path 'multus:nodes[0].name' one",
        "pulumi config set --stack prod --path 'multus:nodes[0].host' 192.0.2.1",
        "pulumi config set --stack prod --path 'multus:nodes[0].hostKey'"
        " \"$(ssh-keyscan -t ed25519 192.0.2.1 2>/dev/null | cut -d' ' -f2-)\"",
        "pulumi config set --stack prod --secret multus:kubeconfig < kc",
        "pulumi config set --stack prod --secret multus:sshPrivateKey < ~/.ssh/id_ed25519",
    )


FLANNEL = {"flannel.alpha.coreos.com/backend-type": "vxlan"}


@pytest.mark.parametrize(
    ("shown", "settings"),
    [
        (node(version="v1.31.2+k3s1", annotations=FLANNEL), {"multus:distro": "k3s"}),
        (
            node(version="v1.30.4+k3s1", annotations=FLANNEL),
            {"multus:distro": "k3s", "multus:k3sVersion": "v1.30.4+k3s1"},
        ),
        (node(version="v1.31.2+k3s1"), {"multus:distro": "k3s", "multus:flannel": "false"}),
    ],
)
def test_what_k3s_needs_to_be_told(shown: dict[str, Any], settings: dict[str, str]) -> None:
    commands = advise(Snapshot(nodes=(shown,))).commands
    assert commands[0] == "pulumi stack select --create k3s"
    words = [
        command.split()[5:]
        for command in commands
        if "nodes[" not in command and "--secret" not in command and "config" in command
    ]
    assert dict(words) == settings


def test_talos_is_not_logged_in_to() -> None:
    commands = advise(Snapshot(nodes=(node(osImage="Talos (v1.9.0)"),)), "s").commands
    assert not [command for command in commands if "nodes" in command or "sshPrivateKey" in command]


def test_upstreams_thick_manifest_is_adopted_as_it_is() -> None:
    snapshot = Snapshot(nodes=(node(),), daemon_sets=daemon_sets(plan_of(plugin="thick"))[:1])
    commands = "\n".join(advise(snapshot, "s").commands)
    assert "multus:plugin thick" in commands
    assert "multus:adopt true" in commands


def test_the_plugins_of_the_networks_are_required() -> None:
    commands = advise(Snapshot(nodes=(node(),), networks=(network(),)), "s").commands
    assert 'pulumi config set --stack s multus:requiredPlugins \'["host-local", "macvlan"]\'' in commands
