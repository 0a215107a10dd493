"""The programs in examples/: the Python one as the engine would run it, the others held against the schema."""

from __future__ import annotations

import json
import re
import runpy
from typing import Any

import pytest
import yaml

from multus import resolve_network
from multus.distros import PROFILES
from tests.support.arguments import HOST_KEY, SSH_KEY
from tests.support.paths import ROOT
from tests.support.recording import Run, run
from tests.support.schema_names import (
    NETWORK_INPUTS,
    NETWORK_OUTPUTS,
    NETWORK_TOKEN,
    OUTPUTS,
    PROPERTIES,
    SCHEMA,
    TOKEN,
    value_problems,
)

PYTHON = ROOT / "examples" / "python"
YAML = ROOT / "examples" / "yaml" / "Pulumi.yaml"
TYPESCRIPT = ROOT / "examples" / "typescript"
GO = ROOT / "examples" / "go"
NODES = {"server-1": "192.0.2.11", "agent-1": "192.0.2.12"}
MADE_ELSEWHERE = {
    "kubeconfig": "made-up-admin-kubeconfig",
    "addresses": NODES,
    "hostKeys": dict.fromkeys(NODES, HOST_KEY),
}


@pytest.fixture(params=[False, True], ids=["up", "preview"])
def python(request: pytest.FixtureRequest) -> Run:
    return run(
        lambda: runpy.run_path(str(PYTHON / "__main__.py")) and None,
        preview=request.param,
        config={
            "multus:machines": "organization/machines/prod",
            "multus:nodes": json.dumps([*NODES]),
            "multus:sshPrivateKey": SSH_KEY,
        },
        secret_keys=("multus:sshPrivateKey",),
        other_stack=MADE_ELSEWHERE,
    )


def test_python_example_installs_on_machines_of_another_stack(python: Run) -> None:
    for name, address in NODES.items():
        assert python.graph[f"multus-verify-{name}"].inputs["connection"]["host"] == address
    assert python.graph.types["multus"] == TOKEN


def test_python_example_starts_its_workload_after_multus_has_been_verified(python: Run) -> None:
    assert {"multus-marker", "storage-definition", *(f"multus-verify-{name}" for name in NODES)} <= python.graph.needs(
        "client"
    )
    annotations = python.graph["client"].inputs["spec"]["template"]["metadata"]["annotations"]
    definition = python.graph["storage-definition"].inputs["metadata"]
    [asked] = json.loads(annotations["k8s.v1.cni.cncf.io/networks"])
    assert asked == {"name": definition["name"], "namespace": definition["namespace"]}


def test_python_example_guards_its_network_on_every_machine(python: Run) -> None:
    for name in NODES:
        assert "storage-definition" in python.graph.needs(f"storage-guard-{name}")


def test_python_example_keeps_its_secrets(python: Run) -> None:
    for each in python.graph:
        assert "made-up-admin" not in each.text_in_clear, each.name
        assert "made0up0" not in each.text_in_clear, each.name


@pytest.fixture(scope="module")
def program() -> Any:
    return yaml.safe_load(YAML.read_text(encoding="utf-8"))


def test_yaml_example_says_what_the_schema_has(program: Any) -> None:
    multus = program["resources"]["multus"]
    assert multus["type"] == TOKEN
    assert list(value_problems(multus["properties"])) == []
    required = SCHEMA["types"]["multus:index:NodeArgs"]["required"]
    assert all(set(required) <= set(node) for node in multus["properties"]["nodes"])
    assert multus["properties"]["distro"] in {distro.value for distro in PROFILES}


def test_yaml_example_passes_its_provider_on(program: Any) -> None:
    """Pulumi YAML takes a list here, where the other languages take a mapping too."""
    assert program["resources"]["multus"]["options"]["providers"] == ["${cluster}"]
    assert program["resources"]["cluster"]["type"] == "pulumi:providers:kubernetes"


