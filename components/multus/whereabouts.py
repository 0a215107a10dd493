"""whereabouts as objects: its CRDs, its account with the rights that its code needs, and its two programs. Pure.

Source: whereabouts v0.9.4. Names are upstream's, since there can be one in a cluster and people look for them.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from .metadata import Object
from .multus_conf import POD_BIN_DIR, POD_CONF_DIR
from .objects import per_node, token_of
from .plan import InstallPlan, WhereaboutsPlan
from .pods import TOKEN_MOUNT, container, host_directory, placement, plugin_directory

NAME = "whereabouts"
RECONCILER = "whereabouts-reconciler"
GROUP = "whereabouts.cni.cncf.io"
_RBAC = "rbac.authorization.k8s.io"
_VERSION = "v1alpha1"
_TEXT = {"type": "string"}
_ALLOCATION = {
    "type": "object",
    "required": ["id", "podref"],
    "properties": {"id": _TEXT, "podref": _TEXT, "ifname": _TEXT},
}
# Where the reconciler looks for its schedule: cmd/reconciler/main.go.
_SCHEDULE_DIR, _SCHEDULE = "/cron-schedule", "config"
# The node of its own that dies is what it is needed for: it follows within a minute.
_LEAVES_DEAD_NODES: list[Object] = [
    {"operator": "Exists", "effect": "NoSchedule"},
    *(
        {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
        for key in ("not-ready", "unreachable")
    ),
]


def script() -> str:
    """What the pod of a node runs, as a shell text."""
    return resources.files(__package__).joinpath("whereabouts.sh").read_text(encoding="utf-8")


def custom_resource_definitions() -> dict[str, Object]:
    """The definitions of its books, by their plurals; node slices need a controller of their own, and are left out."""
    pool = {
        "type": "object",
        "required": ["allocations", "range"],
        "properties": {"range": _TEXT, "allocations": {"type": "object", "additionalProperties": _ALLOCATION}},
    }
    reservation = {
        "type": "object",
        "required": ["podref"],
        "properties": {"containerid": _TEXT, "podref": _TEXT, "ifname": _TEXT},
    }
    return {
        "ippools": _definition("IPPool", "ippools", pool),
        "overlappingrangeipreservations": _definition(
            "OverlappingRangeIPReservation", "overlappingrangeipreservations", reservation
        ),
    }


def _definition(kind: str, plural: str, spec: Object) -> Object:
    schema = {
        "type": "object",
        "properties": {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"}, "spec": spec},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [{"name": _VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def access(plan: InstallPlan) -> dict[str, Object]:
    """The account, its rights and its token, by what each is; what of it the token needs comes before that.

    Of every namespace it reads; it writes into its own alone, and events beside the pods that they are about.
    """
    account = [{"kind": "ServiceAccount", "name": NAME, "namespace": plan.namespace}]
    reads = ["get", "list", "watch"]
    everywhere = [
        _rule(GROUP, ["ippools"], reads),
        _rule(GROUP, ["overlappingrangeipreservations"], ["get", "list"]),
        _rule("", ["pods"], reads),
        _rule("", ["nodes"], ["get"]),
        _rule("k8s.cni.cncf.io", ["network-attachment-definitions"], ["list", "watch"]),
        _rule("", ["events"], ["create", "patch"]),
    ]
    here = [
        _rule(GROUP, ["ippools"], ["create", "patch"]),
        _rule(GROUP, ["overlappingrangeipreservations"], ["create", "delete"]),
        _rule("coordination.k8s.io", ["leases"], ["get", "create", "update"]),
    ]
    cluster = {key: value for key, value in _about(plan, NAME).items() if key != "namespace"}
    return {
        "account": {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": _about(plan, NAME),
            "automountServiceAccountToken": False,
        },
        "cluster-role": {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": cluster, "rules": everywhere},
        "cluster-role-binding": _binding("ClusterRole", cluster, account),
        "role": {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": _about(plan, NAME), "rules": here},
        "role-binding": _binding("Role", _about(plan, NAME), account),
        "token": token_of(NAME, _about(plan, plan.whereabouts_secret)),
    }


def _rule(group: str, kinds: list[str], verbs: list[str]) -> Object:
    return {"apiGroups": [group], "resources": kinds, "verbs": verbs}


def _binding(kind: str, about: Object, subjects: list[Object]) -> Object:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": about,
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": NAME},
        "subjects": subjects,
    }


def _about(plan: InstallPlan, name: str) -> Object:
    return {"name": name, "namespace": plan.namespace, "labels": {**plan.scheduling.labels, "app": NAME}}


def schedule(plan: InstallPlan, settings: WhereaboutsPlan) -> Object:
    """When addresses are given back that no pod has any more, as the reconciler reads it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _about(plan, RECONCILER),
        "data": {_SCHEDULE: settings.reconcile},
    }


