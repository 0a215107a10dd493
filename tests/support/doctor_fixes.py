"""What doctor's commands do to a cluster made by hand, as far as they change objects of its snapshot."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from multus_ops.doctor.case import Case
from multus_ops.doctor.snapshot import Snapshot, has_sandbox, is_well

# As the API says who has written what of an object, and when.
_WRITTEN = {"metadata": {"managedFields": [{"fieldsV1": {"f:spec": {}}, "time": "2030-01-01T00:00:00Z"}]}}

Objects = tuple[dict[str, Any], ...]


def is_modelled(fix: str) -> bool:
    """Whether every command of a fix changes an object of a snapshot, or waits for that or restarts something."""
    return all(_change_of(shlex.split(line)) is not None for line in fix.splitlines())


def typed(case: Case, fix: str) -> Case:
    """The cluster after the commands of a fix. Events stay: they are an hour old before they go."""
    snapshot = case.snapshot
    for line in fix.splitlines():
        change = _change_of(shlex.split(line))
        assert change is not None, line
        snapshot = change(snapshot)
    return replace(case, snapshot=snapshot)


def _change_of(words: list[str]) -> Callable[[Snapshot], Snapshot] | None:
    if words[0] != "kubectl":
        return None
    namespace = words[words.index("-n") + 1] if "-n" in words else ""
    rest = [word for word in words[1:] if word not in ("-n", namespace, "--overwrite")]
    match rest:
        case ["annotate", "pod", name, text]:
            key, _, value = text.partition("=")
            return lambda seen: replace(seen, pods=_changed(seen.pods, namespace, name, _annotated(key, value)))
        case ["annotate", "crd", _, text] if text.partition("=")[0]:
            key, _, value = text.partition("=")
            return lambda seen: replace(seen, crd=_annotated(key, value)(seen.crd or {}))
        case ["patch", "network-attachment-definition", name, *_]:
            patch = {**json.loads(rest[-1]), **_WRITTEN}
            return lambda seen: replace(seen, networks=_changed(seen.networks, namespace, name, _merged(patch)))
        case ["patch", "configmap", name, *_]:
            patch = json.loads(rest[-1])
            return lambda seen: replace(seen, config_maps=_changed(seen.config_maps, namespace, name, _merged(patch)))
        case ["delete", "pod", name, *_] if not name.startswith("-"):
            return lambda seen: replace(seen, pods=tuple(_without(seen.pods, namespace, name)))
        case ["delete", "clusterrolebinding", name]:
            return lambda seen: replace(seen, bindings=tuple(_without(seen.bindings, "", name)))
        case ["set", "env", "daemonset", name, text]:
            key, _, value = text.partition("=")
            return lambda seen: replace(
                seen, daemon_sets=_changed(seen.daemon_sets, namespace, name, _told(key, value))
            )
        case ["rollout", "restart", *_]:
            return lambda seen: seen
        case ["rollout", "status", "daemonset", name]:
            return lambda seen: _rolled_out(seen, namespace, name)
    return None


def _rolled_out(seen: Snapshot, namespace: str, name: str) -> Snapshot:
    """The pods become ready, and what waited for them starts; where they were ready, nothing waited."""
    [daemon_set] = [each for each in seen.daemon_sets if _is(each, namespace, name)]
    late = [pod for pod in seen.pods_of(daemon_set) if not is_well(pod)]
    waiting = [*late, *(pod for pod in seen.pods if not has_sandbox(pod))] if late else []
    return replace(seen, pods=tuple(_started(pod) if pod in waiting else pod for pod in seen.pods))


def _started(pod: dict[str, Any]) -> dict[str, Any]:
    conditions = [{"type": kind, "status": "True"} for kind in ("Ready", "PodReadyToStartContainers")]
    return _merged({"status": {"phase": "Running", "conditions": conditions}})(pod)


def _is(thing: dict[str, Any], namespace: str, name: str) -> bool:
    about = thing["metadata"]
    return (about.get("namespace", ""), about["name"]) == (namespace, name)


def _changed(things: Objects, namespace: str, name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Objects:
    assert any(_is(each, namespace, name) for each in things), f"there is no {namespace}/{name}"
    return tuple(change(each) if _is(each, namespace, name) else each for each in things)


def _without(things: Objects, namespace: str, name: str) -> list[dict[str, Any]]:
    kept = [each for each in things if not _is(each, namespace, name)]
    assert len(kept) < len(things), f"there is no {namespace}/{name}"
    return kept


def _annotated(key: str, value: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return _merged({"metadata": {"annotations": {key: value}}})


def _told(key: str, value: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A variable of every container."""

    def tell(daemon_set: dict[str, Any]) -> dict[str, Any]:
        containers = daemon_set["spec"]["template"]["spec"]["containers"]
        told = [{**each, "env": [*each.get("env", ()), {"name": key, "value": value}]} for each in containers]
        return _merged({"spec": {"template": {"spec": {"containers": told}}}})(daemon_set)

    return tell


def _merged(patch: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A merge patch."""

    def merge(thing: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
        changed = {
            key: merge(thing.get(key) or {}, value) if isinstance(value, dict) else value for key, value in part.items()
        }
        return {**thing, **changed}

    return lambda thing: merge(thing, patch)
