"""Why pods cannot run where or as they are asked to: scheduling, tolerations, resources. Pure: problems only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import formats
from .args import Plugin
from .argument_types import is_json
from .errors import Problem

RESERVED_LABELS = ("app", "name", "tier")
"""The labels that upstream gives its objects, by which the DaemonSets select their pods."""

OPERATORS = ("Exists", "Equal")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
AFFINITIES = ("nodeAffinity", "podAffinity", "podAntiAffinity")

LEAST_THICK_MEMORY = 100 * 2**20
"""Bytes below which thick's daemon is killed."""


def scheduling_problems(scheduling: Mapping[str, Any]) -> Iterator[Problem]:
    """Why the pods cannot be scheduled this way."""
    for group in ("node_selector", "labels", "annotations"):
        for key, value in scheduling.get(group, {}).items():
            path = f"scheduling.{group}[{key!r}]"
            if not formats.LABEL_NAME.matches(key):
                yield Problem(path, f"{key!r} is not a label's key", "write one such as 'example.org/team'")
            elif group != "annotations" and not formats.LABEL_VALUE.matches(value):
                yield Problem(path, f"{value!r} is not a label's value", "write at most 63 letters, digits, '-_.'")
            elif group == "labels" and key in RESERVED_LABELS:
                yield Problem(path, "is upstream's, and the DaemonSets select by it", "choose another key")
    for index, toleration in enumerate(scheduling.get("tolerations", ())):
        if toleration is not None:
            yield from _toleration(f"scheduling.tolerations[{index}]", toleration)
    affinity = scheduling.get("affinity", {})
    for key in affinity:
        if key not in AFFINITIES:
            yield Problem(
                f"scheduling.affinity[{key!r}]",
                "is no kind of affinity",
                "write nodeAffinity, podAffinity or podAntiAffinity",
            )
    if not all(is_json(value) and isinstance(value, Mapping) for value in affinity.values()):
        yield Problem("scheduling.affinity", "is not made of plain mappings", "write it as a manifest does")
    elif not _has_terms(affinity.get("nodeAffinity", {})):
        yield Problem(
            "scheduling.affinity",
            "has required node terms that are none",
            "write requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms as a manifest does",
        )
    name = scheduling.get("priority_class", "a")
    if not formats.DNS_SUBDOMAIN.matches(name):
        yield Problem(
            "scheduling.priority_class", f"{name!r} is not a PriorityClass' name", "write one such as 'my-critical'"
        )
    amount = scheduling.get("max_unavailable", "1")
    if not formats.MAX_UNAVAILABLE.matches(amount):
        yield Problem(
            "scheduling.max_unavailable", f"{amount!r} is not a number or a percentage above 0", "write '1' or '25%'"
        )


def resource_problems(resources: Mapping[str, Any], plugin: Plugin) -> Iterator[Problem]:
    """Why the container cannot ask for this."""
    for group, amounts in resources.items():
        for name, amount in amounts.items():
            if formats.quantity(amount) is None:
                yield Problem(
                    f"resources.{group}[{name!r}]",
                    f"{amount!r} is not an amount",
                    "write one such as '100m' or '128Mi'",
                )
    memory = formats.quantity(resources.get("limits", {}).get("memory", "1Gi"))
    if plugin is Plugin.THICK and memory is not None and memory < LEAST_THICK_MEMORY:
        yield Problem(
            "resources.limits['memory']",
            f"{resources['limits']['memory']!r} gets thick's daemon killed, and then no pod starts",
            "write '256Mi' or more, at least '100Mi'",
        )


def _toleration(path: str, toleration: Mapping[str, Any]) -> Iterator[Problem]:
    operator, effect = toleration.get("operator", "Equal"), toleration.get("effect", "NoExecute")
    if operator not in OPERATORS:
        yield Problem(f"{path}.operator", f"{operator!r} is no operator", "write 'Exists' or 'Equal'")
    elif operator == "Exists" and "value" in toleration:
        yield Problem(f"{path}.value", "is given although the operator is 'Exists'", "remove it, or write 'Equal'")
    elif operator == "Equal" and "key" not in toleration:
        yield Problem(f"{path}.key", "is missing", "set it, or write operator 'Exists'")
    if effect not in EFFECTS:
        yield Problem(
            f"{path}.effect", f"{effect!r} is no effect", "write 'NoSchedule', 'PreferNoSchedule' or 'NoExecute'"
        )
    elif "toleration_seconds" in toleration and effect != "NoExecute":
        yield Problem(f"{path}.toleration_seconds", f"means nothing with {effect}", "remove it")


def _has_terms(affinity: Any) -> bool:
    """Whether required node terms, where there are any, are a list of mappings."""
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    terms = required.get("nodeSelectorTerms") if isinstance(required, Mapping) else None
    return isinstance(terms, list) and bool(terms) and all(isinstance(term, Mapping) for term in terms)
