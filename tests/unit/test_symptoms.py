"""Every trouble of the table is recognised in a cluster made by hand, and none in a healthy one."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from string import Formatter
from typing import Any

import pytest

from multus import multus_conf as confs
from multus import objects, resolve
from multus.plan import ProxyPlan
from multus_ops import render
from multus_ops.daemon_sets import STAYS
from multus_ops.doctor.annotations import (
    DEFAULT_NETWORK,
    NETWORK_STATUS,
    NETWORKS,
    NetworkName,
    asked_for,
    entries_of,
    networks_of,
)
from multus_ops.doctor.case import Case
from multus_ops.doctor.checks import run_checks
from multus_ops.doctor.findings import Check, Occurrence, Severity, without_echoes
from multus_ops.doctor.meshes import MESHES
from multus_ops.doctor.networks import conf_of
from multus_ops.doctor.node_codes import NodeCode
from multus_ops.doctor.node_report import Facts, NamedPath, NodeFinding, NodeReport, Program
from multus_ops.doctor.snapshot import Access, Kind, Token
from multus_ops.doctor.symptoms import SYMPTOMS, Symptom, find_symptoms
from tests.support.doctor_cases import (
    KUBECONFIG,
    NODE,
    OURS,
    THICK,
    THIN,
    claims,
    conf,
    daemon_sets,
    facts_of,
    failing,
    flannel,
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
from tests.support.doctor_fixes import is_modelled, typed
from tests.support.lab.breakages import BEFORE_AN_INSTALL, IN_CLUSTER, OF_THICK, ON_NODES, WITH_DHCP, WITH_WHEREABOUTS


def sick_multus(state: dict[str, Any], *, last: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    status = {"containerStatuses": [{"name": "kube-multus", "state": state, "lastState": last or {}}]}
    return multus_pod(THIN, ready=False, status=status, **changes)


def changed_sets(plan: Any, change: Callable[[dict[str, Any]], None]) -> tuple[dict[str, Any], ...]:
    """The DaemonSets with a change by hand to the main one's pods."""
    sets = json.loads(json.dumps(daemon_sets(plan)))
    change(sets[0]["spec"]["template"]["spec"])
    return tuple(sets)


def mounting(path: str) -> Callable[[dict[str, Any]], None]:
    def change(spec: dict[str, Any]) -> None:
        for volume in spec["volumes"]:
            if volume["name"] == "cni":
                volume["hostPath"]["path"] = path

    return change


def binding() -> dict[str, Any]:
    subject = {"kind": "ServiceAccount", "namespace": "kube-system", "name": "multus"}
    return {"metadata": {"name": "everything"}, "subjects": [subject]}


def said(message: str) -> dict[str, Any]:
    return sick_multus({"waiting": {"reason": "Error", "message": message}})


def wanting(status: str = "[]") -> dict[str, Any]:
    return pod("web", metadata={"annotations": {NETWORKS: "second", NETWORK_STATUS: status}})


def started(annotation: str, status: str = "[]", *, ready: bool = True, **about: Any) -> dict[str, Any]:
    """A pod with what it asks for and what Multus says that it got."""
    annotations = {NETWORKS: annotation, NETWORK_STATUS: status}
    return pod("web", ready=ready, metadata={"annotations": annotations, **about})


def asking(annotation: str, message: str, **about: Any) -> dict[str, Any]:
    """A pod that gets no sandbox over what it asks for."""
    return {"pods": (started(annotation, ready=False, **about),), "events": failing(message)["events"]}


def refusing(message: str, **status: Any) -> dict[str, Any]:
    """A DaemonSet whose pods the API server refuses to create."""
    sets = daemon_sets(THIN)
    event = {
        "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
        "reason": "FailedCreate",
        "involvedObject": {"kind": "DaemonSet", "uid": sets[0]["metadata"]["uid"]},
        "message": message,
    }
    sets[0]["status"] = {"desiredNumberScheduled": 1, **status}
    return {"daemon_sets": sets, "events": (event,), "multus": pod("another")}


def cilium(**data: str) -> dict[str, Any]:
    return {"metadata": {"name": "cilium-config", "namespace": "kube-system"}, "data": data}


