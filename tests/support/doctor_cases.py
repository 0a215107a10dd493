"""Clusters made by hand, as doctor's pure functions see them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from multus import objects
from multus.plan import InstallPlan, resolve
from multus_ops.doctor.case import Case
from multus_ops.doctor.node_report import Conf, Facts, Kubeconfig, Marker, NamedPath, NodeReport, Program
from multus_ops.doctor.origin import PulumiInstall
from multus_ops.doctor.snapshot import Access, Snapshot, Token
from multus_ops.pulumi_cli import PulumiCli
from tests.support.arguments import UID, k3s, node

NODE = "one"
AUTHORITY = base64.b64encode(b"the cluster's authority").decode()


def plan_of(**arguments: Any) -> InstallPlan:
    """A plan for one node of k3s."""
    return resolve(k3s(node(NODE, 1), **arguments))


THIN, THICK = plan_of(), plan_of(plugin="thick")
OURS = f"{THIN.cni_conf_dir}/00-multus.conflist"
KUBECONFIG = THIN.kubeconfig_path


def claims(**changes: Any) -> str:
    """The middle part of a token of the account."""
    said = {
        "kubernetes.io/serviceaccount/secret.name": "multus-token-1",
        "kubernetes.io/serviceaccount/service-account.uid": UID,
        **changes,
    }
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def flannel(**changes: Any) -> dict[str, Any]:
    return {"name": "cbr0", "cniVersion": "1.0.0", "plugins": [{"type": "flannel"}], **changes}


def facts_of(plan: InstallPlan, **changes: Any) -> Facts:
    """A node on which everything is as the plan says."""
    directory = plan.cni_conf_dir
    kubeconfig = f"{directory}/multus.d/multus.kubeconfig"
    if plan.is_thick:
        ours: Any = {
            "type": "multus-shim",
            "clusterNetwork": f"{directory}/10-flannel.conflist",
            "daemonSocketDir": "/run/multus",
        }
    else:
        ours = {"name": "cbr0", "plugins": [{"type": "multus", "kubeconfig": kubeconfig, "delegates": [flannel()]}]}
    name = "00-multus.conf" if plan.is_thick else "00-multus.conflist"
    known: dict[str, Any] = {
        "confs": (conf(plan, name, ours), conf(plan, "10-flannel.conflist", flannel())),
        "named_kubeconfigs": () if plan.is_thick else (NamedPath(path=kubeconfig, there=True),),
        "kubeconfig": Kubeconfig(
            path=kubeconfig,
            rights="-rw------- 0 0",
            server="https://127.0.0.1:6444",
            authority=AUTHORITY,
            claims=claims(),
            proof="404",
        ),
        "program": Program(path=f"{plan.cni_bin_dir}/multus", rights="-rwxr-xr-x 0 0", runs=True),
        "plugins": ("bridge", "host-local", "loopback", "macvlan", "multus"),
        "marker": Marker(owner="multus/lab/multus", node=NODE, install=UID),
        "daemon_answers": True,
        "cni_conf_dir": directory,
        "cni_bin_dirs": plan.cni_bin_dir,
        "default_conf": f"{directory}/10-flannel.conflist",
        "default_network": "cbr0",
        **changes,
    }
    return Facts(**known)


def conf(plan: InstallPlan, name: str, content: Any) -> Conf:
    """A file of the configuration directory."""
    text = content if isinstance(content, str) else json.dumps(content)
    return Conf(path=f"{plan.cni_conf_dir}/{name}", content=text)


def pod(
    name: str, namespace: str = "default", *, owner: str = "", ready: bool = True, **changes: Any
) -> dict[str, Any]:
    """A pod on the node, running."""
    about: dict[str, Any] = {"name": name, "namespace": namespace, "uid": f"uid-of-{name}", "annotations": {}}
    if owner:
        about["ownerReferences"] = [{"uid": owner}]
    conditions = [{"type": "Ready", "status": str(ready)}, {"type": "PodReadyToStartContainers", "status": str(ready)}]
    status: dict[str, Any] = {"phase": "Running" if ready else "Pending", "conditions": conditions}
    made = {"metadata": about, "spec": {"nodeName": NODE, "containers": [{"name": "c"}]}, "status": status}
    for key, value in changes.items():
        made[key] = {**made[key], **value}
    return made


def failing(message: str, name: str = "web", namespace: str = "default") -> dict[str, Any]:
    """Parts of a snapshot with a pod whose sandbox cannot be made."""
    event = {
        "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
        "reason": "FailedCreatePodSandBox",
        "involvedObject": {"uid": f"uid-of-{name}"},
        "message": message,
    }
    return {"pods": (pod(name, namespace, ready=False),), "events": (event,)}


def network(name: str = "second", namespace: str = "default", **config: Any) -> dict[str, Any]:
    known = {
        "cniVersion": "1.0.0",
        "type": "macvlan",
        "ipam": {"type": "host-local", "subnet": "10.97.0.0/24"},
        **config,
    }
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"config": json.dumps(known)}}


def daemon_sets(plan: InstallPlan) -> tuple[dict[str, Any], ...]:
    made = [objects.daemon_set(plan, "127.0.0.1", "6444"), objects.fallback_daemon_set(plan, "127.0.0.1", "6444")]
    for each in made:
        each["metadata"]["uid"] = each["metadata"]["name"]
    return tuple(made)


def multus_pod(plan: InstallPlan, **changes: Any) -> dict[str, Any]:
    """The Multus pod of the node."""
    return pod("kube-multus-ds-x", plan.namespace, owner=objects.DAEMON_SET, **changes)


def healthy(plan: InstallPlan | None = None, *, facts: Mapping[str, Any] | None = None, **changes: Any) -> Case:
    """A cluster on which everything is as the plan says, but for the changes.

    `pods` come besides the Multus pod, which `multus` replaces.
    """
    plan = plan or plan_of()
    multus = changes.pop("multus", None) or multus_pod(plan)
    pods = (multus, *changes.pop("pods", ()))
    needed = {
        (rule["apiGroups"][0], rule["resources"][0]): rule["verbs"] for rule in objects.cluster_role(plan)["rules"]
    }
    config_maps = [objects.marker(plan, "multus/lab/multus"), objects.own_conf_map(plan)]
    known: dict[str, Any] = {
        "namespace": plan.namespace,
        "version": "v1.34.1",
        "nodes": ({"metadata": {"name": NODE}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}},),
        "daemon_sets": daemon_sets(plan),
        "crd": objects.custom_resource_definition(),
        "networks": (network(),),
        "config_maps": tuple(filter(None, config_maps)),
        "account": {"metadata": {"name": "multus", "namespace": plan.namespace, "uid": UID}},
        "access": tuple(
            Access(verb, group, resource, allowed=True, needed=True)
            for (group, resource), verbs in needed.items()
            for verb in verbs
        ),
        "tokens": (Token(plan.token_secret, json_claims(), accepted=True, authority=AUTHORITY),),
        "reports": {NODE: NodeReport(facts=facts_of(plan, **(facts or {})))},
    }
    stack = PulumiInstall(PulumiCli("lab"))
    return Case(replace(Snapshot(**known), pods=pods, **changes), plan, stack, plan.nodes, "--stack lab")


def without_stack(case: Case, **changes: Any) -> Case:
    """The same cluster for somebody who has named no stack, only a kubeconfig."""
    snapshot = replace(case.snapshot, **changes)
    return replace(case, snapshot=snapshot, plan=None, stack=None, options="--kubeconfig admin.conf")


def json_claims(**changes: Any) -> dict[str, Any]:
    text = claims(**changes)
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def kubeconfig(**changes: Any) -> Any:
    about = facts_of(THIN).kubeconfig
    assert about is not None
    return {"kubeconfig": about.model_copy(update=changes)}


def ours(**changes: Any) -> Any:
    """The files of a thin node, with changes to Multus' own configuration."""
    plugin = {"type": "multus", "kubeconfig": KUBECONFIG, "delegates": [flannel()], **changes}
    content = {"name": "cbr0", "plugins": [{key: value for key, value in plugin.items() if value is not None}]}
    return [conf(THIN, "00-multus.conflist", content), conf(THIN, "10-flannel.conflist", flannel())]


def with_confs(*more: Any, own: list[Any] | None = None) -> Any:
    return {"confs": tuple(sorted([*(own or ours()), *more], key=lambda each: each.path))}
