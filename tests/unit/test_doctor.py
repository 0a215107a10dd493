"""How a report is made of findings, and that it is whole for programs."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest
from rich.console import Console

from multus_ops.doctor import examine as doctor
from multus_ops.doctor.findings import Check, Finding, Severity
from multus_ops.doctor.node_report import NodeReport, decoded_claims
from multus_ops.doctor.snapshot import Kind
from multus_ops.doctor.symptoms import find_symptoms
from multus_ops.ssh import NodeResult
from tests.support.doctor_cases import healthy, plan_of

LONG = "pulumi config set --stack lab --path multus:resources.limits.memory 512Mi" + " x" * 60
ERROR = Finding(Check.CONF, Severity.ERROR, "one: /x", "is [bold]broken[/bold]", "It matters.", LONG, "conf-not-json")
WARNING = Finding(Check.CONF, Severity.WARNING, "one: /y", "is stale", "It may matter.", "rm /y")


def report(*found: Finding) -> doctor.Report:
    case = healthy()
    lines = tuple(doctor.lines(case, found, smoked=False))
    return doctor.Report({"nodes": "1"}, lines, found, ("something",))


@pytest.mark.parametrize(
    ("found", "result", "well"), [((), "ok", True), ((WARNING,), "warning", True), ((ERROR, WARNING), "error", False)]
)
def test_a_check_is_as_bad_as_its_worst_finding(found: tuple[Finding, ...], result: str, well: bool) -> None:
    made = report(*found)
    assert {line.check: line.result for line in made.lines}[Check.CONF.value] == result
    assert made.is_well is well


def test_what_was_not_looked_at_is_said() -> None:
    without_ssh = doctor.lines(healthy(reports={}), [], smoked=False)
    results = {line.check: line.result for line in without_ssh}
    assert results[Check.CONF.value] == "not seen"
    assert results[Check.SMOKE.value] == "not tried"
    assert results[Check.RBAC.value] == "ok"
    before = {line.check: line.result for line in doctor.lines(healthy(daemon_sets=()), [], smoked=True)}
    assert before[Check.RBAC.value] == "not there"
    assert before[Check.SMOKE.value] == "ok"


def test_what_may_not_be_read_is_called_neither_well_nor_gone() -> None:
    """Not even who sees a file of Multus alone says that there is no Multus."""
    case = healthy(daemon_sets=(), unseen=frozenset({Kind.DAEMON_SETS, Kind.NETWORKS}))
    assert not [each for each in find_symptoms(case) if each.symptom == "conf-left-behind"]
    lines = {line.check: line for line in doctor.lines(case, [], smoked=False)}
    assert (lines[Check.DAEMON_SETS.value].result, lines[Check.NETWORKS.value].result) == ("not seen", "not seen")
    assert lines[Check.IMAGE.value].remark == "the account may not read DaemonSets"
    blind = dataclasses.replace(report(), is_blind=True)
    shown = io.StringIO()
    doctor.show(blind, Console(file=shown))
    assert "Nothing is wrong" not in shown.getvalue()
    assert "Whether Multus serves pods is not known" in shown.getvalue()


# What only adds to what is read otherwise: an API server refuses to list what is not installed, too.
BESIDES = {Kind.API_GROUPS, Kind.NODE_NETWORKS, Kind.ENDPOINT_SLICES}
# Without these nobody knows whether pods get their networks.
DECIDING = {Kind.NODES, Kind.DAEMON_SETS, Kind.PODS, Kind.EVENTS}


@pytest.mark.parametrize("kind", Kind)
def test_whatever_may_not_be_read_is_told_at_its_check(kind: Kind) -> None:
    unseen = frozenset({kind})
    remarks = [line.remark for line in doctor.lines(healthy(unseen=unseen), [], smoked=True)]
    assert any(kind in remark for remark in remarks) is (kind not in BESIDES)
    assert doctor.is_blind(unseen) is (kind in DECIDING)


@pytest.mark.parametrize(
    ("found", "blind", "well"), [((), False, True), ((), True, None), ((ERROR,), False, False), ((ERROR,), True, False)]
)
def test_programs_are_not_told_that_all_is_well_where_nobody_knows(
    found: tuple[Finding, ...], blind: bool, well: bool | None
) -> None:
    made = dataclasses.replace(report(*found), is_blind=blind)
    assert json.loads(made.as_json())["well"] is well


def test_people_get_commands_that_can_be_copied() -> None:
    shown = io.StringIO()
    doctor.show(report(ERROR, WARNING), Console(file=shown, width=60))
    text = shown.getvalue()
    assert f"$ {LONG}\n" in text
    assert "is [bold]broken[/bold]" in text
    assert "conf-not-json" in text


def test_programs_get_everything() -> None:
    document = json.loads(report(ERROR).as_json())
    [finding] = document["findings"]
    assert finding["severity"] == "error"
    assert finding["fix"] == [LONG]
    assert finding["symptom"] == "conf-not-json"
    assert len(document["checks"]) == len(Check)
    assert document["unseen"] == ["something"]


def test_a_node_is_told_what_its_plan_says_and_no_secret() -> None:
    plan = plan_of()
    words = doctor.words(plan, plan.nodes[0])
    assert words[:3] == ["diagnose", "--conf-dir", plan.cni_conf_dir]
    assert words[words.index("--server") + 1] == "https://127.0.0.1:6444"
    assert plan.nodes[0].private_key not in words


def test_an_answer_that_cannot_be_read_is_told_without_its_content() -> None:
    with pytest.raises(ValueError, match="its answer cannot be read") as raised:
        doctor.report_of(NodeResult("one", 0, '{"facts": {"confs": "credentials"'))
    assert "credentials" not in str(raised.value)
    with pytest.raises(ValueError, match="sorry"):
        doctor.report_of(NodeResult("one", unreachable="sorry"))
    assert doctor.report_of(NodeResult("one", 0, '{"findings":[],"facts":{}}')) == NodeReport()


def test_the_content_of_configurations_is_in_no_representation() -> None:
    assert "10-flannel" in repr(healthy())
    assert '"flannel"' not in repr(healthy())


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("", {}),
        ("e30", {}),
        ("bm8", {}),
        ("W10", {}),
        ("!!", {}),
        ("eyJzdWIiOiAibXVsdHVzIn0", {"sub": "multus"}),
        ("eyJzdWIiOiAi\n bXVsdHVzIn0=", {"sub": "multus"}),
    ],
    ids=["nothing", "empty", "no-json", "list", "no-base64", "claims", "wrapped"],
)
def test_claims_of_any_text(payload: str, expected: dict[str, str]) -> None:
    assert decoded_claims(payload) == expected
