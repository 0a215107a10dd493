"""Kubernetes objects between a program's inputs, the live cluster and Pulumi's state."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from kubernetes.utils import parse_quantity

from lab.standins.kubernetes.cluster import Object
from lab.standins.properties import UNKNOWN, Properties, Secret, contains, reveal

_READ_ONLY = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_PRUNED_MAPS = ("annotations", "labels", "nodeSelector", "matchLabels", "data")
_INPUTS, _API_VERSION, _MANAGER = "__inputs", "__initialApiVersion", "__fieldManager"
_DASHED = {
    f"x_kubernetes_{name}": f"x-kubernetes-{name.replace('_', '-')}"
    for name in (
        "embedded_resource",
        "int_or_string",
        "list_map_keys",
        "list_type",
        "map_type",
        "preserve_unknown_fields",
        "validations",
    )
}
_UNDERSCORED = {dashed: underscored for underscored, dashed in _DASHED.items()}


def _rename(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _rename(item, names) for key, item in value.items()}
    return [_rename(item, names) for item in value] if isinstance(value, list) else value


def as_object(properties: Properties) -> Object:
    """The plain object that property values describe."""
    plain: Object = _rename(reveal(properties), _DASHED)
    return plain


def annotation(body: Object, name: str) -> str:
    """A `pulumi.com/` annotation's value, or nothing."""
    annotations = (body.get("metadata") or {}).get("annotations")
    value = annotations.get(f"pulumi.com/{name}") if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else ""


def object_id(body: Object) -> str:
    """Pulumi's id: the name, after the namespace where there is one."""
    metadata = body["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def normalize(body: Object) -> Object:
    """Inputs in the form in which the API server returns them, so that only real changes differ."""
    body = reveal(body)
    if not contains(body, type(UNKNOWN)):
        body = _drop_empty(body)
        if body.get("kind") == "Secret":
            _normalize_secret(body)
        if body.get("kind") == "CustomResourceDefinition":
            body.pop("status", None)
            if body.get("spec", {}).get("preserveUnknownFields") is False:
                del body["spec"]["preserveUnknownFields"]
    if isinstance(body.get("metadata"), dict):
        for field in _READ_ONLY:
            body["metadata"].pop(field, None)
    return body


def _drop_empty(value: Any) -> Any:
    """Without what the API server does not keep; an empty map that means something (emptyDir) stays."""
    if isinstance(value, dict):
        return {
            key: _drop_empty(item)
            for key, item in value.items()
            if item is not None and item != [] and not (item == {} and key in _PRUNED_MAPS)
        }
    return [_drop_empty(item) for item in value] if isinstance(value, list) else value


def _normalize_secret(body: Object) -> None:
    text = body.pop("stringData", None)
    if text:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in text.items()}
        body["data"] = {**body.get("data", {}), **encoded}


def prune(live: Any, shape: Any) -> Any:
    """What of the live value has a counterpart in the inputs."""
    if isinstance(live, dict) and isinstance(shape, dict):
        return {key: prune(item, shape[key]) for key, item in live.items() if key in shape}
    if isinstance(live, list) and isinstance(shape, list):
        return [prune(item, wanted) for item, wanted in zip(live, shape, strict=False)]
    return live


def keep_secrets(values: Properties, source: Properties) -> Properties:
    """Mark as secret what was secret in the source, and all data of a Secret."""
    if values.get("kind") == "Secret":
        return {
            key: Secret(value) if key in ("data", "stringData") else _mark(value, source.get(key))
            for key, value in values.items()
        }
    return {key: _mark(value, source.get(key)) for key, value in values.items()}


def _mark(value: Any, source: Any) -> Any:
    if isinstance(value, dict) and isinstance(source, dict):
        return {key: _mark(item, source.get(key)) for key, item in value.items()}
    return Secret(value) if contains(source, Secret) else value


def same(path: tuple[str | int, ...], live: Any, wanted: Any) -> bool:
    """Whether two leaves mean the same: the API server rewrites quantities, 0.1 becomes 100m."""
    if live == wanted or "resources" not in path or isinstance(live, dict | list) or isinstance(wanted, dict | list):
        return bool(live == wanted)
    try:
        return bool(parse_quantity(live) == parse_quantity(wanted))  # type: ignore[no-untyped-call]
    except ValueError:
        return False


def checkpoint(inputs: Object, live: Object, source: Properties, api_version: str, manager: str) -> Properties:
    """What Pulumi keeps of an object: the live one, and beside it what was asked for."""
    state = keep_secrets(_rename(live, _UNDERSCORED), source)
    state[_INPUTS] = keep_secrets(_rename(inputs, _UNDERSCORED), source)
    state[_API_VERSION], state[_MANAGER] = api_version, manager
    return state


def parse_checkpoint(state: Properties) -> tuple[Object, Object]:
    """The inputs and the live object of a checkpoint."""
    live = as_object(state)
    inputs: Object = live.pop(_INPUTS, {})
    for key in (_API_VERSION, _MANAGER):
        live.pop(key, None)
    return inputs, live


def api_version_of(state: Properties, inputs: Object) -> str:
    """The API version under which the object was first made."""
    return str(state.get(_API_VERSION) or inputs.get("apiVersion", ""))


def stored_manager(state: Properties) -> str | None:
    """The field manager's name that a checkpoint remembers."""
    return state.get(_MANAGER)
