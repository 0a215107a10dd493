"""The lab's grounds: what they pin is what lab/README.md says, and a name that is none is refused."""

from __future__ import annotations

import re

import pytest

from lab import gobuild
from lab.cluster import Shape
from lab.errors import LabError
from lab.grounds import GROUNDS, OLDEST, TODAY, Ground
from lab.programs import CONTAINERD, CRI_TOOLS, Build
from tests.support.paths import ROOT


def pinned(build: Build) -> str:
    return gobuild.pinned_version(build).removeprefix("v")


def row(name: str) -> list[str]:
    [cells] = re.findall(rf"^\| {name} \| (.+) \|$", (ROOT / "lab" / "README.md").read_text(), re.M)
    return [str(cell).partition(",")[0].strip() for cell in cells.split("|")]


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=lambda ground: ground.name)
def test_the_table_says_the_pinned_versions(ground: Ground) -> None:
    place = list(GROUNDS).index(ground.name)
    assert pinned(ground.plugins).startswith(row("CNI plugins")[place])
    assert pinned(ground.helm).startswith(row("Helm")[place])
    for name, build in (("containerd", CONTAINERD), ("crictl", CRI_TOOLS)):
        if build in ground.node_programs:
            assert pinned(build).startswith(row(name)[place])


def test_kubernetes_is_built_once() -> None:
    [of_today], [of_oldest] = (
        [build for build in ground.builds if build.name == "kubernetes"] for ground in (TODAY, OLDEST)
    )
    assert of_today is of_oldest
    assert pinned(of_today).startswith(row("Kubernetes")[0])


def test_helm_is_no_part_of_a_boot() -> None:
    assert all(ground.helm not in ground.builds for ground in GROUNDS.values())


def test_another_ground_is_refused() -> None:
    with pytest.raises(LabError, match="no ground is called newest: there are today, oldest"):
        Shape(ground="newest")
