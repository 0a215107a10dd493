"""doctor on a cluster whose objects are broken one way after the other; pods that it starts; advice that works."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import pytest
import yaml

from lab.waiting import until
from multus_ops.doctor import smoke
from tests.support.lab.breakages import IN_CLUSTER, Breakage, tried
from tests.support.lab.cells import Cell
from tests.support.lab.clusters import Clusters, succeeded
from tests.support.lab.command_line import multus, of_cluster, of_stack
from tests.support.lab.patient import Patient
from tests.support.lab.pods import NAMESPACE
from tests.support.paths import ROOT

CELL = Cell("k3s")


@pytest.fixture(scope="module")
def patient(clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Patient:
    lab = clusters.lab(CELL)
    succeeded(lab.stack.up())
    lab.pods.create_network()
    return Patient(lab, tmp_path_factory.mktemp("bin"))


def smoked(patient: Patient) -> list[Any]:
    """Whatever smoke pods and their networks there are."""
    core = patient.lab.pods.core
    pods: list[Any] = core.list_namespaced_pod(NAMESPACE, label_selector=smoke.LABEL).items
    return pods


def test_smoke_starts_pods_and_takes_them_away(patient: Patient) -> None:
    patient.assert_healthy()
    before = patient.lab.trees()
    result = multus(patient.lab, "doctor", "--smoke", "--json", *of_stack(patient.lab))
    assert result.returncode == 0, result.stdout
    results = {line["check"]: line["result"] for line in json.loads(result.stdout)["checks"]}
    assert set(results.values()) == {"ok"}
    assert not smoked(patient)
    added = {path for path in patient.lab.trees()["lab-1"] if path not in before["lab-1"]}
    assert not [path for path in added if "smoke" in path]


def test_smoke_that_is_told_to_end_takes_its_pods_away(patient: Patient) -> None:
    # An image that nobody has, so that it would wait.
    options = ["--smoke", "--smoke-image", "nobody.invalid/has/this:1", *of_cluster(patient.lab)]
    running = subprocess.Popen(
        [sys.executable, "-m", "multus_ops", "doctor", *options],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: len(smoked(patient)) == 2, "both pods are there", every=0.25)
    running.send_signal(signal.SIGTERM)
    running.wait(60)
    until(lambda: not smoked(patient), "both pods are gone")


def test_smoke_on_a_broken_node_names_the_trouble(patient: Patient) -> None:
    patient.sh(f"rm {patient.kubeconfig}")
    result = multus(patient.lab, "doctor", "--smoke", "--json", "--seconds", "25", *of_stack(patient.lab))
    assert result.returncode == 1
    found = json.loads(result.stdout)["findings"]
    assert {"kubeconfig-not-found", "other-pods-fail"} <= {each["symptom"] for each in found}
    assert [each for each in found if each["check"] == "a plain pod and one with net1"]
    [fix] = next(each["fix"] for each in found if each["symptom"] == "other-pods-fail")
    patient.run_printed(fix)
    patient.assert_healthy()


def test_who_may_read_nothing_is_not_told_that_all_is_well(patient: Patient) -> None:
    patient.kubectl("-n", NAMESPACE, "create", "serviceaccount", "nobody")
    asked: Any = {"spec": {}}
    made: Any = patient.lab.pods.core.create_namespaced_service_account_token("nobody", NAMESPACE, asked)
    config = yaml.safe_load(patient.lab.cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": made.status.token}
    file = patient.folder / "nobody"
    file.write_text(yaml.safe_dump(config))
    result = multus(patient.lab, "doctor", "--kubeconfig", str(file))
    patient.kubectl("-n", NAMESPACE, "delete", "serviceaccount", "nobody")
    assert result.returncode == 2, result.stdout
    assert "Whether Multus serves pods is not known" in result.stdout
    assert "Nothing is wrong" not in result.stdout


def test_a_quota_that_lets_no_pod_of_multus_in_is_an_error_in_the_apis_words(patient: Patient) -> None:
    patient.kubectl("-n", "kube-system", "create", "quota", "tight", "--hard=pods=0", "--scopes=PriorityClass")
    patient.restart_multus()

    def refused() -> bool:
        report = patient.examine()
        return not report.is_well and any("exceeded quota: tight" in each.what for each in report.findings)

    until(refused, "doctor says what the API says")
    patient.kubectl("-n", "kube-system", "delete", "quota", "tight")
    patient.assert_healthy()


@pytest.mark.parametrize("breakage", IN_CLUSTER, ids=str)
def test_what_is_broken_is_named_and_mended_by_what_is_printed(patient: Patient, breakage: Breakage) -> None:
    tried(patient, breakage)
