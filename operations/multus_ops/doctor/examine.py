"""Looks at a cluster and its nodes, says what is wrong and how to mend it. It changes nothing but for smoke pods."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import pydantic
from kubernetes import client
from rich.console import Console
from rich.table import Table
from rich.text import Text

from multus import objects
from multus.node_steps import options_for
from multus.plan import InstallPlan, NodePlan, resolve

from ..node_program import program_for_people
from ..pulumi_cli import PulumiCli
from ..ssh import NodeResult, run_on_nodes
from ..stack import StackConfig
from . import advice, checks, smoke
from .advice import Advice
from .case import Case
from .findings import Check, Finding, Severity, without_echoes
from .node_report import NodeReport
from .snapshot import name_of, take
from .symptoms import recognised

_NODE_SECONDS = 90
# What only the nodes themselves can tell, and what there is only after an install.
_OVER_SSH = {
    Check.SSH,
    Check.RUNTIME,
    Check.DEFAULT_NETWORK,
    Check.KUBECONFIG,
    Check.CONF,
    Check.PROGRAM,
    Check.ADDRESSES,
}
_OF_AN_INSTALL = {
    Check.DAEMON_SETS,
    Check.IMAGE,
    Check.RBAC,
    Check.CONFIG_MAP,
    Check.TOKEN,
    Check.KUBECONFIG,
    Check.CONF,
    Check.MOUNTS,
    Check.PROGRAM,
}
_COLORS = {"ok": "green", "error": "red", "warning": "yellow"}


@dataclass(frozen=True)
class Line:
    """One line of the table: how a check ended, and why it was not made where it was not."""

    check: str
    result: str
    remark: str = ""


@dataclass(frozen=True)
class Report:
    """What doctor has found.

    Attributes:
        about: the cluster in a few words, by what they are about.
        lines: every check.
        findings: what is wrong, worst first.
        unseen: what could not be looked at, in sentences.
    """

    about: Mapping[str, str]
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong that stops pods or will."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    def as_json(self) -> str:
        """The same for programs."""
        findings = [{**asdict(finding), "fix": finding.fix.splitlines()} for finding in self.findings]
        lines = [asdict(line) for line in self.lines]
        document = {"about": self.about, "checks": lines, "findings": findings, "unseen": self.unseen}
        return json.dumps(document, indent=2)


def examine(
    stack: StackConfig | None,
    api: client.ApiClient,
    *,
    options: smoke.SmokeOptions | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Report:
    """Look at everything.

    Args:
        stack: the stack that manages the cluster; without one the nodes are not asked.
        api: the cluster.
        options: pods to start and take away again, if any.
        told: is told what goes on.
    """
    plan = stack.plan if stack else None
    reports, unreached = _ask_nodes(plan, told)
    started: Any = nullcontext([])
    if options is not None:
        told("starting pods and looking into them")
        started = smoke.pods(api, _names_of_nodes(api), options)
    with started as outcomes:
        told("reading the cluster")
        snapshot = take(api, plan.namespace if plan else None, _needed(plan), reports, unreached)
    case = Case(snapshot, plan, stack.pulumi if stack else PulumiCli("STACK"))
    found = without_echoes(chain(recognised(case), checks.findings(case), smoke.findings(outcomes, _rerun(stack))))
    return Report(
        _about(case), tuple(lines(case, found, smoked=options is not None)), tuple(found), _unseen(case, stack)
    )


def advised(stack: StackConfig | None, api: client.ApiClient, kubeconfig: str) -> Advice:
    """Whether Multus is needed here, and how to configure a stack for it."""
    plan = stack.plan if stack else None
    reports, unreached = _ask_nodes(plan, lambda _: None)
    snapshot = take(api, plan.namespace if plan else None, _needed(plan), reports, unreached)
    return advice.advise(snapshot, stack.name if stack else None, kubeconfig)


def _ask_nodes(plan: InstallPlan | None, told: Callable[[str], None]) -> tuple[dict[str, NodeReport], dict[str, str]]:
    nodes = [node for node in plan.nodes if not node.gone] if plan else []
    if plan is None or not nodes:
        return {}, {}
    told(f"asking {len(nodes)} nodes over SSH")
    results = run_on_nodes(nodes, program_for_people(), lambda node: words(plan, node), seconds=_NODE_SECONDS)
    reports, unreached = {}, {}
    for name, result in results.items():
        try:
            reports[name] = report_of(result)
        except ValueError as error:
            unreached[name] = str(error)
    return reports, unreached


def report_of(result: NodeResult) -> NodeReport:
    """What a node has answered.

    Raises:
        ValueError: why it has not, as a sentence.
    """
    if result.trouble:
        raise ValueError(result.trouble)
    try:
        return NodeReport.model_validate_json(result.stdout)
    except pydantic.ValidationError as error:
        # What it printed may hold other networks' credentials.
        raise ValueError(f"its answer cannot be read: {error.errors()[0]['msg']}") from None


def words(plan: InstallPlan, node: NodePlan) -> list[str]:
    """What stands after the node program: the phase and what it is told of the plan."""
    known = {**options_for(plan, node), "server": plan.api_server}
    given = {key: value for key, value in known.items() if value and key not in ("plan", "marker", "token_secret")}
    return ["diagnose", *(word for key, value in given.items() for word in (f"--{key.replace('_', '-')}", str(value)))]


def _needed(plan: InstallPlan | None) -> dict[tuple[str, str], tuple[str, ...]]:
    rules = objects.cluster_role(plan or resolve({"distro": "k3s"}))["rules"]
    return {(rule["apiGroups"][0], rule["resources"][0]): tuple(rule["verbs"]) for rule in rules}


def _names_of_nodes(api: client.ApiClient) -> list[str]:
    found: list[Any] = client.CoreV1Api(api).list_node().items
    return [node.metadata.name for node in found]


def _rerun(stack: StackConfig | None) -> str:
    options = " ".join(stack.pulumi.options) if stack else "--kubeconfig FILE"
    return f"multus-ops doctor --smoke {options}"


def _about(case: Case) -> dict[str, str]:
    snapshot = case.snapshot
    distro = advice.distro_of(snapshot)
    versions = sorted(
        {node.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", "?") for node in snapshot.nodes}
    )
    return {
        "API server": snapshot.version,
        "nodes": f"{len(snapshot.nodes)}, {', '.join(versions)}",
        "distribution": distro.value
        if distro
        else f"{case.plan.distro.value} by the stack"
        if case.plan
        else "not known",
        "default CNI": _default_networks(case) or advice.default_cni_of(snapshot),
        "Multus": ", ".join(name_of(each) for each in snapshot.multus_sets) or "not installed",
        "networks": str(sum(smoke.LABEL not in each["metadata"].get("labels", {}) for each in snapshot.networks)),
    }


def _default_networks(case: Case) -> str:
    found = {f"{facts.default_network} in {facts.default_conf}" for _, facts in case.facts if facts.default_network}
    return ", ".join(sorted(found))


def lines(case: Case, found: Sequence[Finding], *, smoked: bool) -> Iterator[Line]:
    """The table: every check, how it ended, and what was not looked at."""
    for check in Check:
        of_it = [finding for finding in found if finding.check is check]
        if of_it:
            errors = sum(finding.severity is Severity.ERROR for finding in of_it)
            result = "error" if errors else "warning"
            yield Line(check.value, result, of_it[0].where if len(of_it) == 1 else f"{len(of_it)} findings")
        elif check is Check.SMOKE and not smoked:
            yield Line(check.value, "not tried", "--smoke starts them")
        elif (check in _OF_AN_INSTALL and not case.is_installed) or (check is Check.CRD and not case.snapshot.crd):
            yield Line(check.value, "not there", "nothing is installed")
        elif check in _OVER_SSH and not case.snapshot.reports:
            yield Line(check.value, "not seen", "only nodes over SSH can tell")
        else:
            yield Line(check.value, "ok")


def _unseen(case: Case, stack: StackConfig | None) -> tuple[str, ...]:
    said = list(case.snapshot.unseen)
    asked = {*case.snapshot.reports, *case.snapshot.unreached}
    others = [node["metadata"]["name"] for node in case.snapshot.nodes if node["metadata"]["name"] not in asked]
    if stack is None:
        said.append("files, mounts and addresses on the nodes: name a stack whose `nodes` say how to log in")
    elif others:
        said.append(f"files, mounts and addresses on {', '.join(others)}: they are not in the stack's `nodes`")
    if case.is_installed and not case.is_thick:
        said.append(
            "the kubeconfig inside thin Multus' pods: the image has no shell to look with, so mounts, flags and the "
            "host's files are compared instead"
        )
    return tuple(said)


def show(report: Report, console: Console) -> None:
    """Print a report for people."""
    for key, value in report.about.items():
        console.print(Text.assemble((f"{key}: ", "bold"), value), soft_wrap=True)
    table = Table("check", "result", "remark")
    for line in report.lines:
        table.add_row(Text(line.check), Text(line.result, _COLORS.get(line.result, "dim")), Text(line.remark))
    console.print(table)
    for number, finding in enumerate(report.findings, 1):
        color = _COLORS[finding.severity.value]
        name = f" [{finding.symptom}]" if finding.symptom else ""
        console.print(
            Text.assemble(f"{number}. ", (finding.severity.value, color), f" {finding.where}: {finding.what}{name}"),
            soft_wrap=True,
        )
        console.print(Text(f"   why: {finding.why}"), soft_wrap=True)
        for command in finding.fix.splitlines():
            console.print(Text(f"   {command if command.startswith('#') else f'$ {command}'}"), soft_wrap=True)
    for sentence in report.unseen:
        console.print(Text(f"not seen: {sentence}", "dim"), soft_wrap=True)
    if not report.findings:
        console.print(Text("Nothing is wrong.", "green"))


def show_advice(said: Advice, console: Console) -> None:
    """Print advice for people."""
    table = Table("question", "answer", "why")
    for step in said.steps:
        table.add_row(Text(step.question), Text(step.answer), Text(step.reason))
    console.print(table)
    for command in said.commands:
        console.print(Text(command), soft_wrap=True)
