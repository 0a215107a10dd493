"""What a check of a network has to say, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..doctor.findings import Severity
from ..shown_findings import COLORS, show_finding
from .choice import Choice
from .judgement import judge
from .questions import MOST_NEIGHBOURS
from .seen import Seen
from .verdict import Aspect, Result, Verdict

_SEVERITIES = {Result.ERROR: Severity.ERROR, Result.WARNING: Severity.WARNING}
_WIDEST = 1000


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong on one node."""

    node: str
    aspect: Aspect
    severity: Severity
    what: str
    why: str
    fix: str


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        network: `namespace/name`.
        plugin: the plugin that makes the interface; empty where only the nodes know.
        verdicts: by node and aspect.
        unseen: what could not be looked at, in sentences.
        is_partial: whether something of that decides.
    """

    network: str
    plugin: str
    verdicts: Mapping[str, Mapping[Aspect, Verdict]] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    is_partial: bool = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, worst first."""
        found = [
            Finding(node, aspect, _SEVERITIES[each.result], each.what, each.why, each.fix)
            for node, of_node in self.verdicts.items()
            for aspect, each in of_node.items()
            if each.result in _SEVERITIES
        ]
        return tuple(sorted(found, key=lambda each: each.severity))

    @property
    def is_well(self) -> bool | None:
        """Whether the network does what it is for; None where too little was seen to say so."""
        if any(each.severity is Severity.ERROR for each in self.findings):
            return False
        return None if self.is_partial else True

    def as_json(self) -> str:
        """The same for programs."""
        nodes = [
            {"node": node, **{aspect.value: {"result": each.result, "said": each.cell} for aspect, each in row.items()}}
            for node, row in self.verdicts.items()
        ]
        findings = [
            {
                "node": each.node,
                "aspect": each.aspect,
                "severity": each.severity,
                "what": each.what,
                "why": each.why,
                "fix": each.fix.splitlines(),
            }
            for each in self.findings
        ]
        document = {
            "well": self.is_well,
            "network": self.network,
            "plugin": self.plugin,
            "nodes": nodes,
            "findings": findings,
            "unseen": self.unseen,
        }
        return json.dumps(document, indent=2)


def report_of(seen: Seen, choice: Choice) -> Report:
    """What was seen, judged, and what was not seen."""
    verdicts = judge(seen)
    hidden: dict[str, list[str]] = {}
    for node, row in verdicts.items():
        for each in row.values():
            if each.result is Result.UNSEEN and each.what:
                hidden.setdefault(each.what, []).append(node)
    unseen = [f"{', '.join(nodes)}: {what}" for what, nodes in hidden.items()]
    unseen += _beside(seen, choice)
    is_partial = bool(choice.missed) or any(each.decides for row in verdicts.values() for each in row.values())
    return Report(str(seen.network.name), seen.network.plugin, verdicts, tuple(unseen), is_partial)


def _beside(seen: Seen, choice: Choice) -> Iterator[str]:
    for node, reason in ({**choice.missed, **choice.elsewhere}).items():
        yield f"{node}: {reason}"
    if seen.holders is None:
        yield "addresses of other pods: the kubeconfig's account may not list the pods of all namespaces"
    if len([*seen.attached]) > MOST_NEIGHBOURS + 1:
        yield f"all pairs of pods: each pod has asked the next {MOST_NEIGHBOURS}"


def show(report: Report, console: Console) -> None:
    """Print a report for people."""
    plugin = f" ({report.plugin})" if report.plugin else ""
    console.print(Text.assemble(("network: ", "bold"), f"{report.network}{plugin}"), soft_wrap=True)
    table = _table(report)
    # Eighty columns hold it but for long addresses, of which nothing is to be left out.
    needed = console.measure(table, options=console.options.update(max_width=_WIDEST)).minimum
    console.width = max(console.width, needed)
    console.print(table)
    for number, each in enumerate(report.findings, 1):
        show_finding(
            console, number, each.severity, f"node {each.node}: {each.aspect}: {each.what}", each.why, each.fix
        )
    for sentence in report.unseen:
        console.print(Text(f"not seen: {sentence}", "dim"), soft_wrap=True)
    if report.is_well is None:
        said = "Nothing is wrong as far as was seen, which is too little to call the network well."
        console.print(Text(said), soft_wrap=True)
    elif not report.findings:
        console.print(Text("Nothing is wrong.", "green"))


def _table(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    columns = {"node": [Text(node) for node in report.verdicts]}
    for aspect in Aspect:
        verdicts = [row[aspect] for row in report.verdicts.values()]
        columns[aspect.value] = [Text(each.cell, COLORS.get(each.result, "dim")) for each in verdicts]
    for heading, cells in columns.items():
        words = [word for text in (heading, *map(str, cells)) for word in text.split()]
        table.add_column(heading, width=max(map(len, words)))
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table
