"""Distributions by their nodes, as these report themselves."""

from __future__ import annotations

from typing import Any

import pytest

from multus.args import Distro
from multus.distros import PROFILES
from multus_ops.doctor.advice import advise
from multus_ops.doctor.distribution import cluster_kind, distro_of, is_host, is_reached, refused_kind
from multus_ops.doctor.snapshot import Snapshot

UBUNTU = "Ubuntu 24.04.3 LTS"
COMPUTE = "eks.amazonaws.com/compute-type"


def node(
    version: str,
    image: str = UBUNTU,
    *,
    runtime: str = "containerd://2.2.7",
    provider: str = "",
    name: str = "one",
    **labels: str,
) -> dict[str, Any]:
    """A node with what it says of itself."""
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/os": "linux", **labels}},
        "spec": {"providerID": provider} if provider else {},
        "status": {
            "nodeInfo": {"kubeletVersion": version, "osImage": image, "containerRuntimeVersion": runtime},
            "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}],
        },
    }


AUTO = node(
    "v1.36.2-eks-bca9cf6",
    "Bottlerocket (EKS Auto, Standard) 2026.9.14 (aws-k8s-1.36-standard)",
    runtime="containerd://2.2.7+bottlerocket",
    provider="aws:///us-east-2b/i-03565916779bff19c",
    **{COMPUTE: "auto"},
)
EKS = node(
    "v1.36.2-eks-bca9cf6",
    "Amazon Linux 2023.9.20260914",
    provider="aws:///us-east-2b/i-0aac5ee7a39c88fc9",
    **{"eks.amazonaws.com/nodegroup": "a"},
)
FARGATE = node(
    "v1.36.2-eks-bca9cf6",
    "Amazon Linux 2",
    provider="aws:///us-east-2b/aa/fargate-ip-192-0-2-9",
    name="fargate-ip-192-0-2-9",
    **{COMPUTE: "fargate"},
)
GKE = node("v1.36.1-gke.1130000", "Container-Optimized OS from Google", provider="gce://p/z/gke-a-1", name="gke-a-1")
VIRTUAL = node("v1.25.0-vk-azure-aci-1.6.2", "", name="virtual-node-aci-linux", type="virtual-kubelet")
AKS = node(
    "v1.34.2",
    provider="azure:///subscriptions/s/virtualMachines/0",
    **{"kubernetes.azure.com/cluster": "MC_a"},
)

# What people call it, a node, the distribution whose profile it gets, and whether it can be logged in to.
TABLE: list[tuple[str | None, dict[str, Any], Distro | None, bool]] = [
    ("k3s", node("v1.37.2+k3s1", runtime="containerd://2.4.2-k3s1", provider="k3s://one"), Distro.K3S, True),
    ("k3s", node("v1.30.4+k3s1", runtime="docker://28.1.1", provider="k3s://one"), Distro.K3S, True),
    ("RKE2", node("v1.36.3+rke2r1", "SUSE Linux Micro 6.1", runtime="containerd://2.2.6-k3s1"), Distro.RKE2, True),
    ("k0s", node("v1.36.3+k0s", **{"node.k0sproject.io/role": "control-plane"}), Distro.K0S, True),
    ("MicroK8s", node("v1.35.4", **{"microk8s.io/cluster": "true"}), Distro.MICROK8S, True),
    ("minikube", node("v1.36.0", **{"minikube.k8s.io/name": "minikube"}), Distro.MINIKUBE, True),
    (
        "kind",
        node("v1.36.1", "Debian GNU/Linux 13 (trixie)", provider="kind://docker/kind/kind-control-plane"),
        Distro.KIND,
        False,
    ),
    ("Talos", node("v1.36.2", "Talos (v1.13.9)", runtime="containerd://2.2.6"), Distro.TALOS, False),
    ("EKS", EKS, Distro.EKS, True),
    ("EKS", node("v1.31.2-eks-7f9249a", "Amazon Linux 2"), Distro.EKS, True),
    (
        "EKS",
        node(
            "v1.36.2-eks-bca9cf6",
            "Bottlerocket OS 1.52.0 (aws-k8s-1.36)",
            runtime="containerd://2.1.6+bottlerocket",
            provider="aws:///us-east-2b/i-1",
        ),
        Distro.EKS,
        False,
    ),
    (
        "EKS",
        node("v1.36.2-eks-bca9cf6", provider="eks-hybrid:///us-east-2/c/mi-1", **{COMPUTE: "hybrid"}),
        Distro.EKS,
        False,
    ),
    ("EKS Auto Mode", AUTO, Distro.EKS, False),
    ("EKS on Fargate", FARGATE, Distro.EKS, False),
    ("EKS Anywhere", node("v1.33.5-eks-1-33-22", provider="vsphere://42"), Distro.VANILLA, True),
    (
        "EKS Anywhere",
        node("v1.28.9-eks-1-28-20", "Bottlerocket OS 1.19.5 (metal-k8s-1.28)", provider="tinkerbell://eksa-system/a"),
        Distro.VANILLA,
        False,
    ),
    ("GKE", GKE, Distro.GKE, True),
    (
        "GKE Autopilot",
        node(
            "v1.36.1-gke.1130000",
            "Container-Optimized OS from Google",
            provider="gce://p/z/gk3-a-pool-2-973644bc-np7s",
            name="gk3-a-pool-2-973644bc-np7s",
        ),
        Distro.GKE,
        False,
    ),
    ("Google Distributed Cloud", node("v1.34.1-gke.2900", provider="baremetal://10.200.0.3"), Distro.VANILLA, False),
    (
        "Google Distributed Cloud",
        node("v1.34.1-gke.2900", **{"baremetal.cluster.gke.io/node-pool": "np1"}),
        Distro.VANILLA,
        False,
    ),
    ("Google Distributed Cloud", node("v1.30.2-gke.100", provider="vsphere://42"), Distro.VANILLA, False),
    ("AKS", AKS, Distro.AKS, True),
    (
        "Harvester",
        node("v1.34.3+rke2r1", "Harvester v1.7.0", runtime="containerd://2.1.5-k3s1"),
        Distro.RKE2,
        False,
    ),
    ("Harvester", node("v1.34.3+rke2r1", **{"harvesterhci.io/managed": "true"}), Distro.RKE2, False),
    ("Canonical Kubernetes", node("v1.35.1", **{"k8sd.io/role": "worker"}), Distro.VANILLA, True),
    (
        "kOps",
        node("v1.34.2", provider="aws:///us-east-1a/i-1", **{"kops.k8s.io/instancegroup": "nodes-us-east-1a"}),
        Distro.VANILLA,
        True,
    ),
    (
        "OpenShift",
        node(
            "v1.33.5",
            "Red Hat Enterprise Linux CoreOS 9.6",
            runtime="cri-o://1.33.5",
            **{"node.openshift.io/os_id": "rhel"},
        ),
        Distro.OPENSHIFT,
        True,
    ),
    # kubeadm and kubespray leave no sign of their own, under whatever runtime.
    (None, node("v1.37.2"), None, True),
    (None, node("v1.37.2", "Debian GNU/Linux 13 (trixie)", runtime="cri-o://1.37.0"), None, True),
    (None, node("v1.37.2", "Flatcar Container Linux by Kinvolk 4459.2.0", provider="vsphere://42"), None, True),
]