def istio(**data: str) -> dict[str, Any]:
    """Istio's CNI, as its chart installs it, beside a healthy Multus."""
    about = {"namespace": "istio-system"}
    config = {"metadata": {**about, "name": "istio-cni-config"}, "data": {"CHAINED_CNI_PLUGIN": "true", **data}}
    container = {"name": "install-cni", "image": "i/install-cni:1.30.3", "env": [{"name": "NODE_NAME"}]}
    mesh = {
        "metadata": {**about, "name": "istio-cni-node"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    return {"daemon_sets": (*daemon_sets(THIN), mesh), "config_maps": (objects.marker(THIN, "o"), config)}


def chained(plugins: str, **changes: Any) -> Case:
    """A node that has found further plugins in Multus' file."""
    fix = "have that program add it to /10-flannel.conflist"
    code = NodeCode.CONF_CHAINED
    found = NodeFinding(severity="warning", code=code, where=OURS, what=f"has {plugins}", fix=fix, value=plugins)
    return healthy(reports={NODE: NodeReport(findings=(found,), facts=facts_of(THIN))}, **changes)


def with_two_images(plan: Any) -> tuple[dict[str, Any], ...]:
    return changed_sets(plan, lambda spec: spec["initContainers"][0].update(image="m/multus-cni:v4.3.1-thick"))


def bare(name: str = "second") -> dict[str, Any]:
    """A definition that stands for a file."""
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {}}


def unversioned(**config: Any) -> dict[str, Any]:
    made = network()
    conf = {key: value for key, value in json.loads(made["spec"]["config"]).items() if key != "cniVersion"}
    return {**made, "spec": {"config": json.dumps({**conf, **config})}}


def not_ready(message: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "False", "message": message}
    return {"metadata": {"name": NODE}, "status": {"conditions": [condition]}}


# As kubelet 1.37 and containerd 2.4 say it.
NOT_READY = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:"
STATUS_FAILED = (
    f"{NOT_READY}Network plugin returns error: Multus: error getting k8s client: GetK8sClient: failed to get context"
    f" for the kubeconfig {KUBECONFIG}: no such file or directory"
)
NOT_INITIALIZED = f"{NOT_READY}Network plugin returns error: cni plugin not initialized"

NO_LINK = (
    'plugin type="multus" name="cbr0" failed (add): [default/web/u:NAME]: error adding container to network "NAME":'
    " Link not found"
)


CALICO: dict[str, Any] = {
    "metadata": {"name": "calico-node", "namespace": "calico", "uid": "calico"},
    "spec": {"template": {"spec": {}}},
}


def with_calico(failing: dict[str, Any], *, ready: bool, on: str = NODE) -> dict[str, Any]:
    """Parts of a snapshot with a default CNI that has a pod on a node."""
    its = pod("calico-node-x", "calico", owner="calico", ready=ready, spec={"nodeName": on})
    return {**failing, "daemon_sets": (*daemon_sets(THIN), CALICO), "pods": (its, *failing["pods"])}


TIMED_OUT = (
    'Multus: [default/web/u]: error getting pod: Get "https://127.0.0.1:6444/api/v1/namespaces/default/pods/web": dial'
    " tcp 127.0.0.1:6444: i/o timeout"
)
NOT_THERE = (
    "Multus: [default/web/u]: have you checked that your default network is ready? still waiting for"
    " readinessindicatorfile @ "
)
NO_MASTER = 'cannot find valid master CNI config in "/host/etc/cni/net.d"'
ISOLATED = (
    "GetNetworkDelegates: namespace isolation enabled, annotation violates permission, pod is in namespace default but"
    " refers to target namespace TARGET"
)
GETTING = "plugin type=multus failed (add): Multus: [default/web/u]: error getting k8s client: GetK8sClient: "


def coded(code: NodeCode, where: str) -> Case:
    """A cluster whose node has found something itself."""
    finding = NodeFinding(severity="warning", code=code, where=where, what="is odd", fix="mend it", value=where)
    return healthy(reports={NODE: NodeReport(findings=(finding,), facts=facts_of(THIN))})


# Each with what it may bring along.
BROKEN: dict[str, tuple[Case, set[str]]] = {
    "crash-loop": (healthy(multus=sick_multus({"waiting": {"reason": "CrashLoopBackOff"}})), set()),
    "refused-by-pod-security": (
        healthy(**refusing('pods "x" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes')),
        set(),
    ),
    "refused-by-priority-quota": (
        healthy(**refusing("insufficient quota to match these scopes: [{PriorityClass In [system-node-critical]}]")),
        set(),
    ),
    "default-network-late": (
        healthy(multus=said(f"failed to create multus config: {NO_MASTER}")),
        set(),
    ),
    "shim-and-daemon-differ": (healthy(THICK, daemon_sets=with_two_images(THICK)), set()),
    "kubeconfig-not-found": (
        healthy(facts={"named_kubeconfigs": (NamedPath(path=KUBECONFIG, there=False),), "kubeconfig": None}),
        set(),
    ),
    "client-failed": (healthy(facts=kubeconfig(proof="000", answer="Connection refused")), set()),
    "api-out-of-reach": (healthy(**failing(TIMED_OUT), endpoints=("10.0.0.5:6443",)), set()),
    "default-network-not-ready": (
        healthy(**with_calico(failing(f"{NOT_THERE}/run/x. pollimmediate"), ready=False)),
        set(),
    ),
    "directories-not-writable": (
        healthy(multus=said("open /host/etc/cni/net.d/00-multus.conf.new: permission denied")),
        set(),
    ),
    "daemon-config-not-found": (
        healthy(
            THICK,
            multus=said(
                'MountVolume.SetUp failed for volume "own-conf" : configmap "multus-conf-0123456789ab" not found'
            ),
        ),
        set(),
    ),
    "other-pods-fail": (
        healthy(
            **failing(f"{GETTING}failed to get context for the kubeconfig {KUBECONFIG}: no such file or directory")
        ),
        {"kubeconfig-not-found"},
    ),
    "disabled": (
        healthy(daemon_sets=changed_sets(THIN, lambda spec: spec.update(nodeSelector={STAYS: "true"}))),
        set(),
    ),
    "conf-left-behind": (healthy(daemon_sets=(), crd=None), set()),
    "pods-without-networks": (healthy(pods=(wanting(),)), set()),
    "conf-missing": (healthy(facts={"confs": (conf(THIN, "10-flannel.conflist", flannel()),)}), set()),
    "conf-not-json": (healthy(facts={"confs": (conf(THIN, "00-multus.conflist", ""),)}), set()),
    "two-confs": (healthy(facts=with_confs(conf(THIN, "00-multus.conf", {"type": "multus-shim"}))), set()),
    "text-file-busy": (healthy(multus=said("cp: cannot create regular file: Text file busy")), set()),
    "oom-killed": (healthy(multus=sick_multus({"running": {}}, last={"terminated": {"reason": "OOMKilled"}})), set()),
    "token-refused": (healthy(facts=kubeconfig(proof="401")), set()),
    "authority-changed": (healthy(facts=kubeconfig(proof="tls", authority="b3RoZXI=")), set()),
    "account-made-anew": (
        healthy(facts=kubeconfig(claims=claims(**{"kubernetes.io/serviceaccount/service-account.uid": "old"}))),
        set(),
    ),
    "token-secret-gone": (healthy(tokens=()), set()),
    "program-gone": (
        healthy(facts={"program": None, "k3s_programs": ("/var/lib/rancher/k3s/data/0123/bin/multus",)}),
        set(),
    ),
    "wrong-directories": (healthy(daemon_sets=changed_sets(THIN, mounting("/etc/cni/net.d"))), set()),
    "plan-against-runtime": (
        healthy(
            reports={
                NODE: NodeReport(
                    findings=(
                        NodeFinding(
                            severity="error",
                            code=NodeCode.CONF_DIR_ELSEWHERE,
                            where="/c.toml",
                            what="reads another",
                            fix="say so",
                            value="/x",
                        ),
                    ),
                    facts=facts_of(THIN),
                )
            }
        ),
        set(),
    ),
    "kubeconfig-path-of-the-pod": (
        healthy(facts={"named_kubeconfigs": (NamedPath(path="/host/etc/x", there=False),)}),
        set(),
    ),
    "default-network-not-found": (
        healthy(facts=with_confs(own=ours(delegates=None, clusterNetwork="flannel"))),
        set(),
    ),
    "network-in-another-namespace": (
        healthy(
            networks=(network("second", "other"),),
            **asking("second", "cannot find a network-attachment-definition (second) in namespace (default)"),
        ),
        set(),
    ),
    "multus-under-another-name": (healthy(facts=with_confs(conf(THIN, "70-multus.conf", {"type": "multus"}))), set()),
    "delegates-to-itself": (healthy(facts=with_confs(own=ours(delegates=[{"name": "cbr0", "type": "multus"}]))), set()),
    "another-network-first": (
        healthy(facts=with_confs(conf(THIN, "05-old.conflist", flannel(name="old")))),
        set(),
    ),
    "conf-before-multus": (
        healthy(facts=with_confs(conf(THIN, "00-a.conflist", flannel(name="old")))),
        {"another-network-first"},
    ),
    "renamed-by-cilium": (healthy(facts={"confs": (), "renamed_confs": (f"{OURS}.cilium_bak",)}), set()),
    "cilium-exclusive": (
        healthy(config_maps=(objects.marker(THIN, "o"), cilium(**{"cni-exclusive": "true"}))),
        set(),
    ),
    "cilium-chains-multus": (
        healthy(config_maps=(objects.marker(THIN, "o"), cilium(**{"cni-chaining-target": "cbr0"}))),
        set(),
    ),
    "mesh-takes-the-first-file": (healthy(**istio()), set()),
    "conf-chained": (chained("istio-cni ", **istio()), {"mesh-takes-the-first-file"}),
    "moving-image": (
        healthy(
            daemon_sets=changed_sets(THIN, lambda spec: spec["containers"][0].update(image="m/multus-cni:snapshot"))
        ),
        set(),
    ),
    "incompatible-versions": (healthy(networks=(network(cniVersion="2.0.0"),)), set()),
    "network-without-version": (
        healthy(networks=(unversioned(),), pods=(started("second", creationTimestamp="2026-01-01T00:00:00Z"),)),
        set(),
    ),
    "default-route-ignored": (
        healthy(pods=(started('[{"name":"second","default-route":["10.9.0.1"]}]', '[{"interface":"net1"}]'),)),
        set(),
    ),
    "link-not-found": (
        healthy(
            networks=(network(master="eth9"),),
            pods=(started("second", ready=False),),
            events=failing(NO_LINK.replace("NAME", "second"))["events"],
        ),
        set(),
    ),
    "network-mode": (healthy(networks=(network(mode="l2"),)), set()),
    "network-takes-routes": (
        healthy(
            networks=(network(ipam={"type": "host-local", "subnet": "10.97.0.0/24", "routes": [{"dst": "0.0.0.0/0"}]}),)
        ),
        set(),
    ),
    "network-without-config": (
        healthy(
            networks=(bare(),),
            **asking("second", "GetCNIConfig: err in GetCNIConfigFromFile: No networks found in /etc/cni/multus/net.d"),
        ),
        set(),
    ),
    "annotation-not-read": (healthy(pods=(started('[{"name": "second"},]', ready=False),)), set()),
    "namespace-isolation": (
        healthy(
            plan_of(conf={"namespace_isolation": True}),
            **asking("blue/private", ISOLATED.replace("TARGET", "blue")),
        ),
        set(),
    ),
    "no-dhcp-daemon": (
        healthy(**asking("second", "error dialing DHCP daemon: dial unix /run/cni/dhcp.sock: no such file")),
        set(),
    ),
    "whereabouts-is-full": (healthy(**asking("second", "Could not allocate IP in range: ip: 10.1.1.1")), set()),
    "sandbox-name-reserved": (healthy(**asking("second", 'failed to reserve sandbox name "web_default_u_0"')), set()),
    "no-rights-for-devices": (
        healthy(**asking("second", "failed to get resourceMap from DRA client: cannot list resource")),
        set(),
    ),
    "node-not-ready": (healthy(nodes=(not_ready(STATUS_FAILED),)), set()),
    "server-is-no-url": (healthy(facts=kubeconfig(server="https://[10.43.0.1]:443", proof="000")), set()),
    "wrong-machine": (
        healthy(facts={"program": Program(path="/m", rights="-rwxr-xr-x 0 0", runs=False, answer="Exec format error")}),
        set(),
    ),
    "plugin-missing": (healthy(networks=(network(type="ipvlan"),)), set()),
    "crd-gone": (healthy(crd=None), set()),
    "crd-goes-with-a-release": (
        healthy(
            crd={
                **objects.custom_resource_definition(),
                "metadata": {"name": objects.CRD, "annotations": {"meta.helm.sh/release-name": "multus"}},
            }
        ),
        set(),
    ),
    "not-a-shared-mount": (healthy(THICK, facts={"root_is_shared": False}), set()),
    "kubeconfig-open": (healthy(facts=kubeconfig(rights="-rw-r--r-- 0 0")), set()),
    "may-too-much": (
        healthy(access=(Access("get", "", "secrets", allowed=True, needed=False),), bindings=(binding(),)),
        set(),
    ),
    "may-too-little": (healthy(access=(Access("get", "", "pods", allowed=False, needed=True),)), set()),
    "no-priority": (healthy(daemon_sets=changed_sets(THIN, lambda spec: spec.pop("priorityClassName"))), set()),
    "daemon-ends-at-once": (
        healthy(
            THICK,
            config_maps=(
                objects.marker(THICK, "o"),
                {
                    "metadata": {"name": confs.own_conf_name(THICK), "namespace": "kube-system"},
                    "data": {"daemon-config.json": '{"multusConfigFile": "/x"}'},
                },
            ),
        ),
        set(),
    ),
    "daemon-silent": (healthy(THICK, facts={"daemon_answers": False}), set()),
    "entrypoint-of-v3": (
        healthy(multus=said('exec: "/entrypoint.sh": stat /entrypoint.sh: no such file or directory')),
        set(),
    ),
    "revision-of-microk8s": (
        healthy(daemon_sets=changed_sets(THIN, mounting("/var/snap/microk8s/1234/args/cni-network"))),
        {"wrong-directories"},
    ),
    "addresses-leaked": (healthy(facts={"leaked": (f"/var/lib/cni/networks/second/10.98.0.2 {'d' * 64}",)}), set()),
    "stale-files": (healthy(facts={"stale_files": (f"{OURS}.new",)}), set()),
    "default-network-changed": (coded(NodeCode.DEFAULT_NETWORK_CHANGED, OURS), set()),
    "conf-rewritten": (coded(NodeCode.CONF_REWRITTEN, OURS), set()),
    "cache-emptied": (coded(NodeCode.CACHE_EMPTIED, f"/var/lib/cni/flannel/{'d' * 64}"), set()),
}


def names(case: Case) -> set[str]:
    return {found.symptom for found in find_symptoms(case)}


def test_every_symptom_of_the_table_is_tried() -> None:
    names = {symptom.name for symptom in SYMPTOMS}
    assert set(BROKEN) == names
    every = (*BEFORE_AN_INSTALL, *ON_NODES, *IN_CLUSTER, *OF_THICK, *WITH_DHCP, *WITH_WHEREABOUTS)
    untried = {symptom.name for symptom in SYMPTOMS if symptom.untried}
    broken = {name for breakage in every for name in breakage.shows}
    assert broken | untried == names, "the lab breaks clusters in these ways"
    assert not broken & untried


# Whose commands change nothing but objects that a snapshot has.
MENDED_IN_THE_MODEL = {
    "annotation-not-read",
    "cilium-exclusive",
    "crd-goes-with-a-release",
    "default-network-not-ready",
    "default-route-ignored",
    "incompatible-versions",
    "link-not-found",
    "may-too-much",
    "mesh-takes-the-first-file",
    "network-in-another-namespace",
    "network-mode",
    "network-takes-routes",
    "network-without-version",
    "pods-without-networks",
    "sandbox-name-reserved",
}


def test_every_fix_that_can_be_tried_on_a_model_is() -> None:
    modelled = {
        name for name, (case, _) in BROKEN.items() if all(is_modelled(each.fix) for each in find_symptoms(case))
    }
    assert modelled == MENDED_IN_THE_MODEL


@pytest.mark.parametrize("name", sorted(MENDED_IN_THE_MODEL))
def test_what_was_printed_mends_what_was_found(name: str) -> None:
    """With the same events as before: a fix that leaves the finding where it was would be no fix."""
    case, _ = BROKEN[name]
    for found in find_symptoms(case):
        case = typed(case, found.fix)
    assert not names(case)


@pytest.mark.parametrize("plan", [THIN, THICK], ids=["thin", "thick"])
def test_a_healthy_cluster_has_none(plan: Any) -> None:
    case = healthy(plan)
    assert list(find_symptoms(case)) == []
    assert list(run_checks(case)) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_cluster_has_the_one_that_it_was_broken_by(name: str) -> None:
    case, others = BROKEN[name]
    found = names(case)
    assert name in found
    assert found <= {name, *others}


@pytest.mark.parametrize("name", BROKEN)
def test_a_fix_is_made_of_whole_commands(name: str) -> None:
    case, _ = BROKEN[name]
    for found in find_symptoms(case):
        assert found.fix
        assert found.why.endswith(".")
        for command in found.fix.splitlines():
            assert command.split()[0] in ("kubectl", "multus-ops", "pulumi", "ssh")
            assert not re.search(r"\{(?!\")[a-z_]+\}", command), command


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (
            f"{GETTING}failed to get context for the kubeconfig {KUBECONFIG}: stat x: no such file or directory",
            "kubeconfig-not-found",
        ),
        (
            f"{GETTING}failed to get context for the kubeconfig {KUBECONFIG}: error loading config file: yaml: x",
            "client-failed",
        ),
        ("failed to get k8s client: dial tcp 10.43.0.1:443", "client-failed"),
        ("Multus: [default/web/u]: error getting pod: Unauthorized", "token-refused"),
        (f'{GETTING}host must be a URL or a host:port pair: "https://[10.43.0.1]:443"', "server-is-no-url"),
        ('failed to find plugin "multus" in path [/opt/cni/bin]', "program-gone"),
        ("fork/exec /opt/cni/bin/multus: exec format error", "wrong-machine"),
        ("failed to get clusterNetwork/defaultNetworks: cannot find network: flannel", "default-network-not-found"),
        ("dial unix /run/multus/multus.sock: connect: connection refused", "daemon-silent"),
        ("x509: certificate signed by unknown authority", "authority-changed"),
        (
            "stat /host/etc/cni/net.d/multus.d/multus.kubeconfig: kubeconfig /host/etc/x: no such file or directory",
            "kubeconfig-path-of-the-pod",
        ),
    ],
)
def test_what_other_pods_say_is_enough_without_ssh(message: str, name: str) -> None:
    assert name in names(healthy(reports={}, **failing(message)))


