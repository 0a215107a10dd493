"""The project's own command line on a lab, as a user of its stack or of its kubeconfig runs it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from lab import forks
from lab.engine import Result
from tests.support.paths import ROOT

from .clusters import Lab


def of_stack(lab: Lab) -> list[str]:
    """The options that name the lab's stack."""
    return ["--stack", lab.stack.name, "--config-file", str(lab.stack.config_file)]


def of_cluster(lab: Lab) -> list[str]:
    """The options that name the cluster alone."""
    return ["--kubeconfig", str(lab.cluster.kubeconfig)]


def multus(lab: Lab, command: str, *options: str) -> Result:
    """Run a command; what it prints never is a traceback."""
    environment = {**os.environ, **lab.stack.environment()}
    ended = subprocess.run(
        forks.command("-m", "multus_ops", command, *options),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return Result(f"multus {command}", ended.returncode, ended.stdout, ended.stderr, lab.stack.log)


def answered(lab: Lab, command: str, *options: str) -> dict[str, Any]:
    """What a command says of itself in JSON, once it is sure that it has ended well."""
    result = multus(lab, command, "--json", *options)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    found: dict[str, Any] = json.loads(result.stdout)
    return found
