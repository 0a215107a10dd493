"""Field managers: who owns which field of an object, in the names that Pulumi gives itself."""

from __future__ import annotations

import secrets
from typing import Any

from lab.standins.kubernetes.cluster import ApiError, Cluster, Object
from lab.standins.kubernetes.kinds import Kind
from lab.standins.kubernetes.objects import annotation

CREATOR = "pulumi-kubernetes"
"""Who creates; the first update hands the fields over to the object's own manager."""

_PREDECESSORS = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (CREATOR, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)


_CONFLICT_HELP = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/"
    "#handle-field-conflicts-on-existing-resources"
)


def name_for(body: Object, stored: str | None) -> str:
    """The object's own manager: as annotated, as before, or a new random one."""
    return annotation(body, "patchFieldManager") or stored or f"pulumi-kubernetes-{secrets.token_hex(4)}"


def made_by_creator(live: Object) -> bool:
    """Whether the fields still belong to whoever created the object."""
    return any(
        entry["operation"] == "Update" and entry["manager"] == CREATOR
        for entry in live["metadata"].get("managedFields") or []
    )


def take_over_from_creator(cluster: Cluster, kind: Kind, live: Object, manager: str) -> None:
    """Give the fields that we, or kubectl, set before to the object's own manager, so that it may drop them."""
    metadata = live["metadata"]
    entries: list[Object] = metadata.get("managedFields") or []
    taken = [entry for entry in entries if _is_predecessor(entry)]
    if not taken:
        return
    own = [entry for entry in entries if entry["manager"] == manager and entry["operation"] == "Apply"]
    kept = [entry for entry in entries if entry not in taken and entry not in own]
    fields: Object = {}
    for entry in (*own, *taken):
        fields = _union(fields, entry["fieldsV1"])
    merged = {**taken[0], "manager": manager, "operation": "Apply", "fieldsV1": fields}
    operations = [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, merged]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
    ]
    cluster.patch(kind, metadata.get("namespace"), metadata["name"], operations)


def _is_predecessor(entry: Object) -> bool:
    return not entry.get("subresource") and any(
        entry["manager"].startswith(name) and entry["operation"] == operation for name, operation in _PREDECESSORS
    )


def _union(one: Any, other: Any) -> Any:
    return {key: _union(one.get(key, {}), other.get(key, {})) for key in one.keys() | other.keys()}


def relinquish(cluster: Cluster, kind: Kind, live: Object, manager: str) -> None:
    """Let go of every field the manager owns."""
    metadata = {key: value for key, value in live["metadata"].items() if key in ("name", "namespace")}
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
    cluster.apply(kind, body, manager, force=False, dry_run=False)


def explain(error: ApiError, manager: str) -> str:
    """The API server's sentence; a conflict says whose it is."""
    if error.status != 409 or error.already_exists:
        return str(error)
    return (
        f"server-side apply field conflict detected, see {_CONFLICT_HELP} for troubleshooting help\n"
        f'The resource managed by field manager "{manager}" had an apply conflict: {error}'
    )
