"""Which plugins Pulumi runs with: the official ones where they can be had, else the stand-ins."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path

from lab import forks
from lab.errors import LabError


class PluginSource(StrEnum):
    """Whose Pulumi plugins to run with: `auto` takes the official ones where they can be had."""

    AUTO = "auto"
    OFFICIAL = "official"
    STANDIN = "standin"


_PROGRAMS = {
    "pulumi-language-python": "lab.standins.language",
    "pulumi-resource-kubernetes": "lab.standins.kubernetes",
    "pulumi-resource-command": "lab.standins.command",
}
_DOWNLOADS = (("kubernetes", "pulumi_kubernetes"), ("command", "pulumi_command"))
# An answer takes seconds; a network that swallows packets never answers.
_DOWNLOAD_SECONDS = 60
_UNAVAILABLE = "downloads-failed"


@dataclass(frozen=True)
class Plugins:
    """The plugins of a stack; `folder` goes in front of PATH where the stand-ins are used."""

    official: bool
    reason: str
    folder: Path | None = None

    def __str__(self) -> str:
        kind = "the official ones" if self.official else "the lab's stand-ins, not the official ones"
        return f"Pulumi's plugins are {kind}: {self.reason}."


def choose(source: PluginSource, state: Path, pulumi: Path, environment: Mapping[str, str]) -> Plugins:
    """Decide, and write the stand-ins' wrappers where they are used."""
    if source is PluginSource.STANDIN:
        return _standins(state, "LAB_PLUGINS or --plugins says so")
    missing = [name for name in _PROGRAMS if not shutil.which(name, path=environment["PATH"])]
    if not missing:
        return Plugins(official=True, reason="they are on PATH")
    if _downloaded(missing, state, pulumi, environment):
        return Plugins(official=True, reason="Pulumi has downloaded them")
    reason = f"{', '.join(missing)} can be found neither on PATH nor by a download"
    if source is PluginSource.OFFICIAL:
        raise LabError(f"the official Pulumi plugins are asked for, but {reason}")
    return _standins(state, reason)


def _downloaded(missing: list[str], state: Path, pulumi: Path, environment: Mapping[str, str]) -> bool:
    """Try once per lab; the language host comes with Pulumi's own distribution and with nothing else."""
    failed = state / _UNAVAILABLE
    if "pulumi-language-python" in missing or failed.exists():
        return False
    for plugin, package in _DOWNLOADS:
        command = [str(pulumi), "plugin", "install", "resource", plugin, version(package)]
        try:
            subprocess.run(command, env=environment, capture_output=True, check=True, timeout=_DOWNLOAD_SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            failed.touch()
            return False
    return True


def _standins(state: Path, reason: str) -> Plugins:
    folder = state / "plugins"
    folder.mkdir(parents=True, exist_ok=True)
    checkout = Path(__file__).resolve().parents[2]
    for name, module in _PROGRAMS.items():
        wrapper = folder / name
        run = shlex.join(forks.command("-m", module))
        wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={checkout} exec {run} "$@"\n')
        wrapper.chmod(0o755)
    return Plugins(official=False, reason=reason, folder=folder)
