"""The Kubernetes objects of an install as plain dicts: the one description of what is installed.

Names and labels are upstream's, since a CNI is a singleton and people look for them.
"""

from __future__ import annotations

from typing import Any

from .defaults import DEFAULT_NAMESPACE
from .metadata import NODE_LABEL, Object, metadata
from .multus_conf import own_conf, own_conf_name
from .plan import InstallPlan
from .pods import ACCOUNT, KEEPER, pod_spec

DAEMON_SET = "kube-multus-ds"
FALLBACK_DAEMON_SET = "kube-multus-ds-fallback"
KEEPER_ACCESS = f"multus-{KEEPER}"
MARKER = "multus-install"
CRD = "network-attachment-definitions.k8s.cni.cncf.io"

CERTIFICATES_BINDING = "multus-certificates"
_CERTIFICATES_GROUP = "system:multus"


def custom_resource_definition() -> Object:
    """The NetworkAttachmentDefinition CRD of the Network Plumbing Working Group."""
    text = {"type": "string"}
    schema = {
        "type": "object",
        "description": "How pods are attached to one or more networks, see the multi-network specification.",
        "properties": {
            "apiVersion": text,
            "kind": text,
            "metadata": {"type": "object"},
            "spec": {
                "type": "object",
                "properties": {"config": {"type": "string", "description": "A CNI configuration in JSON."}},
            },
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD},
        "spec": {
            "group": "k8s.cni.cncf.io",
            "scope": "Namespaced",
            "names": {
                "plural": "network-attachment-definitions",
                "singular": "network-attachment-definition",
                "kind": "NetworkAttachmentDefinition",
                "listKind": "NetworkAttachmentDefinitionList",
                "shortNames": ["nad", "net-attach-def"],
            },
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def namespace(plan: InstallPlan) -> Object:
    """The namespace, for a patch: it is made where it is not there, and nothing else of it is touched.

    The label lets Pod Security admit the pods, which use the host's network and directories: Talos and RKE2's CIS
    profile enforce less everywhere but in kube-system.
    """
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": plan.namespace, "labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
    }


def priority_quota(plan: InstallPlan) -> Object | None:
    """Lets pods of a critical class into a namespace that we make, where the distribution asks for that.

    GKE admits them to kube-system alone unless a quota of the namespace speaks of the class; this one sets no limit.
    """
    if not (plan.create_namespace and plan.needs_quota):
        return None
    of_class = {"scopeName": "PriorityClass", "operator": "In", "values": [plan.scheduling.priority_class]}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": metadata(plan, ACCOUNT, namespaced=True),
        "spec": {"hard": {"pods": "1G"}, "scopeSelector": {"matchExpressions": [of_class]}},
    }


def service_account(plan: InstallPlan) -> Object:
    """The account that Multus asks the API as."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(plan, ACCOUNT, namespaced=True),
        "automountServiceAccountToken": False,
    }


def cluster_role(plan: InstallPlan) -> Object:
    """What Multus calls, and no more: thick's daemon keeps the pods and networks in mind that thin asks for."""
    read = ["get", "list", "watch"] if plan.is_thick else ["get"]
    rules = [
        {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["network-attachment-definitions"], "verbs": read},
        {"apiGroups": [""], "resources": ["pods"], "verbs": read},
        {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["update"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    ]
    if plan.reads_claims:
        claims = ["resourceclaims", "resourceslices"]
        rules.append({"apiGroups": ["resource.k8s.io"], "resources": claims, "verbs": ["get", "list"]})
    if plan.daemon.per_node_certificates:
        requests = ["certificatesigningrequests"]
        rules.append(
            {"apiGroups": ["certificates.k8s.io"], "resources": requests, "verbs": ["create", "get", "list", "watch"]}
        )
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": metadata(plan, ACCOUNT),
        "rules": rules,
    }


def cluster_role_binding(plan: InstallPlan) -> Object:
    """Gives the account its ClusterRole."""
    account = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": plan.namespace}
    return _cluster_role_binding(plan, ACCOUNT, account)


def certificates_binding(plan: InstallPlan) -> Object | None:
    """Gives the daemons the ClusterRole, where each one has a certificate of its own.

    A binding by itself: what leaves a plan goes last, when no daemon comes with its certificate any more.
    """
    if plan.daemon.per_node_certificates is None:
        return None
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": _CERTIFICATES_GROUP}
    return _cluster_role_binding(plan, CERTIFICATES_BINDING, group)


def _cluster_role_binding(plan: InstallPlan, name: str, subject: Object, role: str = ACCOUNT) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata(plan, name),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }


def flow_schema(plan: InstallPlan) -> Object | None:
    """The account's priority at the API server, which every account of kube-system has by itself.

    Thin Multus waits 2 x 250 ms for the API; in the priority level that all other accounts share, a busy API server
    can take longer. None where the API server is too old for this version of it.
    """
    if plan.namespace == DEFAULT_NAMESPACE or not plan.serves_flow_control:
        return None
    account = {"name": ACCOUNT, "namespace": plan.namespace}
    subjects: list[Object] = [{"kind": "ServiceAccount", "serviceAccount": account}]
    if plan.daemon.per_node_certificates:
        subjects.append({"kind": "Group", "group": {"name": _CERTIFICATES_GROUP}})
    every = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": metadata(plan, ACCOUNT),
        "spec": {
            "priorityLevelConfiguration": {"name": "workload-high"},
            "matchingPrecedence": 900,
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [{"subjects": subjects, "resourceRules": [every]}],
        },
    }


