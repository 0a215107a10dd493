"""Looks at a cluster and its nodes, says what is wrong and how to mend it. It changes nothing but for smoke pods."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
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
from ..shown_findings import COLORS, show_finding
from ..ssh import NodeResult, run_on_nodes
from ..stack import StackConfig
from ..target import Target
from . import advice, checks, smoke
from .advice import Advice
from .case import Case
from .default_cni import default_cni_of
from .distribution import cluster_kind, kubelet_versions
from .findings import Check, Finding, Severity, without_echoes
from .node_report import NodeReport
from .origin import PulumiInstall
from .snapshot import Kind, name_of, take
from .symptoms import find_symptoms

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
# What is read of the API for a check. Without the first four nobody knows whether there is a Multus that serves pods.
_NEEDED = {Kind.NODES, Kind.DAEMON_SETS, Kind.PODS, Kind.EVENTS}
_NEEDED_IN_WORDS = "nodes, DaemonSets, pods and events"
_READ_FOR = {
    Check.CLUSTER: {Kind.NODES},
    Check.OTHERS: {Kind.DAEMON_SETS},
    Check.DAEMON_SETS: {Kind.DAEMON_SETS, Kind.PODS, Kind.EVENTS},
    Check.IMAGE: {Kind.DAEMON_SETS},
    Check.CRD: {Kind.CRD},
    Check.NETWORKS: {Kind.NETWORKS},
    Check.RBAC: {Kind.ACCOUNT, Kind.RIGHTS, Kind.CLUSTER_ROLE_BINDINGS, Kind.ROLE_BINDINGS},
    Check.CONFIG_MAP: {Kind.CONFIG_MAPS},
    Check.TOKEN: {Kind.SECRETS, Kind.TOKEN_REVIEW},
    Check.CONF: {Kind.CILIUM, Kind.ISTIO},
    Check.MOUNTS: {Kind.DAEMON_SETS},
    Check.PODS: {Kind.PODS, Kind.EVENTS},
}


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
        about: the cluster in a few words, by what they are about: `nodes`, `distribution`, `Multus` and so on.
        lines: every check.
        findings: what is wrong, worst first.
        unseen: what could not be looked at, in sentences.
        is_blind: whether something was not seen without which nobody knows whether there is a Multus that serves pods.
    """

    about: Mapping[str, str]
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...]
    is_blind: bool = False

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong that stops pods or will."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    def as_json(self) -> str:
        """The same for programs: `well` is null where nobody knows."""
        findings = [{**asdict(finding), "fix": finding.fix.splitlines()} for finding in self.findings]
        lines = [asdict(line) for line in self.lines]
        well = None if self.is_well and self.is_blind else self.is_well
        document = {"well": well, "about": self.about, "checks": lines, "findings": findings, "unseen": self.unseen}
        return json.dumps(document, indent=2)


@dataclass(frozen=True)
class Reach:
    """How a cluster and its nodes are reached, for what is printed and for SSH.

    Attributes:
        options: the options that name the cluster to `multus-ops`, as they are typed.
        nodes_plan: the nodes to ask over SSH and where Multus keeps its files on them; None to ask none.
        stack: the stack that was named, of whatever project; None where none was.
    """

    options: Sequence[str] = ()
    nodes_plan: InstallPlan | None = field(default=None, repr=False)
    stack: PulumiInstall | None = None


def reach_of(target: Target) -> Reach:
    """How the cluster of a command line is reached."""
    if target.stack is not None:
        return _reach_of_stack(target.stack)
    program = None if target.program is None else PulumiInstall(*target.program)
    return Reach(target.options.words, target.nodes_plan, program)