def test_a_pod_that_has_its_network_is_none_of_those_that_failed_before() -> None:
    failed = failing('failed to find plugin "multus"')
    [sick] = failed["pods"]
    well = {
        **sick,
        "status": {"phase": "Running", "conditions": [{"type": "PodReadyToStartContainers", "status": "True"}]},
    }
    assert not names(healthy(pods=(well,), events=failed["events"]))


def test_a_recognised_trouble_hides_the_plain_finding_about_the_same_place() -> None:
    case = healthy(facts=kubeconfig(proof="401"))
    plain = list(run_checks(case))
    assert [found.check for found in plain] == [Check.KUBECONFIG]
    both = without_echoes(iter([*find_symptoms(case), *plain]))
    assert [found.symptom for found in both] == ["token-refused"]


def test_thicks_standby_is_no_second_configuration() -> None:
    shim, flannel_conf = facts_of(THICK).confs
    standby = conf(THICK, "00-multus.conflist", json.loads(ours()[0].content))
    assert not names(healthy(THICK, facts={"confs": (shim, standby, flannel_conf)}))
    assert names(healthy(THIN, facts={"confs": (shim, standby, flannel_conf)})) == {"two-confs"}


@pytest.mark.parametrize(
    ("distro", "command", "root"),
    [
        ("k3s", "ssh root@one rm -f", ""),
        ("talos", "kubectl -n kube-system debug node/one --image=busybox:1.36 --profile=sysadmin -- rm -f", "/host"),
    ],
)
@pytest.mark.parametrize(
    "message",
    ['failed to find plugin "multus" in path [/opt/cni/bin]', 'plugin type="multus" failed (add): x: Unauthorized'],
)
def test_a_multus_that_is_gone_is_known_by_what_pods_say(distro: str, command: str, root: str, message: str) -> None:
    """A new start of its pod would be no fix: there is none."""
    plan = resolve({"distro": distro})
    case = healthy(plan, daemon_sets=(), crd=None, reports={}, **failing(message))
    [found] = find_symptoms(case)
    assert found.symptom == "conf-left-behind"
    words = shlex.split(found.fix)
    assert " ".join(words[:-2]) == command
    assert words[-2:] == [f"{root}{plan.cni_conf_dir}/00-multus.{kind}" for kind in ("conf", "conflist")]
    assert names(without_stack(case)) == {"conf-left-behind"}
    assert not names(without_stack(case, unseen=frozenset({Kind.DAEMON_SETS}))) & {"conf-left-behind"}