def keeper_access(plan: InstallPlan) -> dict[str, Object]:
    """Lets a keeper see whether a pod comes back to its node, by what each object is; nothing without a keeper."""
    if plan.keeper is None:
        return {}
    group = "rbac.authorization.k8s.io"
    rules = [
        {"apiGroups": ["apps"], "resources": ["daemonsets"], "resourceNames": [FALLBACK_DAEMON_SET], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [plan.namespace], "verbs": ["get"]},
    ]
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": plan.namespace}
    return {
        "role": {
            "apiVersion": f"{group}/v1",
            "kind": "Role",
            "metadata": metadata(plan, KEEPER_ACCESS, namespaced=True),
            "rules": rules,
        },
        "role-binding": _role_binding(plan, KEEPER_ACCESS),
        "cluster-role": {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRole",
            "metadata": metadata(plan, KEEPER_ACCESS),
            "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}],
        },
        "cluster-role-binding": _cluster_role_binding(plan, KEEPER_ACCESS, subject, KEEPER_ACCESS),
    }


def marker_role(plan: InstallPlan) -> Object:
    """Lets a node's clean-up see whether the stack is being removed."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": metadata(plan, MARKER, namespaced=True),
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [MARKER], "verbs": ["get"]}],
    }


def marker_role_binding(plan: InstallPlan) -> Object:
    """Gives the account the marker's Role."""
    return _role_binding(plan, MARKER)


def _role_binding(plan: InstallPlan, role: str) -> Object:
    """Gives the account a Role, under the Role's name."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata(plan, role, namespaced=True),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": plan.namespace}],
    }


def token_secret(plan: InstallPlan) -> Object:
    """The durable token: the control plane fills it in, and it does not expire under a running node."""
    return token_of(ACCOUNT, metadata(plan, plan.token_secret, namespaced=True))


def token_of(account: str, about: Object) -> Object:
    """The Secret that the control plane fills with an account's token.

    Args:
        account: the account's name.
        about: the Secret's metadata.
    """
    annotations = {"kubernetes.io/service-account.name": account}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**about, "annotations": annotations},
        "type": "kubernetes.io/service-account-token",
    }


def own_conf_map(plan: InstallPlan) -> Object | None:
    """The configuration that the pods read, where they do not write it by themselves."""
    file = own_conf(plan)
    if file is None:
        return None
    about = metadata(plan, own_conf_name(plan), namespaced=True)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": dict([file])}


def daemon_set(plan: InstallPlan, server_host: Any, server_port: Any) -> Object:
    """The DaemonSet of the nodes that SSH steps provision and clean.

    Args:
        plan: the install.
        server_host: the API server's host, a str or an Output[str]; an IPv6 address without brackets.
        server_port: its port as text, a str or an Output[str]: Kubernetes takes texts as environment variables.
    """
    return _of_multus(plan, DAEMON_SET, "multus", server_host, server_port, provisioned=True)


def fallback_daemon_set(plan: InstallPlan, server_host: Any, server_port: Any) -> Object:
    """The DaemonSet of all other nodes: its pods provision, and take the configuration away when they stop.

    With a keeper they do the latter only where no pod comes back. Thick's daemons always do. There are two DaemonSets
    all the same: a node then has one pod at every moment, also while the plugin is changed, and a pod that goes cannot
    remove what another one wrote.
    """
    return _of_multus(plan, FALLBACK_DAEMON_SET, "multus-fallback", server_host, server_port, provisioned=False)


def node_label(name: str) -> Object:
    """Marks a node as provisioned over SSH, which moves it from the fallback DaemonSet to the main one."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {NODE_LABEL: "true"}},
    }


def marker(plan: InstallPlan, owner: str) -> Object:
    """Says that this install is whole. It goes first: a node's clean-up can tell a removal from a shorter list."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(plan, MARKER, namespaced=True),
        "data": {"owner": owner},
    }


def per_node(plan: InstallPlan, name: str, spec: Object) -> Object:
    """A DaemonSet beside Multus' own, with labels by which neither selects the other's pods.

    Args:
        plan: the install.
        name: its name, and the value of the labels.
        spec: its pods'.
    """
    labels = {**plan.scheduling.labels, "app": name, "tier": "node", "name": name}
    return _daemon_set(plan, name, labels, spec)


def _of_multus(
    plan: InstallPlan, name: str, label: str, server_host: Any, server_port: Any, *, provisioned: bool
) -> Object:
    labels = {**metadata(plan, name)["labels"], "tier": "node", "name": label}
    spec = pod_spec(plan, server_host, server_port, provisioned=provisioned, daemon_set=name)
    return _daemon_set(plan, name, labels, spec)


def _daemon_set(plan: InstallPlan, name: str, labels: Object, spec: Object) -> Object:
    """One whose pods are those with its label `name`."""
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": plan.namespace, "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"name": labels["name"]}},
            # The entrypoint's errors exit with 0: a pod has to stay up for a while before it counts.
            "minReadySeconds": plan.scheduling.min_ready_seconds,
            # No maxSurge: of two pods on one node the one that goes removes the other's files.
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": _count(plan.scheduling.max_unavailable)},
            },
            "template": {
                "metadata": without_empty({"labels": labels, "annotations": plan.scheduling.annotations}),
                "spec": spec,
            },
        },
    }


def _count(amount: str) -> int | str:
    return int(amount) if amount.isdigit() else amount


def without_empty(keys: Object) -> Object:
    """The keys that say something: none, false, zero and everything empty is left out."""
    return {key: value for key, value in keys.items() if value}
