"""The example of a chart that has this one as its dependency."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.support.helm_template import Helm, Objects
from tests.support.paths import CHART, ROOT

NAME = "umbrella-chart"


@pytest.fixture(scope="module")
def umbrella(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example beside the chart as in the checkout, so that its relative path holds."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(CHART, root / "charts" / "multus")
    built = Path(shutil.copytree(ROOT / "examples" / NAME, root / "examples" / NAME))
    shutil.rmtree(built / "charts", ignore_errors=True)
    helm.run("dependency", "build", built, cwd=root)
    return built


def rendered(helm: Helm, umbrella: Path, folder: Path, *words: str) -> Objects:
    return helm.template({}, folder, "--skip-tests", *words, chart=umbrella)


def test_multus_is_installed_with_the_condition(helm: Helm, umbrella: Path, tmp_path: Path) -> None:
    made = rendered(helm, umbrella, tmp_path, "--set", "multus.enabled=true")
    assert ("DaemonSet", "kube-multus-ds") in made
    assert made == rendered(helm, umbrella, tmp_path)


def test_nothing_is_installed_without_it(helm: Helm, umbrella: Path, tmp_path: Path) -> None:
    assert rendered(helm, umbrella, tmp_path, "--set", "multus.enabled=false") == {}


def test_its_values_are_the_charts_for_k3s(helm: Helm, umbrella: Path, tmp_path: Path) -> None:
    values = yaml.safe_load((CHART / "values-k3s.yaml").read_text())
    assert rendered(helm, umbrella, tmp_path) == helm.template(values, tmp_path, "--skip-tests")


def test_the_dependency_is_the_charts_version() -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    (dependency,) = yaml.safe_load((ROOT / "examples" / NAME / "Chart.yaml").read_text())["dependencies"]
    assert dependency["condition"] == "multus.enabled"
    assert dependency["version"] == f">={version}-0"
