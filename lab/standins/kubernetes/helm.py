"""The `helm` program on the provider's cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab import prepare
from lab.grounds import OLDEST
from lab.standins.errors import ProviderError
from lab.standins.kubernetes.cluster import Object

_POLL_SECONDS = 0.3
# Helm's own library says the sentence alone; the program says which command has failed.
_PREFIXES = ("INSTALLATION FAILED: ", "UPGRADE FAILED: ")
_NOT_FOUND = "release: not found"


class HelmError(ProviderError):
    """The helm program said no."""


@dataclass(frozen=True)
class Record:
    """What the cluster keeps of a release's latest revision."""

    revision: int
    status: str
    chart: str
    version: str
    app_version: str
    values: Object
    manifest: str

    def resource_names(self) -> dict[str, list[str]]:
        """The names of the release's objects, grouped as the official provider does."""
        names: dict[str, set[str]] = {}
        for item in _objects(self.manifest):
            group = item["apiVersion"].rpartition("/")[0]
            kind = f"{item['kind']}.{group}" if group else item["kind"]
            about = item["metadata"]
            name = f"{about['namespace']}/{about['name']}" if about.get("namespace") else about["name"]
            names.setdefault(f"{kind}/{item['apiVersion']}", set()).add(name)
        return {key: sorted(found) for key, found in names.items()}


class Helm:
    """Runs helm against one cluster; `folder` is for what it needs to find there."""

    def __init__(self, kubeconfig: Object, context: str | None, folder: Path, cancelled: threading.Event) -> None:
        file = folder / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(kubeconfig))
        self._options = ["--kubeconfig", str(file), *(["--kube-context", context] if context else [])]
        # Else what the API server of a cluster once served is kept in the user's home.
        self._environment = {**os.environ, "KUBECACHEDIR": str(folder / "cache")}
        self._cancelled = cancelled
        self._running: set[subprocess.Popen[str]] = set()

    def run(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """What helm prints; values go to its standard input, where no process list shows them."""
        # The official provider carries Helm 3.
        program, standard_input = str(prepare.helm(OLDEST)), ["--values", "-"] if values is not None else []
        words = [program, *self._options, *arguments, *standard_input]
        process = subprocess.Popen(
            words,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._running.add(process)
        try:
            stdout, stderr = self._end(process, "" if values is None else json.dumps(values))
        finally:
            self._running.discard(process)
        if process.returncode:
            raise HelmError(_sentence(stderr) or f"helm {arguments[0]} ended with {process.returncode}")
        return stdout

    def _end(self, process: subprocess.Popen[str], stdin: str) -> tuple[str, str]:
        given: str | None = stdin
        interrupted = False
        while True:
            try:
                return process.communicate(given, timeout=_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                given = None
            if self._cancelled.is_set() and not interrupted:
                interrupted = True
                process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End what runs as the end of the provider's process would."""
        for process in list(self._running):
            process.kill()

    def chart(self, *arguments: str) -> Object:
        """A chart's Chart.yaml."""
        shown: Object = yaml.safe_load(self.run("show", "chart", *arguments))
        return shown

    def record(self, namespace: str, name: str) -> Record | None:
        """The release's latest revision, if there is any."""
        place = (name, "--namespace", namespace, "--output", "json")
        try:
            about = json.loads(self.run("get", "metadata", *place))
            kept = json.loads(self.run("status", *place))
        except HelmError as error:
            if _NOT_FOUND in str(error):
                return None
            raise
        return Record(
            revision=about["revision"],
            status=about["status"],
            chart=about["chart"],
            version=about["version"],
            app_version=about["appVersion"],
            values=kept.get("config") or {},
            manifest=kept["manifest"],
        )


def _sentence(stderr: str) -> str:
    """The error without what was printed before it and without the name of the command."""
    said = stderr.rpartition("Error: ")[2].removesuffix("\n")
    for prefix in _PREFIXES:
        said = said.removeprefix(prefix)
    return said


def _objects(manifest: str) -> Iterator[Object]:
    for item in yaml.load_all(manifest, yaml.CSafeLoader):
        if item:
            yield item
