"""A stack's configuration as arguments, without an engine."""

from __future__ import annotations

import json

from multus.args import SECRET_KEYS
from multus.errors import ProblemKind
from multus.plan import problems_of
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


def test_an_unknown_key_is_told_by_its_kind_and_not_by_its_sentence() -> None:
    config = {**GOOD, "multus:image": json.dumps({"tagg": "x"})}
    [problem] = read(config, SECRETS).problems
    assert problem.fix.endswith("`pulumi config rm --path 'multus:image.tagg'`")
    # A value that says the same is a value all the same.
    [problem] = read({**GOOD, "multus:namespace": "is not an argument"}, SECRETS).problems
    assert "pulumi config set " in problem.fix


def test_only_the_key_itself_is_a_secret() -> None:
    labels = {"my_private_key_owner": 1}
    [problem] = problems_of({"distro": "k3s", "scheduling": {"labels": labels}})
    assert problem.key not in SECRET_KEYS
    assert problem.reason == "1 is not a string"
    found = problems_of({"distro": "k3s", "nodes": [{"name": "a", "host": "h", "private_key": [SSH_KEY]}]})
    [problem] = [each for each in found if each.key in SECRET_KEYS]
    assert (problem.path, problem.kind) == ("nodes[0].private_key", ProblemKind.VALUE)
    assert "made0up0" not in str(found)


def test_spelling() -> None:
    assert snake("cniBinDir") == "cni_bin_dir"
    assert camel("scheduling.labels['my_key'].node_selector") == "scheduling.labels['my_key'].nodeSelector"
    assert spelled("set cni_bin_dir to it") == "set cniBinDir to it"
