"""Every block of the documentation as far as it can be judged without a cluster."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pulumi_kubernetes as k8s
import pytest
import yaml

from multus import MultusComponent, MultusNetwork
from multus.settings import Settings
from tests.support.arguments import SSH_KEY, k3s, node
from tests.support.doc_blocks import BLOCKS, CHECKED, UNCHECKED, Block, blocks_in
from tests.support.doc_commands import commands_in, problems_in
from tests.support.paths import ROOT
from tests.support.recording import run
from tests.support.schema_names import NETWORK_TOKEN, OUTPUTS, PROPERTIES, TOKEN, configuration_problem, value_problems
from tests.support.stack_files import SECRETS

# What other SDKs' resources and options are told besides.
_OF_OTHERS = {"dependsOn", "kubeconfig", "provider", "providers"}
# Every main and IPAM plugin of containernetworking/plugins, and the two that the networks page speaks of besides.
_CNI_PLUGINS = {
    *("bandwidth", "bridge", "dhcp", "dummy", "firewall", "host-device", "host-local", "ipvlan", "loopback", "macvlan"),
    *("portmap", "ptp", "sbr", "static", "tap", "tuning", "vlan", "vrf", "whereabouts"),
}


def test_every_block_says_its_language() -> None:
    odd = [f"{block}: {block.language!r}" for block in BLOCKS if block.language not in (*CHECKED, *UNCHECKED)]
    assert not odd, f"write one of {', '.join((*CHECKED, *UNCHECKED))}"


def test_only_what_can_be_run_is_marked() -> None:
    assert not [str(block) for block in BLOCKS if block.on_lab and block.language not in ("sh", "yaml")]


def test_a_reason_is_a_sentence() -> None:
    assert not [f"{block}: {block.reason}" for block in BLOCKS if block.reason is not None and " " not in block.reason]


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language in CHECKED and block.reason is None], ids=str
)
def test_block(block: Block) -> None:
    checks: dict[str, Callable[[Block], Iterable[str]]] = {
        "sh": shell_problems,
        "yaml": yaml_problems,
        "json": json_problems,
        "python": python_problems,
        "typescript": name_problems,
        "go": name_problems,
    }
    assert list(checks[block.language](block)) == []


def shell_problems(block: Block) -> Iterator[str]:
    syntax = subprocess.run(["sh", "-n"], input=block.text, capture_output=True, text=True, check=False)
    if syntax.returncode:
        yield syntax.stderr
        return
    for words in commands_in(block.text):
        yield from problems_in(words)


def json_problems(block: Block) -> Iterable[str]:
    json.loads(block.text)
    return ()


def python_problems(block: Block) -> Iterator[str]:
    """Run as a part of a program that has a provider, nodes and arguments already."""

    def program() -> None:
        names = {
            "cluster": k8s.Provider("cluster", kubeconfig="made-up"),
            "nodes": [node("server-1", 11)],
            "key": SSH_KEY,
            "args": k3s(node("server-1", 11)),
            "MultusComponent": MultusComponent,
            "MultusNetwork": MultusNetwork,
        }
        if "multus=multus" in block.text:
            names["multus"] = MultusComponent("there-already", k3s(node("server-1", 11)))
        exec(compile("import pulumi\n" + block.text, str(block), "exec"), names)  # noqa: S102 # our own pages

    types = run(program).graph.types
    if not any(kind in (TOKEN, NETWORK_TOKEN) for name, kind in types.items() if name != "there-already"):
        yield "registers neither a MultusComponent nor a MultusNetwork"


def yaml_problems(block: Block) -> Iterator[str]:
    documents = [document for document in yaml.safe_load_all(block.text) if document is not None]
    if not documents:
        yield "is empty"
    for document in documents:
        yield from problems_of_document(document)


def problems_of_document(document: Any) -> Iterator[str]:
    """What cannot be in a YAML document, by what it is."""
    if "apiVersion" in document and "kind" in document:
        if document["kind"] == "NetworkAttachmentDefinition":
            yield from network_problems(document)
    elif document.get("runtime") == "yaml":
        for resource in document["resources"].values():
            if resource["type"] == TOKEN:
                yield from value_problems(resource["properties"])
    elif "config" in document or all(str(key).startswith("multus:") for key in document):
        yield from stack_problems(document.get("config", document))
    else:
        yield f"is neither a Kubernetes object nor a Pulumi program nor configuration: {', '.join(map(str, document))}"


def network_problems(network: Any) -> Iterator[str]:
    """What a NetworkAttachmentDefinition cannot say."""
    config = json.loads(network["spec"]["config"])
    if "name" not in config or "cniVersion" not in config:
        yield "the configuration lacks its name or its cniVersion"
    for plugin in config.get("plugins", [config]):
        for kind in (plugin["type"], plugin.get("ipam", {}).get("type", "static")):
            if kind not in _CNI_PLUGINS:
                yield f"{kind} is no CNI plugin"


def stack_problems(config: dict[str, Any]) -> Iterator[str]:
    """Why the program would refuse this configuration, in a stack that has the rest."""
    yield from filter(None, map(configuration_problem, config))
    values = {"multus:distro": "k3s", **config}
    flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    run(Settings.load, config={**flat, **SECRETS}, secret_keys=tuple(SECRETS))


def name_problems(block: Block) -> Iterator[str]:
    """Names of properties and outputs that the schema does not have, in a language that nothing here runs."""
    found = set(re.findall(r"^\s*([A-Za-z]\w*):", block.text, re.MULTILINE))
    found |= set(re.findall(r"\binstalled\.(\w+)", block.text))
    found = {name[0].lower() + name[1:] for name in found - _OF_OTHERS}
    yield from sorted(found - {*PROPERTIES, *OUTPUTS})
    if len(found & PROPERTIES) < 3:
        yield "names too little of the component to be held against its schema"


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("pulumi config set multus:distr0 k3s", "multus:distr0: distr0 is not an argument"),
        ("pulumi config set --path 'multus:nodes[0].hots' x", "multus:nodes[0].hots: hots is not an argument"),
        ("pulumi config set 'multus:nodes[0].host' x", "multus:nodes[0].host needs --path"),
        ("pulumi config set --hidden multus:distro x", "pulumi config has no option --hidden"),
        ("echo x && make upp", "make has no target upp"),
        ("cat stacks/Pulumi.nowhere.yaml", "there is no stacks/Pulumi.nowhere.yaml"),
        (".venv/bin/python -m lab upp", "no command upp: there are prepare, up, down, status, shell, logs"),
        ("python -m lab up --distribution k3s", "up has no option --distribution"),
        ("multus-ops doktor", "no command doktor: there are "),
        ("multus-ops doctor --stak x", "doctor has no option --stak"),
        ("python -m labor", "there is no module labor"),
        ("zzz", "zzz is not a known program"),
    ],
)
def test_a_wrong_command_is_found(command: str, problem: str) -> None:
    found = [each for words in commands_in(command) for each in problems_in(words)]
    assert [each for each in found if each.startswith(problem)], found


def test_commands_are_told_apart() -> None:
    text = "A=1 kubectl get pods \\\n  -A > /dev/null; cd x && $EDITOR stacks/a\n"
    text += "cat <<'EOF' | kubectl apply -f -\na: b\nEOF\n"
    assert list(commands_in(text)) == [
        ["kubectl", "get", "pods", "-A"],
        ["cd", "x"],
        ["$EDITOR", "stacks/a"],
        ["cat"],
        ["kubectl", "apply", "-f", "-"],
    ]


def test_marks_are_read() -> None:
    text = "<!-- run: lab, prints: net1 -->\n```sh\nx\n```\n\n"
    text += "<!-- not run: needs a phone -->\n\n```sh\ny\n```\n```sh\nz\n```\n"
    first, second, third = blocks_in(text, ROOT / "README.md")
    assert (first.on_lab, first.prints, first.line) == (True, "net1", 2)
    assert (second.reason, second.on_lab) == ("needs a phone", False)
    assert (third.reason, third.on_lab) == (None, False)


def test_the_documented_mistakes_are_found() -> None:
    wrong = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": {"name": "x"}}
    config = json.dumps({"type": "macvlann", "ipam": {"type": "host-local"}})
    assert list(problems_of_document({**wrong, "spec": {"config": config}})) == [
        "the configuration lacks its name or its cniVersion",
        "macvlann is no CNI plugin",
    ]
