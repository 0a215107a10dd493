"""Every sandbox that a kubelet could not make, with its reason.

Events would be fewer: the API server merges those that are alike, and gets none while it is away.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.node import Node

# A kubelet's own log, pkg/kubelet/kuberuntime/kuberuntime_manager.go of Kubernetes 1.37.2.
_FAILED = re.compile(r'"CreatePodSandbox for pod failed" err="((?:[^"\\]|\\.)*)".* pod="[^/"]+/([^"]+)"')
# What differs between two failures of one kind: sandboxes, pods' ids, connections.
_ALONE = re.compile(
    r'"[0-9a-f]{64}"|\b[0-9a-f]{64}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|(?<=tcp )[0-9.]+:[0-9]+(?=->)'
)


@dataclass(frozen=True)
class Failure:
    """A sandbox that was not made."""

    pod: str
    reason: str


def log_ends(nodes: Iterable[Node]) -> dict[str, int]:
    """Where each kubelet's log ends now."""
    return {node.name: node.kubelet_log.stat().st_size for node in nodes if node.kubelet_log.exists()}


def failures(nodes: Sequence[Node], since: Mapping[str, int], prefix: str) -> list[Failure]:
    """What kubelets have failed to make since their logs ended there, of pods whose names begin so."""
    logs = ((node.kubelet_log, since.get(node.name, 0)) for node in nodes if node.kubelet_log.exists())
    return [
        failure
        for log, start in logs
        for failure in failures_in(log.read_bytes()[start:].decode(errors="replace"))
        if failure.pod.startswith(f"{prefix}-")
    ]


def failures_in(log: str) -> list[Failure]:
    """The failed sandboxes that a kubelet's log tells of."""
    return [Failure(pod, _unquoted(reason)) for reason, pod in _FAILED.findall(log)]


def kinds(found: Iterable[Failure]) -> dict[str, int]:
    """How often each reason was given, without what is one pod's alone; the most frequent first."""
    counted = Counter(_kind(failure) for failure in found)
    return dict(counted.most_common())


def _kind(failure: Failure) -> str:
    return without_ids(failure.reason.replace(failure.pod, "POD"))


def without_ids(reason: str) -> str:
    """A reason without what only one sandbox has."""
    return _ALONE.sub("ID", reason)


def _unquoted(text: str) -> str:
    """A string as Go quotes it."""
    try:
        return str(json.loads(f'"{text}"'))
    except json.JSONDecodeError:  # Go knows escapes that JSON has not
        return text
