"""What doctor misses on a cluster, beyond the troubles that have a name."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest

from multus import objects, resolve
from multus_ops.doctor.annotations import NETWORKS
from multus_ops.doctor.case import Case
from multus_ops.doctor.checks import run_checks
from multus_ops.doctor.findings import Check, Finding, Severity, without_echoes
from multus_ops.doctor.node_codes import NodeCode
from multus_ops.doctor.node_report import Marker, NodeFinding, NodeReport
from multus_ops.doctor.snapshot import Kind, Token
from multus_ops.doctor.symptoms import find_symptoms
from tests.support.arguments import node as node_arguments
from tests.support.doctor_cases import (
    NODE,
    THICK,
    THIN,
    daemon_sets,
    facts_of,
    failing,
    healthy,
    json_claims,
    kubeconfig,
    multus_pod,
    network,
    ours,
    plan_of,
    pod,
    with_confs,
    without_stack,
)

FOREIGN = {
    "metadata": {"name": "multus", "namespace": "cni", "uid": "f"},
    "spec": {"template": {"spec": {"containers": [{"image": "x/multus-cni:v4.2.2"}], "priorityClassName": "p"}}},
}


def found(case: Case, check: Check) -> list[Finding]:
    return [each for each in run_checks(case) if each.check is check]


def only(case: Case) -> Finding:
    [finding] = run_checks(case)
    return finding


def node(name: str = NODE, *, ready: bool = True, **info: str) -> dict[str, Any]:
    status = {"conditions": [{"type": "Ready", "status": str(ready)}], "nodeInfo": info}
    return {"metadata": {"name": name, "labels": {}}, "status": status}


def test_a_node_that_is_not_ready() -> None:
    finding = only(healthy(nodes=(node(ready=False),)))
    assert (finding.check, finding.where, finding.fix) == (Check.CLUSTER, "node one", "kubectl describe node one")


@pytest.mark.parametrize(
    ("labels", "name", "version", "says"),
    [
        ({"eks.amazonaws.com/compute-type": "auto"}, NODE, "v1.36.2-eks-bca9cf6", "is EKS Auto Mode"),
        ({}, "gk3-one", "v1.36.1-gke.1130000", "is GKE Autopilot"),
        ({"harvesterhci.io/managed": "true"}, NODE, "v1.34.3+rke2r1", "is Harvester"),
    ],
)
def test_a_cluster_that_cannot_have_multus_from_here(
    labels: dict[str, str], name: str, version: str, says: str
) -> None:
    shown = node(name, kubeletVersion=version)
    shown["metadata"]["labels"] = labels
    [finding] = [each for each in found(healthy(nodes=(shown,)), Check.CLUSTER) if each.what == says]
    assert finding.severity is Severity.ERROR
    shown["metadata"] = {"name": NODE, "labels": {}}
    assert not [each for each in found(healthy(nodes=(shown,)), Check.CLUSTER) if each.what == says]


def test_a_node_that_is_no_host_needs_no_pod() -> None:
    plan = resolve({"distro": "aks", "api_server": "https://192.0.2.1:6443", "nodes": [node_arguments(NODE, 1)]})
    virtual = node("virtual-node-aci-linux")
    virtual["metadata"]["labels"] = {"type": "virtual-kubelet"}
    of_it = [each for each in run_checks(healthy(plan, nodes=(node(), virtual))) if "virtual" in each.where]
    assert not of_it
    virtual["metadata"]["labels"] = {}
    [finding] = [each for each in run_checks(healthy(plan, nodes=(node(), virtual))) if "virtual" in each.where]
    assert finding.what == "has no pod of Multus"


def test_a_node_of_the_stack_that_the_cluster_has_not() -> None:
    [finding] = found(healthy(nodes=(node("two"),)), Check.CLUSTER)
    assert finding.where == "node one"


def test_another_distribution_than_the_stack_says() -> None:
    [finding] = found(healthy(nodes=(node(kubeletVersion="v1.31.4+rke2r1"),)), Check.CLUSTER)
    assert finding.fix.splitlines()[0] == "pulumi config set --stack lab multus:distro rke2"


def test_what_brings_multus_by_itself() -> None:
    [finding] = found(healthy(groups=frozenset({"config.openshift.io", "apps"})), Check.OTHERS)
    assert finding.where == "OpenShift"


@pytest.mark.parametrize("sets", [(FOREIGN,), (*daemon_sets(THIN), FOREIGN)], ids=["alone", "beside"])
def test_a_multus_of_others(sets: tuple[dict[str, Any], ...]) -> None:
    [finding] = found(healthy(daemon_sets=sets), Check.OTHERS)
    assert finding.where == "DaemonSet cni/multus"
    assert finding.fix == "kubectl -n cni delete daemonset multus"


def test_upstreams_manifest_can_be_adopted() -> None:
    [finding] = found(healthy(daemon_sets=daemon_sets(THIN)[:1]), Check.OTHERS)
    assert finding.fix.splitlines() == [
        "pulumi config set --stack lab multus:adopt true",
        "pulumi up --stack lab",
        "pulumi config rm --stack lab multus:adopt",
    ]


def test_a_node_that_cannot_be_asked() -> None:
    finding = only(healthy(reports={}, unreached={NODE: "one (root@192.0.2.1, port 22) could not be asked: silence."}))
    assert (finding.check, finding.fix) == (Check.SSH, "ssh root@192.0.2.1 true")


@pytest.mark.parametrize(
    ("code", "check"),
    [
        (NodeCode.NO_DEFAULT_NETWORK, Check.DEFAULT_NETWORK),
        (NodeCode.API_UNREACHABLE, Check.RUNTIME),
        (NodeCode.MOUNT_PRIVATE, Check.MOUNTS),
        (NodeCode.NO_PLUGIN, Check.NETWORKS),
        (NodeCode.CILIUM_EXCLUSIVE, Check.CONF),
        (NodeCode.NO_RESTORECON, Check.RUNTIME),
    ],
)
def test_what_the_nodes_own_checks_say_stands_where_it_belongs(code: NodeCode, check: Check) -> None:
    """By the code: the sentence may become another one."""
    said = NodeFinding(severity="error", code=code, where="/x", what="is wrong", fix="do something")
    finding = only(healthy(reports={NODE: NodeReport(findings=(said,), facts=facts_of(THIN))}))
    assert (finding.check, finding.fix) == (check, "# do something")


@pytest.mark.parametrize("severity", Severity)
def test_what_stops_no_install_is_not_said_to(severity: Severity) -> None:
    code = NodeCode.STALE_FILE
    said = NodeFinding(severity=severity.value, code=code, where="/x", what="is odd", fix="do something")
    finding = only(healthy(reports={NODE: NodeReport(findings=(said,), facts=facts_of(THIN))}))
    assert finding.severity is severity
    assert ("refuses" in finding.why) is (severity is Severity.ERROR)


def test_a_pod_of_multus_that_is_not_well() -> None:
    waiting = {
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such\n image"}},
        "name": "kube-multus",
    }
    sick = multus_pod(THIN, ready=False, status={"containerStatuses": [waiting]})
    finding = only(healthy(multus=sick))
    assert finding.what == "container kube-multus: ImagePullBackOff: no such image"
    assert finding.fix == "kubectl -n kube-system describe pod kube-multus-ds-x"


def test_a_node_without_a_pod_of_multus() -> None:
    finding = only(healthy(nodes=(node(), node("two"))))
    assert (finding.severity, finding.where) == (Severity.WARNING, "node two")


CREATING = 'Error creating: pods "x" is forbidden: '
REFUSALS = [
    'violates PodSecurity "baseline:latest": hostPath volumes (volume "cni")',
    "insufficient quota to match these scopes: [{PriorityClass In [system-node-critical]}]",
    "exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3",
    'failed calling webhook "policy.example": no endpoints available for service "policy"',
    'no PriorityClass with name "important" was found',
]


@pytest.mark.parametrize("stack", [True, False], ids=["stack", "kubeconfig"])
@pytest.mark.parametrize("status", [None, {"desiredNumberScheduled": 1}], ids=["new", "seen"])
@pytest.mark.parametrize("reason", REFUSALS)
def test_a_daemon_set_whose_pods_are_refused_is_an_error_in_the_apis_words(
    reason: str, status: dict[str, int] | None, stack: bool
) -> None:
    sets = daemon_sets(THIN)
    if status is not None:
        sets[1]["status"] = status
    event = {
        "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
        "reason": "FailedCreate",
        "involvedObject": {"kind": "DaemonSet", "uid": objects.FALLBACK_DAEMON_SET},
        "message": f"{CREATING}{reason}",
    }
    whole = healthy(daemon_sets=sets, reports={}, events=(event,))
    case = replace(whole, snapshot=replace(whole.snapshot, pods=()))
    case = case if stack else without_stack(case)
    report = without_echoes(chain(find_symptoms(case), run_checks(case)))
    [error] = [each for each in report if each.where == "DaemonSet kube-system/kube-multus-ds-fallback"]
    assert error.severity is Severity.ERROR
    assert reason in error.what


def test_pods_of_anothers_daemon_set_that_do_not_exist_are_an_error_without_any_event() -> None:
    foreign = {**FOREIGN, "status": {"desiredNumberScheduled": 2}}
    [finding] = found(without_stack(healthy(daemon_sets=(foreign,))), Check.DAEMON_SETS)[:1]
    assert (finding.severity, finding.what) == (Severity.ERROR, "2 of its pods do not exist")


def test_a_cluster_without_any_pod_of_multus_is_never_well() -> None:
    whole = healthy()
    case = replace(whole, snapshot=replace(whole.snapshot, pods=()))
    [finding] = found(case, Check.DAEMON_SETS)
    assert (finding.severity, finding.where) == (Severity.ERROR, "node one")


@pytest.mark.parametrize(("there", "errors"), [(1, 0), (0, 1)])
def test_where_pods_may_not_be_read_a_daemon_set_says_itself_how_many_there_are(there: int, errors: int) -> None:
    sets = daemon_sets(THIN)
    sets[0]["status"] = {"desiredNumberScheduled": 1, "currentNumberScheduled": there}
    whole = healthy(daemon_sets=sets)
    case = replace(whole, snapshot=replace(whole.snapshot, pods=(), unseen=frozenset({Kind.PODS})))
    assert len(found(case, Check.DAEMON_SETS)) == errors


def test_an_install_of_which_the_marker_is_left_is_not_well() -> None:
    gone = without_stack(healthy(daemon_sets=(), reports={}))
    [finding] = run_checks(gone)
    assert (finding.severity, finding.where) == (Severity.ERROR, "ConfigMap kube-system/multus-install")
    assert finding.fix.splitlines()[-1] == "pulumi up --refresh --stack lab"


def test_pods_that_ask_for_networks_where_there_is_no_multus() -> None:
    web = pod("web", metadata={"annotations": {NETWORKS: "second"}})
    case = healthy(daemon_sets=(), config_maps=(), reports={}, pods=(web,))
    [finding] = run_checks(case)
    assert (finding.severity, finding.where) == (Severity.ERROR, "pod default/web")
    over = pod("job", metadata={"annotations": {NETWORKS: "second"}}, status={"phase": "Succeeded"})
    assert not list(run_checks(healthy(daemon_sets=(), config_maps=(), reports={}, pods=(over,))))


def test_another_image_than_the_stacks() -> None:
    case = healthy(daemon_sets=daemon_sets(plan_of(image={"tag": "v4.2.4"})))
    assert {each.where for each in found(case, Check.IMAGE)} == {
        "DaemonSet kube-system/kube-multus-ds",
        "DaemonSet kube-system/kube-multus-ds-fallback",
    }


def test_a_daemon_set_that_was_changed_by_hand() -> None:
    sets = daemon_sets(THIN)
    main = sets[0]["spec"]["template"]["spec"]["containers"][0]
    main["resources"] = {**main["resources"], "limits": {"memory": "8Mi"}}
    main["terminationMessagePath"] = "/dev/termination-log"
    [finding] = found(healthy(daemon_sets=sets), Check.DAEMON_SETS)
    assert finding.severity is Severity.WARNING
    assert finding.what == "is not the stack's at spec.template.spec.containers[0].resources.limits.memory"
    assert finding.fix == "pulumi up --refresh --stack lab"


def test_a_crd_that_serves_another_version() -> None:
    crd = objects.custom_resource_definition()
    crd["spec"]["versions"][0]["served"] = False
    assert only(healthy(crd=crd)).check is Check.CRD


def test_a_network_that_is_not_json() -> None:
    broken = network()
    broken["spec"]["config"] = '{"type": '
    assert only(healthy(networks=(broken,))).fix == "kubectl -n default edit network-attachment-definition second"


@pytest.mark.parametrize(
    ("given", "says"),
    [({"type": "multus"}, "calls multus"), ({"type": None}, "without `type`"), ({"plugins": []}, "no plugin")],
)
def test_a_network_that_no_pod_can_have_is_found_before_one_asks(given: dict[str, Any], says: str) -> None:
    finding = only(healthy(networks=(network(**given),)))
    assert (finding.check, finding.severity) == (Check.NETWORKS, Severity.ERROR)
    assert says in finding.what
    assert not list(find_symptoms(healthy(networks=(network(**given),))))


@pytest.mark.parametrize(
    "given",
    [
        {"capabilities": ["ips"]},
        {"ipam": {"type": "host-local", "subnet": "10.1.0.0/24", "routes": 5}},
        {"type": ["macvlan"]},
    ],
    ids=["capabilities", "routes", "type"],
)
def test_a_malformed_network_is_a_finding_and_no_end(given: dict[str, Any]) -> None:
    snapshot = healthy(networks=(network(**given),))
    assert only(snapshot).check is Check.NETWORKS
    assert not list(find_symptoms(snapshot))


def test_a_device_of_a_resource_is_no_finding() -> None:
    definition = network(type="host-device")
    definition["metadata"]["annotations"] = {"k8s.v1.cni.cncf.io/resourceName": "intel.com/nic"}
    assert found(healthy(networks=(definition,)), Check.NETWORKS) == []


def test_a_token_that_nobody_fills_is_not_mended_by_asking_again() -> None:
    empty = Token("multus-token-1", {}, accepted=False)
    finding = only(healthy(tokens=(empty,)))
    assert finding.what == "has no token, though it asks for one"
    assert "credentials pod" in finding.fix
    assert not list(find_symptoms(healthy(tokens=(empty,))))


LONG_NAME = "f" * 64
THICK_SAYS = (
    f'Failed to create pod sandbox: failed to setup network for sandbox "{LONG_NAME}": plugin type="multus-shim" failed'
    f' (add): CmdAdd (shim): CNI request failed with status 400: \'ContainerID:"{LONG_NAME}" Netns:"/var/run/netns/x"'
    f' IfName:"eth0" Args:"K8S_POD_UID={"u" * 300}" Path:"" ERRORED: error configuring pod [default/web]: REASON\n\':'
    ' StdinData: {"token": "secret"}'
)


def test_the_reason_is_never_what_is_cut_off() -> None:
    for message in (THICK_SAYS, "a " * 400 + "REASON"):
        finding = only(healthy(**failing(message)))
        assert "REASON" in finding.what
        assert "secret" not in finding.what


def test_what_the_kubelet_has_cut_is_looked_for_in_the_daemons_log() -> None:
    cut = failing("x" * 1024)
    [finding] = run_checks(healthy(THICK, **cut))
    assert finding.fix.splitlines() == [
        "kubectl -n default describe pod web",
        "kubectl -n kube-system logs kube-multus-ds-x --since=10m",
    ]


def test_an_account_that_is_gone() -> None:
    assert only(healthy(account=None)).where == "ServiceAccount kube-system/multus"


def test_config_maps_that_are_gone_or_changed() -> None:
    missing = found(healthy(THICK, config_maps=()), Check.CONFIG_MAP)
    assert [each.what for each in missing] == ["is not there", "is not there"]
    changed = objects.own_conf_map(THICK)
    assert changed is not None
    changed["data"] = {"daemon-config.json": "{}"}
    [finding] = found(healthy(THICK, config_maps=(objects.marker(THICK, "o"), changed)), Check.CONFIG_MAP)
    assert finding.what == "its daemon-config.json is not the stack's"


@pytest.mark.parametrize(("days", "warned"), [(30, False), (3, True), (-1, True)])
def test_a_token_that_expires(days: int, warned: bool) -> None:
    token = Token("multus-token-1", json_claims(exp=int(time.time()) + days * 86400), accepted=True)
    assert bool(found(healthy(tokens=(token,)), Check.TOKEN)) is warned


def test_a_token_of_an_account_that_is_no_more() -> None:
    uid = "kubernetes.io/serviceaccount/service-account.uid"
    token = Token("multus-token-1", json_claims(**{uid: "old"}), accepted=True)
    assert only(healthy(tokens=(token,))).what == "its token is of an account that is no more"


def test_a_kubeconfig_of_an_earlier_rotation() -> None:
    plan = plan_of(rotation="2")
    [finding] = found(healthy(plan), Check.KUBECONFIG)
    assert finding.what == "its token is of Secret multus-token-1, the stack's is multus-token-2"


@pytest.mark.parametrize(("proof", "severity"), [("500", Severity.ERROR), ("", Severity.WARNING)])
def test_a_kubeconfig_that_is_not_proven(proof: str, severity: Severity) -> None:
    assert only(healthy(facts=kubeconfig(proof=proof))).severity is severity


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"type": "multus-shim"}, "calls multus-shim, and the stack is thin"),
        ({"kubeconfig": "/elsewhere"}, "names the kubeconfig /elsewhere, the stack's is"),
        ({"delegates": [{"name": "other"}]}, "delegates to other, the default network is cbr0"),
    ],
)
def test_a_configuration_that_is_not_the_plans(changes: dict[str, Any], what: str) -> None:
    [finding] = found(healthy(facts=with_confs(own=ours(**changes))), Check.CONF)
    assert finding.what.startswith(what)
    assert finding.fix == "kubectl -n kube-system delete pod -l name=multus --field-selector spec.nodeName=one"


def test_a_node_of_another_install() -> None:
    marker = Marker(owner="multus/other/multus", node=NODE, install="another")
    assert "multus/other/multus" in only(healthy(facts={"marker": marker})).what


def test_a_node_that_was_not_cleaned() -> None:
    [finding] = found(healthy(daemon_sets=()), Check.OTHERS)
    assert finding.fix == "ssh root@192.0.2.1 rm -rf /var/lib/multus-install"


@pytest.mark.parametrize(("namespace", "storage"), [("default", False), ("rook-ceph", True)])
def test_pods_of_others_that_fail_over_their_network(namespace: str, storage: bool) -> None:
    finding = only(healthy(**failing("no route\n to host", "web", namespace)))
    assert (finding.check, finding.where, finding.what) == (Check.PODS, f"pod {namespace}/web", "no route to host")
    assert ("storage" in finding.why) is storage
