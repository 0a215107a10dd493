"""Helm as a user runs it, and what must not change while an install goes from one method to the other."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kubernetes import client

from lab.commands import run
from lab.grounds import OLDEST

from .changes import identities
from .clusters import Lab
from .leftovers import of_no_sandbox


def helm(lab: Lab, *arguments: str | Path) -> str:
    environment = {**os.environ, "KUBECONFIG": str(lab.cluster.kubeconfig)}
    return run([lab.cluster.helm, *arguments], env=environment).stdout


def releases(lab: Lab) -> list[str]:
    # Helm 4 has no `--all`, and lists whatever there is.
    everything = ["--all"] if lab.cluster.ground is OLDEST else []
    listed: list[dict[str, Any]] = json.loads(helm(lab, "list", *everything, "--all-namespaces", "--output", "json"))
    return [f"{each['namespace']}/{each['name']} {each['status']}" for each in listed]


def generations(lab: Lab) -> dict[str, int]:
    """A DaemonSet's generation counts the changes of what it says."""
    found: Sequence[Any] = client.AppsV1Api(lab.pods.api).list_namespaced_daemon_set("kube-system").items
    return {each.metadata.name: each.metadata.generation for each in found}


def untouched(lab: Lab) -> tuple[object, ...]:
    """What a switch must leave as it is: the same objects, saying the same, and the same pods."""
    return identities(lab.pods), generations(lab), sorted(lab.pods.of_multus())


def assert_gone(lab: Lab) -> None:
    [node] = lab.cluster.nodes
    lab.exercise_plain_pods()
    assert node.run(["ls", str(node.look.conf_dir)]).stdout.split() == ["10-flannel.conflist"]
    assert of_no_sandbox(node) == []
    lab.pods.await_no_multus()