@pytest.mark.parametrize(
    "message",
    [
        TIMED_OUT,
        f"{NOT_THERE}/run/x. pollimmediate error",
        "Multus: [default/web/u]: error dialing DHCP daemon: dial unix /run/cni/dhcp.sock: no such file",
        f"Multus: [default/web/u]: {ISOLATED.replace('TARGET', 'blue')}",
        "Multus: cannot find a network-attachment-definition (second) in namespace (apps)",
        'Multus: failed to find plugin "ipvlan" in path [/opt/cni/bin]',
    ],
)
def test_whatever_a_multus_says_that_is_gone_has_one_cause(message: str) -> None:
    elsewhere = (network("second", "other"),)
    case = healthy(
        daemon_sets=(), crd=None, reports={}, networks=elsewhere, **asking("apps/second,blue/private", message)
    )
    assert [found.symptom for found in find_symptoms(case)] == ["conf-left-behind"]
    there = replace(case, snapshot=replace(case.snapshot, daemon_sets=daemon_sets(THIN), crd={"metadata": {}}))
    assert len(names(there) - {"conf-left-behind"}) == 1, "with Multus it is named"


@pytest.mark.parametrize(("serving", "stale"), [("conf", "conflist"), ("conflist", "conf")])
def test_of_two_files_of_thin_the_running_pods_stays(serving: str, stale: str) -> None:
    """After the default network's cniVersion has crossed 1.0.0: the older one's name may sort first."""
    [listed, flannel_conf] = ours()
    single = conf(THIN, "00-multus.conf", {"name": "cbr0", "cniVersion": "0.3.1", "type": "multus"})
    known = {"confs": (single, listed, flannel_conf), "planned_conf": f"{THIN.cni_conf_dir}/00-multus.{serving}"}
    [found] = find_symptoms(healthy(facts=known))
    assert (found.symptom, found.fix.split()[-1]) == ("two-confs", f"{THIN.cni_conf_dir}/00-multus.{stale}")


@pytest.mark.parametrize("version", [None, "", "0.1.0", "0.2.0"])
def test_a_pod_is_not_broken_over_a_network_that_no_status_names(version: str | None) -> None:
    """Multus v4.3.0 gives the interface and writes no entry; a missing one of another network still counts."""
    config = {} if version is None else {"cniVersion": version}
    old = {**unversioned(**config), "metadata": {"name": "old", "namespace": "kube-public"}}
    status = '[{"name":"cbr0","default":true},{"name":"default/second","interface":"net2"}]'
    for asked in ("kube-public/old@net1,second", '[{"name":"old","namespace":"kube-public"},{"name":"second"}]'):
        seen = healthy(networks=(old, network()), pods=(started(asked, status),))
        assert names(seen) == {"network-without-version"}
        unseen = healthy(networks=(old, network()), pods=(started(asked),))
        assert names(unseen) == {"network-without-version", "pods-without-networks"}


def test_the_fix_of_a_missing_version_repeats_no_finding() -> None:
    """The running pod keeps its interface and gets no entry later: only its successor has to have one."""
    web = started("second", creationTimestamp="2026-01-01T00:00:00Z")
    [found] = find_symptoms(healthy(networks=(unversioned(type="macvlan"),), pods=(web,)))
    patch = json.loads(shlex.split(found.fix)[-1])
    assert json.loads(patch["spec"]["config"])["cniVersion"] == "1.0.0"
    patched = {**network(), **patch}
    written = {"fieldsV1": {"f:spec": {}}, "time": "2026-01-02T00:00:00Z"}
    patched["metadata"] = {**network()["metadata"], "managedFields": [written]}
    assert not names(healthy(networks=(patched,), pods=(web,)))
    later = started("second", creationTimestamp="2026-01-03T00:00:00Z")
    assert names(healthy(networks=(patched,), pods=(later,))) == {"pods-without-networks"}


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ('[{"name": "second"}]', "(second) in namespace (apps)"),
        (
            '[{"name": "second", "namespace": "apps", "interface": "db0"}, {"name": "third"}]',
            "(second) in namespace (apps)",
        ),
        ('[{"name": "infra/second"}]', "(infra/second) in namespace (apps): invalid resource name"),
        ("second@db0", "(second) in namespace (apps)"),
        ("apps/second,infra/second", "(second) in namespace (apps)"),
    ],
)
def test_a_network_elsewhere_is_asked_for_there_in_every_form(annotation: str, message: str) -> None:
    broken = failing(f"cannot find a network-attachment-definition {message}", namespace="apps")
    broken["pods"][0]["metadata"]["annotations"] = {NETWORKS: annotation}
    case = healthy(networks=(network("second", "infra"), network("third", "apps")), **broken)
    [found] = [each for each in find_symptoms(case) if each.symptom == "network-in-another-namespace"]
    mended = typed(case, found.fix)
    assert "network-in-another-namespace" not in names(mended)
    [web] = [each for each in mended.snapshot.pods if each["metadata"]["name"] == "web"]
    asked = [asked_for(each, "apps") for each in networks_of(web)]
    assert NetworkName("infra", "second") in asked
    assert len(asked) == len(entries_of(annotation))


def test_a_default_network_elsewhere_leaves_the_other_networks_alone() -> None:
    """Multus looks in kube-system for what names no namespace."""
    broken = failing("cannot find a network-attachment-definition (second) in namespace (kube-system)")
    broken["pods"][0]["metadata"]["annotations"] = {NETWORKS: "second", DEFAULT_NETWORK: "second"}
    case = healthy(networks=(network("second"),), **broken)
    [found] = [each for each in find_symptoms(case) if each.symptom == "network-in-another-namespace"]
    [web] = [each for each in typed(case, found.fix).snapshot.pods if each["metadata"]["name"] == "web"]
    assert web["metadata"]["annotations"] == {NETWORKS: "second", DEFAULT_NETWORK: "default/second"}


@pytest.mark.parametrize(
    "definition",
    [
        bare("mesh"),
        network("mesh", plugins=[{"type": "linkerd-cni"}], type=None),
        *(network("mesh", type=plugin) for plugin in MESHES),
    ],
    ids=["file", "list", *MESHES],
)
def test_a_network_that_makes_no_interface_is_missed_by_nobody(definition: dict[str, Any]) -> None:
    status = '[{"name": "cbr0", "interface": "eth0", "default": true}]'
    plugins = {"plugins": (*MESHES, "macvlan", "host-local")}
    mesh = healthy(networks=(definition, network()), pods=(started("mesh", status),), facts=plugins)
    assert not names(mesh)
    both = healthy(networks=(definition, network()), pods=(started("mesh,second", status),), facts=plugins)
    assert names(both) == {"pods-without-networks"}
    [found] = find_symptoms(both)
    assert found.what == "runs with 0 of the 1 networks that it asks for: default/second"


