"""What the node program itself finds is judged at the place that it names, so that its plain finding is an echo."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from multus_ops.doctor import node_signs
from multus_ops.doctor.node_codes import NodeCode
from multus_ops.doctor.node_report import NodeFinding, NodeReport
from tests.support.doctor_cases import NODE, facts_of, healthy, plan_of

JUDGED = {
    NodeCode.DEFAULT_NETWORK_CHANGED: node_signs.default_network_changed,
    NodeCode.CONF_REWRITTEN: node_signs.conf_rewritten,
    NodeCode.CACHE_EMPTIED: node_signs.cache_emptied,
}


@pytest.mark.parametrize("code", JUDGED, ids=lambda code: code.value)
def test_a_finding_of_the_node_is_judged_where_the_node_says(code: NodeCode) -> None:
    found = NodeFinding(severity="warning", code=code, where="/a b", what="is odd", fix="mend it", value="")
    case = healthy()
    report = NodeReport(findings=(found,), facts=facts_of(plan_of()))
    sick = replace(case, snapshot=replace(case.snapshot, reports={NODE: report}))
    [occurrence] = JUDGED[code](sick)
    assert (occurrence.where, occurrence.what) == (f"{NODE}: /a b", "is odd")
    # ssh hands the command to a second shell.
    assert shlex.split(shlex.split(occurrence.values["file"])[0]) == ["/a b"]
    assert [*JUDGED[code](case)] == []
    assert not [each for other in JUDGED if other is not code for each in JUDGED[other](sick)]
