"""How Multus' DaemonSets are stopped without being deleted, and started again: patches, and no decision about when.

A node selector that no node meets ends their pods and outlasts every restart. It is added to what is there and merged,
so that putting it back is taking one key away, whatever else has changed meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kubernetes import client

from multus.metadata import Object
from multus.objects import DAEMON_SET, FALLBACK_DAEMON_SET
from multus.pods import KEEPER

# On a DaemonSet what was changed besides the selector; on a node, that its pod is to stay for the time being.
DISABLED = "multus-install/disabled"
STAYS = "multus-install/while-disabled"

_MERGE = "application/strategic-merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_MANAGER = "multus-disable"
_ATTEMPTS = 5
_CLEANUP = "--cleanup-config-on-exit"
# Without the watch an error while the pod runs does not take the configuration away before its time.
_ADDED = (f"{_CLEANUP}=true", "--skip-config-watch=true")


def find(api: client.ApiClient) -> list[Any]:
    """Multus' DaemonSets, in whatever namespace they are."""
    every = client.AppsV1Api(api).list_daemon_set_for_all_namespaces
    return [
        each
        for name in (DAEMON_SET, FALLBACK_DAEMON_SET)
        for each in every(field_selector=f"metadata.name={name}").items
    ]


def pods(api: client.ApiClient, daemon_sets: list[Any]) -> list[Any]:
    """The pods of these DaemonSets."""
    core, found = client.CoreV1Api(api), []
    for each in daemon_sets:
        selector = ",".join(f"{key}={value}" for key, value in each.spec.selector.match_labels.items())
        found += core.list_namespaced_pod(each.metadata.namespace, label_selector=selector).items
    return found


def removes_on_exit(spec: Any) -> bool:
    """Whether pods of this spec take Multus' configuration away when none comes back. Thick's always do."""
    if any(each.name == KEEPER for each in spec.init_containers or ()):
        return True
    container = spec.containers[0]
    words = [*(container.command or ()), *(container.args or ())]
    is_thick = any(word.endswith("multus-daemon") for word in words)
    return is_thick or any(word in (_CLEANUP, _ADDED[0]) for word in words)


def stop(api: client.ApiClient, daemon_set: Any) -> None:
    """End its pods, but for those on nodes that are told to keep theirs."""
    remembered = _remembered(daemon_set) or {}
    _patch(api, daemon_set, _with_selector(remembered))


def stop_after_removal(api: client.ApiClient, daemon_set: Any) -> None:
    """The same; and the pods that are kept are replaced, all at once, by such that remove the configuration on exit."""
    container, strategy = daemon_set.spec.template.spec.containers[0], daemon_set.spec.update_strategy.rolling_update
    remembered = _remembered(daemon_set) or {
        "args": [word for word in _ADDED if word not in (container.args or ())],
        "maxUnavailable": strategy.max_unavailable if strategy else None,
    }
    body = _with_selector(remembered)
    kept = [word for word in container.args or () if word not in _ADDED]
    body["spec"]["template"]["spec"]["containers"] = [{"name": container.name, "args": [*kept, *_ADDED]}]
    body["spec"]["updateStrategy"] = {"rollingUpdate": {"maxUnavailable": "100%"}}
    _patch(api, daemon_set, body)


def start(api: client.ApiClient, daemon_set: Any) -> None:
    """Undo what either has done, and nothing that was changed since."""
    remembered = _remembered(daemon_set) or {}
    body: Object = {
        "metadata": {"annotations": {DISABLED: None}},
        "spec": {"template": {"spec": {"nodeSelector": {STAYS: None}}}},
    }
    added = set(remembered.get("args", ()))
    container, strategy = daemon_set.spec.template.spec.containers[0], daemon_set.spec.update_strategy.rolling_update
    if added & set(container.args or ()):
        kept = [word for word in container.args if word not in added]
        body["spec"]["template"]["spec"]["containers"] = [{"name": container.name, "args": kept}]
    if remembered.get("maxUnavailable") is not None and strategy and strategy.max_unavailable == "100%":
        body["spec"]["updateStrategy"] = {"rollingUpdate": {"maxUnavailable": remembered["maxUnavailable"]}}
    _patch(api, daemon_set, body)
    _disown(api, daemon_set)


def keep(api: client.ApiClient, node: str) -> None:
    """Let a node keep its pod while the DaemonSets are stopped."""
    _label(api, node, "true")


def keep_no_longer(api: client.ApiClient, node: str) -> None:
    """Let a node's pod go like all others."""
    _label(api, node, None)


def keepers(api: client.ApiClient) -> list[str]:
    """The nodes that keep their pod."""
    found: list[Any] = client.CoreV1Api(api).list_node(label_selector=STAYS).items
    return [node.metadata.name for node in found]


def _remembered(daemon_set: Any) -> Mapping[str, Any] | None:
    text = (daemon_set.metadata.annotations or {}).get(DISABLED)
    try:
        found = json.loads(text) if text else None
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and found else None


def _with_selector(remembered: Mapping[str, Any]) -> Object:
    return {
        "metadata": {"annotations": {DISABLED: json.dumps(remembered)}},
        "spec": {"template": {"spec": {"nodeSelector": {STAYS: "true"}}}},
    }


def _patch(api: client.ApiClient, daemon_set: Any, body: Object) -> None:
    client.AppsV1Api(api).patch_namespaced_daemon_set(
        daemon_set.metadata.name,
        daemon_set.metadata.namespace,
        body,
        field_manager=_MANAGER,
        _content_type=_MERGE,
    )


def _disown(api: client.ApiClient, daemon_set: Any) -> None:
    """Give up every field that these patches have set: Helm 4 stops at a field of another owner when it changes it."""
    apps, where = client.AppsV1Api(api), (daemon_set.metadata.name, daemon_set.metadata.namespace)
    for attempt in range(_ATTEMPTS):
        live: Any = apps.read_namespaced_daemon_set(*where)
        operations = removal_of([each.manager for each in live.metadata.managed_fields or ()])
        if not operations:
            return
        try:
            apps.patch_namespaced_daemon_set(*where, operations, field_manager=_MANAGER, _content_type=_JSON_PATCH)
        except client.ApiException as error:
            # Somebody else has become an owner, or none, in between.
            if error.status not in (409, 422) or attempt == _ATTEMPTS - 1:
                raise


def removal_of(managers: Sequence[str]) -> list[Object]:
    """The JSON patch that takes this program's entries out of `managedFields`: the last first, each tested before.

    Args:
        managers: the manager of each entry, in their order.
    """
    operations: list[Object] = []
    for index, manager in reversed(list(enumerate(managers))):
        if manager == _MANAGER:
            path = f"/metadata/managedFields/{index}"
            operations.append({"op": "test", "path": f"{path}/manager", "value": _MANAGER})
            operations.append({"op": "remove", "path": path})
    return operations


def _label(api: client.ApiClient, node: str, value: str | None) -> None:
    client.CoreV1Api(api).patch_node(
        node, {"metadata": {"labels": {STAYS: value}}}, field_manager=_MANAGER, _content_type=_MERGE
    )
