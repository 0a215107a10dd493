"""What Helm makes of the chart, many sets of values at a time."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import CHART, ROOT

Objects = dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Helm:
    """The helm program, away from the user's own repositories and plugins."""

    program: Path

    def run(self, *words: str | Path, check: bool = True, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Run helm; with `check` it has to succeed."""
        done = subprocess.run(
            [self.program, *words],
            cwd=cwd,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "HELM_CACHE_HOME": str(cwd / ".helm"),
                # It ends before collecting garbage would gain anything.
                "GOGC": "off",
                "GOMEMLIMIT": "1GiB",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def template(
        self, values: Mapping[str, Any], folder: Path, *words: str, namespace: str = "kube-system", chart: Path = CHART
    ) -> Objects:
        """The objects of one set of values, by kind and name."""
        return _objects(_parts(self.run(*_template(values, folder, namespace, chart), *words, cwd=folder).stdout))

    def refusal(self, values: Mapping[str, Any], folder: Path, *words: str, namespace: str = "kube-system") -> str:
        """What Helm says to values that cannot work."""
        done = self.run(*_template(values, folder, namespace, CHART), *words, cwd=folder, check=False)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def template_all(self, values: Sequence[Mapping[str, Any]], folder: Path, *, namespace: str) -> list[Objects]:
        """The objects of many sets of values: each is a dependency of one chart, under a name of its own."""
        names = [f"case{index}" for index in range(len(values))]
        umbrella = _umbrella(names, folder)
        together = dict(zip(names, values, strict=True))
        printed = self.run(*_template(together, folder, namespace, umbrella), "--skip-tests", cwd=folder).stdout
        parts = _parts(printed)
        return [_objects([part for part in parts if part[0].split("/")[2] == name]) for name in names]

    def schema_refusals(self, values: Sequence[Mapping[str, Any]], folder: Path) -> list[str | None]:
        """What the chart's schema says to each of many sets of values, in the same way; None where it says nothing."""
        names = [f"case{index}" for index in range(len(values))]
        umbrella = _umbrella(names, folder)
        together = dict(zip(names, values, strict=True))
        printed = self.run(*_template(together, folder, "kube-system", umbrella), cwd=folder, check=False).stderr
        _, *parts = re.split(r"^(case\d+):$", printed.partition(_SCHEMA_REFUSES)[2], flags=re.MULTILINE)
        said = dict(zip(parts[::2], parts[1::2], strict=True))
        return [said.get(name) for name in names]


_SCHEMA_REFUSES = "values don't meet the specifications of the schema(s)"


def _umbrella(names: Sequence[str], folder: Path) -> Path:
    """A chart that has this one under each of these names."""
    umbrella = folder / "umbrella"
    (umbrella / "charts").mkdir(parents=True)
    (umbrella / "charts" / "multus").symlink_to(CHART)
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    dependencies = [{"name": "multus", "version": version, "alias": name} for name in names]
    about = {"apiVersion": "v2", "name": "umbrella", "version": "0.0.0", "dependencies": dependencies}
    (umbrella / "Chart.yaml").write_text(yaml.safe_dump(about))
    return umbrella


def _template(values: Mapping[str, Any], folder: Path, namespace: str, chart: Path) -> list[str | Path]:
    # JSON, since Helm's YAML takes `n` for false and PyYAML does not.
    file = folder / "values.json"
    file.write_text(json.dumps(values))
    return ["template", "multus", chart, "--namespace", namespace, "--values", file]


def _parts(printed: str) -> list[tuple[str, dict[str, Any]]]:
    """Every object with the template that it comes from."""
    found = []
    for text in re.split(r"^---$", printed, flags=re.MULTILINE):
        source = re.search(r"^# Source: (\S+)$", text, re.MULTILINE)
        loaded = yaml.load(text, Loader=yaml.CSafeLoader)
        if source and loaded:
            found.append((source[1], loaded))
    return found


def _objects(parts: list[tuple[str, dict[str, Any]]]) -> Objects:
    return {(each["kind"], each["metadata"]["name"]): each for _, each in parts}
