"""What users install: wheels from a checkout, from git and from a source distribution, in an environment of their own.

One environment has the component's wheel and what it asks for, a second one the tools as well. `make` has installed all
that they ask for here, by the same requirements: each environment gets just those packages, and nothing is fetched.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import multus
from multus.chart_archive import pack
from tests.support.checkouts import copy_checkout, is_clean
from tests.support.construct import construct
from tests.support.paths import CHART, COMPONENTS, ROOT
from tests.support.plugin import COMMITTED_SCHEMA, serve_schema


@dataclass(frozen=True)
class Wheels:
    """What was built, and from which copy of the checkout."""

    checkout: Path
    from_git: Path
    from_sdist: Path
    tools: Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        [found] = (self.folder / "lib").glob("python*/site-packages")
        return found

    def run(self, *command: str | Path, cwd: Path, **variables: str) -> str:
        """What a program prints in a folder that has nothing to do with this checkout, without this process's paths."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        done = subprocess.run(command, cwd=cwd, env=kept | variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def make_environment(folder: Path, *wheels: Path) -> Environment:
    """An environment with these wheels and what they ask for. pip refuses it if anything of that is missing."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    made = Environment(folder)
    for each in {found.name: found for found in asked_for(*wheels)}.values():
        for file in each.files or ():
            # Console scripts lie elsewhere.
            if ".." not in file.parts:
                place = made.packages / file
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(Path(str(each.locate_file(file))))
    pip = [sys.executable, "-m", "pip", "--python", str(made.python)]
    subprocess.run([*pip, "install", "--quiet", "--no-compile", "--no-index", *map(str, wheels)], check=True)
    return made


def asked_for(*wheels: Path) -> Iterator[Distribution]:
    """The distributions that these wheels ask for, with what those ask for, as they are installed here."""
    about = [metadata_of(wheel) for wheel in wheels]
    seen = {(canonicalize_name(each["Name"]), frozenset[str]()) for each in about}
    waiting = [(text, {""}) for each in about for text in each.get_all("Requires-Dist")]
    while waiting:
        text, extras = waiting.pop()
        asked = Requirement(text)
        key = (canonicalize_name(asked.name), frozenset(asked.extras))
        if key in seen or (asked.marker and not any(asked.marker.evaluate({"extra": each}) for each in extras)):
            continue
        seen.add(key)
        found = distribution(asked.name)
        waiting += [(each, {"", *asked.extras}) for each in found.requires or ()]
        yield found


def content_of(wheel: Path) -> dict[str, bytes]:
    """Every file but the list of the files, whose order is the builder's."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}


def metadata_of(wheel: Path) -> Any:
    [text] = [content for name, content in content_of(wheel).items() if name.endswith(".dist-info/METADATA")]
    return HeaderParser().parsestr(text.decode())


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    folder = tmp_path_factory.mktemp("wheels")
    checkout = copy_checkout(folder / "checkout")
    build = [sys.executable, "-m", "build", "--no-isolation"]
    # Without a word about what, `build` makes a source distribution and the wheel from that.
    subprocess.run([*build, "--outdir", folder / "sdist", checkout / "components"], check=True)
    subprocess.run([*build, "--wheel", "--outdir", folder / "tools", checkout / "operations"], check=True)
    source = f"git+file://{checkout}#subdirectory=components"
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", folder / "git", source], check=True)
    [from_git], [from_sdist], [tools] = ([*(folder / name).glob("*.whl")] for name in ("git", "sdist", "tools"))
    return Wheels(checkout, from_git, from_sdist, tools)


@pytest.fixture(scope="module")
def alone(wheels: Wheels, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The component and what it asks for."""
    return make_environment(tmp_path_factory.mktemp("alone") / "venv", wheels.from_git)


@pytest.fixture(scope="module")
def with_tools(wheels: Wheels, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The tools beside it."""
    return make_environment(tmp_path_factory.mktemp("tools") / "venv", wheels.from_git, wheels.tools)


def test_wheels_are_the_same_from_git_and_from_a_source_distribution(wheels: Wheels) -> None:
    assert content_of(wheels.from_git) == content_of(wheels.from_sdist)


def test_building_leaves_the_checkout_clean(wheels: Wheels) -> None:
    assert is_clean(wheels.checkout)


def test_both_wheels_have_one_version_and_belong_together(wheels: Wheels) -> None:
    component, tools = metadata_of(wheels.from_git), metadata_of(wheels.tools)
    assert component["Version"] == tools["Version"] == multus.__version__
    assert f"multus-component=={multus.__version__}" in tools.get_all("Requires-Dist")


def test_the_wheel_has_every_file_of_the_package_and_of_the_chart(wheels: Wheels) -> None:
    content = content_of(wheels.from_git)
    folders = {COMPONENTS / "multus": "multus", CHART: "multus/chart"}
    expected = {
        f"{place}/{file.relative_to(folder)}": file.read_bytes()
        for folder, place in folders.items()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    expected["multus/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    assert {name: data for name, data in content.items() if ".dist-info/" not in name} == expected


def test_the_component_is_constructed_with_its_requirements_alone(
    alone: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The checkout lends the monitor that records; the component is the installed one.
    found = json.loads(alone.run(alone.python, "-m", construct.__module__, cwd=tmp_path, PYTHONPATH=str(ROOT)))
    assert Path(found["file"]).is_relative_to(alone.packages)
    assert found["version"] == multus.__version__
    monkeypatch.chdir(tmp_path)
    assert found["registered"] == {method: construct(method) for method in ("manifest", "helm")}


@pytest.mark.parametrize("name", ["kubernetes", "asyncssh", "rich", "typer", "multus_ops"])
def test_the_tools_packages_are_not_there(alone: Environment, tmp_path: Path, name: str) -> None:
    program = f"import importlib.util; print(importlib.util.find_spec({name!r}))"
    assert alone.run(alone.python, "-I", "-c", program, cwd=tmp_path) == "None\n"


def test_the_plugin_serves_its_schema_with_its_requirements_alone(alone: Environment) -> None:
    """As Pulumi runs it: from the checkout's folder, with an interpreter that has requirements.txt installed."""
    assert serve_schema(alone.python) == json.loads(COMMITTED_SCHEMA.read_text(encoding="utf-8"))


def test_an_installed_chart_is_the_checkouts(
    alone: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "from multus.chart_archive import pack; print(pack().version)"
    installed = alone.run(alone.python, "-I", "-c", program, cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert installed.strip() == pack().version


def test_multus_ops_runs_from_any_folder(with_tools: Environment, tmp_path: Path) -> None:
    command = with_tools.folder / "bin" / "multus-ops"
    assert "doctor" in with_tools.run(command, "--help", cwd=tmp_path)
    rendered = with_tools.run(command, "render", "--set", "distro=k3s", cwd=tmp_path)
    assert "kind: DaemonSet" in rendered
