"""The table of docs/benchmarks.md: one cell of it through its command, on the lab that runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab.churn.upstream import manifest
from lab.looks import LOOKS
from tests.support.lab.cells import Cell
from tests.support.lab.clusters import Clusters
from tests.support.paths import ROOT

CELL = Cell("k3s")
MARKS = "# Page\n\n<!-- churn: begin --><!-- churn: end -->\n"


def test_a_cell_is_measured_and_written_down(clusters: Clusters, tmp_path: Path) -> None:
    lab = clusters.lab(CELL)
    figures, page = tmp_path / "figures.json", tmp_path / "page.md"
    page.write_text(MARKS)
    cell = ["--install", "upstream-thin", "--disturbance", "first-install", "--distro", CELL.distro]
    files = ["--results", str(figures), "--page", str(page)]
    done = subprocess.run(
        [sys.executable, "-m", "lab", "churn", *cell, *files, "--keep", "--instance", lab.cluster.instance],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [found] = json.loads(figures.read_text())
    assert found["pods"] > found["promised"] > 0
    assert [found[key] for key in ("error", "lost", "never_ran", "silent", "failed", "leaked")] == ["", 0, 0, 0, 0, {}]
    assert 0 < found["median"] <= found["slowest"]
    assert f"| 0 / 0 / 0 / 0 of {found['pods']} |" in page.read_text()
    assert "<svg" in (tmp_path / "img" / "churn.svg").read_text()
    assert lab.cluster.control_plane.running


@pytest.mark.parametrize("look", ["k3s", "vanilla"])
@pytest.mark.parametrize("plugin", ["thin", "thick"])
def test_upstreams_manifest_fits_the_nodes(plugin: str, look: str) -> None:
    found = manifest(plugin, LOOKS[look], log_level="error")
    [spec] = [each["spec"]["template"]["spec"] for each in found if each["kind"] == "DaemonSet"]
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in spec["volumes"] if "hostPath" in volume}
    assert paths["cni"] == str(LOOKS[look].conf_dir)
    assert paths["cnibin"] == str(LOOKS[look].bin_dir)
    text = json.dumps(found)
    assert "--multus-log-level=error" in text or r"\"logLevel\": \"error\"" in text
    [multus] = spec["containers"]
    mounted = {mount["mountPath"] for mount in multus["volumeMounts"]}
    assert plugin == "thin" or str(LOOKS[look].plugin_dir) in mounted
