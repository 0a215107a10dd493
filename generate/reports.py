"""Public reports that were tried on doctor, as scenes of tests/unit/test_reports.py: the sources of its page."""

from __future__ import annotations

from typing import NamedTuple


class Report(NamedTuple):
    """What somebody met, in this project's words.

    Attributes:
        issue: its repository and number.
        met: what they met.
        said: what doctor said of it when it was first tried.
        section: the section of the page that answers it, or of docs/networks.md where that has a `#`.
    """

    issue: str
    met: str
    said: str
    section: str


_MISTAKES = "networks.md#what-plugins-say-when-a-network-does-not-fit"
REPORTS = (
    Report(
        "longhorn/longhorn#11222",
        "k3s, 2025: ipvlan is on no node, and only the events of pods say so",
        "nothing by name without SSH",
        "plugin-missing",
    ),
    Report(
        "siderolabs/talos#10411",
        "Talos, 2025: macvlan is not where the runtime looks; nobody can log in",
        "nothing by name without SSH",
        "plugin-missing",
    ),
    Report(
        "intel/afxdp-plugins-for-kubernetes#56",
        "`Link not found` inside a message of several networks, since Multus calls itself",
        "nothing by name: the first network of the message was taken for the one that failed",
        "link-not-found",
    ),
    Report(
        "k8snetworkplumbingwg/multus-cni#714",
        "k3s: `must be called as chained plugin`, for a network that begins with a plugin that only changes others",
        "nothing before a pod met it",
        _MISTAKES,
    ),
    Report(
        "k8snetworkplumbingwg/multus-cni#1326",
        "a network whose type is Multus itself asks for the account of a pod",
        "that a kubeconfig was missing",
        _MISTAKES,
    ),
    Report(
        "k8snetworkplumbingwg/multus-cni#1087",
        "2025: `requested IP address ... is not available in range set` after a reboot",
        "the message, and no cause",
        _MISTAKES,
    ),
    Report(
        "rancher/rke2#8687",
        "RKE2, 2025: whereabouts cannot allocate from a range of one address after an upgrade",
        "its name, as of multus-cni#1442",
        "whereabouts-is-full",
    ),
    Report(
        "k8snetworkplumbingwg/multus-cni#641",
        "a managed cluster: `No networks found in /etc/cni/multus/net.d`",
        "its name",
        "network-without-config",
    ),
    Report(
        "k8snetworkplumbingwg/multus-cni#1155",
        "a reboot leaves an empty 00-multus.conf, and the node is NotReady",
        "its name",
        "conf-not-json",
    ),
    Report(
        "Mellanox/network-operator#1363",
        "2025: `error waiting for pod: Unauthorized` under an operator that brings Multus",
        "its name, and that the operator is there",
        "token-refused",
    ),
    Report(
        "k8snetworkplumbingwg/multus-cni#549",
        "k3s: `interface name net1 already exists`, since 70-multus.conf calls Multus a second time",
        "its name, over SSH",
        "multus-under-another-name",
    ),
    Report(
        "kubernetes/kubernetes#72155",
        "a DaemonSet's pods were refused once, and its controller did not ask again",
        "a warning",
        "doctor.md#what-it-looks-at",
    ),
)