def test_a_link_that_no_node_has_is_found_before_a_pod_meets_it() -> None:
    on_link = network(master="eth7")
    assert not names(healthy(networks=(on_link,)))
    assert not names(healthy(networks=(on_link,), facts={"links": ("lo", "eth7")}))
    long = "enx0123456789abcdef"
    assert not names(healthy(networks=(network(master=long),), facts={"links": ("lo", "eth0", long)}))
    assert names(healthy(networks=(network(master=long),), facts={"links": ("lo", "eth0")})) == {"link-not-found"}
    case = healthy(networks=(on_link,), facts={"links": ("lo", "eth0")})
    [found] = find_symptoms(case)
    assert (found.symptom, found.what) == ("link-not-found", "stands on the link eth7, which no node has")
    assert not names(typed(case, found.fix))


def test_a_link_that_no_node_has_is_found_by_the_api_alone_where_nmstate_tells() -> None:
    links = [{"name": "eth0", "alt-names": [{"name": "enp1s0"}]}, {"name": "bond0"}]
    state = {"metadata": {"name": NODE}, "status": {"currentState": {"interfaces": links}}}

    def seen(master: str, **changes: Any) -> Case:
        return healthy(**{"networks": (network(master=master),), "reports": {}, "node_networks": (state,), **changes})

    assert names(seen("eth7")) == {"link-not-found"}
    assert not names(seen("eth7", node_networks=()))
    assert not names(seen("bond0"))
    assert not names(seen("enp1s0"))
    other = {"metadata": {"name": "two"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    assert "link-not-found" not in names(seen("eth7", nodes=(*healthy().snapshot.nodes, other))), "nobody knows of two"


@pytest.mark.parametrize(("kind", "key"), [("host-device", "device"), ("vlan", "master")])
def test_a_link_that_a_plugin_cannot_do_without_is_for_people(kind: str, key: str) -> None:
    facts = {"links": ("lo",), "plugins": (kind, "host-local")}
    made = network(type=kind, **{key: "eth7"})
    [found] = find_symptoms(healthy(networks=(made,), facts=facts))
    assert found.fix == "kubectl -n default edit network-attachment-definition second"
    in_a_pod = started("second", '[{"interface": "net1", "name": "default/second"}]')
    assert not names(healthy(networks=(made,), facts=facts, pods=(in_a_pod,)))


def test_the_nodes_that_have_the_link_are_said() -> None:
    message = 'error adding container to network "second": failed to lookup master "eth9": Link not found'
    reports = {"two": NodeReport(facts=facts_of(THIN, links=("eth9",)))}
    case = healthy(networks=(network(master="eth9"),), reports=reports, **asking("second", message))
    [found] = find_symptoms(case)
    assert found.what.endswith("the link eth9, which this node does not have; two has it")


def test_a_definition_without_configuration_is_held_against_the_nodes_files() -> None:
    assert not names(healthy(networks=(bare(),)))
    assert not names(healthy(networks=(bare(),), facts={"network_files": ("second",)}))
    third = {"network_files": ("third",)}
    assert names(healthy(networks=(bare(),), facts=third)) == {"network-without-config"}
    elsewhere = with_confs(own=ours(confDir="/srv/networks"))
    assert not names(healthy(networks=(bare(),), facts={**third, **elsewhere})), "nobody has looked there"


def test_what_a_plugin_speaks_is_what_the_network_asks_for_afterwards() -> None:
    message = 'incompatible CNI versions; config is "1.0.0", plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0"]'
    case = healthy(**asking("second", f"error adding container to network second: {message}"))
    [found] = find_symptoms(case)
    assert "speaks 0.4.0 at most" in found.what
    mended = typed(case, found.fix)
    assert not names(mended)
    assert conf_of(mended.snapshot.networks[0])["cniVersion"] == "0.4.0"


def test_a_namespace_is_opened_besides_those_that_are_open() -> None:
    conf = {"namespace_isolation": True, "global_namespaces": ["default", "shared"]}
    [found] = find_symptoms(healthy(plan_of(conf=conf), **asking("blue/x", ISOLATED.replace("TARGET", "blue"))))
    opened = [line.split()[-1] for line in found.fix.splitlines() if "globalNamespaces" in line]
    assert opened == ["default", "shared", "blue"]


def test_where_nobody_can_log_in_no_command_does() -> None:
    talos = resolve({"distro": "talos"})
    [found] = find_symptoms(
        healthy(talos, reports={}, **asking("second", "dial unix /run/cni/dhcp.sock: no such file"))
    )
    assert found.symptom == "no-dhcp-daemon"
    assert "ssh" not in found.fix


def test_where_a_node_has_no_sshd_no_command_logs_in_to_it() -> None:
    """Bottlerocket, on a distribution whose other nodes have one."""
    eks = resolve({"distro": "eks", "api_server": "https://10.0.0.1"})
    node = {"metadata": {"name": NODE}, "status": {"nodeInfo": {"osImage": "Bottlerocket OS 1.40.0"}}}
    failed = failing('failed to find plugin "multus" in path [/opt/cni/bin]')
    gone = healthy(eks, daemon_sets=(), crd=None, reports={}, **failed)
    [found] = find_symptoms(gone)
    assert found.fix.startswith("ssh ")
    [found] = find_symptoms(replace(gone, snapshot=replace(gone.snapshot, nodes=(node,))))
    assert found.fix.startswith("kubectl -n kube-system debug node/one ")
    answered = {NODE: NodeReport(facts=facts_of(THIN))}
    [found, *_] = find_symptoms(replace(gone, snapshot=replace(gone.snapshot, nodes=(node,), reports=answered)))
    assert found.fix.startswith("ssh "), "it has answered over SSH"


def test_a_multus_that_is_gone_is_told_once_a_node() -> None:
    made = [failing('failed to find plugin "multus" in path [/opt/cni/bin]', name) for name in ("a", "b", "c")]
    pods = [pod for each in made for pod in each["pods"]]
    pods[2]["spec"]["nodeName"] = "two"
    events = tuple(event for each in made for event in each["events"])
    case = healthy(daemon_sets=(), crd=None, reports={}, pods=pods, events=events)
    found = without_echoes(iter([*find_symptoms(case), *run_checks(case)]))
    of_pods = [each for each in found if "pod" in each.where]
    assert [each.where for each in of_pods] == ["node one: pod default/a and 1 more", "node two: pod default/c"]
    assert {each.symptom for each in of_pods} == {"conf-left-behind"}


@pytest.mark.parametrize("installed", [True, False])
def test_ciliums_exclusiveness_needs_the_api_alone(installed: bool) -> None:
    more: dict[str, Any] = {} if installed else {"daemon_sets": (), "crd": None}
    for value, exclusive in (("true", True), ("false", False), (None, False)):
        config = cilium() if value is None else cilium(**{"cni-exclusive": value})
        case = healthy(reports={}, config_maps=(*healthy().snapshot.config_maps, config), **more)
        found = [each for each in find_symptoms(case) if each.symptom == "cilium-exclusive"]
        assert bool(found) is exclusive
        for each in found:
            assert each.severity is Severity.ERROR
            assert "cilium-exclusive" not in names(typed(case, each.fix))


def test_a_program_that_cannot_be_started_is_a_crash_loop_in_the_words_of_the_runtime() -> None:
    """Kubernetes 1.37 says RunContainerError in all but a second of the back-off, and the container has no log."""
    reason = 'unable to start container process: exec: "/entrypoint": stat /entrypoint: no such file or directory'
    waiting = {"waiting": {"reason": "RunContainerError", "message": f"failed to create containerd task: {reason}"}}
    [found] = find_symptoms(healthy(multus=sick_multus(waiting), logs={"kube-multus-ds-x": ""}))
    assert found.symptom == "crash-loop"
    assert found.what.startswith("container kube-multus is in RunContainerError: ")
    assert reason in found.what


def test_cilium_chains_itself_to_multus_by_its_name_alone() -> None:
    def seen(target: str, plan: Any = THIN, **changes: Any) -> Case:
        return healthy(plan, config_maps=(cilium(**{"cni-chaining-target": target}),), **changes)

    assert "cilium-chains-multus" not in names(seen("aws-cni"))
    assert "cilium-chains-multus" in names(seen("aws-cni", reports={})), "it has the default network's name"
    own_name = plan_of(conf={"override_network_name": False})
    assert "cilium-chains-multus" not in names(seen("aws-cni", own_name, reports={}))
    [found] = [each for each in find_symptoms(seen("cbr0")) if each.symptom == "cilium-chains-multus"]
    assert "conf.overrideNetworkName false" in found.fix
    [found] = [each for each in find_symptoms(seen("*", own_name)) if each.symptom == "cilium-chains-multus"]
    assert "overrideNetworkName" not in found.fix


@pytest.mark.parametrize("plugin", ["thin", "thick"])
def test_without_a_stack_cilium_is_held_against_what_the_install_says(plugin: str) -> None:
    for overrides in (True, False):
        plan = plan_of(plugin=plugin, conf={"override_network_name": overrides})
        own = objects.own_conf_map(plan)
        for target in ("aws-cni", "*"):
            chains = cilium(**{"cni-chaining-target": target})
            case = without_stack(healthy(plan, reports={}), config_maps=(chains, *filter(None, [own])))
            assert ("cilium-chains-multus" in names(case)) is (overrides or target == "*")
            nothing = without_stack(case, daemon_sets=(), pods=(), config_maps=(chains,))
            assert "cilium-chains-multus" not in names(nothing), "nobody speaks of Multus"


def test_an_api_server_out_of_reach_is_asked_where_it_answers() -> None:
    def printed(message: str = TIMED_OUT, case: Case | None = None, **changes: Any) -> str:
        [found] = find_symptoms(case or healthy(reports={}, **failing(message), **changes))
        assert found.symptom == "api-out-of-reach"
        return found.fix

    asked = printed(endpoints=("10.0.0.5:6443",))
    assert "multus:apiServer https://10.0.0.5:6443" in asked
    # What a kubeconfig says that is not the plan's is written anew.
    assert printed(TIMED_OUT.replace("127.0.0.1:6444", "[10.43.0.1]:443")).startswith(
        "kubectl -n kube-system delete pod"
    )
    there = without_stack(healthy(reports={}, **failing(TIMED_OUT)), endpoints=("127.0.0.1:6444",))
    assert printed(case=there).startswith("# let one reach https://127.0.0.1:6444")
    waiting = TIMED_OUT.replace("getting pod", "waiting for pod").replace("dial tcp 127.0.0.1:6444: i/o timeout", "EOF")
    assert not names(healthy(reports={}, **failing(waiting)))
    waiting = waiting.replace("EOF", "context deadline exceeded")
    assert names(healthy(reports={}, **failing(waiting))) == {"api-out-of-reach"}


def test_a_default_network_that_is_not_ready_is_waited_for_while_it_is_not() -> None:
    """Once it is on the pod's node, waiting for it is no fix: it writes another file."""
    failed = failing(f"{NOT_THERE}/run/x. pollimmediate error: timed out waiting for the condition")

    def printed(**changes: Any) -> str:
        [found] = find_symptoms(healthy(**changes))
        assert found.symptom == "default-network-not-ready"
        return found.fix

    waited = "kubectl -n calico rollout status daemonset calico-node"
    assert printed(**with_calico(failed, ready=False)) == waited
    assert printed(**with_calico(failed, ready=True, on="two")) == waited, "there is none on this node"
    named = "# the default network does not write /run/x "
    assert printed(**failed).startswith(named)
    assert printed(**with_calico(failed, ready=True)).startswith(named)


def test_a_mesh_that_names_its_file_or_stands_alone_is_left_alone() -> None:
    for data in ({"CNI_CONF_NAME": "10-flannel.conflist"}, {"CHAINED_CNI_PLUGIN": "false"}):
        assert not names(healthy(**istio(**data)))
    elsewhere = {"name": "CNI_CONF_NAME", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}
    unknown = istio()
    unknown["daemon_sets"][-1]["spec"]["template"]["spec"]["containers"][0]["env"].append(elsewhere)
    assert not names(healthy(**unknown)), "what it says stands elsewhere"
    alone = istio()
    mesh = alone["daemon_sets"][-1:]
    assert names(healthy(daemon_sets=mesh, config_maps=alone["config_maps"], reports={}, crd=None)) == {
        "mesh-takes-the-first-file"
    }
    case = without_stack(healthy(reports={}, networks=()), daemon_sets=mesh, config_maps=alone["config_maps"], crd=None)
    assert not names(case), "nobody speaks of Multus"
    unread = {**istio(), "config_maps": (objects.marker(THIN, "o"),)}
    assert not names(healthy(**unread)), "nobody can say"


def test_a_meshs_installer_is_told_of_the_default_networks_file() -> None:
    case = chained("istio-cni ", **istio())
    [found] = [each for each in find_symptoms(case) if each.symptom == "conf-chained"]
    told, waited, restarted = found.fix.splitlines()
    assert told == "kubectl -n istio-system set env daemonset istio-cni-node CNI_CONF_NAME=10-flannel.conflist"
    assert waited == "kubectl -n istio-system rollout status daemonset istio-cni-node"
    assert restarted.startswith("kubectl -n kube-system delete pod -l ")
    elsewhere = resolve({"distro": "vanilla", "api_server": "https://10.0.0.1:6443"})
    [found] = find_symptoms(healthy(elsewhere, reports={}, **istio()))
    assert found.fix.startswith("# name the default network's file")


@pytest.mark.parametrize(
    ("plugins", "advice"),
    [
        ("consul-cni ", "# set connectInject.cni.multus to true in Consul's Helm values"),
        ("linkerd-cni ", "# wait until it has added itself to the default network's file too"),
        ("made-up ", "# have that program add it to /10-flannel.conflist"),
        ("istio-cni ", "# have the installer of istio-cni take the default network's file"),
    ],
)
def test_where_no_command_tells_an_installer_its_user_does(plugins: str, advice: str) -> None:
    [found] = find_symptoms(chained(plugins))
    first, restarted = found.fix.splitlines()
    assert first.startswith(advice)
    assert restarted.startswith("kubectl -n kube-system delete pod -l ")


@pytest.mark.parametrize(
    ("container", "exit_code", "restarts", "is_one"),
    [
        ("kube-multus", 1, 3, True),
        ("kube-multus", 0, 3, True),
        ("kube-multus", 1, 0, False),
        ("install-multus", 0, 1, False),
        ("install-multus", 1, 1, True),
    ],
)
def test_between_two_tries_a_crash_loop_is_told_by_how_the_last_one_ended(
    container: str, exit_code: int, restarts: int, is_one: bool
) -> None:
    """Kubernetes 1.37 says CrashLoopBackOff only shortly before the next try."""
    state = {"terminated": {"reason": "Error", "exitCode": exit_code, "message": "no more"}}
    status = {"name": container, "state": state, "restartCount": restarts}
    pod = multus_pod(THIN, ready=False, status={"containerStatuses": [status]})
    pod["spec"]["containers"] = [{"name": "kube-multus"}]
    found = [each for each in find_symptoms(healthy(multus=pod)) if each.symptom == "crash-loop"]
    assert bool(found) is is_one
    assert all(each.what == f"container {container} is in Error: no more" for each in found)


def test_a_default_network_that_is_late_is_waited_for() -> None:
    sets = (*daemon_sets(THIN), CALICO)
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    case = healthy(daemon_sets=sets, multus=sick_multus(waiting), logs={"kube-multus-ds-x": f"start\n{NO_MASTER}\nend"})
    [found] = find_symptoms(case)
    assert (found.symptom, found.what) == ("default-network-late", f"{NO_MASTER} end")
    assert found.fix.splitlines()[0] == "kubectl -n calico rollout status daemonset calico-node"
    assert found.fix.splitlines()[1].startswith("kubectl -n kube-system delete pod -l ")


def test_what_looks_where_no_default_network_is_waits_for_none() -> None:
    """Upstream's manifest on k3s, from the API alone: a new start would say the same again."""
    annotations = {"flannel.alpha.coreos.com/backend-type": "vxlan"}
    node = {"metadata": {"name": NODE, "annotations": annotations}, "spec": {}}
    node["status"] = {"nodeInfo": {"kubeletVersion": "v1.34.1+k3s1"}}
    case = healthy(
        daemon_sets=changed_sets(THIN, mounting("/etc/cni/net.d"))[:1],
        reports={},
        nodes=(node,),
        multus=said(NO_MASTER),
    )
    [found] = find_symptoms(without_stack(case, config_maps=()))
    assert (found.symptom, NO_MASTER in found.what) == ("wrong-directories", True)
    assert "/etc/cni/net.d" not in found.fix
    assert names(without_stack(case, daemon_sets=daemon_sets(THIN))) == {"default-network-late"}
    node["metadata"] = {"name": NODE}
    assert names(without_stack(case)) == {"default-network-late"}, "its own flannel is off"


def test_a_pod_that_was_refused_once_and_is_there_now_is_no_finding() -> None:
    refused = refusing('violates PodSecurity "baseline:latest"')
    del refused["multus"]
    assert not names(healthy(**refused))
    # On another node it is missing, and its last refusal is older than the pod that is there.
    refused["daemon_sets"][0]["status"] = {"desiredNumberScheduled": 2}
    assert names(healthy(**refused)) == {"refused-by-pod-security"}
    since = multus_pod(THIN, metadata={"creationTimestamp": "2026-01-01T00:00:01Z"})
    assert not names(healthy(**refused, multus=since))


def test_a_pod_has_one_default_network() -> None:
    about = {"annotations": {DEFAULT_NETWORK: "one,two"}}
    [found] = find_symptoms(healthy(pods=(pod("web", ready=False, metadata=about),)))
    assert (found.symptom, found.fix) == ("annotation-not-read", "kubectl -n default edit pod web")


def test_where_networks_may_not_be_read_no_pod_is_called_broken() -> None:
    assert not names(healthy(networks=(), pods=(wanting(),), unseen=frozenset({Kind.NETWORKS})))
    assert names(healthy(networks=(), pods=(wanting(),))) == {"pods-without-networks"}


def test_a_default_route_is_asked_for_no_longer() -> None:
    asked = [{"name": "second", "interface": "db0", "default-route": ["10.9.0.1"]}, {"name": "third"}]
    [found] = find_symptoms(healthy(pods=(started(json.dumps(asked), '[{"interface":"db0"},{"interface":"x"}]'),)))
    [_, annotation] = shlex.split(found.fix)[-2:]
    assert json.loads(annotation.partition("=")[2]) == [{"name": "second", "interface": "db0"}, {"name": "third"}]
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize("chained", [False, True])
def test_a_network_loses_the_link_that_is_not_there(chained: bool) -> None:
    plugin = {"type": "macvlan", "master": "eth9", "mode": "bridge"}
    conf = {"name": "c1b", **({"plugins": [plugin, {"type": "tuning"}]} if chained else plugin)}
    on_link = {**network(), "spec": {"config": json.dumps(conf)}}
    other = network("third", master="eth8")
    events = failing(NO_LINK.replace("NAME", "c1b"))["events"]
    case = healthy(networks=(on_link, other), pods=(started("third,second", ready=False),), events=events)
    [found] = [each for each in find_symptoms(case) if each.symptom == "link-not-found"]
    assert "network default/second stands on the link eth9, " in found.what
    words = shlex.split(found.fix)
    assert words[:5] == ["kubectl", "-n", "default", "patch", "network-attachment-definition"]
    assert "master" not in words[-1]
    assert ("tuning" in words[-1]) is chained


WAITS = f'{NOT_READY}Network plugin returns error: failed to find plugin "multus" in path [/opt/cni/bin]'


def test_a_node_that_waits_for_a_multus_that_nobody_installed() -> None:
    case = without_stack(healthy(daemon_sets=(), crd=None, reports={}, nodes=(not_ready(WAITS),)))
    [found] = find_symptoms(case)
    assert (found.symptom, found.where) == ("conf-left-behind", f"node {NODE}")
    assert "rm -f" in found.fix
    # Elsewhere it is the default network that is missing, or Multus' pod that has not come yet.
    assert not names(replace(case, snapshot=replace(case.snapshot, nodes=(not_ready(NOT_INITIALIZED),))))
    assert names(healthy(nodes=(not_ready(WAITS),))) == {"node-not-ready"}


@pytest.mark.parametrize("message", [STATUS_FAILED, NOT_INITIALIZED])
def test_a_node_that_is_not_ready_over_its_network_says_why_once(message: str) -> None:
    case = healthy(nodes=(not_ready(message),))
    [found] = without_echoes(iter([*find_symptoms(case), *run_checks(case)]))
    assert found.symptom == "node-not-ready"
    assert message.partition("message:")[2][:150] in found.what
    assert found.fix.startswith("kubectl -n kube-system delete pod -l ")


def test_a_node_that_is_not_ready_for_another_reason_is_none_of_multus() -> None:
    assert not names(healthy(nodes=(not_ready("Kubelet stopped posting node status."),)))


def test_errors_come_before_warnings() -> None:
    case = healthy(facts={"stale_files": ("/x.new",), **kubeconfig(proof="401")})
    found = without_echoes(find_symptoms(case))
    assert [each.severity for each in found] == [Severity.ERROR, Severity.WARNING]


@pytest.mark.parametrize(("limit", "larger"), [("50Mi", "128Mi"), ("128Mi", "256Mi"), ("1Gi", "2048Mi")])
def test_a_limit_is_raised_to_the_default_or_doubled(limit: str, larger: str) -> None:
    container = {"name": "kube-multus", "resources": {"limits": {"memory": limit}}}
    killed = sick_multus(
        {"running": {}}, last={"terminated": {"reason": "OOMKilled"}}, spec={"containers": [container]}
    )
    [found] = find_symptoms(healthy(multus=killed))
    assert found.fix.splitlines()[0].endswith(f" --path multus:resources.limits.memory {larger}")


def test_a_secret_whose_token_is_refused_is_told() -> None:
    token = Token("multus-token-1", json_claims(), accepted=False)
    assert names(healthy(tokens=(token,))) == {"token-secret-gone"}


@pytest.mark.parametrize(
    ("runtime", "mended"),
    [
        ("containerd://1.7.23-k3s1", "1.7.31"),
        ("containerd://1.7.31", ""),
        ("containerd://1.7.22", ""),
        ("containerd://2.2.1", "2.2.2"),
        ("containerd://2.4.0", ""),
        ("cri-o://1.36.3", ""),
        ("", ""),
    ],
)
def test_leaked_addresses_name_a_runtime_that_leaves_them(runtime: str, mended: str) -> None:
    node = {**healthy().snapshot.nodes[0]}
    node["status"] = {**node["status"], "nodeInfo": {"containerRuntimeVersion": runtime}}
    [found] = find_symptoms(healthy(nodes=(node,), facts={"leaked": ("/var/lib/cni/networks/second/10.98.0.2 x",)}))
    assert (f"which {mended} does" in found.what) is bool(mended)


def test_nodes_of_another_login_get_their_commands() -> None:
    plan = plan_of()
    node = plan.nodes[0].model_copy(update={"user": "admin", "sudo": True, "port": 2222})
    case = healthy(plan.model_copy(update={"nodes": (node,)}), facts={"stale_files": ("/x.new",)})
    [found] = find_symptoms(case)
    assert found.fix == "ssh -p 2222 admin@192.0.2.1 sudo rm -f /x.new"


def test_commands_for_one_address_behind_two_jump_hosts_take_neither_host_for_the_other() -> None:
    plan = plan_of()
    jumps = [
        ProxyPlan(host=host, port=2200, user="jump", private_key="", host_key="") for host in ("jump", "2001:db8::9")
    ]
    nodes = tuple(
        plan.nodes[0].model_copy(update={"name": name, "proxy": jump}) for name, jump in zip("ab", jumps, strict=True)
    )
    case = healthy(plan.model_copy(update={"nodes": nodes}))
    assert case.on("a") == "ssh -o HostKeyAlias=a -J jump@jump:2200 root@192.0.2.1"
    assert case.on("b") == "ssh -o HostKeyAlias=b -J jump@[2001:db8::9]:2200 root@192.0.2.1"


def test_before_an_install_nothing_of_it_is_missed() -> None:
    empty = Facts(confs=(conf(THIN, "10-flannel.conflist", flannel()),), default_network="cbr0")
    case = healthy(
        daemon_sets=(),
        crd=None,
        account=None,
        tokens=(),
        access=(),
        config_maps=(),
        networks=(),
        reports={NODE: NodeReport(facts=empty)},
    )
    assert without_echoes(iter([*find_symptoms(case), *run_checks(case)])) == []


RELEASE = {"meta.helm.sh/release-name": "net", "meta.helm.sh/release-namespace": "kube-system"}


def annotated(sets: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    return tuple({**each, "metadata": {**each["metadata"], "annotations": RELEASE}} for each in sets)


# How the same cluster looks where no stack of this project made it: what changes, and what commands may begin with.
ORIGINS: dict[str, tuple[Callable[[Case], dict[str, Any]], set[str]]] = {
    "our-chart": (
        lambda case: {"config_maps": (), "daemon_sets": annotated(case.snapshot.daemon_sets)},
        {"helm"},
    ),
    "another-chart": (
        lambda case: {"config_maps": (), "daemon_sets": annotated(case.snapshot.daemon_sets[:1])},
        {"helm"},
    ),
    "rendered": (lambda _: {"config_maps": ()}, {"multus-ops"}),
    "upstream": (lambda case: {"config_maps": (), "daemon_sets": case.snapshot.daemon_sets[:1]}, {"multus-ops"}),
    "a-program": (lambda _: {"config_maps": (objects.marker(THIN, "platform/prod/cni"),)}, {"pulumi"}),
}


def without_placeholders(fix: str, programs: set[str]) -> list[str]:
    """A fix's commands, once each of them can be typed by somebody who has no stack of this project."""
    commands = [line for line in fix.splitlines() if not line.startswith("#")]
    assert commands or fix.startswith("# "), fix
    for command in commands:
        assert command.split()[0] in {"kubectl", "ssh", "multus-ops", *programs}, command
        assert not re.search(r"\bSTACK\b|\bFILE\b|--stack (?!prod\b)", fix), fix
        # Nobody but the reader knows an image that holds the plugin, or a shell.
        if command.startswith("multus-ops render") and "IMAGE_WITH_" not in command:
            words = shlex.split(command.partition("|")[0])[2:]
            assert render.plan_of(words[1::2], None)
    return commands


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("name", BROKEN)
def test_without_a_stack_no_fix_names_one(name: str, origin: str) -> None:
    change, programs = ORIGINS[origin]
    case = without_stack(BROKEN[name][0], **change(BROKEN[name][0]))
    for found in (*find_symptoms(case), *run_checks(case)):
        without_placeholders(found.fix, programs)


def anything(symptom: Symptom, lines: tuple[str, ...]) -> dict[str, str]:
    """What an occurrence of a symptom might say, by the names that these lines leave open."""
    texts = (*lines, *symptom.changes, *symptom.changes.values())
    known = {
        "image": "r.example/plugins:1",
        "index": "0",
        "memory": "256Mi",
        "key": "cniConfDir",
        "value": "/etc/cni/net.d",
        "server": "https://10.0.0.5:6443",
    }
    open_names = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
    return {name: known.get(name, "some") for name in open_names - NAMES_OF_DOCTOR}


NAMES_OF_DOCTOR = {"namespace", "repair", "renew", "change", "options", "on", "restart"}


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_symptom_has_a_fix_that_needs_a_stack(origin: str) -> None:
    change, programs = ORIGINS[origin]
    case = without_stack(healthy(), **change(healthy()))
    for symptom in SYMPTOMS:
        for lines in filter(None, (symptom.fix, symptom.otherwise)):
            occurrence = Occurrence("somewhere", "something", NODE, anything(symptom, lines))
            found = symptom.finding(case, occurrence)
            assert len(found.fix.splitlines()) >= len(set(lines))
            without_placeholders(found.fix, programs)


def fix_of(name: str, origin: str) -> list[str]:
    change, programs = ORIGINS[origin]
    case = without_stack(BROKEN[name][0], **change(BROKEN[name][0]))
    [found] = [each for each in find_symptoms(case) if each.symptom == name]
    return without_placeholders(found.fix, programs)


def test_what_came_by_helm_is_mended_by_helm() -> None:
    upgrade = "helm upgrade net charts/multus --namespace kube-system --reuse-values"
    assert fix_of("crash-loop", "our-chart") == [upgrade]
    assert fix_of("oom-killed", "our-chart") == [f"{upgrade} --set resources.limits.memory=128Mi"]
    assert fix_of("crash-loop", "another-chart") == [
        "helm get manifest net --namespace kube-system"
        " | kubectl apply --server-side --force-conflicts --field-manager=helm -f -"
    ]


@pytest.mark.parametrize(
    ("operation", "more"), [("Update", ""), ("Apply", " --force-conflicts")], ids=["begun-by-helm-3", "begun-by-helm-4"]
)
def test_a_release_that_helm_applies_is_upgraded_over_what_was_edited(operation: str, more: str) -> None:
    """Helm 4 fails after any `kubectl edit`, also with the same values; Helm 3 does not know the flag."""
    by_hand = {"manager": "kubectl-edit", "operation": "Update"}
    sets = annotated(daemon_sets(THIN))
    sets[0]["metadata"]["managedFields"] = [by_hand, {"manager": "helm", "operation": operation}]
    case = without_stack(BROKEN["crash-loop"][0], config_maps=(), daemon_sets=sets)
    [found] = [each for each in find_symptoms(case) if each.symptom == "crash-loop"]
    upgrade = "helm upgrade net charts/multus --namespace kube-system --reuse-values"
    assert found.fix.splitlines()[-1] == f"{upgrade}{more}"


def test_what_was_rendered_is_rendered_again_with_what_the_cluster_shows() -> None:
    [command] = fix_of("oom-killed", "rendered")
    assert command.startswith("multus-ops render --set distro=vanilla ")
    assert f"--set cniConfDir={THIN.cni_conf_dir}" in command
    assert command.endswith(" --set resources.limits.memory=128Mi | kubectl apply -f -")


def test_directories_that_nobody_reads_are_not_rendered_again() -> None:
    [command] = fix_of("wrong-directories", "rendered")
    assert "/etc/cni/net.d" not in command


def test_upstreams_directories_and_image_are_replaced() -> None:
    [command] = fix_of("moving-image", "upstream")
    assert (
        command == "multus-ops render --set distro=vanilla --set apiServer=https://127.0.0.1:6444 | kubectl apply -f -"
    )


def test_another_programs_stack_is_named_by_its_marker() -> None:
    assert fix_of("crash-loop", "a-program") == ["pulumi up --refresh --stack prod"]


def test_the_command_that_enables_names_the_cluster_as_it_was_named() -> None:
    assert fix_of("disabled", "rendered") == ["multus-ops enable --kubeconfig admin.conf"]


def test_what_may_not_be_read_is_not_said_to_be_gone() -> None:
    assert not names(healthy(crd=None, unseen=frozenset({Kind.CRD})))
    assert not names(healthy(tokens=(), unseen=frozenset({Kind.SECRETS})))
    hidden = frozenset({Kind.ACCOUNT, Kind.CONFIG_MAPS})
    assert list(run_checks(healthy(account=None, config_maps=(), unseen=hidden))) == []
