"""A stack's configuration as arguments, without an engine."""

from __future__ import annotations

import json

from multus.settings import camel, read, snake, spelled
from tests.support.arguments import HOST_KEY, SSH_KEY

KUBECONFIG = "apiVersion: v1\nkind: Config\n"
SECRETS = {"multus:kubeconfig", "multus:sshPrivateKey"}
GOOD = {
    "multus:distro": "k3s",
    "multus:nodes": json.dumps([{"name": "a", "host": "192.0.2.1", "hostKey": HOST_KEY}]),
    "multus:kubeconfig": KUBECONFIG,
    "multus:sshPrivateKey": SSH_KEY,
    "multus:context": "blue",
    "kubernetes:namespace": "x",
}


def test_a_good_configuration() -> None:
    found = read(GOOD, SECRETS)
    assert found.problems == ()
    assert (found.kubeconfig, found.context) == (KUBECONFIG, "blue")
    [node] = found.component["nodes"]
    assert (node["host_key"], node["private_key"]) == (HOST_KEY, SSH_KEY)


def test_the_ssh_key_can_be_hidden() -> None:
    found = read(GOOD, SECRETS, hidden=lambda text: f"hidden {len(str(text))}")
    assert found.component["nodes"][0]["private_key"] == f"hidden {len(SSH_KEY)}"


def test_no_secret_is_shown() -> None:
    found = read({**GOOD, "multus:distro": "k3x"}, SECRETS)
    assert SSH_KEY.splitlines()[1] not in repr(found) + str(found.problems)
    assert KUBECONFIG not in repr(found)


def test_a_missing_key_is_a_problem_and_no_crash() -> None:
    config = {key: value for key, value in GOOD.items() if key != "multus:sshPrivateKey"}
    assert [problem.path for problem in read(config, SECRETS).problems] == ["multus:sshPrivateKey"]


def test_spelling() -> None:
    assert snake("cniBinDir") == "cni_bin_dir"
    assert camel("scheduling.labels['my_key'].node_selector") == "scheduling.labels['my_key'].nodeSelector"
    assert spelled("set cni_bin_dir to it") == "set cniBinDir to it"