@pytest.mark.parametrize(
    ("name", "shown", "distro", "reached"), TABLE, ids=[f"{row[0]}-{index}" for index, row in enumerate(TABLE)]
)
def test_nodes_show_their_distribution(
    name: str | None, shown: dict[str, Any], distro: Distro | None, reached: bool
) -> None:
    snapshot = Snapshot(nodes=(shown,))
    kind = cluster_kind(snapshot)
    assert (kind.name if kind else None) == name
    assert distro_of(snapshot) is distro
    profile = distro or Distro.VANILLA
    if profile in PROFILES:
        assert is_reached(shown, profile) is reached


def test_every_profile_that_a_node_can_show_is_shown() -> None:
    assert {distro for _, _, distro, _ in TABLE} == {*Distro, None}


@pytest.mark.parametrize(
    ("shown", "reason"),
    [(row[1], row[0]) for row in TABLE if row[0] and row[0].startswith(("EKS Auto", "EKS on", "GKE A", "Goo", "Har"))],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_second_multus_and_none_where_none_can_be(shown: dict[str, Any], reason: str) -> None:
    said = advise(Snapshot(nodes=(shown,)))
    assert (said.steps[0].answer, said.commands) == ("not from here", ())
    assert reason.split(" on ")[-1] in said.steps[0].reason


def test_a_built_in_multus_is_not_installed_a_second_time() -> None:
    about = {"name": "rke2-multus", "namespace": "kube-system"}
    spec = {
        "template": {"spec": {"containers": [{"name": "kube-rke2-multus", "image": "rancher/hardened-multus-cni"}]}}
    }
    snapshot = Snapshot(nodes=(TABLE[2][1],), daemon_sets=({"metadata": about, "spec": spec},))
    said = advise(snapshot)
    assert (said.steps[0].answer, said.commands) == ("not from here", ())
    assert "`cni: multus,...`" in said.steps[0].reason
    assert advise(Snapshot(nodes=(TABLE[2][1],))).commands


@pytest.mark.parametrize(("first", "second"), [(AUTO, EKS), (FARGATE, EKS), (VIRTUAL, AKS)])
def test_nodes_that_are_no_hosts_hide_none_that_are(first: dict[str, Any], second: dict[str, Any]) -> None:
    snapshot = Snapshot(nodes=(first, second), endpoints=("192.0.2.10:6443",))
    distro = distro_of(snapshot)
    assert distro is not None
    assert refused_kind(snapshot) is None
    assert [is_host(each, distro) for each in (first, second)] == [False, True]
    commands = "\n".join(advise(snapshot).commands)
    assert f"multus:distro {distro.value}" in commands
    assert "multus:nodes[0].name' one" in commands
    assert "nodes[1]" not in commands


def test_where_nobody_can_log_in_no_node_is_listed() -> None:
    snapshot = Snapshot(nodes=(node("v1.36.2-eks-bca9cf6", "Bottlerocket OS 1.52.0 (aws-k8s-1.36)"),))
    commands = "\n".join(advise(snapshot).commands)
    assert "multus:distro eks" in commands
    assert "nodes" not in commands
    assert "sshPrivateKey" not in commands