def daemon_set(plan: InstallPlan, settings: WhereaboutsPlan, server_host: Any, server_port: Any) -> Object:
    """What brings the plugin, its configuration and its kubeconfig onto every node.

    Args:
        plan: the install.
        settings: what it says of whereabouts.
        server_host: the API server's host, a str or an Output[str].
        server_port: its port as text, a str or an Output[str].
    """
    command = ["sh", "-c", script(), NAME, POD_CONF_DIR, plan.cni_conf_dir, POD_BIN_DIR, plan.namespace]
    mounts = [{"name": "cni", "mountPath": POD_CONF_DIR}, {"name": "cnibin", "mountPath": POD_BIN_DIR}]
    made = _program(plan, settings, command, mounts, server_host, server_port)
    made["env"].append({"name": "NODENAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}})
    volumes = [host_directory("cni", plan.cni_conf_dir), plugin_directory(plan, "cnibin", plan.cni_bin_dir)]
    return per_node(plan, NAME, {**_pods(plan, made, volumes), **placement(plan)})


def reconciler(plan: InstallPlan, settings: WhereaboutsPlan, server_host: Any, server_port: Any) -> Object:
    """What gives addresses back whose pods no node has seen end. There may be one only, since it elects no leader."""
    command = ["/ip-reconciler", "-log-level", "verbose"]
    mounts = [{"name": "schedule", "mountPath": _SCHEDULE_DIR, "readOnly": True}]
    made = _program(plan, settings, command, mounts, server_host, server_port)
    volumes = [{"name": "schedule", "configMap": {"name": RECONCILER}}]
    about = _about(plan, RECONCILER)
    labels = {**about["labels"], "app": RECONCILER, "name": RECONCILER}
    about["labels"] = labels
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": about,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"name": RECONCILER}},
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {"labels": labels},
                "spec": {**_pods(plan, made, volumes), **placement(plan), "tolerations": _LEAVES_DEAD_NODES},
            },
        },
    }


def _pods(plan: InstallPlan, made: Object, volumes: list[Object]) -> Object:
    token = {"name": "token", "secret": {"secretName": plan.whereabouts_secret, "defaultMode": 0o400}}
    return {
        # It is there before any network is.
        "hostNetwork": True,
        "serviceAccountName": NAME,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 10,
        "containers": [made],
        "volumes": [*volumes, token],
    }


def _program(
    plan: InstallPlan, settings: WhereaboutsPlan, command: list[str], mounts: list[Object], host: Any, port: Any
) -> Object:
    return container(
        plan,
        NAME,
        command,
        [*mounts, {"name": "token", "mountPath": TOKEN_MOUNT, "readOnly": True}],
        image=settings.image,
        resources={"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        env=[
            {"name": "WHEREABOUTS_NAMESPACE", "value": plan.namespace},
            {"name": "KUBERNETES_SERVICE_HOST", "value": host},
            {"name": "KUBERNETES_SERVICE_PORT", "value": port},
        ],
    )
