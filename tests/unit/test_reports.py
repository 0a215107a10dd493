"""Public reports, each as a cluster made by hand: doctor names the cause, and nothing that it is not."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from generate.reports import REPORTS
from multus_ops.doctor.annotations import NETWORKS
from multus_ops.doctor.case import Case
from multus_ops.doctor.checks import run_checks
from multus_ops.doctor.findings import Finding, Severity, without_echoes
from multus_ops.doctor.symptoms import find_symptoms
from tests.support.doctor_cases import THIN, conf, daemon_sets, failing, healthy, multus_pod, network, with_confs

ADDING = (
    'plugin type="multus" name="cbr0" failed (add): [default/web/u:NAME]: error adding container to network "NAME": '
)


def asking(name: str, message: str) -> dict[str, Any]:
    parts = failing(ADDING.replace("NAME", name) + message)
    parts["pods"][0]["metadata"]["annotations"] = {NETWORKS: name}
    return parts


def not_initialized() -> dict[str, Any]:
    message = "message:Network plugin returns error: cni plugin not initialized"
    condition = {"type": "Ready", "status": "False", "message": message}
    return {"metadata": {"name": "one"}, "status": {"conditions": [condition]}}


def refused_once() -> dict[str, Any]:
    sets = daemon_sets(THIN)
    sets[0]["status"] = {"desiredNumberScheduled": 2}
    event = {
        "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
        "reason": "FailedCreate",
        "involvedObject": {"uid": sets[0]["metadata"]["uid"]},
        "message": "Error creating: the server gave no answer in time (post pods)",
    }
    return {"daemon_sets": sets, "events": (event,)}


def lost(plugin: str) -> Case:
    message = f'failed to delegate add: failed to find plugin "{plugin}" in path [/opt/cni/bin]'
    return healthy(networks=(network(type=plugin),), reports={}, **asking("second", message))


NESTED = 'x: error adding container to network "second": cmdAdd(): failed to find device: Link not found'

IN_CLUSTER = (
    "Multus: error getting k8s client: GetK8sClient: failed to get context for in-cluster kube config: open"
    " /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory"
)

# With what has to be named: a symptom, or a part of an error.
SCENES: dict[str, tuple[Case, str]] = {
    "longhorn/longhorn#11222": (lost("ipvlan"), "plugin-missing"),
    "siderolabs/talos#10411": (lost("macvlan"), "plugin-missing"),
    "intel/afxdp-plugins-for-kubernetes#56": (
        healthy(
            networks=(network(master="eth9"),),
            pods=asking("second", "")["pods"],
            events=failing(ADDING.replace("NAME", "cbr0") + NESTED)["events"],
        ),
        "link-not-found",
    ),
    "k8snetworkplumbingwg/multus-cni#714": (
        healthy(networks=(network(plugins=[{"type": "portmap"}]),), facts={"plugins": ("portmap",)}),
        "begins with portmap",
    ),
    "k8snetworkplumbingwg/multus-cni#1326": (
        healthy(networks=(network(type="multus"),), reports={}, **asking("second", IN_CLUSTER)),
        "calls multus",
    ),
    "k8snetworkplumbingwg/multus-cni#1087": (
        healthy(
            **asking("second", "failed to allocate: requested IP address 10.24.1.10 is not available in range set")
        ),
        "requested IP address 10.24.1.10 is not available",
    ),
    "rancher/rke2#8687": (
        healthy(
            reports={}, **asking("second", "error at storage engine: Could not allocate IP in range: ip: 10.1.1.122")
        ),
        "whereabouts-is-full",
    ),
    "k8snetworkplumbingwg/multus-cni#641": (
        healthy(
            networks=({"metadata": {"name": "second", "namespace": "default"}, "spec": {}},),
            **asking("second", "GetCNIConfig: err in GetCNIConfigFromFile: No networks found in /etc/cni/multus/net.d"),
        ),
        "network-without-config",
    ),
    "k8snetworkplumbingwg/multus-cni#1155": (
        healthy(nodes=(not_initialized(),), facts={"confs": (conf(THIN, "00-multus.conflist", ""),)}),
        "conf-not-json",
    ),
    "Mellanox/network-operator#1363": (
        healthy(
            reports={}, groups=frozenset({"mellanox.com"}), **asking("second", "error waiting for pod: Unauthorized")
        ),
        "token-refused",
    ),
    "k8snetworkplumbingwg/multus-cni#549": (
        healthy(
            facts=with_confs(conf(THIN, "70-multus.conf", {"type": "multus"})),
            **asking("second", "validateIfName: interface name net1 already exists"),
        ),
        "multus-under-another-name",
    ),
    "kubernetes/kubernetes#72155": (healthy(multus=multus_pod(THIN), **refused_once()), "no answer in time"),
}


# What the same cause shows elsewhere.
BESIDES = {"k8snetworkplumbingwg/multus-cni#1155": ["node-not-ready"]}


def found(case: Case) -> list[Finding]:
    return without_echoes(chain(find_symptoms(case), run_checks(case)))


def test_every_report_of_the_page_is_tried() -> None:
    assert set(SCENES) == {report.issue for report in REPORTS}
    for report in REPORTS:
        named = SCENES[report.issue][1]
        assert ("#" in report.section) is (named != report.section), report.issue


@pytest.mark.parametrize("issue", SCENES)
def test_a_report_is_named_and_is_an_error(issue: str) -> None:
    case, named = SCENES[issue]
    seen = [each for each in found(case) if named == each.symptom or named in each.what]
    assert seen
    assert {each.severity for each in seen} == {Severity.ERROR}
    assert {each.symptom for each in found(case)} <= {"", named, *BESIDES.get(issue, ())}
