"""The chart refuses what the component refuses, wherever values can say it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin, is_typeddict

import pytest

from multus import MultusComponentArgs, Problem, argument_rules, argument_rules_nodes, argument_rules_pods, image
from multus.argument_types import fields_of
from multus.chart_values import merged, value_path
from multus.multus_conf import camel_keys
from multus.plan import problems_of
from tests.support.helm_template import Helm
from tests.support.refusals import REFUSALS

# Arguments that are no values of the chart, with the reason.
NO_VALUE = {
    "arguments": "values are always a mapping",
    "distro": "a values file per kind of cluster has the paths",
    "k3s_version": "as distro",
    "flannel": "as distro",
    "data_dir": "as distro",
    "method": "a release is one",
    "helm": "a release is one",
    "namespace": "`helm --namespace` says it, and the API server refuses it",
    "create_namespace": "`helm --create-namespace`",
    "dhcp_daemon": "a DaemonSet beside the release, by both methods",
    "whereabouts": "as dhcp_daemon",
    "required_plugins": "nodes are checked against it, and Helm runs nothing on nodes",
    "nodes": "as required_plugins",
    "ssh": "as required_plugins",
    "node_cleanup": "as required_plugins",
    "live_attachments": "as required_plugins",
    "adopt": "`helm install --take-ownership`",
    "timeout_seconds": "`helm --timeout`",
}
# Refusals of what values cannot say, by row.
UNSAYABLE = {
    "name": "network.defaultNetwork takes its place",
    "name-self": "network.defaultNetwork takes its place",
    "scheduling": "its keys are values of their own",
    "surge": "as scheduling",
    "selector-keys": "every key is a text in JSON",
}
# What the chart takes although the component does not, by row.
TAKEN = {
    "bin-dir-k3s": "the chart does not know the distribution",
    "bin-dir-never": "the chart does not know the distribution",
    "bin-dir-gke": "the chart does not know the distribution",
    "conf-dir-k3s": "the chart does not know the distribution",
    "flannel": "the chart does not know the distribution",
    "ready-late": "`helm --timeout` is not known to the chart",
    "server-http": "host and port are values of their own, and there is no scheme to be wrong",
    "server-path": "host and port are values of their own, and there is no path",
    "server-user": "host and port are values of their own, and there is no user",
    "server-query": "host and port are values of their own, and there is no query",
    "server-bracket": "host and port are values of their own, and there are no brackets",
    "keeper-image": "an empty group is the default",
    "keeper-old": "the chart asks the cluster for its version",
    "pod-nodes": "the chart has no list of nodes",
    "network-twice": "the component itself gives its chart both",
    "privileged": "false is the default, which thick reads over",
    "limit": "0 is the default, which is no limit",
    "metrics": "0 is the default, which is no port",
    "certificates": "an empty group is the default",
    "log-no-file": "an empty group is the default; one with a key is refused",
}
# Where the chart names another value than the one of the argument.
ELSEWHERE = dict.fromkeys(("whole-master", "whole-name", "whole-aks", "whole-minikube"), "network.defaultNetwork")

JUDGED = [row for row in REFUSALS if row[0] not in UNSAYABLE and re.split(r"[.\[]", row[2])[0] not in NO_VALUE]


def said(arguments: Mapping[str, Any], hint: Any = MultusComponentArgs, path: str = "") -> Iterator[tuple[str, Any]]:
    """The values that say what these arguments say, however wrong they are, by their paths."""
    for key, value in arguments.items():
        here = f"{path}.{key}" if path else str(key)
        known = fields_of(hint).get(key)
        if here.split(".")[0] in NO_VALUE:
            continue
        if here == "api_server":
            yield from server(value)
        elif is_typeddict(known) and isinstance(value, dict) and value:
            yield from said(value, known, here)
        elif here == "conf.capabilities":
            yield value_path(here), dict.fromkeys(value, True)
        elif get_origin(known) is not None and is_typeddict(get_args(known)[0]) and isinstance(value, list):
            yield value_path(here), [camel_keys(item) for item in value]
        else:
            yield value_path(here), value


def server(url: Any) -> Iterator[tuple[str, Any]]:
    """Host and port of a URL that may be wrong."""
    match = (
        re.match(r"(?:[a-z]+://)?(?:[^@/]*@)?(\[[^\]]*\]?|[^:/?]*)(?::(\d+))?", url) if isinstance(url, str) else None
    )
    yield "apiServer.host", match[1].strip("[]") if match else url
    if match and match[2]:
        yield "apiServer.port", int(match[2])


def values_of(arguments: Any) -> dict[str, Any]:
    """The same as one set of values, for a cluster whose API server is known."""
    found: dict[str, Any] = {} if "api_server" in arguments or arguments == {"distro": "vanilla"} else SERVER
    for path, value in said(arguments):
        nested = value
        for part in reversed(path.split(".")):
            nested = {part: nested}
        found = merged(found, nested)
    return found


SERVER: dict[str, Any] = {"apiServer": {"host": "192.0.2.1"}}


REFUSED = [row[:3] for row in JUDGED if row[0] not in TAKEN]


@pytest.fixture(scope="module")
def of_schema(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """What the schema says to each row: one run of helm tells of them all."""
    said = helm.schema_refusals([values_of(row[1]) for row in REFUSED], tmp_path_factory.mktemp("rows"))
    return dict(zip((row[0] for row in REFUSED), said, strict=True))


@pytest.mark.parametrize(("name", "arguments", "path"), REFUSED, ids=[row[0] for row in REFUSED])
def test_chart_refuses_what_the_component_refuses(
    name: str, arguments: Any, path: str, of_schema: dict[str, str | None], helm: Helm, tmp_path: Path
) -> None:
    refusal = of_schema[name] or helm.refusal(values_of(arguments), tmp_path)
    value = ELSEWHERE.get(name) or value_path(path.split("[")[0])
    group, _, key = value.rpartition(".")
    named = [f"'/{value.replace('.', '/')}", f"{value}:", f"{value}.", f"{value}[", f"{group}:" if group else value]
    assert any(words in refusal for words in named) or f"additional properties '{key}'" in refusal, refusal


@pytest.mark.parametrize("name", TAKEN)
def test_a_difference_is_still_one(name: str, helm: Helm, tmp_path: Path) -> None:
    (arguments,) = [row[1] for row in JUDGED if row[0] == name]
    assert helm.template(values_of(arguments), tmp_path)


def test_every_reason_is_needed() -> None:
    tops = {re.split(r"[.\[]", row[2])[0] for row in REFUSALS}
    assert tops >= set(NO_VALUE)
    assert {row[0] for row in REFUSALS} >= {*UNSAYABLE, *ELSEWHERE}


MODULES = (argument_rules, argument_rules_nodes, argument_rules_pods, image)


def test_every_refusal_of_the_component_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place in the rules that makes a Problem is reached by a row of REFUSALS."""
    reached: set[tuple[str | None, int]] = set()

    def recorded(path: str, reason: str, fix: str) -> Problem:
        frame: Any = sys._getframe(1)
        frame = frame.f_back if frame.f_code.co_name == "_bad_path" else frame
        reached.add((frame.f_code.co_filename, frame.f_lineno))
        return Problem(path, reason, fix)

    for module in MODULES:
        monkeypatch.setattr(module, "Problem", recorded)
    for _, arguments, *_ in REFUSALS:
        problems_of(arguments)
    missed = [
        f"{module.__name__}:{call.lineno}"
        for module in MODULES
        for call in calls_that_refuse(module)
        if not any(file == module.__file__ and call.lineno <= line <= (call.end_lineno or 0) for file, line in reached)
    ]
    assert not missed


def calls_that_refuse(module: ModuleType) -> Iterator[ast.Call]:
    """Every call in a module that makes a Problem."""
    body = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8")).body
    functions = [item for item in body if isinstance(item, ast.FunctionDef) and item.name != "_bad_path"]
    calls = [node for function in functions for node in ast.walk(function) if isinstance(node, ast.Call)]
    yield from (call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("Problem", "_bad_path"))