def examine(
    stack: StackConfig | None,
    api: client.ApiClient,
    *,
    reach: Reach | None = None,
    smoke_options: smoke.SmokeOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Look at everything.

    Args:
        stack: the stack of this project that manages the cluster; None where there is none.
        api: the cluster.
        reach: for a cluster without such a stack, how it was named and how its nodes are asked.
        smoke_options: pods to start and take away again; None for none.
        progress: called with a few words about what is done next.

    Raises:
        client.ApiException, urllib3.exceptions.HTTPError: the API server cannot be asked at all.
    """
    reach = reach or _reach_of_stack(stack)
    plan = stack.plan if stack else None
    reports, unreached = _ask_nodes(reach.nodes_plan, progress)
    started: Any = nullcontext([])
    if smoke_options is not None:
        progress("starting pods and looking into them")
        started = smoke.run_pods(api, _names_of_nodes(api), smoke_options)
    with started as outcomes:
        progress("reading the cluster")
        snapshot = take(api, plan.namespace if plan else None, _rights_needed(plan), reports, unreached)
    nodes = reach.nodes_plan.nodes if reach.nodes_plan else ()
    options = shlex.join(reach.options)
    case = Case(snapshot, plan, reach.stack, nodes, options)
    rerun = f"multus-ops doctor --smoke {options}".rstrip()
    found = without_echoes(chain(find_symptoms(case), checks.run_checks(case), smoke.judge(outcomes, rerun)))
    table = tuple(lines(case, found, smoked=smoke_options is not None))
    return Report(_about(case), table, tuple(found), _unseen(case), is_blind(snapshot.unseen))


def is_blind(unseen: Set[Kind]) -> bool:
    """Whether nobody knows whether a Multus serves pods, where this could not be read."""
    return bool(_NEEDED & unseen)


def advise(stack: StackConfig | None, api: client.ApiClient, kubeconfig: str, *, reach: Reach | None = None) -> Advice:
    """Whether Multus is needed here, and how to configure a stack for it.

    Args:
        stack: the stack of this project that is to be configured; None for a new one.
        api: the cluster.
        kubeconfig: the file that the stack's secret is to be read from.
        reach: for a cluster without such a stack, how its nodes are asked.
    """
    reach = reach or _reach_of_stack(stack)
    plan = stack.plan if stack else None
    reports, unreached = _ask_nodes(reach.nodes_plan, lambda _: None)
    snapshot = take(api, plan.namespace if plan else None, _rights_needed(plan), reports, unreached)
    return advice.advise(snapshot, stack.name if stack else None, kubeconfig)


def _reach_of_stack(stack: StackConfig | None) -> Reach:
    if stack is None:
        return Reach()
    return Reach(stack.pulumi.options, stack.plan, PulumiInstall(stack.pulumi))


def _ask_nodes(
    plan: InstallPlan | None, progress: Callable[[str], None]
) -> tuple[dict[str, NodeReport], dict[str, str]]:
    nodes = [node for node in plan.nodes if not node.gone] if plan else []
    if plan is None or not nodes:
        return {}, {}
    progress(f"asking {len(nodes)} nodes over SSH")
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


def _rights_needed(plan: InstallPlan | None) -> dict[tuple[str, str], tuple[str, ...]]:
    rules = objects.cluster_role(plan or resolve({"distro": "k3s"}))["rules"]
    return {(rule["apiGroups"][0], rule["resources"][0]): tuple(rule["verbs"]) for rule in rules}


def _names_of_nodes(api: client.ApiClient) -> list[str]:
    found: list[Any] = client.CoreV1Api(api).list_node().items
    return [node.metadata.name for node in found]


def _about(case: Case) -> dict[str, str]:
    snapshot = case.snapshot
    kind = cluster_kind(snapshot)
    versions = kubelet_versions(snapshot) or ["?"]
    return {
        "API server": snapshot.version,
        "nodes": f"{len(snapshot.nodes)}, {', '.join(versions)}",
        "distribution": kind.name if kind else f"{case.plan.distro.value} by the stack" if case.plan else "not known",
        "default CNI": _default_networks(case) or default_cni_of(snapshot),
        "Multus": ", ".join(name_of(each) for each in snapshot.multus_sets)
        or ("not installed" if case.is_absent else "not known"),
        "installed by": case.origin.name,
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
        elif hidden := [kind for kind in Kind if kind in case.snapshot.unseen & _READ_FOR.get(check, frozenset())]:
            yield Line(check.value, "not seen", f"the account may not read {', '.join(hidden)}")
        elif (check in _OF_AN_INSTALL and case.is_absent) or (check is Check.CRD and not case.snapshot.crd):
            yield Line(check.value, "not there", "nothing is installed")
        elif check in _OVER_SSH and not case.snapshot.reports:
            yield Line(check.value, "not seen", "only nodes over SSH can tell")
        else:
            yield Line(check.value, "ok")


def _unseen(case: Case) -> tuple[str, ...]:
    hidden = [kind for kind in Kind if kind in case.snapshot.unseen]
    sentences = [f"{kind}: the kubeconfig's account may not read them" for kind in hidden]
    asked = {*case.snapshot.reports, *case.snapshot.unreached}
    others = [node["metadata"]["name"] for node in case.snapshot.nodes if node["metadata"]["name"] not in asked]
    if not asked:
        sentences.append(
            "files, mounts and addresses on the nodes: name a stack whose `nodes` say how to log in, or say it by "
            "--nodes FILE"
        )
    elif others:
        sentences.append(f"files, mounts and addresses on {', '.join(others)}: they are not among the given nodes")
    if case.is_installed and not case.is_thick:
        sentences.append(
            "the kubeconfig inside thin Multus' pods: the image has no shell to look with, so mounts, flags and the "
            "host's files are compared instead"
        )
    return tuple(sentences)


def show(report: Report, console: Console) -> None:
    """Print a report for people."""
    for key, value in report.about.items():
        console.print(Text.assemble((f"{key}: ", "bold"), value), soft_wrap=True)
    table = Table("check", "result", "remark")
    for line in report.lines:
        table.add_row(Text(line.check), Text(line.result, COLORS.get(line.result, "dim")), Text(line.remark))
    console.print(table)
    for number, finding in enumerate(report.findings, 1):
        name = f" [{finding.symptom}]" if finding.symptom else ""
        what = f"{finding.where}: {finding.what}{name}"
        show_finding(console, number, finding.severity, what, finding.why, finding.fix)
    for sentence in report.unseen:
        console.print(Text(f"not seen: {sentence}", "dim"), soft_wrap=True)
    if report.is_blind:
        console.print(
            Text(f"Whether Multus serves pods is not known: ask as somebody who may read {_NEEDED_IN_WORDS}.")
        )
    elif not report.findings:
        console.print(Text("Nothing is wrong.", "green"))


def show_advice(given: Advice, console: Console) -> None:
    """Print advice for people."""
    table = Table("question", "answer", "why")
    for step in given.steps:
        table.add_row(Text(step.question), Text(step.answer), Text(step.reason))
    console.print(table)
    for command in given.commands:
        console.print(Text(command), soft_wrap=True)
