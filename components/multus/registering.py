"""Objects become typed resources here. What they say stands in objects.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from .metadata import Object

_TYPES: dict[str, Any] = {
    "ServiceAccount": k8s.core.v1.ServiceAccount,
    "ResourceQuota": k8s.core.v1.ResourceQuota,
    "Secret": k8s.core.v1.Secret,
    "ConfigMap": k8s.core.v1.ConfigMap,
    "ClusterRole": k8s.rbac.v1.ClusterRole,
    "ClusterRoleBinding": k8s.rbac.v1.ClusterRoleBinding,
    "Role": k8s.rbac.v1.Role,
    "RoleBinding": k8s.rbac.v1.RoleBinding,
    "DaemonSet": k8s.apps.v1.DaemonSet,
    "Deployment": k8s.apps.v1.Deployment,
    "FlowSchema": k8s.flowcontrol.v1.FlowSchema,
}

_PATCH_TYPES: dict[str, Any] = {
    "CustomResourceDefinition": k8s.apiextensions.v1.CustomResourceDefinitionPatch,
    "Namespace": k8s.core.v1.NamespacePatch,
    "Node": k8s.core.v1.NodePatch,
    "DaemonSet": k8s.apps.v1.DaemonSetPatch,
}

FORCE = "pulumi.com/patchForce"
MANAGED_BY = "app.kubernetes.io/managed-by"
# Not `pulumi`: the provider keeps that value for ever, whatever a later program says.
_MANAGER = "multus-install"

# Snake-case names of the SDK for the few top-level keys that differ.
_KEYWORDS = {
    "apiVersion": "api_version",
    "roleRef": "role_ref",
    "automountServiceAccountToken": "automount_service_account_token",
}


@dataclass(frozen=True)
class Installed:
    """The two DaemonSets of an install as registered resources, or the gates that wait for those of a release.

    Attributes:
        main: of the nodes that are provisioned over SSH.
        fallback: of all other nodes.
    """

    main: Any
    fallback: Any

    @property
    def ready(self) -> list[pulumi.Resource]:
        """What to depend on for running pods."""
        return [self.main, self.fallback]


def register(name: str, manifest: Object, opts: pulumi.ResourceOptions) -> Any:
    """Register an object that this component owns. Names are fixed, so a replacement deletes first by default.

    Helm takes over nothing that says of itself that another tool manages it.
    """
    opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(delete_before_replace=True), opts)
    about = manifest["metadata"]
    labelled = {**manifest, "metadata": {**about, "labels": {MANAGED_BY: _MANAGER, **about["labels"]}}}
    return _TYPES[manifest["kind"]](name, opts=opts, **_arguments(_forced(labelled)))


def register_network(name: str, manifest: Object, opts: pulumi.ResourceOptions) -> Any:
    """Register the definition of a network. Its name is fixed too, so a replacement deletes first.

    Where somebody else has one of that name that says otherwise, registering it fails.
    """
    opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(delete_before_replace=True), opts)
    return k8s.apiextensions.CustomResource(name, opts=opts, **_arguments(manifest))


def register_patch(name: str, manifest: Object, opts: pulumi.ResourceOptions) -> Any:
    """Register fields of an object that others own too. Destroying it gives up the fields, never the object."""
    return _PATCH_TYPES[manifest["kind"]](name, opts=opts, **_arguments(_forced(manifest)))


def register_claim(name: str, manifest: Object, opts: pulumi.ResourceOptions) -> Any:
    """Register fields that nobody else may own: where somebody says otherwise of one of them, registering it fails."""
    return _PATCH_TYPES[manifest["kind"]](name, opts=opts, **_arguments(manifest))


def _forced(manifest: Object) -> Object:
    """Without force a field that somebody has changed by hand stays theirs, and every later `up` fails over it."""
    about = manifest["metadata"]
    return {**manifest, "metadata": {**about, "annotations": {**about.get("annotations", {}), FORCE: "true"}}}


def _arguments(manifest: Object) -> dict[str, Any]:
    return {_KEYWORDS.get(key, key): value for key, value in manifest.items()}
