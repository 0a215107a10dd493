"""The pods that a network is looked at with. Pure but for reading the programs that they run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from ..doctor.annotations import NETWORKS
from ..short_lived_pods import pod_body
from .choice import Wanted
from .network import Network
from .questions import Question
from .seen import INTERFACE

PORT = 8080
_FOLDER = "/check"
# Longer than one segment may be: the length of an IP packet has 16 bits.
_SERVE = f"""\
cd {_FOLDER} && head -c 65536 /dev/zero | tr '\\0' 0 >packet && echo here >"$HOSTNAME" || exit
trap exit TERM
httpd -f -p {PORT} -h {_FOLDER} &
wait"""


def attached_pod(name: str, wanted: Wanted, network: Network, image: str) -> dict[str, Any]:
    """A pod with the network, which says over HTTP who it is."""
    asked = {"namespace": network.name.namespace, "name": network.name.name, "interface": INTERFACE}
    if wanted.ips:
        asked["ips"] = list(wanted.ips)  # type: ignore[assignment]  # JSON
    resources_of = {"limits": {network.resource: "1"}} if network.resource else {}
    container = {
        **_container(image, _SERVE),
        "resources": resources_of,
        "volumeMounts": [{"name": "check", "mountPath": _FOLDER}],
    }
    body = pod_body(name, wanted.node, container, volumes=[{"name": "check", "emptyDir": {}}])
    body["metadata"]["annotations"] = {NETWORKS: json.dumps([asked])}
    return body


def plain_pod(name: str, node: str, image: str, addresses: Sequence[str], asked: str) -> dict[str, Any]:
    """A pod without the network, by whose readiness its kubelet says whether the node reaches another pod.

    A probe gives the pod itself no right, which a pod in the node's own network would have. Since Kubernetes 1.34 only
    namespaces of the Pod Security Standard `privileged` admit one that names a host.

    Args:
        name: its name.
        node: its node.
        image: what it runs.
        addresses: where the kubelet asks; none for a pod that is just ready.
        asked: the pod that is to answer there.
    """
    container = _container(image, "trap exit TERM; sleep infinity & wait")
    body = pod_body(name, node, container)
    [first] = body["spec"]["containers"]
    body["spec"]["containers"] = [
        {**first, "name": f"asked-{index}", "readinessProbe": _probe(address, asked)}
        for index, address in enumerate(addresses)
    ] or [first]
    return body


def _container(image: str, script: str) -> dict[str, Any]:
    programs = [{"name": name.upper(), "value": _program(name)} for name in ("look", "ask")]
    return {"name": "look", "image": image, "command": ["sh", "-c", script], "env": programs}


def _probe(address: str, asked: str) -> dict[str, Any]:
    return {
        "httpGet": {"host": address, "port": PORT, "path": f"/{asked}"},
        "periodSeconds": 1,
        "timeoutSeconds": 3,
        "failureThreshold": 3,
    }


def look_command() -> list[str]:
    """What is run in a pod to see what it has."""
    return ["sh", "-c", 'exec sh -c "$LOOK" look "$@"', "look", INTERFACE]


def ask_command(questions: Sequence[Question]) -> list[str]:
    """What is run in a pod to ask others."""
    words = [str(word) for question in questions for word in question]
    return ["sh", "-c", 'exec sh -c "$ASK" ask "$@"', "ask", str(PORT), *words]


def _program(name: str) -> str:
    return resources.files(__package__).joinpath(f"{name}.sh").read_text(encoding="utf-8")
