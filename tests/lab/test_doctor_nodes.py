"""doctor before an install, and on a cluster whose nodes are broken one way after the other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.waiting import until
from multus import resolve
from multus_ops.doctor import examine as doctor
from multus_ops.doctor import snapshot
from multus_ops.doctor.case import Case
from multus_ops.doctor.findings import Finding
from multus_ops.doctor.symptoms import find_symptoms
from tests.support.lab.breakages import (
    BEFORE_AN_INSTALL,
    ON_NODES,
    Breakage,
    conf_of_an_install_that_is_gone,
    tried,
)
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure
from tests.support.lab.clusters import Clusters
from tests.support.lab.command_line import multus, of_cluster, of_stack
from tests.support.lab.patient import WEB, Patient

CELL = Cell("k3s")


@pytest.fixture(scope="module")
def patient(clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Patient:
    return Patient(clusters.lab(CELL), tmp_path_factory.mktemp("bin"))


def test_before_an_install_everything_is_looked_at_and_nothing_changed(patient: Patient) -> None:
    before = patient.lab.trees()
    result = multus(patient.lab, "doctor", "--json", *of_stack(patient.lab))
    assert result.returncode == 0, result.stdout
    document = json.loads(result.stdout)
    assert document["findings"] == []
    assert document["about"]["default CNI"].startswith("cbr0 in ")
    results = {line["check"]: line["result"] for line in document["checks"]}
    assert results["nodes over SSH"] == results["default network"] == "ok"
    assert results["token"] == "not there"
    assert patient.lab.trees() == before


def test_where_nobody_can_log_in_a_pod_takes_away_what_an_install_has_left(patient: Patient) -> None:
    """As on Talos: no pod starts on the node but those that take its own network."""
    conf_of_an_install_that_is_gone(patient)
    patient.ask_for_web()
    plan = resolve({"distro": "talos", "cni_conf_dir": patient.conf_dir})

    def left_behind() -> list[Finding]:
        seen = Case(snapshot.take(patient.lab.pods.api, None, {}, {}, {}), plan)
        return [each for each in find_symptoms(seen) if each.symptom == "conf-left-behind"]

    until(lambda: bool(left_behind()), "the pod's events say it", every=0.5)
    patient.run_printed(left_behind()[0].fix)
    patient.lab.pods.await_running(WEB)
    patient.forget_web()
    pods: Any = patient.lab.pods.core.list_namespaced_pod("kube-system").items
    debuggers = [each.metadata.name for each in pods if each.metadata.name.startswith("node-debugger-")]
    assert debuggers, "it runs where Talos lets it"
    patient.kubectl("-n", "kube-system", "delete", "pod", *debuggers)


@pytest.mark.parametrize("breakage", BEFORE_AN_INSTALL, ids=str)
def test_what_stands_in_the_way_is_named_and_mended_by_what_is_printed(patient: Patient, breakage: Breakage) -> None:
    """The last of them ends in the first install."""
    tried(patient, breakage)


def test_then_pods_get_their_networks(patient: Patient) -> None:
    patient.lab.pods.create_network()
    patient.assert_pod_gets_net1()


@pytest.mark.parametrize("breakage", ON_NODES, ids=str)
def test_what_is_broken_is_named_and_mended_by_what_is_printed(patient: Patient, breakage: Breakage) -> None:
    tried(patient, breakage)


def test_without_ssh_other_pods_events_are_enough_and_the_rest_is_said(patient: Patient) -> None:
    patient.sh(f"rm {patient.kubeconfig}")
    patient.ask_for_web()
    api = patient.lab.pods.api

    def names() -> set[str]:
        return {found.symptom for found in doctor.examine(None, api).findings}

    until(lambda: {"kubeconfig-not-found", "other-pods-fail"} <= names(), "it is recognised", every=0.5)
    result = multus(patient.lab, "doctor", *of_cluster(patient.lab))
    assert result.returncode == 1
    assert "not seen: files, mounts and addresses on the nodes: name a stack" in result.stdout
    patient.run_printed(
        next(each.fix for each in doctor.examine(None, api).findings if each.symptom == "other-pods-fail")
    )
    patient.forget_web()
    patient.assert_healthy()


def test_a_node_that_cannot_be_asked_is_named_and_a_cluster_that_cannot_ends_with_2(patient: Patient) -> None:
    node = patient.node
    listed = [{"name": node.name, "host": node.address, "hostKey": node.host_key, "port": 2}]
    configure(patient.lab.stack, nodes=listed)
    patient.reload()
    [found] = patient.examine().findings
    assert (found.where, "nothing listens there" in found.what) == (f"node {node.name}", True)
    configure(patient.lab.stack, nodes=[{**listed[0], "port": 22}])
    patient.reload()
    silent = patient.lab.cluster.kubeconfig.read_text().replace(":6443", ":1")
    file = patient.folder / "silent"
    file.write_text(silent)
    result = multus(patient.lab, "doctor", "--kubeconfig", str(file))
    assert result.returncode == 2
    assert "does not answer" in result.stderr