def test_yaml_example_reads_outputs_and_configuration_that_exist(program: Any) -> None:
    used = re.findall(r"\$\{([\w.]+)\}", YAML.read_text(encoding="utf-8"))
    outputs = {name.removeprefix("multus.") for name in used if name.startswith("multus.")}
    assert outputs
    assert outputs <= set(OUTPUTS)
    assert {name.removeprefix("storage.") for name in used if name.startswith("storage.")} == {"reference"}
    assert {name for name in used if "." not in name} == {*program["config"], "cluster", "multus"}


def test_yaml_example_has_a_network_that_can_be(program: Any) -> None:
    storage = program["resources"]["storage"]
    assert storage["type"] == NETWORK_TOKEN
    assert list(value_problems(storage["properties"], NETWORK_INPUTS)) == []
    [one] = storage["properties"]["ipam"]["hostLocal"]["ranges"]
    given = {"bridge": storage["properties"]["bridge"], "ipam": {"host_local": {"ranges": [one]}}}
    assert resolve_network(given, "storage").plugins == ["bridge", "host-local"]
    # Without it the definition could come before its kind, and Multus go before it.
    assert storage["options"]["dependsOn"] == ["${multus}"]


def test_yaml_example_takes_the_component_from_this_checkout(program: Any) -> None:
    assert (YAML.parent / program["packages"]["multus"] / "PulumiPlugin.yaml").exists()


def test_typescript_example_says_what_the_schema_has() -> None:
    text = (TYPESCRIPT / "index.ts").read_text(encoding="utf-8")
    [arguments] = re.findall(r"MultusComponent\(\"multus\", (\{.*?\n\}), \{ providers", text, re.DOTALL)
    keys = set(re.findall(r"(\w+):(?= |$)", arguments, re.MULTILINE))
    assert {"distro", "nodes", *SCHEMA["types"]["multus:index:NodeArgs"]["required"]} <= keys
    assert keys <= PROPERTIES
    outputs = set(re.findall(r"installed\.(\w+)", text))
    assert outputs
    assert outputs <= set(OUTPUTS)


def test_typescript_example_has_a_network_that_the_schema_has() -> None:
    text = (TYPESCRIPT / "index.ts").read_text(encoding="utf-8")
    [arguments] = re.findall(r"MultusNetwork\(\"storage\", (\{.*?\n\}), \{ dependsOn", text, re.DOTALL)
    keys = set(re.findall(r"(\w+):(?= |$)", arguments, re.MULTILINE))
    assert {"bridge", "ipam", "hostLocal", "ranges", "subnet"} == keys
    assert keys <= PROPERTIES
    assert set(re.findall(r"storage\.(\w+)", text)) == {"reference"} <= set(NETWORK_OUTPUTS)


def test_typescript_example_takes_the_component_from_this_checkout() -> None:
    project = yaml.safe_load((TYPESCRIPT / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert (TYPESCRIPT / project["packages"]["multus"] / "PulumiPlugin.yaml").exists()
    # Where `pulumi package add` writes what index.ts imports.
    package = json.loads((TYPESCRIPT / "package.json").read_text(encoding="utf-8"))
    assert package["dependencies"]["@pulumi/multus"] == "file:sdks/multus"


def test_go_example_says_what_the_schema_has() -> None:
    """Whether it compiles, tests/lab/test_go_example.py shows."""
    text = re.sub("//.*", "", (GO / "main.go").read_text(encoding="utf-8"))
    keys = {key[0].lower() + key[1:] for key in re.findall(r"\b([A-Z]\w+): ", text)}
    assert {"distro", "nodes", "bridge", "ipam", *SCHEMA["types"]["multus:index:NodeArgs"]["required"]} <= keys
    assert keys <= PROPERTIES
    outputs = {name[0].lower() + name[1:] for name in re.findall(r"\b(?:installed|storage)\.(\w+)", text)}
    assert outputs <= {*OUTPUTS, *NETWORK_OUTPUTS}


def test_go_example_takes_the_component_from_this_checkout() -> None:
    project = yaml.safe_load((GO / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert (GO / project["packages"]["multus"] / "PulumiPlugin.yaml").exists()
    [least] = re.findall(r'requiredPulumiVersion: ">=([\d.]+)"', (ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert f"github.com/pulumi/pulumi/sdk/v3 v{least}" in (GO / "go.mod").read_text(encoding="utf-8")
