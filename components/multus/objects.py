"""The Kubernetes objects of an install as plain dicts: the one description of what is installed.

Names and labels are upstream's, since a CNI is a singleton and people look for them.
"""

from __future__ import annotations

from typing import Any

from .conf import POD_BIN_DIR, POD_CONF_DIR, entrypoint_flags
from .plan import InstallPlan

Object = dict[str, Any]

ACCOUNT = "multus"
DAEMON_SET = "kube-multus-ds"
FALLBACK_DAEMON_SET = "kube-multus-ds-fallback"
MARKER = "multus-install"
NODE_LABEL = "multus-install/provisioned"
CRD = "network-attachment-definitions.k8s.cni.cncf.io"

_FORCE = "pulumi.com/patchForce"
_TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 # a directory that client libraries fix


def custom_resource_definition() -> Object:
    """The NetworkAttachmentDefinition CRD of the Network Plumbing Working Group, for a forced patch."""
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
        "metadata": {"name": CRD, "annotations": {_FORCE: "true"}},
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


def service_account(plan: InstallPlan) -> Object:
    """The account that Multus asks the API as."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(plan, ACCOUNT, namespaced=True),
        "automountServiceAccountToken": False,
    }


def cluster_role(plan: InstallPlan) -> Object:
    """What thin Multus calls, and no more."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": _metadata(plan, ACCOUNT),
        "rules": [
            {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["network-attachment-definitions"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["update"]},
            {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
        ],
    }


def cluster_role_binding(plan: InstallPlan) -> Object:
    """Gives the account its ClusterRole."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(plan, ACCOUNT),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ACCOUNT},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": plan.namespace}],
    }


def marker_role(plan: InstallPlan) -> Object:
    """Lets a node's clean-up see whether the stack is being removed."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": _metadata(plan, MARKER, namespaced=True),
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [MARKER], "verbs": ["get"]}],
    }


def marker_role_binding(plan: InstallPlan) -> Object:
    """Gives the account the marker's Role."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": _metadata(plan, MARKER, namespaced=True),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": MARKER},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": plan.namespace}],
    }


def token_secret(plan: InstallPlan) -> Object:
    """The durable token: the control plane fills it in, and it does not expire under a running node."""
    metadata = _metadata(plan, plan.token_secret, namespaced=True)
    metadata.setdefault("annotations", {})["kubernetes.io/service-account.name"] = ACCOUNT
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"}


def daemon_set(plan: InstallPlan, server_host: Any, server_port: Any) -> Object:
    """The DaemonSet of the nodes that SSH steps provision and clean. Host and port may be Outputs, the port as text."""
    return _daemon_set(plan, DAEMON_SET, "multus", "In", server_host, server_port)


def fallback_daemon_set(plan: InstallPlan, server_host: Any, server_port: Any) -> Object:
    """The DaemonSet of all other nodes: its pods provision, and take the configuration away when they stop."""
    return _daemon_set(plan, FALLBACK_DAEMON_SET, "multus-fallback", "NotIn", server_host, server_port)


def node_label(name: str) -> Object:
    """Marks a node as provisioned over SSH, which moves it from the fallback DaemonSet to the main one."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {NODE_LABEL: "true"}, "annotations": {_FORCE: "true"}},
    }


def marker(plan: InstallPlan, owner: str) -> Object:
    """Says that this install is whole. It goes first: a node's clean-up can tell a removal from a shorter list."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(plan, MARKER, namespaced=True),
        "data": {"owner": owner},
    }


def _metadata(plan: InstallPlan, name: str, *, namespaced: bool = False) -> Object:
    metadata: Object = {"name": name, "labels": {"app": "multus"}}
    if namespaced:
        metadata["namespace"] = plan.namespace
    if plan.adopt:
        metadata["annotations"] = {_FORCE: "true"}
    return metadata


def _daemon_set(plan: InstallPlan, name: str, label: str, operator: str, server_host: Any, server_port: Any) -> Object:
    labels = {"tier": "node", "app": "multus", "name": label}
    metadata = _metadata(plan, name, namespaced=True)
    metadata["labels"] = labels
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": {"name": label}},
            # The entrypoint's errors exit with 0: a pod has to stay up for a while before it counts.
            "minReadySeconds": 5,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}},
            "template": {
                "metadata": {"labels": labels},
                "spec": _pod_spec(plan, operator, server_host, server_port),
            },
        },
    }


def _pod_spec(plan: InstallPlan, operator: str, server_host: Any, server_port: Any) -> Object:
    expressions = [
        {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
        {"key": NODE_LABEL, "operator": operator, "values": ["true"]},
    ]
    node_affinity = {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": expressions}]}
    }
    spec: Object = {
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "serviceAccountName": ACCOUNT,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 10,
        "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}, {"operator": "Exists", "effect": "NoExecute"}],
        "affinity": {"nodeAffinity": node_affinity},
        "containers": [_container(plan, operator, server_host, server_port)],
        "volumes": [
            {"name": "cni", "hostPath": {"path": plan.cni_conf_dir, "type": "Directory"}},
            {"name": "cnibin", "hostPath": {"path": plan.cni_bin_dir, "type": "Directory"}},
            {"name": "multus-cni", "emptyDir": {}},
            {"name": "token", "secret": {"secretName": plan.token_secret, "defaultMode": 0o400}},
        ],
    }
    if plan.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in plan.pull_secrets]
    return spec


def _container(plan: InstallPlan, operator: str, server_host: Any, server_port: Any) -> Object:
    return {
        "name": "kube-multus",
        "image": plan.image,
        "imagePullPolicy": plan.pull_policy,
        "command": ["/thin_entrypoint"],
        "args": entrypoint_flags(plan, removes_on_exit=operator == "NotIn"),
        "env": [
            {"name": "KUBERNETES_SERVICE_HOST", "value": server_host},
            {"name": "KUBERNETES_SERVICE_PORT", "value": server_port},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "cni", "mountPath": POD_CONF_DIR},
            {"name": "cnibin", "mountPath": POD_BIN_DIR},
            # The entrypoint makes a directory here that nothing reads; the root file system is read-only.
            {"name": "multus-cni", "mountPath": "/host/etc/cni/multus"},
            {"name": "token", "mountPath": _TOKEN_MOUNT, "readOnly": True},
        ],
    }
