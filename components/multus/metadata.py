"""What every object of an install has in common."""

from __future__ import annotations

from typing import Any

from .plan import InstallPlan

Object = dict[str, Any]

NODE_LABEL = "multus-install/provisioned"


def metadata(plan: InstallPlan, name: str, *, namespaced: bool = False) -> Object:
    """Name, namespace and labels."""
    about: Object = {"name": name, "labels": {**plan.scheduling.labels, "app": "multus"}}
    if namespaced:
        about["namespace"] = plan.namespace
    return about
