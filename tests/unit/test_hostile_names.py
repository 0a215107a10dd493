"""Names of files that somebody has chosen on a node, in the commands that doctor prints: each stays a name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from multus_ops.doctor.case import Case
from multus_ops.doctor.node_codes import NodeCode
from multus_ops.doctor.node_report import NodeFinding, NodeReport
from multus_ops.doctor.symptoms import find_symptoms
from tests.support.doctor_cases import NODE, THIN, conf, facts_of, flannel, healthy, with_confs

# Harmless where it is run: it would leave a file.
HOSTILE = "00-a'b\"c $(touch ran) `touch ran`; touch ran\n touch ran #${HOME}.conflist"
PATH = f"{THIN.cni_conf_dir}/{HOSTILE}"
_SSH = '#!/bin/sh\nuntil [ "$1" != "${1#*@}" ]; do shift; done\nshift\nexec sh -c "$*"\n'
_FILES = '#!/bin/sh\nfor word; do printf "%s\\0" "$word"; done >>words\n'


def coded(code: NodeCode) -> Case:
    finding = NodeFinding(severity="warning", code=code, where=PATH, what="is odd", fix=f"remove {PATH}", value=PATH)
    return healthy(reports={NODE: NodeReport(findings=(finding,), facts=facts_of(THIN))})


CASES: dict[str, tuple[Case, str]] = {
    "stale-files": (healthy(facts={"stale_files": (PATH,)}), PATH),
    "renamed-by-cilium": (healthy(facts={"confs": (), "renamed_confs": (f"{PATH}00-multus",)}), f"{PATH}00-multus"),
    # What comes after a blank is another word of the node's.
    "addresses-leaked": (healthy(facts={"leaked": (f"{PATH} 0a",)}), PATH.split()[0]),
    "conf-before-multus": (healthy(facts=with_confs(conf(THIN, HOSTILE, flannel(name="old")))), PATH),
    "multus-under-another-name": (healthy(facts=with_confs(conf(THIN, HOSTILE, {"type": "multus"}))), PATH),
    "cache-emptied": (coded(NodeCode.CACHE_EMPTIED), PATH),
    "conf-chained": (coded(NodeCode.CONF_CHAINED), ""),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file_of_any_name_is_that_file(name: str, tmp_path: Path) -> None:
    case, expected = CASES[name]
    fixes = [found.fix for found in find_symptoms(case) if found.symptom == name]
    assert fixes
    tools = tmp_path / "tools"
    tools.mkdir()
    texts = {"ssh": _SSH, "rm": _FILES, "mv": _FILES, "kubectl": "", "pulumi": ""}
    for tool, text in texts.items():
        (tools / tool).write_text(text or "#!/bin/sh\n")
        (tools / tool).chmod(0o755)
    environment = {"PATH": f"{tools}:/usr/bin:/bin"}
    for fix in fixes:
        subprocess.run(["sh", "-c", fix], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert not any(tmp_path.rglob("ran"))
    written = tmp_path / "words"
    assert not expected or expected in written.read_text().split("\0")
