"""The Kubernetes types that this project registers."""

from __future__ import annotations

from dataclasses import dataclass

from lab.standins.errors import NotCoveredError


@dataclass(frozen=True)
class Kind:
    """One Kubernetes kind, and which of its fields cannot change on a living object."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    immutable: tuple[tuple[str, ...], ...] = ()
    built_in: bool = True

    @property
    def group(self) -> str:
        """The API group; empty for core."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The API version without its group."""
        return self.api_version.rpartition("/")[2]


_RBAC = "rbac.authorization.k8s.io/v1"
_CRD = "apiextensions.k8s.io/v1"
_FLOW = "flowcontrol.apiserver.k8s.io/v1"
_NETWORKS = "k8s.cni.cncf.io/v1"
_ROLE_REF = (("roleRef",),)
_NODE = Kind("v1", "Node", "nodes", namespaced=False)
_NAMESPACE = Kind("v1", "Namespace", "namespaces", namespaced=False)
_DAEMON_SET = Kind("apps/v1", "DaemonSet", "daemonsets", namespaced=True, immutable=(("spec", "selector"),))
_CRD_KIND = Kind(_CRD, "CustomResourceDefinition", "customresourcedefinitions", namespaced=False)

KINDS = {
    "kubernetes:core/v1:Namespace": _NAMESPACE,
    "kubernetes:core/v1:NamespacePatch": _NAMESPACE,
    "kubernetes:core/v1:ServiceAccount": Kind("v1", "ServiceAccount", "serviceaccounts", namespaced=True),
    "kubernetes:core/v1:ResourceQuota": Kind("v1", "ResourceQuota", "resourcequotas", namespaced=True),
    "kubernetes:core/v1:Secret": Kind("v1", "Secret", "secrets", namespaced=True, immutable=(("type",),)),
    "kubernetes:core/v1:ConfigMap": Kind("v1", "ConfigMap", "configmaps", namespaced=True),
    "kubernetes:core/v1:NodePatch": _NODE,
    f"kubernetes:{_RBAC}:ClusterRole": Kind(_RBAC, "ClusterRole", "clusterroles", namespaced=False),
    f"kubernetes:{_RBAC}:ClusterRoleBinding": Kind(
        _RBAC, "ClusterRoleBinding", "clusterrolebindings", namespaced=False, immutable=_ROLE_REF
    ),
    f"kubernetes:{_RBAC}:Role": Kind(_RBAC, "Role", "roles", namespaced=True),
    f"kubernetes:{_RBAC}:RoleBinding": Kind(_RBAC, "RoleBinding", "rolebindings", namespaced=True, immutable=_ROLE_REF),
    f"kubernetes:{_FLOW}:FlowSchema": Kind(_FLOW, "FlowSchema", "flowschemas", namespaced=False),
    "kubernetes:apps/v1:DaemonSet": _DAEMON_SET,
    "kubernetes:apps/v1:Deployment": Kind(
        "apps/v1", "Deployment", "deployments", namespaced=True, immutable=(("spec", "selector"),)
    ),
    "kubernetes:apps/v1:DaemonSetPatch": _DAEMON_SET,
    f"kubernetes:{_CRD}:CustomResourceDefinitionPatch": _CRD_KIND,
    f"kubernetes:{_NETWORKS}:NetworkAttachmentDefinition": Kind(
        _NETWORKS, "NetworkAttachmentDefinition", "network-attachment-definitions", namespaced=True, built_in=False
    ),
}


def kind_of(token: str) -> Kind:
    """The kind behind a type token; a type that is not ours is refused by name."""
    if token not in KINDS:
        raise NotCoveredError(token, "pulumi-resource-kubernetes", list(KINDS))
    return KINDS[token]


def is_patch(token: str) -> bool:
    """Whether the type changes fields of an object that someone else owns."""
    return token.endswith("Patch")
