"""One stack, read as the program reads it: what the command line has to know to reach its cluster and its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import yaml

from multus.args import MultusComponentArgs
from multus.errors import Problem
from multus.plan import InstallPlan, resolve
from multus.settings import PROJECT, Configuration, SettingsError, read

from .pulumi_cli import PulumiCli

Values = Mapping[str, Mapping[str, Any]]
"""A stack's configuration by keys: `value`, and whether it is `secret`."""


@dataclass(frozen=True)
class StackConfig:
    """A stack's configuration.

    Attributes:
        pulumi: runs Pulumi on it.
        kubeconfig: the content of a kubeconfig of a cluster administrator.
        context: the context to use in it; its current one where None.
        component: the component's arguments, every node with its SSH key.
    """

    pulumi: PulumiCli
    kubeconfig: str = field(repr=False)
    context: str | None
    component: MultusComponentArgs = field(repr=False)

    @classmethod
    def load(cls, name: str, folder: Path = Path(), config_file: Path | None = None) -> Self:
        """Ask Pulumi for a stack's configuration, secrets included.

        Raises:
            PulumiCliError: Pulumi, the project or the stack is not there, or its secrets cannot be read.
            SettingsError: the configuration cannot work.
        """
        pulumi = PulumiCli(name, folder, config_file)
        return cls.of(pulumi, cls.values(pulumi))

    @classmethod
    def of(cls, pulumi: PulumiCli, values: Values) -> Self:
        """The same from configuration values that were read before.

        Raises:
            SettingsError: the configuration cannot work.
        """
        found = _read(values)
        if found.problems:
            raise SettingsError(pulumi.stack, found.problems)
        return cls(pulumi, found.kubeconfig, found.context, found.component)

    @staticmethod
    def values(pulumi: PulumiCli) -> Values:
        """The stack's whole configuration as Pulumi has it, secrets included.

        Raises:
            PulumiCliError: Pulumi, the project or the stack is not there, or its secrets cannot be read.
        """
        found: Values = pulumi.json("config", "--json", "--show-secrets")
        return found

    @staticmethod
    def problems(values: Values) -> tuple[Problem, ...]:
        """Why a configuration cannot work; none when it can."""
        return _read(values).problems

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.pulumi.stack

    @cached_property
    def plan(self) -> InstallPlan:
        """The install that the configuration asks for."""
        return resolve(self.component)

    def outputs(self) -> dict[str, Any]:
        """The outputs of its last update; empty before the first. Secret ones are masked."""
        found: dict[str, Any] = self.pulumi.json("stack", "output", "--json", takes_config=False)
        return found


def is_of_this_project(values: Values) -> bool:
    """Whether a stack's configuration has a key of this project's program."""
    return any(key.startswith(f"{PROJECT}:") for key in values)


def project_name(folder: Path) -> str:
    """The name of the Pulumi project that a folder belongs to; empty where it cannot be told."""
    for place in (folder.resolve(), *folder.resolve().parents):
        try:
            project = yaml.safe_load((place / "Pulumi.yaml").read_text(encoding="utf-8"))
        except OSError:
            continue
        except (yaml.YAMLError, UnicodeDecodeError):
            return ""
        return str(project.get("name", "")) if isinstance(project, dict) else ""
    return ""


def _read(values: Values) -> Configuration:
    return read(
        {key: item.get("value", "") for key, item in values.items()},
        {key for key, item in values.items() if item.get("secret")},
    )
