"""What an installation of the raw method consists of, by name and type."""

from __future__ import annotations

SHARED = {
    "m-crd": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinitionPatch",
    "m-method-manifest": "kubernetes:core/v1:NamespacePatch",
    "m-service-account": "kubernetes:core/v1:ServiceAccount",
    "m-cluster-role": "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
    "m-cluster-role-binding": "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    "m-marker-role": "kubernetes:rbac.authorization.k8s.io/v1:Role",
    "m-marker-role-binding": "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    "m-token": "kubernetes:core/v1:Secret",
    "m-daemonset": "kubernetes:apps/v1:DaemonSet",
    "m-daemonset-fallback": "kubernetes:apps/v1:DaemonSet",
    "m-marker": "kubernetes:core/v1:ConfigMap",
}


def of_node(name: str) -> dict[str, str]:
    return {
        f"m-program-{name}": "command:remote:CopyToRemote",
        f"m-preflight-{name}": "command:remote:Command",
        f"m-provision-{name}": "command:remote:Command",
        f"m-label-{name}": "kubernetes:core/v1:NodePatch",
        f"m-verify-{name}": "command:remote:Command",
    }
