"""What every object of an install has in common."""

from __future__ import annotations

from typing import Any

from .plan import InstallPlan

Object = dict[str, Any]

FORCE = "pulumi.com/patchForce"
NODE_LABEL = "multus-install/provisioned"


def metadata(plan: InstallPlan, name: str, *, namespaced: bool = False) -> Object:
    """Name, namespace and labels.

    Without force a field that somebody has changed by hand stays theirs, and every later `up` fails over it.
    """
    about: Object = {
        "name": name,
        "labels": {**plan.scheduling.labels, "app": "multus"},
        "annotations": {FORCE: "true"},
    }
    if namespaced:
        about["namespace"] = plan.namespace
    return about
