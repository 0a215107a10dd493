"""Records what a later version has to leave alone: `python -m tests.support.lab.recorder`, on a lab of its own.

For either plugin it writes `tests/lab/states/COMMIT-k3s-PLUGIN.json`, in which addresses, keys and tokens are made up:
those of the states that are there already.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from lab import forks, prepare
from lab.commands import run
from multus.ssh_keys import shortest_form
from tests.support.paths import ROOT

from .cells import Cell
from .changes import configure
from .clusters import Clusters, Lab, succeeded

STATES = ROOT / "tests" / "lab" / "states"
_INSTANCE = "record"
_STANDINS = ("command.provider", "kubernetes.provider", "language.host")
_TOKEN = "made-up-token"
# Where a line of the program stood is no part of what is recorded.
_LEFT_OUT = ("sourcePosition", "stackTrace")


def recorded(lab: Lab, plugin: str, about: dict[str, Any]) -> dict[str, Any]:
    """The state after the first `up` with this plugin, as if `about` were the cluster.

    Args:
        lab: a cluster on which nobody has done anything.
        plugin: `thin` or `thick`.
        about: the made-up kubeconfig, SSH key and node.
    """
    configuration = {"plugin": plugin, **dict(lab.cluster.look.configuration)}
    configure(lab.stack, **configuration, scheduling=None)
    succeeded(lab.stack.up())
    exported: dict[str, Any] = json.loads(lab.stack.run("stack", "export", "--show-secrets", config=False).stdout)
    real = dict(_real(lab, about))
    # The manifest says the time and the engine, and what keeps the secrets is the stack's that imports them.
    state = {"version": exported["version"], "deployment": {"resources": exported["deployment"]["resources"]}}
    found = {"about": about, "configuration": configuration, **with_others(state, real)}
    text = json.dumps(found)
    assert not [secret for secret in real if secret in text or json.dumps(secret)[1:-1] in text]
    return found


def _real(lab: Lab, about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What must not be told, longest first where one is part of another, and what stands in its place."""
    [node], [other] = lab.cluster.nodes, about["nodes"]
    secret: Any = lab.pods.core.read_namespaced_secret("multus-token-1", "kube-system")
    yield lab.cluster.kubeconfig.read_text().rstrip("\n"), about["kubeconfig"].rstrip("\n")
    key = lab.cluster.ssh_key.read_text().rstrip("\n")
    for form in (f"{key}\n", key, shortest_form(key)):
        yield form, about["sshPrivateKey"]
    yield secret.data["token"], base64.b64encode(_TOKEN.encode()).decode()
    yield base64.b64decode(secret.data["token"]).decode(), _TOKEN
    made_up = yaml.safe_load(about["kubeconfig"])["clusters"][0]["cluster"]
    yield secret.data["ca.crt"], made_up["certificate-authority-data"]
    yield node.host_key, other["hostKey"]
    yield node.address, other["host"]


def with_others(value: Any, others: Mapping[str, str]) -> Any:
    """The same with other texts in place of these, also in secrets, which are JSON in themselves."""
    if isinstance(value, dict):
        if "plaintext" in value:
            return {**value, "plaintext": json.dumps(with_others(json.loads(value["plaintext"]), others))}
        return {key: with_others(each, others) for key, each in value.items() if key not in _LEFT_OUT}
    if isinstance(value, list):
        return [with_others(each, others) for each in value]
    if isinstance(value, str):
        for text, other in others.items():
            value = value.replace(text, other)
    return value


def main() -> None:
    """Record both."""
    commit = run(["git", "-C", ROOT, "rev-parse", "--short=7", "HEAD"]).stdout.strip()
    about = json.loads(min(STATES.glob("*-thin.json")).read_text())["about"]
    clusters = Clusters(_INSTANCE, prepare.programs())
    with forks.served(*(f"lab.standins.{name}" for name in _STANDINS), "multus"):
        try:
            for plugin in ("thin", "thick"):
                found = recorded(clusters.lab(Cell("k3s")), plugin, about)
                file = STATES / f"{commit}-k3s-{plugin}.json"
                file.write_text(json.dumps(found, indent=1) + "\n")
                sys.stdout.write(f"{file}\n")
        finally:
            clusters.down()


if __name__ == "__main__":
    main()
